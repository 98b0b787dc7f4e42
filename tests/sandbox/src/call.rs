//! One request as handlers see it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::HeaderMap;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::Profile;
use crate::auth::Who;
use crate::reply::{Reply, bad_request};
use crate::state::{State, Store};

/// A request: decoded path segments, query pairs in order, headers, body.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub method: String,
    pub path: String,
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
    pub raw_query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Call {
    /// Takes a request apart.
    pub fn new(method: &str, path: &str, raw_query: &str, headers: HeaderMap, body: Bytes) -> Call {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&key.replace('+', " ")), decode(&value.replace('+', " ")))
        };
        Call {
            method: method.to_owned(),
            path: path.to_owned(),
            // A slash at the end is no part of the path: `/api/folders/` lists.
            segments: path.trim_matches('/').split('/').map(decode).collect(),
            query: raw_query.split('&').filter(|p| !p.is_empty()).map(pair).collect(),
            raw_query: raw_query.to_owned(),
            headers,
            body,
        }
    }

    /// The kind of object that it is about: `/api/<kind>/…`, or `/apis/<group>/<version>/namespaces/<name>/<kind>/…`.
    pub fn kind(&self) -> &str {
        let segment = if self.segments[0] == "apis" { self.segments.get(5) } else { self.segments.get(1) };
        segment.map(String::as_str).unwrap_or_default()
    }

    /// The first value of a query parameter.
    pub fn query(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// All values of a query parameter.
    pub fn queries(&self, key: &str) -> Vec<&str> {
        self.query.iter().filter(|(k, _)| k == key).map(|(_, v)| v.as_str()).collect()
    }

    /// A number of the query; what cannot be read counts as left out.
    pub fn number(&self, key: &str) -> Option<i64> {
        self.query(key).and_then(|v| v.parse().ok())
    }

    /// A header's text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The body as a JSON object; anything else is "bad request data" (grafana.md fact 5).
    pub fn object(&self) -> Result<Map<String, Value>, Reply> {
        let kind = self.header("content-type").unwrap_or_default();
        if !kind.starts_with("application/json") {
            return Err(bad_request());
        }
        serde_json::from_slice(&self.body).map_err(|_| bad_request())
    }
}

/// What a handler works with: the state under its lock, the request, who asks, and for which organisation.
pub(crate) struct Context<'a> {
    pub state: &'a mut State,
    pub profile: Profile,
    pub call: &'a Call,
    pub who: Who,
    pub org: i64,
    /// A save by /dashboards/db whose version was checked some time ago (grafana.md fact 52, fault `slow-save`).
    pub checked: Option<()>,
    /// The rights of the one who asks as they were some time ago, where rights are cached (grafana.md fact 8).
    pub rights: Option<Arc<Snapshot>>,
}

/// Levels by `folder:<uid>` and `dashboard:<uid>`.
pub(crate) type Snapshot = HashMap<String, i64>;

impl Context<'_> {
    /// The objects of the organisation asked for.
    pub fn store(&mut self) -> &mut Store {
        &mut self.state.orgs.entry(self.org).or_default().store
    }

    /// The same, to read.
    pub fn look(&self) -> &Store {
        &self.state.orgs[&self.org].store
    }

    /// The method, HEAD counted as GET: the server drops the body.
    pub fn method(&self) -> &str {
        if self.call.method == "HEAD" { "GET" } else { &self.call.method }
    }

    /// Whether this is the 11.5 profile.
    pub fn old(&self) -> bool {
        self.profile == Profile::V11_5
    }
}

/// A text field of a body: absent and null are empty, another type is "bad request data".
pub(crate) fn text(body: &Map<String, Value>, key: &str) -> Result<String, Reply> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(bad_request()),
    }
}

/// A yes or no of a body, no when left out.
pub(crate) fn flag(body: &Map<String, Value>, key: &str) -> Result<bool, Reply> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(yes)) => Ok(*yes),
        Some(_) => Err(bad_request()),
    }
}

/// A whole number of a body, 0 when left out.
pub(crate) fn integer(body: &Map<String, Value>, key: &str) -> Result<i64, Reply> {
    match body.get(key) {
        None | Some(Value::Null) => Ok(0),
        Some(value) => value.as_i64().ok_or_else(bad_request),
    }
}

/// Sorts the keys of objects, as Go's maps are written.
pub(crate) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.into_iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(pairs.into_iter().map(|(k, v)| (k, sorted(v))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(sorted).collect()),
        other => other,
    }
}
