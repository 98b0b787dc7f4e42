//! authentik: what its kinds of objects share. Connection, who the caller is, lists by pages, and what its errors
//! mean.
//!
//! "Trap n" is a numbered observation on a running authentik 2026.5.0-rc1; recordings show most of them.

pub mod application;
pub mod blueprint;
pub mod brand;
pub mod certificate;
mod connection;
pub mod engine;
pub mod fields;
pub mod flow;
pub mod group;
pub mod info;
mod login;
pub mod object;
pub mod options;
pub mod outpost;
pub mod policy;
pub mod provider;
pub mod provider_ldap;
pub mod provider_oauth2;
pub mod provider_proxy;
pub mod provider_saml;
pub mod table;
pub mod token;
pub mod user;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use serde_json::Value;

pub use connection::Connection;

use crate::{
    http::{self, Client, Reader, Response, with_query},
    module::{Error, ErrorKind, Kind, Result, Task, parallel},
};

/// The most objects that one page holds; more is cut silently (trap 9).
const PAGE: &str = "100";

/// What is known of the server and the caller, and what this run made.
pub struct Session {
    /// The caller's own user.
    pub me: Value,
    made: Mutex<BTreeMap<String, Value>>,
    /// What this run knows of credentials without looking again.
    pub memory: engine::Memory,
}

impl Session {
    /// The caller's number.
    pub fn my_id(&self) -> Option<i64> {
        self.me["pk"].as_i64()
    }

