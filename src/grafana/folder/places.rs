//! Where folders are to lie: places named by uid, by path, or by what the same task makes.

use serde_json::{Value, json};

use super::{
    Step,
    options::{FolderOptions, State},
    plan::{Planner, name},
};
use crate::{
    grafana::folder_tree::{Folder, titles},
    module::{Action, Change, Error, ErrorKind, Result},
};

/// Where a folder is to lie.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// In the folder of that uid; empty for the root.
    At(String),
    /// In a folder that this task makes: the key of its change.
    Made(String),
}

impl Planner<'_> {
    /// Folders that are made, renamed or moved can be named as parents by where they will be.
    pub(super) fn remember(&mut self, options: &FolderOptions, change: &Change<Step>) {
        let place = match (change.action, &change.step.found) {
            (Action::Create, _) => Place::Made(change.key.clone()),
            (Action::Update | Action::Move, Some(folder)) => Place::At(folder.uid.clone()),
            _ => return,
        };
        self.ranks.insert(change.key.clone(), change.rank);
        self.moved.insert(change.key.clone(), change.step.place.clone());
        if let Some(path) = self.declared_path(options, 0) {
            self.paths.insert(path, place);
        }
    }

    /// The titles from the root to where a folder is declared to be, if that can be told.
    pub(super) fn declared_path(&self, options: &FolderOptions, depth: usize) -> Option<Vec<String>> {
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
    pub(super) fn waits_for_another(&self, index: usize, waiting: &[usize]) -> bool {
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

    /// Where the folder is declared to lie; `None` when nothing is said of it.
    pub(super) fn place(&mut self, options: &FolderOptions) -> Result<Option<Place>> {
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

    pub(super) fn rank_below(&self, place: &Place) -> u32 {
        self.ranks.get(&key_of_place(place)).map_or(0, |rank| rank + 1)
    }

    /// The changes that must have succeeded before something is put into that place.
    pub(super) fn needs(&self, place: &Place) -> Vec<String> {
        let key = key_of_place(place);
        if self.ranks.contains_key(&key) { vec![key] } else { Vec::new() }
    }

    /// How a place is shown and compared: by path for the person, with the uid, which identifies it.
    pub(super) fn parent_text(&self, place: &Place) -> String {
        match place {
            Place::At(uid) if uid.is_empty() => String::new(),
            Place::At(uid) => match self.snapshot.tree.path_of(uid) {
                path if path.is_empty() => uid.clone(),
                path => format!("{path} ({uid})"),
            },
            Place::Made(key) => key.split_once(':').map_or(key.as_str(), |(_, rest)| rest).to_owned(),
        }
    }

    pub(super) fn key_of_new(&self, options: &FolderOptions) -> String {
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

pub(super) fn key_of_uid(uid: &str) -> String {
    format!("uid:{uid}")
}

pub(super) fn key_of_path(titles: &[String]) -> String {
    format!("path:{}", titles.join("/"))
}

pub(super) fn key_of_place(place: &Place) -> String {
    match place {
        Place::Made(key) => key.clone(),
        Place::At(uid) => key_of_uid(uid),
    }
}

pub(super) fn near<'f>(title: &str, siblings: impl Iterator<Item = &'f Folder>) -> String {
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
