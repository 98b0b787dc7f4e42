//! Library panels, enough to lie in folders and be used (grafana.md facts 28, 47, 61).

use serde_json::{Map, Value, json};

use crate::auth::Role;
use crate::call::{Context, integer, sorted, text};
use crate::reply::{Answer, Reply, bad_request, forbidden, message, ok};
use crate::text::{avatar, now_nanos, uid_fault};

/// A library panel.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub id: i64,
    pub uid: String,
    pub name: String,
    pub folder: String,
    pub model: Value,
    pub version: i64,
    pub created: String,
    pub updated: String,
    pub author: (i64, String),
}

/// Whether a dashboard shows this panel.
pub(crate) fn in_use(cx: &Context, uid: &str) -> bool {
    users(cx, uid).next().is_some()
}

fn users<'a>(cx: &'a Context, uid: &str) -> impl Iterator<Item = &'a crate::dashboards::Dashboard> {
    let uid = uid.to_owned();
    cx.look().dashboards.values().filter(move |d| {
        let panels = d.spec["panels"].as_array();
        panels.is_some_and(|all| all.iter().any(|p| p["libraryPanel"]["uid"].as_str() == Some(&uid)))
    })
}

fn shown(cx: &Context, e: &Element, read: bool) -> Value {
    let folder = cx.look().folders.get(&e.folder);
    let name = match (folder, read) {
        (Some(folder), _) => folder.title.clone(),
        // Only reads call the root General.
        (None, true) => "General".to_owned(),
        (None, false) => String::new(),
    };
    // 12.4 counts none [library_elements].
    let connected = if cx.old() { users(cx, &e.uid).count() } else { 0 };
    let author = json!({ "id": e.author.0, "name": e.author.1, "avatarUrl": avatar(&e.author.1) });
    let word = |key: &str| e.model[key].as_str().unwrap_or_default().to_owned();
    json!({
        "id": e.id, "orgId": cx.org, "folderId": folder.map_or(0, |f| f.id), "folderUid": e.folder, "uid": e.uid,
        "name": e.name, "kind": 1, "type": word("type"), "description": word("description"), "model": e.model,
        "version": e.version, "meta": {
            "folderName": name, "folderUid": e.folder, "connectedDashboards": connected,
            "created": e.created, "updated": e.updated, "createdBy": author, "updatedBy": author,
        },
    })
}

fn absent() -> Reply {
    message(404, "library element could not be found")
}

/// The folder that a body names: "", "general" and nothing mean the root.
fn target(cx: &Context, body: &Map<String, Value>) -> Result<String, Reply> {
    let uid = text(body, "folderUid")?;
    match uid.as_str() {
        "" | "general" => Ok(String::new()),
        other if cx.look().folders.contains_key(other) => Ok(uid),
        _ => Err(message(400, "failed to get folder")),
    }
}

/// A model as it is stored: type and description are always there.
fn model(body: &Map<String, Value>) -> Option<Value> {
    let mut model = body.get("model")?.as_object()?.clone();
    model.entry("type").or_insert(json!(""));
    model.entry("description").or_insert(json!(""));
    Some(sorted(Value::Object(model)))
}

/// Puts a new panel in its place.
pub(crate) fn insert(cx: &mut Context, uid: String, name: String, folder: String, model: Value) -> String {
    let uid = if uid.is_empty() { cx.state.ids.uid() } else { uid };
    let time = now_nanos();
    let element = Element {
        id: cx.state.ids.next("element"),
        uid: uid.clone(),
        name,
        folder,
        model,
        version: 1,
        created: time.clone(),
        updated: time,
        author: (cx.who.id(), cx.who.login.clone()),
    };
    cx.store().elements.insert(uid.clone(), element);
    uid
}

/// `POST /api/library-elements`.
pub(crate) fn create(cx: &mut Context) -> Answer {
    let body = cx.call.object()?;
    if cx.who.role < Role::Editor && !cx.edits_something() {
        return Err(forbidden("library.panels:create"));
    }
    let (uid, name) = (text(&body, "uid")?, text(&body, "name")?);
    let folder = target(cx, &body)?;
    cx.need_folder(&folder, 2, "library.panels:create")?;
    if let Some(fault) = uid_fault(&uid) {
        return Err(message(400, fault));
    }
    let (1, Some(model)) = (integer(&body, "kind")?, model(&body)) else {
        return Err(message(500, "Failed to create library element"));
    };
    let twin = cx.old() && cx.look().elements.values().any(|e| e.name == name && e.folder == folder);
    if twin || cx.look().elements.contains_key(&uid) {
        return Err(message(400, "library element with that name or UID already exists"));
    }
    let uid = insert(cx, uid, name, folder, model);
    ok(json!({ "result": shown(cx, &cx.look().elements[&uid], false) }))
}

