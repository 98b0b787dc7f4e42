//! Planning for folders: pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    FolderKind, Snapshot, Step,
    options::{FolderOptions, Prune, State},
};
use crate::{
    grafana::folder_tree::{Folder, titles},
    module::{Action, Change, Context, Declared, Error, ErrorKind, Result, kind::object},
};

/// Where a folder is to lie.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// In the folder of that uid; empty for the root.
    At(String),
    /// In a folder that this task makes: the key of its change.
    Made(String),
}

/// Deletions come after everything else, the deepest folder first.
const LAST: u32 = 1000;

/// One change for each declared folder, for each folder of a path that is to be made, and for each that
/// `prune` finds.
pub fn plan(context: &Context<'_, FolderKind>, snapshot: &Snapshot) -> Result<Vec<Change<Step>>> {
    Planner { snapshot, task: context, ranks: BTreeMap::new(), paths: BTreeMap::new(), changes: Vec::new() }.run()
}

struct Planner<'r> {
    task: &'r Context<'r, FolderKind>,
    snapshot: &'r Snapshot,
    /// Key → rank of the folders that this plan makes, renames or moves.
    ranks: BTreeMap<String, u32>,
    /// Where the folders of this plan will be: path → place for what lies in them.
    paths: BTreeMap<Vec<String>, Place>,
    changes: Vec<Change<Step>>,
}

impl<'r> Planner<'r> {
    fn run(mut self) -> Result<Vec<Change<Step>>> {
        let declared = &self.task.task.declared;
        // A folder may be declared before the one that it lies in: those that wait go round again.
        let mut waiting: Vec<usize> = (0..declared.len()).collect();
        let mut planned: BTreeMap<usize, Change<Step>> = BTreeMap::new();
        let mut forced = false;
        while !waiting.is_empty() {
            let mut later = Vec::new();
            for index in &waiting {
                let one = &declared[*index];
                if !forced && self.waits_for_another(*index, &waiting) {
                    later.push(*index);
                    continue;
                }
                let change = self.one(*index, one).map_err(|error| match one.at.as_str() {
                    "" => error,
                    at => error.context(at),
                })?;
                self.remember(&one.options, &change);
                planned.insert(*index, change);
            }
            forced = later.len() == waiting.len();
            waiting = later;
        }
        self.refuse_twice(&planned)?;
        let mut changes: Vec<Change<Step>> = planned.into_values().collect();
        changes.append(&mut self.changes);
        if let Some(prune) = &self.task.task.settings.prune {
            let pruned = self.pruned(prune, &changes)?;
            changes.extend(pruned);
        }
        Ok(changes)
    }

    /// Folders that are made, renamed or moved can be named as parents by where they will be.
    fn remember(&mut self, options: &FolderOptions, change: &Change<Step>) {
        let place = match (change.action, &change.step.found) {
            (Action::Create, _) => Place::Made(change.key.clone()),
            (Action::Update | Action::Move, Some(folder)) => Place::At(folder.uid.clone()),
            _ => return,
        };
        self.ranks.insert(change.key.clone(), change.rank);
        if let Some(path) = self.declared_path(options, 0) {
            self.paths.insert(path, place);
        }
    }

    /// The titles from the root to where a folder is declared to be, if that can be told.
    fn declared_path(&self, options: &FolderOptions, depth: usize) -> Option<Vec<String>> {
        let tree = &self.snapshot.tree;
        let declared = &self.task.task.declared;
        let mut path = match (&options.parent, &options.parent_uid) {
            (Some(path), _) => titles(path),
            (_, Some(uid)) if uid.is_empty() => Vec::new(),
            (_, Some(uid)) => {
                let other = declared.iter().find(|other| other.options.uid.as_deref() == Some(uid));
                match other {
                    Some(other) if depth <= declared.len() => self.declared_path(&other.options, depth + 1)?,
                    _ => titles(&tree.path_of(tree.get(uid)?.uid.as_str())),
                }
            }
            _ => {
                let here = options.uid.as_deref().and_then(|uid| tree.get(uid)).map(|folder| folder.parent.as_str());
                titles(&tree.path_of(here.unwrap_or_default()))
            }
        };
        path.push(name(options).to_owned());
        Some(path)
    }

