//! Who asks, and for which organisation (grafana.md facts 2, 3, 6, 7, 8, 10; grafana-access.md facts 10, 11).

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::call::{Call, Context};
use crate::reply::{Reply, forbidden, message, not_found, unauthorized};
use crate::state::State;
use crate::{Config, Profile};

/// Five wrong passwords within this time shut a login (grafana.md fact 3).
const LOCKOUT: Duration = Duration::from_secs(300);
/// A disabled service account's token goes on for so long (grafana.md fact 8).
const GRACE: Duration = Duration::from_secs(5);

/// A role in an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    None,
    Viewer,
    Editor,
    Admin,
}

impl Role {
    /// Reads a role's name.
    pub fn parse(name: &str) -> Option<Role> {
        Some(match name {
            "None" => Role::None,
            "Viewer" => Role::Viewer,
            "Editor" => Role::Editor,
            "Admin" => Role::Admin,
            _ => return None,
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Role::None => "None",
            Role::Viewer => "Viewer",
            Role::Editor => "Editor",
            Role::Admin => "Admin",
        }
    }
}

/// The kinds of identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    User(i64),
    Account(i64),
    Anonymous,
}

/// The one who asks.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub kind: Kind,
    pub role: Role,
    pub server_admin: bool,
    pub login: String,
    pub uid: String,
}

impl Who {
    /// How /apis names its author in annotations.
    pub fn actor(&self) -> String {
        match self.kind {
            Kind::User(_) => format!("user:{}", self.uid),
            Kind::Account(_) => format!("service-account:{}", self.uid),
            Kind::Anonymous => "anonymous:".to_owned(),
        }
    }

    /// The id that permissions and `createdBy` of library elements carry.
    pub fn id(&self) -> i64 {
        match self.kind {
            Kind::User(id) | Kind::Account(id) => id,
            Kind::Anonymous => 0,
        }
    }
}

impl Context<'_> {
    /// Refuses whoever has less than this role in the organisation.
    pub fn need(&self, role: Role, action: &str) -> Result<(), Reply> {
        if self.who.role >= role { Ok(()) } else { Err(forbidden(action)) }
    }

    /// Refuses everyone but server admins; tokens never are (grafana.md fact 10).
    pub fn need_server(&self, action: &str) -> Result<(), Reply> {
        if self.who.server_admin { Ok(()) } else { Err(forbidden(action)) }
    }
}

enum Credentials {
    None,
    Password(String, String),
    Token(String),
}

fn credentials(call: &Call) -> Credentials {
    let header = call.header("authorization").unwrap_or_default();
    if let Some(token) = header.strip_prefix("Bearer ") {
        let token = token.trim();
        return if token.is_empty() { Credentials::None } else { Credentials::Token(token.to_owned()) };
    }
    let decoded = header.strip_prefix("Basic ").and_then(|b| STANDARD.decode(b.trim()).ok());
    let Some(text) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) else { return Credentials::None };
    match text.split_once(':') {
        Some(("api_key", token)) => Credentials::Token(token.to_owned()),
        Some((login, password)) if !login.is_empty() => Credentials::Password(login.to_owned(), password.to_owned()),
        _ => Credentials::None,
    }
}

/// Finds out who asks and for which organisation, or gives the refusal.
pub(crate) fn identify(state: &mut State, config: &Config, call: &Call) -> Result<(Who, i64), Reply> {
    let found = match credentials(call) {
        Credentials::None => Err(unauthorized("auth.unauthorized", "Unauthorized")),
        Credentials::Password(login, password) => by_password(state, config, call, &login, &password),
        Credentials::Token(token) => by_token(state, call, &token),
    };
    match found {
        // Anonymous access swallows wrong credentials: a mistyped token reads as a viewer (grafana-access.md 47).
        Err(refusal) if config.anonymous && refusal.status == 401 => {
            let who = Who {
                kind: Kind::Anonymous,
                role: Role::Viewer,
                server_admin: false,
                login: String::new(),
                uid: String::new(),
            };
            Ok((who, 1))
        }
        other => other,
    }
}

/// Whether a login is shut; unknown logins count as well.
fn locked(state: &State, login: &str) -> bool {
    state.failures.get(login).is_some_and(|(count, first)| *count >= 5 && first.elapsed() < LOCKOUT)
}

/// Checks a password and counts failures.
fn check_password(state: &mut State, login: &str, password: &str) -> Option<i64> {
    let key = login.to_lowercase();
    let user = state.users.values().find(|u| u.login == key || u.email == key);
    let right = user.filter(|u| u.password == password).map(|u| u.id);
    if locked(state, &key) {
        return None;
    }
    if right.is_none() {
        let entry = state.failures.entry(key).or_insert((0, Instant::now()));
        if entry.1.elapsed() >= LOCKOUT {
            *entry = (0, Instant::now());
        }
        entry.0 += 1;
    }
    right
}

