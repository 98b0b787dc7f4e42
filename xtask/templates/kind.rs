//! `__module__`: TODO what the module does, and facts of the service that the code rests on.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Connection, Session};
use crate::{
    http::{Client, Reader, Settings, Writer},
    module::{About, Applied, Change, Context, Error, ErrorKind, Kind, Object, Result, Task},
};

/// The kind of object.
pub struct __Kind__Kind;

/// Options of one __noun__.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct __Kind__Options {
    /// The __noun__'s name.
    pub name: String,
    /// Whether the __noun__ is to be there.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: State,
}

/// Whether the object is to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is.
    Present,
    /// It is not.
    Absent,
}

/// Options of the run as a whole.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct __Kind__Settings {}

/// What exists, as far as the task touches it.
pub struct Snapshot {}

/// What is needed to carry out one change and to undo it.
#[derive(Clone, Debug)]
pub struct Step {}

impl Kind for __Kind__Kind {
    const NAME: &'static str = "__module__";
    const NOUN: &'static str = "__noun__";
    const PLURAL: &'static str = "__plural__";

    type Connection = Connection;
    type Settings = __Kind__Settings;
    type Object = __Kind__Options;
    type Desired = ();
    type Session = Session;
    type Snapshot = Snapshot;
    type Step = Step;

    fn about() -> About {
        About {
            short_description: "Manage __nouns__ of __service__",
            description: &["Creates, changes and deletes __nouns__."],
            notes: &[],
            requirements: &[],
            examples: "- name: A __noun__\n  __module__:\n    name: example\n",
            returns: &[],
        }
    }

    fn client(task: &Task<Self>) -> Result<Settings> {
        super::client(task)
    }

    fn load(_task: &Task<Self>) -> Result<Vec<()>> {
        Ok(Vec::new())
    }

    fn open(task: &Task<Self>, client: &mut Client) -> Result<Session> {
        super::open(task, client)
    }

    fn read(_context: &Context<'_, Self>, _reader: Reader<'_>) -> Result<Snapshot> {
        Err(unwritten("read"))
    }

    fn plan(_context: &Context<'_, Self>, _snapshot: &Snapshot) -> Result<Vec<Change<Step>>> {
        Err(unwritten("plan"))
    }

    fn apply(_context: &Context<'_, Self>, _writer: Writer<'_>, _change: &Change<Step>) -> Result<Applied> {
        Err(unwritten("apply"))
    }

    fn undo(
        _context: &Context<'_, Self>,
        _writer: Writer<'_>,
        _change: &Change<Step>,
        _applied: &Applied,
    ) -> Result<()> {
        Err(unwritten("undo"))
    }

    fn single(
        _context: &Context<'_, Self>,
        _snapshot: &Snapshot,
        _change: &Change<Step>,
        _applied: Option<&Applied>,
        _check_mode: bool,
    ) -> Object {
        Object::new()
    }
}

fn unwritten(what: &str) -> Error {
    Error::new(ErrorKind::Local, format!("`{what}` is not written yet"))
}
