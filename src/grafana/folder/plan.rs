//! Planning for folders: pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    FolderKind, Snapshot, Step,
    options::{FolderOptions, Prune, State},
    places::{Place, key_of_place, key_of_uid},
};
use crate::{
    grafana::folder_tree::{Folder, FolderTree, titles},
    module::{Action, Change, Context, Declared, Error, ErrorKind, Result, kind::object},
};

/// Deletions come after everything else, the deepest folder first.
const LAST: u32 = 1000;

/// One change for each declared folder, for each folder of a path that is to be made, and for each that
/// `prune` finds.
pub fn plan(context: &Context<'_, FolderKind>, snapshot: &Snapshot) -> Result<Vec<Change<Step>>> {
    Planner {
        snapshot,
        task: context,
        ranks: BTreeMap::new(),
        paths: BTreeMap::new(),
        moved: BTreeMap::new(),
        changes: Vec::new(),
    }
    .run()
}

/// A plan in the making.
pub(super) struct Planner<'r> {
    pub(super) task: &'r Context<'r, FolderKind>,
    pub(super) snapshot: &'r Snapshot,
    /// Key → rank of the folders that this plan makes, renames or moves.
    pub(super) ranks: BTreeMap<String, u32>,
    /// Where the folders of this plan will be: path → place for what lies in them.
    pub(super) paths: BTreeMap<Vec<String>, Place>,
    /// Where the folders that this plan moves will lie, by key.
    pub(super) moved: BTreeMap<String, Place>,
    pub(super) changes: Vec<Change<Step>>,
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
                let change = match self.one(*index, one) {
                    Ok(change) => change,
                    Err(error) => {
                        let error = if one.at.is_empty() { error } else { error.context(&one.at) };
                        self.task.refuse(*index, name(&one.options), error, Step::default())?
                    }
                };
                self.remember(&one.options, &change);
                planned.insert(*index, change);
            }
            forced = later.len() == waiting.len();
            waiting = later;
        }
        self.refuse_twice(&planned)?;
        self.keep_declared(&mut planned)?;
        let mut changes: Vec<Change<Step>> = planned.into_values().collect();
        changes.append(&mut self.changes);
        if let Some(prune) = &self.task.task.settings.prune {
            let pruned = self.pruned(prune, &changes)?;
            changes.extend(pruned);
        }
        Ok(changes)
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
        self.refuse_general(title)?;
        let (mut permissions, mut warning) = (None, None);
        if let Some(grants) = &options.permissions {
            after["permissions"] = self.snapshot.subjects.declared(grants)?;
            permissions = Some(self.snapshot.subjects.body(grants));
            warning = self.snapshot.subjects.warning(grants);
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
        change.warnings.extend(warning);
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
                && within(tree, &self.moved, &place, &folder.uid)
            {
                // Grafana answers 500 to a cycle (fact 25).
                return Err(Error::bad_options(format!("it cannot lie in {}, which lies in it", tree.place(parent))));
            }
            before["parent"] = json!(self.parent_text(&Place::At(folder.parent.clone())));
            after["parent"] = json!(self.parent_text(&place));
            step.place = place;
        }
        let mut warning = None;
        if let (Some(grants), Some(held)) = (&options.permissions, self.snapshot.permissions.get(&folder.uid)) {
            let declared = self.snapshot.subjects.declared(grants)?;
            if declared != held.compared {
                warning = self.snapshot.subjects.warning(grants);
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
        if differs("title") {
            self.refuse_general(name(options))?;
        }
        let rank = self.rank_below(&step.place);
        let needs = self.needs(&step.place);
        let mut ids = ids(folder);
        match &step.place {
            Place::At(parent) if parent.is_empty() => ids.remove("parentUid"),
            Place::At(parent) => ids.insert("parentUid".to_owned(), json!(parent)),
            // Known once the parent is made.
            Place::Made(_) => ids.remove("parentUid"),
        };
        let mut change = Change::new(Some(index), name(options), action, before, after, step).at_rank(rank);
        change.key = key_of_uid(&folder.uid);
        change.needs = needs;
        change.ids = ids;
        change.warnings.extend(warning);
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
                // What this task makes holds only what it declares.
                _ if self.paths.contains_key(&titles(path)) => return Ok(Vec::new()),
                (uid, missing) => {
                    let missing = missing.first().map_or("", String::as_str);
                    return Err(Error::new(
                        ErrorKind::NotFound,
                        format!("prune: its parent `{path}` is not there: `{missing}` is not in {}", tree.place(&uid)),
                    )
                    .hint("nothing was changed; take `prune` out if there is nothing left to prune"));
                }
            },
            (_, Some(uid)) if uid.is_empty() || tree.get(uid).is_some() => Some(uid.clone()),
            (_, Some(uid)) if self.ranks.contains_key(&key_of_uid(uid)) => return Ok(Vec::new()),
            (_, Some(uid)) => {
                return Err(Error::new(ErrorKind::NotFound, format!("prune: there is no folder with the uid `{uid}`"))
                    .hint("nothing was changed; take `prune` out if there is nothing left to prune"));
            }
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

    /// Refuses deletions that would take a declared folder with them. They come last, so what this plan moves
    /// out of the folder is out by then; where that fails, the deletion is not tried.
    fn keep_declared(&self, planned: &mut BTreeMap<usize, Change<Step>>) -> Result<()> {
        let tree = &self.snapshot.tree;
        let deleted: Vec<(usize, Folder)> = planned
            .iter()
            .filter(|(_, change)| change.action == Action::Delete)
            .filter_map(|(index, change)| Some((*index, change.step.found.clone()?)))
            .collect();
        for (index, folder) in deleted {
            let at = |index: usize| &self.task.task.declared[index].at;
            let places = self.places(planned);
            let kept = planned.iter().find(|(_, change)| {
                change.action != Action::Delete
                    && change.step.is_present()
                    && within(tree, &places, &change.step.place, &folder.uid)
            });
            // One that could not be planned stays where it is.
            let unplanned = || {
                planned.iter().find(|(index, change)| {
                    let options = &self.task.task.declared[**index].options;
                    let uid = options.uid.as_deref().unwrap_or_default();
                    change.refused.is_some()
                        && options.state != Some(State::Absent)
                        && within(tree, &places, &Place::At(uid.to_owned()), &folder.uid)
                })
            };
            if let Some((other, change)) = kept.or_else(unplanned) {
                let error = Error::bad_options(format!(
                    "{}: folder `{}` is not deleted, since `{}`, which {} declares present, lies in it",
                    at(index),
                    tree.path_of(&folder.uid),
                    change.name,
                    at(*other)
                ))
                .hint("it would be deleted too; give it another `parent`, or declare it absent");
                let refused = self.task.refuse(index, &folder.title, error, Step::default())?;
                planned.insert(index, refused);
                continue;
            }
            let moved_out: Vec<String> = planned
                .values()
                .filter(|change| matches!(change.action, Action::Update | Action::Move))
                .filter(|change| change.step.uid.as_deref().is_some_and(|uid| tree.is_within(uid, &folder.uid)))
                .map(|change| change.key.clone())
                .collect();
            if let Some(change) = planned.get_mut(&index) {
                change.needs.extend(moved_out);
            }
        }
        Ok(())
    }

    /// Where folders lie once this plan is carried out, by key; those that are not in it stay.
    fn places(&self, planned: &BTreeMap<usize, Change<Step>>) -> BTreeMap<String, Place> {
        planned
            .values()
            .chain(&self.changes)
            .filter(|change| change.step.is_present() && change.action != Action::Delete)
            .map(|change| (change.key.clone(), change.step.place.clone()))
            .collect()
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
        // By its title alone neither of them could be found again.
        let mut titles: BTreeMap<(String, &str), usize> = BTreeMap::new();
        let present = |change: &Change<Step>| change.step.is_present() && change.action != Action::Delete;
        for (index, change) in planned.iter().filter(|(_, change)| present(change)) {
            let by_uid = |index: usize| {
                let uid = &self.task.task.declared[index].options.uid;
                uid.as_ref().is_some_and(|uid| !uid.is_empty())
            };
            let end = (key_of_place(&change.step.place), change.step.title.as_str());
            if let Some(first) = titles.insert(end, *index)
                && !(by_uid(first) && by_uid(*index))
            {
                let at = |index: usize| &self.task.task.declared[index].at;
                return Err(Error::bad_options(format!(
                    "{} and {} declare a folder `{}` in the same place, and one of them has no uid",
                    at(first),
                    at(*index),
                    change.name
                ))
                .hint("titles are not unique in Grafana; give both a `uid`, or declare it once"));
            }
        }
        Ok(())
    }

    /// 11.x has a folder of that name of its own (fact 60). It is told by its list without descriptions.
    fn refuse_general(&self, title: &str) -> Result<()> {
        if self.snapshot.tree.shows_descriptions() || !title.eq_ignore_ascii_case("general") {
            return Ok(());
        }
        Err(Error::bad_options(format!("folder `{title}`: Grafana before 12 has a folder of this name itself"))
            .hint("take another title; what lies in no folder is in that one already"))
    }

    fn warn_of_description(&self, options: &FolderOptions, change: &mut Change<Step>) {
        if options.description.is_some() && !self.snapshot.tree.shows_descriptions() {
            change
                .warnings
                .push("this version of Grafana does not show descriptions, so it was not compared".to_owned());
        }
    }
}

/// Whether a place is that folder or lies in it, once the plan is carried out.
fn within(tree: &FolderTree, places: &BTreeMap<String, Place>, place: &Place, ancestor: &str) -> bool {
    let mut here = place.clone();
    // Moves could make a circle, which Grafana refuses; the search for its end has one.
    for _ in 0..=places.len() + tree.all().count() {
        let next = match &here {
            Place::At(uid) if uid == ancestor => return true,
            place => places.get(&key_of_place(place)).cloned(),
        };
        here = match (next, &here) {
            (Some(next), _) => next,
            (None, Place::At(uid)) => match tree.get(uid) {
                Some(folder) => Place::At(folder.parent.clone()),
                None => return false,
            },
            (None, Place::Made(_)) => return false,
        };
    }
    false
}

/// The declared title, as Grafana keeps it.
pub fn name(options: &FolderOptions) -> &str {
    options.name.as_deref().unwrap_or_default().trim()
}

fn ids(folder: &Folder) -> crate::module::Object {
    let parent = if folder.parent.is_empty() { Value::Null } else { json!(folder.parent) };
    object([("uid", json!(folder.uid)), ("id", json!(folder.id)), ("parentUid", parent)])
}
