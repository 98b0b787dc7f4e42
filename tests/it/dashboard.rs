//! `grafana_dashboard`: the twelve steps, each source, and each fact about dashboards that Grafana
//! surprises with.

use serde_json::{Value, json};

use crate::support::{Server, failed, fine, server, stand_in, stand_in_11, twelve_steps};

const MODULE: &str = "grafana_dashboard";

/// The server that is tested, and a stand-in of 11.5, where only `/api` is there.
fn both() -> [Server; 2] {
    [server(), stand_in_11()]
}

fn panels(title: &str, threshold: f64) -> Value {
    json!({
        "title": title,
        "tags": ["b", "a", "a"],
        "schemaVersion": 39,
        "panels": [{"id": 1, "type": "text", "title": "P", "options": {"value": threshold, "none": null}}],
    })
}

#[test]
fn twelve_steps_by_uid() {
    for server in both() {
        let uid = server.name("d");
        twelve_steps(
            &server,
            MODULE,
            json!({"uid": uid, "dashboard": panels("One", 1.0)}),
            json!({"uid": uid, "dashboard": panels("Another title", 2.5)}),
            json!({"uid": uid, "state": "absent"}),
        );
    }
}
