//! Folders by /api/folders: reads, creates, changes (grafana.md facts 23-30 and 60). Moves and deletes: `folder_tree`.

use serde_json::{Map, Value, json};

use crate::auth::Role;
use crate::call::{Context, flag, text};
use crate::reply::{Answer, Reply, bad_request, forbidden, message, ok, with_id, with_status};
use crate::rights::Grant;
use crate::text::{now, now_nanos, slug, uid_fault};

/// A folder as it is kept; `version` is what /apis calls generation.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub id: i64,
    pub uid: String,
    pub uuid: String,
    pub title: String,
    pub description: Option<String>,
    /// The uid of the parent, empty at the root; it need not be there (grafana.md fact 24).
    pub parent: String,
    pub created: String,
    pub created_by: String,
    pub updated: String,
    pub updated_by: Option<String>,
    pub version: i64,
    pub resource: i64,
    pub labels: Map<String, Value>,
    pub annotations: Map<String, Value>,
    pub grants: Vec<Grant>,
    pub managed_by: Option<String>,
    /// Those that left themselves out of its permissions and cannot delete it any more.
    pub undeletable_by: Vec<i64>,
}

impl Folder {
    /// Its address in the web interface.
    pub fn url(&self) -> String {
        format!("/dashboards/f/{}/{}", self.uid, slug(&self.title))
    }
}

/// What is wanted of a new folder.
pub(crate) struct NewFolder {
    pub uid: String,
    pub title: String,
    pub description: Option<String>,
    pub parent: String,
}

impl Context<'_> {
    /// A login for an author that is kept as /apis names it; service accounts show as Anonymous.
    pub fn author(&self, actor: &str) -> String {
        let uid = actor.strip_prefix("user:").unwrap_or_default();
        let user = self.state.users.values().find(|u| u.uid == uid);
        user.map_or("Anonymous".to_owned(), |u| u.login.clone())
    }

    /// The folders from the root down to this one's parent; ends at a parent that is not there.
    pub fn ancestors(&self, uid: &str) -> Vec<String> {
        let mut way = Vec::new();
        let mut at = self.look().folders.get(uid).map(|f| f.parent.clone()).unwrap_or_default();
        while let Some(folder) = self.look().folders.get(&at).filter(|_| way.len() < 20) {
            way.push(at);
            at = folder.parent.clone();
        }
        way.reverse();
        way
    }

    /// The moment in the form that this version's folders carry.
    pub fn folder_time(&self) -> String {
        if self.old() { now_nanos() } else { now() }
    }
}

/// A folder as GET by uid gives it; `level` is that of the one who asks.
pub(crate) fn shown(cx: &Context, uid: &str, level: i64, parents: bool) -> Value {
    let folder = &cx.look().folders[uid];
    let updated_by = folder.updated_by.as_ref().map_or("Anonymous".to_owned(), |by| cx.author(by));
    let created_by = if cx.old() { "Anonymous".to_owned() } else { cx.author(&folder.created_by) };
    let mut body = json!({
        "id": folder.id, "uid": folder.uid, "orgId": if cx.old() { 0 } else { cx.org }, "title": folder.title,
        "url": folder.url(), "hasAcl": false, "canSave": level >= 2, "canEdit": level >= 2, "canAdmin": level >= 4,
        "canDelete": level >= 2, "createdBy": created_by, "created": folder.created,
        "updatedBy": if cx.old() { "Anonymous".to_owned() } else { updated_by }, "updated": folder.updated,
        "version": folder.version,
    });
    if let Some(manager) = &folder.managed_by {
        body["managedBy"] = json!(manager);
    }
    if !folder.parent.is_empty() {
        body["parentUid"] = json!(folder.parent);
        let way = cx.ancestors(uid);
        if parents && !way.is_empty() {
            body["parents"] = way.iter().map(|up| shown(cx, up, level, false)).collect();
        }
    }
    body
}

/// The 404 of the old API.
pub(crate) fn absent() -> Reply {
    with_status(404, "folder not found", "not-found")
}

