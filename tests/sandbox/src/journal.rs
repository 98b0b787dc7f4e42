//! What was asked of the server, for tests that count requests.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use crate::call::Call;

/// So many requests are kept one by one; the counts hold all.
const KEPT: usize = 10_000;

/// Parts of paths that are no ids.
const WORDS: [&str; 62] = [
    "api",
    "apis",
    "datasources",
    "uid",
    "id",
    "name",
    "health",
    "folders",
    "move",
    "permissions",
    "counts",
    "dashboards",
    "db",
    "versions",
    "restore",
    "import",
    "tags",
    "home",
    "search",
    "sorting",
    "org",
    "orgs",
    "user",
    "users",
    "using",
    "lookup",
    "admin",
    "password",
    "teams",
    "members",
    "serviceaccounts",
    "tokens",
    "v1",
    "provisioning",
    "alert-rules",
    "folder",
    "rule-groups",
    "library-elements",
    "connections",
    "frontend",
    "settings",
    "namespaces",
    "default",
    "folder.grafana.app",
    "dashboard.grafana.app",
    "v0alpha1",
    "v1beta1",
    "v2alpha1",
    "v2beta1",
    "parents",
    "children",
    "access",
    "access-control",
    "builtInRoles",
    "reload",
    "disable",
    "enable",
    "version",
    "login",
    "healthz",
    "dto",
    "stats",
];

/// The list and the counts since the last clearing.
#[derive(Default)]
pub(crate) struct Journal {
    entries: VecDeque<Value>,
    counts: BTreeMap<String, u64>,
    total: u64,
    most_at_once: u64,
}

/// A path with `{}` where an id stands.
pub(crate) fn template(call: &Call) -> String {
    if call.path.starts_with("/api/v3/") {
        return crate::authentik::template(call);
    }
    let parts = call.segments.iter().map(|s| if WORDS.contains(&s.as_str()) { s.as_str() } else { "{}" });
    format!("/{}", parts.collect::<Vec<_>>().join("/"))
}

impl Journal {
    /// Notes a request with its answer.
    pub fn note(&mut self, call: &Call, status: u16, micros: u128, at_once: u64) {
        let path = template(call);
        *self.counts.entry(format!("{} {path}", call.method)).or_default() += 1;
        self.total += 1;
        self.most_at_once = self.most_at_once.max(at_once);
        let body = (call.body.len() <= 4096).then(|| serde_json::from_slice::<Value>(&call.body).ok()).flatten();
        let entry = json!({
            "method": call.method, "path": call.path, "query": call.raw_query, "template": path, "status": status,
            "micros": micros as u64, "org": call.header("x-grafana-org-id"), "body": body,
        });
        self.entries.push_back(entry);
        if self.entries.len() > KEPT {
            self.entries.pop_front();
        }
    }

    /// All of it as JSON.
    pub fn shown(&self) -> Value {
        json!({
            "total": self.total, "mostAtOnce": self.most_at_once, "counts": self.counts,
            "requests": self.entries.iter().collect::<Vec<_>>(),
        })
    }
}
