//! Service accounts and their tokens (grafana-access.md facts 23-26).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::auth::Role;
use crate::call::{Context, integer, text};
use crate::reply::{Answer, Reply, bad_request, message, not_found, ok, with_id};
use crate::text::{avatar, now, slug};

/// An account for machines; its id is of the same row as the users'.
pub(crate) struct ServiceAccount {
    pub id: i64,
    pub uid: String,
    pub name: String,
    pub login: String,
    pub org: i64,
    pub role: Role,
    /// Since when it is disabled: its tokens go on for a while.
    pub disabled: Option<Instant>,
    pub created: String,
}

/// A token of one; deleted ones are remembered, for they are refused in other words than unknown ones.
pub(crate) struct Token {
    pub id: i64,
    pub name: String,
    pub account: i64,
    pub expires: Option<Instant>,
    pub deleted: bool,
    pub created: String,
}

fn shown(account: &ServiceAccount) -> Value {
    json!({
        "id": account.id, "uid": account.uid, "name": account.name, "login": account.login, "orgId": account.org,
        "isDisabled": account.disabled.is_some(), "createdAt": account.created, "updatedAt": account.created,
        "avatarUrl": avatar(&account.login), "role": account.role.name(), "teams": null,
    })
}

fn find(cx: &Context, id: &str) -> Result<i64, Reply> {
    let id: i64 = id.parse().map_err(|_| not_found())?;
    match cx.state.accounts.get(&id) {
        Some(account) if account.org == cx.org => Ok(id),
        _ => Err(with_id(404, "serviceaccounts.ErrNotFound", "service account not found")),
    }
}

/// `POST /api/serviceaccounts`: the key is the login made of the name.
pub(crate) fn create(cx: &mut Context) -> Answer {
    cx.need(Role::Admin, "serviceaccounts:create")?;
    let body = cx.call.object()?;
    let name = text(&body, "name")?;
    if name.is_empty() {
        return Err(message(400, "Bad request data"));
    }
    if name.trim().is_empty() {
        return Err(with_id(400, "serviceaccounts.ErrInvalidInput", "invalid input"));
    }
    let role = match body.get("role") {
        None | Some(Value::Null) => Role::Viewer,
        Some(role) => role.as_str().and_then(Role::parse).ok_or_else(bad_request)?,
    };
    let login = format!("sa-{}-{}", cx.org, slug(&name));
    if cx.state.accounts.values().any(|a| a.login == login) {
        return Err(with_id(400, "serviceaccounts.ErrAlreadyExists", "service account already exists"));
    }
    let account = ServiceAccount {
        id: cx.state.ids.next("user"),
        uid: cx.state.ids.uid(),
        name,
        login,
        org: cx.org,
        role,
        disabled: None,
        created: now(),
    };
    let answer = json!({
        "id": account.id, "uid": account.uid, "name": account.name, "login": account.login, "orgId": account.org,
        "isDisabled": false, "role": role.name(), "tokens": 0, "avatarUrl": "",
    });
    cx.state.accounts.insert(account.id, account);
    Ok(Reply::json(201, answer))
}

/// `GET /api/serviceaccounts/search`.
pub(crate) fn search(cx: &mut Context) -> Answer {
    cx.need(Role::Admin, "serviceaccounts:read")?;
    let query = cx.call.query("query").unwrap_or_default().to_lowercase();
    let mut found: Vec<&ServiceAccount> = cx.state.accounts.values().filter(|a| a.org == cx.org).collect();
    found.retain(|a| a.name.to_lowercase().contains(&query) || a.login.contains(&query));
    let list: Vec<Value> = found
        .into_iter()
        .map(|a| {
            let tokens = cx.state.tokens.values().filter(|t| t.account == a.id && !t.deleted).count();
            json!({
                "id": a.id, "uid": a.uid, "name": a.name, "login": a.login, "orgId": a.org,
                "isDisabled": a.disabled.is_some(), "role": a.role.name(), "tokens": tokens,
                "avatarUrl": avatar(&a.login),
            })
        })
        .collect();
    ok(json!({ "totalCount": list.len(), "serviceAccounts": list, "page": 1, "perPage": 1000 }))
}

/// `GET /api/serviceaccounts/:id`.
pub(crate) fn get(cx: &mut Context, id: &str) -> Answer {
    cx.need(Role::Admin, "serviceaccounts:read")?;
    let id = find(cx, id)?;
    ok(shown(&cx.state.accounts[&id]))
}

