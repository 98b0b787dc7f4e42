//! Who may do what with a folder or a dashboard, with names where Grafana has ids.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Session, ok, optional};
use crate::{
    http::{Reader, Writer, path, pause_before, with_query},
    module::{Error, ErrorKind, Result},
};

/// So often permissions are set before a lock counts as a failure.
const TRIES: u32 = 4;

/// One permission: what a role, a team or a user may do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(extend(
    "x-required-one-of" = [["role", "team", "user"]],
    "x-mutually-exclusive" = [["role", "team", "user"]]
))]
pub struct Grant {
    /// All who have this role in the organisation.
    pub role: Option<Role>,
    /// A team, by its name.
    pub team: Option<String>,
    /// A user, by login or e-mail address, or a service account, by name or login.
    pub user: Option<String>,
    /// What they may do.
    pub permission: Level,
}

/// A basic role that permissions can be given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum Role {
    Viewer,
    Editor,
    Admin,
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum Level {
    View,
    Edit,
    Admin,
}

impl Level {
    /// Its number in the API.
    fn number(self) -> i64 {
        match self {
            Level::View => 1,
            Level::Edit => 2,
            Level::Admin => 4,
        }
    }
}

/// The teams and users that permissions name, resolved: few requests a run, whatever the number of
/// objects.
#[derive(Clone, Debug, Default)]
pub struct Subjects {
    teams: BTreeMap<String, i64>,
    users: BTreeMap<String, (i64, String)>,
    /// The caller's login, unless it may do everything anyway.
    caller: Option<String>,
}

impl Subjects {
    /// Looks up each team and user that is named, once; the caller itself is known already, and an editor
    /// may not look anybody up.
    pub fn read<'g>(
        reader: Reader<'_>,
        session: &Session,
        grants: impl Iterator<Item = &'g Grant>,
    ) -> Result<Subjects> {
        let mut subjects = Subjects::default();
        if !session.server_admin && !session.login.is_empty() {
            subjects.caller = Some(session.login.clone());
        }
        let (mut teams, mut users) = (BTreeSet::new(), BTreeSet::new());
        for grant in grants {
            teams.extend(grant.team.as_deref());
            users.extend(grant.user.as_deref());
        }
        for name in teams {
            subjects.teams.insert(name.to_owned(), team(reader, name)?);
        }
        let mut members = Members::default();
        for name in users {
            let mine = session.user_id > 0 && session.login.eq_ignore_ascii_case(name);
            let found = if mine { (session.user_id, session.login.clone()) } else { user(reader, name, &mut members)? };
            subjects.users.insert(name.to_owned(), found);
        }
        Ok(subjects)
    }

    /// Declared permissions in the form that is compared: sorted, users by login. One subject can have only
    /// one of them: the service keeps the last, and the task would never find what it declares.
    pub fn declared(&self, grants: &[Grant]) -> Result<Value> {
        let mut all: Vec<Value> = grants
            .iter()
            .map(|grant| {
                let permission = format!("{:?}", grant.permission);
                match (&grant.role, &grant.team, &grant.user) {
                    (Some(role), _, _) => json!({"role": format!("{role:?}"), "permission": permission}),
                    (_, Some(team), _) => json!({"team": team, "permission": permission}),
                    (_, _, Some(user)) => {
                        let login = self.users.get(user).map_or(user, |(_, login)| login);
                        json!({"user": login, "permission": permission})
                    }
                    _ => Value::Null,
                }
            })
            .collect();
        all.sort_by_key(Value::to_string);
        let mut seen = BTreeSet::new();
        for one in &all {
            let subject: Vec<String> = ["role", "team", "user"]
                .into_iter()
                .filter_map(|key| Some(format!("{key} `{}`", one[key].as_str()?)))
                .collect();
            if let Some(twice) = subject.into_iter().find(|subject| !seen.insert(subject.clone())) {
                return Err(Error::bad_options(format!("`permissions` names the {twice} twice")).hint(
                    "give each role, team and user one permission; a login and an e-mail address may be the same user",
                ));
            }
        }
        Ok(Value::Array(all))
    }

    /// What the caller should know before these permissions are set: one who leaves itself out of the list
    /// cannot change or delete its own folder any more (fact 30). Whether it is an administrator of the
    /// organisation, who always can, is not told to everybody.
    pub fn warning(&self, grants: &[Grant]) -> Option<String> {
        let caller = self.caller.as_ref()?;
        let logins = grants.iter().filter_map(|grant| self.users.get(grant.user.as_ref()?)).map(|(_, login)| login);
        let named = logins.into_iter().any(|login| login.eq_ignore_ascii_case(caller));
        (!named).then(|| {
            format!(
                "its `permissions` leave out the caller `{caller}`: unless that has the role Admin in the organisation, \
                 it cannot change or delete this any more"
            )
        })
    }

    /// The body that sets these permissions; all others go.
    pub fn body(&self, grants: &[Grant]) -> Value {
        let items: Vec<Value> = grants
            .iter()
            .map(|grant| {
                let permission = grant.permission.number();
                match (&grant.role, &grant.team, &grant.user) {
                    (Some(role), _, _) => json!({"role": format!("{role:?}"), "permission": permission}),
                    (_, Some(team), _) => json!({"teamId": self.teams.get(team), "permission": permission}),
                    (_, _, user) => {
                        let id = user.as_ref().and_then(|user| self.users.get(user)).map(|(id, _)| id);
                        json!({"userId": id, "permission": permission})
                    }
                }
            })
            .collect();
        json!({"items": items})
    }
}

