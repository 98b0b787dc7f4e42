//! Organisations and their members (grafana-access.md facts 3-9).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::auth::{Kind, Role};
use crate::call::{Context, text};
use crate::reply::{Answer, Reply, bad_request, forbidden, message, ok};
use crate::state::Store;
use crate::text::{avatar, now};

/// An organisation with everything in it.
#[derive(Default)]
pub(crate) struct Org {
    pub name: String,
    pub members: BTreeMap<i64, Role>,
    pub store: Store,
}

impl Org {
    /// An empty one.
    pub fn new(name: &str) -> Org {
        Org { name: name.to_owned(), ..Org::default() }
    }
}

fn shown(id: i64, org: &Org) -> Value {
    let address = json!({ "address1": "", "address2": "", "city": "", "zipCode": "", "state": "", "country": "" });
    json!({ "id": id, "name": org.name, "address": address })
}

/// `GET /api/org`.
pub(crate) fn current(cx: &mut Context) -> Answer {
    cx.need(Role::Viewer, "orgs:read")?;
    ok(shown(cx.org, &cx.state.orgs[&cx.org]))
}

/// `PUT /api/org` and `PUT /api/orgs/:id`.
pub(crate) fn rename(cx: &mut Context, id: Option<&str>) -> Answer {
    let id = match id {
        None => {
            cx.need(Role::Admin, "orgs:write")?;
            cx.org
        }
        Some(id) => {
            cx.need_server("orgs:write")?;
            id.parse().map_err(|_| forbidden(""))?
        }
    };
    let name = text(&cx.call.object()?, "name")?;
    if name.is_empty() {
        return Err(bad_request());
    }
    if cx.state.orgs.iter().any(|(other, org)| *other != id && org.name == name) {
        return Err(message(400, "Organization name taken"));
    }
    let Some(org) = cx.state.orgs.get_mut(&id) else { return Err(message(500, "Failed to update organization")) };
    org.name = name;
    ok(json!({ "message": "Organization updated" }))
}

/// `GET /api/orgs`: a bare list by name; pages count from 0.
pub(crate) fn list(cx: &mut Context) -> Answer {
    cx.need_server("orgs:read")?;
    let (query, name) =
        (cx.call.query("query").unwrap_or_default().to_lowercase(), cx.call.query("name").unwrap_or_default());
    let mut orgs: Vec<_> = cx.state.orgs.iter().filter(|(_, o)| o.name.to_lowercase().contains(&query)).collect();
    orgs.retain(|(_, o)| name.is_empty() || o.name == name);
    orgs.sort_by(|a, b| a.1.name.cmp(&b.1.name));
    let size = cx.call.number("perpage").filter(|n| *n > 0).unwrap_or(1000) as usize;
    let page = cx.call.number("page").unwrap_or(0).max(0) as usize;
    let page = orgs.into_iter().skip(page * size).take(size);
    ok(page.map(|(id, org)| json!({ "id": id, "name": org.name })).collect())
}

/// `POST /api/orgs`: its maker becomes its admin.
pub(crate) fn create(cx: &mut Context) -> Answer {
    cx.need_server("orgs:create")?;
    let name = text(&cx.call.object()?, "name")?;
    if name.is_empty() {
        return Err(bad_request());
    }
    if cx.state.orgs.values().any(|o| o.name == name) {
        return Err(message(409, "Organization name taken"));
    }
    let id = cx.state.ids.next("org");
    let mut org = Org::new(&name);
    if let Kind::User(user) = cx.who.kind {
        org.members.insert(user, Role::Admin);
    }
    cx.state.orgs.insert(id, org);
    ok(json!({ "message": "Organization created", "orgId": id }))
}

/// `GET /api/orgs/:id`: the current one by its members too, others by server admins only.
pub(crate) fn get(cx: &mut Context, id: &str) -> Answer {
    // An id that is no number is refused before anything else (grafana-access.md fact 3).
    let id: i64 = id.parse().map_err(|_| forbidden(""))?;
    if !(cx.who.server_admin || id == cx.org && cx.who.role >= Role::Viewer) {
        return Err(forbidden("orgs:read"));
    }
    match cx.state.orgs.get(&id) {
        Some(org) => ok(shown(id, org)),
        None => Err(message(404, "Organization not found")),
    }
}

/// `GET /api/orgs/name/:name`.
pub(crate) fn get_by_name(cx: &mut Context, name: &str) -> Answer {
    cx.need_server("orgs:read")?;
    match cx.state.orgs.iter().find(|(_, o)| o.name == name) {
        Some((id, org)) => ok(shown(*id, org)),
        None => Err(message(404, "Organization not found")),
    }
}

