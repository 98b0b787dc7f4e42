//! Rollback: what was done is undone, newest first.

use serde_json::json;

use super::{Execution, MayWrite, Order, Outcome};
use crate::{
    http::pause_before,
    module::{
        audit::fields_before,
        error::{Error, ErrorKind, Result},
        kind::Kind,
        plan::{Applied, Change, Progress},
    },
};

/// So often it is tried to undo a change while it is not known whether that happened.
const TRIES: u32 = 4;

impl<K: Kind> Execution<'_, K> {
    pub(super) fn roll_back(&self, outcomes: &mut [Outcome<K::Step>], order: &Order) {
        self.client.allow_more_time();
        self.find_out(outcomes, order);
        for at in order.newest_first() {
            let outcome = &mut outcomes[at];
            let Some(applied) = &outcome.applied else { continue };
            let name = outcome.change.name.clone();
            let noun = outcome.change.noun.unwrap_or(K::NOUN);
            let mut ids = outcome.change.ids.clone();
            ids.extend(applied.ids.clone());
            let undone = json!({
                "undoes": outcome.change.action.verb(), "ids": ids, "fields": fields_before(&outcome.change),
            });
            let told = self.audit.map_or(Ok(()), |audit| audit.write("intent", &name, "undo", undone));
            let result = told
                .and_then(|()| self.undo(&outcome.change, applied))
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

    /// Looks what became of the changes of which that is not known yet. Those that happened are undone
    /// with the others, and keep the error that ended them.
    fn find_out(&self, outcomes: &mut [Outcome<K::Step>], order: &Order) {
        let unsure: Vec<(usize, Error)> = outcomes
            .iter()
            .enumerate()
            .filter_map(|(at, outcome)| Some((at, outcome.error.clone().filter(|error| error.uncertain)?)))
            .collect();
        if unsure.is_empty() {
            return;
        }
        let found = self.look_again(unsure.iter().map(|(at, _)| *at).collect(), outcomes, order);
        for (at, mut error) in unsure {
            let outcome = &mut outcomes[at];
            match &found {
                Ok(_) => error.uncertain = false,
                Err((_, why)) => {
                    let told = format!("it is not known whether it happened, since looking failed: {}", why.message);
                    outcome.undone = Some(Err(Error::new(ErrorKind::GaveUp, told)));
                }
            }
            outcome.error = Some(error);
        }
    }

    /// Undoes one change, again while it is not known whether that happened: undoing twice finds nothing left to
    /// do.
    fn undo(&self, change: &Change<K::Step>, applied: &Applied) -> Result<()> {
        let mut first: Option<Error> = None;
        for attempt in 1.. {
            let progress = Progress::default();
            let writer = self.client.writer(MayWrite(()), &progress);
            match (K::undo(self.context, writer, change, applied), first.take()) {
                (Ok(()), _) => break,
                // What the first try did stands in the way of the second one.
                (Err(error), Some(first)) if error.kind == ErrorKind::Conflict => return Err(first),
                (Err(error), _) if error.uncertain && attempt < TRIES && self.client.rest(pause_before(attempt)) => {
                    first = Some(error);
                }
                (Err(error), _) => return Err(error),
            }
        }
        Ok(())
    }
}
