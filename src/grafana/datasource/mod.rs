//! `grafana_datasource`: data sources of any type, their secrets, the default one, and a test of their
//! connections.

mod about;
mod check;
mod compare;
mod find;
mod fingerprint;
mod health;
mod listed;
mod options;
mod order;
mod payload;
mod plan;
mod sensitive;
#[cfg(test)]
mod tests;
mod undo;
mod write;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use serde_json::{Value, json};

pub use options::{DatasourceOptions, DatasourceSettings};
pub use plan::Step;

use super::{Connection, Session, Version, ok, optional};
use crate::{
    http::{Client, Reader, Settings, Writer, path},
    module::{
        About, Action, Applied, Change, Context, Error, Kind, Object, Result, Task, common::OnError, diff::differing,
        parallel,
    },
};
use check::{check, check_prune, check_together};
use compare::{laid_over, shown, text};
use find::{Found, claimed, find, in_scope};
use listed::Listed;
use payload::Form;

/// The kind of object.
pub struct DatasourceKind;

/// One declared data source.
pub struct Desired {
    options: DatasourceOptions,
    written: BTreeSet<String>,
    single: bool,
    at: String,
    salt: fingerprint::Salt,
    fingerprint: OnceLock<String>,
}

impl Desired {
    /// The fingerprint of its secrets that is to be kept: one for the whole run, since each is different.
    fn fingerprint(&self, form: &Form) -> Result<String> {
        if let Some(made) = self.fingerprint.get() {
            return Ok(made.clone());
        }
        let made = fingerprint::made(&form.secrets_to_set(), &self.salt)?;
        Ok(self.fingerprint.get_or_init(|| made).clone())
    }

    fn made_fingerprint(&self) -> Option<&str> {
        self.fingerprint.get().map(String::as_str)
    }

    fn is_to_be_default(&self) -> bool {
        self.options.is_present() && self.options.is_default == Some(true)
    }

    /// An error about what is declared.
    fn wrong(&self, why: String) -> Error {
        let at = if self.at.is_empty() { String::new() } else { format!("{}: ", self.at) };
        Error::bad_options(format!("{at}{why}"))
    }
}

/// What exists, as far as the task touches it.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// The list, whose entries lack secrets, the user of basic authentication, `withCredentials` and the
    /// version (fact 11).
    listed: Listed,
    /// Those that were read one by one, by uid.
    whole: BTreeMap<String, Value>,
    /// The server's version, where a uid is to change.
    version: Option<Version>,
}

impl Snapshot {
    /// All that is known of an entry of the list.
    fn whole<'s>(&'s self, stored: &'s Value) -> &'s Value {
        self.whole.get(text(stored, "uid")).unwrap_or(stored)
    }

    fn stored(&self, uid: &str) -> Option<&Value> {
        self.listed.uid(uid).map(|stored| self.whole(stored))
    }

    fn remove(&mut self, uid: &str) {
        self.listed.remove(uid);
        self.whole.remove(uid);
    }

    fn insert(&mut self, stored: Value) {
        let uid = text(&stored, "uid").to_owned();
        self.remove(&uid);
        self.listed.insert(stored.clone());
        self.whole.insert(uid, stored);
    }
}

impl Kind for DatasourceKind {
    const NAME: &'static str = "grafana_datasource";
    const NOUN: &'static str = "data source";
    const PLURAL: &'static str = "datasources";
    // From three writers on SQLite answers "Failed to add datasource" (fact 49).
    const WRITERS: usize = 2;

    type Connection = Connection;
    type Settings = DatasourceSettings;
    type Object = DatasourceOptions;
    type Desired = Desired;
    type Session = Session;
    type Snapshot = Snapshot;
    type Step = Step;

    fn about() -> About {
        about::about()
    }

    fn client(task: &Task<Self>) -> Result<Settings> {
        super::client(task)
    }

