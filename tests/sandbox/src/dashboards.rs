//! Dashboards by /api: saving and deleting (grafana.md facts 32-39, 52, 57-58, 62). Reads: `dashboard_reads`.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::call::{Context, flag, integer, sorted, text};
use crate::reply::{Answer, Reply, bad_request, forbidden, message, ok, with_status};
use crate::rights::Grant;
use crate::text::{now, slug, uid_fault};

/// A dashboard as it is kept; `version` is what /apis calls generation.
#[derive(Debug, Clone)]
pub(crate) struct Dashboard {
    pub id: i64,
    pub uid: String,
    pub uuid: String,
    pub title: String,
    /// What was sent, without id, uid and version, its keys sorted.
    pub spec: Arc<Value>,
    /// The /apis version that it was written in.
    pub api: &'static str,
    pub folder: String,
    pub created: String,
    pub created_by: String,
    pub updated: String,
    pub updated_by: Option<String>,
    pub version: i64,
    pub resource: i64,
    pub labels: Map<String, Value>,
    pub annotations: Map<String, Value>,
    pub grants: Vec<Grant>,
    pub history: Vec<Version>,
    pub provisioned: Option<Provisioned>,
    /// Created with another version than 1 in its body: an equal body saved again still counts as a change
    /// [dashboards_stored].
    pub odd_version: bool,
    /// Made by v2 of /apis, which notes no managers.
    pub unmanaged: bool,
}

/// Where a provisioned dashboard comes from.
#[derive(Debug, Clone)]
pub(crate) struct Provisioned {
    pub file: String,
    pub ui_updates: bool,
}

/// One entry of the history.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub version: i64,
    pub parent: i64,
    pub restored_from: i64,
    pub created: String,
    pub created_by: String,
    pub message: String,
    pub title: String,
    pub spec: Arc<Value>,
    pub api: &'static str,
    pub resource: i64,
}

impl Dashboard {
    /// Its address in the web interface.
    pub fn url(&self) -> String {
        format!("/d/{}/{}", self.uid, slug(&self.title))
    }

    /// Its tags; what is no list of texts counts for nothing.
    pub fn tags(&self) -> Vec<&str> {
        self.spec["tags"].as_array().map_or(Vec::new(), |tags| tags.iter().filter_map(Value::as_str).collect())
    }

    /// Adds the present state to the history, of which the last 20 are kept.
    pub fn remember(&mut self, text: String, restored_from: i64) {
        let entry = Version {
            version: self.version,
            parent: self.version - 1,
            restored_from,
            created: self.updated.clone(),
            created_by: self.updated_by.clone().unwrap_or_else(|| self.created_by.clone()),
            message: text,
            title: self.title.clone(),
            spec: Arc::clone(&self.spec),
            api: self.api,
            resource: self.resource,
        };
        self.history.push(entry);
        if self.history.len() > 20 {
            self.history.remove(0);
        }
    }
}

/// A save, read from a body but not yet checked against what is there.
pub(crate) struct Save {
    pub id: Option<i64>,
    pub uid: String,
    pub title: String,
    pub version: Option<i64>,
    pub spec: Value,
    pub api: &'static str,
    pub folder: String,
    pub overwrite: bool,
    pub message: String,
}

/// Numbers as 12.4 keeps them: all are floats on the way, so 1.0 becomes 1 and digits above 2^53 are lost
/// (grafana.md fact 36).
pub(crate) fn numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let float = number.as_f64().unwrap_or(0.0);
            // Below 2^63 a whole float is exactly an integer.
            if float.fract() == 0.0 && float.abs() < 9.2e18 { json!(float as i64) } else { json!(float) }
        }
        Value::Array(list) => Value::Array(list.into_iter().map(numbers).collect()),
        Value::Object(map) => Value::Object(map.into_iter().map(|(k, v)| (k, numbers(v))).collect()),
        other => other,
    }
}

/// The answer to a save over a version that has gone.
pub(crate) fn mismatch() -> Reply {
    with_status(412, "The dashboard has been changed by someone else", "version-mismatch")
}

/// The folder that a save names: by uid, or by the old number (grafana.md fact 34).
pub(crate) fn target(cx: &Context, body: &Map<String, Value>) -> Result<String, Reply> {
    let uid = text(body, "folderUid")?;
    let unknown = || message(400, "folder not found");
    if uid == "general" && !cx.old() {
        return Err(message(404, "folders.folder.grafana.app \"general\" not found"));
    }
    if !uid.is_empty() {
        return if cx.look().folders.contains_key(&uid) { Ok(uid) } else { Err(unknown()) };
    }
    match integer(body, "folderId")? {
        0 => Ok(String::new()),
        id => cx.look().folders.values().find(|f| f.id == id).map(|f| f.uid.clone()).ok_or_else(unknown),
    }
}

