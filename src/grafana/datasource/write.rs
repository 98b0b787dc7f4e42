//! Carrying out one change.

use serde_json::{Value, json};

use super::{address, compare::text, find::name_beside, ok, optional, plan::Step};
use crate::{
    http::{Reader, Response, Writer, path, pause_before},
    module::{Action, Applied, Change, Error, ErrorKind, Object, Result, kind::object},
};

/// So often a write in the middle of a replacement is tried again.
const TRIES: u32 = 4;

/// Carries out one change.
pub fn apply(writer: Writer<'_>, change: &Change<Step>) -> Result<Applied> {
    let step = &change.step;
    let stored = match (change.action, &step.found) {
        (Action::Create, _) => create(writer, step)?,
        (Action::Replace, Some(found)) => replace(writer, step, found)?,
        (Action::Update, Some(found)) => write(writer, found, &with_secrets(step))?,
        (Action::Delete, Some(found)) => {
            // 404: somebody else was faster.
            optional(writer.delete(&address(found))?).map_err(explained)?;
            return Ok(Applied::default());
        }
        _ => return Ok(Applied::default()),
    };
    let ids = object([("uid", stored["uid"].clone()), ("id", stored["id"].clone())]);
    Ok(Applied { ids, answer: stored, ..Applied::default() })
}

/// What is sent, with the secrets.
pub fn with_secrets(step: &Step) -> Value {
    let mut body = step.body.clone();
    if !step.secrets.is_empty() {
        let secrets: Object = step.secrets.iter().map(|(key, secret)| (key.clone(), json!(secret.expose()))).collect();
        body["secureJsonData"] = Value::Object(secrets);
    }
    body
}

fn create(writer: Writer<'_>, step: &Step) -> Result<Value> {
    let stored = post(writer, &with_secrets(step))?;
    let Some(is_default) = step.is_default.filter(|declared| stored["isDefault"] != *declared) else {
        return Ok(stored);
    };
    let ids = object([("uid", stored["uid"].clone()), ("id", stored["id"].clone())]);
    writer.remember(Applied { ids, ..Applied::default() });
    // The first one of an organisation becomes the default, whatever was sent (fact 13).
    let mut body = step.body.clone();
    body["isDefault"] = json!(is_default);
    body["version"] = stored["version"].clone();
    write(writer, &stored, &body).map_err(|mut error| {
        // It is there: another look plans the rest.
        error.uncertain = true;
        error.context("it was made and became the default data source, which could not be taken back")
    })
}

/// Another uid, where Grafana changes none (fact 18). The new one is made beside the old one under a name
/// of its own before the old one goes: whatever fails, one of them is there, and another run goes on.
fn replace(writer: Writer<'_>, step: &Step, found: &Value) -> Result<Value> {
    let (old, new) = (text(found, "uid"), text(&step.body, "uid"));
    let name = name_beside(old, new);
    let made = if step.resumes { by_uid(*writer, new)? } else { None };
    let made = match made {
        Some(made) => made,
        None => make_beside(writer, step, &name)?,
    };
    // Only what finds it: this answer is not how it stands in the end.
    let ids = object([("uid", made["uid"].clone()), ("id", made["id"].clone())]);
    writer.remember(Applied { ids, ..Applied::default() });
    if let Err(error) = delete_surely(writer, found) {
        if error.uncertain || error.kind == ErrorKind::NotTried {
            let there = format!("the new one is there as `{name}` beside the old one of uid `{old}`");
            return Err(half_done(error, &there));
        }
        let left = writer.delete(&address(&made)).and_then(optional).map(drop);
        return Err(match left {
            Ok(()) => explained(error),
            Err(second) => half_done(
                explained(error),
                &format!("the old one stays, and the new one, `{name}`, could not be taken back ({second})"),
            ),
        });
    }
    rename(writer, step, &made).map_err(|error| {
        let there =
            format!("the old one of uid `{old}` is deleted, and the new one of uid `{new}` is there as `{name}`");
        half_done(error, &there)
    })
}

