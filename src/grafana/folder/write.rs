//! Writing folders, and undoing it.

use serde_json::{Value, json};

use super::{FolderKind, Step, address, permissions_address, places::Place};
use crate::{
    grafana::{
        folder_tree::{self, Folder},
        ok, optional, permissions,
    },
    http::{Reader, Response, Writer},
    module::{Action, Applied, Change, Context, Error, ErrorKind, Result, common::OnError, kind::object},
};

/// So many other uids are tried for a new folder whose own is taken.
const SALTS: u32 = 8;

/// Makes a folder, with its permissions.
pub fn create(context: &Context<'_, FolderKind>, writer: Writer<'_>, change: &Change<Step>) -> Result<Applied> {
    let step = &change.step;
    let parent = target(context, step)?;
    let (uid, sent) = send_new(context, writer, change, &parent)?;
    let (folder, mut permissions, mut warnings) = match sent.map_err(folder_tree::too_deep) {
        Ok(answer) => {
            (ok(answer).map_err(folder_tree::too_deep)?.json::<Value>()?, step.permissions.clone(), Vec::new())
        }
        Err(error) if error.uncertain => {
            // The folder of a "database is locked" is there, without any permission (fact 50). A look that fails
            // tells nothing: it stays uncertain.
            let there = writer.get(&address(&uid)).ok().filter(|there| is_it(there, step, &parent));
            let found = there.map(|there| there.value()).ok_or(error)?;
            let default = (parent.is_empty() && step.permissions.is_none())
                .then(|| permissions::of_root(context.session.session.user_id));
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

/// Sends a new folder. Without a uid of its own it gets one that follows from its place: titles are not unique,
/// so two tasks that make it at once would make two (fact 23). What lies in it is told where before it is there:
/// when another task was faster, it is there all the same.
fn send_new(
    context: &Context<'_, FolderKind>,
    writer: Writer<'_>,
    change: &Change<Step>,
    parent: &str,
) -> Result<(String, Result<Response>)> {
    let step = &change.step;
    let mut salt = 0;
    loop {
        let uid = step.uid.clone().unwrap_or_else(|| folder_tree::uid_of_new(parent, &step.title, salt));
        context.session.made().insert(change.key.clone(), uid.clone());
        let mut body = json!({"title": step.title, "uid": uid});
        if !parent.is_empty() {
            body["parentUid"] = json!(parent);
        }
        if let Some(text) = &step.description {
            body["description"] = json!(text);
        }
        let sent = writer.post("/api/folders", &body);
        let taken = sent.as_ref().is_ok_and(|answer| matches!(answer.status, 409 | 412));
        if !taken || step.uid.is_some() || salt == SALTS {
            return Ok((uid, sent));
        }
        if is_it(&writer.get(&address(&uid))?, step, parent) {
            return Err(Error::new(ErrorKind::Conflict, "somebody else made it at the same time"));
        }
        // What was made here once has another title or place by now.
        salt += 1;
    }
}

/// Whether an answer is the folder that is to be made.
fn is_it(there: &Response, step: &Step, parent: &str) -> bool {
    let folder = there.value();
    there.is_success() && folder["title"] == step.title && folder["parentUid"].as_str().unwrap_or_default() == parent
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
        let sent = writer.post(&format!("{}/move", address(uid)), &json!({"parentUid": parent})).and_then(ok);
        answer = sent.map_err(folder_tree::too_deep)?.json()?;
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
    let answer = writer.delete(&format!("{}{force}", address(uid)))?;
    if answer.status == 403 && answer.message().is_some_and(|told| told.contains("library elements in use")) {
        return Err(answer.error().hint(
            "Grafana before 12 keeps a folder while dashboards elsewhere use its library panels: take them out there, \
             or delete those dashboards first",
        ));
    }
    let answer = optional(answer)?;
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
            if let (Some(_), Some(body)) = (&step.permissions, &step.permissions_before) {
                permissions::write(writer, &permissions_address(uid), body)?;
            }
            if step.description.is_some() && folder.description.is_none() {
                let told = "it has its old title again, but not its old description, which this version does not show";
                return Err(Error::new(ErrorKind::Rejected, told));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
