//! Planning what is deleted: folders declared absent, and those that `prune` finds.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    Contents, FolderKind, Snapshot, Step,
    options::{FolderOptions, Prune, State},
    places::{Place, key_of_uid},
    plan::{Planner, ids, managed, name},
};
use crate::{
    grafana::folder_tree::{Folder, titles},
    module::{Action, Change, Context, Error, ErrorKind, Result},
};

/// Deletions come after everything else, the deepest folder first.
const LAST: u32 = 1000;

/// The folders that would be deleted if all of them were empty: what they hold has to be known.
pub fn to_count<'s>(context: &Context<'_, FolderKind>, snapshot: &'s Snapshot) -> Result<Vec<&'s Folder>> {
    let task = context.task;
    if task.settings.prune.is_none() && task.declared.iter().all(|one| one.options.state != Some(State::Absent)) {
        return Ok(Vec::new());
    }
    let mut planner = Planner::new(context, snapshot);
    planner.counted = false;
    let changes = planner.run()?;
    let deleted = changes.iter().filter(|change| change.action == Action::Delete);
    Ok(deleted.filter_map(|change| snapshot.tree.get(change.step.uid.as_deref()?)).collect())
}

impl Planner<'_> {
    pub(super) fn absent(&self, index: usize, options: &FolderOptions) -> Result<Change<Step>> {
        let tree = &self.snapshot.tree;
        let title = name(options);
        let child = |parent: &str| tree.child_of(parent, title, |folder| !self.leaves(folder, Some(index)));
        // A parent that is not there holds nothing: the folder is absent.
        let found = match (&options.uid, &options.parent_uid, &options.parent) {
            (Some(uid), _, _) if !uid.is_empty() => tree.get(uid),
            (_, Some(parent), _) => child(parent)?,
            (_, _, Some(path)) => match self.walk(&titles(path), Some(index))? {
                (Place::At(parent), []) => child(&parent)?,
                _ => None,
            },
            _ => child("")?,
        };
        let Some(folder) = found else {
            return Ok(Change::new(Some(index), title, Action::Unchanged, Value::Null, Value::Null, Step::default()));
        };
        if let Some(manager) = &folder.managed_by {
            return Err(managed(manager).context(format_args!("folder `{title}`")));
        }
        self.delete(Some(index), folder, options.force == Some(true))
    }

    /// What a folder holds, in all folders below it too.
    fn contents(&self, folder: &Folder) -> Result<Contents> {
        if !self.counted {
            return Ok(Contents::default());
        }
        // Never taken for empty: somebody may have put it there since.
        self.snapshot.contents.get(&folder.uid).cloned().ok_or_else(|| {
            let path = self.snapshot.tree.path_of(&folder.uid);
            Error::new(ErrorKind::Conflict, format!("folder `{path}` is not deleted, since it came meanwhile"))
        })
    }

    fn delete(&self, index: Option<usize>, folder: &Folder, force: bool) -> Result<Change<Step>> {
        let held = self.contents(folder)?.told();
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
        let below = self.snapshot.tree.descendants(&folder.uid);
        let below: Vec<&str> = below.iter().map(|folder| folder.title.as_str()).collect();
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

    pub(super) fn pruned(&self, prune: &Prune, planned: &[Change<Step>]) -> Result<Vec<Change<Step>>> {
        let tree = &self.snapshot.tree;
        let Some(scope) = self.scope(prune)? else { return Ok(Vec::new()) };
        let prefix = prune.name_prefix.as_deref().unwrap_or_default();
        // What is kept, and the folders that it will lie in.
        let mut holding: BTreeSet<String> = BTreeSet::new();
        // What is out of its folder by the time that folder is deleted: uid → the change that sees to it.
        let mut gone: BTreeMap<&str, String> = BTreeMap::new();
        for change in planned.iter().filter(|change| change.step.is_present()) {
            let found = change.step.found.as_ref();
            match (change.action, found) {
                (Action::Delete, Some(folder)) => {
                    let with_it = tree.descendants(&folder.uid).into_iter().map(|below| below.uid.as_str());
                    gone.extend(with_it.chain([folder.uid.as_str()]).map(|uid| (uid, change.key.clone())));
                }
                (_, found) => {
                    holding.extend(found.map(|folder| key_of_uid(&folder.uid)));
                    holding.extend(self.above(&change.step.place));
                    if let Some(folder) = found.filter(|folder| change.step.place != Place::At(folder.parent.clone())) {
                        gone.insert(&folder.uid, change.key.clone());
                    }
                }
            }
        }
        let in_scope = |folder: &&Folder| {
            scope.as_ref().is_none_or(|parent| folder.parent == *parent)
                && folder.title.starts_with(prefix)
                && folder.managed_by.is_none()
                && !holding.contains(&key_of_uid(&folder.uid))
        };
        let mut candidates: Vec<&Folder> = tree.all().filter(in_scope).collect();
        // The deepest first: a folder is empty once those in it are gone.
        candidates.sort_by_key(|folder| std::cmp::Reverse(tree.depth(&folder.uid)));
        let mut changes = Vec::new();
        for folder in candidates {
            let below: Option<Vec<String>> =
                tree.children(&folder.uid).map(|child| gone.get(child.uid.as_str()).cloned()).collect();
            let Some(below) = below else { continue };
            let empty = self.contents(folder).is_ok_and(|contents| contents.told().is_empty());
            if gone.contains_key(folder.uid.as_str()) || !empty {
                continue;
            }
            let mut change = self.delete(None, folder, false)?;
            change.needs = below;
            gone.insert(&folder.uid, change.key.clone());
            changes.push(change);
        }
        Ok(changes)
    }

    /// The folder whose folders `prune` looks at, `Some(None)` for all; `None` where this task makes it, since
    /// it holds only what is declared then.
    fn scope(&self, prune: &Prune) -> Result<Option<Option<String>>> {
        let tree = &self.snapshot.tree;
        let none_left = "nothing was changed; take `prune` out if there is nothing left to prune";
        match (&prune.parent, &prune.parent_uid) {
            (Some(path), _) => match self.walk(&titles(path), None)? {
                (Place::At(uid), []) => Ok(Some(Some(uid))),
                (Place::Made(_), []) => Ok(None),
                (place, missing) => {
                    let missing = missing.first().map_or("", String::as_str);
                    let place = match &place {
                        Place::At(uid) => tree.place(uid),
                        Place::Made(_) => format!("folder `{}`", self.parent_text(&place)),
                    };
                    Err(Error::new(
                        ErrorKind::NotFound,
                        format!("prune: its parent `{path}` is not there: `{missing}` is not in {place}"),
                    )
                    .hint(none_left))
                }
            },
            (_, Some(uid)) if uid.is_empty() || tree.get(uid).is_some() => Ok(Some(Some(uid.clone()))),
            (_, Some(uid)) if self.ranks.contains_key(&key_of_uid(uid)) => Ok(None),
            (_, Some(uid)) => {
                Err(Error::new(ErrorKind::NotFound, format!("prune: there is no folder with the uid `{uid}`"))
                    .hint(none_left))
            }
            _ => Ok(Some(None)),
        }
    }

    /// Refuses deletions that would take a declared folder with them. They come last, so what this plan moves
    /// out of the folder is out by then; where that fails, the deletion is not tried.
    pub(super) fn keep_declared(&self, planned: &mut BTreeMap<usize, Change<Step>>) -> Result<()> {
        let tree = &self.snapshot.tree;
        let deleted: Vec<(usize, Folder)> = planned
            .iter()
            .filter(|(_, change)| change.action == Action::Delete)
            .filter_map(|(index, change)| Some((*index, change.step.found.clone()?)))
            .collect();
        if deleted.is_empty() {
            return Ok(());
        }
        // Key of a folder → the declared one that lies in it, and the changes that leave it.
        let mut kept: BTreeMap<String, usize> = BTreeMap::new();
        let mut leaving: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (index, change) in planned.iter().filter(|(_, change)| change.action != Action::Delete) {
            let place = match &change.refused {
                None if change.step.is_present() => change.step.place.clone(),
                // One that could not be planned stays where it is.
                Some(_) if self.options(*index).state != Some(State::Absent) => {
                    Place::At(self.options(*index).uid.clone().unwrap_or_default())
                }
                _ => continue,
            };
            for key in self.above(&place) {
                kept.entry(key).or_insert(*index);
            }
            if let Some(folder) = change.step.found.as_ref().filter(|_| change.is_change()) {
                let mut here = Some(folder);
                for _ in 0..=tree.len() {
                    let Some(folder) = here else { break };
                    leaving.entry(key_of_uid(&folder.uid)).or_default().push(change.key.clone());
                    here = tree.get(&folder.parent);
                }
            }
        }
        for (index, folder) in deleted {
            let key = key_of_uid(&folder.uid);
            if let Some(other) = kept.get(&key) {
                let at = |index: usize| &self.task.task.declared[index].at;
                let error = Error::bad_options(format!(
                    "{}: folder `{}` is not deleted, since `{}`, which {} declares present, lies in it",
                    at(index),
                    tree.path_of(&folder.uid),
                    name(self.options(*other)),
                    at(*other)
                ))
                .hint("it would be deleted too; give it another `parent`, or declare it absent");
                let refused = self.task.refuse(index, &folder.title, error, Step::default())?;
                planned.insert(index, refused);
            } else if let Some(change) = planned.get_mut(&index) {
                change.needs.extend(leaving.remove(&key).unwrap_or_default());
            }
        }
        Ok(())
    }
}
