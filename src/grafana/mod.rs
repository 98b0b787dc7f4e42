//! Grafana: what its kinds of objects share. Connection options and credentials, who the caller is,
//! the version, the organisation, and what its errors mean.
//!
//! Facts are from measurements of Grafana 12.4.0 and 11.5.1; the comments name what was seen.

mod connection;
pub mod dashboard;
pub mod datasource;
pub mod folder;
pub mod folder_tree;
pub mod permissions;

use serde_json::Value;

pub use connection::Connection;

use crate::{
    http::{self, Client, Reader, Response, path, with_query},
    module::{Error, ErrorKind, Kind, Result, Task},
};

/// The main organisation, which every Grafana has.
const MAIN_ORG: i64 = 1;

/// What is known of the server and the caller.
#[derive(Clone, Debug)]
pub struct Session {
    /// The caller's login; a token's is that of its service account.
    pub login: String,
    /// The caller's number; a token's is that of its service account. Zero when it is not told.
    pub user_id: i64,
    /// The organisation that the task works in.
    pub org: i64,
    /// Whether the caller is an administrator of the whole server.
    pub server_admin: bool,
    /// The server's version, where the kind asked for it and the server tells it.
    pub version: Option<Version>,
}

impl Session {
    /// The namespace of this organisation in `/apis/…`: there it decides, and not the header.
    pub fn namespace(&self) -> String {
        if self.org == MAIN_ORG { "default".to_owned() } else { format!("org-{}", self.org) }
    }

    /// Whether the server is of that major version or a later one; unknown counts as recent.
    pub fn at_least(&self, major: u32) -> bool {
        self.version.as_ref().is_none_or(|version| version.major >= major)
    }
}

/// A version of Grafana.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// 12 in `12.4.0`.
    pub major: u32,
    /// 4 in `12.4.0`.
    pub minor: u32,
    /// As the server writes it.
    pub text: String,
}

impl Version {
    /// Reads `12.4.0`, `11.5.1-pre`, `13.0.0+security-01`.
    pub fn parse(text: &str) -> Option<Version> {
        let mut parts = text.trim().trim_start_matches('v').split(['.', '-', '+']);
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next()?.parse().ok()?;
        Some(Version { major, minor, text: text.trim().to_owned() })
    }
}

/// The settings of the client for a task of one of Grafana's kinds.
pub fn client<K: Kind<Connection = Connection>>(task: &Task<K>) -> Result<http::Settings> {
    task.connection.settings(&task.written)
}

/// Proves who the caller is by one request, before anything concurrent: five wrong passwords lock an
/// account out, and with anonymous access switched on a wrong token counts as anonymous everywhere
/// but here. Chooses the organisation by header, never by switching the user's own.
pub fn open<K: Kind<Connection = Connection>>(task: &Task<K>, client: &mut Client) -> Result<Session> {
    let connection = &task.connection;
    let by_token = connection.uses_token(&task.written);
    let asked = task.written.contains("org_id");
    // A token belongs to one organisation, and any header for another one is a 401.
    let header = connection.org_id.filter(|_| (asked || !by_token) && connection.org_name.is_none());
    if let Some(org) = header {
        client.set_header("X-Grafana-Org-Id", &org.to_string())?;
    }
    let me: Value = ok(client.reader().get("/api/user")?)?.json()?;
    let Some(login) = me["login"].as_str().filter(|login| !login.is_empty()) else {
        return Err(not_grafana("GET /api/user answered 200 without a login"));
    };
    let mut session = Session {
        login: login.to_owned(),
        user_id: user_id(&me),
        org: header.or(me["orgId"].as_i64()).unwrap_or(MAIN_ORG),
        server_admin: me["isGrafanaAdmin"].as_bool().unwrap_or(false),
        version: None,
    };
    // What an organisation that is not there answers to a write is no help, and /api/user takes any.
    if let Some(org) = header.filter(|org| !by_token && me["orgId"].as_i64() != Some(*org)) {
        is_member(client.reader(), org)?;
    }
    if let Some(name) = &connection.org_name {
        session.org = org_of_name(client.reader(), name, by_token)?;
        if !by_token {
            client.set_header("X-Grafana-Org-Id", &session.org.to_string())?;
        }
    }
    Ok(session)
}

