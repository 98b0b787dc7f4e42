//! Carrying out a plan: rank by rank, at once within a rank, with another look before another try,
//! reading back, and rollback.

mod rounds;
mod undo;

use std::sync::{Mutex, PoisonError, atomic::AtomicBool};

use serde_json::{Value, json};

use super::{
    audit::{Audit, fields_for_audit},
    common::OnError,
    error::{Error, ErrorKind, Result},
    kind::{Context, Kind},
    plan::{Action, Applied, Change, Progress},
    secret,
    spec::Object,
};
use crate::http::Client;

/// The permission to write. Only this module can make one, and it does so when a plan is carried out:
/// nothing that reads or plans can get at a [`crate::http::Writer`].
#[derive(Clone, Copy)]
pub struct MayWrite(());

/// The changes that did something, in the order in which they did.
#[derive(Default)]
struct Order(Mutex<Vec<usize>>);

impl Order {
    fn note(&self, at: usize) {
        let mut order = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        order.retain(|other| *other != at);
        order.push(at);
    }

    fn newest_first(&self) -> Vec<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().copied().collect()
    }
}

/// What became of one change.
pub struct Outcome<S> {
    /// The change; after a conflict the one that was planned anew.
    pub change: Change<S>,
    /// What is left to be done of it after a lost answer or a failure halfway. It is `change` that is
    /// shown and undone.
    next: Option<Change<S>>,
    /// What it left behind, once it was applied; with an `error` beside it, as far as it came.
    pub applied: Option<Applied>,
    /// Why it failed, or was applied and not kept by the service.
    pub error: Option<Error>,
    /// Whether it was undone again, or why it could not be.
    pub undone: Option<Result<()>>,
}

impl<S> Outcome<S> {
    /// Adds what one more step left behind.
    fn add(&mut self, applied: Applied) {
        let progress = Progress::default();
        for part in [self.applied.take(), Some(applied)].into_iter().flatten() {
            progress.remember(part);
        }
        self.applied = progress.half();
    }

    /// Before anything was done for a change.
    pub fn before(change: Change<S>) -> Outcome<S> {
        Outcome { error: change.refused.clone(), change, next: None, applied: None, undone: None }
    }

    /// Whether another plan's change is of the same object.
    fn is_of(&self, other: &Change<S>) -> bool {
        match self.change.index {
            Some(_) => other.index == self.change.index,
            None => other.index.is_none() && other.key == self.change.key && other.name == self.change.name,
        }
    }

    /// Whether it changed something that was not undone again.
    pub fn has_changed(&self) -> bool {
        let perhaps = self.error.as_ref().is_some_and(|error| error.uncertain);
        (self.applied.is_some() || perhaps) && !matches!(self.undone, Some(Ok(())))
    }
}

/// What became of a whole plan.
pub struct Report<K: Kind> {
    /// What became of each change, in the plan's order.
    pub outcomes: Vec<Outcome<K::Step>>,
    /// What exists afterwards.
    pub snapshot: K::Snapshot,
    /// A failure that is of no single object: reading back was impossible.
    pub problem: Option<Error>,
    /// What a check afterwards says of objects, by index.
    pub checked: Vec<(usize, Object)>,
    /// Values that the service made and the task asked for under `no_log`, by index: never masked.
    pub secrets: Vec<(usize, Object)>,
}

/// What an execution works with.
pub struct Execution<'r, K: Kind> {
    /// The context of the kind.
    pub context: &'r Context<'r, K>,
    /// The client.
    pub client: &'r Client,
    /// The audit log, if there is one.
    pub audit: Option<&'r Audit>,
}

