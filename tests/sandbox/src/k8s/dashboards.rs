//! Dashboards by /apis (grafana.md facts 39, 41-44).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::convert::{filled, typed_v2, view};
use super::folders::rejected;
use super::list::{Selection, page};
use super::meta::{Common, Wanted, absent, conflict, deleted, dry_run, failure, forbidden, generated};
use super::meta::{metadata, object, reasoned};
use super::{DASHBOARDS, FOLDERS, patch};
use crate::auth::Role;
use crate::call::{Context, sorted};
use crate::dashboards::{Dashboard, numbers, trash};
use crate::reply::{Answer, Reply, not_found, ok};
use crate::text::{now, slug, uid_fault};

/// Answers a path below …/dashboards.
pub(super) fn route(cx: &mut Context, version: &str, path: &[&str]) -> Answer {
    let method = cx.method().to_owned();
    match (method.as_str(), path) {
        ("GET", []) => list(cx, version),
        ("POST", []) => create(cx, version),
        ("DELETE", []) => delete_all(cx, version),
        ("GET", [name]) => get(cx, version, name),
        ("PUT", [name]) => {
            let object = object(cx, "Dashboard")?;
            put(cx, version, name, object)
        }
        ("PATCH", [name]) => change(cx, version, name),
        ("DELETE", [name]) => delete(cx, name),
        ("GET", [name, "dto"]) => dto(cx, version, name),
        _ => Err(not_found()),
    }
}

fn api(version: &str) -> String {
    format!("{DASHBOARDS}/{version}")
}

fn shown(cx: &Context, d: &Dashboard, version: &str) -> Value {
    if cx.old() {
        return shown_old(cx, d, version);
    }
    json!({
        "kind": "Dashboard", "apiVersion": api(version), "metadata": metadata(cx, &Common::from(d), &api(version)),
        "spec": view(&d.spec, d.api, version), "status": status(d.api, version),
    })
}

/// As 11.5 shows it: the same spec in every version, uid and version inside, and less metadata (fact 55).
fn shown_old(cx: &Context, d: &Dashboard, version: &str) -> Value {
    let mut common = Common::from(d);
    common.stored = None;
    common.updated_by = common.updated_by.or(Some(&d.created_by));
    let mut metadata = metadata(cx, &common, &api(version));
    metadata.as_object_mut().expect("is an object").shift_remove("generation");
    let mut spec = (*d.spec).clone();
    spec["uid"] = json!(d.uid);
    spec["version"] = json!(d.version);
    json!({ "kind": "Dashboard", "apiVersion": api(version), "metadata": metadata, "spec": sorted(spec) })
}

/// Says which version was stored, where it is another than the one that is shown.
fn status(stored: &str, shown: &str) -> Value {
    if stored == shown { json!({}) } else { json!({ "conversion": { "failed": false, "storedVersion": stored } }) }
}

fn find<'a>(cx: &'a Context, name: &str, level: i64) -> Result<&'a Dashboard, Reply> {
    let found = cx.look().dashboards.get(name).ok_or_else(|| absent(DASHBOARDS, "dashboards", name))?;
    if cx.dashboard_level(found) < level { Err(forbidden()) } else { Ok(found) }
}

fn get(cx: &mut Context, version: &str, name: &str) -> Answer {
    let found = find(cx, name, 1)?;
    let whole = shown(cx, found, version);
    if cx.call.header("accept").is_some_and(|a| a.contains("yaml")) {
        let mut text = String::new();
        yaml(&sorted(whole), 0, &mut text);
        return Ok(Reply::text(200, "application/yaml", text));
    }
    ok(whole)
}

/// JSON as YAML of the plainest kind.
fn yaml(value: &Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                match value {
                    Value::Object(m) if !m.is_empty() => {
                        out.push_str(&format!("{pad}{key}:\n"));
                        yaml(value, indent + 2, out);
                    }
                    _ => out.push_str(&format!("{pad}{key}: {value}\n")),
                }
            }
        }
        other => out.push_str(&format!("{pad}{other}\n")),
    }
}