/// What a folder or dashboard has, in the form that is compared and in the form that sets it again;
/// `None` when it is not there. Inherited permissions are not its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Sorted, users by login.
    pub compared: Value,
    /// The body that sets them again.
    pub body: Value,
}

/// Reads the permissions at an address such as `/api/folders/<uid>/permissions`.
pub fn read(reader: Reader<'_>, address: &str) -> Result<Option<Held>> {
    let Some(answer) = optional(reader.get(address)?)? else { return Ok(None) };
    let entries: Vec<Value> = answer.json()?;
    let (mut compared, mut items) = (Vec::new(), Vec::new());
    for entry in entries.iter().filter(|entry| entry["inherited"] != true) {
        let permission = match entry["permission"].as_i64() {
            Some(1) => "View",
            Some(2) => "Edit",
            Some(4) => "Admin",
            _ => entry["permissionName"].as_str().unwrap_or("none"),
        };
        let number = &entry["permission"];
        if let Some(role) = entry["role"].as_str().filter(|role| !role.is_empty()) {
            compared.push(json!({"role": role, "permission": permission}));
            items.push(json!({"role": role, "permission": number}));
        } else if let Some(team) = entry["team"].as_str().filter(|team| !team.is_empty()) {
            compared.push(json!({"team": team, "permission": permission}));
            items.push(json!({"teamId": entry["teamId"], "permission": number}));
        } else {
            compared.push(json!({"user": entry["userLogin"], "permission": permission}));
            items.push(json!({"userId": entry["userId"], "permission": number}));
        }
    }
    compared.sort_by_key(Value::to_string);
    compared.dedup();
    Ok(Some(Held { compared: Value::Array(compared), body: json!({"items": items}) }))
}

/// What Grafana gives to what is made at the root: Admin to its maker, Edit to editors, View to viewers
/// (facts 30, 38). The maker is left out where its number is not known.
pub fn of_root(maker: i64) -> Value {
    let mut items = vec![json!({"role": "Editor", "permission": 2}), json!({"role": "Viewer", "permission": 1})];
    if maker > 0 {
        items.push(json!({"userId": maker, "permission": 4}));
    }
    json!({"items": items})
}

