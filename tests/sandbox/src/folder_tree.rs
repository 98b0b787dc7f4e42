//! What concerns a folder with all that is in it: counts, moves, deletes (grafana.md facts 24, 27, 28, 60).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::call::{Context, text};
use crate::folders::{absent, shown, touch};
use crate::reply::{Answer, Reply, forbidden, message, ok, with_id};

/// The uids of the folders below one, itself not included.
pub(crate) fn below(cx: &Context, uid: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut level = vec![uid.to_owned()];
    while !level.is_empty() {
        let next = cx.look().folders.values().filter(|f| level.contains(&f.parent) && !found.contains(&f.uid));
        level = next.map(|f| f.uid.clone()).collect();
        found.extend(level.iter().cloned());
    }
    found
}

/// How much lies in a folder and below: folders, dashboards, library panels, rules.
pub(crate) fn totals(cx: &Context, uid: &str) -> [usize; 4] {
    let mut inside = below(cx, uid);
    let folders = inside.len();
    inside.insert(uid.to_owned());
    let store = cx.look();
    [
        folders,
        store.dashboards.values().filter(|d| inside.contains(&d.folder)).count(),
        store.elements.values().filter(|e| inside.contains(&e.folder)).count(),
        store.rules.values().filter(|r| r["folderUID"].as_str().is_some_and(|f| inside.contains(f))).count(),
    ]
}

/// `GET /api/folders/:uid/counts`; it counts below a folder that is not there as well [folders].
pub(crate) fn counts(cx: &mut Context, uid: &str) -> Answer {
    cx.need_folder(uid, 1, "folders:read")?;
    let [folders, dashboards, elements, rules] = totals(cx, uid);
    ok(json!({ "alertrule": rules, "dashboard": dashboards, "folder": folders, "librarypanel": elements }))
}

/// Why a folder cannot go below another.
pub(crate) fn move_refusal(cx: &Context, uid: &str, parent: &str) -> Option<Reply> {
    let old = cx.old();
    if parent.is_empty() {
        return None;
    }
    let unknown = || with_id(404, "folder.notFound", "NotFound");
    if parent == "general" && !old {
        return Some(message(500, "move target not found folders.folder.grafana.app \"general\" not found"));
    }
    if !cx.look().folders.contains_key(parent) {
        return Some(if old { unknown() } else { absent() });
    }
    let inside = below(cx, uid);
    if parent == uid || inside.contains(parent) {
        let text = "cannot move folder under its own descendant, this would create a circular reference";
        return Some(message(500, if old { "move folder failed" } else { text }));
    }
    let here = cx.ancestors(uid).len();
    let height = inside.iter().map(|f| cx.ancestors(f).len().saturating_sub(here)).max().unwrap_or(0) + 1;
    (cx.ancestors(parent).len() + 1 + height > 5).then(|| {
        let text = "Maximum nested folder depth reached";
        if old { with_id(400, "folder.maximum-depth-reached", text) } else { message(400, text) }
    })
}

/// `POST /api/folders/:uid/move`: "" and nothing at all mean the root.
pub(crate) fn move_to(cx: &mut Context, uid: &str) -> Answer {
    let parent = text(&cx.call.object()?, "parentUid")?;
    cx.need_folder(uid, 2, "folders:write")?;
    if !cx.look().folders.contains_key(uid) {
        return Err(if cx.old() { with_id(404, "folder.notFound", "NotFound") } else { absent() });
    }
    cx.need_folder(&parent, 2, "folders:create")?;
    if let Some(reply) = move_refusal(cx, uid, &parent) {
        return Err(reply);
    }
    if cx.look().folders[uid].parent != parent {
        let (time, actor, resource) = (cx.folder_time(), cx.who.actor(), cx.state.ids.version());
        let folder = cx.store().folders.get_mut(uid).expect("was just checked");
        folder.parent = parent;
        touch(folder, time, actor, resource);
    }
    let level = cx.folder_level(uid);
    let mut body = shown(cx, uid, level, true);
    if cx.old() {
        strip_version(&mut body);
    }
    ok(body)
}

/// The answer of a move lacks the version in 11.5, its parents' too (grafana.md fact 56).
fn strip_version(body: &mut Value) {
    let Some(map) = body.as_object_mut() else { return };
    map.shift_remove("version");
    if let Some(Value::Array(parents)) = map.get_mut("parents") {
        parents.iter_mut().for_each(strip_version);
    }
}

/// `DELETE /api/folders/:uid`: all in it goes, only alert rules stop it (grafana.md fact 28).
pub(crate) fn delete(cx: &mut Context, uid: &str) -> Answer {
    let held = cx.look().folders.get(uid).is_some_and(|f| f.undeletable_by.contains(&cx.who.id()));
    if cx.folder_level(uid) < 2 || held && cx.who.role < crate::auth::Role::Admin {
        return Err(forbidden("folders:delete"));
    }
    if !cx.look().folders.contains_key(uid) {
        let text = format!("folders.folder.grafana.app \"{uid}\" not found");
        return Err(if cx.old() { absent() } else { message(404, text) });
    }
    let [.., rules] = totals(cx, uid);
    if rules > 0 && cx.call.query("forceDeleteRules") != Some("true") {
        return Err(with_id(400, "folder.not-empty", "Folder cannot be deleted: folder is not empty"));
    }
    let mut gone = below(cx, uid);
    gone.insert(uid.to_owned());
    // 11.5 holds a folder whose library panels are in use (grafana.md fact 60).
    if cx.old() && cx.look().elements.values().any(|e| gone.contains(&e.folder) && crate::library::in_use(cx, &e.uid)) {
        return Err(message(403, "Folder could not be deleted because it contains library elements in use"));
    }
    remove(cx, &gone);
    ok(json!({ "message": "Folder deleted" }))
}

/// Takes folders and all in them away.
pub(crate) fn remove(cx: &mut Context, gone: &BTreeSet<String>) {
    let resource = cx.state.ids.version();
    let store = cx.store();
    store.folders.retain(|uid, _| !gone.contains(uid));
    store.elements.retain(|_, e| !gone.contains(&e.folder));
    store.rules.retain(|_, r| !r["folderUID"].as_str().is_some_and(|f| gone.contains(f)));
    let uids: Vec<String> =
        store.dashboards.values().filter(|d| gone.contains(&d.folder)).map(|d| d.uid.clone()).collect();
    for uid in uids {
        let mut dashboard = store.dashboards.remove(&uid).expect("was just listed");
        dashboard.resource = resource;
        store.trash.push(dashboard);
    }
}