    fn load(task: &Task<Self>) -> Result<Vec<Desired>> {
        sensitive::hide(task.declared.iter().flat_map(|declared| sensitive::given(&declared.options)));
        let mut all = Vec::with_capacity(task.declared.len());
        for declared in &task.declared {
            let desired = Desired {
                options: declared.options.clone(),
                written: declared.written.clone(),
                single: task.single,
                at: declared.at.clone(),
                salt: fingerprint::salt()?,
                fingerprint: OnceLock::new(),
            };
            check(&desired)?;
            all.push(desired);
        }
        check_together(&all)?;
        task.settings.prune.as_ref().map_or(Ok(()), check_prune)?;
        Ok(all)
    }

    fn open(task: &Task<Self>, client: &mut Client) -> Result<Session> {
        let session = super::open(task, client)?;
        // A health check goes on for 5 s with what it knows of a data source, which a change does not drop, unless
        // it is told so (Grafana's DataSourceCache).
        client.set_header("X-Grafana-NoCache", "true")?;
        Ok(session)
    }

    /// One list, and one more request for each declared data source that differs or whose options the
    /// list does not show.
    fn read(context: &Context<'_, Self>, reader: Reader<'_>) -> Result<Snapshot> {
        let listed: Vec<Value> = ok(reader.get("/api/datasources")?)?.json()?;
        let mut snapshot = Snapshot { listed: listed.into_iter().collect(), ..Snapshot::default() };
        let undoes = context.task.common.on_error == OnError::Rollback;
        let (mut needed, mut uid_changes) = (BTreeSet::new(), false);
        let claimed = claimed(context.desired, &snapshot.listed);
        for desired in context.desired {
            let found = find(desired, &claimed, &snapshot.listed);
            let Some(stored) = found.stored() else { continue };
            let other_uid =
                matches!(found, Found::OtherUid(_) | Found::HalfReplaced(_)) && desired.options.is_present();
            uid_changes |= other_uid;
            let whole =
                if desired.options.is_present() { other_uid || is_needed_whole(desired, stored) } else { undoes };
            if whole {
                needed.insert(text(stored, "uid").to_owned());
            }
        }
        if let (true, Some(prune)) = (undoes, &context.task.settings.prune) {
            let scope = snapshot.listed.iter().filter(|stored| in_scope(prune, stored));
            needed.extend(scope.map(|stored| text(stored, "uid").to_owned()));
        }
        let declared = context.desired.iter().filter_map(|desired| find(desired, &claimed, &snapshot.listed).stored());
        let prune = &context.task.settings.prune;
        let pruned =
            snapshot.listed.iter().filter(|stored| prune.as_ref().is_some_and(|prune| in_scope(prune, stored)));
        sensitive::hide(declared.chain(pruned).flat_map(sensitive::stored));
        let needed: Vec<&Value> =
            snapshot.listed.iter().filter(|stored| needed.contains(text(stored, "uid"))).collect();
        let at_once = reader.client().settings().concurrency;
        let read = parallel::all(&needed, at_once, |stored| {
            let whole = optional(reader.get(&address(stored))?)?.map(|answer| answer.json::<Value>()).transpose()?;
            Ok((text(stored, "uid").to_owned(), whole))
        })?;
        for one in read {
            match one {
                (uid, Some(whole)) => drop(snapshot.whole.insert(uid, whole)),
                // Somebody deleted it since the list was read.
                (uid, None) => snapshot.remove(&uid),
            }
        }
        if uid_changes {
            snapshot.version = super::version(reader)?;
        }
        Ok(snapshot)
    }

    fn plan(context: &Context<'_, Self>, snapshot: &Snapshot) -> Result<Vec<Change<Step>>> {
        plan::plan(context, snapshot)
    }

    fn apply(_: &Context<'_, Self>, writer: Writer<'_>, change: &Change<Step>) -> Result<Applied> {
        write::apply(writer, change)
    }

    fn undo(_: &Context<'_, Self>, writer: Writer<'_>, change: &Change<Step>, applied: &Applied) -> Result<()> {
        undo::undo(writer, change, applied)
    }