impl<K: Kind> Execution<'_, K> {
    /// Carries out the changes and reads back.
    pub fn run(&self, changes: Vec<Change<K::Step>>, before: K::Snapshot) -> Report<K> {
        let on_error = self.context.task.common.on_error;
        let mut outcomes: Vec<Outcome<K::Step>> = changes.into_iter().map(Outcome::before).collect();
        let mut ranks: Vec<u32> =
            outcomes.iter().filter(|outcome| outcome.change.is_change()).map(|outcome| outcome.change.rank).collect();
        ranks.sort_unstable();
        ranks.dedup();
        let order = Order::default();
        let stop = AtomicBool::new(false);
        for rank in ranks {
            self.run_rank(rank, &mut outcomes, &stop, &order);
        }
        let (mut snapshot, mut problem) = (before, None);
        if outcomes.iter().any(|outcome| outcome.applied.is_some() && outcome.error.is_none()) {
            match self.read_back(&mut outcomes, &snapshot) {
                Ok(after) => snapshot = after,
                Err(error) => problem = Some(error.context("failed to read back what was changed")),
            }
        }
        let mut checked = Vec::new();
        if problem.is_none() {
            match self.check_after(&mut outcomes) {
                Ok(said) => checked = said,
                Err(error) => problem = Some(error),
            }
        }
        let mut secrets = Vec::new();
        if problem.is_none() && self.context.task.no_log {
            let seen: Vec<_> = settled(&outcomes);
            match K::made_secrets(self.context, self.client.reader(), &seen) {
                Ok(made) => secrets = made,
                Err(error) => problem = Some(error.context("failed to read the secrets that are to be returned")),
            }
        }
        let failed = problem.is_some() || outcomes.iter().any(|outcome| outcome.error.is_some());
        if on_error == OnError::Rollback && failed {
            self.roll_back(&mut outcomes, &order);
            secrets.clear();
        }
        Report { outcomes, snapshot, problem, checked, secrets }
    }

    /// What the kind checks once everything stands as declared. A check that failed is its object's
    /// failure, and a reason to roll back.
    fn check_after(&self, outcomes: &mut [Outcome<K::Step>]) -> Result<Vec<(usize, Object)>> {
        let seen = settled(outcomes);
        let mut checked = K::check_after(self.context, self.client.reader(), &seen)?;
        for (index, said) in &mut checked {
            if said.remove("failed") == Some(Value::Bool(true)) {
                let told = said.remove("error").unwrap_or_default();
                let error = Error::new(ErrorKind::Rejected, told.as_str().unwrap_or("a check failed"));
                let mut all = outcomes.iter_mut();
                if let Some(outcome) = all.find(|outcome| outcome.change.index == Some(*index)) {
                    outcome.error = Some(error);
                }
            }
        }
        Ok(checked)
    }

    /// Carries out one change. When it failed halfway, what was done comes beside the error.
    fn apply_one(&self, change: &Change<K::Step>) -> (Result<Applied>, Option<Applied>) {
        let progress = Progress::default();
        let result = self.audited(change, &progress);
        (result, progress.half())
    }

    fn audited(&self, change: &Change<K::Step>, progress: &Progress) -> Result<Applied> {
        let action = change.action.verb();
        let tell = |event: &str, details: Value| match self.audit {
            Some(audit) => audit.write(event, &change.name, action, details),
            None => Ok(()),
        };
        tell("intent", json!({"ids": change.ids, "fields": fields_for_audit(change), "sent": change.sent}))?;
        let result = K::apply(self.context, self.client.writer(MayWrite(()), progress), change).map_err(|mut error| {
            if error.kind == ErrorKind::NotTried {
                error = match progress.unsure() {
                    Some(lost) => error.context(format_args!("{lost}; looking whether it happened")),
                    None if progress.has_begun() => error.context("the rest of it"),
                    None => return error,
                };
                error.uncertain = progress.unsure().is_some();
                error.kind = ErrorKind::GaveUp;
            }
            error.context(format_args!("failed to {action} {} `{}`", change.noun.unwrap_or(K::NOUN), change.name))
        });
        let outcome = match &result {
            Ok(applied) => json!({"result": "done", "ids": applied.ids}),
            Err(error) if error.uncertain => json!({"result": "unknown", "error": error.to_string()}),
            Err(error) => json!({"result": "failed", "error": error.to_string()}),
        };
        match (tell("outcome", outcome), result) {
            (Ok(()), result) => result,
            (Err(untold), Ok(applied)) => {
                // It is done, told or not.
                progress.remember(applied);
                Err(untold.context(format_args!(
                    "{} `{}` was {}",
                    change.noun.unwrap_or(K::NOUN),
                    change.name,
                    change.action.done()
                )))
            }
            (Err(untold), Err(mut error)) => {
                error.message.push_str(&format!("; {}", untold.message));
                Err(error)
            }
        }
    }

    /// Plans a second time from what is there now: that plan must find nothing to do. What the service
    /// dropped or rewrote becomes the error of its object.
    fn read_back(&self, outcomes: &mut [Outcome<K::Step>], before: &K::Snapshot) -> Result<K::Snapshot> {
        let applied: Vec<(&Change<K::Step>, &Applied)> = outcomes
            .iter()
            .filter(|outcome| outcome.error.is_none())
            .filter_map(|outcome| outcome.applied.as_ref().map(|applied| (&outcome.change, applied)))
            .collect();
        let after = K::read_back(self.context, self.client.reader(), before, &applied)?;
        let planned = K::plan(self.context, &after)?;
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.applied.is_some() && outcome.error.is_none()) {
            // What `prune` deletes has no index, and others may have its name.
            let same = |left: &&Change<K::Step>| {
                outcome.is_of(left) && (left.index.is_some() || left.ids == outcome.change.ids)
            };
            let Some(left) = planned.iter().find(same) else { continue };
            let only_sent = left.fields.is_empty() && !left.sent.is_empty();
            if left.is_change() && left.action != Action::Export && !only_sent {
                outcome.error = Some(not_kept(K::NOUN, left));
            }
        }
        Ok(after)
    }
}

