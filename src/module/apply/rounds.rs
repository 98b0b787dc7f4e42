//! One rank of a plan: its changes at once, and in rounds, with another look before another try.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use super::{Execution, Order, Outcome};
use crate::{
    http::pause_before,
    module::{
        common::OnError,
        error::{Error, ErrorKind},
        kind::Kind,
        parallel,
        plan::{Action, Applied, Change},
        signal::signalled,
    },
};

/// So often a change is tried again after a conflict or a lost answer, and so many rounds in which nothing
/// succeeds follow one another at most.
const ROUNDS: u32 = 5;
/// After so many failures in a row of which nobody knows the outcome, the rest of a round waits for the next
/// one: the server needs a pause more than further requests.
const IN_A_ROW: u32 = 3;

/// What became of a change in one round.
enum Try {
    Done(Applied),
    Failed(Error, Option<Applied>),
    /// Not sent; the next round takes it up.
    Later,
    /// Not sent, and it will not be.
    Refused(Error),
}

/// What the threads of one round know of each other.
struct Round<'r> {
    stop: &'r AtomicBool,
    in_a_row: AtomicU32,
    is_over: AtomicBool,
}

impl<K: Kind> Execution<'_, K> {
    pub(super) fn run_rank(&self, rank: u32, outcomes: &mut [Outcome<K::Step>], stop: &AtomicBool, order: &Order) {
        let keep_going = self.context.task.common.on_error == OnError::Continue;
        let at_once = self.client.settings().concurrency;
        let mut pending: Vec<usize> = (0..outcomes.len())
            .filter(|at| outcomes[*at].change.is_change() && outcomes[*at].change.rank == rank)
            .collect();
        let mut tries = vec![0; outcomes.len()];
        let mut idle = 0;
        while !pending.is_empty() {
            self.client.hold_back(stop.load(SeqCst));
            let round = Round { stop, in_a_row: AtomicU32::new(0), is_over: AtomicBool::new(false) };
            let all: &[Outcome<K::Step>] = outcomes;
            let results = parallel::each(&pending, at_once, |at| self.try_one(*at, all, &round, order));
            let (mut failed, mut later, mut went_well) = (Vec::new(), Vec::new(), false);
            for (at, result) in pending.into_iter().zip(results) {
                let outcome = &mut outcomes[at];
                match result {
                    Try::Done(applied) => {
                        went_well = true;
                        outcome.add(applied);
                        outcome.error = None;
                    }
                    Try::Failed(error, half) => {
                        tries[at] += 1;
                        if error.can_try_again() {
                            failed.push(at);
                        }
                        if let Some(half) = half {
                            outcome.add(half);
                        }
                        outcome.error = Some(error);
                    }
                    Try::Later => later.push(at),
                    Try::Refused(reason) => drop(outcome.error.get_or_insert(reason)),
                }
            }
            if failed.is_empty() && later.is_empty() {
                return;
            }
            let rested = self.client.rest(pause_before(idle.min(ROUNDS - 1) + 1));
            if self.client.is_dead().or_else(signalled).is_some() {
                // What is not certain stays so: its own error says what was tried.
                stop.store(true, SeqCst);
                return self.leave(&later, outcomes);
            }
            let looked_at = failed.len();
            let still = match self.look_again(failed, outcomes, order) {
                Ok(still) => still,
                Err((failed, error)) => {
                    for at in failed {
                        if let Some(first) = &mut outcomes[at].error {
                            first.message =
                                format!("{}; looking whether it happened failed: {}", first.message, error.message);
                        }
                    }
                    stop.store(!keep_going, SeqCst);
                    return self.leave(&later, outcomes);
                }
            };
            idle = if went_well || still.len() < looked_at { 0 } else { idle + 1 };
            // Without time for the pause there is none for another round.
            let is_last = idle > ROUNDS || !rested;
            let (again, given_up): (Vec<usize>, Vec<usize>) =
                still.into_iter().partition(|at| !is_last && tries[*at] <= ROUNDS);
            if !keep_going && (is_last || !given_up.is_empty()) {
                stop.store(true, SeqCst);
            }
            if is_last {
                return self.leave(&later, outcomes);
            }
            // Those first that had no turn: what always fails must not keep others from theirs.
            self.client.count_repetitions(again.len());
            later.extend(again);
            pending = later;
        }
    }

    fn try_one(&self, at: usize, all: &[Outcome<K::Step>], round: &Round<'_>, order: &Order) -> Try {
        let change = all[at].next.as_ref().unwrap_or(&all[at].change);
        if let Some(reason) = self.held_back(change, all, round.stop) {
            return Try::Refused(reason);
        }
        if round.is_over.load(SeqCst) {
            return Try::Later;
        }
        let (result, half) = self.apply_one(change);
        if result.is_ok() || half.is_some() {
            order.note(at);
        }
        let error = match result {
            Ok(applied) => {
                round.in_a_row.store(0, SeqCst);
                return Try::Done(applied);
            }
            Err(error) => error,
        };
        if error.kind == ErrorKind::NotTried {
            // It waited for its turn while the round ended.
            let is_held = round.is_over.load(SeqCst) && self.held_back(change, all, round.stop).is_none();
            return if is_held { Try::Later } else { Try::Refused(error) };
        }
        if error.uncertain {
            if round.in_a_row.fetch_add(1, SeqCst) + 1 >= IN_A_ROW {
                round.is_over.store(true, SeqCst);
                self.client.hold_back(true);
            }
        } else if !error.can_try_again() && self.context.task.common.on_error != OnError::Continue {
            round.stop.store(true, SeqCst);
            self.client.hold_back(true);
        }
        Try::Failed(error, half)
    }

    /// After a conflict or a lost answer: reads and plans anew. What turns out to be done is done; the
    /// rest gets its new change and is returned. Of neither it is uncertain any more what happened.
    pub(super) fn look_again(
        &self,
        pending: Vec<usize>,
        outcomes: &mut [Outcome<K::Step>],
        order: &Order,
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
            match planned.iter().find(|other| outcome.is_of(other)) {
                Some(new) if new.is_change() => {
                    let tried = outcome.next.as_ref().unwrap_or(&outcome.change);
                    if uncertain && new.before != tried.before {
                        outcome.add(Applied { ids: new.ids.clone(), ..Applied::default() });
                        order.note(at);
                    }
                    if let Some(error) = &mut outcome.error {
                        error.uncertain = false;
                    }
                    if outcome.applied.is_some() {
                        outcome.next = Some(new.clone());
                    } else {
                        (outcome.change, outcome.next) = (new.clone(), None);
                    }
                    still.push(at);
                }
                Some(new) if new.refused.is_some() => outcome.error.clone_from(&new.refused),
                other => {
                    outcome.error = None;
                    if !uncertain && outcome.applied.is_none() {
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
                    order.note(at);
                }
            }
        }
        Ok(still)
    }

    /// Says of those that had no turn why they get none.
    fn leave(&self, later: &[usize], outcomes: &mut [Outcome<K::Step>]) {
        let reason = signalled().or_else(|| self.client.is_dead()).unwrap_or_else(|| {
            Error::new(ErrorKind::NotTried, "not tried, since the service went on failing the changes before it")
        });
        for at in later {
            outcomes[*at].error.get_or_insert_with(|| reason.clone());
        }
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
}
