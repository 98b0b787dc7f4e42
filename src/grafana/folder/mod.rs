//! `grafana_folder`: folders, their titles, places, descriptions and permissions.

mod about;
mod deletions;
mod options;
mod places;
mod plan;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use serde_json::{Value, json};

pub use options::{FolderOptions, FolderSettings};
use places::Place;

use super::{
    Connection, Session,
    folder_tree::{Folder, FolderTree},
    permissions::{Held, Subjects},
};
use crate::{
    http::{Client, Reader, Settings, Writer, path},
    module::{About, Action, Applied, Change, Context, Error, Kind, Object, Result, Task, kind::object},
};

/// The kind of object.
pub struct FolderKind;

/// What is known of the server, and the uids of folders that this run made.
pub struct FolderSession {
    session: Session,
    made: Mutex<BTreeMap<String, String>>,
}

impl FolderSession {
    fn made(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.made.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// What exists, as far as the task touches it.
#[derive(Default)]
pub struct Snapshot {
    tree: FolderTree,
    subjects: Subjects,
    permissions: BTreeMap<String, Held>,
    contents: BTreeMap<String, Contents>,
}

/// What a folder holds, in all folders below it too.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    dashboards: u64,
    alert_rules: u64,
    library_panels: u64,
    /// What this program does not know, by the server's name for it.
    others: BTreeMap<String, u64>,
}

impl Contents {
    /// "2 dashboards, 1 alert rule", or nothing.
    fn told(&self) -> String {
        let others = self.others.iter().map(|(name, number)| Some(format!("{number} {name}")));
        let count = |number: u64, word: &str| match number {
            0 => None,
            1 => Some(format!("1 {word}")),
            more => Some(format!("{more} {word}s")),
        };
        [
            count(self.dashboards, "dashboard"),
            count(self.alert_rules, "alert rule"),
            count(self.library_panels, "library panel"),
        ]
        .into_iter()
        .chain(others)
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
    }
}

/// What is needed to carry out one change and to undo it.
#[derive(Clone, Debug)]
pub struct Step {
    uid: Option<String>,
    title: String,
    description: Option<String>,
    place: Place,
    /// The folder as it was found.
    found: Option<Folder>,
    /// The body that sets the declared permissions, where they differ.
    permissions: Option<Value>,
    /// The body that sets the permissions that it had.
    permissions_before: Option<Value>,
    force: bool,
    /// What a deletion takes with it that cannot be brought back.
    lost: String,
}

impl Step {
    /// Whether it is of a folder: one that is absent already, or was refused, has neither title nor place.
    fn is_present(&self) -> bool {
        !self.title.is_empty()
    }

    /// Brings a folder as it is shown to what it will be.
    fn show_in(&self, shown: &mut Value) {
        let Some(shown) = shown.as_object_mut().filter(|_| self.is_present()) else { return };
        shown.insert("title".to_owned(), json!(self.title));
        match self.description.as_deref() {
            Some("") => drop(shown.remove("description")),
            Some(text) => drop(shown.insert("description".to_owned(), json!(text))),
            None => {}
        }
        match &self.place {
            Place::At(uid) if !uid.is_empty() => drop(shown.insert("parentUid".to_owned(), json!(uid))),
            // Known once the parent is made.
            Place::At(_) | Place::Made(_) => drop(shown.remove("parentUid")),
        }
    }
}

impl Default for Step {
    fn default() -> Step {
        Step {
            uid: None,
            title: String::new(),
            description: None,
            place: Place::At(String::new()),
            found: None,
            permissions: None,
            permissions_before: None,
            force: false,
            lost: String::new(),
        }
    }
}

impl Kind for FolderKind {
    const NAME: &'static str = "grafana_folder";
    const NOUN: &'static str = "folder";
    const PLURAL: &'static str = "folders";
    // From three writers on SQLite answers "database is locked" (fact 49).
    const WRITERS: usize = 2;

    type Connection = Connection;
    type Settings = FolderSettings;
    type Object = FolderOptions;
    type Desired = ();
    type Session = FolderSession;
    type Snapshot = Snapshot;
    type Step = Step;

    fn about() -> About {
        about::about()
    }

    fn client(task: &Task<Self>) -> Result<Settings> {
        super::client(task)
    }

