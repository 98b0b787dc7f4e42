//! Users: those who ask, the server admin's list, the switch of organisations (grafana-access.md facts 8-18).

use serde_json::{Value, json};

use crate::auth::{Kind, Role, no_user};
use crate::call::{Context, text};
use crate::reply::{Answer, Reply, bad_request, message, ok, with_id};
use crate::state::Ids;
use crate::text::{avatar, now};

/// A person with a password.
pub(crate) struct User {
    pub id: i64,
    pub uid: String,
    pub login: String,
    pub email: String,
    pub name: String,
    pub password: String,
    pub server_admin: bool,
    pub disabled: bool,
    /// The organisation that requests without a header go to.
    pub org: i64,
    pub created: String,
}

impl User {
    /// A new user of organisation 1; logins and e-mails are kept in lower case.
    pub fn new(ids: &mut Ids, login: &str, email: &str, password: &str, server_admin: bool) -> User {
        User {
            id: ids.next("user"),
            uid: ids.uid(),
            login: login.to_lowercase(),
            email: email.to_lowercase(),
            name: String::new(),
            password: password.to_owned(),
            server_admin,
            disabled: false,
            org: 1,
            created: now(),
        }
    }
}

/// `GET /api/user`; a token sees its account as user 0 [token_flow].
pub(crate) fn current(cx: &mut Context) -> Answer {
    let (id, uid, email, name, org, created, labels) = match cx.who.kind {
        Kind::Anonymous => return Err(no_user()),
        Kind::User(id) => {
            let user = &cx.state.users[&id];
            (id, user.uid.clone(), user.email.clone(), user.name.clone(), user.org, user.created.clone(), json!([]))
        }
        Kind::Account(id) => {
            let account = &cx.state.accounts[&id];
            let uid = format!("service-account:{id}");
            (
                0,
                uid,
                account.login.clone(),
                account.name.clone(),
                account.org,
                "0001-01-01T00:00:00Z".to_owned(),
                Value::Null,
            )
        }
    };
    let picture = if id == 0 { String::new() } else { avatar(&email) };
    let mut body = json!({
        "id": id, "uid": uid, "email": email, "name": name, "login": cx.who.login, "theme": "", "orgId": org,
        "isGrafanaAdmin": cx.who.server_admin, "isDisabled": false, "isExternal": false,
        "isExternallySynced": false, "isGrafanaAdminExternallySynced": false, "authLabels": labels,
        "updatedAt": created, "createdAt": created, "avatarUrl": picture,
    });
    if !cx.old() {
        body["isProvisioned"] = json!(false);
    }
    ok(body)
}

/// `GET /api/user/orgs`.
pub(crate) fn own_orgs(cx: &mut Context) -> Answer {
    let Kind::User(id) = cx.who.kind else { return Err(message(401, "Unauthorized")) };
    ok(orgs_of(cx, id))
}

/// `GET /api/users/:id/orgs`.
pub(crate) fn orgs_by_id(cx: &mut Context, id: &str) -> Answer {
    cx.need_server("users:read")?;
    let id = id.parse().map_err(|_| crate::reply::not_found())?;
    ok(orgs_of(cx, id))
}

fn orgs_of(cx: &Context, user: i64) -> Value {
    let of = cx.state.orgs.iter().filter_map(|(id, org)| org.members.get(&user).map(|role| (id, org, role)));
    of.map(|(id, org, role)| json!({ "orgId": id, "name": org.name, "role": role.name() })).collect()
}

/// `POST /api/user/using/:org`: switches the user for all its clients.
pub(crate) fn switch(cx: &mut Context, org: &str) -> Answer {
    match cx.who.kind {
        Kind::User(id) => switch_to(cx, id, org),
        Kind::Account(_) if cx.old() => Err(message(403, "Endpoint only available for users")),
        // A token cannot be switched, and says so by 304 [org_header].
        _ => Ok(Reply::empty(304)),
    }
}

/// `POST /api/users/:id/using/:org`.
pub(crate) fn switch_other(cx: &mut Context, user: &str, org: &str) -> Answer {
    cx.need_server("users:write")?;
    let user = user.parse().map_err(|_| crate::reply::not_found())?;
    if !cx.state.users.contains_key(&user) {
        return Err(message(404, "user not found"));
    }
    switch_to(cx, user, org)
}

fn switch_to(cx: &mut Context, user: i64, org: &str) -> Answer {
    let org: i64 = org.parse().map_err(|_| message(400, "id is invalid"))?;
    let admin = cx.state.users[&user].server_admin;
    let may = cx.state.orgs.get(&org).is_some_and(|o| admin || o.members.contains_key(&user));
    if !may {
        return Err(message(401, "Not a valid organization"));
    }
    cx.state.users.get_mut(&user).expect("was just read").org = org;
    ok(json!({ "message": "Active organization changed" }))
}

