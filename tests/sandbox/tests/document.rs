//! Everything that Grafana's OpenAPI document describes is imitated, or says by 501 that it is not.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use sandbox::{Config, Profile};
use serde_json::Value;

#[path = "client/mod.rs"]
mod client;

use client::send;

/// What a real one without a licence answers by 404 as well, by how the paths begin.
const ABSENT: [(&str, &str); 11] = [
    ("/access-control/assignments", "Enterprise"),
    ("/access-control/roles", "Enterprise"),
    ("/access-control/status", "Enterprise"),
    ("/datasources/uid/{uid}/lbac", "Enterprise"),
    ("/datasources/{dataSourceUID}/cache", "Enterprise"),
    ("/groupsync", "Enterprise"),
    ("/logout/saml", "Enterprise"),
    ("/dashboards/interpolate", "gone, though the document has it [dashboards_import]"),
    ("/search", "POST in the 11.5 document: lists of anonymous devices, which are under /anonymous"),
    ("/stats", "as the last"),
    ("/dashboards/uid/{uid}/trash", "behind a feature toggle in 11.5, gone in 12.4"),
];

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Operations that are answered as an unknown path is.
fn unknown(profile: Profile) -> Option<Vec<String>> {
    let file = format!("../../../shared/openapi/grafana-{}.json", profile.name());
    let Ok(bytes) = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file)) else {
        say(&format!("skipped: no OpenAPI document {file}"));
        return None;
    };
    let document: Value = serde_json::from_slice(&bytes).expect("the document is JSON");
    let server =
        sandbox::start(Config { profile, latency: Duration::ZERO, ..Config::default() }).expect("a port is free");
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("the document has paths") {
        for method in ["get", "post", "put", "patch", "delete"].into_iter().filter(|method| item.get(method).is_some())
        {
            // Nothing has this uid, so that no operation does anything.
            let path = path.replace("{resource}", "folders");
            let parts = path.split('/').map(|part| if part.starts_with('{') { "987654" } else { part });
            let address = format!("/api{}", parts.collect::<Vec<_>>().join("/"));
            let method = method.to_uppercase();
            let (status, text) = send(&server, &method, &address, &Value::Null, "");
            let excused = ABSENT.iter().any(|(begin, _)| path.starts_with(begin));
            if status == 404 && text.ends_with("{\"message\":\"Not found\"}") && !excused {
                found.push(format!("{method} {path}"));
            }
        }
    }
    Some(found)
}

#[test]
fn no_operation_of_the_document_is_an_unknown_path() {
    for profile in [Profile::V12_4, Profile::V11_5] {
        let Some(found) = unknown(profile) else { continue };
        assert!(found.is_empty(), "{}: {found:#?}", profile.name());
    }
}
