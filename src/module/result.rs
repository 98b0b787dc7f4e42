//! The one line of result: what became of each object, a sentence, the difference, the cost.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    apply::Outcome,
    common::ListUnchanged,
    diff,
    error::Error,
    plan::{Action, Change},
    spec::Object,
};

/// Above so many unchanged objects only their number is given, unless the task asks for all.
const LISTED: usize = 300;

/// The entry of one object under `objects`.
pub fn entry<S>(outcome: &Outcome<S>, extra: Option<&Object>) -> Object {
    let change = &outcome.change;
    let mut entry = Object::new();
    entry.insert("name".into(), change.name.clone().into());
    if let Some(noun) = change.noun {
        entry.insert("kind".into(), noun.into());
    }
    entry.insert("action".into(), json!(change.action));
    entry.insert("changed".into(), (change.is_change() && outcome.error.is_none()).into());
    entry.extend(change.ids.clone());
    let mut warnings = change.warnings.clone();
    if let Some(applied) = &outcome.applied {
        entry.extend(applied.ids.clone());
        warnings.extend(applied.warnings.clone());
        entry.insert("changed".into(), outcome.has_changed().into());
    }
    if !change.fields.is_empty() {
        entry.insert("fields".into(), json!(change.fields));
    }
    if !change.sent.is_empty() {
        entry.insert("sent".into(), json!(change.sent));
    }
    if !warnings.is_empty() {
        entry.insert("warnings".into(), json!(warnings));
    }
    if let Some(error) = &outcome.error {
        entry.insert("failed".into(), true.into());
        entry.insert("error".into(), error.to_string().into());
    }
    match &outcome.undone {
        Some(Ok(())) => {
            entry.insert("rolled_back".into(), true.into());
        }
        Some(Err(error)) => {
            entry.insert("rolled_back".into(), false.into());
            entry.insert("rollback_error".into(), error.to_string().into());
        }
        None => {}
    }
    for (key, value) in extra.cloned().unwrap_or_default() {
        match (entry.get_mut(&key), value) {
            // What a check says comes beside what the change says, and not in its place.
            (Some(Value::Array(said)), Value::Array(more)) if key == "warnings" => said.extend(more),
            (_, value) => drop(entry.insert(key, value)),
        }
    }
    entry
}

/// The entries that are listed, and how many unchanged ones are not.
pub fn listed(entries: Vec<Object>, which: ListUnchanged) -> (Vec<Object>, usize) {
    let unchanged = |entry: &Object| {
        entry["action"] == json!(Action::Unchanged)
            && !["warnings", super::output::SECRET].iter().any(|key| entry.contains_key(*key))
    };
    let idle = entries.iter().filter(|entry| unchanged(entry)).count();
    let all = match which {
        ListUnchanged::Always => true,
        ListUnchanged::Never => false,
        ListUnchanged::Auto => idle <= LISTED,
    };
    if all {
        return (entries, 0);
    }
    (entries.into_iter().filter(|entry| !unchanged(entry)).collect(), idle)
}

/// "2 created, 1 updated, 97 unchanged", or in check mode "would be: 2 created, …".
pub fn sentence<S>(outcomes: &[Outcome<S>], check_mode: bool) -> String {
    let mut counts: BTreeMap<u8, (&str, usize)> = BTreeMap::new();
    let mut count = |place: u8, word| counts.entry(place).or_insert((word, 0)).1 += 1;
    for outcome in outcomes {
        match (&outcome.error, &outcome.undone) {
            (_, Some(Ok(()))) => count(20, "rolled back"),
            (Some(error), _) if error.kind == super::error::ErrorKind::NotTried => count(22, "not tried"),
            (Some(_), _) => count(21, "failed"),
            _ => count(
                outcome.change.action as u8 + 10 * u8::from(!outcome.change.is_change()),
                outcome.change.action.done(),
            ),
        }
    }
    let told: Vec<String> = counts.values().map(|(word, number)| format!("{number} {word}")).collect();
    match (told.is_empty(), check_mode) {
        (true, _) => "nothing is declared".to_owned(),
        (false, false) => told.join(", "),
        (false, true) => format!("would be: {}", told.join(", ")),
    }
}

/// The difference: one map for a single object, as people's plays expect, else a list. What else a task with a
/// single object changes, such as folders on the way to it, makes it a list too.
pub fn difference<S>(noun: &str, changes: &[&Change<S>], single: bool) -> Option<Value> {
    let entries: Vec<Value> = changes
        .iter()
        .filter(|change| change.is_change())
        .map(|change| {
            let mut after = change.after.clone();
            if let (Value::Object(after), false) = (&mut after, change.sent.is_empty()) {
                after.insert("sent (write-only)".into(), json!(change.sent));
            }
            diff::entry(change.noun.unwrap_or(noun), &change.name, &change.before, &after)
        })
        .collect();
    match (entries.len(), single) {
        (0, _) => None,
        (1, true) if changes.iter().any(|change| change.is_change() && change.index.is_some()) => {
            entries.into_iter().next()
        }
        _ => Some(Value::Array(diff::bounded(entries))),
    }
}

/// What the failures say together: the first one, and how many more there are.
pub fn failure<S>(outcomes: &[Outcome<S>], problem: Option<&Error>) -> Option<String> {
    let real = |outcome: &&Outcome<S>| {
        outcome.error.as_ref().is_some_and(|error| error.kind != super::error::ErrorKind::NotTried)
    };
    let failed: Vec<&Outcome<S>> = outcomes.iter().filter(real).collect();
    // One that the service answered tells the cause; others may only have been cut short by it.
    let answered = |outcome: &&&Outcome<S>| outcome.error.as_ref().is_some_and(|error| error.status.is_some());
    let first = match failed.iter().find(answered).or(failed.first()) {
        Some(outcome) => outcome.error.as_ref()?.to_string(),
        None => match problem {
            Some(problem) => problem.to_string(),
            None => outcomes.iter().find_map(|outcome| outcome.error.as_ref())?.to_string(),
        },
    };
    let more = failed.len().saturating_sub(1);
    Some(if more > 0 { format!("{first} (and {more} more failed: see `objects`)") } else { first })
}