    /// Whether the parent that a folder names by path or uid is itself still to be planned.
    fn waits_for_another(&self, index: usize, waiting: &[usize]) -> bool {
        let options = &self.task.task.declared[index].options;
        let mut others =
            waiting.iter().filter(|other| **other != index).map(|other| &self.task.task.declared[*other].options);
        match (&options.parent, options.parent_uid.as_deref()) {
            (Some(path), _) => {
                let path = titles(path);
                others.any(|other| {
                    other.state != Some(State::Absent)
                        && self.declared_path(other, 0).is_some_and(|other| path.starts_with(&other))
                })
            }
            (_, Some(uid)) if !uid.is_empty() => others.any(|other| other.uid.as_deref() == Some(uid)),
            _ => false,
        }
    }

    fn one(&mut self, index: usize, declared: &Declared<FolderOptions>) -> Result<Change<Step>> {
        let options = &declared.options;
        let title = name(options);
        if options.state == Some(State::Absent) {
            return self.absent(index, options);
        }
        let place = self.place(options)?;
        let found = self.find(options, &place)?;
        match found {
            None => self.create(index, options, place.unwrap_or(Place::At(String::new()))),
            Some(folder) => self.update(index, options, folder, place),
        }
        .map_err(|error| error.context(format_args!("folder `{title}`")))
    }

