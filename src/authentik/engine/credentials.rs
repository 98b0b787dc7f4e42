//! Values that the service makes: how the task gets them, and what is planned about their age.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};

use super::{
    after::{After, Delivery},
    plan::{Planning, Step, complete},
    read::Snapshot,
    rotation::{self, Due, KEY_OF, Noted, Rotation, WORKS_UNTIL, What},
    wanted::{Wanted, plain},
};
use crate::{
    authentik::{self, table::Row},
    files,
    http::{Reader, path},
    module::{Applied, Change, Error, Object, Result, secret},
};

/// What of an object the task wants to have, and where.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// What it is.
    pub source: Source,
    /// Whether the result holds it.
    pub returned: bool,
    /// The file that holds it.
    pub file: Option<String>,
}

/// Where the service shows what it made.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// In these fields of the object.
    Fields(&'static [&'static str]),
    /// By the key of a token that a field of the object names.
    Token {
        /// That field.
        identifier: &'static str,
        /// What the key is called for the task.
        name: &'static str,
    },
}

/// A file that is to hold secrets, as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SecretFile {
    /// What it holds, if that can be read.
    pub content: Value,
    /// Whether others than its owner may read it.
    pub open: bool,
}

/// Whether a user can log in with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the right one.
    Right,
    /// It was refused.
    Wrong,
    /// It cannot be told, for that reason.
    Unknown(String),
}

/// What a run knows of credentials: nothing is tried twice, and nothing that it made anew is old.
#[derive(Debug, Default)]
pub struct Memory {
    renewed: Mutex<BTreeSet<String>>,
    logins: Mutex<BTreeMap<String, Verdict>>,
}

impl Memory {
    /// Notes that the value of an object was made anew, by the key of its change.
    pub fn renew(&self, key: &str) {
        lock(&self.renewed).insert(key.to_owned());
    }

    /// Whether it was.
    pub fn is_renewed(&self, key: &str) -> bool {
        lock(&self.renewed).contains(key)
    }

    /// Notes what is known of a password.
    pub fn learn(&self, key: &str, verdict: Verdict) {
        lock(&self.logins).insert(key.to_owned(), verdict);
    }