/// Sets the permissions at that address; those left out go.
pub fn write(writer: Writer<'_>, address: &str, body: &Value) -> Result<()> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match writer.post(address, body) {
            // It replaces all of them, so it may be repeated without a look: what was made before it must
            // not be left without permissions because of one lock.
            Err(error) if error.uncertain && attempt < TRIES => std::thread::sleep(pause_before(attempt)),
            answer => {
                return answer.and_then(ok).map(drop).map_err(|error| error.context("failed to set its permissions"));
            }
        }
    }
}

fn team(reader: Reader<'_>, name: &str) -> Result<i64> {
    let found: Value = ok(reader.get(&with_query("/api/teams/search", &[("name", name)]))?)?.json()?;
    let teams = found["teams"].as_array().cloned().unwrap_or_default();
    teams.iter().find(|team| team["name"] == name).and_then(|team| team["id"].as_i64()).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("there is no team `{name}` in this organisation"))
            .hint("`permissions` names teams by their exact name")
    })
}

/// The members of the organisation with their e-mail addresses, asked for once; not for everybody to see.
#[derive(Default)]
struct Members(Option<Option<Vec<Value>>>);

impl Members {
    /// All of them, or `None` where the caller may not list them.
    fn list(&mut self, reader: Reader<'_>) -> Result<Option<&[Value]>> {
        if self.0.is_none() {
            // Not cut into pages: it takes neither a limit nor a page.
            let answer = reader.get("/api/org/users")?;
            self.0 = Some(if answer.is_success() { Some(answer.json()?) } else { None });
        }
        Ok(self.0.as_ref().and_then(Option::as_deref))
    }
}

/// A member of the organisation by login or e-mail address; for an administrator of the server any user.
fn user(reader: Reader<'_>, name: &str, members: &mut Members) -> Result<(i64, String)> {
    let same = |found: &Value, key: &str| found[key].as_str().is_some_and(|text| text.eq_ignore_ascii_case(name));
    let known = |found: &Value, id: &str| {
        let login = found["login"].as_str().unwrap_or(name).to_owned();
        Some((found[id].as_i64()?, login))
    };
    let found = reader.get(&with_query("/api/org/users/lookup", &[("query", name)]))?;
    if found.is_success() {
        let found: Vec<Value> = found.json()?;
        if let Some(member) = found.iter().find(|member| same(member, "login")).and_then(|one| known(one, "userId")) {
            return Ok(member);
        }
    }
    // That does not look for e-mail addresses.
    let listed = members.list(reader)?;
    let is = |member: &&Value| same(member, "login") || same(member, "email");
    if let Some(member) = listed.iter().flat_map(|all| all.iter()).find(is).and_then(|one| known(one, "userId")) {
        return Ok(member);
    }
    let found = reader.get(&with_query(&path(&["api", "users", "lookup"]), &[("loginOrEmail", name)]))?;
    if let Some(user) = Some(&found).filter(|found| found.is_success()).and_then(|found| known(&found.value(), "id")) {
        return Ok(user);
    }
    if let Some(account) = service_account(reader, name)? {
        return Ok(account);
    }
    // A caller who may look up nobody (403) is told so.
    if listed.is_none() && found.status != 404 {
        ok(found)?;
    }
    Err(unknown(name))
}

/// A service account by name or login: permissions know it as a user of its number.
fn service_account(reader: Reader<'_>, name: &str) -> Result<Option<(i64, String)>> {
    let answer = reader.get(&with_query("/api/serviceaccounts/search", &[("query", name), ("perpage", "1000")]))?;
    if !answer.is_success() {
        return Ok(None);
    }
    let found: Value = answer.json()?;
    let accounts = found["serviceAccounts"].as_array().cloned().unwrap_or_default();
    let is = |account: &&Value| account["name"] == name || account["login"] == name;
    Ok(accounts
        .iter()
        .find(is)
        .and_then(|account| Some((account["id"].as_i64()?, account["login"].as_str()?.to_owned()))))
}

fn unknown(name: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no user `{name}` in this organisation"))
        .hint("`permissions` names users by login or e-mail address, service accounts by name or login")
}