    /// Objects that this run made, by the key of their change.
    pub fn made(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        self.made.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The settings of the client for a task of one of authentik's kinds.
pub fn client<K: Kind<Connection = Connection>>(task: &Task<K>) -> Result<http::Settings> {
    task.connection.settings()
}

/// Proves who the caller is by one request, before anything concurrent.
pub fn open(client: &Client) -> Result<Session> {
    let reader = client.reader();
    let me: Value = ok(reader.get("/api/v3/core/users/me/")?)?.json()?;
    let me = me["user"].clone();
    if me["username"].as_str().is_none() {
        return Err(Error::new(ErrorKind::Rejected, "GET /api/v3/core/users/me/ answered without a user")
            .hint("check that `authentik_url` is the address of authentik itself, with its sub-path if it has one"));
    }
    Ok(Session { me, made: Mutex::default(), memory: engine::Memory::default() })
}

/// The server's version, where the caller may see it.
pub fn version(reader: Reader<'_>) -> Result<Option<String>> {
    let version = reader.get("/api/v3/admin/version/")?;
    Ok(version.value()["version_current"].as_str().map(str::to_owned))
}

/// The answer if it is a success, else an error with what is known about authentik's.
pub fn ok(response: Response) -> Result<Response> {
    if response.is_success() { Ok(response) } else { Err(explained(&response)) }
}

/// `None` for "not found", else as [`ok`].
pub fn optional(response: Response) -> Result<Option<Response>> {
    if response.status == 404 && !is_page(&response) { Ok(None) } else { ok(response).map(Some) }
}

/// Whether the body is a page for a browser and not an answer of the API.
fn is_page(response: &Response) -> bool {
    let kind = response.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("text/html")
}

/// The failure that an answer is, with a hint where it is known what to do.
pub fn explained(response: &Response) -> Error {
    let value = response.value();
    let (method, path, status) = (&response.method, &response.path, response.status);
    let told = |said: String| format!("{method} {path} answered {status}: {said}");
    let detail = value["detail"].as_str().unwrap_or_default();
    // A failure inside the server comes out as 405 with an empty page (trap 2).
    if status == 405 && is_page(response) {
        let mut error =
            Error::new(ErrorKind::GaveUp, told("a page instead of an answer: the server failed inside".to_owned()));
        (error.status, error.uncertain) = (Some(status), true);
        return error.hint(
            "authentik's own log says why; a reference to something that does not exist, or an unknown type, does this",
        );
    }
    if status == 404 && is_page(response) {
        let mut error = Error::new(ErrorKind::NotFound, told("there is no such address".to_owned()));
        error.status = Some(status);
        return error.hint(
            "this version of authentik has no such kind of object, or `authentik_url` is not its address with its \
             sub-path",
        );
    }
    if let (400, Some(said)) = (status, validation(&value, "")) {
        let mut error = Error::new(ErrorKind::Rejected, told(said.clone()));
        error.status = Some(status);
        return match said.contains("Enterprise is required") {
            true => error.hint("this needs a licence of authentik Enterprise"),
            false => error,
        };
    }
    let error = response.error();
    match (status, detail) {
        // There is no 401 anywhere (trap 1).
        (403, text) if text.starts_with("Authentication credentials") => {
            error.hint("no token arrived: check `authentik_token`, and whether a proxy takes the header away")
        }
        (403, text) if text.starts_with("Token invalid") => {
            error.hint("check `authentik_token`: the server does not know it, it has ended, or its user is deactivated")
        }
        (403, _) => error.hint("the token's user lacks this permission, or is no superuser"),
        _ => error,
    }
}

/// What a validator says, field by field: `name: This field is required.` (trap 4).
fn validation(value: &Value, at: &str) -> Option<String> {
    let all: Vec<String> = match value {
        Value::String(text) if at.is_empty() => vec![text.clone()],
        Value::String(text) => vec![format!("{at}: {text}")],
        Value::Array(items) => items.iter().filter_map(|item| validation(item, at)).collect(),
        Value::Object(fields) => fields
            .iter()
            .filter_map(|(name, said)| match name.as_str() {
                "non_field_errors" | "detail" => validation(said, at),
                _ if at.is_empty() => validation(said, name),
                _ => validation(said, &format!("{at}.{name}")),
            })
            .collect(),
        _ => Vec::new(),
    };
    (!all.is_empty()).then(|| all.join("; "))
}

/// Whether an answer is a fault that passes: locks of the database.
pub fn passing(status: u16, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    status >= 500 && ["deadlock", "too many connections", "could not serialize"].iter().any(|part| text.contains(part))
}

/// All pages of a list. The first one tells how many there are; the others are read at once.
pub fn list(reader: Reader<'_>, path: &str, query: &[(&str, &str)]) -> Result<Vec<Value>> {
    let address = format!("/api/v3/{path}/");
    let page = |number: usize| -> Result<Value> {
        let number = number.to_string();
        let mut query = query.to_vec();
        query.extend([("page_size", PAGE), ("page", number.as_str())]);
        let answer: Value = ok(reader.get(&with_query(&address, &query))?)?.json()?;
        match answer["results"].is_array() {
            true => Ok(answer),
            false => Err(Error::new(ErrorKind::Rejected, format!("GET {address} answered 200 without a list"))
                .hint("check that `authentik_url` is the address of authentik itself")),
        }
    };
    let first = page(1)?;
    let pages = first["pagination"]["total_pages"].as_u64().unwrap_or(1) as usize;
    let rest: Vec<usize> = (2..=pages).collect();
    let at_once = reader.client().settings().concurrency;
    let mut all = Vec::new();
    for mut answer in std::iter::once(first).chain(parallel::all(&rest, at_once, |number| page(*number))?) {
        if let Value::Array(found) = answer["results"].take() {
            all.extend(found);
        }
    }
    // A list that moves while it is read may show one twice.
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|one| one.get("pk").is_none_or(|pk| seen.insert(pk.to_string())));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_validators_say_is_told_field_by_field() {
        let said = json!({"name": ["This field is required."], "redirect_uris": [{"url": ["Enter a URL."]}]});
        let told = validation(&said, "").expect("words");
        assert_eq!(told, "name: This field is required.; redirect_uris.url: Enter a URL.");
        assert_eq!(
            validation(&json!(["filter: failed to parse JSON"]), ""),
            Some("filter: failed to parse JSON".into())
        );
        let one = json!({"non_field_errors": "No recovery flow set."});
        assert_eq!(validation(&one, ""), Some("No recovery flow set.".into()));
    }
}