/// `GET /api/folders`: one level, by title; without a limit all of them (grafana.md fact 29).
pub(crate) fn list(cx: &mut Context) -> Answer {
    let limit = cx.call.number("limit").unwrap_or(0);
    if limit < 0 && !cx.old() {
        return Err(message(500, "Folder API error: 400 error searching: limit cannot be negative: <nil>"));
    }
    let parent = cx.call.query("parentUid").unwrap_or_default();
    let wanted = if cx.call.query("permission") == Some("Edit") { 2 } else { 1 };
    if !parent.is_empty() && !cx.look().folders.contains_key(parent) {
        let old = "[guardian.dashboardNotFound] failed to get dashboard by UID: Dashboard not found";
        return Err(if cx.old() { message(404, old) } else { absent() });
    }
    let mut found: Vec<&Folder> = cx.look().folders.values().filter(|f| f.parent == parent).collect();
    found.retain(|f| cx.folder_level(&f.uid) >= wanted);
    found.sort_by_key(|f| (if cx.old() { f.title.clone() } else { f.title.to_lowercase() }, f.id));
    let page = cx.call.number("page").unwrap_or(1).max(1);
    let size = if limit <= 0 { usize::MAX } else { limit as usize };
    let skipped = if limit <= 0 { 0 } else { (page - 1) as usize * size };
    let entry = |f: &Folder| {
        let mut entry = json!({ "id": f.id, "uid": f.uid, "title": f.title });
        if !parent.is_empty() {
            entry["parentUid"] = json!(parent);
        }
        entry
    };
    let mut list: Vec<Value> = found.into_iter().skip(skipped).take(size).map(entry).collect();
    // Those who do not see everything are offered a folder that is none (grafana.md fact 30).
    if cx.who.role < Role::Admin && parent.is_empty() && page == 1 {
        list.insert(0, json!({ "id": -1, "uid": "sharedwithme", "title": "Shared with me" }));
    }
    ok(Value::Array(list))
}

/// `GET /api/folders/:uid`.
pub(crate) fn get(cx: &mut Context, uid: &str) -> Answer {
    if uid == "general" {
        return ok(general());
    }
    cx.need_folder(uid, 1, "folders:read")?;
    if !cx.look().folders.contains_key(uid) {
        return Err(absent());
    }
    let level = cx.folder_level(uid);
    let mut body = shown(cx, uid, level, true);
    if cx.call.query("accesscontrol") == Some("true") {
        body["accessControl"] = ACTIONS.iter().map(|a| ((*a).to_owned(), json!(true))).collect::<Map<_, _>>().into();
    }
    ok(body)
}

/// The root, which is no folder.
fn general() -> Value {
    json!({
        "id": 0, "uid": "general", "orgId": 0, "title": "Dashboards", "url": "", "hasAcl": false, "canSave": true,
        "canEdit": true, "canAdmin": true, "canDelete": true, "createdBy": "Anonymous",
        "created": "0001-01-01T00:00:00Z", "updatedBy": "Anonymous", "updated": "0001-01-01T00:00:00Z",
    })
}

/// What `?accesscontrol=true` lists.
const ACTIONS: [&str; 27] = [
    "alert.rules:create",
    "alert.rules:delete",
    "alert.rules:read",
    "alert.rules:write",
    "alert.silences:create",
    "alert.silences:read",
    "alert.silences:write",
    "annotations:create",
    "annotations:delete",
    "annotations:read",
    "annotations:write",
    "dashboards.permissions:read",
    "dashboards.permissions:write",
    "dashboards:create",
    "dashboards:delete",
    "dashboards:read",
    "dashboards:write",
    "folders.permissions:read",
    "folders.permissions:write",
    "folders:create",
    "folders:delete",
    "folders:read",
    "folders:write",
    "library.panels:create",
    "library.panels:delete",
    "library.panels:read",
    "library.panels:write",
];

/// `GET /api/folders/id/:id`.
pub(crate) fn get_by_id(cx: &mut Context, id: &str) -> Answer {
    let id: i64 = id.parse().map_err(|_| message(400, "id is invalid"))?;
    let uid = cx.look().folders.values().find(|f| f.id == id).map(|f| f.uid.clone());
    get(cx, &uid.ok_or_else(absent)?)
}

/// Why a folder cannot be made, in the order of the real checks.
pub(crate) fn refusal(cx: &Context, wanted: &NewFolder) -> Option<Reply> {
    let (uid, old) = (wanted.uid.as_str(), cx.old());
    if wanted.title.trim().is_empty() {
        return Some(message(400, "folder title cannot be empty"));
    }
    if old && wanted.title.trim().eq_ignore_ascii_case("general") {
        return Some(message(400, "A folder with that name already exists"));
    }
    if uid == "general" {
        let tail = if old { "" } else { ": invalid uid for folder provided" };
        return Some(message(500, format!("Folder API error{tail}")));
    }
    if uid == "sharedwithme" {
        return Some(with_id(400, "folder.bad-request", "BadRequest"));
    }
    if uid.contains('/') && !old {
        let text = format!(
            "Folder.folder.grafana.app \"{uid}\" is invalid: metadata.name: Invalid value: \"{uid}\": may not contain '/'"
        );
        return Some(message(422, text));
    }
    if let Some(fault) = uid_fault(uid) {
        return Some(message(400, fault));
    }
    if cx.look().folders.contains_key(uid) {
        let text = "the folder has been changed by someone else";
        return Some(if old { with_status(412, text, "version-mismatch") } else { message(412, text) });
    }
    if wanted.parent.is_empty() {
        return None;
    }
    // 12.4 accepts a parent that is not there (grafana.md fact 24).
    if !cx.look().folders.contains_key(&wanted.parent) {
        return old.then(absent);
    }
    (cx.ancestors(&wanted.parent).len() + 1 >= 5).then(|| {
        if old {
            with_id(400, "folder.maximum-depth-reached", "Maximum nested folder depth reached")
        } else {
            message(500, "Folder API error: folder max depth exceeded, max depth is 4")
        }
    })
}

