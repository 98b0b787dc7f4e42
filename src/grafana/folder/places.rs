//! Where folders are to lie: places named by uid, by path, or by what the same task makes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Step,
    options::{FolderOptions, State},
    plan::{Planner, name},
};
use crate::{
    grafana::folder_tree::{Folder, joined, titles},
    module::{Action, Change, Error, ErrorKind, Result},
};

/// A chain of parents longer than this is a circle: Grafana nests folders less deep.
const DEEPEST: usize = 32;

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
    pub(super) fn remember(&mut self, change: &Change<Step>) {
        let own = match (change.action, &change.step.found) {
            (Action::Create, _) => Place::Made(change.key.clone()),
            (Action::Update | Action::Move, Some(folder)) => Place::At(folder.uid.clone()),
            _ => return,
        };
        let end = (key_of_place(&change.step.place), change.step.title.clone());
        self.inside.entry(end).or_default().push(own);
        self.ranks.insert(change.key.clone(), change.rank);
        self.moved.insert(change.key.clone(), change.step.place.clone());
    }

    /// The titles from the root to where a folder is declared to be, if that can be told.
    pub(super) fn declared_path(&self, options: &FolderOptions, depth: usize) -> Option<Vec<String>> {
        let mut path = match (&options.parent, &options.parent_uid) {
            (Some(path), _) => titles(path),
            (_, Some(uid)) => self.path_to_be(uid, depth)?,
            _ => {
                let here = options.uid.as_deref().and_then(|uid| self.snapshot.tree.get(uid));
                self.path_to_be(here.map_or("", |folder| &folder.parent), depth)?
            }
        };
        path.push(name(options).to_owned());
        Some(path)
    }

    /// The titles from the root down to a folder once all is as declared; empty for the root.
    fn path_to_be(&self, uid: &str, depth: usize) -> Option<Vec<String>> {
        if uid.is_empty() {
            return Some(Vec::new());
        }
        if depth > DEEPEST {
            return None;
        }
        if let Some(index) = self.by_uid.get(uid) {
            return self.declared_path(self.options(*index), depth + 1);
        }
        let folder = self.snapshot.tree.get(uid)?;
        let mut path = self.path_to_be(&folder.parent, depth + 1)?;
        path.push(folder.title.clone());
        Some(path)
    }

    /// Whether another object of this task, by its uid, takes a folder away from its title or place: what
    /// looks for that title there does not mean this folder.
    pub(super) fn leaves(&self, folder: &Folder, index: Option<usize>) -> bool {
        let Some(other) = self.by_uid.get(folder.uid.as_str()).filter(|other| Some(**other) != index) else {
            return false;
        };
        let options = self.options(*other);
        name(options) != folder.title
            || match (&options.parent, &options.parent_uid) {
                (Some(path), _) => self.path_to_be(&folder.parent, 0) != Some(titles(path)),
                (_, Some(uid)) => *uid != folder.parent,
                _ => false,
            }
    }

    /// Whether the parent that a folder names by path or uid is itself still to be planned.
    pub(super) fn waits_for_another(&self, index: usize, waiting: &BTreeSet<usize>) -> bool {
        let options = self.options(index);
        let waits = |other: &usize| *other != index && waiting.contains(other);
        match (&options.parent, options.parent_uid.as_deref()) {
            (Some(path), _) => {
                let path = titles(path);
                (1..=path.len()).any(|length| self.by_path.get(&path[..length]).into_iter().flatten().any(waits))
            }
            (_, Some(uid)) => self.by_uid.get(uid).is_some_and(waits),
            _ => false,
        }
    }

    /// The folder of a title in a place, among those that are there and those that this plan puts there.
    fn inside(&self, here: &Place, title: &str, index: Option<usize>) -> Result<Option<Place>> {
        let mut found = self.inside.get(&(key_of_place(here), title.to_owned())).cloned().unwrap_or_default();
        if let Place::At(parent) = here {
            let there = self.snapshot.tree.children(parent).filter(|folder| folder.title == title);
            for folder in there.filter(|folder| !self.leaves(folder, index)) {
                let place = Place::At(folder.uid.clone());
                if !found.contains(&place) {
                    found.push(place);
                }
            }
        }
        if found.len() > 1 {
            let uids = found.iter().map(|place| match place {
                Place::At(uid) => uid.clone(),
                Place::Made(key) => key.strip_prefix("uid:").unwrap_or("a new one").to_owned(),
            });
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("{} folders have the title `{title}`: {}", found.len(), uids.collect::<Vec<_>>().join(", ")),
            )
            .hint("titles are not unique in Grafana; say which one by its uid, as `parent_uid` or `uid`"));
        }
        Ok(found.pop())
    }

    /// How far a path of titles leads once this plan is carried out: the place, and the titles that are
    /// missing in it.
    pub(super) fn walk<'p>(&self, path: &'p [String], index: Option<usize>) -> Result<(Place, &'p [String])> {
        let mut here = Place::At(String::new());
        for (depth, title) in path.iter().enumerate() {
            match self.inside(&here, title, index)? {
                Some(next) => here = next,
                None => return Ok((here, &path[depth..])),
            }
        }
        Ok((here, &[]))
    }

    /// Where the folder is declared to lie; `None` when nothing is said of it.
    pub(super) fn place(&mut self, index: usize) -> Result<Option<Place>> {
        let options = &self.task.task.declared[index].options;
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
        let (mut place, missing) = self.walk(&path, Some(index))?;
        for (depth, title) in missing.iter().enumerate() {
            let here = &path[..path.len() - missing.len() + depth + 1];
            if options.create_parents != Some(true) {
                let uid = if let Place::At(uid) = &place { uid.as_str() } else { "" };
                let at = match here {
                    [_] => "the root".to_owned(),
                    [above @ .., _] => format!("`{}`", joined(above)),
                    [] => String::new(),
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
            change.key = key_of_path(here);
            change.needs = self.needs(&place);
            place = Place::Made(change.key.clone());
            self.remember(&change);
            self.changes.push(change);
        }
        Ok(Some(place))
    }

    /// The keys of a place and of all above it, once the plan is carried out.
    pub(super) fn above(&self, place: &Place) -> Vec<String> {
        let mut keys = Vec::new();
        let mut here = place.clone();
        loop {
            let key = key_of_place(&here);
            // Moves could make a circle, which Grafana refuses.
            if here == Place::At(String::new()) || keys.contains(&key) {
                return keys;
            }
            let next = match (self.moved.get(&key), &here) {
                (Some(place), _) => Some(place.clone()),
                (None, Place::At(uid)) => self.snapshot.tree.get(uid).map(|folder| Place::At(folder.parent.clone())),
                (None, Place::Made(_)) => None,
            };
            keys.push(key);
            match next {
                Some(next) => here = next,
                None => return keys,
            }
        }
    }

    pub(super) fn options(&self, index: usize) -> &FolderOptions {
        &self.task.task.declared[index].options
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

    /// Learns where the declared folders will be, once and before anything is planned.
    pub(super) fn learn_paths(&mut self) {
        let declared = &self.task.task.declared;
        let present = || {
            declared
                .iter()
                .enumerate()
                .map(|(index, one)| (index, &one.options))
                .filter(|(_, options)| options.state != Some(State::Absent))
        };
        self.by_uid = present()
            .filter_map(|(index, options)| Some((options.uid.as_deref().filter(|uid| !uid.is_empty())?, index)))
            .collect();
        for (index, options) in present() {
            if let Some(path) = self.declared_path(options, 0) {
                self.by_path.entry(path).or_default().push(index);
            }
        }
    }
}

pub(super) fn key_of_new(options: &FolderOptions) -> String {
    match (&options.parent, &options.parent_uid) {
        (_, Some(parent)) if !parent.is_empty() => format!("in {parent}:{}", name(options)),
        (path, _) => {
            let mut full = titles(path.as_deref().unwrap_or_default());
            full.push(name(options).to_owned());
            key_of_path(&full)
        }
    }
}

pub(super) fn key_of_uid(uid: &str) -> String {
    format!("uid:{uid}")
}

fn key_of_path(titles: &[String]) -> String {
    format!("path:{}", joined(titles))
}

pub(super) fn key_of_place(place: &Place) -> String {
    match place {
        Place::Made(key) => key.clone(),
        Place::At(uid) => key_of_uid(uid),
    }
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