/// A user's number; a service account has 0 there and its own in `uid` ("service-account:2").
fn user_id(me: &Value) -> i64 {
    let of_account = || me["uid"].as_str()?.strip_prefix("service-account:")?.parse().ok();
    me["id"].as_i64().filter(|id| *id > 0).or_else(of_account).unwrap_or(0)
}

/// Refuses an organisation that the caller is not in. Its own list tells that to everybody; where it does not
/// name the organisation, that one itself is asked.
fn is_member(reader: Reader<'_>, org: i64) -> Result<()> {
    let mine = ok(reader.get("/api/user/orgs")?)?.value();
    let mine = mine.as_array().cloned().unwrap_or_default();
    if mine.iter().any(|one| one["orgId"] == org) || reader.get("/api/org")?.value()["id"] == org {
        return Ok(());
    }
    let known = |one: &Value| Some(format!("{} ({})", one["orgId"].as_i64()?, one["name"].as_str()?));
    let known: Vec<String> = mine.iter().filter_map(known).collect();
    let told = format!("Current user isn't member of organization: {org}; it is in {}", known.join(", "));
    Err(Error::new(ErrorKind::NotFound, told).hint("`org_id` is the number of an organisation, `org_name` its name"))
}

/// The id of an organisation. A member sees it among its own; a server administrator sees all.
fn org_of_name(reader: Reader<'_>, name: &str, by_token: bool) -> Result<i64> {
    let (mine, key) = if by_token {
        (Value::Array(vec![ok(reader.get("/api/org")?)?.json()?]), "id")
    } else {
        (ok(reader.get("/api/user/orgs")?)?.json()?, "orgId")
    };
    let mine = mine.as_array().cloned().unwrap_or_default();
    if let Some(org) = mine.iter().find(|org| org["name"] == name).and_then(|org| org[key].as_i64()) {
        return Ok(org);
    }
    if !by_token {
        let found = reader.get(&path(&["api", "orgs", "name", name]))?;
        if found.is_success()
            && let Some(org) = found.value()["id"].as_i64()
        {
            return Ok(org);
        }
    }
    let known: Vec<&str> = mine.iter().filter_map(|org| org["name"].as_str()).collect();
    Err(Error::new(
        ErrorKind::NotFound,
        format!("Current user isn't member of organization: {name}; it is in {}", known.join(", ")),
    )
    .hint(if by_token { "a token works in its own organisation only" } else { "names are compared exactly" }))
}

/// The server's version. `hide_version` takes it out of `/api/health`; then the settings tell it.
pub fn version(reader: Reader<'_>) -> Result<Option<Version>> {
    let health = reader.get("/api/health")?;
    if let Some(version) = health.value()["version"].as_str().and_then(Version::parse) {
        return Ok(Some(version));
    }
    let settings = reader.get("/api/frontend/settings")?;
    Ok(settings.value()["buildInfo"]["version"].as_str().and_then(Version::parse))
}

/// Refuses an empty scope of `prune`, which a template makes of a variable that is empty: everything is in it.
pub fn bounded(scope: &[(&str, &Option<String>)], hint: &str) -> Result<()> {
    match scope.iter().find(|(_, text)| text.as_deref() == Some("")) {
        Some((option, _)) => {
            Err(Error::bad_options(format!("`{option}` of prune is empty, and so it bounds nothing")).hint(hint))
        }
        None => Ok(()),
    }
}

/// The answer if it is a success, else an error with what is known about Grafana's.
pub fn ok(response: Response) -> Result<Response> {
    if response.is_success() { Ok(response) } else { Err(explained(&response)) }
}