fn make_beside(writer: Writer<'_>, step: &Step, name: &str) -> Result<Value> {
    let mut beside = with_secrets(step);
    if let Some(body) = beside.as_object_mut() {
        // These are of the old one.
        body.retain(|key, _| !matches!(key.as_str(), "version" | "apiVersion"));
    }
    beside["name"] = json!(name);
    // It takes the default at the end: were it taken back before, nobody would have it.
    beside["isDefault"] = json!(false);
    match post(writer, &beside) {
        // Where the look fails too it stays uncertain, and another look decides.
        Err(error) if error.uncertain => match by_uid(*writer, text(&step.body, "uid")) {
            Ok(Some(found)) => Ok(found),
            _ => Err(error),
        },
        other => other,
    }
}

/// Deletes; after an answer that tells nothing certain it looks, and tries again where it is still there.
fn delete_surely(writer: Writer<'_>, found: &Value) -> Result<()> {
    let mut attempt = 0;
    loop {
        let Err(error) = writer.delete(&address(found)).and_then(optional) else { return Ok(()) };
        attempt += 1;
        if !error.uncertain || attempt > TRIES {
            return Err(error);
        }
        std::thread::sleep(pause_before(attempt));
        match writer.get(&address(found)).and_then(optional) {
            Ok(None) => return Ok(()),
            Ok(Some(_)) => {}
            Err(_) => return Err(error),
        }
    }
}

/// The last step of a replacement: all that is declared, its name among it. The secrets go out again where
/// those that were sent first may be other ones.
fn rename(writer: Writer<'_>, step: &Step, made: &Value) -> Result<Value> {
    let mut body = if step.resumes { with_secrets(step) } else { step.body.clone() };
    body["version"] = made["version"].clone();
    let mut attempt = 0;
    loop {
        let error = match write(writer, made, &body) {
            Err(error) => error,
            done => return done,
        };
        attempt += 1;
        if !error.uncertain || attempt > TRIES {
            return Err(error);
        }
        std::thread::sleep(pause_before(attempt));
        match by_uid(*writer, text(made, "uid")) {
            Ok(Some(now)) if now["version"] != body["version"] && now["name"] == body["name"] => return Ok(now),
            Ok(Some(now)) => body["version"] = now["version"].clone(),
            _ => return Err(error),
        }
    }
}

/// A replacement that came only half the way; what is there now, and how it goes on.
fn half_done(mut error: Error, there: &str) -> Error {
    if error.kind == ErrorKind::NotTried {
        error.kind = ErrorKind::GaveUp;
    }
    error.hint = Some(match error.hint.take() {
        Some(hint) => format!("{hint}; another run goes on from there"),
        None => "another run goes on from there".to_owned(),
    });
    error.context(there)
}

/// A data source by its uid, if it is there.
pub fn by_uid(reader: Reader<'_>, uid: &str) -> Result<Option<Value>> {
    optional(reader.get(&path(&["api", "datasources", "uid", uid]))?)?.map(|answer| answer.json()).transpose()
}

/// Makes a data source and returns it as it is stored.
pub fn post(writer: Writer<'_>, body: &Value) -> Result<Value> {
    stored(writer.post("/api/datasources", body)?)
}

/// Writes a whole data source and returns it as it is stored.
pub fn write(writer: Writer<'_>, found: &Value, body: &Value) -> Result<Value> {
    let mut body = body.clone();
    if let (true, Some(body)) = (body["uid"] == found["uid"], body.as_object_mut()) {
        // Left out it stays. Written, Grafana 12 refuses one that only 11 would have given (facts 12, 59).
        body.shift_remove("uid");
    }
    stored(writer.put(&address(found), &body)?).map_err(|mut error| {
        if error.status == Some(404) {
            // Somebody deleted it meanwhile: another look plans to make it.
            error.kind = ErrorKind::Conflict;
        }
        error
    })
}

fn stored(answer: Response) -> Result<Value> {
    let answer: Value = ok(answer).map_err(explained)?.json()?;
    Ok(answer["datasource"].clone())
}

fn explained(error: Error) -> Error {
    if error.message.contains("read-only data source") {
        let mut error = error;
        error.hint = Some("it is provisioned from a file on Grafana's host: change it there".to_owned());
        return error;
    }
    if error.status == Some(400) && error.message.contains("invalid URL") {
        return error.hint("Grafana cannot use the address in `ds_url`");
    }
    error
}