/// `POST /api/admin/users`: a Viewer of organisation 1, or of `OrgId`; the header is ignored.
pub(crate) fn create(cx: &mut Context) -> Answer {
    cx.need_server("users:create")?;
    let body = cx.call.object()?;
    let (login, email) = (text(&body, "login")?, text(&body, "email")?);
    let password = text(&body, "password")?;
    if password.is_empty() {
        return Err(bad_request());
    }
    if login.is_empty() && email.is_empty() {
        return Err(with_id(400, "user.empty-username-and-email", "Need to specify either username or email"));
    }
    if password.chars().count() < 4 {
        return Err(with_id(400, "password.password-policy-too-short", "New password is too short"));
    }
    let org =
        body.iter().find(|(k, _)| k.eq_ignore_ascii_case("orgid")).and_then(|(_, v)| v.as_i64()).filter(|o| *o > 0);
    let org = org.unwrap_or(1);
    if !cx.state.orgs.contains_key(&org) {
        return Err(message(400, format!("[org.notFound] failed to get organization with ID: {org}")));
    }
    let taken = |name: &str| {
        let name = name.to_lowercase();
        !name.is_empty() && cx.state.users.values().any(|u| u.login == name || u.email == name)
    };
    if taken(&login) || taken(&email) {
        let text = format!("User with email '{email}' or username '{login}' already exists");
        return Err(message(412, text));
    }
    let first = if login.is_empty() { &email } else { &login };
    let mail = if email.is_empty() { first } else { &email };
    let mut user = User::new(&mut cx.state.ids, first, mail, &password, false);
    user.name = text(&body, "name")?;
    user.org = org;
    let answer = json!({ "id": user.id, "uid": user.uid, "message": "User created" });
    cx.state.orgs.get_mut(&org).expect("was checked").members.insert(user.id, Role::Viewer);
    cx.state.users.insert(user.id, user);
    ok(answer)
}

/// `PUT /api/admin/users/:id/password`: unlocks as well.
pub(crate) fn set_password(cx: &mut Context, id: &str) -> Answer {
    cx.need_server("users.password:write")?;
    let body = cx.call.object()?;
    let password = text(&body, "password")?;
    let id = id.parse::<i64>().map_err(|_| message(400, "id is invalid"))?;
    let Some(user) = cx.state.users.get_mut(&id) else { return Err(message(404, "user not found")) };
    user.password = password;
    let login = user.login.clone();
    cx.state.failures.remove(&login);
    ok(json!({ "message": "User password updated" }))
}

/// `POST /api/admin/users/:id/disable` and `/enable`.
pub(crate) fn set_disabled(cx: &mut Context, id: &str, disabled: bool) -> Answer {
    cx.need_server(if disabled { "users:disable" } else { "users:enable" })?;
    let user = id.parse::<i64>().ok().and_then(|id| cx.state.users.get_mut(&id));
    let Some(user) = user else { return Err(message(404, "user not found")) };
    user.disabled = disabled;
    ok(json!({ "message": if disabled { "User disabled" } else { "User enabled" } }))
}

/// `DELETE /api/admin/users/:id`.
pub(crate) fn delete(cx: &mut Context, id: &str) -> Answer {
    cx.need_server("users:delete")?;
    let id = id.parse::<i64>().map_err(|_| message(400, "id is invalid"))?;
    if cx.state.users.remove(&id).is_none() {
        return Err(message(404, "user not found"));
    }
    for org in cx.state.orgs.values_mut() {
        org.members.remove(&id);
    }
    ok(json!({ "message": "User deleted" }))
}

/// `GET /api/users`: bare, by login.
pub(crate) fn list(cx: &mut Context) -> Answer {
    cx.need_server("users:read")?;
    let mut users: Vec<&User> = cx.state.users.values().collect();
    users.sort_by(|a, b| a.login.cmp(&b.login));
    let old = cx.old();
    let entry = |u: &User| {
        let mut entry = json!({
            "id": u.id, "uid": u.uid, "name": u.name, "login": u.login, "email": u.email, "avatarUrl": avatar(&u.email),
            "isAdmin": u.server_admin, "isDisabled": u.disabled, "isProvisioned": false,
            "lastSeenAt": now(), "lastSeenAtAge": "< 1 minute", "authLabels": [], "created": u.created,
        });
        if old {
            let map = entry.as_object_mut().expect("is an object");
            map.shift_remove("isProvisioned");
            map.shift_remove("created");
        }
        entry
    };
    ok(users.into_iter().map(entry).collect())
}

/// `GET /api/users/:id` and `/lookup?loginOrEmail=`.
pub(crate) fn get(cx: &mut Context, id: &str) -> Answer {
    cx.need_server("users:read")?;
    let user = if id == "lookup" {
        let name = cx.call.query("loginOrEmail").unwrap_or_default().to_lowercase();
        cx.state.users.values().find(|u| u.login == name || u.email == name)
    } else {
        id.parse::<i64>().ok().and_then(|id| cx.state.users.get(&id))
    };
    let Some(user) = user else { return Err(message(404, "user not found")) };
    let mut body = json!({
        "id": user.id, "uid": user.uid, "email": user.email, "name": user.name, "login": user.login, "theme": "",
        "orgId": user.org, "isGrafanaAdmin": user.server_admin, "isDisabled": user.disabled, "isExternal": false,
        "isExternallySynced": false, "isGrafanaAdminExternallySynced": false, "authLabels": [],
        "updatedAt": user.created, "createdAt": user.created, "avatarUrl": avatar(&user.email),
    });
    if cx.old() && id == "lookup" {
        body["authLabels"] = Value::Null;
    }
    if !cx.old() {
        body["isProvisioned"] = json!(false);
    }
    ok(body)
}