/// Puts a new folder in its place, with the permissions that new ones get.
pub(crate) fn insert(cx: &mut Context, wanted: NewFolder) -> String {
    let uid = if wanted.uid.is_empty() { cx.state.ids.uid() } else { wanted.uid };
    // A child has none of its own, but in 11.5 its maker's (grafana.md facts 30 and 60).
    let grants = match (wanted.parent.is_empty(), cx.old()) {
        (true, _) => cx.root_grants(),
        (false, true) => cx.own_grant(),
        (false, false) => Vec::new(),
    };
    let time = cx.folder_time();
    let folder = Folder {
        id: cx.state.ids.object(),
        uid: uid.clone(),
        uuid: cx.state.ids.uuid(),
        title: wanted.title.trim().to_owned(),
        description: wanted.description,
        parent: wanted.parent,
        created: time.clone(),
        created_by: cx.who.actor(),
        updated: time,
        updated_by: None,
        version: 1,
        resource: cx.state.ids.version(),
        labels: Map::new(),
        annotations: Map::new(),
        grants,
        managed_by: None,
        undeletable_by: Vec::new(),
    };
    cx.store().folders.insert(uid.clone(), folder);
    uid
}

/// `POST /api/folders`.
pub(crate) fn create(cx: &mut Context) -> Answer {
    let body = cx.call.object()?;
    let parent = text(&body, "parentUid")?;
    let above = cx.folder_level(&parent);
    if above < 2 {
        return Err(forbidden("folders:create"));
    }
    let description = Some(text(&body, "description")?);
    let wanted = NewFolder { uid: text(&body, "uid")?, title: text(&body, "title")?, description, parent };
    if let Some(reply) = refusal(cx, &wanted) {
        return Err(reply);
    }
    let root = wanted.parent.is_empty();
    let uid = insert(cx, wanted);
    // The maker's new rights are not seen yet in this very answer [token_flow].
    let level = if root && cx.who.role < Role::Admin { 0 } else { above.max(cx.folder_level(&uid)) };
    ok(shown(cx, &uid, level, true))
}

/// `PUT /api/folders/:uid`: the title and description; needs the exact version or overwrite (grafana.md fact 26).
pub(crate) fn update(cx: &mut Context, uid: &str) -> Answer {
    let body = cx.call.object()?;
    cx.need_folder(uid, 2, "folders:write")?;
    let old = cx.old();
    let Some(folder) = cx.look().folders.get(uid) else { return Err(absent()) };
    let version = body.get("version").map_or(Some(0), Value::as_i64).ok_or_else(bad_request)?;
    if !flag(&body, "overwrite")? && version != folder.version {
        return Err(if old {
            with_status(412, "the folder has been changed by someone else", "version-mismatch")
        } else {
            message(412, "The dashboard has been changed by someone else")
        });
    }
    let mut title = folder.title.clone();
    if body.get("title").is_some_and(|t| !t.is_null()) {
        let wanted = text(&body, "title")?.trim().to_owned();
        match (wanted.is_empty(), old) {
            (true, false) => return Err(message(400, "Dashboard title cannot be empty")),
            (true, true) => {}
            (false, _) => title = wanted,
        }
    }
    let mut description = folder.description.clone();
    if body.get("description").is_some_and(|d| !d.is_null()) {
        description = Some(text(&body, "description")?);
    }
    // Nothing changed: the version stays, but 11.5 moves it always (grafana.md fact 57).
    if old || title != folder.title || description != folder.description {
        let time = cx.folder_time();
        let (actor, resource) = (cx.who.actor(), cx.state.ids.version());
        let folder = cx.store().folders.get_mut(uid).expect("was just read");
        (folder.title, folder.description) = (title, description);
        touch(folder, time, actor, resource);
    }
    let level = cx.folder_level(uid);
    ok(shown(cx, uid, level, true))
}

/// Notes a change: version, author, time.
pub(crate) fn touch(folder: &mut Folder, time: String, actor: String, resource: i64) {
    folder.version += 1;
    folder.updated = time;
    folder.updated_by = Some(actor);
    folder.resource = resource;
}