/// `DELETE /api/orgs/:id`: not the current one.
pub(crate) fn delete(cx: &mut Context, id: &str) -> Answer {
    cx.need_server("orgs:delete")?;
    let id: i64 = id.parse().map_err(|_| forbidden(""))?;
    if id == cx.org {
        return Err(message(400, "Can not delete org for current user"));
    }
    if cx.state.orgs.remove(&id).is_none() {
        return Err(message(404, "Failed to delete organization. ID not found"));
    }
    ok(json!({ "message": "Organization deleted" }))
}

/// `GET /api/org/users`, `/api/orgs/:id/users` and `/api/org/users/lookup`.
pub(crate) fn members(cx: &mut Context, org: Option<&str>, short: bool) -> Answer {
    let id = match org {
        None => cx.org,
        Some(id) => id.parse().map_err(|_| forbidden(""))?,
    };
    let may = cx.who.server_admin || id == cx.org && cx.who.role == Role::Admin;
    if !may {
        return Err(forbidden("org.users:read"));
    }
    let none = BTreeMap::new();
    let members = cx.state.orgs.get(&id).map_or(&none, |o| &o.members);
    let mut found: Vec<_> =
        members.iter().filter_map(|(user, role)| cx.state.users.get(user).map(|u| (u, role))).collect();
    found.sort_by(|a, b| a.0.login.cmp(&b.0.login));
    let old = cx.old();
    let entry = |(user, role): (&crate::users::User, &Role)| {
        if short {
            let uid = &user.uid;
            return json!({ "uid": uid, "userId": user.id, "login": user.login, "avatarUrl": avatar(&user.email) });
        }
        let mut entry = json!({
            "orgId": id, "userId": user.id, "uid": user.uid, "email": user.email, "name": user.name,
            "avatarUrl": avatar(&user.email), "login": user.login, "role": role.name(), "lastSeenAt": now(),
            "created": user.created, "lastSeenAtAge": "< 1 minute", "isDisabled": user.disabled, "authLabels": null,
            "isExternallySynced": false, "isProvisioned": false,
        });
        if old {
            let map = entry.as_object_mut().expect("is an object");
            map.retain(|key, _| !matches!(key.as_str(), "isProvisioned" | "created"));
        }
        entry
    };
    ok(found.into_iter().map(entry).collect())
}

/// `POST /api/org/users` and `/api/orgs/:id/users`: a member's role is not changed by it.
pub(crate) fn add_member(cx: &mut Context, org: Option<&str>) -> Answer {
    let id = member_org(cx, org, "org.users:add")?;
    let body = cx.call.object()?;
    let role = Role::parse(&text(&body, "role")?).ok_or_else(bad_request)?;
    let name = text(&body, "loginOrEmail")?.to_lowercase();
    let user = cx.state.users.values().find(|u| u.login == name || u.email == name).map(|u| u.id);
    let Some(user) = user else { return Err(message(404, "User not found")) };
    let Some(org) = cx.state.orgs.get_mut(&id) else { return Err(message(404, "Organization not found")) };
    if org.members.contains_key(&user) {
        let text = "User is already member of this organization";
        return Err(Reply::json(409, json!({ "message": text, "userId": user })));
    }
    org.members.insert(user, role);
    ok(json!({ "message": "User added to organization", "userId": user }))
}

/// `PATCH /api/org/users/:id` and `/api/orgs/:org/users/:id`: sets the role.
pub(crate) fn set_role(cx: &mut Context, org: Option<&str>, user: &str) -> Answer {
    let id = member_org(cx, org, "org.users:write")?;
    let role = Role::parse(&text(&cx.call.object()?, "role")?).ok_or_else(bad_request)?;
    let user: i64 = user.parse().map_err(|_| message(400, "id is invalid"))?;
    let org = cx.state.orgs.get_mut(&id);
    let Some(entry) = org.and_then(|o| o.members.get_mut(&user)) else {
        return Err(message(500, "Failed update org user"));
    };
    *entry = role;
    ok(json!({ "message": "Organization user updated" }))
}

fn member_org(cx: &Context, org: Option<&str>, action: &str) -> Result<i64, Reply> {
    match org {
        None => cx.need(Role::Admin, action).map(|()| cx.org),
        Some(id) => {
            cx.need_server(action)?;
            id.parse().map_err(|_| forbidden(""))
        }
    }
}
