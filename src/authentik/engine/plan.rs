//! Comparing what was declared with what is there. Pure.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    after::After,
    credentials::Verdict,
    form, guards,
    parts::PartStep,
    read::{Snapshot, address, candidates},
    rotation,
    wanted::{Prune, Send, Wanted, plain},
};
use crate::{
    authentik::{Session, fields, table::Row},
    module::{Action, Change, ErrorKind, Object, Result, diff, kind::object},
};

/// What is needed to carry out one change and to undo it: requests, in their order.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// The kind.
    pub row: Option<&'static Row>,
    /// The key by which others of the task refer to what is made.
    pub key: String,
    /// The object as it is.
    pub found: Option<Value>,
    /// The body of the write of the object itself; `None` if it stays.
    pub body: Option<Object>,
    /// The last part of the address to which a new object is sent, where it is not the collection's.
    pub made_by: Option<&'static str>,
    /// Requests behind it, to the object itself: the last part of the address, and the body.
    pub calls: Vec<(&'static str, Object)>,
    /// What is written of what belongs to it.
    pub parts: Vec<PartStep>,
    /// What is done behind all of that, in this order.
    pub after: Vec<After>,
}

/// What planning looks at.
pub struct Planning<'p> {
    /// What is to be.
    pub wanted: &'p [Wanted],
    /// What exists.
    pub snapshot: &'p Snapshot,
    /// The caller.
    pub session: &'p Session,
}