    /// What is known of it.
    pub fn verdict(&self, key: &str) -> Option<Verdict> {
        lock(&self.logins).get(key).cloned()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses, before anything is sent, what would show a secret, or put two into one file.
pub fn check(all: &[Wanted], no_log: bool) -> Result<()> {
    let mut files = BTreeMap::new();
    for wanted in all.iter().filter(|one| one.present) {
        let Some(secrets) = &wanted.secrets else { continue };
        if secrets.returned && !no_log {
            return Err(wanted
                .wrong("return_secret is written, and the task would show the secret on the screen and in logs")
                .hint("write `no_log: true` at the task, or use `secret_file`"));
        }
        if let Some(file) = &secrets.file
            && let Some(other) = files.insert(file, wanted.name())
        {
            return Err(wanted
                .wrong(format_args!("its secret_file is that of `{other}` too"))
                .hint("each object needs a file of its own"));
        }
    }
    Ok(())
}

/// Reads what of this host the plan looks at.
pub fn read(wanted: &[Wanted], snapshot: &mut Snapshot, reader: Reader<'_>) -> Result<()> {
    snapshot.now = rotation::now();
    snapshot.server = reader.client().settings().base.as_str().to_owned();
    for one in wanted.iter().filter(|one| one.present) {
        if let Some(Rotation { noted: Noted::File(file), .. }) = &one.rotation
            && !snapshot.dates.contains_key(file)
        {
            snapshot.dates.insert(file.clone(), rotation::dates(file)?);
        }
        if let Some(file) = one.secrets.as_ref().and_then(|secrets| secrets.file.as_ref()) {
            snapshot.files.insert(file.clone(), look_at(file).map_err(|why| one.wrong(why))?);
        }
    }
    Ok(())
}

fn look_at(file: &str) -> std::result::Result<SecretFile, String> {
    let path = Path::new(file);
    match std::fs::metadata(path) {
        Ok(about) if about.is_file() => {
            let content = std::fs::read(path).map_err(|error| files::told(path, &error))?;
            let content: Value = serde_json::from_slice(&content).unwrap_or_default();
            let values = content
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(name, _)| !["name", "pk", "client_id"].contains(&name.as_str()));
            secret::hide(values.filter_map(|(_, value)| value.as_str()));
            Ok(SecretFile { content, open: about.permissions().mode() & 0o077 != 0 })
        }
        Ok(_) => Err(format!("its secret_file `{file}` is there and is no file")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            rotation::folder_of(path).map_err(|why| format!("its secret_file `{file}` cannot be made: {why}"))?;
            Ok(SecretFile::default())
        }
        Err(error) => Err(format!("its secret_file cannot be read: {}", files::told(path, &error))),
    }
}

/// The secrets of an object. Looking at a key is written into the service's log of events.
pub fn look(source: Source, object: &Value, reader: Reader<'_>) -> Result<Object> {
    let Source::Token { identifier, name } = source else { return Ok(known(source, object)) };
    let key = key_of(&plain(&object[identifier]), reader)?;
    Ok(Object::from_iter([(name.to_owned(), key)]))
}

/// The key of a token.
pub fn key_of(identifier: &str, reader: Reader<'_>) -> Result<Value> {
    let address = format!("{}view_key/", path(&["api", "v3", "core", "tokens", identifier]) + "/");
    let key = authentik::ok(reader.get(&address)?)?.value()["key"].clone();
    match key.as_str() {
        Some(text) => secret::hide([text]),
        None => return Err(Error::local(format!("GET {address} answered without a key"))),
    }
    Ok(key)
}

/// What of the secrets is known without looking at a key.
fn known(source: Source, object: &Value) -> Object {
    let Source::Fields(names) = source else { return Object::new() };
    names.iter().map(|name| ((*name).to_owned(), object[*name].clone())).collect()
}

/// What the secret file of an object holds.
pub fn content(name: &str, id: &Value, secrets: &Object) -> Value {
    let mut all = Object::from_iter([("name".to_owned(), json!(name)), ("pk".to_owned(), id.clone())]);
    all.extend(secrets.clone());
    Value::Object(all)
}

/// The secrets that the result holds, by the index of the object.
pub fn returned(
    wanted: &[Wanted],
    reader: Reader<'_>,
    outcomes: &[(&Change<Step>, Option<&Applied>)],
) -> Result<Vec<(usize, Object)>> {
    let mut all = Vec::new();
    for (change, applied) in outcomes {
        let Some((index, one)) = change.index.and_then(|index| Some((index, wanted.get(index)?))) else { continue };
        let Some(secrets) = one.secrets.as_ref().filter(|secrets| secrets.returned && one.present) else { continue };
        let answer = applied.map(|applied| &applied.answer).filter(|answer| !answer.is_null());
        let object = answer.or(change.step.found.as_ref()).ok_or_else(|| {
            one.wrong("its secret cannot be returned, since the answer to its creation was lost").hint("run again")
        })?;
        all.push((index, look(secrets.source, object, reader)?));
    }
    Ok(all)
}

impl Planning<'_> {
    /// The object that carries the former value of a wanted one, if there is one that a rotation made.
    pub fn previous(&self, wanted: &Wanted) -> Option<&Value> {
        let name = wanted.previous.as_ref()?;
        let all = self.snapshot.stored.get(wanted.row.path)?;
        let is_ours = |one: &&Value| {
            one[wanted.row.address] == name.as_str()
                && rotation::split(one["description"].as_str().unwrap_or_default(), WORKS_UNTIL).1.is_some()
        };
        all.iter().find(is_ours)
    }

