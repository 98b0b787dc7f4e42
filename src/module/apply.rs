//! Carrying out a plan: rank by rank, at once within a rank, with another look before another try,
//! reading back, and rollback.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use serde_json::{Value, json};

use super::{
    audit::Audit,
    common::OnError,
    error::{Error, ErrorKind, Result},
    kind::{Context, Kind},
    parallel,
    plan::{Action, Applied, Change, Progress},
    secret,
    signal::interrupted,
    spec::Object,
};
use crate::http::{Client, pause_before};

/// The permission to write. Only this file can make one, and it does so when a plan is carried out:
/// nothing that reads or plans can get at a [`crate::http::Writer`].
#[derive(Clone, Copy)]
pub struct MayWrite(());

/// So often a change is looked at again and tried again after a conflict or a lost answer.
const ROUNDS: u32 = 5;

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
        let order = Mutex::new(Vec::new());
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
        let failed = problem.is_some() || outcomes.iter().any(|outcome| outcome.error.is_some());
        if on_error == OnError::Rollback && failed {
            let order = order.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
            self.roll_back(&mut outcomes, &order);
        }
        Report { outcomes, snapshot, problem, checked }
    }

    /// What the kind checks once everything stands as declared. A check that failed is its object's
    /// failure, and a reason to roll back.
    fn check_after(&self, outcomes: &mut [Outcome<K::Step>]) -> Result<Vec<(usize, Object)>> {
        let seen: Vec<_> = outcomes
            .iter()
            .filter(|outcome| outcome.error.is_none())
            .map(|outcome| (&outcome.change, outcome.applied.as_ref()))
            .collect();
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

    fn run_rank(&self, rank: u32, outcomes: &mut [Outcome<K::Step>], stop: &AtomicBool, order: &Mutex<Vec<usize>>) {
        let keep_going = self.context.task.common.on_error == OnError::Continue;
        let at_once = self.client.settings().concurrency;
        let mut pending: Vec<usize> = (0..outcomes.len())
            .filter(|at| outcomes[*at].change.is_change() && outcomes[*at].change.rank == rank)
            .collect();
        for round in 0..=ROUNDS {
            let results = {
                let all: &[Outcome<K::Step>] = outcomes;
                parallel::each(&pending, at_once, |at| {
                    let change = all[*at].next.as_ref().unwrap_or(&all[*at].change);
                    if let Some(reason) = self.held_back(change, all, stop) {
                        return (Err(reason), None);
                    }
                    let (result, half) = self.apply_one(change);
                    if result.is_ok() || half.is_some() {
                        let mut order = order.lock().unwrap_or_else(PoisonError::into_inner);
                        order.retain(|other| other != at);
                        order.push(*at);
                    }
                    match &result {
                        Err(error) if error.can_try_again() && round < ROUNDS => {}
                        Err(error) if error.kind != ErrorKind::NotTried && !keep_going => stop.store(true, SeqCst),
                        _ => {}
                    }
                    (result, half)
                })
            };
            let mut again = Vec::new();
            for (at, (result, half)) in pending.into_iter().zip(results) {
                let outcome = &mut outcomes[at];
                match result {
                    Ok(applied) => {
                        outcome.add(applied);
                        outcome.error = None;
                    }
                    Err(error) => {
                        if error.can_try_again() && round < ROUNDS {
                            again.push(at);
                        }
                        if let Some(half) = half {
                            outcome.add(half);
                        }
                        outcome.error = Some(error);
                    }
                }
            }
            pending = again;
            if pending.is_empty() {
                return;
            }
            if self.client.is_dead().or_else(signalled).is_some() {
                // What is not certain stays so: its own error says what was tried.
                stop.store(true, SeqCst);
                return;
            }
            std::thread::sleep(pause_before(round + 1));
            pending = match self.look_again(pending, outcomes, order) {
                Ok(still) => still,
                Err((failed, error)) => {
                    for at in failed {
                        if let Some(first) = &mut outcomes[at].error {
                            first.message =
                                format!("{}; looking whether it happened failed: {}", first.message, error.message);
                        }
                    }
                    stop.store(!keep_going, SeqCst);
                    return;
                }
            };
        }
    }

    /// After a conflict or a lost answer: reads and plans anew. What turns out to be done is done; the
    /// rest gets its new change and is returned.
    fn look_again(
        &self,
        pending: Vec<usize>,
        outcomes: &mut [Outcome<K::Step>],
        order: &Mutex<Vec<usize>>,
    ) -> Result<Vec<usize>, (Vec<usize>, Error)> {
        let planned = K::read(self.context, self.client.reader()).and_then(|snapshot| K::plan(self.context, &snapshot));
        let planned = match planned {
            Ok(planned) => planned,
            Err(error) => return Err((pending, error)),
        };
        let mut still = Vec::new();
        for at in pending {
            let outcome = &mut outcomes[at];
            let uncertain = outcome.error.as_ref().is_some_and(|error| error.uncertain);
            let same = |other: &&Change<K::Step>| match outcome.change.index {
                Some(_) => other.index == outcome.change.index,
                None => other.index.is_none() && other.key == outcome.change.key && other.name == outcome.change.name,
            };
            let begun = uncertain || outcome.applied.is_some();
            match planned.iter().find(same) {
                Some(new) if new.is_change() => {
                    if begun {
                        outcome.next = Some(new.clone());
                    } else {
                        (outcome.change, outcome.next) = (new.clone(), None);
                    }
                    still.push(at);
                }
                Some(new) if new.refused.is_some() => outcome.error.clone_from(&new.refused),
                other => {
                    outcome.error = None;
                    if !begun {
                        // Somebody else brought it to the declared form meanwhile; its ids are that one's.
                        match other {
                            Some(found) => outcome.change = found.clone(),
                            None => outcome.change.action = Action::Unchanged,
                        }
                        continue;
                    }
                    let ids = other.map(|found| found.ids.clone()).unwrap_or_default();
                    let warnings =
                        vec!["its answer was lost or an error; a look showed that it had happened".to_owned()];
                    outcome.add(Applied { ids, warnings, ..Applied::default() });
                    let mut order = order.lock().unwrap_or_else(PoisonError::into_inner);
                    order.retain(|other| *other != at);
                    order.push(at);
                }
            }
        }
        Ok(still)
    }

    /// Why a change is not tried, if so.
    fn held_back(&self, change: &Change<K::Step>, all: &[Outcome<K::Step>], stop: &AtomicBool) -> Option<Error> {
        if let Some(reason) = signalled() {
            return Some(reason);
        }
        if stop.load(SeqCst) {
            return Some(Error::new(ErrorKind::NotTried, "not tried, since another change failed before"));
        }
        let failed = all.iter().find(|other| {
            !other.change.key.is_empty() && change.needs.contains(&other.change.key) && other.error.is_some()
        });
        if let Some(failed) = failed {
            let name = &failed.change.name;
            return Some(Error::new(ErrorKind::NotTried, format!("not tried, since `{name}`, which it needs, failed")));
        }
        self.client.is_dead()
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
        let result = K::apply(self.context, self.client.writer(MayWrite(()), progress), change).map_err(|error| {
            match error.kind {
                ErrorKind::NotTried => error,
                _ => error.context(format_args!(
                    "failed to {action} {} `{}`",
                    change.noun.unwrap_or(K::NOUN),
                    change.name
                )),
            }
        });
        let outcome = match &result {
            Ok(applied) => json!({"result": "done", "ids": applied.ids}),
            Err(error) if error.uncertain => json!({"result": "unknown", "error": error.to_string()}),
            Err(error) => json!({"result": "failed", "error": error.to_string()}),
        };
        tell("outcome", outcome)?;
        result
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
            let Some(index) = outcome.change.index else { continue };
            let Some(left) = planned.iter().find(|change| change.index == Some(index)) else { continue };
            let only_sent = left.fields.is_empty() && !left.sent.is_empty();
            if left.is_change() && left.action != Action::Export && !only_sent {
                outcome.error = Some(not_kept(K::NOUN, left));
            }
        }
        Ok(after)
    }

    fn roll_back(&self, outcomes: &mut [Outcome<K::Step>], order: &[usize]) {
        self.client.allow_more_time();
        for at in order.iter().rev() {
            let outcome = &mut outcomes[*at];
            let Some(applied) = &outcome.applied else { continue };
            let progress = Progress::default();
            let name = outcome.change.name.clone();
            let noun = outcome.change.noun.unwrap_or(K::NOUN);
            let mut ids = outcome.change.ids.clone();
            ids.extend(applied.ids.clone());
            let undone = json!({
                "undoes": outcome.change.action.verb(), "ids": ids, "fields": fields_before(&outcome.change),
            });
            let told = self.audit.map_or(Ok(()), |audit| audit.write("intent", &name, "undo", undone));
            let result = told
                .and_then(|()| {
                    let writer = self.client.writer(MayWrite(()), &progress);
                    K::undo(self.context, writer, &outcome.change, applied)
                })
                .map_err(|error| error.context(format_args!("failed to undo the change of {noun} `{name}`")));
            if let Some(audit) = self.audit {
                let what = match &result {
                    Ok(()) => json!({"result": "undone"}),
                    Err(error) => json!({"result": "failed", "error": error.to_string()}),
                };
                // The change itself is undone already; that it is not in the log is told below.
                let _ = audit.write("outcome", &name, "undo", what);
            }
            outcome.undone = Some(result);
        }
    }
}

