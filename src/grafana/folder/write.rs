//! Writing folders, and undoing it.

use serde_json::{Value, json};

use super::{FolderKind, Step, address, permissions_address, places::Place};
use crate::{
    grafana::{
        Session,
        folder_tree::{self, Folder, FolderTree},
        ok, optional, permissions,
    },
    http::{Reader, Writer},
    module::{Action, Applied, Change, Context, Error, ErrorKind, Result, common::OnError, kind::object},
};

/// Makes a folder, with its permissions.
pub fn create(context: &Context<'_, FolderKind>, writer: Writer<'_>, change: &Change<Step>) -> Result<Applied> {
    let step = &change.step;
    let parent = target(context, step)?;
    // Without a uid of its own it gets one that follows from its place: titles are not unique, so two tasks
    // that make it at once would make two (fact 23).
    let uid = step.uid.clone().unwrap_or_else(|| folder_tree::uid_of_new(&parent, &step.title, 0));
    let mut body = json!({"title": step.title, "uid": uid});
    if !parent.is_empty() {
        body["parentUid"] = json!(parent);
    }
    if let Some(text) = &step.description {
        body["description"] = json!(text);
    }
    let mut sent = writer.post("/api/folders", &body);
    if step.uid.is_none() && sent.as_ref().is_ok_and(|answer| matches!(answer.status, 409 | 412)) {
        let there = optional(writer.get(&address(&uid))?)?.map(|answer| answer.value()).unwrap_or_default();
        if there["title"] == step.title && there["parentUid"].as_str().unwrap_or_default() == parent {
            return Err(Error::new(ErrorKind::Conflict, "somebody else made it at the same time"));
        }
        // What was made here once has another title or place by now.
        body.as_object_mut().map(|body| body.remove("uid"));
        sent = writer.post("/api/folders", &body);
    }
    let (folder, mut permissions, mut warnings) = match sent {
        Ok(answer) => (ok(answer)?.json::<Value>()?, step.permissions.clone(), Vec::new()),
        // A decision, though it comes as a 500 (fact 25): another look would change nothing.
        Err(error) if error.message.contains("max depth") => {
            let certain = Error { uncertain: false, ..error };
            return Err(certain.hint("Grafana nests folders only so deep; put it somewhere above"));
        }
        Err(error) if error.uncertain => {
            // The folder of a "database is locked" is there, without any permission (fact 50).
            let found = look_for(context, *writer, step, &parent)?.ok_or(error)?;
            let default =
                (parent.is_empty() && step.permissions.is_none()).then(|| by_default(&context.session.session));
            let told = "the service answered an error and had made the folder all the same; its permissions were set";
            (found, step.permissions.clone().or(default), vec![told.to_owned()])
        }
        Err(error) => return Err(error),
    };
    let uid = folder["uid"].as_str().unwrap_or_default().to_owned();
    writer.remember(Applied { ids: object([("uid", json!(uid))]), ..Applied::default() });
    if let Some(body) = permissions.take() {
        permissions::write(writer, &permissions_address(&uid), &body)?;
    }
    context.session.made().insert(change.key.clone(), uid.clone());
    warnings.retain(|warning: &String| !warning.is_empty());
    let parent = if parent.is_empty() { Value::Null } else { json!(parent) };
    let ids = object([
        ("uid", json!(uid)),
        ("id", folder["id"].clone()),
        ("url", folder["url"].clone()),
        ("parentUid", parent),
    ]);
    Ok(Applied { ids, answer: folder, warnings, ..Applied::default() })
}

/// Renames, describes, moves, and sets permissions, as far as they differ.
pub fn update(context: &Context<'_, FolderKind>, writer: Writer<'_>, change: &Change<Step>) -> Result<Applied> {
    let step = &change.step;
    let Some(found) = &step.found else { return Ok(Applied::default()) };
    let uid = &found.uid;
    let mut answer = Value::Null;
    let title_differs = step.title != found.title;
    let description_differs = step.description.is_some() && step.description != found.description;
    if title_differs || description_differs {
        // The title and the description are replaced together, and the version must fit (fact 26): so a
        // change that somebody else made meanwhile is a conflict, and the harness plans anew.
        let version = match found.version {
            Some(version) => version,
            None => read_version(*writer, found)?,
        };
        let description = step.description.as_ref().or(found.description.as_ref());
        let body = json!({"title": step.title, "description": description, "version": version});
        answer = ok(writer.put(&address(uid), &body)?)?.json()?;
    }
    let parent = target(context, step)?;
    if parent != found.parent {
        // A missing or empty parentUid moves to the root (fact 27): it is always written.
        answer = ok(writer.post(&format!("{}/move", address(uid)), &json!({"parentUid": parent}))?)?.json()?;
    }
    if let Some(body) = &step.permissions {
        permissions::write(writer, &permissions_address(uid), body)?;
    }
    let parent = if parent.is_empty() { Value::Null } else { json!(parent) };
    let ids = object([("uid", json!(uid)), ("url", answer["url"].clone()), ("parentUid", parent)]);
    Ok(Applied { ids, answer, ..Applied::default() })
}