    /// What follows the creation of an object.
    pub fn credentials_of_new(&self, wanted: &Wanted, body: &mut Object, shown: &mut Object) -> Vec<After> {
        let mut follows = Vec::new();
        if let Some(rotation) = wanted.rotation.as_ref().filter(|rotation| rotation.after.is_some()) {
            match &rotation.noted {
                Noted::Field(name) => {
                    let text = body.get(*name).and_then(Value::as_str).unwrap_or_default();
                    body.insert((*name).to_owned(), rotation::with(text, KEY_OF, self.snapshot.now).into());
                }
                Noted::File(file) => follows.push(self.note(wanted, file)),
                Noted::Nowhere => {}
            }
        }
        // What is new is not old, also with `rotate_now`.
        if wanted.rotation.is_some() {
            follows.push(After::Renewed);
        }
        if let Some(delivery) = self.delivery(wanted) {
            shown.insert("secret_file".to_owned(), json!(delivery.file));
            follows.push(After::Deliver(delivery));
        }
        follows
    }

    /// What follows the write of an object that is there: a rotation that is due, the end of an overlap, a file.
    pub fn credentials(
        &self,
        wanted: &Wanted,
        found: &Value,
        body: &Object,
        is_set: bool,
        (before, after): (&mut Object, &mut Object),
    ) -> Result<Vec<After>> {
        let mut follows = Vec::new();
        let previous = self.previous(wanted);
        let ended = previous.filter(|one| {
            let text = one["description"].as_str().unwrap_or_default();
            rotation::split(text, WORKS_UNTIL).1.is_some_and(|until| until <= self.snapshot.now)
        });
        let due = wanted.rotation.as_ref().map_or(Due::No, |rotation| {
            let done = self.session.memory.is_renewed(&wanted.change_key());
            rotation::due(rotation, self.date(wanted, rotation, found), self.snapshot.now, done)
        });
        let keeps = due == Due::Renew && wanted.rotation.as_ref().is_some_and(|rotation| rotation.overlap.is_some());
        if let Some(one) = ended.filter(|_| !keeps) {
            before.insert("previous".to_owned(), one[wanted.row.address].clone());
            after.insert("previous".to_owned(), Value::Null);
            follows.push(After::Drop { row: wanted.row, found: one.clone() });
        }
        if let Some(rotation) = &wanted.rotation {
            follows.extend(self.rotation(wanted, found, rotation, due, (&mut *before, &mut *after))?);
        }
        if let Some(delivery) = self.delivery(wanted) {
            let there = self.snapshot.files.get(&delivery.file).cloned().unwrap_or_default();
            let written =
                matches!(delivery.source, Source::Fields(names) if names.iter().any(|name| body.contains_key(*name)));
            if written || is_set || due == Due::Renew || there.open || !fits(&there.content, &delivery, found) {
                let told = if there.content.is_null() { Value::Null } else { json!("out of date") };
                before.insert("secret_file".to_owned(), told);
                after.insert("secret_file".to_owned(), json!(delivery.file));
                follows.push(After::Deliver(delivery));
            }
        }
        Ok(follows)
    }