impl Planning<'_> {
    /// The change for one declared object.
    pub fn change(&self, index: usize) -> Result<Change<Step>> {
        let wanted = &self.wanted[index];
        let found = match candidates(self.snapshot, wanted, self.wanted) {
            // A binding in a flow that is gone is gone too: when both are to go, a second run finds neither.
            Err(error) if !wanted.present && error.kind == ErrorKind::NotFound => Vec::new(),
            found => found.map_err(|error| wanted.wrong(error.message))?,
        };
        let found = match found.as_slice() {
            [] => None,
            [one] => Some(*one),
            many => {
                let ids: Vec<String> = many.iter().map(|one| plain(&one[wanted.row.id])).collect();
                return Err(wanted
                    .wrong(format_args!("it fits {} that are there: {}", many.len(), ids.join(", ")))
                    .hint("name the one that is meant by its `pk`"));
            }
        };
        match (found.or_else(|| self.previous(wanted).filter(|_| !wanted.present)), wanted.present) {
            (None, true) => self.create(index),
            (Some(found), true) => self.update(index, found),
            (None, false) => Ok(Change::new(
                Some(index),
                wanted.name(),
                Action::Unchanged,
                Value::Null,
                Value::Null,
                Step::default(),
            )),
            (Some(found), false) => {
                if wanted.row.server_made || wanted.row.single {
                    return Err(wanted.wrong("it is made by authentik itself and cannot be deleted"));
                }
                if !wanted.force {
                    guards::may_be_deleted(wanted.row, found, self.snapshot, self.session)
                        .map_err(|error| wanted.about(error))?;
                }
                let mut change = self.delete(Some(index), wanted.row, found);
                let left = self.previous(wanted).filter(|left| left[wanted.row.id] != found[wanted.row.id]);
                change.step.after.extend(left.map(|left| After::Drop { row: wanted.row, found: left.clone() }));
                Ok(change)
            }
        }
    }

    fn create(&self, index: usize) -> Result<Change<Step>> {
        let wanted = &self.wanted[index];
        let row = wanted.row;
        if row.server_made {
            return Err(wanted.wrong("it is not there, and only authentik itself makes it"));
        }
        let formed = self.formed(wanted, None)?;
        let mut body = formed.body;
        for (name, value) in &wanted.fresh {
            body.entry(name).or_insert_with(|| value.clone());
        }
        for name in row.blank {
            body.entry(*name).or_insert(Value::Null);
        }
        if let Some((_, more)) = &wanted.made_by {
            body.extend(more.clone());
        }
        let missing: Vec<&str> = fields::of(row.path)
            .iter()
            .filter(|field| field.required && !body.contains_key(field.name) && wanted.made_by.is_none())
            .map(|field| field.name)
            .collect();
        if !missing.is_empty() {
            return Err(wanted
                .wrong(format_args!("a new {} needs the following too: {}", row.noun, missing.join(", ")))
                .hint("it is not there yet"));
        }
        let mut shown = formed.shown;
        let mut needs = formed.needs;
        let mut parts = Vec::new();
        for part in &wanted.parts {
            let formed = self.parts(wanted, part, None, &mut needs)?;
            parts.extend(formed.steps);
            shown.insert(part.label.to_owned(), formed.after);
        }
        for call in &wanted.calls {
            shown.insert(call.label.to_owned(), json!(crate::module::secret::STARS));
        }
        let after = self.credentials_of_new(wanted, &mut body, &mut shown);
        let step = Step {
            row: Some(row),
            key: wanted.change_key(),
            found: None,
            body: Some(body),
            made_by: wanted.made_by.as_ref().map(|(action, _)| *action),
            calls: wanted.calls.iter().map(|call| (call.action, call.body.clone())).collect(),
            parts,
            after,
        };
        let mut change =
            Change::new(Some(index), wanted.name(), Action::Create, Value::Null, Value::Object(shown), step);
        change.key = wanted.change_key();
        change.needs = needs.into_iter().collect();
        Ok(change)
    }

    fn update(&self, index: usize, found: &Value) -> Result<Change<Step>> {
        let wanted = &self.wanted[index];
        let row = wanted.row;
        let formed = self.formed(wanted, Some(found))?;
        let mut after = formed.shown;
        let (mut body, mut sent) = (Object::new(), Vec::new());
        // What is never returned cannot be compared, unless another field shows it.
        for (name, value) in &formed.body {
            let write_only = fields::find(row.path, name).is_some_and(|field| field.write_only);
            if !write_only {
                continue;
            }
            after.remove(name);
            let shown = wanted.proofs.iter().find(|proof| proof.fields.contains(&name.as_str()));
            match shown {
                Some(proof) if found[proof.shown_as] == proof.value => {}
                Some(_) => drop(body.insert(name.clone(), value.clone())),
                None if wanted.send == Send::Always => {
                    sent.push(name.clone());
                    body.insert(name.clone(), value.clone());
                }
                None => {}
            }
        }
        let mut before = form::stored(row, &rotation::without_date(wanted, found), &after, &self.snapshot.names);
        for proof in wanted.proofs.iter().filter(|proof| body.contains_key(proof.fields[0])) {
            before.insert(proof.shown_as.to_owned(), found[proof.shown_as].clone());
            after.insert(proof.shown_as.to_owned(), proof.value.clone());
        }
        let differing: BTreeSet<String> = after
            .iter()
            .filter(|(name, value)| !diff::differing(&before[name.as_str()], value).is_empty())
            .map(|(name, _)| name.clone())
            .collect();
        body.extend(
            formed
                .body
                .iter()
                .filter(|(name, _)| differing.contains(*name))
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        if row.fixed && !body.is_empty() {
            return Err(wanted.wrong("it can only be made and deleted, and differs from what is declared"));
        }
        if !body.is_empty() && !wanted.force {
            guards::may_be_changed(row, found, &body, self.snapshot, self.session)
                .map_err(|error| wanted.about(error))?;
        }
        rotation::keep_date(wanted, found, &mut body);
        complete(row, found, &formed.body, &mut body);
        let mut needs = formed.needs;
        let mut parts = Vec::new();
        for part in &wanted.parts {
            let owner = plain(&found[part.owner_id]);
            let there = self.snapshot.parts.get(&(part.row.path, owner)).map_or(&[][..], Vec::as_slice);
            let formed = self.parts(wanted, part, Some(there), &mut needs)?;
            after.insert(part.label.to_owned(), formed.after);
            before.insert(part.label.to_owned(), formed.before);
            parts.extend(formed.steps);
        }
        let (mut calls, mut warnings) = (Vec::new(), Vec::new());
        for call in &wanted.calls {
            let now = self.snapshot.shown.get(&(address(row, found), call.label));
            let declared = call.shown_by.and_then(|(_, key)| call.body.get(key));
            match (call.send, now) {
                (Send::Always, _) => {
                    sent.push(call.label.to_owned());
                    calls.push((call.action, call.body.clone()));
                }
                (Send::OnCreate, Some(now)) if !now.is_null() && Some(now) != declared => {
                    before.insert(call.label.to_owned(), now.clone());
                    after.insert(call.label.to_owned(), declared.cloned().unwrap_or_default());
                    calls.push((call.action, call.body.clone()));
                }
                (Send::WhenWrong, _) => match self.snapshot.logins.get(&wanted.change_key()) {
                    Some(Verdict::Wrong) => {
                        before.insert(call.label.to_owned(), json!("another one"));
                        after.insert(call.label.to_owned(), json!(crate::module::secret::STARS));
                        calls.push((call.action, call.body.clone()));
                    }
                    Some(Verdict::Unknown(why)) => {
                        warnings.push(format!("its {} was not checked, and not set: {why}", call.label));
                    }
                    Some(Verdict::Right) | None => {}
                },
                _ => {}
            }
        }
        let follows = self.credentials(wanted, found, &body, !calls.is_empty(), (&mut before, &mut after))?;
        let body = (!body.is_empty()).then_some(body);
        let nothing = body.is_none() && calls.is_empty() && parts.is_empty() && follows.is_empty();
        let action = if nothing { Action::Unchanged } else { Action::Update };
        let step = Step {
            row: Some(row),
            key: wanted.change_key(),
            found: Some(found.clone()),
            body,
            made_by: None,
            calls,
            parts,
            after: follows,
        };
        let mut change =
            Change::new(Some(index), wanted.name(), action, Value::Object(before), Value::Object(after), step);
        change.key = wanted.change_key();
        change.sent = sent;
        change.warnings = warnings;
        change.ids = ids(row, found);
        if change.is_change() {
            change.needs = needs.into_iter().collect();
        }
        Ok(change)
    }

    fn formed(&self, wanted: &Wanted, found: Option<&Value>) -> Result<form::Formed> {
        let mut formed = form::declared(wanted.row, &wanted.fields, found, &self.snapshot.names, self.wanted)
            .map_err(|error| wanted.about(error))?;
        if let Some(found) = found {
            for name in &wanted.appended {
                form::append(wanted.row, name, found, &mut formed, &self.snapshot.names);
            }
        }
        Ok(formed)
    }

    /// The change that deletes an object.
    fn delete(&self, index: Option<usize>, row: &'static Row, found: &Value) -> Change<Step> {
        let mut before = Object::new();
        for name in row.key.iter().chain(row.names) {
            if !found[*name].is_null() {
                let list = form::list_of(row, name);
                let value = list.map_or(found[*name].clone(), |list| self.snapshot.names.show(list, &found[*name]));
                before.insert((*name).to_owned(), value);
            }
        }
        let name = index
            .map_or_else(|| before.values().next().map(plain).unwrap_or_default(), |index| self.wanted[index].name());
        let key = format!("{}:{name}", row.path);
        let step = Step { row: Some(row), key: key.clone(), found: Some(found.clone()), ..Step::default() };
        let mut change = Change::new(index, name, Action::Delete, Value::Object(before), Value::Null, step);
        change.key = key;
        change.ids = ids(row, found);
        change
    }

    /// The deletions of what is in the scope of `prune` and not declared.
    pub fn pruned(&self, prune: &Prune, planned: &[Change<Step>]) -> Result<Vec<Change<Step>>> {
        let scope = form::declared(prune.row, &prune.fields, None, &self.snapshot.names, self.wanted)?;
        let kept: BTreeSet<String> = planned
            .iter()
            .filter(|change| change.step.row.is_some_and(|row| row.path == prune.row.path))
            .filter_map(|change| Some(change.step.found.as_ref()?[prune.row.id].to_string()))
            .collect();
        let name = prune.row.names.iter().find(|name| **name != "managed").copied().unwrap_or("name");
        let mut changes = Vec::new();
        for object in self.snapshot.stored.get(prune.row.path).into_iter().flatten() {
            let stored = form::stored(prune.row, object, &scope.shown, &self.snapshot.names);
            // Of a list in the scope each has to be in the object's list: "in the group staff".
            let in_scope = scope.shown.iter().all(|(name, value)| match (value, &stored[name.as_str()]) {
                (Value::Array(some), Value::Array(all)) => some.iter().all(|one| all.contains(one)),
                (one, other) => one == other,
            });
            let begins = object[name].as_str().unwrap_or_default().starts_with(&prune.prefix);
            if in_scope
                && begins
                && !kept.contains(&object[prune.row.id].to_string())
                && !self.wanted.iter().any(|one| self.previous(one) == Some(object))
                && guards::may_be_deleted(prune.row, object, self.snapshot, self.session).is_ok()
            {
                changes.push(self.delete(None, prune.row, object));
            }
        }
        Ok(changes)
    }
}

/// Adds to a body what has to be in it beside what differs: validators look at the body alone (trap 15).
pub fn complete(row: &Row, found: &Value, declared: &Object, body: &mut Object) {
    if body.is_empty() {
        return;
    }
    if row.by_put {
        for field in fields::of(row.path) {
            let value = declared.get(field.name).unwrap_or(&found[field.name]);
            body.entry(field.name).or_insert_with(|| value.clone());
        }
        return;
    }
    let together = row.together.iter().any(|name| body.contains_key(*name));
    for name in row.always.iter().chain(row.together.iter().filter(|_| together)) {
        let value = declared.get(*name).unwrap_or(&found[*name]);
        if !fields::find(row.path, name).is_some_and(|field| field.write_only) {
            body.entry(*name).or_insert_with(|| value.clone());
        }
    }
}

/// The ids for the result.
pub fn ids(row: &Row, found: &Value) -> Object {
    let mut all = object([("pk", found[row.id].clone())]);
    if row.address != row.id {
        all.insert(row.address.to_owned(), found[row.address].clone());
    }
    all
}