fn signalled() -> Option<Error> {
    interrupted().then(|| Error::new(ErrorKind::NotTried, "not tried, since a signal ended the run"))
}

/// Long values are only measured: a log is no place for a whole dashboard.
fn brief(value: &Value) -> Value {
    let length = value.to_string().chars().count();
    if length > 200 { Value::String(format!("({length} characters)")) } else { value.clone() }
}

/// The fields that go back, with the values that they had; of an object that was deleted all that are known.
fn fields_before<S>(change: &Change<S>) -> Value {
    match (&change.action, &change.before) {
        (Action::Delete, Value::Object(before)) => {
            Value::Object(before.iter().map(|(name, value)| (name.clone(), brief(value))).collect())
        }
        _ => {
            let old = |path: &String| (path.clone(), at_path(&change.before, path).map_or(Value::Null, brief));
            Value::Object(change.fields.iter().map(old).collect())
        }
    }
}

/// The fields that change, with their new values; of a new object all that are declared.
fn fields_for_audit<S>(change: &Change<S>) -> Value {
    let fields: Object = match (&change.action, &change.after) {
        (Action::Create, Value::Object(after)) => {
            after.iter().map(|(name, value)| (name.clone(), brief(value))).collect()
        }
        _ => change
            .fields
            .iter()
            .map(|path| (path.clone(), at_path(&change.after, path).map_or(Value::Null, brief)))
            .collect(),
    };
    Value::Object(fields)
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
