//! `grafana_folder`: folders, their titles, places, descriptions and permissions.

mod about;
mod options;
mod plan;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use serde_json::{Value, json};

use options::State;
pub use options::{FolderOptions, FolderSettings};
use plan::Place;

use super::{
    Connection, Session,
    folder_tree::{Folder, FolderTree},
    ok, optional,
    permissions::{self, Held, Subjects},
};
use crate::{
    http::{Client, Reader, Settings, Writer, path},
    module::{
        About, Action, Applied, Change, Context, Error, ErrorKind, Kind, Object, Result, Task, kind::object, parallel,
    },
};

/// The kind of object.
pub struct FolderKind;

/// What is known of the server, and the uids of folders that this run made.
pub struct FolderSession {
    session: Session,
    made: Mutex<BTreeMap<String, String>>,
}

impl FolderSession {
    fn at_least(&self, major: u32) -> bool {
        self.session.at_least(major)
    }

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
}

impl Contents {
    /// "2 dashboards, 1 alert rule", or nothing.
    fn told(&self) -> String {
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
        let mut session = super::open(task, client)?;
        session.version = super::version(client.reader())?;
        Ok(FolderSession { session, made: Mutex::default() })
    }

    fn read(context: &Context<'_, Self>, reader: Reader<'_>) -> Result<Snapshot> {
        let declared = || context.task.declared.iter().map(|declared| &declared.options);
        let tree = FolderTree::read(reader, &context.session.session)?;
        let subjects = Subjects::read(reader, declared().flat_map(|options| options.permissions.iter().flatten()))?;
        let at_once = reader.client().settings().concurrency;
        let with_permissions: Vec<&Folder> = tree
            .all()
            .filter(|folder| {
                declared().any(|options| {
                    let named = is_about(options, folder);
                    // A deletion keeps them for undoing.
                    named && (options.permissions.is_some() || options.state == Some(State::Absent))
                })
            })
            .collect();
        let held = parallel::each(&with_permissions, at_once, |folder| {
            permissions::read(reader, &permissions_address(&folder.uid)).map(|held| (folder.uid.clone(), held))
        });
        let mut permissions = BTreeMap::new();
        for held in held {
            if let (uid, Some(held)) = held? {
                permissions.insert(uid, held);
            }
        }
        let prune = context.task.settings.prune.as_ref();
        let to_count: Vec<&Folder> = tree
            .all()
            .filter(|folder| {
                declared().any(|options| options.state == Some(State::Absent) && is_about(options, folder))
                    || prune.is_some_and(|prune| {
                        folder.title.starts_with(prune.name_prefix.as_deref().unwrap_or_default())
                            && !declared().any(|options| options.uid.as_deref() == Some(&folder.uid))
                            && prune.parent_uid.as_ref().is_none_or(|parent| folder.parent == *parent)
                    })
            })
            .collect();
        let counted = parallel::each(&to_count, at_once, |folder| count(reader, &folder.uid));
        let contents = to_count
            .iter()
            .zip(counted)
            .map(|(folder, contents)| contents.map(|contents| (folder.uid.clone(), contents)))
            .collect::<Result<_>>()?;
        Ok(Snapshot { tree, subjects, permissions, contents })
    }

    fn plan(context: &Context<'_, Self>, snapshot: &Snapshot) -> Result<Vec<Change<Step>>> {
        plan::plan(context, snapshot)
    }

    fn apply(context: &Context<'_, Self>, writer: Writer<'_>, change: &Change<Step>) -> Result<Applied> {
        let step = &change.step;
        match change.action {
            Action::Create => create(context, writer, change),
            Action::Delete => delete(writer, step),
            Action::Unchanged | Action::Export | Action::Replace => Ok(Applied::default()),
            Action::Update | Action::Move => update(context, writer, change),
        }
    }