    /// Where the folder is declared to lie; `None` when nothing is said of it.
    fn place(&mut self, options: &FolderOptions) -> Result<Option<Place>> {
        if let Some(uid) = &options.parent_uid {
            if uid.is_empty() || self.snapshot.tree.get(uid).is_some() {
                return Ok(Some(Place::At(uid.clone())));
            }
            let key = key_of_uid(uid);
            if self.ranks.contains_key(&key) {
                return Ok(Some(Place::Made(key)));
            }
            // Grafana 12 takes an unknown parent and hides the folder from every list (fact 24).
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("folder `{}`: there is no folder with the uid `{uid}` to lie in", name(options)),
            )
            .hint("make the parent first, or declare it in the same list"));
        }
        let Some(path) = &options.parent else { return Ok(None) };
        let path = titles(path);
        // The longest part of the path that this plan makes or renames, else what is there already.
        let planned = (1..=path.len()).rev().find_map(|length| Some((length, self.paths.get(&path[..length])?)));
        let (mut place, missing) = match planned {
            Some((length, place)) => (place.clone(), &path[length..]),
            None => {
                let (uid, missing) = self.snapshot.tree.walk(&path)?;
                (Place::At(uid), missing)
            }
        };
        for (depth, title) in missing.iter().enumerate() {
            let here = &path[..path.len() - missing.len() + depth + 1];
            let key = key_of_path(here);
            if options.create_parents != Some(true) {
                let uid = if let Place::At(uid) = &place { uid.as_str() } else { "" };
                let at = if here.len() == 1 {
                    "the root".to_owned()
                } else {
                    format!("`{}`", here[..here.len() - 1].join("/"))
                };
                return Err(Error::new(
                    ErrorKind::NotFound,
                    format!("folder `{}`: its parent `{title}` is not in {at}", name(options)),
                )
                .hint(near(title, self.snapshot.tree.children(uid))));
            }
            let rank = self.rank_below(&place);
            let after = json!({"title": title, "parent": self.parent_text(&place)});
            let step = Step { uid: None, title: title.clone(), place: place.clone(), ..Step::default() };
            let mut change = Change::new(None, title.clone(), Action::Create, Value::Null, after, step).at_rank(rank);
            change.key.clone_from(&key);
            change.needs = self.needs(&place);
            self.ranks.insert(key.clone(), rank);
            self.paths.insert(here.to_vec(), Place::Made(key.clone()));
            self.changes.push(change);
            place = Place::Made(key);
        }
        Ok(Some(place))
    }

    fn find(&self, options: &FolderOptions, place: &Option<Place>) -> Result<Option<&'r Folder>> {
        if let Some(uid) = options.uid.as_deref().filter(|uid| !uid.is_empty()) {
            return Ok(self.snapshot.tree.get(uid));
        }
        match place {
            None => self.snapshot.tree.child("", name(options)),
            Some(Place::At(parent)) => self.snapshot.tree.child(parent, name(options)),
            Some(Place::Made(_)) => Ok(None),
        }
    }

    fn create(&self, index: usize, options: &FolderOptions, place: Place) -> Result<Change<Step>> {
        let title = name(options);
        let uid = options.uid.clone().filter(|uid| !uid.is_empty());
        let mut after = json!({"title": title, "parent": self.parent_text(&place)});
        if let Some(uid) = &uid {
            after["uid"] = json!(uid);
        }
        if let Some(text) = &options.description {
            after["description"] = json!(text);
        }
        let mut permissions = None;
        if let Some(grants) = &options.permissions {
            after["permissions"] = self.snapshot.subjects.declared(grants);
            permissions = Some(self.snapshot.subjects.body(grants));
        }
        let rank = self.rank_below(&place);
        let needs = self.needs(&place);
        let key = match &uid {
            Some(uid) => key_of_uid(uid),
            None => self.key_of_new(options),
        };
        let step = Step {
            uid: uid.clone(),
            title: title.to_owned(),
            description: options.description.clone(),
            place,
            permissions,
            ..Step::default()
        };
        let mut change = Change::new(Some(index), title, Action::Create, Value::Null, after, step).at_rank(rank);
        change.needs = needs;
        change.key = key;
        if let Some(uid) = uid {
            change = change.with_id("uid", uid);
        }
        self.warn_of_description(options, &mut change);
        Ok(change)
    }

    fn update(
        &self,
        index: usize,
        options: &FolderOptions,
        folder: &Folder,
        place: Option<Place>,
    ) -> Result<Change<Step>> {
        let tree = &self.snapshot.tree;
        let mut before = json!({"title": folder.title});
        let mut after = json!({"title": name(options)});
        let mut step = Step {
            uid: Some(folder.uid.clone()),
            title: name(options).to_owned(),
            found: Some(folder.clone()),
            place: Place::At(folder.parent.clone()),
            ..Step::default()
        };
        if let (Some(text), Some(is)) = (&options.description, &folder.description) {
            before["description"] = json!(is);
            after["description"] = json!(text);
            step.description = Some(text.clone());
        }
        if let Some(place) = place {
            if let Place::At(parent) = &place
                && *parent != folder.parent
                && tree.is_within(parent, &folder.uid)
            {
                // Grafana answers 500 to a cycle (fact 25).
                return Err(Error::bad_options(format!("it cannot lie in {}, which lies in it", tree.place(parent))));
            }
            before["parent"] = json!(self.parent_text(&Place::At(folder.parent.clone())));
            after["parent"] = json!(self.parent_text(&place));
            step.place = place;
        }
        if let (Some(grants), Some(held)) = (&options.permissions, self.snapshot.permissions.get(&folder.uid)) {
            let declared = self.snapshot.subjects.declared(grants);
            if declared != held.compared {
                step.permissions = Some(self.snapshot.subjects.body(grants));
                step.permissions_before = Some(held.body.clone());
            }
            before["permissions"] = held.compared.clone();
            after["permissions"] = declared;
        }
        let differs = |key: &str| before[key] != after[key];
        let action = if differs("title") || differs("description") || differs("permissions") {
            Action::Update
        } else if differs("parent") {
            Action::Move
        } else {
            Action::Unchanged
        };
        if action != Action::Unchanged
            && let Some(manager) = &folder.managed_by
        {
            return Err(Error::new(ErrorKind::Rejected, format!("it is managed by {manager}"))
                .hint("change it where it is managed, or take it out of this task"));
        }
        let rank = self.rank_below(&step.place);
        let needs = self.needs(&step.place);
        let mut change = Change::new(Some(index), name(options), action, before, after, step).at_rank(rank);
        change.key = key_of_uid(&folder.uid);
        change.needs = needs;
        change.ids = ids(folder);
        self.warn_of_description(options, &mut change);
        Ok(change)
    }

    fn absent(&mut self, index: usize, options: &FolderOptions) -> Result<Change<Step>> {
        let title = name(options);
        // A parent that is not there holds nothing: the folder is absent.
        let found = match (&options.uid, &options.parent_uid, &options.parent) {
            (Some(uid), _, _) if !uid.is_empty() => self.snapshot.tree.get(uid),
            (_, Some(parent), _) => self.snapshot.tree.child(parent, title)?,
            (_, _, Some(path)) => {
                let path = titles(path);
                match self.snapshot.tree.walk(&path)? {
                    (parent, []) => self.snapshot.tree.child(&parent, title)?,
                    _ => None,
                }
            }
            _ => self.snapshot.tree.child("", title)?,
        };
        match found {
            None => Ok(Change::new(Some(index), title, Action::Unchanged, Value::Null, Value::Null, Step::default())),
            Some(folder) => self.delete(Some(index), folder, options.force == Some(true)),
        }
    }

    fn delete(&self, index: Option<usize>, folder: &Folder, force: bool) -> Result<Change<Step>> {
        let contents = self.snapshot.contents.get(&folder.uid).cloned().unwrap_or_default();
        let held = contents.told();
        if !held.is_empty() && !force {
            return Err(Error::new(
                ErrorKind::Rejected,
                format!("folder `{}` is not deleted, since it holds {held}", self.snapshot.tree.path_of(&folder.uid)),
            )
            .hint("they would be deleted with it, in all folders below; set `force: true` if that is what you want"));
        }
        let mut before = json!({
            "title": folder.title,
            "uid": folder.uid,
            "parent": self.parent_text(&Place::At(folder.parent.clone())),
        });
        if !held.is_empty() {
            before["holds"] = json!(held);
        }
        let below: Vec<String> = self
            .snapshot
            .tree
            .all()
            .filter(|other| other.uid != folder.uid && self.snapshot.tree.is_within(&other.uid, &folder.uid))
            .map(|other| other.title.clone())
            .collect();
        if !below.is_empty() {
            before["folders"] = json!(below);
        }
        let step = Step {
            uid: Some(folder.uid.clone()),
            title: folder.title.clone(),
            found: Some(folder.clone()),
            place: Place::At(folder.parent.clone()),
            permissions_before: self.snapshot.permissions.get(&folder.uid).map(|held| held.body.clone()),
            force,
            lost: if below.is_empty() { held } else { format!("{held} folders {}", below.join(", ")) },
            ..Step::default()
        };
        let rank = LAST + (LAST - self.snapshot.tree.depth(&folder.uid).min(LAST));
        let mut change =
            Change::new(index, folder.title.clone(), Action::Delete, before, Value::Null, step).at_rank(rank);
        change.key = key_of_uid(&folder.uid);
        change.ids = ids(folder);
        Ok(change)
    }

    fn pruned(&self, prune: &Prune, planned: &[Change<Step>]) -> Result<Vec<Change<Step>>> {
        let tree = &self.snapshot.tree;
        let parent = match (&prune.parent, &prune.parent_uid) {
            (Some(path), _) => match tree.walk(&titles(path))? {
                (uid, []) => Some(uid),
                _ => return Ok(Vec::new()),
            },
            (_, Some(uid)) => Some(uid.clone()),
            _ => None,
        };
        let kept: BTreeSet<&str> = planned.iter().filter_map(|change| change.step.uid.as_deref()).collect();
        let prefix = prune.name_prefix.as_deref().unwrap_or_default();
        let mut changes = Vec::new();
        for folder in tree.all() {
            let in_scope =
                parent.as_ref().is_none_or(|parent| folder.parent == *parent) && folder.title.starts_with(prefix);
            let holds_kept = kept.iter().any(|uid| tree.is_within(uid, &folder.uid));
            let holds_new = planned.iter().any(|change| {
                matches!(&change.step.place, Place::At(uid) if change.action != Action::Delete && !uid.is_empty() && tree.is_within(uid, &folder.uid))
            });
            let empty = self.snapshot.contents.get(&folder.uid).is_some_and(|contents| contents.told().is_empty());
            let childless = tree.children(&folder.uid).next().is_none();
            if in_scope && !holds_kept && !holds_new && empty && childless && folder.managed_by.is_none() {
                changes.push(self.delete(None, folder, false)?);
            }
        }
        Ok(changes)
    }

    fn refuse_twice(&self, planned: &BTreeMap<usize, Change<Step>>) -> Result<()> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, change) in planned.iter().filter(|(_, change)| !change.key.is_empty()) {
            if let Some(first) = seen.insert(&change.key, *index) {
                let at = |index: usize| &self.task.task.declared[index].at;
                return Err(Error::bad_options(format!(
                    "{} and {} declare the same folder `{}`",
                    at(first),
                    at(*index),
                    change.name
                )));
            }
        }
        Ok(())
    }

    fn warn_of_description(&self, options: &FolderOptions, change: &mut Change<Step>) {
        if options.description.is_some() && !self.task.session.at_least(12) {
            change
                .warnings
                .push("this version of Grafana does not show descriptions, so it was not compared".to_owned());
        }
    }

    fn rank_below(&self, place: &Place) -> u32 {
        self.ranks.get(&key_of_place(place)).map_or(0, |rank| rank + 1)
    }

    /// The changes that must have succeeded before something is put into that place.
    fn needs(&self, place: &Place) -> Vec<String> {
        let key = key_of_place(place);
        if self.ranks.contains_key(&key) { vec![key] } else { Vec::new() }
    }

    /// How a place is shown and compared: by path for the person, with the uid, which identifies it.
    fn parent_text(&self, place: &Place) -> String {
        match place {
            Place::At(uid) if uid.is_empty() => String::new(),
            Place::At(uid) => match self.snapshot.tree.path_of(uid) {
                path if path.is_empty() => uid.clone(),
                path => format!("{path} ({uid})"),
            },
            Place::Made(key) => key.split_once(':').map_or(key.as_str(), |(_, rest)| rest).to_owned(),
        }
    }

    fn key_of_new(&self, options: &FolderOptions) -> String {
        match (&options.parent, &options.parent_uid) {
            (_, Some(parent)) if !parent.is_empty() => format!("in {parent}:{}", name(options)),
            (path, _) => {
                let mut full = titles(path.as_deref().unwrap_or_default());
                full.push(name(options).to_owned());
                key_of_path(&full)
            }
        }
    }
}

/// The declared title, as Grafana keeps it.
pub fn name(options: &FolderOptions) -> &str {
    options.name.as_deref().unwrap_or_default().trim()
}

fn key_of_uid(uid: &str) -> String {
    format!("uid:{uid}")
}

fn key_of_path(titles: &[String]) -> String {
    format!("path:{}", titles.join("/"))
}

fn key_of_place(place: &Place) -> String {
    match place {
        Place::Made(key) => key.clone(),
        Place::At(uid) => key_of_uid(uid),
    }
}

fn ids(folder: &Folder) -> crate::module::Object {
    let parent = if folder.parent.is_empty() { Value::Null } else { json!(folder.parent) };
    object([("uid", json!(folder.uid)), ("id", json!(folder.id)), ("parentUid", parent)])
}

fn near<'f>(title: &str, siblings: impl Iterator<Item = &'f Folder>) -> String {
    let nearest = siblings
        .map(|folder| (strsim::jaro_winkler(title, &folder.title), &folder.title))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let make = "set `create_parents: true` to make it, or declare it in the same list";
    match nearest {
        Some((_, near)) => format!("did you mean `{near}`? Otherwise {make}"),
        None => make.to_owned(),
    }
}