/// The changes that stand, with what they left behind.
fn settled<S>(outcomes: &[Outcome<S>]) -> Vec<(&Change<S>, Option<&Applied>)> {
    let stand = outcomes.iter().filter(|outcome| outcome.error.is_none());
    stand.map(|outcome| (&outcome.change, outcome.applied.as_ref())).collect()
}

/// The value at a path as [`super::diff::differing`] writes it.
pub fn at_path<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if let Some(found) = value.get(path) {
        return Some(found);
    }
    let mut here = value;
    for part in path.split('.') {
        let (name, indices) = part.split_once('[').map_or((part, ""), |(name, rest)| (name, rest));
        if !name.is_empty() {
            here = here.get(name)?;
        }
        for index in indices.split('[').filter(|index| !index.is_empty()) {
            here = here.get(index.trim_end_matches(']').parse::<usize>().ok()?)?;
        }
    }
    Some(here)
}

fn not_kept<S>(noun: &str, left: &Change<S>) -> Error {
    let show = |value: Option<&Value>| {
        let mut value = value.cloned().unwrap_or_default();
        // Of what is cut off nobody could tell later that it was a secret.
        secret::mask_value(&mut value);
        let text = value.to_string();
        if text.chars().count() > 80 { format!("{}…", text.chars().take(80).collect::<String>()) } else { text }
    };
    let told: Vec<String> = left
        .fields
        .iter()
        .take(5)
        .map(|path| {
            let (declared, kept) = (at_path(&left.after, path), at_path(&left.before, path));
            format!("`{path}` is declared as {} and came back as {}", show(declared), show(kept))
        })
        .collect();
    let told =
        if told.is_empty() { format!("it would have to {} it again", left.action.verb()) } else { told.join(", ") };
    Error::new(
        ErrorKind::NotKept,
        format!("the service accepted the change of {noun} `{}` and did not keep it: {told}", left.name),
    )
    .hint("declare the value as the service keeps it, or look whether somebody else changed it meanwhile")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_was_not_kept_is_masked_before_it_is_cut() {
        secret::hide(["lies-across-the-cut-of-a-value"]);
        let long = format!("{}lies-across-the-cut-of-a-value", "x".repeat(60));
        let change = Change::new(Some(0), "a", Action::Update, json!({"f": 1}), json!({"f": long}), ());
        let told = not_kept("folder", &change).to_string();
        assert!(told.contains("x********\" and came back as 1"), "{told}");
    }
}
