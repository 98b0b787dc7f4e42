//! What a kind of object gives to the harness: its options, and read, plan and apply.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    about::About,
    common::{Common, OnError},
    error::{Error, Result},
    plan::{Action, Applied, Change},
    spec::Object,
};
use crate::http::{Client, Reader, Settings, Writer};

/// A struct of options: from its schema comes everything that is said and checked of them.
pub trait Options: DeserializeOwned + JsonSchema + Send + Sync {}
impl<T: DeserializeOwned + JsonSchema + Send + Sync> Options for T {}

/// The task, coerced and checked.
pub struct Task<K: Kind> {
    /// How to reach the service.
    pub connection: K::Connection,
    /// The options of the run as a whole.
    pub settings: K::Settings,
    /// The options of every module.
    pub common: Common,
    /// The declared objects.
    pub declared: Vec<Declared<K::Object>>,
    /// Whether one object stands at the top level (and not a list): then the result has the keys of a
    /// single object, and its defaults count as declared.
    pub single: bool,
    /// Names of the top-level options that the task itself wrote.
    pub written: std::collections::BTreeSet<String>,
    /// Whether the task has `no_log: true`.
    pub no_log: bool,
}

/// One declared object.
#[derive(Clone, Debug)]
pub struct Declared<O> {
    /// Its options.
    pub options: O,
    /// Names of the options that the task wrote for it, at the top level or in the list.
    pub written: std::collections::BTreeSet<String>,
    /// Where it stands, for errors: `folders[3]`, or empty for a single one.
    pub at: String,
}

/// One kind of object of one service.
///
/// `load`, `open`, `read` and `apply` do I/O; `plan` does none. No method knows of check mode: the
/// harness stops after `plan`.
pub trait Kind: Sized + Send + Sync + 'static {
    /// The module's name.
    const NAME: &'static str;
    /// What one object is called in sentences: `folder`.
    const NOUN: &'static str;
    /// The option that holds a list of objects: `folders`.
    const PLURAL: &'static str;
    /// How many writes are under way at once at the beginning.
    const WRITERS: usize = 4;

    /// How to reach the service.
    type Connection: Options;
    /// Options of the run as a whole, such as `prune`.
    type Settings: Options;
    /// Options of one object.
    type Object: Options + Clone;
    /// What is to be, after files and addresses that the options name were read.
    type Desired: Send + Sync;
    /// What is known of the server and the caller: version, organisation.
    type Session: Send + Sync;
    /// What exists, as far as the task touches it.
    type Snapshot: Send + Sync;
    /// What is needed to carry out one change.
    type Step: Clone + Send + Sync;

    /// The words of its documentation.
    fn about() -> About;

    /// The settings of the HTTP client.
    fn client(task: &Task<Self>) -> Result<Settings>;

    /// Declares more objects than the task wrote: those that an option stands for, such as a directory
    /// with a file for each. Does not reach the service.
    fn expand(_task: &mut Task<Self>) -> Result<()> {
        Ok(())
    }

    /// Reads what the options name on this host or elsewhere (never the service), and refuses what
    /// cannot be meant. Nothing has been sent to the service yet.
    fn load(task: &Task<Self>) -> Result<Vec<Self::Desired>>;

    /// Proves who the caller is, by one request before anything concurrent, and learns what the rest
    /// depends on. May set headers on the client.
    fn open(task: &Task<Self>, client: &mut Client) -> Result<Self::Session>;

    /// Reads what exists.
    fn read(context: &Context<'_, Self>, reader: Reader<'_>) -> Result<Self::Snapshot>;

    /// Compares; pure. One change for each declared object, `Unchanged` included, and one for each
    /// object that `prune` finds.
    fn plan(context: &Context<'_, Self>, snapshot: &Self::Snapshot) -> Result<Vec<Change<Self::Step>>>;

    /// Carries out one change.
    fn apply(context: &Context<'_, Self>, writer: Writer<'_>, change: &Change<Self::Step>) -> Result<Applied>;

    /// Takes back one change that was applied.
    fn undo(
        context: &Context<'_, Self>,
        writer: Writer<'_>,
        change: &Change<Self::Step>,
        applied: &Applied,
    ) -> Result<()>;

    /// Reads again after writing, to plan a second time: that plan must find nothing to do. A kind
    /// whose write answers already show what is stored makes its snapshot from them.
    fn read_back(
        context: &Context<'_, Self>,
        reader: Reader<'_>,
        _before: &Self::Snapshot,
        _applied: &[(&Change<Self::Step>, &Applied)],
    ) -> Result<Self::Snapshot> {
        Self::read(context, reader)
    }

    /// What is done once everything stands as declared, such as a test of a connection: reads only,
    /// and not in check mode. What it returns is merged into each object's entry by index.
    fn check_after(
        _context: &Context<'_, Self>,
        _reader: Reader<'_>,
        _outcomes: &[(&Change<Self::Step>, Option<&Applied>)],
    ) -> Result<Vec<(usize, Object)>> {
        Ok(Vec::new())
    }

    /// Values that the service made and the task asks for, by the index of the object: reads only, and not in check
    /// mode. The harness asks for them only under `no_log: true`, and shows them as `secret`, unmasked: nothing else
    /// of the result may hold one.
    fn made_secrets(
        _context: &Context<'_, Self>,
        _reader: Reader<'_>,
        _outcomes: &[(&Change<Self::Step>, Option<&Applied>)],
    ) -> Result<Vec<(usize, Object)>> {
        Ok(Vec::new())
    }

    /// The keys of a single object's result beside those of every module (`folder`, `uid`, …) and, if
    /// it has one of its own, its `msg`. `applied` is `None` in check mode and when nothing changed.
    fn single(
        context: &Context<'_, Self>,
        snapshot: &Self::Snapshot,
        change: &Change<Self::Step>,
        applied: Option<&Applied>,
        check_mode: bool,
    ) -> Object;

    /// How many objects `prune` may remove; above that the run is refused.
    fn prune_limit(_settings: &Self::Settings) -> usize {
        0
    }
}

/// What every stage is given.
pub struct Context<'r, K: Kind> {
    /// The task.
    pub task: &'r Task<K>,
    /// What is to be.
    pub desired: &'r [K::Desired],
    /// What is known of the server and the caller.
    pub session: &'r K::Session,
}

impl<K: Kind> Context<'_, K> {
    /// What becomes of an object that cannot be planned: the end of the run before anything is changed,
    /// or with `on_error: continue` its own failure, while the others go on. Under `prune` it always ends
    /// the run: what it is about must not look as if nobody had declared it.
    pub fn refuse(&self, index: usize, name: &str, error: Error, step: K::Step) -> Result<Change<K::Step>> {
        if self.task.common.on_error != OnError::Continue || K::prune_limit(&self.task.settings) > 0 {
            return Err(error);
        }
        let mut change = Change::new(Some(index), name, Action::Unchanged, Value::Null, Value::Null, step);
        change.refused = Some(error);
        Ok(change)
    }
}

/// A map of the entries whose values are not null.
pub fn object<const N: usize>(entries: [(&str, Value); N]) -> Object {
    entries.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.to_owned(), value)).collect()
}
