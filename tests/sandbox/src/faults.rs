//! Faults that are switched on: by `POST /_sandbox/faults` or by the header `X-Sandbox-Fault`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::call::Call;
use crate::reply::{Content, Reply, message};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// The answer comes late.
    Delay(Duration),
    /// The connection is reset; with `true` after the request was carried out.
    Reset(bool),
    /// The body ends after so many bytes.
    Cut(u32),
    /// Another answer; nothing is carried out.
    Status(u16, Value),
    /// 429 with Retry-After in seconds.
    RateLimit(u64),
    /// The write fails: "database is locked", nothing is made.
    LockedBefore,
    /// The write is done, yet fails; a folder is left without permissions (grafana.md fact 50).
    LockedAfter,
    /// The write is done and succeeds, but the permissions are lost (grafana.md fact 51).
    LostPermissions,
    /// /dashboards/db checks the version, waits, and then writes whatever came between (grafana.md fact 52).
    SlowSave(Duration),
    /// A deletion meets authentik's worker and fails with its 405; nothing is deleted (authentik.md trap 3).
    Race,
}

/// A fault with what it applies to.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    method: String,
    path: String,
    /// How often it still strikes; none: for ever.
    times: Option<u64>,
    /// How many matching requests pass first.
    skip: u64,
    pub kind: Kind,
    source: Value,
}

impl Fault {
    /// Reads one entry of the list; the text says what is wrong with it.
    pub fn read(entry: &Value) -> Result<Fault, String> {
        let word = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        const KEYS: [&str; 11] =
            ["method", "path", "times", "skip", "kind", "ms", "bytes", "status", "body", "seconds", "after"];
        let unknown = entry.as_object().ok_or("a fault is an object")?.keys().find(|k| !KEYS.contains(&k.as_str()));
        if let Some(key) = unknown {
            return Err(format!("unknown key {key}"));
        }
        let number = |key: &str, default: u64| entry[key].as_u64().unwrap_or(default);
        let kind = match word("kind").as_str() {
            "delay" => Kind::Delay(Duration::from_millis(number("ms", 1000))),
            "reset" => Kind::Reset(entry["after"].as_bool().unwrap_or(false)),
            "cut" => Kind::Cut(number("bytes", 1) as u32),
            "status" => Kind::Status(number("status", 500) as u16, entry["body"].clone()),
            "rate-limit" => Kind::RateLimit(number("seconds", 1)),
            "locked-before" => Kind::LockedBefore,
            "locked-after" => Kind::LockedAfter,
            "lost-permissions" => Kind::LostPermissions,
            "slow-save" => Kind::SlowSave(Duration::from_millis(number("ms", 200))),
            "race" => Kind::Race,
            other => return Err(format!("unknown kind {other:?}")),
        };
        let (method, path) = (word("method").to_uppercase(), word("path"));
        let fault = Fault {
            method,
            path,
            times: entry["times"].as_u64(),
            skip: number("skip", 0),
            kind,
            source: entry.clone(),
        };
        Ok(fault)
    }

    /// Reads a header such as `delay; ms=300`.
    pub fn from_header(text: &str) -> Result<Fault, String> {
        let mut parts = text.split(';').map(str::trim);
        let mut entry = json!({ "kind": parts.next().unwrap_or_default() });
        for part in parts.filter(|p| !p.is_empty()) {
            let (key, value) = part.split_once('=').unwrap_or((part, "true"));
            entry[key] = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        }
        Fault::read(&entry)
    }

    fn matches(&self, call: &Call) -> bool {
        (self.method.is_empty() || self.method == call.method) && path_matches(&self.path, &call.path)
    }

    /// The entry as it was switched on, with what is left of it.
    pub fn shown(&self) -> Value {
        let mut shown = self.source.clone();
        if let Some(times) = self.times {
            shown["times"] = json!(times);
        }
        shown
    }
}

/// A prefix; `*` stands for anything, and `$` at the end for the end.
fn path_matches(pattern: &str, path: &str) -> bool {
    let (pattern, whole) = pattern.strip_suffix('$').map_or((pattern, false), |p| (p, true));
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return false };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
        if whole && part.is_empty() {
            rest = "";
        }
    }
    !whole || rest.is_empty()
}

/// The first fault that strikes this request; it is counted down.
pub(crate) fn strike(faults: &mut Vec<Fault>, call: &Call) -> Option<Kind> {
    let fault = faults.iter_mut().find(|f| f.matches(call) && f.times != Some(0))?;
    if fault.skip > 0 {
        fault.skip -= 1;
        return None;
    }
    if let Some(times) = &mut fault.times {
        *times -= 1;
    }
    let kind = fault.kind.clone();
    faults.retain(|f| f.times != Some(0));
    Some(kind)
}

/// Whether a request is a write, as the faults of the database mean it.
pub(crate) fn is_write(call: &Call) -> bool {
    matches!(call.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE")
}

/// The 500 of a locked database, in the words of each endpoint (grafana.md fact 49).
pub(crate) fn locked(call: &Call) -> Reply {
    if call.path.starts_with("/apis") {
        return Reply::json(
            500,
            json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "database is locked",
                "code": 500,
            }),
        );
    }
    message(
        500,
        match (call.kind(), call.method.as_str()) {
            ("datasources", "POST") => "Failed to add datasource",
            ("datasources", "PUT") => "Failed to update datasource",
            ("datasources", "DELETE") => "Failed to delete datasource",
            _ => "database is locked",
        },
    )
}

/// What was made by a request: the kind of path and the uid, read from its answer.
pub(crate) fn made(call: &Call, reply: &Reply) -> Option<(&'static str, String)> {
    let Content::Json(body) = &reply.body else { return None };
    let uid = body["uid"].as_str().or_else(|| body["metadata"]["name"].as_str())?.to_owned();
    if !reply.is_ok() || call.method != "POST" {
        return None;
    }
    match call.kind() {
        "folders" => Some(("folder", uid)),
        "dashboards" => Some(("dashboard", uid)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::path_matches;

    #[test]
    fn a_path_is_a_prefix_with_stars() {
        assert!(path_matches("/api/folders", "/api/folders/a/move"));
        assert!(!path_matches("/api/folders$", "/api/folders/a"));
        assert!(path_matches("/api/folders/*/move$", "/api/folders/a/move"));
        assert!(path_matches("/api/folders/*$", "/api/folders/a"));
        assert!(path_matches("", "/anything"));
        assert!(!path_matches("/api/*/move", "/api/folders/a"));
    }
}
