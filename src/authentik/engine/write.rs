//! Carrying out a change, and undoing it.

use serde_json::{Value, json};

use super::{
    after,
    credentials::Verdict,
    form::list_of,
    names::fill,
    parts::PartStep,
    plan::{Step, ids},
    read::address,
};
use crate::{
    authentik::{Session, explained, fields, ok, optional, table::Row},
    http::{Response, Writer},
    module::{Action, Applied, Change, Error, ErrorKind, Object, Result},
};

/// Carries out one change.
pub fn apply(session: &Session, writer: Writer<'_>, change: &Change<Step>) -> Result<Applied> {
    let step = &change.step;
    let Some(row) = step.row else { return Ok(Applied::default()) };
    if change.action == Action::Delete {
        let Some(found) = &step.found else { return Ok(Applied::default()) };
        after::run(session, writer, step, &mut found.clone(), &mut |_| {})?;
        // 404: somebody else was faster, or it went with something else (trap 22).
        optional(checked(writer.delete(&address(row, found))?)?)?;
        return Ok(Applied { ids: ids(row, found), ..Applied::default() });
    }
    let mut kept = Vec::new();
    let mut object = match (&step.found, &step.body) {
        (Some(found), Some(body)) => {
            change_object(writer, row, &address(row, found), &filled(body, session)?)?.json()?
        }
        (Some(found), None) => found.clone(),
        (None, Some(body)) => {
            let action = step.made_by.map_or(String::new(), |action| format!("{action}/"));
            let answer = writer.post(&format!("{}{action}", row.collection()), &filled(body, session)?)?;
            ok(checked(answer)?)?.json()?
        }
        (None, None) => Value::Null,
    };
    if let (Some(map), Some(found)) = (object.as_object_mut(), step.found.as_ref().and_then(Value::as_object)) {
        // Answers to PATCH lack some fields.
        for (name, value) in found {
            map.entry(name).or_insert_with(|| value.clone());
        }
    }
    let remember = |kept: &[Value]| {
        writer.remember(Applied { ids: ids(row, &object), kept: json!(kept), ..Applied::default() });
    };
    remember(&kept);
    session.made().insert(step.key.clone(), object.clone());
    for (action, body) in &step.calls {
        ok(checked(writer.post(&format!("{}{action}/", address(row, &object)), body)?)?)?;
    }
    for part in &step.parts {
        kept.push(write_part(session, writer, part)?);
        remember(&kept);
    }
    if !step.calls.is_empty() {
        session.memory.learn(&step.key, Verdict::Right);
    }
    after::run(session, writer, step, &mut object, &mut |more| {
        kept.push(more);
        writer.remember(Applied { kept: json!(kept), ..Applied::default() });
    })?;
    Ok(Applied { ids: ids(row, &object), answer: object, kept: json!(kept), warnings: Vec::new() })
}

/// Changes an object that is there: of some kinds PATCH cannot be used (trap 34).
fn change_object(writer: Writer<'_>, row: &Row, address: &str, body: &Object) -> Result<Response> {
    let answer = if row.by_put { writer.put(address, body)? } else { writer.patch(address, body)? };
    ok(checked(answer)?)
}

/// Writes something that belongs to an object; what is needed to undo it comes back.
fn write_part(session: &Session, writer: Writer<'_>, part: &PartStep) -> Result<Value> {
    match part {
        PartStep::Create { row, body } => {
            let answer = writer.post(&row.collection(), &filled(body, session)?)?;
            let made: Value = ok(checked(answer)?)?.json()?;
            Ok(json!({"delete": address(row, &made)}))
        }
        PartStep::Update { row, found, body } => {
            let body = filled(body, session)?;
            ok(checked(writer.patch(&address(row, found), &body)?)?)?;
            let back: Object = body.keys().map(|name| (name.clone(), found[name.as_str()].clone())).collect();
            Ok(json!({"patch": address(row, found), "body": back}))
        }
        PartStep::Delete { row, found } => {
            optional(checked(writer.delete(&address(row, found))?)?)?;
            Ok(json!({"post": row.collection(), "body": writable(row, found)}))
        }
    }
}