fn list(cx: &mut Context, version: &str) -> Answer {
    let selection = Selection::read(cx, DASHBOARDS, "dashboards", false)?;
    let store = cx.look();
    let named = |d: &&Dashboard| selection.name.as_ref().is_none_or(|n| *n == d.uid);
    let (kind, api) = ("DashboardList", api(version));
    if selection.asks("grafana.app/get-trash") {
        let gone: Vec<&Dashboard> =
            store.trash.iter().rev().filter(|d| !store.dashboards.contains_key(&d.uid)).filter(named).collect();
        return page(cx, kind, &api, &selection, gone.len(), |at| (in_trash(cx, gone[at], version), 1024));
    }
    if selection.asks("grafana.app/get-history") {
        let Some(d) = store.dashboards.values().find(named) else {
            return page(cx, kind, &api, &selection, 0, |_| (Value::Null, 0));
        };
        let versions: Vec<_> = d.history.iter().rev().collect();
        return page(cx, kind, &api, &selection, versions.len(), |at| {
            let mut then = d.clone();
            (then.version, then.resource) = (versions[at].version, versions[at].resource);
            (then.spec, then.title) = (Arc::clone(&versions[at].spec), versions[at].title.clone());
            then.api = versions[at].api;
            (shown(cx, &then, version), 1024)
        });
    }
    let found: Vec<&Dashboard> = store
        .dashboards
        .values()
        .filter(named)
        .filter(|d| selection.fits(&d.labels) && cx.dashboard_level(d) >= 1)
        .collect();
    page(cx, kind, &api, &selection, found.len(), |at| {
        // The cut is by the size of what is stored; written out again that is what counts most.
        let size = found[at].spec.to_string().len() + 256;
        (shown(cx, found[at], version), size)
    })
}

fn in_trash(cx: &Context, d: &Dashboard, version: &str) -> Value {
    let mut whole = shown(cx, d, version);
    let meta = whole["metadata"].as_object_mut().expect("is an object");
    meta.shift_remove("managedFields");
    meta.insert("generation".to_owned(), json!(-999));
    meta.insert("deletionTimestamp".to_owned(), json!(d.updated));
    whole
}

fn invalid(name: &str, field: &str, reason: &str, text: &str) -> Reply {
    let cause = json!({ "reason": reason, "message": text, "field": field });
    let mut details = json!({ "group": DASHBOARDS, "kind": "Dashboard", "causes": [cause] });
    if !name.is_empty() {
        details["name"] = json!(name);
    }
    let text = format!("Dashboard.{DASHBOARDS} \"{name}\" is invalid: {field}: {text}");
    failure(422, &text, "Invalid", details)
}

/// The spec that a write stores, with a warning.
fn stored(cx: &Context, object: &Value, version: &str, name: &str) -> Result<(Value, Option<String>), Reply> {
    let given = object["apiVersion"].as_str().filter(|v| !v.is_empty() && *v != api(version));
    if let Some(given) = given {
        let text =
            format!("the API version in the data ({given}) does not match the expected API version ({})", api(version));
        return Err(reasoned(400, &text, "BadRequest"));
    }
    let Some(spec) = object["spec"].as_object() else {
        let text = format!("Invalid value: \"{name}\": schema migration from version 0 to 42 failed: dashboard is nil");
        return Err(invalid(name, "spec", "FieldValueInvalid", &text));
    };
    let spec = Value::Object(spec.clone());
    let spec = if cx.old() { spec } else { numbers(spec) };
    if version.starts_with("v2") && !cx.old() {
        let (spec, unknown) = typed_v2(&spec);
        let warning = unknown.map(|key| format!("299 - \"unknown field \\\"spec.{key}\\\"\""));
        return Ok((spec, warning));
    }
    if version == "v1beta1" {
        return Ok((filled(&spec), None));
    }
    let mut map = spec.as_object().expect("is an object").clone();
    for own in ["id", "uid", "version"] {
        map.shift_remove(own);
    }
    Ok((sorted(Value::Object(map)), None))
}

fn create(cx: &mut Context, version: &str) -> Answer {
    if !cx.edits_something() {
        return Err(forbidden());
    }
    let object = object(cx, "Dashboard")?;
    let mut wanted = Wanted::read(&object);
    if wanted.name.is_empty() {
        let missing =
            || invalid("", "metadata.name", "FieldValueRequired", "Required value: name or generateName is required");
        wanted.name = generated(cx, &object).ok_or_else(missing)?;
    }
    make(cx, version, wanted, &object)
}