/// `PATCH /api/serviceaccounts/:id`: what is left out stays; the login stays always.
pub(crate) fn update(cx: &mut Context, id: &str) -> Answer {
    cx.need(Role::Admin, "serviceaccounts:write")?;
    let id = find(cx, id)?;
    let body = cx.call.object()?;
    let account = cx.state.accounts.get_mut(&id).expect("was just found");
    if let Some(name) = body.get("name").and_then(Value::as_str) {
        account.name = name.to_owned();
    }
    if let Some(role) = body.get("role").and_then(Value::as_str) {
        account.role = Role::parse(role).ok_or_else(bad_request)?;
    }
    if let Some(disabled) = body.get("isDisabled").and_then(Value::as_bool) {
        account.disabled = disabled.then(|| account.disabled.unwrap_or_else(Instant::now));
    }
    ok(
        json!({ "id": id, "message": "Service account updated", "name": account.name, "serviceaccount": shown(account) }),
    )
}

/// `DELETE /api/serviceaccounts/:id`.
pub(crate) fn delete(cx: &mut Context, id: &str) -> Answer {
    cx.need(Role::Admin, "serviceaccounts:delete")?;
    let id = find(cx, id)?;
    cx.state.accounts.remove(&id);
    ok(json!({ "message": "Service account deleted" }))
}

/// `POST /api/serviceaccounts/:id/tokens`: the key is shown this once.
pub(crate) fn add_token(cx: &mut Context, id: &str) -> Answer {
    cx.need(Role::Admin, "serviceaccounts:write")?;
    let account = find(cx, id)?;
    let body = cx.call.object()?;
    let name = text(&body, "name")?;
    if name.is_empty() {
        return Err(message(400, "Bad request data"));
    }
    let seconds = integer(&body, "secondsToLive")?;
    if seconds < 0 {
        return Err(with_id(400, "serviceaccounts.ErrInvalidExpiration", "invalid SecondsToLive value"));
    }
    // Names are unique in the whole organisation.
    let org = cx.org;
    let taken = cx
        .state
        .tokens
        .values()
        .any(|t| !t.deleted && t.name == name && cx.state.accounts.get(&t.account).is_some_and(|a| a.org == org));
    if taken {
        return Err(with_id(
            400,
            "serviceaccounts.ErrTokenAlreadyExists",
            "service account token with given name already exists in the organization",
        ));
    }
    let (first, last) = (cx.state.ids.uuid().replace('-', ""), cx.state.ids.random() as u32);
    let key = format!("glsa_{first}_{last:08x}");
    let number = cx.state.ids.next("token");
    let expires = (seconds > 0).then(|| Instant::now() + Duration::from_secs(seconds as u64));
    let token = Token { id: number, name: name.clone(), account, expires, deleted: false, created: now() };
    cx.state.tokens.insert(key.clone(), token);
    ok(json!({ "id": number, "name": name, "key": key }))
}

/// `GET /api/serviceaccounts/:id/tokens`.
pub(crate) fn tokens(cx: &mut Context, id: &str) -> Answer {
    cx.need(Role::Admin, "serviceaccounts:read")?;
    let account = find(cx, id)?;
    let mut of: Vec<&Token> = cx.state.tokens.values().filter(|t| t.account == account && !t.deleted).collect();
    of.sort_by_key(|t| t.id);
    let entry = |t: &Token| {
        let expired = t.expires.is_some_and(|at| at <= Instant::now());
        json!({
            "id": t.id, "name": t.name, "created": t.created, "lastUsedAt": null, "expiration": null,
            "secondsUntilExpiration": 0, "hasExpired": expired, "isRevoked": false,
        })
    };
    ok(of.into_iter().map(entry).collect())
}

/// `DELETE /api/serviceaccounts/:id/tokens/:token`.
pub(crate) fn delete_token(cx: &mut Context, id: &str, token: &str) -> Answer {
    cx.need(Role::Admin, "serviceaccounts:write")?;
    let account = find(cx, id)?;
    let token: i64 = token.parse().map_err(|_| not_found())?;
    let found = cx.state.tokens.values_mut().find(|t| t.id == token && t.account == account && !t.deleted);
    let Some(found) = found else { return Err(message(404, "Service account token not found")) };
    found.deleted = true;
    ok(json!({ "message": "Service account token deleted" }))
}
