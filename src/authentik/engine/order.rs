//! The order of changes: what is referred to first, deletions last and the other way round.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::plan::Step;
use crate::{
    authentik::{fields, table::target},
    module::{Action, Change},
};

/// Deletions come after everything else.
const LAST: u32 = 1_000_000;

/// Puts changes in the order of their references: what is referred to first, deletions last and the other way round.
pub fn order(changes: &mut [Change<Step>]) {
    let ranks: BTreeMap<String, BTreeSet<String>> = changes
        .iter()
        .filter(|change| change.action != Action::Delete)
        .map(|change| (change.key.clone(), change.needs.iter().cloned().collect()))
        .collect();
    let ids: Vec<(String, Value)> = changes
        .iter()
        .filter(|change| change.action == Action::Delete)
        .filter_map(|change| {
            let row = change.step.row?;
            Some((change.key.clone(), change.step.found.as_ref()?[row.id].clone()))
        })
        .collect();
    let mut deletions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for change in changes.iter().filter(|change| change.action == Action::Delete) {
        let (Some(row), Some(found)) = (change.step.row, &change.step.found) else { continue };
        let mentioned = |id: &Value| {
            fields::of(row.path).iter().filter(|field| target(row, field).is_some()).any(|field| {
                match &found[field.name] {
                    Value::Array(all) => all.contains(id),
                    one => one == id,
                }
            })
        };
        // What others refer to goes after these.
        for (key, _) in ids.iter().filter(|(key, id)| *key != change.key && mentioned(id)) {
            deletions.entry(key.clone()).or_default().insert(change.key.clone());
        }
    }
    for change in changes.iter_mut() {
        let graph = if change.action == Action::Delete { &deletions } else { &ranks };
        let depth = depth(graph, &change.key, &mut BTreeSet::new());
        change.rank = if change.action == Action::Delete { LAST + depth } else { depth };
        // The order is enough: a deletion that failed is no reason to keep what is left.
        change.needs.retain(|key| ranks.contains_key(key));
    }
}

fn depth(graph: &BTreeMap<String, BTreeSet<String>>, key: &str, on_the_way: &mut BTreeSet<String>) -> u32 {
    if !on_the_way.insert(key.to_owned()) {
        return 0;
    }
    let below = graph.get(key).into_iter().flatten().map(|next| 1 + depth(graph, next, on_the_way)).max();
    on_the_way.remove(key);
    below.unwrap_or(0)
}
