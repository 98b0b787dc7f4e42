//! Planning for folders: pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    FolderKind, Snapshot, Step,
    options::{FolderOptions, State},
    places::{Place, key_of_new, key_of_place, key_of_uid},
};
use crate::{
    grafana::folder_tree::Folder,
    module::{Action, Change, Context, Error, ErrorKind, Result, kind::object},
};

/// One change for each declared folder, for each folder of a path that is to be made, and for each that
/// `prune` finds.
pub fn plan(context: &Context<'_, FolderKind>, snapshot: &Snapshot) -> Result<Vec<Change<Step>>> {
    Planner::new(context, snapshot).run()
}

/// A plan in the making.
pub(super) struct Planner<'r> {
    pub(super) task: &'r Context<'r, FolderKind>,
    pub(super) snapshot: &'r Snapshot,
    /// Whether it is known what the folders to be deleted hold.
    pub(super) counted: bool,
    /// The objects that are declared present: uid → index, and the path where it will be → indices.
    pub(super) by_uid: BTreeMap<&'r str, usize>,
    pub(super) by_path: BTreeMap<Vec<String>, Vec<usize>>,
    /// Key → rank of the folders that this plan makes, renames or moves.
    pub(super) ranks: BTreeMap<String, u32>,
    /// Where those will lie, by key.
    pub(super) moved: BTreeMap<String, Place>,
    /// The same the other way round: the key of a place and a title in it → the folders.
    pub(super) inside: BTreeMap<(String, String), Vec<Place>>,
    pub(super) changes: Vec<Change<Step>>,
}

impl<'r> Planner<'r> {
    pub(super) fn new(task: &'r Context<'r, FolderKind>, snapshot: &'r Snapshot) -> Planner<'r> {
        let mut planner = Planner {
            task,
            snapshot,
            counted: true,
            by_uid: BTreeMap::new(),
            by_path: BTreeMap::new(),
            ranks: BTreeMap::new(),
            moved: BTreeMap::new(),
            inside: BTreeMap::new(),
            changes: Vec::new(),
        };
        planner.learn_paths();
        planner
    }

    pub(super) fn run(mut self) -> Result<Vec<Change<Step>>> {
        let declared = &self.task.task.declared;
        // A folder may be declared before the one that it lies in: those that wait go round again.
        let mut waiting: BTreeSet<usize> = (0..declared.len()).collect();
        let mut planned: BTreeMap<usize, Change<Step>> = BTreeMap::new();
        let mut forced = false;
        while !waiting.is_empty() {
            let mut later = BTreeSet::new();
            for index in &waiting {
                let one = &declared[*index];
                if !forced && self.waits_for_another(*index, &waiting) {
                    later.insert(*index);
                    continue;
                }
                let change = match self.one(*index, &one.options) {
                    Ok(change) => change,
                    Err(error) => {
                        let error = if one.at.is_empty() { error } else { error.context(&one.at) };
                        self.task.refuse(*index, name(&one.options), error, Step::default())?
                    }
                };
                self.remember(&change);
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

    fn one(&mut self, index: usize, options: &FolderOptions) -> Result<Change<Step>> {
        let title = name(options);
        if options.state == Some(State::Absent) {
            return self.absent(index, options);
        }
        let place = self.place(index)?;
        let found = self.find(index, options, &place)?;
        match found {
            None => self.create(index, options, place.unwrap_or(Place::At(String::new()))),
            Some(folder) => self.update(index, options, folder, place),
        }
        .map_err(|error| error.context(format_args!("folder `{title}`")))
    }

    fn find(&self, index: usize, options: &FolderOptions, place: &Option<Place>) -> Result<Option<&'r Folder>> {
        let tree = &self.snapshot.tree;
        if let Some(uid) = options.uid.as_deref().filter(|uid| !uid.is_empty()) {
            return Ok(tree.get(uid));
        }
        let parent = match place {
            None => "",
            Some(Place::At(parent)) => parent,
            Some(Place::Made(_)) => return Ok(None),
        };
        tree.child_of(parent, name(options), |folder| !self.leaves(folder, Some(index)))
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
            None => key_of_new(options),
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
        let mut before = json!({"title": folder.title});
        let mut after = json!({"title": name(options)});
        let title_differs = name(options) != folder.title;
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
        } else if title_differs {
            // Before 12 it is not shown and so not compared; it goes with what is sent anyway.
            step.description.clone_from(&options.description);
        }
        if let Some(place) = place {
            if self.above(&place).contains(&key_of_uid(&folder.uid)) {
                // Grafana answers 500 to a cycle (fact 25).
                let parent = self.parent_text(&place);
                return Err(Error::bad_options(format!("it cannot lie in folder `{parent}`, which lies in it")));
            }
            before["parent"] = json!(self.parent_text(&Place::At(folder.parent.clone())));
            after["parent"] = json!(self.parent_text(&place));
            step.place = place;
        }
        let mut warning = None;
        if let Some(grants) = &options.permissions {
            let Some(held) = self.snapshot.permissions.get(&folder.uid) else {
                return Err(Error::new(ErrorKind::Refused, "its permissions cannot be read by the caller").hint(
                    "that takes the permission Admin on the folder; or leave its `permissions` out of the task",
                ));
            };
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
        let action = if title_differs || differs("description") || differs("permissions") {
            Action::Update
        } else if differs("parent") {
            Action::Move
        } else {
            Action::Unchanged
        };
        if action != Action::Unchanged
            && let Some(manager) = &folder.managed_by
        {
            return Err(managed(manager));
        }
        if title_differs {
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
        if folder.description.is_none() && change.step.description.is_some() {
            change.sent.push("description".to_owned());
        }
        change.warnings.extend(warning);
        self.warn_of_description(options, &mut change);
        Ok(change)
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
        Err(Error::bad_options("Grafana before 12 has a folder of this name itself")
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

/// The refusal to change what something else than people manages.
pub(super) fn managed(manager: &str) -> Error {
    Error::new(ErrorKind::Rejected, format!("it is managed by {manager}"))
        .hint("change it where it is managed, or take it out of this task")
}

/// The declared title, as Grafana keeps it.
pub fn name(options: &FolderOptions) -> &str {
    options.name.as_deref().unwrap_or_default().trim()
}

pub(super) fn ids(folder: &Folder) -> crate::module::Object {
    let parent = if folder.parent.is_empty() { Value::Null } else { json!(folder.parent) };
    object([("uid", json!(folder.uid)), ("id", json!(folder.id)), ("parentUid", parent)])
}