/// Reads the dashboard out of a body: a bare one, or a whole resource of /apis, which is unwrapped (fact 45).
pub(crate) fn read(cx: &Context, raw: &Value, folder: String) -> Result<Save, Reply> {
    let empty = Map::new();
    let mut spec = raw.as_object().unwrap_or(&empty).clone();
    let mut name = None;
    if let (Some(_), Some(_), Some(inner)) = (
        spec.get("apiVersion").and_then(Value::as_str),
        spec.get("metadata"),
        spec.get("spec").and_then(Value::as_object),
    ) {
        name = spec["metadata"]["name"].as_str().map(str::to_owned);
        spec = inner.clone();
    }
    let title = spec.get("title").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    let uid = name.or_else(|| spec.get("uid").and_then(Value::as_str).map(|u| u.trim().to_owned())).unwrap_or_default();
    if title.is_empty() {
        return Err(with_status(400, "Dashboard title cannot be empty", "empty-name"));
    }
    if title.chars().count() > 5000 {
        let text = "Dashboard title cannot contain more than 5 000 characters";
        return Err(with_status(400, text, "title-too-long"));
    }
    if let Some(fault) = uid_fault(&uid) {
        return Err(message(400, fault));
    }
    let version = spec.get("version").and_then(Value::as_i64);
    let id = spec.get("id").and_then(Value::as_i64).filter(|id| *id != 0);
    for own in ["id", "uid", "version"] {
        spec.shift_remove(own);
    }
    spec.insert("title".to_owned(), json!(title));
    if spec.get("refresh").and_then(Value::as_str).is_some_and(too_often) {
        spec.insert("refresh".to_owned(), json!("5s"));
    }
    let spec = sorted(Value::Object(spec));
    // 11.5 keeps numbers as they were sent (grafana.md fact 58).
    let spec = if cx.old() { spec } else { numbers(spec) };
    Ok(Save { id, uid, title, version, spec, api: "v0alpha1", folder, overwrite: false, message: String::new() })
}

/// Whether a refresh is below the least of 5 s.
fn too_often(refresh: &str) -> bool {
    let seconds =
        refresh.strip_suffix("ms").map(|_| 0.0).or_else(|| refresh.strip_suffix('s').and_then(|n| n.parse().ok()));
    seconds.is_some_and(|s: f64| s < 5.0)
}

/// `POST /api/dashboards/db`.
pub(crate) fn save(cx: &mut Context) -> Answer {
    if !cx.edits_something() {
        return Err(forbidden("any of dashboards:create, dashboards:write"));
    }
    let body = cx.call.object()?;
    let Some(raw) = body.get("dashboard").filter(|d| !d.is_null()) else { return Err(bad_request()) };
    if flag(&body, "isFolder")? {
        return Err(message(400, "Use folders endpoint for saving folders."));
    }
    let folder = target(cx, &body);
    let mut wanted = read(cx, raw, String::new())?;
    wanted.folder = folder?;
    wanted.overwrite = flag(&body, "overwrite")?;
    wanted.message = text(&body, "message")?;
    let uid = commit(cx, wanted, 0)?;
    ok(saved(cx, &uid))
}

/// The answer to a save.
pub(crate) fn saved(cx: &Context, uid: &str) -> Value {
    let d = &cx.look().dashboards[uid];
    json!({
        "folderUid": d.folder, "id": d.id, "slug": slug(&d.title), "status": "success", "uid": d.uid, "url": d.url(),
        "version": d.version,
    })
}

/// Checks a save against what is there and does it; gives the uid.
pub(crate) fn commit(cx: &mut Context, mut wanted: Save, restored_from: i64) -> Result<String, Reply> {
    if let Some(id) = wanted.id {
        let Some(known) = cx.look().dashboards.values().find(|d| d.id == id).map(|d| d.uid.clone()) else {
            return Err(with_status(404, "Dashboard not found", "not-found"));
        };
        if wanted.uid.is_empty() {
            wanted.uid = known;
        } else if wanted.uid != known && !cx.look().dashboards.contains_key(&wanted.uid) {
            return Err(mismatch());
        }
    }
    if cx.old() && cx.look().folders.contains_key(&wanted.uid) {
        return Err(message(400, "Dashboard cannot be changed to a folder"));
    }
    let unconnected = cx.old() && !connects(cx, &wanted.spec);
    if let Some(there) = cx.look().dashboards.get(&wanted.uid) {
        if there.provisioned.as_ref().is_some_and(|p| !p.ui_updates) {
            return Err(message(400, "Cannot save provisioned dashboard"));
        }
        if cx.dashboard_level(there) < 2 {
            return Err(no_save(cx));
        }
        let fits = wanted.overwrite || cx.checked.is_some() || wanted.version == Some(there.version);
        if !fits {
            return Err(mismatch());
        }
        let uid = replace(cx, wanted, restored_from);
        return if unconnected { Err(unlinked()) } else { Ok(uid) };
    }
    if cx.folder_level(&wanted.folder) < 2 {
        return Err(no_save(cx));
    }
    let uid = insert(cx, wanted);
    if unconnected { Err(unlinked()) } else { Ok(uid) }
}

