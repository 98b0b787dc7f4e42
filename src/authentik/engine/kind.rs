//! What a module of authentik gives: its options, and what they mean in the words of the API. The rest of a
//! [`Kind`] is the same for all of them.

use serde_json::{Value, json};

use super::{
    credentials, order,
    plan::{Planning, Step},
    read::{self, Snapshot},
    wanted::{Prune, Wanted},
    write,
};
use crate::{
    authentik::{self, Connection, Session, login},
    http::{Client, Reader, Settings, Writer},
    module::{About, Applied, Change, Context, Declared, Error, Kind, Object, Options, Result, Task, kind::object},
};

/// A module of authentik.
pub trait Declares: Sized + Send + Sync + 'static {
    /// The module's name.
    const NAME: &'static str;
    /// What one object is called in sentences.
    const NOUN: &'static str;
    /// The option that holds a list of objects.
    const PLURAL: &'static str;

    /// Options of one object.
    type Object: Options + Clone;
    /// Options of the run as a whole.
    type Settings: Options;

    /// The words of its documentation.
    fn about() -> About;

    /// What a declared object is to be.
    fn wanted(declared: &Declared<Self::Object>) -> Result<Wanted>;

    /// Which objects `prune` looks at, if the task has it.
    fn prune(_settings: &Self::Settings) -> Option<Prune> {
        None
    }

    /// Refuses options of the run that cannot be meant. A scope of `prune` that bounds nothing is refused for all.
    fn check_settings(_settings: &Self::Settings) -> Result<()> {
        Ok(())
    }
}

impl<D: Declares> Kind for D {
    const NAME: &'static str = D::NAME;
    const NOUN: &'static str = D::NOUN;
    const PLURAL: &'static str = D::PLURAL;
    // A write takes about a quarter of a second with one or eight at once: more only load the server.
    const WRITERS: usize = 4;

    type Connection = Connection;
    type Settings = D::Settings;
    type Object = D::Object;
    type Desired = Wanted;
    type Session = Session;
    type Snapshot = Snapshot;
    type Step = Step;

    fn about() -> About {
        D::about()
    }

    fn client(task: &Task<Self>) -> Result<Settings> {
        authentik::client(task)
    }

    fn load(task: &Task<Self>) -> Result<Vec<Wanted>> {
        D::check_settings(&task.settings)?;
        if D::prune(&task.settings).is_some_and(|prune| prune.prefix.is_empty() && prune.fields.is_empty()) {
            return Err(
                Error::bad_options("prune: `name_prefix` is empty").hint("without a scope everything would be deleted")
            );
        }
        let mut all = Vec::with_capacity(task.declared.len());
        for declared in &task.declared {
            let mut wanted = D::wanted(declared)?;
            wanted.check()?;
            all.push(wanted);
        }
        let mut seen = std::collections::BTreeMap::new();
        for wanted in &all {
            if let Some(first) = seen.insert(wanted.change_key(), &wanted.at) {
                return Err(wanted.wrong(format_args!("it is declared twice, also as {first}")));
            }
        }
        credentials::check(&all, task.no_log)?;
        Ok(all)
    }

    fn open(_: &Task<Self>, client: &mut Client) -> Result<Session> {
        authentik::open(client)
    }

    fn read(context: &Context<'_, Self>, reader: Reader<'_>) -> Result<Snapshot> {
        let mut snapshot = read::read(context.desired, D::prune(&context.task.settings).as_ref(), reader)?;
        snapshot.logins = login::check(context.desired, &snapshot, context.session, reader)?;
        Ok(snapshot)
    }

    fn plan(context: &Context<'_, Self>, snapshot: &Snapshot) -> Result<Vec<Change<Step>>> {
        let planning = Planning { wanted: context.desired, snapshot, session: context.session };
        let mut changes = Vec::with_capacity(context.desired.len());
        for (index, wanted) in context.desired.iter().enumerate() {
            let change = planning.change(index);
            changes.push(match change {
                Ok(change) => change,
                Err(error) => context.refuse(index, &wanted.name(), error, Step::default())?,
            });
        }
        if let Some(prune) = D::prune(&context.task.settings) {
            changes.extend(planning.pruned(&prune, &changes)?);
        }
        order::order(&mut changes);
        Ok(changes)
    }

    fn apply(context: &Context<'_, Self>, writer: Writer<'_>, change: &Change<Step>) -> Result<Applied> {
        write::apply(context.session, writer, change)
    }

    fn undo(_: &Context<'_, Self>, writer: Writer<'_>, change: &Change<Step>, applied: &Applied) -> Result<()> {
        write::undo(writer, change, applied)
    }

    fn made_secrets(
        context: &Context<'_, Self>,
        reader: Reader<'_>,
        outcomes: &[(&Change<Step>, Option<&Applied>)],
    ) -> Result<Vec<(usize, Object)>> {
        credentials::returned(context.desired, reader, outcomes)
    }

    fn single(
        _: &Context<'_, Self>,
        snapshot: &Snapshot,
        change: &Change<Step>,
        applied: Option<&Applied>,
        _: bool,
    ) -> Object {
        let Some(row) = change.step.row else { return Object::new() };
        let id = applied.and_then(|applied| applied.ids.get("pk")).or(change.ids.get("pk"));
        let stored = snapshot.stored.get(row.path).into_iter().flatten();
        let found = id.and_then(|id| stored.clone().find(|object| object[row.id] == *id));
        let shown = match (change.after.is_null(), found) {
            (true, _) => Value::Null,
            (false, Some(object)) => without_noise(object),
            (false, None) => json!(change.after),
        };
        object([("object", shown)])
    }

    fn prune_limit(settings: &D::Settings) -> usize {
        D::prune(settings).map_or(0, |prune| prune.limit)
    }
}

/// An object without pictures and what else is only for pages.
fn without_noise(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.retain(|name, _| !matches!(name.as_str(), "avatar" | "component" | "verbose_name" | "verbose_name_plural"));
    }
    object
}
