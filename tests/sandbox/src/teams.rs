//! Teams, as far as permissions need them (grafana-access.md facts 19-21).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::auth::{Kind, Role};
use crate::call::{Context, integer, text};
use crate::reply::{Answer, bad_request, message, not_found, ok, with_id};
use crate::text::avatar;

/// A team of an organisation.
pub(crate) struct Team {
    pub id: i64,
    pub uid: String,
    pub name: String,
    pub email: String,
    pub members: BTreeSet<i64>,
}

fn shown(cx: &Context, team: &Team) -> Value {
    let mut body = json!({
        "id": team.id, "uid": team.uid, "orgId": cx.org, "name": team.name, "email": team.email, "externalUID": "",
        "isProvisioned": false, "avatarUrl": avatar(&team.name), "memberCount": team.members.len(), "permission": 0,
        "accessControl": null,
    });
    if cx.old() {
        let map = body.as_object_mut().expect("is an object");
        map.retain(|key, _| !matches!(key.as_str(), "isProvisioned" | "externalUID"));
    }
    if cx.call.query("accesscontrol") == Some("true") {
        let all = ["teams.permissions:read", "teams.permissions:write", "teams:delete", "teams:read", "teams:write"];
        body["accessControl"] = all.into_iter().map(|action| (action.to_owned(), json!(true))).collect();
    }
    body
}

/// `POST /api/teams`: a user becomes its admin, a token adds nobody.
pub(crate) fn create(cx: &mut Context) -> Answer {
    cx.need(Role::Admin, "teams:create")?;
    let body = cx.call.object()?;
    let name = text(&body, "name")?;
    if name.is_empty() {
        return Err(bad_request());
    }
    if cx.look().teams.values().any(|t| t.name == name) {
        return Err(message(409, "Team name taken"));
    }
    let (id, uid) = (cx.state.ids.next("team"), cx.state.ids.uid());
    let mut members = BTreeSet::new();
    if let Kind::User(user) = cx.who.kind {
        members.insert(user);
    }
    let team = Team { id, uid: uid.clone(), name, email: text(&body, "email")?, members };
    cx.store().teams.insert(id, team);
    ok(json!({ "message": "Team created", "teamId": id, "uid": uid }))
}

/// `GET /api/teams/search`: pages from 1, `name=` exact.
pub(crate) fn search(cx: &mut Context) -> Answer {
    cx.need(Role::Admin, "teams:read")?;
    if cx
        .call
        .query("sort")
        .is_some_and(|s| !s.starts_with("name-") && !s.starts_with("email-") && !s.starts_with("memberCount-"))
    {
        return Err(with_id(400, "unknown sorting option", "BadRequest"));
    }
    let name = cx.call.query("name").unwrap_or_default();
    let query = cx.call.query("query").unwrap_or_default().to_lowercase();
    let mut teams: Vec<&Team> = cx.look().teams.values().collect();
    teams.retain(|t| (name.is_empty() || t.name == name) && t.name.to_lowercase().contains(&query));
    teams.sort_by(|a, b| a.name.cmp(&b.name));
    let total = teams.len();
    let size = cx.call.number("perpage").filter(|n| *n > 0).unwrap_or(1000);
    let page = cx.call.number("page").unwrap_or(1).max(1);
    let skipped = ((page - 1) * size) as usize;
    let shown: Vec<Value> = teams.into_iter().skip(skipped).take(size as usize).map(|t| shown(cx, t)).collect();
    ok(json!({ "totalCount": total, "teams": shown, "page": page, "perPage": size }))
}

fn find(cx: &Context, id: &str) -> Result<i64, crate::reply::Reply> {
    let by_uid = cx.look().teams.values().find(|t| t.uid == id).map(|t| t.id);
    let Some(id) = by_uid.or_else(|| id.parse().ok()) else { return Err(not_found()) };
    if cx.look().teams.contains_key(&id) { Ok(id) } else { Err(message(404, "Team not found")) }
}

/// `GET /api/teams/:id`.
pub(crate) fn get(cx: &mut Context, id: &str) -> Answer {
    cx.need(Role::Admin, "teams:read")?;
    let id = find(cx, id)?;
    ok(shown(cx, &cx.look().teams[&id]))
}

/// `DELETE /api/teams/:id`.
pub(crate) fn delete(cx: &mut Context, id: &str) -> Answer {
    cx.need(Role::Admin, "teams:delete")?;
    let id = find(cx, id)?;
    cx.store().teams.remove(&id);
    ok(json!({ "message": "Team deleted" }))
}

/// `GET /api/teams/:id/members`.
pub(crate) fn members(cx: &mut Context, id: &str) -> Answer {
    cx.need(Role::Admin, "teams.permissions:read")?;
    let id = find(cx, id)?;
    let team = &cx.look().teams[&id];
    let entry = |user: &crate::users::User| {
        json!({
            "uid": user.uid, "orgId": cx.org, "teamId": id, "teamUID": team.uid, "userId": user.id, "userUID": user.uid,
            "auth_module": "", "email": user.email, "name": user.name, "login": user.login,
            "avatarUrl": avatar(&user.email), "labels": [], "permission": 0,
        })
    };
    ok(team.members.iter().filter_map(|user| cx.state.users.get(user)).map(entry).collect())
}

/// `POST /api/teams/:id/members`: again is 400.
pub(crate) fn add_member(cx: &mut Context, id: &str) -> Answer {
    cx.need(Role::Admin, "teams.permissions:write")?;
    let id = find(cx, id)?;
    let user = integer(&cx.call.object()?, "userId")?;
    if !cx.state.users.contains_key(&user) && !cx.state.accounts.contains_key(&user) {
        return Err(message(500, "Failed to add Member to Team"));
    }
    let team = cx.store().teams.get_mut(&id).expect("was just found");
    if !team.members.insert(user) {
        return Err(message(400, "User is already added to this team"));
    }
    ok(json!({ "message": "Member added to Team" }))
}