fn make(cx: &mut Context, version: &str, wanted: Wanted, object: &Value) -> Answer {
    let dry = dry_run(cx)?;
    let (spec, warning) = stored(cx, object, version, &wanted.name)?;
    if let Some(fault) = uid_fault(&wanted.name) {
        return Err(reasoned(400, fault, "BadRequest"));
    }
    if cx.look().dashboards.contains_key(&wanted.name) {
        let text = format!("dashboards.{DASHBOARDS} \"{}\" already exists", wanted.name);
        let details = json!({ "name": wanted.name, "group": DASHBOARDS, "kind": "dashboards" });
        return Err(failure(409, &text, "AlreadyExists", details));
    }
    check_folder(cx, &wanted.folder)?;
    let id = object["spec"]["id"].as_i64().filter(|id| *id > 0);
    // Nobody gets permissions at the root, not even the maker, unless the annotation asks (grafana.md fact 42).
    let grants = match (wanted.grant, wanted.folder.is_empty()) {
        (true, true) => cx.root_grants(),
        (true, false) => cx.own_grant(),
        (false, _) => Vec::new(),
    };
    let elements = spec["elements"].as_object().is_some_and(|e| !e.is_empty());
    let mut made = Dashboard {
        id: id.unwrap_or_else(|| cx.state.ids.object()),
        uid: wanted.name.clone(),
        uuid: cx.state.ids.uuid(),
        title: title(&spec),
        spec: Arc::new(spec),
        api: super::known_version(version).unwrap_or("v0alpha1"),
        folder: wanted.folder,
        created: now(),
        created_by: cx.who.actor(),
        updated: now(),
        updated_by: None,
        version: 1,
        resource: cx.state.ids.version(),
        labels: wanted.labels,
        annotations: wanted.annotations,
        grants,
        history: Vec::new(),
        provisioned: None,
        odd_version: false,
        // Seen for those with elements only [dashboards_k8s].
        unmanaged: version.starts_with("v2") && elements,
    };
    let note = made.annotations.get("grafana.app/message").and_then(Value::as_str).unwrap_or_default().to_owned();
    made.remember(note, 0);
    let mut body = shown(cx, &made, version);
    if dry {
        strip_dry(&mut body);
    } else {
        cx.store().dashboards.insert(wanted.name, made);
    }
    let reply = Reply::json(201, body);
    Ok(match warning {
        Some(warning) => reply.with("warning", warning),
        None => reply,
    })
}

/// What a create that was only tried does not have yet.
fn strip_dry(body: &mut Value) {
    let meta = body["metadata"].as_object_mut().expect("is an object");
    meta.shift_remove("resourceVersion");
    meta.shift_remove("labels");
    if let Some(Value::Object(annotations)) = meta.get_mut("annotations") {
        annotations.shift_remove("grafana.app/createdBy");
        if annotations.is_empty() {
            meta.shift_remove("annotations");
        }
    }
}

fn title(spec: &Value) -> String {
    spec["title"].as_str().unwrap_or("No Title").to_owned()
}

fn check_folder(cx: &Context, folder: &str) -> Result<(), Reply> {
    if !folder.is_empty() && !cx.look().folders.contains_key(folder) {
        return Err(absent(FOLDERS, "folders", folder));
    }
    if cx.folder_level(folder) < 2 { Err(forbidden()) } else { Ok(()) }
}

/// Replaces a dashboard by a whole object; the generation moves each time, and without annotations it goes to the
/// root (grafana.md fact 43). Provisioned ones are not spared (fact 39).
fn put(cx: &mut Context, version: &str, name: &str, object: Value) -> Answer {
    let wanted = Wanted::read(&object);
    if wanted.name != name {
        let text = format!("the name of the object ({}) does not match the name on the URL ({name})", wanted.name);
        return Err(reasoned(400, &text, "BadRequest"));
    }
    if !cx.look().dashboards.contains_key(name) {
        return make(cx, version, wanted, &object);
    }
    let dry = dry_run(cx)?;
    let there = find(cx, name, 2)?.clone();
    if wanted.resource.is_some_and(|r| r != there.resource.to_string()) {
        return Err(conflict(DASHBOARDS, "dashboards", name));
    }
    let (spec, _) = stored(cx, &object, version, name)?;
    if wanted.folder != there.folder {
        check_folder(cx, &wanted.folder)?;
    }
    let before = there.api;
    let mut new = there;
    (new.title, new.spec) = (title(&spec), Arc::new(spec));
    (new.folder, new.labels, new.annotations) = (wanted.folder, wanted.labels, wanted.annotations);
    if !dry {
        new.api = super::known_version(version).unwrap_or("v0alpha1");
        new.version += 1;
        new.resource = cx.state.ids.version();
        new.updated = now();
        new.updated_by = Some(cx.who.actor());
        new.odd_version = false;
        if !new.annotations.contains_key("grafana.app/managedBy") {
            new.provisioned = None;
        }
        let note = new.annotations.get("grafana.app/message").and_then(Value::as_str).unwrap_or_default().to_owned();
        new.remember(note, 0);
    }
    let mut body = shown(cx, &new, version);
    // The status is still that of the object before.
    body["status"] = status(before, version);
    if !dry {
        cx.store().dashboards.insert(name.to_owned(), new);
    }
    ok(body)
}