    /// Refuses what Grafana would refuse or, worse, take: an illegal uid, an empty title.
    fn load(task: &Task<Self>) -> Result<Vec<()>> {
        if let Some(prune) = &task.settings.prune {
            super::bounded(
                &[("name_prefix", &prune.name_prefix), ("parent", &prune.parent), ("parent_uid", &prune.parent_uid)],
                "write the beginning of a title or a folder (`parent: /` is the root), or leave `prune` out",
            )?;
        }
        for declared in &task.declared {
            let options = &declared.options;
            let wrong = |why: String| {
                let at = if declared.at.is_empty() { String::new() } else { format!("{}: ", declared.at) };
                Err(Error::bad_options(format!("{at}{why}")))
            };
            if plan::name(options).is_empty() {
                return wrong("name is empty, and a folder needs a title".to_owned());
            }
            for (option, uid) in [("uid", &options.uid), ("parent_uid", &options.parent_uid)] {
                if let Some(uid) = uid.as_deref().filter(|uid| !uid.is_empty())
                    && let Some(why) = illegal(uid)
                {
                    return wrong(format!("{option} `{uid}` {why}"));
                }
            }
            if options.uid.is_some() && options.uid == options.parent_uid && options.uid.as_deref() != Some("") {
                return wrong(format!("folder `{}` cannot lie in itself", plan::name(options)));
            }
        }
        Ok(Vec::new())
    }

    fn open(task: &Task<Self>, client: &mut Client) -> Result<FolderSession> {
        // The version is not asked: what the server answers under /apis tells what matters here.
        Ok(FolderSession { session: super::open(task, client)?, made: Mutex::default() })
    }

    fn read(context: &Context<'_, Self>, reader: Reader<'_>) -> Result<Snapshot> {
        read::read(context, reader)
    }

    fn plan(context: &Context<'_, Self>, snapshot: &Snapshot) -> Result<Vec<Change<Step>>> {
        plan::plan(context, snapshot)
    }

    fn apply(context: &Context<'_, Self>, writer: Writer<'_>, change: &Change<Step>) -> Result<Applied> {
        match change.action {
            Action::Create => write::create(context, writer, change),
            Action::Delete => write::delete(context, writer, &change.step),
            Action::Unchanged | Action::Export | Action::Replace => Ok(Applied::default()),
            Action::Update | Action::Move => write::update(context, writer, change),
        }
    }

    fn undo(_: &Context<'_, Self>, writer: Writer<'_>, change: &Change<Step>, applied: &Applied) -> Result<()> {
        write::undo(writer, change, applied)
    }

    fn read_back(
        context: &Context<'_, Self>,
        reader: Reader<'_>,
        before: &Snapshot,
        applied: &[(&Change<Step>, &Applied)],
    ) -> Result<Snapshot> {
        read::read_back(context, reader, before, applied)
    }

    fn single(
        _: &Context<'_, Self>,
        snapshot: &Snapshot,
        change: &Change<Step>,
        applied: Option<&Applied>,
        check_mode: bool,
    ) -> Object {
        let deletes = change.after.is_null();
        if deletes {
            // The peer returns the body of DELETE under `message`, or this sentence.
            let message = match (change.action, applied.map(|applied| &applied.answer)) {
                (Action::Unchanged, _) => json!("No folder found"),
                (_, Some(answer)) if !answer.is_null() => answer.clone(),
                _ => json!({"message": "Folder deleted"}),
            };
            return object([("message", message)]);
        }
        let uid = applied.and_then(|applied| applied.ids.get("uid")).or(change.ids.get("uid")).and_then(Value::as_str);
        let mut shown = match uid.and_then(|uid| snapshot.tree.get(uid)) {
            Some(folder) => show(folder),
            None => json!({"title": change.step.title, "uid": change.step.uid}),
        };
        if check_mode || shown.get("id").is_none() {
            change.step.show_in(&mut shown);
        }
        // The peer returns what the write answered; of a folder that is unchanged, what the list tells.
        if let Some(answer) = applied.and_then(|applied| applied.answer.as_object()) {
            for (key, value) in answer {
                shown.as_object_mut().map(|shown| shown.entry(key).or_insert_with(|| value.clone()));
            }
        }
        object([("folder", shown)])
    }

    fn prune_limit(settings: &FolderSettings) -> usize {
        settings.prune.as_ref().map_or(0, |prune| prune.limit.unwrap_or(10))
    }
}

/// A folder as the peer shows it.
fn show(folder: &Folder) -> Value {
    let mut shown = json!({"id": folder.id, "uid": folder.uid, "title": folder.title});
    if !folder.parent.is_empty() {
        shown["parentUid"] = json!(folder.parent);
    }
    if let Some(text) = folder.description.as_deref().filter(|text| !text.is_empty()) {
        shown["description"] = json!(text);
    }
    shown
}

/// Why a uid cannot be one; the same in 11.5 and 12.4 (facts 23, 60).
fn illegal(uid: &str) -> Option<String> {
    let length = uid.chars().count();
    if length > 40 {
        return Some(format!("has {length} characters, and at most 40 are possible"));
    }
    if !uid.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_')) {
        return Some("has characters other than letters, digits, `-` and `_`".to_owned());
    }
    ["general", "sharedwithme"].contains(&uid).then(|| "is Grafana's own".to_owned())
}

fn address(uid: &str) -> String {
    path(&["api", "folders", uid])
}

fn permissions_address(uid: &str) -> String {
    path(&["api", "folders", uid, "permissions"])
}