/// Deletes a folder with all that is in it.
pub fn delete(context: &Context<'_, FolderKind>, writer: Writer<'_>, step: &Step) -> Result<Applied> {
    let uid = step.uid.as_deref().unwrap_or_default();
    let mut kept = Value::Null;
    if context.task.common.on_error == OnError::Rollback {
        // They go with the folder, and would be missing if it came back.
        let held = permissions::read(*writer, &permissions_address(uid))?;
        kept = held.map_or(Value::Null, |held| held.body);
    }
    let force = if step.force { "?forceDeleteRules=true" } else { "" };
    // 404: somebody else, or the deletion of a folder above it, was faster.
    let answer = optional(writer.delete(&format!("{}{force}", address(uid)))?)?;
    let answer = answer.map_or(Value::Null, |answer| answer.value());
    Ok(Applied { ids: object([("uid", json!(uid))]), answer, kept, warnings: Vec::new() })
}

/// The version of a folder where the list does not tell it (11.x). Read right before the write, so the
/// rest must be as it was planned from.
fn read_version(reader: Reader<'_>, planned: &Folder) -> Result<i64> {
    let now: Value = ok(reader.get(&address(&planned.uid))?)?.json()?;
    if now["title"] != planned.title.as_str() {
        return Err(Error::new(ErrorKind::Conflict, "somebody else changed its title meanwhile"));
    }
    Ok(now["version"].as_i64().unwrap_or(1))
}

/// The folder that a failed creation may have made all the same.
fn look_for(context: &Context<'_, FolderKind>, reader: Reader<'_>, step: &Step, parent: &str) -> Result<Option<Value>> {
    if let Some(uid) = &step.uid {
        return Ok(optional(reader.get(&address(uid))?)?.map(|answer| answer.value()));
    }
    let tree = FolderTree::read(reader, &context.session.session)?;
    Ok(tree.child(parent, &step.title)?.map(|folder| json!({"uid": folder.uid, "id": folder.id})))
}

/// What Grafana gives a new folder at the root; one in another folder has none of its own (fact 30).
fn by_default(session: &Session) -> Value {
    let mut items = vec![json!({"role": "Editor", "permission": 2}), json!({"role": "Viewer", "permission": 1})];
    if session.user_id > 0 {
        items.push(json!({"userId": session.user_id, "permission": 4}));
    }
    json!({"items": items})
}

/// The uid of the folder that it is to lie in.
fn target(context: &Context<'_, FolderKind>, step: &Step) -> Result<String> {
    match &step.place {
        Place::At(uid) => Ok(uid.clone()),
        Place::Made(key) => context.session.made().get(key).cloned().ok_or_else(|| {
            Error::new(ErrorKind::NotTried, "not tried, since the folder that it is to lie in was not made")
        }),
    }
}

/// Takes back one change that was applied.
pub fn undo(writer: Writer<'_>, change: &Change<Step>, applied: &Applied) -> Result<()> {
    let step = &change.step;
    let uid = applied.ids.get("uid").and_then(Value::as_str).or(step.uid.as_deref()).unwrap_or_default();
    match (change.action, &step.found) {
        (Action::Create, _) => optional(writer.delete(&address(uid))?).map(drop),
        (Action::Delete, Some(folder)) => {
            let body = json!({
                "uid": folder.uid, "title": folder.title, "parentUid": folder.parent,
                "description": folder.description,
            });
            ok(writer.post("/api/folders", &body)?)?;
            if !applied.kept.is_null() {
                permissions::write(writer, &permissions_address(uid), &applied.kept)?;
            }
            if step.lost.is_empty() {
                return Ok(());
            }
            Err(Error::new(
                ErrorKind::Rejected,
                format!("the folder is there again, without what it held: {}", step.lost),
            ))
        }
        (_, Some(folder)) => {
            // Looked at first: the change may have come only half the way.
            let now: Value = ok(writer.get(&address(uid))?)?.json()?;
            if now["title"] != folder.title.as_str() || step.description.is_some() {
                let body = json!({"title": folder.title, "description": folder.description, "overwrite": true});
                ok(writer.put(&address(uid), &body)?)?;
            }
            if now["parentUid"].as_str().unwrap_or_default() != folder.parent {
                ok(writer.post(&format!("{}/move", address(uid)), &json!({"parentUid": folder.parent}))?)?;
            }
            match (&step.permissions, &step.permissions_before) {
                (Some(_), Some(body)) => permissions::write(writer, &permissions_address(uid), body),
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}
