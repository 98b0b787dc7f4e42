//! Folders by /apis (grafana.md fact 31).

use serde_json::{Map, Value, json};

use super::list::{Selection, page};
use super::meta::{Common, Wanted, absent, bare_failure, conflict, deleted, dry_run, failure, forbidden, generated};
use super::meta::{metadata, object, reasoned};
use super::{FOLDERS, patch};
use crate::call::Context;
use crate::folder_tree::{below, move_refusal, remove, totals};
use crate::folders::{Folder, NewFolder, insert, refusal, touch};
use crate::reply::{Answer, Content, Reply, not_found, ok};

const API: &str = "folder.grafana.app/v1beta1";

/// Answers a path below …/folders.
pub(super) fn route(cx: &mut Context, path: &[&str]) -> Answer {
    let method = cx.method().to_owned();
    match (method.as_str(), path) {
        ("GET", []) => list(cx),
        ("POST", []) => create(cx),
        ("GET", [name]) => get(cx, name),
        ("PUT", [name]) => {
            let object = object(cx, "Folder")?;
            put(cx, name, object)
        }
        ("PATCH", [name]) => change(cx, name),
        ("DELETE", [name]) => delete(cx, name),
        ("GET", [name, sub]) => part(cx, name, sub),
        _ => Err(not_found()),
    }
}

fn shown(cx: &Context, folder: &Folder) -> Value {
    let mut spec = json!({ "title": folder.title });
    if let Some(description) = &folder.description {
        spec["description"] = json!(description);
    }
    json!({ "kind": "Folder", "apiVersion": API, "metadata": metadata(cx, &Common::from(folder), API), "spec": spec })
}

fn find<'a>(cx: &'a Context, name: &str, level: i64) -> Result<&'a Folder, Reply> {
    let found = cx.look().folders.get(name).ok_or_else(|| absent(FOLDERS, "folders", name))?;
    if cx.folder_level(name) < level { Err(forbidden()) } else { Ok(found) }
}

fn get(cx: &mut Context, name: &str) -> Answer {
    let found = find(cx, name, 1)?;
    ok(shown(cx, found))
}

fn list(cx: &mut Context) -> Answer {
    let selection = Selection::read(cx, FOLDERS, "folders", true)?;
    let found: Vec<&Folder> = cx
        .look()
        .folders
        .values()
        .filter(|f| selection.name.as_ref().is_none_or(|n| *n == f.uid))
        .filter(|f| selection.title.as_ref().is_none_or(|t| *t == f.title))
        .filter(|f| selection.fits(&f.labels) && cx.folder_level(&f.uid) >= 1)
        .collect();
    page(cx, "FolderList", API, &selection, found.len(), |at| (shown(cx, found[at]), 256))
}

/// An answer of /api in the shape of /apis: the message stays.
fn translated(reply: Reply) -> Reply {
    let Content::Json(body) = &reply.body else { return reply };
    bare_failure(reply.status, body["message"].as_str().unwrap_or_default())
}

/// Unknown fields of the spec: a warning, or a refusal where the client wants strictness.
fn unknown_field(cx: &Context, object: &Value) -> Result<Option<String>, Reply> {
    let empty = Map::new();
    let spec = object["spec"].as_object().unwrap_or(&empty);
    let Some(key) = spec.keys().find(|k| !matches!(k.as_str(), "title" | "description")) else { return Ok(None) };
    if cx.call.query("fieldValidation") == Some("Strict") {
        let text = format!(
            "Folder in version \"v1beta1\" cannot be handled as a Folder: strict decoding error: unknown field \
             \"spec.{key}\""
        );
        return Err(reasoned(400, &text, "BadRequest"));
    }
    Ok(Some(format!("299 - \"unknown field \\\"spec.{key}\\\"\"")))
}

fn create(cx: &mut Context) -> Answer {
    let object = object(cx, "Folder")?;
    let warning = unknown_field(cx, &object)?;
    if dry_run(cx)? {
        // The real one fails to read what it has not made.
        return Err(failure(404, "NotFound", "NotFound", json!({ "uid": "folder.notFound" })));
    }
    let mut wanted = Wanted::read(&object);
    if wanted.name.is_empty() {
        let text = "Folder.folder.grafana.app \"\" is invalid: metadata.name: Required value: name or generateName \
                    is required";
        wanted.name = generated(cx, &object).ok_or_else(|| bare_failure(422, text))?;
    }
    let reply = make(cx, wanted, &object)?;
    Ok(match warning {
        Some(warning) => reply.with("warning", warning),
        None => reply,
    })
}

fn make(cx: &mut Context, wanted: Wanted, object: &Value) -> Answer {
    if cx.folder_level(&wanted.folder) < 2 {
        return Err(forbidden());
    }
    let word = |key: &str| object["spec"][key].as_str().map(str::to_owned);
    let new = NewFolder {
        uid: wanted.name,
        title: word("title").unwrap_or_default(),
        description: word("description"),
        parent: wanted.folder,
    };
    if let Some(reply) = refusal(cx, &new) {
        return Err(translated(reply));
    }
    let uid = insert(cx, new);
    let folder = cx.store().folders.get_mut(&uid).expect("was just made");
    (folder.labels, folder.annotations) = (wanted.labels, wanted.annotations);
    Ok(Reply::json(201, shown(cx, &cx.look().folders[&uid])))
}

