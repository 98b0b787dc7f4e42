//! The stand-in's own calls under `/_sandbox/`: reset, faults, journal, departures, seeds, switches.

use std::time::Duration;

use serde_json::{Value, json};

use crate::call::Call;
use crate::faults::Fault;
use crate::journal::Journal;
use crate::reply::{Reply, message};
use crate::server::{Server, lock};

/// Answers one of them; needs no credentials.
pub(crate) fn answer(server: &Server, call: &Call) -> Reply {
    let body: Value = if call.body.is_empty() {
        Value::Null
    } else {
        match serde_json::from_slice(&call.body) {
            Ok(body) => body,
            Err(error) => return message(400, format!("the body is no JSON: {error}")),
        }
    };
    let what = call.path.trim_start_matches("/_sandbox/").trim_end_matches('/');
    match (call.method.as_str(), what) {
        ("POST", "reset") => {
            server.reset();
            done()
        }
        ("GET", "requests") => Reply::json(200, lock(&server.journal).shown()),
        ("DELETE", "requests") => {
            *lock(&server.journal) = Journal::default();
            done()
        }
        ("GET", "departures") => Reply::json(200, server.document.shown()),
        ("DELETE", "departures") => {
            server.document.clear();
            done()
        }
        ("GET", "faults") => Reply::json(200, lock(&server.faults).iter().map(Fault::shown).collect()),
        ("DELETE", "faults") => {
            lock(&server.faults).clear();
            done()
        }
        ("POST", "faults") => add_faults(server, &body),
        ("POST", "seed") if server.config.profile == crate::Profile::Authentik => lock(&server.authentik)
            .get_or_insert_with(crate::authentik::Authentik::fresh)
            .seed(&body)
            .unwrap_or_else(|refusal| refusal),
        ("POST", "seed") => crate::seed::seed(server, &body).unwrap_or_else(|refusal| refusal),
        ("POST", "switches") => {
            let mut switches = lock(&server.switches);
            if let Some(ms) = body["latency_ms"].as_u64() {
                switches.latency = Duration::from_millis(ms);
            }
            if let Some(ms) = body["rights_cache_ms"].as_u64() {
                switches.rights_cache = Duration::from_millis(ms);
            }
            if let Some(real_times) = body["real_times"].as_bool() {
                switches.real_times = real_times;
            }
            if let Some(sqlite) = body["sqlite"].as_bool() {
                switches.sqlite = sqlite;
            }
            done()
        }
        ("GET", "secrets") => Reply::json(200, secrets(server)),
        _ => message(404, format!("no such call: {} {}", call.method, call.path)),
    }
}

fn done() -> Reply {
    Reply::json(200, json!({ "message": "done" }))
}

fn add_faults(server: &Server, body: &Value) -> Reply {
    let one = [body.clone()];
    let entries = body.as_array().map_or(one.as_slice(), Vec::as_slice);
    match entries.iter().map(Fault::read).collect::<Result<Vec<_>, _>>() {
        Ok(faults) => {
            lock(&server.faults).extend(faults);
            done()
        }
        Err(text) => message(400, text),
    }
}

/// The secrets of data sources, which Grafana never shows: tests must see what arrived.
fn secrets(server: &Server) -> Value {
    let state = lock(&server.state);
    let of = |org: &crate::orgs::Org| -> Value {
        org.store
            .datasources
            .iter()
            .map(|(uid, d)| (uid.clone(), json!(d.secrets)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    state.orgs.iter().map(|(id, org)| (id.to_string(), of(org))).collect::<serde_json::Map<_, _>>().into()
}
