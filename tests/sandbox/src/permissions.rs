//! Permission lists of folders and dashboards: `/permissions` and the access-control endpoints beside it
//! (grafana.md facts 30 and 38).

use serde_json::{Value, json};

use crate::auth::Role;
use crate::call::{Context, text};
use crate::reply::{Answer, Reply, bad_request, forbidden, message, ok, with_status};
use crate::rights::Grant;
use crate::text::{avatar, now, slug};

/// Which kind of object a list belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    Folders,
    Dashboards,
}

impl Of {
    fn word(self) -> &'static str {
        if self == Of::Folders { "folders" } else { "dashboards" }
    }
}

/// Lets through who may read or write the list of an object that exists.
fn gate(cx: &Context, of: Of, uid: &str, verb: &str) -> Result<(), Reply> {
    let (found, level) = match of {
        Of::Folders => (uid == "general" || cx.look().folders.contains_key(uid), cx.folder_level(uid)),
        Of::Dashboards => {
            let dashboard = cx.look().dashboards.get(uid);
            (dashboard.is_some(), dashboard.map_or(0, |d| cx.dashboard_level(d)))
        }
    };
    if found && level < 4 || !found && of == Of::Folders && cx.who.role < Role::Admin {
        return Err(forbidden(&format!("{}.permissions:{verb}", of.word())));
    }
    match (found, of) {
        (true, _) => Ok(()),
        (false, Of::Folders) => Err(with_status(404, "folder not found", "not-found")),
        (false, Of::Dashboards) => Err(message(404, "Dashboard not found")),
    }
}

fn grants<'a>(cx: &'a mut Context, of: Of, uid: &str) -> Option<&'a mut Vec<Grant>> {
    let store = cx.store();
    match of {
        Of::Folders => store.folders.get_mut(uid).map(|f| &mut f.grants),
        Of::Dashboards => store.dashboards.get_mut(uid).map(|d| &mut d.grants),
    }
}

/// `GET …/permissions`: what is inherited never shows.
pub(crate) fn get(cx: &mut Context, of: Of, uid: &str) -> Answer {
    gate(cx, of, uid, "read")?;
    let Some(mut list) = grants(cx, of, uid).map(|g| g.clone()) else { return ok(json!([])) };
    list.sort_by_key(|g| {
        if g.user != 0 {
            0
        } else if g.team != 0 {
            1
        } else {
            2
        }
    });
    let entries: Vec<Value> = list.iter().map(|grant| entry(cx, of, uid, grant)).collect();
    ok(Value::Array(entries))
}

fn entry(cx: &Context, of: Of, uid: &str, grant: &Grant) -> Value {
    let (key, id, title, slugged, url) = match of {
        Of::Folders => {
            let folder = &cx.look().folders[uid];
            ("folderId", folder.id, &folder.title, String::new(), folder.url())
        }
        Of::Dashboards => {
            let dashboard = &cx.look().dashboards[uid];
            ("dashboardId", dashboard.id, &dashboard.title, slug(&dashboard.title), dashboard.url())
        }
    };
    let (user, login, mail) = subject(cx, grant.user);
    let team = cx.look().teams.get(&grant.team);
    let word = |text: Option<&String>| text.cloned().unwrap_or_default();
    let mut body = json!({
        key: id, "created": now(), "updated": now(), "userId": grant.user, "userUid": user, "userLogin": login,
        "userEmail": mail, "userAvatarUrl": if login.is_empty() { String::new() } else { avatar(&mail) },
        "teamId": grant.team, "teamUid": word(team.map(|t| &t.uid)), "teamEmail": word(team.map(|t| &t.email)),
        "teamAvatarUrl": team.map_or(String::new(), |t| avatar(&t.name)), "team": word(team.map(|t| &t.name)),
    });
    if cx.old()
        && let Some(parent) = above(cx, of, uid)
    {
        // 11.5 names the folder above [11.5/dashboards_permissions].
        match of {
            Of::Folders => body["folderUid"] = json!(parent.uid),
            Of::Dashboards => body["folderId"] = json!(parent.id),
        }
    }
    if let Some(role) = grant.role {
        body["role"] = json!(role.name());
    }
    let name = match grant.level {
        4 => "Admin",
        2 => "Edit",
        _ => "View",
    };
    let rest = json!({
        "permission": grant.level, "permissionName": name, "uid": uid, "title": title, "slug": slugged,
        "isFolder": of == Of::Folders, "url": url, "inherited": false,
    });
    body.as_object_mut().expect("is an object").extend(rest.as_object().expect("is an object").clone());
    body
}

/// The folder that an object lies in.
fn above<'a>(cx: &'a Context, of: Of, uid: &str) -> Option<&'a crate::folders::Folder> {
    let store = cx.look();
    let parent = match of {
        Of::Folders => &store.folders.get(uid)?.parent,
        Of::Dashboards => &store.dashboards.get(uid)?.folder,
    };
    store.folders.get(parent)
}

/// uid, login and e-mail of a user or a service account.
fn subject(cx: &Context, id: i64) -> (String, String, String) {
    if let Some(user) = cx.state.users.get(&id) {
        return (user.uid.clone(), user.login.clone(), user.email.clone());
    }
    match cx.state.accounts.get(&id) {
        Some(account) => (account.uid.clone(), account.login.clone(), account.login.clone()),
        None => Default::default(),
    }
}