/// `None` for "not found", else as [`ok`].
pub fn optional(response: Response) -> Result<Option<Response>> {
    if response.status == 404 { Ok(None) } else { ok(response).map(Some) }
}

/// The failure that an answer is, with a hint where it is known what to do.
pub fn explained(response: &Response) -> Error {
    let mut error = response.error();
    // The words of community.grafana, which plays may look for.
    match response.status {
        401 => error = error.context("Unauthorized to perform action"),
        403 => error = error.context("Permission Denied"),
        _ => {}
    }
    let value = response.value();
    let id = value["messageId"].as_str().unwrap_or_default();
    match (response.status, id) {
        (401, "api-key.organization-mismatch") => {
            error.hint("the token belongs to another organisation: leave `org_id` out, or use a token of that one")
        }
        (401, "api-key.expired") => error.hint("the token has ended: make a new one"),
        (401, id) if id.starts_with("api-key") => error.hint("check `token`: the server does not know it"),
        (401, "identity.disabled") => error.hint("the account is disabled"),
        (401, _) => error.hint(
            "check `url_username` and `url_password`, or `token`; nothing more was sent, since five wrong \
             passwords lock the account for five minutes, in which the right one gets the same answer",
        ),
        (403, _) => error.hint(
            "the caller lacks this permission, or is not in the organisation that the task names; a new permission \
             takes up to a minute to count",
        ),
        _ if response.body.trim_ascii_start().starts_with(b"<") => error.hint(
            "this is a page and not an answer of Grafana's API: check `url`, which has Grafana's sub-path in it if \
             there is one",
        ),
        _ => error,
    }
}

/// Whether an answer is a fault that passes: SQLite's and other databases' locks.
pub fn passing(status: u16, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    status >= 500
        && ["is locked", "sqlite_busy", "deadlock", "too many connections"].iter().any(|part| text.contains(part))
}

/// What answers is taken for no Grafana: nothing can be said of what is there.
fn not_grafana(told: &str) -> Error {
    Error::new(ErrorKind::Rejected, told)
        .hint("check that the address is that of Grafana itself, with its sub-path if it has one")
}

/// All pages of a list in `/apis/…`: Grafana cuts them at about 2 MB, whatever the limit.
pub fn k8s_list(reader: Reader<'_>, address: &str, query: &[(&str, &str)]) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    k8s_each(reader, address, query, |item| items.push(item))?;
    Ok(items)
}

/// The same, one item after the other: thousands of dashboards are not held at once as trees.
pub fn k8s_each(reader: Reader<'_>, address: &str, query: &[(&str, &str)], mut take: impl FnMut(Value)) -> Result<()> {
    let mut next = String::new();
    loop {
        let mut query = query.to_vec();
        if !next.is_empty() {
            query.push(("continue", &next));
        }
        let mut page: Value = ok(reader.get(&with_query(address, &query))?)?.json()?;
        let is_list = page["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
        match page.get_mut("items") {
            Some(Value::Array(found)) => found.drain(..).for_each(&mut take),
            // How Go may write a list without entries.
            None | Some(Value::Null) if is_list => {}
            _ => return Err(not_grafana(&format!("GET {address} answered 200 with no list of resources"))),
        }
        match page["metadata"]["continue"].as_str() {
            Some(more) if !more.is_empty() => next = more.to_owned(),
            _ => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        for (text, major, minor) in [("12.4.0", 12, 4), ("v11.5.1-pre", 11, 5), ("13.0.0+security-01", 13, 0)] {
            let version = Version::parse(text).expect("a version");
            assert_eq!((version.major, version.minor), (major, minor));
        }
        assert_eq!(Version::parse("dev"), None);
    }

    #[test]
    fn locks_pass_and_plain_mistakes_do_not() {
        assert!(passing(500, r#"{"message":"database is locked (5) (SQLITE_BUSY)"}"#));
        assert!(!passing(500, r#"{"message":"Failed to update datasource"}"#));
        assert!(!passing(400, "database is locked"));
    }
}
