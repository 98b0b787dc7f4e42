//! What belongs to an object and has objects of its own: the stages of a flow, who may open an application. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    form,
    names::placeholder,
    plan::{Planning, complete},
    wanted::{Part, Wanted},
};
use crate::{
    authentik::table::Row,
    module::{Object, Result},
};

/// One write of something that belongs to an object.
#[derive(Clone, Debug)]
pub enum PartStep {
    /// It is made; the owner's id is filled in.
    Create {
        /// The kind.
        row: &'static Row,
        /// The body, with placeholders.
        body: Object,
    },
    /// It is changed.
    Update {
        /// The kind.
        row: &'static Row,
        /// As it is.
        found: Value,
        /// The fields that are sent.
        body: Object,
    },
    /// It goes.
    Delete {
        /// The kind.
        row: &'static Row,
        /// As it is.
        found: Value,
    },
}

/// What becomes of the parts of one object.
pub struct Parts {
    /// As they are to be, in the form that is compared.
    pub after: Value,
    /// As they are.
    pub before: Value,
    /// What is written of them.
    pub steps: Vec<PartStep>,
}

impl Planning<'_> {
    /// What is shown of the parts after and before, and what is written of them.
    pub(super) fn parts(
        &self,
        wanted: &Wanted,
        part: &Part,
        there: Option<&[Value]>,
        needs: &mut BTreeSet<String>,
    ) -> Result<Parts> {
        let names = &self.snapshot.names;
        let there = there.unwrap_or_default();
        let (mut steps, mut after, mut before) = (Vec::new(), Vec::new(), Vec::new());
        let mut left: Vec<&Value> = there.iter().collect();
        for item in &part.items {
            let formed =
                form::declared(part.row, item, None, names, self.wanted).map_err(|error| wanted.about(error))?;
            let fits = |one: &&&Value| {
                let stored = form::stored(part.row, one, &formed.shown, names);
                part.key.iter().all(|name| {
                    let of = |map: &Object| map.get(*name).cloned().unwrap_or_default();
                    match formed.shown.contains_key(*name) {
                        true => of(&stored) == of(&formed.shown),
                        false => one[*name].is_null(),
                    }
                })
            };
            let found = left.iter().position(|one| fits(&one));
            match found.map(|at| left.remove(at)) {
                Some(found) => {
                    let stored = form::stored(part.row, found, &formed.shown, names);
                    let mut body: Object = formed
                        .body
                        .iter()
                        .filter(|(name, _)| formed.shown.get(*name) != stored.get(*name))
                        .map(|(name, value)| (name.clone(), value.clone()))
                        .collect();
                    before.push(Value::Object(stored));
                    if !body.is_empty() {
                        complete(part.row, found, &formed.body, &mut body);
                        steps.push(PartStep::Update { row: part.row, found: found.clone(), body });
                    }
                }
                None => {
                    let mut body = formed.body.clone();
                    body.insert(part.owner.to_owned(), placeholder(&wanted.change_key(), part.owner_id));
                    steps.push(PartStep::Create { row: part.row, body });
                }
            }
            needs.extend(formed.needs);
            after.push(Value::Object(formed.shown));
        }
        for gone in left {
            let like: Object = part.key.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
            let mut stored = form::stored(part.row, gone, &like, names);
            stored.retain(|_, value| !value.is_null());
            before.push(Value::Object(stored));
            steps.push(PartStep::Delete { row: part.row, found: gone.clone() });
        }
        // Deletions first: an order that is free again can be given to another.
        steps.sort_by_key(|step| match step {
            PartStep::Delete { .. } => 0,
            PartStep::Update { .. } => 1,
            PartStep::Create { .. } => 2,
        });
        for list in [&mut after, &mut before] {
            list.sort_by_key(|one| (one["order"].as_i64(), one.to_string()));
        }
        Ok(Parts { after: Value::Array(after), before: Value::Array(before), steps })
    }
}