/// `POST …/permissions`: replaces the list; one bad entry and nothing changes.
pub(crate) fn set(cx: &mut Context, of: Of, uid: &str) -> Answer {
    gate(cx, of, uid, "write")?;
    let body = cx.call.object()?;
    let mut list: Vec<Grant> = Vec::new();
    let items = match body.get("items") {
        None | Some(Value::Null) => &Vec::new(),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(bad_request()),
    };
    for item in items {
        let item = item.as_object().ok_or_else(bad_request)?;
        let number = |key: &str| item.get(key).and_then(Value::as_i64).unwrap_or(0);
        let role = match text(item, "role")?.as_str() {
            "" => None,
            name => Some(Role::parse(name).ok_or_else(bad_request)?),
        };
        let grant = Grant { user: number("userId"), team: number("teamId"), role, level: number("permission") };
        let known = match (&grant.role, grant.user, grant.team) {
            (Some(_), ..) => true,
            (None, 0, team) => cx.look().teams.contains_key(&team),
            (None, user, _) => cx.state.users.contains_key(&user) || cx.state.accounts.contains_key(&user),
        };
        // A userUid in place of a userId is not understood: an entry without a subject.
        if !known {
            return Err(message(500, "Failed to create permission"));
        }
        put(&mut list, grant);
    }
    let own = cx.who.id();
    let left_out = cx.who.role < Role::Admin && !list.iter().any(|g| g.user == own);
    let place = grants(cx, of, uid);
    if let Some(place) = place {
        *place = list;
    }
    if left_out && of == Of::Folders {
        // The rights that were cached before hold it back from deleting its own folder (grafana.md fact 30).
        let folder = cx.store().folders.get_mut(uid);
        if let Some(folder) = folder {
            folder.undeletable_by.push(own);
        }
    }
    let noun = if of == Of::Folders { "Folder" } else { "Dashboard" };
    ok(json!({ "message": format!("{noun} permissions updated") }))
}

/// Sets one subject's level; levels that Grafana does not know take the entry away.
fn put(list: &mut Vec<Grant>, grant: Grant) {
    list.retain(|g| (g.user, g.team, g.role) != (grant.user, grant.team, grant.role));
    if matches!(grant.level, 1 | 2 | 4) {
        list.push(grant);
    }
}

/// `GET /api/access-control/<kind>/description`.
pub(crate) fn describe() -> Answer {
    let subjects = json!({ "users": true, "serviceAccounts": true, "teams": true, "builtInRoles": true });
    ok(json!({ "assignments": subjects, "permissions": ["View", "Edit", "Admin"] }))
}

/// `POST /api/access-control/<kind>/:uid`: sets or removes several, leaves the others.
pub(crate) fn set_many(cx: &mut Context, of: Of, uid: &str) -> Answer {
    gate(cx, of, uid, "write")?;
    let body = cx.call.object()?;
    for entry in body.get("permissions").and_then(Value::as_array).unwrap_or(&Vec::new()) {
        let level = level(entry["permission"].as_str().unwrap_or_default());
        let number = |key: &str| entry[key].as_i64().unwrap_or(0);
        let role = entry["builtInRole"].as_str().and_then(Role::parse);
        let grant = Grant { user: number("userId"), team: number("teamId"), role, level };
        if let Some(list) = grants(cx, of, uid) {
            put(list, grant);
        }
    }
    ok(json!({ "message": "Permissions updated" }))
}

/// `POST /api/access-control/<kind>/:uid/{users,teams,builtInRoles}/:id`: sets or, by "", removes one.
pub(crate) fn set_one(cx: &mut Context, of: Of, uid: &str, kind: &str, id: &str) -> Answer {
    gate(cx, of, uid, "write")?;
    let word = text(&cx.call.object()?, "permission")?;
    let level = level(&word);
    if cx.old() && level == 0 && !word.is_empty() {
        let text = format!("Permission [{word}] is invalid for this resource type");
        let (id, extra) = ("resourcePermissions.invalidPermission", json!({ "permission": word }));
        return Err(Reply::json(400, json!({ "statusCode": 400, "messageId": id, "message": text, "extra": extra })));
    }
    let number: i64 = id.parse().unwrap_or(0);
    let unknown = |noun: &str| {
        let id = "accesscontrol.assignmentEntityNotFound";
        let extra = json!({ "assignment": noun });
        let text = format!("{noun} not found");
        Reply::json(400, json!({ "statusCode": 400, "messageId": id, "message": text, "extra": extra }))
    };
    let grant = match kind {
        "users" if cx.state.users.contains_key(&number) || cx.state.accounts.contains_key(&number) => {
            Grant::user(number, level)
        }
        "users" => return Err(unknown("user")),
        "teams" if cx.look().teams.contains_key(&number) => Grant { user: 0, team: number, role: None, level },
        "teams" => return Err(unknown("team")),
        _ => Grant::role(Role::parse(id).ok_or_else(|| unknown("role"))?, level),
    };
    if let Some(list) = grants(cx, of, uid) {
        put(list, grant);
    }
    ok(json!({ "message": if word.is_empty() { "Permission removed" } else { "Permission updated" } }))
}

fn level(word: &str) -> i64 {
    match word {
        "View" => 1,
        "Edit" => 2,
        "Admin" => 4,
        _ => 0,
    }
}