/// An answer that says that the server failed inside is no answer: whether the write happened has to be looked at.
pub fn checked(response: Response) -> Result<Response> {
    if response.is_success() {
        return Ok(response);
    }
    let error = explained(&response);
    if error.uncertain { Err(error) } else { Ok(response) }
}

fn filled(body: &Object, session: &Session) -> Result<Object> {
    match fill(&Value::Object(body.clone()), &session.made())? {
        Value::Object(body) => Ok(body),
        _ => Err(Error::new(ErrorKind::Local, "a body is no map")),
    }
}

/// The fields of an object that is there that a body may hold.
fn writable(row: &Row, found: &Value) -> Object {
    fields::of(row.path)
        .iter()
        .filter(|field| !field.write_only && !row.moving.contains(&field.name))
        .filter_map(|field| Some((field.name.to_owned(), found.get(field.name)?.clone())))
        // A reference to nothing is left out where the field has to hold one.
        .filter(|(name, value)| !value.is_null() || list_of(row, name).is_none())
        .collect()
}

/// Takes back one change that was applied.
pub fn undo(writer: Writer<'_>, change: &Change<Step>, applied: &Applied) -> Result<()> {
    let step = &change.step;
    let Some(row) = step.row else { return Ok(()) };
    let mut failed = None;
    for part in applied.kept.as_array().into_iter().flatten().rev() {
        match undo_part(writer, part) {
            // Whether it happened is to be found out before anything else.
            Err(error) if error.uncertain => return Err(error),
            Err(error) => drop(failed.get_or_insert(error)),
            Ok(()) => {}
        }
    }
    let rest = undo_object(writer, row, change, applied);
    failed.map_or(rest, Err)
}

fn undo_object(writer: Writer<'_>, row: &Row, change: &Change<Step>, applied: &Applied) -> Result<()> {
    let step = &change.step;
    match (change.action, &step.found) {
        (Action::Create, _) => {
            let mut made = Object::new();
            made.insert(row.id.to_owned(), applied.ids.get("pk").cloned().unwrap_or_default());
            if let Some(value) = applied.ids.get(row.address) {
                made.insert(row.address.to_owned(), value.clone());
            }
            optional(checked(writer.delete(&address(row, &Value::Object(made)))?)?).map(drop)
        }
        (Action::Delete, Some(found)) => {
            ok(checked(writer.post(&row.collection(), &writable(row, found))?)?)?;
            Err(Error::new(
                ErrorKind::Rejected,
                "it is there again under another id, without what is never shown of it and without what belonged to it",
            ))
        }
        (_, Some(found)) => {
            let Some(body) = &step.body else { return calls_stay(step) };
            let back: Object = body
                .keys()
                .filter(|name| !fields::find(row.path, name).is_some_and(|field| field.write_only))
                .map(|name| (name.clone(), found[name.as_str()].clone()))
                .collect();
            // Its address may have changed with the write.
            let now = applied.ids.get(row.address).or(applied.ids.get("pk")).cloned().unwrap_or_default();
            let mut object = found.clone();
            object[row.address] = now;
            change_object(writer, row, &address(row, &object), &back)?;
            calls_stay(step)
        }
        _ => Ok(()),
    }
}

/// A password that was set cannot be unset: the one before is not known.
fn calls_stay(step: &Step) -> Result<()> {
    let actions: Vec<&str> = step.calls.iter().map(|(action, _)| *action).collect();
    match actions.is_empty() {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::Rejected,
            format!("the fields are as they were, and what `{}` set stays", actions.join(", ")),
        )),
    }
}

fn undo_part(writer: Writer<'_>, part: &Value) -> Result<()> {
    if after::undo(part)? {
        return Ok(());
    }
    if let Some(address) = part["delete"].as_str() {
        return optional(checked(writer.delete(address)?)?).map(drop);
    }
    if let Some(address) = part["patch"].as_str() {
        return ok(checked(writer.patch(address, &part["body"])?)?).map(drop);
    }
    match part["post"].as_str() {
        Some(collection) => ok(checked(writer.post(collection, &part["body"])?)?).map(drop),
        None => Ok(()),
    }
}