fn by_password(
    state: &mut State,
    config: &Config,
    call: &Call,
    login: &str,
    password: &str,
) -> Result<(Who, i64), Reply> {
    let Some(id) = check_password(state, login, password) else {
        return Err(unauthorized("password-auth.failed", "Invalid username or password"));
    };
    if state.users[&id].disabled {
        return Err(unauthorized("identity.disabled", "Unauthorized"));
    }
    switch_by_query(state, config, call, id)?;
    let user = &state.users[&id];
    let wanted = call.header("x-grafana-org-id").and_then(|v| v.parse::<i64>().ok()).filter(|org| *org > 0);
    let org = namespace_org(call).or(wanted).unwrap_or(user.org);
    let member = state.orgs.get(&org).map(|o| o.members.get(&id).copied());
    let (role, server_admin) = match member {
        // A server admin gets into every organisation, but an absent one is refused to all.
        Some(_) if user.server_admin => (Role::Admin, true),
        Some(Some(role)) => (role, false),
        _ => (Role::None, false),
    };
    let who = Who { kind: Kind::User(id), role, server_admin, login: user.login.clone(), uid: user.uid.clone() };
    Ok((who, org))
}

/// In /apis the namespace decides, not the header (grafana.md fact 6).
fn namespace_org(call: &Call) -> Option<i64> {
    match call.segments.as_slice() {
        [apis, _, _, word, namespace, ..] if apis == "apis" && word == "namespaces" => match namespace.as_str() {
            "default" => Some(1),
            other => other.strip_prefix("org-").and_then(|n| n.parse().ok()),
        },
        _ => None,
    }
}

/// `?orgId=N` switches the user for good and answers 302 to itself (grafana.md fact 6).
fn switch_by_query(state: &mut State, config: &Config, call: &Call, user: i64) -> Result<(), Reply> {
    let Some(org) = call.number("orgId").filter(|org| *org > 0) else { return Ok(()) };
    if state.users[&user].org == org {
        return Ok(());
    }
    let may = state.orgs.get(&org).is_some_and(|o| o.members.contains_key(&user) || state.users[&user].server_admin);
    if !may {
        return Err(not_found());
    }
    state.users.get_mut(&user).expect("the user asks").org = org;
    // 11.5 redirects to a path that is not there (grafana.md fact 63).
    let twice = if config.profile == Profile::V11_5 { "/api" } else { "" };
    let place = format!("{twice}{}?{}", call.path, call.raw_query);
    let reply = if call.method == "GET" {
        Reply::text(302, "text/html; charset=utf-8", format!("<a href=\"{place}\">Found</a>.\n\n"))
    } else {
        Reply::empty(302)
    };
    Err(reply.with("location", place))
}

fn by_token(state: &mut State, call: &Call, key: &str) -> Result<(Who, i64), Reply> {
    let Some(token) = state.tokens.get(key) else { return Err(unauthorized("api-key.invalid", "Invalid API key")) };
    let gone = || Reply::json(401, json!({ "message": "Unauthorized", "traceID": "" }));
    let Some(account) = state.accounts.get(&token.account) else { return Err(gone()) };
    if token.deleted || !state.orgs.contains_key(&account.org) {
        return Err(gone());
    }
    if token.expires.is_some_and(|at| at <= Instant::now()) {
        return Err(unauthorized("api-key.expired", "Expired API key"));
    }
    if account.disabled.is_some_and(|since| since.elapsed() >= GRACE) {
        return Err(unauthorized("identity.disabled", "Unauthorized"));
    }
    let wanted = call.header("x-grafana-org-id").and_then(|v| v.parse::<i64>().ok()).filter(|org| *org > 0);
    if wanted.is_some_and(|org| org != account.org) {
        let text = "API key does not belong to the requested organization";
        return Err(unauthorized("api-key.organization-mismatch", text));
    }
    if call.number("orgId").is_some_and(|org| org > 0 && org != account.org) {
        return Err(not_found());
    }
    let who = Who {
        kind: Kind::Account(account.id),
        role: account.role,
        server_admin: false,
        login: account.login.clone(),
        uid: account.uid.clone(),
    };
    Ok((who, account.org))
}

/// What an anonymous visitor gets from /api/user.
pub(crate) fn no_user() -> Reply {
    message(401, "Unauthorized")
}
