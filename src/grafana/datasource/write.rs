//! Carrying out one change.

use serde_json::{Value, json};

use super::{address, compare::text, ok, optional, plan::Step};
use crate::{
    http::{Reader, Response, Writer, path},
    module::{Action, Applied, Change, Error, ErrorKind, Object, Result, kind::object},
};

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
    let mut beside = with_secrets(step);
    beside["name"] = json!(format!("{new} instead of {old}").chars().take(190).collect::<String>());
    let made = match post(writer, &beside) {
        Err(error) if error.uncertain => by_uid(*writer, new)?.ok_or(error)?,
        other => other?,
    };
    let gone = optional(writer.delete(&address(found))?).map(drop);
    match gone {
        Err(error) if error.uncertain && by_uid(*writer, old)?.is_none() => {}
        Err(error) => {
            let left = writer.delete(&address(&made)).and_then(optional).map(drop);
            return Err(match left {
                Ok(()) => explained(error),
                Err(second) => explained(error).context(format_args!("the new one could not be taken back ({second})")),
            });
        }
        Ok(()) => {}
    }
    let mut body = step.body.clone();
    body["version"] = made["version"].clone();
    write(writer, &made, &body)
}

fn by_uid(reader: Reader<'_>, uid: &str) -> Result<Option<Value>> {
    optional(reader.get(&path(&["api", "datasources", "uid", uid]))?)?.map(|answer| answer.json()).transpose()
}

/// Makes a data source and returns it as it is stored.
pub fn post(writer: Writer<'_>, body: &Value) -> Result<Value> {
    stored(writer.post("/api/datasources", body)?)
}

/// Writes a whole data source and returns it as it is stored.
pub fn write(writer: Writer<'_>, found: &Value, body: &Value) -> Result<Value> {
    stored(writer.put(&address(found), body)?).map_err(|mut error| {
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