/// `GET /api/library-elements/:uid`.
pub(crate) fn get(cx: &mut Context, uid: &str) -> Answer {
    cx.need(Role::Viewer, "library.panels:read")?;
    let found = cx.look().elements.get(uid).ok_or_else(absent)?;
    ok(json!({ "result": shown(cx, found, true) }))
}

/// `GET /api/library-elements/name/:name`.
pub(crate) fn get_by_name(cx: &mut Context, name: &str) -> Answer {
    cx.need(Role::Viewer, "library.panels:read")?;
    let found: Vec<Value> =
        cx.look().elements.values().filter(|e| e.name == name).map(|e| shown(cx, e, false)).collect();
    if found.is_empty() { Err(absent()) } else { ok(json!({ "result": found })) }
}

/// `GET /api/library-elements`.
pub(crate) fn list(cx: &mut Context) -> Answer {
    cx.need(Role::Viewer, "library.panels:read")?;
    let folders = cx.call.query("folderFilterUIDs").unwrap_or_default();
    let wanted = cx.call.query("searchString").unwrap_or_default().to_lowercase();
    let without = cx.call.query("excludeUid").unwrap_or_default();
    let mut found: Vec<&Element> = cx.look().elements.values().collect();
    found.retain(|e| {
        let here =
            folders.is_empty() || folders.split(',').any(|f| f == e.folder || f == "general" && e.folder.is_empty());
        here && e.name.to_lowercase().contains(&wanted) && e.uid != without
    });
    found.sort_by_key(|e| (e.name.clone(), e.id));
    let total = found.len();
    let size = cx.call.number("perPage").filter(|n| *n > 0).unwrap_or(100);
    let page = cx.call.number("page").unwrap_or(1).max(1);
    let page_of = found.into_iter().skip(((page - 1) * size) as usize).take(size as usize);
    let list: Vec<Value> = page_of.map(|e| shown(cx, e, true)).collect();
    ok(json!({ "result": { "totalCount": total, "elements": list, "page": page, "perPage": size } }))
}

/// `PATCH /api/library-elements/:uid`: needs kind and version, and without folderUid goes to the root.
pub(crate) fn update(cx: &mut Context, uid: &str) -> Answer {
    let body = cx.call.object()?;
    let there = cx.look().elements.get(uid).ok_or_else(absent)?;
    cx.need_folder(&there.folder, 2, "library.panels:write")?;
    let (kind, version) = (integer(&body, "kind")?, integer(&body, "version")?);
    if kind == 0 || version == 0 {
        return Err(bad_request());
    }
    if version != there.version {
        return Err(message(412, "the library element has been changed by someone else"));
    }
    let folder = target(cx, &body)?;
    let (name, model, renamed) = (text(&body, "name")?, model(&body), text(&body, "uid")?);
    if renamed != uid && cx.look().elements.contains_key(&renamed) {
        return Err(message(400, "library element with that name or UID already exists"));
    }
    let there = cx.store().elements.get_mut(uid).expect("was just read");
    if !name.is_empty() {
        there.name = name;
    }
    if let Some(model) = model {
        there.model = model;
    }
    (there.folder, there.version, there.updated) = (folder, there.version + 1, now_nanos());
    let wanted = if renamed.is_empty() { uid.to_owned() } else { renamed };
    if wanted != uid {
        let mut element = cx.store().elements.remove(uid).expect("was just read");
        element.uid = wanted.clone();
        cx.store().elements.insert(wanted.clone(), element);
    }
    ok(json!({ "result": shown(cx, &cx.look().elements[&wanted], false) }))
}

/// `DELETE /api/library-elements/:uid`: one in use as well, but for 11.5.
pub(crate) fn delete(cx: &mut Context, uid: &str) -> Answer {
    let there = cx.look().elements.get(uid).ok_or_else(absent)?;
    cx.need_folder(&there.folder, 2, "library.panels:delete")?;
    if cx.old() && in_use(cx, uid) {
        return Err(message(403, "the library element is in use by a dashboard"));
    }
    let id = there.id;
    cx.store().elements.remove(uid);
    ok(json!({ "message": "Library element deleted", "id": id }))
}

/// `GET /api/library-elements/:uid/connections`.
pub(crate) fn connections(cx: &mut Context, uid: &str) -> Answer {
    cx.need(Role::Viewer, "library.panels:read")?;
    let element = cx.look().elements.get(uid).ok_or_else(absent)?;
    let author = json!({ "id": element.author.0, "name": element.author.1, "avatarUrl": avatar(&element.author.1) });
    let entry = |d: &crate::dashboards::Dashboard| {
        json!({
            "id": 2_786_829_669_720_946_i64 + d.id % 1000, "kind": 1, "elementId": element.id, "connectionId": d.id,
            "connectionUid": d.uid, "created": d.created, "createdBy": author,
        })
    };
    ok(json!({ "result": users(cx, uid).map(entry).collect::<Vec<_>>() }))
}
