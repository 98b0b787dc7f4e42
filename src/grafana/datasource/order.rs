//! What has to happen before what.

use serde_json::json;

use super::{DatasourceKind, Desired, Snapshot, compare::text, plan::Step};
use crate::module::{Action, Change, Context, Result};

/// One that takes the name of another waits until that one has given it up; swapped names are refused.
pub fn order_by_names(
    context: &Context<'_, DatasourceKind>,
    snapshot: &Snapshot,
    changes: &mut [Change<Step>],
) -> Result<()> {
    let mut waits: Vec<Option<usize>> = Vec::with_capacity(changes.len());
    for (at, change) in changes.iter().enumerate() {
        let name = text(&change.after, "name");
        let holder = snapshot.listed.name(name);
        let holder = holder.filter(|stored| change.is_change() && text(stored, "uid") != change.key);
        let Some(holder) = holder else {
            waits.push(None);
            continue;
        };
        let uid = text(holder, "uid");
        let gives = changes.iter().position(|other| other.key == uid && text(&other.after, "name") != name);
        if gives.is_none() {
            let is_of = match change.before.is_null() {
                true => String::new(),
                false => format!("the uid `{}` is that of `{}`, and ", change.key, text(&change.before, "name")),
            };
            return Err(context.desired[at]
                .wrong(format!("{is_of}the name `{name}` belongs to another data source, of uid `{uid}`")));
        }
        waits.push(gives);
    }
    for at in 0..changes.len() {
        let (mut depth, mut next) = (0, waits[at]);
        while let Some(before) = next {
            depth += 1;
            if depth > changes.len() {
                let name = &changes[at].name;
                return Err(context.desired[at]
                    .wrong(format!("`{name}` and others would exchange their names"))
                    .hint("give one of them another name in a task before"));
            }
            next = waits[before];
        }
        if let Some(before) = waits[at] {
            let key = changes[before].key.clone();
            if changes[before].action == Action::Delete {
                changes[before].rank = 0;
            }
            changes[at].needs.push(key);
            changes[at].rank = 1 + depth as u32;
        }
    }
    Ok(())
}

/// Which one is the default in the end must not depend on which write is faster.
///
/// The one that has the default is written before another one takes it: as it was found, so that somebody has it
/// if the other one fails; written after that, it would take it back. The first one of an organisation becomes the
/// default (fact 13), so it is made alone where none is declared to be that.
pub fn order_by_default(context: &Context<'_, DatasourceKind>, snapshot: &Snapshot, changes: &mut [Change<Step>]) {
    if !context.desired.iter().any(Desired::is_to_be_default) {
        let first = changes.iter_mut().find(|change| change.action == Action::Create);
        if let Some(first) = first.filter(|_| snapshot.listed.is_empty()) {
            first.rank = 0;
        }
        return;
    }
    for (change, desired) in changes.iter_mut().zip(context.desired) {
        let writes = matches!(change.action, Action::Update | Action::Replace);
        if !writes || desired.options.is_default.is_some() {
            continue;
        }
        if change.before["isDefault"] == json!(true) && change.needs.is_empty() {
            change.rank = 0;
        } else {
            // It waits for a name, perhaps that of the one that takes the default.
            change.step.body["isDefault"] = json!(false);
        }
    }
}