    fn rotation(
        &self,
        wanted: &Wanted,
        found: &Value,
        rotation: &Rotation,
        due: Due,
        (before, after): (&mut Object, &mut Object),
    ) -> Result<Vec<After>> {
        let mut follows = Vec::new();
        if due == Due::No {
            return Ok(follows);
        }
        let label = rotation.what.label();
        if due == Due::Renew {
            self.may_be_renewed(wanted, found, rotation)?;
            let age = self
                .date(wanted, rotation, found)
                .map_or("of unknown age".to_owned(), |date| format!("of {}", rotation::written(date)));
            before.insert(label.to_owned(), json!(age));
            after.insert(label.to_owned(), json!("a new one"));
            if let (Some(overlap), Some(name)) = (rotation.overlap, &wanted.previous) {
                let there = self.previous(wanted);
                let taken = candidates_named(self.snapshot, wanted.row, name);
                if there.is_none() && taken {
                    return Err(wanted
                        .wrong(format_args!(
                            "the former key is to be kept as `{name}`, and that is there and of somebody else"
                        ))
                        .hint("rename that token, or leave `overlap` out"));
                }
                before.insert("previous".to_owned(), there.map_or(Value::Null, |_| json!("an older key")));
                after.insert("previous".to_owned(), json!(name));
                let until = self.snapshot.now.saturating_add(overlap);
                let text = rotation::with(&format!("The former key of {}", wanted.name()), WORKS_UNTIL, until);
                follows.push(After::Keep { name: name.clone(), there: there.cloned(), description: text });
            }
            if let Noted::File(file) = &rotation.noted {
                // Whether the date can be noted shows before anything is made anew.
                follows.push(After::Reserve { file: file.clone() });
            }
            follows.push(After::Renew(rotation.what));
        } else {
            before.insert("rotated".to_owned(), Value::Null);
            after.insert("rotated".to_owned(), json!("counts from now on"));
        }
        match &rotation.noted {
            Noted::Field(name) if rotation.after.is_some() => {
                let mut body = Object::new();
                let text = wanted.fields.get(*name).unwrap_or(&found[*name]).as_str().unwrap_or_default();
                body.insert((*name).to_owned(), rotation::with(text, KEY_OF, self.snapshot.now).into());
                complete(wanted.row, found, &Object::new(), &mut body);
                follows.push(After::Patch(body));
            }
            Noted::File(file) => follows.push(self.note(wanted, file)),
            Noted::Field(_) | Noted::Nowhere => {}
        }
        Ok(follows)
    }

    /// The caller's own token made anew would end the run in its midst, if the former key did not work on.
    fn may_be_renewed(&self, wanted: &Wanted, found: &Value, rotation: &Rotation) -> Result<()> {
        let is_own = rotation.what == What::Key
            && found["intent"] == "api"
            && found["user"].as_i64().is_some_and(|user| Some(user) == self.session.my_id());
        if is_own && rotation.overlap.is_none() && !wanted.force {
            return Err(wanted
                .wrong("its key is not made anew, since it is a token of the caller's own user, perhaps the one that this task uses")
                .hint("write `overlap: 24h`, so that the former key works on, or `force: true`"));
        }
        Ok(())
    }

    fn date(&self, wanted: &Wanted, rotation: &Rotation, found: &Value) -> Option<u64> {
        match &rotation.noted {
            Noted::Field(name) => rotation::split(found[*name].as_str().unwrap_or_default(), KEY_OF).1,
            Noted::File(file) => {
                let dates = self.snapshot.dates.get(file)?;
                rotation::date_in(dates, &self.snapshot.server, wanted.row.path, &plain(&found[wanted.row.id]))
            }
            Noted::Nowhere => None,
        }
    }

    fn note(&self, wanted: &Wanted, file: &str) -> After {
        let entry = json!({"name": wanted.name(), "rotated": rotation::written(self.snapshot.now)});
        After::Note { file: file.to_owned(), server: self.snapshot.server.clone(), entry }
    }

    fn delivery(&self, wanted: &Wanted) -> Option<Delivery> {
        let secrets = wanted.secrets.as_ref()?;
        Some(Delivery { file: secrets.file.clone()?, name: wanted.name(), source: secrets.source })
    }
}

/// Whether there is an object of that name in the address.
fn candidates_named(snapshot: &Snapshot, row: &Row, name: &str) -> bool {
    snapshot.stored.get(row.path).into_iter().flatten().any(|one| one[row.address] == name)
}

/// Whether a file holds the secrets of an object, as far as that is known without looking at a key.
fn fits(content: &Value, delivery: &Delivery, found: &Value) -> bool {
    let is_of = content["name"] == delivery.name.as_str() && content["pk"] == found["pk"];
    is_of
        && match delivery.source {
            Source::Fields(_) => known(delivery.source, found).iter().all(|(name, value)| content[name] == *value),
            Source::Token { name, .. } => content[name].as_str().is_some_and(|key| !key.is_empty()),
        }
}