    fn undo(context: &Context<'_, Self>, writer: Writer<'_>, change: &Change<Step>, applied: &Applied) -> Result<()> {
        let step = &change.step;
        let uid = applied.ids.get("uid").and_then(Value::as_str).or(step.uid.as_deref()).unwrap_or_default();
        match (change.action, &step.found) {
            (Action::Create, _) => optional(writer.delete(&address(uid))?).map(drop),
            (Action::Delete, Some(folder)) => {
                let body = json!({
                    "uid": folder.uid, "title": folder.title, "parentUid": folder.parent,
                    "description": folder.description,
                });
                ok(writer.post("/api/folders", &body)?)?;
                if let Some(body) = &step.permissions_before {
                    permissions::write(writer, &permissions_address(uid), body)?;
                }
                if step.lost.is_empty() {
                    return Ok(());
                }
                Err(Error::new(
                    ErrorKind::Rejected,
                    format!("the folder is there again, without what it held: {}", step.lost),
                ))
            }
            (_, Some(folder)) => {
                if step.title != folder.title || step.description.is_some() {
                    let body = json!({"title": folder.title, "description": folder.description, "overwrite": true});
                    ok(writer.put(&address(uid), &body)?)?;
                }
                if target(context, step)? != folder.parent {
                    ok(writer.post(&format!("{}/move", address(uid)), &json!({"parentUid": folder.parent}))?)?;
                }
                match (&step.permissions, &step.permissions_before) {
                    (Some(_), Some(body)) => permissions::write(writer, &permissions_address(uid), body),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn single(
        _: &Context<'_, Self>,
        snapshot: &Snapshot,
        change: &Change<Step>,
        applied: Option<&Applied>,
        _: bool,
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
        let Some(folder) = uid.and_then(|uid| snapshot.tree.get(uid)) else {
            return object([("folder", json!({"title": change.step.title, "uid": change.step.uid}))]);
        };
        let mut shown = json!({"id": folder.id, "uid": folder.uid, "title": folder.title});
        if !folder.parent.is_empty() {
            shown["parentUid"] = json!(folder.parent);
        }
        if let Some(text) = folder.description.as_deref().filter(|text| !text.is_empty()) {
            shown["description"] = json!(text);
        }
        object([("folder", shown)])
    }

    fn prune_limit(settings: &FolderSettings) -> usize {
        settings.prune.as_ref().map_or(0, |prune| prune.limit.unwrap_or(10))
    }
}

fn create(context: &Context<'_, FolderKind>, writer: Writer<'_>, change: &Change<Step>) -> Result<Applied> {
    let step = &change.step;
    let parent = target(context, step)?;
    let mut body = json!({"title": step.title});
    if let Some(uid) = &step.uid {
        body["uid"] = json!(uid);
    }
    if !parent.is_empty() {
        body["parentUid"] = json!(parent);
    }
    if let Some(text) = &step.description {
        body["description"] = json!(text);
    }
    let (folder, mut permissions, mut warnings) = match writer.post("/api/folders", &body) {
        Ok(answer) => (ok(answer)?.json::<Value>()?, step.permissions.clone(), Vec::new()),
        // A decision, though it comes as a 500 (fact 25): another look would change nothing.
        Err(error) if error.message.contains("max depth") => {
            let certain = Error { uncertain: false, ..error };
            return Err(certain.hint("Grafana nests folders only so deep; put it somewhere above"));
        }
        Err(error) if error.uncertain => {
            // The folder of a "database is locked" is there, without any permission (fact 50).
            let found = look_for(context, *writer, step, &parent)?.ok_or(error)?;
            let default =
                (parent.is_empty() && step.permissions.is_none()).then(|| by_default(&context.session.session));
            let told = "the service answered an error and had made the folder all the same; its permissions were set";
            (found, step.permissions.clone().or(default), vec![told.to_owned()])
        }
        Err(error) => return Err(error),
    };
    let uid = folder["uid"].as_str().unwrap_or_default().to_owned();
    if let Some(body) = permissions.take() {
        permissions::write(writer, &permissions_address(&uid), &body)?;
    }
    context.session.made().insert(change.key.clone(), uid.clone());
    warnings.retain(|warning: &String| !warning.is_empty());
    let ids = object([("uid", json!(uid)), ("id", folder["id"].clone()), ("url", folder["url"].clone())]);
    Ok(Applied { ids, answer: folder, warnings })
}

fn update(context: &Context<'_, FolderKind>, writer: Writer<'_>, change: &Change<Step>) -> Result<Applied> {
    let step = &change.step;
    let Some(found) = &step.found else { return Ok(Applied::default()) };
    let uid = &found.uid;
    let mut answer = Value::Null;
    let title_differs = step.title != found.title;
    let description_differs = step.description.is_some() && step.description != found.description;
    if title_differs || description_differs {
        // The title and the description are replaced together, and the version must fit (fact 26): so a
        // change that somebody else made meanwhile is a conflict, and the harness plans anew.
        let version = match found.version {
            Some(version) => version,
            None => read_version(*writer, found)?,
        };
        let description = step.description.as_ref().or(found.description.as_ref());
        let body = json!({"title": step.title, "description": description, "version": version});
        answer = ok(writer.put(&address(uid), &body)?)?.json()?;
    }
    let parent = target(context, step)?;
    if parent != found.parent {
        // A missing or empty parentUid moves to the root (fact 27): it is always written.
        answer = ok(writer.post(&format!("{}/move", address(uid)), &json!({"parentUid": parent}))?)?.json()?;
    }
    if let Some(body) = &step.permissions {
        permissions::write(writer, &permissions_address(uid), body)?;
    }
    Ok(Applied { ids: object([("uid", json!(uid)), ("url", answer["url"].clone())]), answer, warnings: Vec::new() })
}

fn delete(writer: Writer<'_>, step: &Step) -> Result<Applied> {
    let uid = step.uid.as_deref().unwrap_or_default();
    let force = if step.force { "?forceDeleteRules=true" } else { "" };
    // 404: somebody else, or the deletion of a folder above it, was faster.
    let answer = optional(writer.delete(&format!("{}{force}", address(uid)))?)?;
    let answer = answer.map_or(Value::Null, |answer| answer.value());
    Ok(Applied { ids: object([("uid", json!(uid))]), answer, warnings: Vec::new() })
}

/// The version of a folder where the list does not tell it (11.x). Read right before the write, so the
/// rest must be as it was planned from.
fn read_version(reader: Reader<'_>, planned: &Folder) -> Result<i64> {
    let now: Value = ok(reader.get(&address(&planned.uid))?)?.json()?;
    if now["title"] != planned.title.as_str() {
        return Err(Error::new(ErrorKind::Conflict, "somebody else changed its title meanwhile"));
    }
    Ok(now["version"].as_i64().unwrap_or(1))
}

/// The folder that a failed creation may have made all the same.
fn look_for(context: &Context<'_, FolderKind>, reader: Reader<'_>, step: &Step, parent: &str) -> Result<Option<Value>> {
    if let Some(uid) = &step.uid {
        return Ok(optional(reader.get(&address(uid))?)?.map(|answer| answer.value()));
    }
    let tree = FolderTree::read(reader, &context.session.session)?;
    Ok(tree.child(parent, &step.title)?.map(|folder| json!({"uid": folder.uid, "id": folder.id})))
}

/// What Grafana gives a new folder at the root; one in another folder has none of its own (fact 30).
fn by_default(session: &Session) -> Value {
    let mut items = vec![json!({"role": "Editor", "permission": 2}), json!({"role": "Viewer", "permission": 1})];
    if session.user_id > 0 {
        items.push(json!({"userId": session.user_id, "permission": 4}));
    }
    json!({"items": items})
}

/// The uid of the folder that it is to lie in.
fn target(context: &Context<'_, FolderKind>, step: &Step) -> Result<String> {
    match &step.place {
        Place::At(uid) => Ok(uid.clone()),
        Place::Made(key) => context.session.made().get(key).cloned().ok_or_else(|| {
            Error::new(ErrorKind::NotTried, "not tried, since the folder that it is to lie in was not made")
        }),
    }
}

/// Whether a declared folder may be this one.
fn is_about(options: &FolderOptions, folder: &Folder) -> bool {
    match options.uid.as_deref().filter(|uid| !uid.is_empty()) {
        Some(uid) => folder.uid == uid,
        None => folder.title == plan::name(options),
    }
}

fn count(reader: Reader<'_>, uid: &str) -> Result<Contents> {
    let counts: Value = ok(reader.get(&format!("{}/counts", address(uid)))?)?.json()?;
    let number = |key: &str| counts[key].as_u64().unwrap_or(0);
    Ok(Contents {
        dashboards: number("dashboard"),
        alert_rules: number("alertrule"),
        library_panels: number("librarypanel"),
    })
}

/// Why a uid cannot be one; the same in 11.5 and 12.4 (facts 23, 60).
fn illegal(uid: &str) -> Option<String> {
    if uid.len() > 40 {
        return Some(format!("has {} characters, and at most 40 are possible", uid.len()));
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
