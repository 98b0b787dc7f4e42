//! `__module__`: the twelve steps, and each fact about __nouns__ that the service surprises with.

use serde_json::json;

use crate::support::{server, twelve_steps};

const MODULE: &str = "__module__";

#[test]
fn twelve_steps_by_name() {
    let server = server();
    let name = server.name("one");
    twelve_steps(
        &server,
        MODULE,
        json!({"name": name}),
        json!({"name": name}),
        json!({"name": name, "state": "absent"}),
    );
}