/// 11.5 saves the dashboard and then fails over a library panel that is not there (grafana.md fact 61).
fn unlinked() -> Reply {
    message(500, "Error while connecting library panels")
}

/// A refusal without a word [dashboards_permissions].
fn no_save(cx: &Context) -> Reply {
    if cx.old() { message(403, "Access denied to save dashboard") } else { Reply::json(403, json!({})) }
}

/// Whether all library panels that a dashboard names are there.
fn connects(cx: &Context, spec: &Value) -> bool {
    let known = |panel: &Value| {
        let uid = panel["libraryPanel"]["uid"].as_str().unwrap_or_default();
        panel.get("libraryPanel").is_none() || cx.look().elements.contains_key(uid)
    };
    spec["panels"].as_array().is_none_or(|panels| panels.iter().all(known))
}

fn insert(cx: &mut Context, wanted: Save) -> String {
    let uid = if wanted.uid.is_empty() { cx.state.ids.dashboard_uid() } else { wanted.uid };
    let grants = if wanted.folder.is_empty() { cx.root_grants() } else { cx.own_grant() };
    let mut dashboard = Dashboard {
        id: cx.state.ids.object(),
        uid: uid.clone(),
        uuid: cx.state.ids.uuid(),
        title: wanted.title,
        spec: Arc::new(wanted.spec),
        api: wanted.api,
        folder: wanted.folder,
        created: now(),
        created_by: cx.who.actor(),
        updated: now(),
        updated_by: None,
        version: 1,
        resource: cx.state.ids.version(),
        labels: Map::new(),
        annotations: Map::new(),
        grants,
        history: Vec::new(),
        provisioned: None,
        odd_version: wanted.version.is_some_and(|v| v != 1),
        unmanaged: false,
    };
    // The first save's message is lost (grafana.md fact 37).
    dashboard.remember("Initial save".to_owned(), 0);
    cx.store().dashboards.insert(uid.clone(), dashboard);
    uid
}

fn replace(cx: &mut Context, wanted: Save, restored_from: i64) -> String {
    let (actor, resource, old) = (cx.who.actor(), cx.state.ids.version(), cx.old());
    let there = cx.store().dashboards.get_mut(&wanted.uid).expect("was just found");
    let same = *there.spec == wanted.spec && there.folder == wanted.folder && !there.odd_version;
    // An equal body leaves the version, but not in 11.5 (grafana.md facts 33 and 57).
    if same && !old {
        return wanted.uid;
    }
    there.title = wanted.title;
    there.spec = Arc::new(wanted.spec);
    there.api = wanted.api;
    there.folder = wanted.folder;
    there.version += 1;
    there.resource = resource;
    there.updated = now();
    there.updated_by = Some(actor);
    there.odd_version = false;
    // A save by db drops labels and annotations set by /apis (grafana.md fact 43).
    (there.labels, there.annotations) = (Map::new(), Map::new());
    if !wanted.message.is_empty() {
        there.annotations.insert("grafana.app/message".to_owned(), json!(wanted.message));
    }
    there.remember(wanted.message, restored_from);
    wanted.uid
}

/// `DELETE /api/dashboards/uid/:uid`.
pub(crate) fn delete(cx: &mut Context, uid: &str) -> Answer {
    let Some(there) = cx.look().dashboards.get(uid) else { return Err(crate::dashboard_reads::absent(cx)) };
    if cx.dashboard_level(there) < 2 {
        let old = "Access denied to this dashboard";
        return Err(if cx.old() { message(403, old) } else { forbidden("dashboards:delete") });
    }
    // 11.5 keeps also those that may be saved (grafana.md fact 62).
    if there.provisioned.as_ref().is_some_and(|p| cx.old() || !p.ui_updates) {
        return Err(message(400, "provisioned dashboard cannot be deleted"));
    }
    let title = there.title.clone();
    trash(cx, uid);
    ok(json!({ "message": format!("Dashboard {title} deleted"), "title": title, "uid": uid }))
}

/// Moves a dashboard to the trash.
pub(crate) fn trash(cx: &mut Context, uid: &str) {
    let resource = cx.state.ids.version();
    if let Some(mut gone) = cx.store().dashboards.remove(uid) {
        gone.resource = resource;
        gone.updated = now();
        gone.updated_by = Some(cx.who.actor());
        cx.store().trash.push(gone);
    }
}

/// Tries a save on a copy of what it touches: whether its version fits now.
pub(crate) fn trial(
    state: &mut crate::state::State,
    server: &crate::server::Server,
    call: &crate::call::Call,
) -> Option<Reply> {
    let (who, org) = crate::auth::identify(state, &server.config, call).ok()?;
    let body = call.object().ok()?;
    let mut cx = Context { state, profile: server.config.profile, call, who, org, checked: None, rights: None };
    let wanted = read(&cx, body.get("dashboard")?, String::new()).ok()?;
    let there = cx.store().dashboards.get(&wanted.uid)?;
    let fits = flag(&body, "overwrite").ok()? || wanted.version == Some(there.version);
    Some(if fits { Reply::empty(200) } else { mismatch() })
}
