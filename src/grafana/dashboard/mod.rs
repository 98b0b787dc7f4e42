//! `grafana_dashboard`: dashboards from JSON, files, addresses and directories.
//!
//! | file | what |
//! |---|---|
//! | `options` | the options |
//! | `directory`, `source`, `inputs`, `desired` | from the options to what is to be; no request to Grafana |
//! | `spec`, `form` | the content, and the form in which two are compared |
//! | `found`, `read`, `look`, `beside` | what is there |
//! | `places`, `plan`, `placing`, `shown` | pure |
//! | `apply`, `undo`, `export` | writing, and undoing it |

mod about;
mod apply;
mod beside;
mod desired;
mod directory;
mod export;
mod form;
mod found;
mod inputs;
mod look;
mod options;
mod places;
mod placing;
mod plan;
mod read;
mod shown;
mod source;
mod spec;
#[cfg(test)]
mod tests;
mod undo;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use serde_json::{Value, json};

pub use desired::Desired;
use found::Found;
use options::State;
pub use options::{DashboardOptions, DashboardSettings};
pub use read::Snapshot;
use spec::Spec;

use super::{Connection, Session};
use crate::{
    http::{Client, Reader, Settings, Writer},
    module::{About, Action, Applied, Change, Context, Kind, Object, Result, Task, kind::object},
};

/// The kind of object.
pub struct DashboardKind;

/// What is known of the server.
pub struct DashboardSession {
    session: Session,
    /// `/apis` does not answer, whatever the version says: a proxy may let only `/api` through.
    only_api: AtomicBool,
    /// Folders are made one at a time: from three writers on SQLite answers "database is locked" (fact 49).
    folders: Mutex<()>,
    /// The uids of new dashboards that have none, by title and folder.
    chosen: Mutex<BTreeMap<(String, String), String>>,
    /// The uids that this run tried to make: one that is there already may be its own.
    tried: Mutex<BTreeSet<String>>,
    /// What of the declared depends on the server, once it was asked.
    filled: Mutex<Option<read::Filled>>,
}

impl DashboardSession {
    fn new(session: Session) -> DashboardSession {
        // 11.x has /apis for dashboards, without any conversion and without folders (fact 55).
        let only_api = AtomicBool::new(!session.at_least(12));
        DashboardSession {
            session,
            only_api,
            folders: Mutex::default(),
            chosen: Mutex::default(),
            tried: Mutex::default(),
            filled: Mutex::default(),
        }
    }

    fn by_apis(&self) -> bool {
        !self.only_api.load(SeqCst)
    }

    /// Whether the server keeps big integers to the last digit (facts 36, 58).
    fn is_exact(&self) -> bool {
        !self.session.at_least(12)
    }
}

/// What is needed to carry out one change and to undo it.
#[derive(Clone, Debug)]
pub enum Step {
    /// Nothing is to be done.
    Nothing,
    /// A folder on the way is made.
    Folder {
        /// The uid that it gets.
        uid: String,
        /// Its title.
        title: String,
        /// The uid of the folder that it lies in; empty at the root.
        parent: String,
    },
    /// A dashboard is made or changed.
    Save(Arc<Save>),
    /// A dashboard is deleted.
    Delete(Arc<Found>),
    /// A dashboard is written to a file.
    Export {
        /// The file.
        path: String,
        /// What it is to hold.
        text: Arc<str>,
        /// What it held.
        before: Option<Arc<[u8]>>,
    },
}

/// How a dashboard is made or changed.
#[derive(Debug)]
pub struct Save {
    /// What it is found by; `None` where a new one gets any.
    uid: Option<String>,
    spec: Arc<Spec>,
    /// The uid of the folder; empty for the root.
    folder: String,
    /// The dashboard as it is.
    found: Option<Arc<Found>>,
    /// Whether content or folder differ.
    differs: bool,
    /// The body that sets the declared permissions, where they differ.
    permissions: Option<Value>,
    /// The body that sets those that it had.
    permissions_before: Option<Value>,
    overwrite: bool,
    message: Option<String>,
}

impl Kind for DashboardKind {
    const NAME: &'static str = "grafana_dashboard";
    const NOUN: &'static str = "dashboard";
    const PLURAL: &'static str = "dashboards";
    // Measured: 24, 47, 55 creations a second by 1, 4, 8 writers, without errors (fact 49).
    const WRITERS: usize = 6;

