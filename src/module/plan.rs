//! The plan: a list of changes, each a value that prints, compares and can be undone.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use serde_json::Value;

use super::{error::Error, spec::Object};

/// What is to happen to one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is as declared.
    Unchanged,
    /// It is not there and will be.
    Create,
    /// Some of its fields differ.
    Update,
    /// Only its place differs.
    Move,
    /// It can get its declared form only by being deleted and made anew.
    Replace,
    /// It is there and will not be.
    Delete,
    /// It is written to a file of this host.
    Export,
}

impl Action {
    /// The word for a run that did it: "2 created".
    pub fn done(self) -> &'static str {
        match self {
            Action::Unchanged => "unchanged",
            Action::Create => "created",
            Action::Update => "updated",
            Action::Move => "moved",
            Action::Replace => "replaced",
            Action::Delete => "deleted",
            Action::Export => "exported",
        }
    }

    /// The word for what is being tried: "failed to create".
    pub fn verb(self) -> &'static str {
        match self {
            Action::Unchanged => "leave",
            Action::Create => "create",
            Action::Update => "update",
            Action::Move => "move",
            Action::Replace => "replace",
            Action::Delete => "delete",
            Action::Export => "export",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.verb())
    }
}

/// One step of a plan. `S` is what the kind needs to carry it out and to undo it.
#[derive(Clone, Debug)]
pub struct Change<S> {
    /// Which of the declared objects it serves; `None` for one that `prune` found.
    pub index: Option<usize>,
    /// The object's name for people.
    pub name: String,
    /// What it is called in sentences, where it is of another kind than the module's, such as a folder on
    /// the way to a dashboard.
    pub noun: Option<&'static str>,
    /// What is to happen.
    pub action: Action,
    /// Changes of a lower rank are applied first; within a rank they run at once.
    pub rank: u32,
    /// How other changes of this plan name this object in `needs`; empty if none does.
    pub key: String,
    /// Keys of the changes that must have succeeded before this one.
    pub needs: Vec<String>,
    /// The object as it is, in the form that was compared; null when it is not there.
    pub before: Value,
    /// The object as it is to be, in the same form; null when it is not to be there.
    pub after: Value,
    /// The fields that differ, as dotted paths.
    pub fields: Vec<String>,
    /// Write-only fields that are sent though nobody can tell whether they differ.
    pub sent: Vec<String>,
    /// Ids and addresses that are known beforehand, for the result.
    pub ids: Object,
    /// Why nothing is done for it, though something else is declared than what is there.
    pub refused: Option<Error>,
    /// What the person should know of it.
    pub warnings: Vec<String>,
    /// What the kind needs to carry it out.
    pub step: S,
}

impl<S> Change<S> {
    /// A change with its compared forms; the differing fields are found here.
    pub fn new(
        index: Option<usize>,
        name: impl Into<String>,
        action: Action,
        before: Value,
        after: Value,
        step: S,
    ) -> Self {
        let fields = match action {
            Action::Update | Action::Move | Action::Replace => super::diff::differing(&before, &after),
            _ => Vec::new(),
        };
        Change {
            index,
            name: name.into(),
            noun: None,
            action,
            rank: 0,
            key: String::new(),
            needs: Vec::new(),
            before,
            after,
            fields,
            sent: Vec::new(),
            ids: Object::new(),
            refused: None,
            warnings: Vec::new(),
            step,
        }
    }

    /// The same change at that rank.
    pub fn at_rank(mut self, rank: u32) -> Self {
        self.rank = rank;
        self
    }

    /// The same change with an id for the result.
    pub fn with_id(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.ids.insert(name.to_owned(), value.into());
        self
    }

    /// Whether anything is to be done.
    pub fn is_change(&self) -> bool {
        self.action != Action::Unchanged
    }
}

/// What a change left behind when it was applied.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// Ids and addresses that the service gave, for the result.
    pub ids: Object,
    /// The service's answer, as far as the kind wants it for the result of a single object, for
    /// reading back, or for undoing.
    pub answer: Value,
    /// What the kind keeps for undoing it.
    pub kept: Value,
    /// What the person should know of it.
    pub warnings: Vec<String>,
}

/// How far the carrying out of one change came: what tells a change that failed before it did anything
/// from one that is half done, and has to be reported and undone.
#[derive(Debug, Default)]
pub struct Progress(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    done: Option<Applied>,
    /// Why the last write may have happened or not.
    perhaps: Option<String>,
}

impl Progress {
    /// A write succeeded.
    pub fn wrote(&self) {
        let mut state = self.state();
        state.done.get_or_insert_default();
        state.perhaps = None;
    }

    /// A write may have happened or not, for that reason.
    pub fn perhaps_wrote(&self, why: &str) {
        self.state().perhaps = Some(why.to_owned());
    }

    /// Keeps what a write left behind, for undoing if a later one fails: ids, an answer.
    pub fn remember(&self, applied: Applied) {
        let mut state = self.state();
        state.perhaps = None;
        let known = state.done.get_or_insert_default();
        known.ids.extend(applied.ids);
        known.warnings.extend(applied.warnings);
        if !applied.answer.is_null() {
            known.answer = applied.answer;
        }
        if !applied.kept.is_null() {
            known.kept = applied.kept;
        }
    }

    /// Whether something was done.
    pub fn has_begun(&self) -> bool {
        self.state().done.is_some()
    }

    /// Why the last write may have happened or not, if so.
    pub fn unsure(&self) -> Option<String> {
        self.state().perhaps.clone()
    }

    /// What was done, if anything was.
    pub fn half(self) -> Option<Applied> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).done
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
