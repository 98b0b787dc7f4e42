//! Taking back what was written.

use serde_json::{Value, json};

use super::{
    Found, Save, Step,
    apply::{New, Run, address, create, post, put, spec_of},
    export,
    read::{permissions_address, resource},
    spec::{PLAIN, Spec, is_second},
};
use crate::{
    grafana::{ok, optional, permissions},
    http::{Reader, Writer, path},
    module::{Applied, Change, Error, ErrorKind, Result, common::OnError},
};

/// Takes back one change.
pub fn undo(context: &Run<'_>, writer: Writer<'_>, change: &Change<Step>, applied: &Applied) -> Result<()> {
    match &change.step {
        Step::Nothing => Ok(()),
        Step::Folder { uid, .. } => unmake_folder(writer, uid),
        Step::Save(save) => match &save.found {
            None => {
                let uid = applied.ids.get("uid").and_then(Value::as_str).or(save.uid.as_deref()).unwrap_or_default();
                optional(writer.delete(&address(uid))?).map(drop)
            }
            Some(found) => put_back(context, writer, save, found, applied),
        },
        Step::Delete(found) => {
            let spec = before(found, applied).unwrap_or_else(|| spec_of(found, None));
            let revision = found.revision.as_ref();
            // Those that it had come back below.
            let asks = applied.kept["permissions"].is_null() && found.folder.is_empty();
            let new = New { uid: &found.uid, spec: &spec, folder: &found.folder, message: None, revision, asks };
            create(context, writer, &new)?;
            match &applied.kept["permissions"] {
                Value::Null => Ok(()),
                body => permissions::write(writer, &permissions_address(&found.uid), body),
            }
        }
        Step::Export { path, before: Some(before), .. } => export::write(path, before),
        Step::Export { path, before: None, .. } => export::remove(path),
    }
}

/// Puts a dashboard back as it was found, unless somebody changed it since.
fn put_back(context: &Run<'_>, writer: Writer<'_>, save: &Save, found: &Found, applied: &Applied) -> Result<()> {
    if save.differs {
        let spec = before(found, applied).unwrap_or_else(|| spec_of(found, Some(&save.spec)));
        let version = applied.ids.get("version").and_then(Value::as_i64);
        let resource = applied.answer["metadata"]["resourceVersion"].as_str();
        let result = match &found.revision {
            Some(_) => put(context, writer, &spec, found, resource, &found.folder, None),
            None => post(writer, &spec, found, version, &found.folder, None),
        };
        result.map_err(|error| match error.kind {
            ErrorKind::Conflict => error.context("somebody else changed it since"),
            _ => error,
        })?;
    }
    match &save.permissions_before {
        Some(body) if save.permissions.is_some() => permissions::write(writer, &permissions_address(&found.uid), body),
        _ => Ok(()),
    }
}

/// Deletes a folder that was made here, if nothing is in it: everything in it would go with it (fact 28).
fn unmake_folder(writer: Writer<'_>, uid: &str) -> Result<()> {
    let Some(counts) = optional(writer.get(&path(&["api", "folders", uid, "counts"]))?)? else { return Ok(()) };
    let held: i64 = counts.value().as_object().into_iter().flatten().filter_map(|(_, count)| count.as_i64()).sum();
    if held > 0 {
        return Err(Error::new(ErrorKind::Conflict, format!("folder {uid} is no longer empty, and was left there")));
    }
    optional(writer.delete(&path(&["api", "folders", uid]))?).map(drop)
}

/// The content in the schema that it is stored in, where it was read in the other one: a conversion and back loses
/// something. It is asked for before the write, if the run may take that back.
pub fn own_content(context: &Run<'_>, reader: Reader<'_>, found: &Found) -> Result<Value> {
    let own = if is_second(&found.stored) { found.stored.as_str() } else { PLAIN };
    if context.task.common.on_error != OnError::Rollback || found.revision.is_none() || own == &*found.api {
        return Ok(Value::Null);
    }
    let address = resource(&context.session.session.namespace(), own, &found.uid);
    let mut item: Value = ok(reader.get(&address)?)?.json()?;
    Ok(json!({"api": own, "spec": item["spec"].take()}))
}

/// What [`own_content`] kept.
fn before(found: &Found, applied: &Applied) -> Option<Spec> {
    let kept = &applied.kept["own"];
    let (api, spec) = (kept["api"].as_str()?, kept["spec"].as_object()?);
    Some(Spec { title: found.title.clone(), ..Spec::stored(api, spec.clone()) })
}
