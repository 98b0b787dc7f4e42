//! Taking back one change. Secrets cannot be read, so what was there of them cannot be put back: that is
//! told, since a data source without its password looks whole and is not.

use serde_json::{Value, json};

use super::{
    address,
    compare::{FINGERPRINT, secrets_set, text},
    ok, optional,
    plan::Step,
    write::{by_uid, post, write},
};
use crate::{
    http::Writer,
    module::{Action, Applied, Change, Error, ErrorKind, Object, Result},
};

/// Takes back one change that was applied.
pub fn undo(writer: Writer<'_>, change: &Change<Step>, applied: &Applied) -> Result<()> {
    let step = &change.step;
    let uid = applied.ids.get("uid").or(change.ids.get("uid")).cloned().unwrap_or_default();
    let now = if applied.answer.is_object() { applied.answer.clone() } else { json!({"uid": uid}) };
    let lost = match (change.action, &step.found) {
        (Action::Create, _) => {
            optional(writer.delete(&address(&now))?)?;
            Vec::new()
        }
        // What was planned as new and then found half made by another look.
        (Action::Update, Some(found)) if change.before.is_null() => {
            optional(writer.delete(&address(found))?)?;
            Vec::new()
        }
        (Action::Update, Some(found)) => put_back(writer, step, found, &now)?,
        (Action::Delete, Some(found)) => {
            post(writer, &as_found(found, &[]))?;
            secrets_set(found).map(str::to_owned).collect()
        }
        (Action::Replace, Some(found)) => {
            optional(writer.delete(&address(&now))?)?;
            if by_uid(*writer, text(found, "uid"))?.is_some() {
                // It came only half the way: the old one was never gone.
                return Ok(());
            }
            let mut body = as_found(found, &[]);
            // Those of the task are nearer than none; whether they are the old ones nobody can tell.
            let secrets: Object =
                step.secrets.iter().map(|(key, secret)| (key.clone(), json!(secret.expose()))).collect();
            body["secureJsonData"] = Value::Object(secrets);
            forget_fingerprint(&mut body);
            post(writer, &body)?;
            secrets_set(found).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    if let Some(uid) = &step.default_before {
        give_default_back(writer, uid)?;
    }
    if lost.is_empty() {
        return Ok(());
    }
    let told = match change.action {
        Action::Replace => "it is there again with the secrets of this task, since its own cannot be read",
        _ => "all but its secrets was put back, since they cannot be read; set them again",
    };
    Err(Error::new(ErrorKind::Rejected, format!("{told}: {}", lost.join(", "))))
}

/// Writes the fields as they were. Secrets that were new are removed again; the names of those that were
/// overwritten are returned.
fn put_back(writer: Writer<'_>, step: &Step, found: &Value, now: &Value) -> Result<Vec<String>> {
    let current: Value = ok(writer.get(&address(now))?)?.json()?;
    // Undoing another change may have given it the default back, which moves the version too.
    if now["version"].is_i64() && as_found(&current, &["isDefault"]) != as_found(now, &["isDefault"]) {
        return Err(Error::new(ErrorKind::Conflict, "somebody else changed it meanwhile, and that was left"));
    }
    let mut body = as_found(found, &[]);
    body["version"] = current["version"].clone();
    let had: Vec<&str> = secrets_set(found).collect();
    let (overwritten, new): (Vec<&String>, Vec<&String>) =
        step.secrets.keys().partition(|key| had.contains(&key.as_str()));
    if !new.is_empty() {
        let removed: Object = new.into_iter().map(|key| (key.clone(), json!(""))).collect();
        body["secureJsonData"] = Value::Object(removed);
    }
    if !overwritten.is_empty() {
        forget_fingerprint(&mut body);
    }
    write(writer, &current, &body)?;
    Ok(overwritten.into_iter().cloned().collect())
}

/// The fingerprint that was found is that of secrets which are not there any more: a later run with those
/// would take them for set.
fn forget_fingerprint(body: &mut Value) {
    if let Some(json) = body["jsonData"].as_object_mut() {
        json.shift_remove(FINGERPRINT);
    }
}

/// The body that makes a data source as it was found, up to its secrets.
fn as_found(found: &Value, without: &[&str]) -> Value {
    const NONE: [&str; 9] = [
        "id",
        "ordinal",
        "orgId",
        "version",
        "readOnly",
        "typeLogoUrl",
        "typeName",
        "accessControl",
        "secureJsonFields",
    ];
    let mut body = found.as_object().cloned().unwrap_or_default();
    body.retain(|key, _| !NONE.contains(&key.as_str()) && !without.contains(&key.as_str()));
    if body.get("apiVersion") == Some(&json!("")) {
        body.shift_remove("apiVersion");
    }
    Value::Object(body)
}

fn give_default_back(writer: Writer<'_>, uid: &str) -> Result<()> {
    let address = address(&json!({"uid": uid}));
    let Some(answer) = optional(writer.get(&address)?)? else { return Ok(()) };
    let stored: Value = answer.json()?;
    if stored["isDefault"] == json!(true) || stored["readOnly"] == json!(true) {
        return Ok(());
    }
    let mut body = as_found(&stored, &[]);
    body["isDefault"] = json!(true);
    body["version"] = stored["version"].clone();
    write(writer, &stored, &body).map(drop).map_err(|error| {
        let name = text(&stored, "name");
        error.context(format_args!("data source `{name}` did not become the default one again"))
    })
}