/// Replaces a folder by a whole object; an unknown name makes one.
fn put(cx: &mut Context, name: &str, object: Value) -> Answer {
    let wanted = Wanted::read(&object);
    if wanted.name != name {
        let text = format!("the name of the object ({}) does not match the name on the URL ({name})", wanted.name);
        return Err(reasoned(400, &text, "BadRequest"));
    }
    if !cx.look().folders.contains_key(name) {
        return make(cx, wanted, &object);
    }
    let dry = dry_run(cx)?;
    let there = find(cx, name, 2)?.clone();
    if wanted.resource.is_some_and(|r| r != there.resource.to_string()) {
        return Err(conflict(FOLDERS, "folders", name));
    }
    let title = object["spec"]["title"].as_str().unwrap_or_default().trim().to_owned();
    if title.is_empty() {
        return Err(bare_failure(400, "folder title cannot be empty"));
    }
    if wanted.folder != there.parent
        && let Some(reply) = move_refusal(cx, name, &wanted.folder)
    {
        return Err(translated(reply));
    }
    let mut new = there.clone();
    new.title = title;
    new.description = object["spec"]["description"].as_str().filter(|d| !d.is_empty()).map(str::to_owned);
    (new.parent, new.labels, new.annotations) = (wanted.folder, wanted.labels, wanted.annotations);
    if dry {
        return ok(shown(cx, &new));
    }
    let same = (&new.title, &new.description, &new.parent, &new.labels, &new.annotations)
        == (&there.title, &there.description, &there.parent, &there.labels, &there.annotations);
    if same {
        // Unchanged: the generation stays, and the answer lacks the resourceVersion.
        let mut body = shown(cx, &new);
        body["metadata"].as_object_mut().expect("is an object").shift_remove("resourceVersion");
        return ok(body);
    }
    let (time, actor, resource) = (cx.folder_time(), cx.who.actor(), cx.state.ids.version());
    touch(&mut new, time, actor, resource);
    let body = shown(cx, &new);
    cx.store().folders.insert(name.to_owned(), new);
    ok(body)
}

fn change(cx: &mut Context, name: &str) -> Answer {
    let mut whole = shown(cx, find(cx, name, 2)?);
    // Without a version in the patch nothing is checked.
    whole["metadata"].as_object_mut().expect("is an object").shift_remove("resourceVersion");
    let change: Value = object(cx, "Folder")?;
    match cx.call.header("content-type").unwrap_or_default() {
        kind if kind.contains("merge-patch") => patch::merge(&mut whole, &change),
        kind if kind.contains("json-patch") => patch::operations(&mut whole, &change).ok_or_else(rejected)?,
        _ => {
            let text = "conflict with \"unknown\" using folder.grafana.app/v1beta1";
            let cause = json!({ "reason": "FieldManagerConflict", "message": text, "field": ".spec.title" });
            let text = format!("Apply failed with 1 conflict: {text}: .spec.title");
            return Err(failure(409, &text, "Conflict", json!({ "causes": [cause] })));
        }
    }
    put(cx, name, whole)
}

/// The 422 of a JSON patch that does not apply.
pub(super) fn rejected() -> Reply {
    failure(422, "the server rejected our request due to an error in our request", "Invalid", json!({}))
}

/// Sub-folders stop a delete here, though not by /api (grafana.md fact 28).
fn delete(cx: &mut Context, name: &str) -> Answer {
    let dry = dry_run(cx)?;
    let uuid = find(cx, name, 2)?.uuid.clone();
    if !dry {
        let [.., rules] = totals(cx, name);
        if !below(cx, name).is_empty() || rules > 0 {
            let text = "Folder cannot be deleted: folder is not empty";
            return Err(failure(400, text, "BadRequest", json!({ "uid": "folder.not-empty" })));
        }
        remove(cx, &[name.to_owned()].into());
    }
    Ok(deleted(FOLDERS, "folders", name, &uuid))
}

fn part(cx: &mut Context, name: &str, sub: &str) -> Answer {
    let folder = find(cx, name, 1)?;
    match sub {
        "parents" => {
            let mut way = cx.ancestors(name);
            way.push(folder.uid.clone());
            let entry = |uid: &String| {
                let folder = &cx.look().folders[uid];
                let mut entry = json!({ "name": uid, "title": folder.title });
                if !folder.parent.is_empty() {
                    entry["parent"] = json!(folder.parent);
                }
                entry
            };
            let items: Vec<Value> = way.iter().map(entry).collect();
            ok(json!({ "kind": "FolderInfoList", "apiVersion": API, "metadata": {}, "items": items }))
        }
        "counts" => {
            let [folders, dashboards, elements, rules] = totals(cx, name);
            let count = |group: &str, what: &str, n| json!({ "group": group, "resource": what, "count": n });
            ok(json!({ "kind": "DescendantCounts", "apiVersion": API, "counts": [
                count(FOLDERS, "folders", folders), count("sql-fallback", "alertrules", rules),
                count("sql-fallback", "dashboards", dashboards), count("sql-fallback", "folders", 0),
                count("sql-fallback", "library_elements", elements),
            ] }))
        }
        // The real one never lists any [folders_k8s].
        "children" => ok(json!({ "kind": "FolderList", "apiVersion": API, "metadata": {}, "items": null })),
        "access" => {
            let level = cx.folder_level(name);
            ok(json!({
                "kind": "FolderAccessInfo", "apiVersion": API, "canSave": level >= 2, "canEdit": level >= 2,
                "canAdmin": level >= 4, "canDelete": level >= 2,
            }))
        }
        _ => Err(not_found()),
    }
}