fn change(cx: &mut Context, version: &str, name: &str) -> Answer {
    let kind = cx.call.header("content-type").unwrap_or_default().to_owned();
    if kind.contains("apply-patch") {
        let text = format!(
            "failed to convert to unversioned (/{name}; {}, Kind=Dashboard): no kind \"Dashboard\" is registered for \
             the internal version of group \"{DASHBOARDS}\" in scheme \"pkg/runtime/scheme.go:111\"",
            api(version)
        );
        return Err(super::meta::bare_failure(500, &text));
    }
    let mut whole = shown(cx, find(cx, name, 2)?, version);
    // Without a version in the patch nothing is checked.
    whole["metadata"].as_object_mut().expect("is an object").shift_remove("resourceVersion");
    let change: Value = object(cx, "Dashboard")?;
    if kind.contains("json-patch") {
        patch::operations(&mut whole, &change).ok_or_else(rejected)?;
    } else {
        patch::merge(&mut whole, &change);
    }
    put(cx, version, name, whole)
}

fn delete(cx: &mut Context, name: &str) -> Answer {
    let dry = dry_run(cx)?;
    let there = find(cx, name, 2)?;
    let (uuid, resource) = (there.uuid.clone(), there.resource.to_string());
    let options: Value = serde_json::from_slice(&cx.call.body).unwrap_or_default();
    let wanted = options["preconditions"]["resourceVersion"].as_str();
    if let Some(wanted) = wanted.filter(|w| *w != resource) {
        let text = format!(
            "Operation cannot be fulfilled on Dashboard.{DASHBOARDS} \"{name}\": the ResourceVersion in the \
             precondition ({wanted}) does not match the ResourceVersion in record ({resource}). The object might \
             have been modified"
        );
        let details = json!({ "name": name, "group": DASHBOARDS, "kind": "Dashboard" });
        return Err(failure(409, &text, "Conflict", details));
    }
    if !dry {
        trash(cx, name);
    }
    Ok(deleted(DASHBOARDS, "dashboards", name, &uuid))
}

/// deletecollection works, and takes all that the selector leaves (grafana.md fact 43).
fn delete_all(cx: &mut Context, version: &str) -> Answer {
    if cx.who.role < Role::Admin {
        return Err(forbidden());
    }
    let selection = Selection::read(cx, DASHBOARDS, "dashboards", false)?;
    let store = cx.look();
    let names: Vec<String> =
        store.dashboards.values().filter(|d| selection.fits(&d.labels)).map(|d| d.uid.clone()).collect();
    let items: Vec<Value> = names.iter().map(|name| shown(cx, &store.dashboards[name], version)).collect();
    if !dry_run(cx)? {
        names.iter().for_each(|name| trash(cx, name));
    }
    let metadata = json!({ "resourceVersion": cx.state.ids.latest().to_string() });
    ok(json!({ "kind": "DashboardList", "apiVersion": api(version), "metadata": metadata, "items": items }))
}

/// The dashboard with what the one who asks may do.
fn dto(cx: &mut Context, version: &str, name: &str) -> Answer {
    let found = find(cx, name, 1)?;
    let level = cx.dashboard_level(found);
    let mut body: Map<String, Value> = shown(cx, found, version).as_object().expect("is an object").clone();
    body.insert("kind".to_owned(), json!("DashboardWithAccessInfo"));
    let may = json!({ "canAdd": level >= 2, "canEdit": level >= 2, "canDelete": level >= 2 });
    let access = json!({
        "slug": slug(&found.title), "url": found.url(), "isPublic": false, "canSave": level >= 2,
        "canEdit": level >= 2, "canAdmin": level >= 4, "canStar": true, "canDelete": level >= 2,
        "annotationsPermissions": { "dashboard": may, "organization": may },
    });
    body.insert("access".to_owned(), access);
    ok(Value::Object(body))
}