    type Connection = Connection;
    type Settings = DashboardSettings;
    type Object = DashboardOptions;
    type Desired = Desired;
    type Session = DashboardSession;
    type Snapshot = Snapshot;
    type Step = Step;

    fn about() -> About {
        about::about()
    }

    fn client(task: &Task<Self>) -> Result<Settings> {
        super::client(task)
    }

    fn expand(task: &mut Task<Self>) -> Result<()> {
        desired::compact(task);
        directory::expand(task)
    }

    fn load(task: &Task<Self>) -> Result<Vec<Desired>> {
        if let Some(prune) = &task.settings.prune {
            super::bounded(
                &[("folder", &prune.folder), ("tag", &prune.tag)],
                "write a tag or a folder (`General` is the root), or leave `prune` out",
            )?;
        }
        desired::load(task)
    }

    fn open(task: &Task<Self>, client: &mut Client) -> Result<DashboardSession> {
        let mut session = super::open(task, client)?;
        session.version = super::version(client.reader())?;
        Ok(DashboardSession::new(session))
    }

    fn read(context: &Context<'_, Self>, reader: Reader<'_>) -> Result<Snapshot> {
        read::read(context, reader)
    }

    fn plan(context: &Context<'_, Self>, snapshot: &Snapshot) -> Result<Vec<Change<Step>>> {
        plan::plan(context, snapshot)
    }

    fn apply(context: &Context<'_, Self>, writer: Writer<'_>, change: &Change<Step>) -> Result<Applied> {
        apply::apply(context, writer, change)
    }

    fn undo(context: &Context<'_, Self>, writer: Writer<'_>, change: &Change<Step>, applied: &Applied) -> Result<()> {
        undo::undo(context, writer, change, applied)
    }

    fn read_back(
        context: &Context<'_, Self>,
        reader: Reader<'_>,
        before: &Snapshot,
        applied: &[(&Change<Step>, &Applied)],
    ) -> Result<Snapshot> {
        // One that was made without a uid has one now: its title may fit several.
        let made = applied
            .iter()
            .filter(|(change, _)| change.action == Action::Create)
            .filter_map(|(change, applied)| Some((change.index?, applied.ids.get("uid")?.as_str()?.to_owned())));
        let uid = |applied: &Applied| applied.ids.get("uid").and_then(Value::as_str).unwrap_or_default().to_owned();
        let touched = applied.iter().filter_map(|(change, applied)| Some((change.index?, uid(applied)))).collect();
        read::read_back(context, reader, before, made.collect(), &touched)
    }

    /// The keys and the `msg` of community.grafana.
    fn single(
        context: &Context<'_, Self>,
        _: &Snapshot,
        change: &Change<Step>,
        applied: Option<&Applied>,
        check_mode: bool,
    ) -> Object {
        let uid = applied.and_then(|applied| applied.ids.get("uid")).or(change.ids.get("uid"));
        let desired = context.desired.first();
        let state = desired.map_or(State::Present, |desired| desired.state);
        let shown = uid.and_then(Value::as_str).unwrap_or(&change.name);
        let path = desired.and_then(|desired| desired.path.as_deref()).unwrap_or_default();
        let done = |past: &str| if check_mode { format!("will be {past}") } else { past.to_owned() };
        let msg = match (state, change.action) {
            (State::Present, Action::Unchanged) => format!("Dashboard {} unchanged.", change.name),
            (State::Present, Action::Create) => format!("Dashboard {} {}", change.name, done("created")),
            (State::Present, _) => format!("Dashboard {} {}", change.name, done("updated")),
            (State::Absent, Action::Delete) => format!("Dashboard {shown} {}", done("deleted")),
            (State::Export, Action::Export) => format!("Dashboard {shown} {} to {path}", done("exported")),
            (State::Export, _) if matches!(change.step, Step::Export { .. }) => {
                format!("Dashboard {shown} is in {path} already.")
            }
            _ => format!("Dashboard {shown} does not exist."),
        };
        // With `prune` the sentence of the harness tells of those that it found, too.
        let msg = if context.task.settings.prune.is_some() { Value::Null } else { json!(msg) };
        object([("msg", msg), ("uid", uid.cloned().unwrap_or_default())])
    }

    fn prune_limit(settings: &DashboardSettings) -> usize {
        settings.prune.as_ref().map_or(0, |prune| prune.limit.unwrap_or(10))
    }
}