    /// The answers of the writes show what is stored, so nothing is read again.
    fn read_back(
        context: &Context<'_, Self>,
        reader: Reader<'_>,
        before: &Snapshot,
        applied: &[(&Change<Step>, &Applied)],
    ) -> Result<Snapshot> {
        let is_told = |(change, applied): &&(&Change<Step>, &Applied)| {
            change.action == Action::Delete || applied.answer["secureJsonFields"].is_object()
        };
        if applied.iter().filter(is_told).count() < applied.len() {
            return Self::read(context, reader);
        }
        let mut after = before.clone();
        for (change, applied) in applied {
            after.remove(&change.key);
            if change.action == Action::Delete {
                continue;
            }
            if change.step.is_default == Some(true) {
                // It has taken the default from whoever had it (fact 19).
                let others = after.listed.iter_mut().chain(after.whole.values_mut());
                for other in others.filter_map(Value::as_object_mut) {
                    other.insert("isDefault".into(), json!(false));
                }
            }
            after.insert(applied.answer.clone());
        }
        Ok(after)
    }

    fn check_after(
        context: &Context<'_, Self>,
        reader: Reader<'_>,
        outcomes: &[(&Change<Step>, Option<&Applied>)],
    ) -> Result<Vec<(usize, Object)>> {
        let mut tested = Vec::new();
        for (change, applied) in outcomes {
            let Some(index) = change.index.filter(|_| !change.after.is_null()) else { continue };
            let options = &context.desired[index].options;
            if options.test == Some(true) {
                let uid = applied.and_then(|applied| applied.ids.get("uid")).or(change.ids.get("uid"));
                let uid = uid.and_then(Value::as_str).unwrap_or_default();
                tested.push((index, change.name.as_str(), uid, health::window(options.test_timeout)?));
            }
        }
        let at_once = reader.client().settings().concurrency;
        Ok(parallel::each(&tested, at_once, |(index, name, uid, within)| {
            (*index, health::told(name, health::test(reader, uid, *within), *within))
        }))
    }

    fn single(
        context: &Context<'_, Self>,
        snapshot: &Snapshot,
        change: &Change<Step>,
        applied: Option<&Applied>,
        check_mode: bool,
    ) -> Object {
        let absent = change.after.is_null();
        let uid = applied.and_then(|applied| applied.ids.get("uid")).or(change.ids.get("uid")).and_then(Value::as_str);
        let stored = uid.and_then(|uid| snapshot.stored(uid)).filter(|_| !(check_mode && change.is_change()));
        let shown = match stored {
            _ if absent => Value::Null,
            Some(stored) => stored.clone(),
            None => compare::as_stored(&change.after),
        };
        // Not by `object`: the peer's key is there when its value is null too.
        let mut out = Object::from_iter([("datasource".to_owned(), shown)]);
        if context.task.settings.prune.is_some() {
            // The sentence of the harness tells of those that `prune` found, too.
            return out;
        }
        let name = &change.name;
        let would = if check_mode { "would be " } else { "" };
        let message = match (change.action, absent) {
            (Action::Unchanged, true) => format!("Datasource {name} does not exist."),
            (Action::Unchanged, false) => format!("Datasource {name} unchanged"),
            (Action::Delete, _) => format!("Datasource {name} {would}deleted."),
            (action, _) => format!("Datasource {name} {would}{}", action.done()),
        };
        out.insert("msg".to_owned(), json!(message));
        out
    }

    fn prune_limit(settings: &DatasourceSettings) -> usize {
        settings.prune.as_ref().map_or(0, |prune| prune.limit.unwrap_or(10))
    }
}

/// Whether the list does not tell all that is needed of a declared data source.
fn is_needed_whole(desired: &Desired, stored: &Value) -> bool {
    let form = plan::form(desired, Some(stored));
    let hidden = ["basicAuthUser", "withCredentials"].iter().any(|key| form.fields.contains_key(*key));
    let before = shown(stored);
    hidden || !form.secrets.is_empty() || !differing(&before, &laid_over(&before, &form)).is_empty()
}

/// Where a data source is read and written. Grafana 11.5 takes uids that no path can hold (fact 59).
fn address(stored: &Value) -> String {
    let uid = text(stored, "uid");
    let plain = uid.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_'));
    match stored["id"].as_i64() {
        Some(id) if !plain || uid.is_empty() => format!("/api/datasources/{id}"),
        _ => path(&["api", "datasources", "uid", uid]),
    }
}
