//! Planning for dashboards: pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Map, Value, json};

use super::{
    DashboardKind, Desired, Found, Save, Snapshot, Spec, State, Step,
    options::Prune,
    places::{Scope, Where},
    placing::{Place, into_place},
    shown::Shown,
};
use crate::module::{Action, Change, Context, Error, ErrorKind, Result, kind::object};

/// Deletions come after everything else.
const LAST: u32 = 1000;

/// One change for each declared dashboard, for each folder that is to be made, and for each dashboard that
/// `prune` finds.
pub fn plan(context: &Context<'_, DashboardKind>, snapshot: &Snapshot) -> Result<Vec<Change<Step>>> {
    let mut planner = Planner {
        context,
        snapshot,
        folders: BTreeMap::new(),
        made: Vec::new(),
        shown: Shown::new(context.session.is_exact()),
    };
    let mut changes = Vec::with_capacity(context.desired.len());
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for (index, desired) in context.desired.iter().enumerate() {
        let change = match planner.one(index, desired) {
            Ok(change) => change,
            Err(error) => {
                let error = if desired.at.is_empty() { error } else { error.context(&desired.at) };
                context.refuse(index, desired.shown(), error, Step::Nothing)?
            }
        };
        if let Some(uid) = change.ids.get("uid").and_then(Value::as_str)
            && let Some(first) = taken.insert(uid.to_owned(), index)
        {
            let at = &context.desired[first].at;
            return Err(Error::bad_options(format!(
                "{at} and {} are the same dashboard, `{}`",
                desired.at, change.name
            )));
        }
        changes.push(change);
    }
    refuse_twins(context, &changes)?;
    if let Some(prune) = &context.task.settings.prune {
        planner.prune(prune, &taken.into_keys().collect(), &mut changes)?;
    }
    // Behind the declared ones: the first entry of a single dashboard is itself.
    changes.append(&mut planner.made);
    Ok(changes)
}

/// Refuses two that end in one folder with one title, where one of them has only its title to be found by:
/// the next run could not tell them apart.
fn refuse_twins(context: &Context<'_, DashboardKind>, changes: &[Change<Step>]) -> Result<()> {
    let mut seen: BTreeMap<(&str, &str), Vec<&Desired>> = BTreeMap::new();
    for change in changes {
        let desired = change.index.map(|index| &context.desired[index]);
        let Some(desired) = desired.filter(|desired| desired.state == State::Present) else { continue };
        // One that was refused has no place.
        let Some(folder) = change.ids.get("folder_uid").and_then(Value::as_str) else { continue };
        let others = seen.entry((folder, change.name.as_str())).or_default();
        if let Some(first) = others.iter().find(|other| other.uid.is_none() || desired.uid.is_none()) {
            return Err(Error::bad_options(format!(
                "{} and {} have the same title `{}` in the same folder",
                first.at, desired.at, change.name
            ))
            .hint("titles are not unique in Grafana; give each of them a `uid`"));
        }
        others.push(desired);
    }
    Ok(())
}

/// Plans one declared dashboard after the other.
pub struct Planner<'r> {
    /// The task, and what is declared.
    pub context: &'r Context<'r, DashboardKind>,
    /// What is there.
    pub snapshot: &'r Snapshot,
    /// Key → rank of the folders that this plan makes.
    pub folders: BTreeMap<String, u32>,
    /// The changes that make them.
    pub made: Vec<Change<Step>>,
    shown: Shown,
}

impl Planner<'_> {
    fn one(&mut self, index: usize, desired: &Desired) -> Result<Change<Step>> {
        match desired.state {
            State::Absent => self.absent(index, desired),
            State::Export => Ok(self.export(index, desired)),
            State::Present => self.present(index, desired),
        }
    }

    fn present(&mut self, index: usize, desired: &Desired) -> Result<Change<Step>> {
        let Some(spec) = self.snapshot.spec(index, desired).cloned() else {
            return Err(Error::bad_options("nothing says what the dashboard is"));
        };
        let place = self.place(desired).map_err(|error| error.context(format_args!("dashboard `{}`", spec.title)))?;
        let found = match self.snapshot.uid(index, desired) {
            Some(uid) => self.snapshot.found.get(uid).cloned(),
            None if place.as_ref().is_some_and(|place| place.made.is_some()) => None,
            None => self.by_title(&spec.title, place.as_ref().map_or("", |place| place.uid.as_str()))?,
        };
        let mut change = match found {
            None => self.create(index, desired, spec, place)?,
            Some(found) => self.update(index, desired, spec, found, place)?,
        };
        change.warnings.extend(desired.warnings.iter().cloned());
        change.warnings.extend(self.snapshot.filled.get(&index).into_iter().flat_map(|(_, warnings)| warnings.clone()));
        Ok(change)
    }

    /// The one dashboard of that title in a folder. Titles are not unique, not even in one folder (fact 32).
    fn by_title(&self, title: &str, folder: &str) -> Result<Option<Arc<Found>>> {
        let all: Vec<&Arc<Found>> = self.snapshot.with_title(title, folder).collect();
        if all.len() > 1 {
            let uids: Vec<&str> = all.iter().map(|found| found.uid.as_str()).collect();
            let place = self.folder_text(folder);
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("{} dashboards in {place} have the title `{title}`: {}", all.len(), uids.join(", ")),
            )
            .hint("titles are not unique in Grafana; say which one by `uid`"));
        }
        Ok(all.first().map(|found| Arc::clone(found)))
    }

    fn create(
        &mut self,
        index: usize,
        desired: &Desired,
        spec: Arc<Spec>,
        place: Option<Place>,
    ) -> Result<Change<Step>> {
        let place = place.unwrap_or_else(|| Place { uid: String::new(), shown: self.folder_text(""), made: None });
        let mut after = json!({"folder": place.shown});
        let uid = self.snapshot.uid(index, desired).map(str::to_owned);
        if let Some(uid) = &uid {
            after["uid"] = json!(uid);
        }
        let (mut permissions, mut warning) = (None, None);
        if let Some(grants) = &desired.permissions {
            after["permissions"] = self.snapshot.subjects.declared(grants)?;
            permissions = Some(self.snapshot.subjects.body(grants));
            warning = self.snapshot.subjects.warning(grants);
        }
        after["dashboard"] = self.shown.declared(&spec);
        let title = spec.title.clone();
        let save = Save {
            uid: uid.clone(),
            spec,
            folder: place.uid.clone(),
            found: None,
            differs: true,
            permissions,
            permissions_before: None,
            overwrite: desired.overwrite,
            message: desired.message.clone(),
        };
        let step = Step::Save(Arc::new(save));
        let mut change = Change::new(Some(index), title.as_str(), Action::Create, Value::Null, after, step);
        change.ids = self.ids(uid.as_deref(), &title, &place.uid);
        if let Some(uid) = desired.came_from.as_ref().filter(|uid| self.snapshot.tree.get(uid).is_none()) {
            change
                .warnings
                .push(format!("its JSON names the folder `{uid}`, which is not there; it comes to {}", place.shown));
        }
        change.warnings.extend(warning);
        Ok(into_place(change, &place))
    }

    fn update(
        &mut self,
        index: usize,
        desired: &Desired,
        spec: Arc<Spec>,
        found: Arc<Found>,
        place: Option<Place>,
    ) -> Result<Change<Step>> {
        let exact = self.context.session.is_exact();
        let place = place.unwrap_or_else(|| Place {
            uid: found.folder.clone(),
            shown: self.folder_text(&found.folder),
            made: None,
        });
        let moves = place.uid != found.folder;
        let content = spec.api != found.api || !spec.mark.same(&found.mark, exact);
        let (mut before, mut after) = (Map::new(), Map::new());
        if moves {
            let (mut from, mut to) = (self.folder_text(&found.folder), place.shown.clone());
            if from == to {
                // Two folders may have the same path.
                (from, to) = (format!("{from} ({})", found.folder), format!("{to} ({})", place.uid));
            }
            before.insert("folder".into(), json!(from));
            after.insert("folder".into(), json!(to));
        }
        let (mut permissions, mut permissions_before, mut warning) = (None, None, None);
        if desired.permissions.is_some() && self.snapshot.unreadable.contains(&found.uid) {
            warning = Some("its permissions cannot be looked at, and are left as they are".to_owned());
        } else if let Some(grants) = &desired.permissions {
            let declared = self.snapshot.subjects.declared(grants)?;
            let held = self.snapshot.permissions.get(&found.uid);
            let is = held.map_or_else(|| json!([]), |held| held.compared.clone());
            if declared != is {
                warning = self.snapshot.subjects.warning(grants);
                permissions = Some(self.snapshot.subjects.body(grants));
                permissions_before = held.map(|held| held.body.clone());
                before.insert("permissions".into(), is);
                after.insert("permissions".into(), declared);
            }
        }
        if content {
            let (is, declared) = self.shown.sides(&found, &spec);
            before.insert("dashboard".into(), is);
            after.insert("dashboard".into(), declared);
            if spec.api != found.api {
                before.insert("schema".into(), json!(&*found.api));
                after.insert("schema".into(), json!(&*spec.api));
            }
        }
        let action = match (content || permissions.is_some(), moves) {
            (true, _) => Action::Update,
            (false, true) => Action::Move,
            (false, false) => Action::Unchanged,
        };
        if action != Action::Unchanged
            && let Some(by) = &found.managed
        {
            return Err(Error::new(
                ErrorKind::Rejected,
                format!(
                    "dashboard `{}` ({}) is managed by {by} and is not to be changed by the API",
                    found.title, found.uid
                ),
            )
            .hint("change it where it comes from, or take it out of this task"));
        }
        let title = spec.title.clone();
        let save = Save {
            uid: Some(found.uid.clone()),
            spec,
            folder: place.uid.clone(),
            found: Some(Arc::clone(&found)),
            differs: content || moves,
            permissions,
            permissions_before,
            overwrite: desired.overwrite,
            message: desired.message.clone(),
        };
        let step = if action == Action::Unchanged { Step::Nothing } else { Step::Save(Arc::new(save)) };
        let mut change = Change::new(Some(index), title.as_str(), action, before.into(), after.into(), step);
        if content {
            self.shown.shorten(&mut change);
        }
        change.ids = self.ids(Some(&found.uid), &title, &place.uid);
        change.ids.insert("version".into(), found.version.into());
        change.warnings.extend(warning);
        Ok(into_place(change, &place))
    }

    fn absent(&mut self, index: usize, desired: &Desired) -> Result<Change<Step>> {
        let spec = self.snapshot.spec(index, desired).cloned();
        let found = match (self.snapshot.uid(index, desired), &spec) {
            (Some(uid), _) => self.snapshot.found.get(uid).cloned(),
            (None, Some(spec)) => {
                let tree = &self.snapshot.tree;
                let place = desired.wanted(tree).map(|folder| folder.find(tree)).transpose();
                match place {
                    Ok(Some(Where::At(folder))) => self.by_title(&spec.title, &folder)?,
                    Ok(None) => self.by_title(&spec.title, "")?,
                    // A folder that is not there holds nothing.
                    Ok(Some(Where::Missing { .. })) => None,
                    Err(error) if error.kind == ErrorKind::NotFound => None,
                    Err(error) => return Err(error),
                }
            }
            (None, None) => None,
        };
        let Some(found) = found else {
            let name = desired.uid.clone().or(spec.map(|spec| spec.title.clone())).unwrap_or_default();
            let mut change = Change::new(Some(index), name, Action::Unchanged, Value::Null, Value::Null, Step::Nothing);
            change.ids = object([("uid", json!(desired.uid))]);
            return Ok(change);
        };
        if let Some(by) = &found.managed {
            return Err(Error::new(
                ErrorKind::Rejected,
                format!(
                    "dashboard `{}` ({}) is managed by {by} and is not to be deleted by the API",
                    found.title, found.uid
                ),
            )
            .hint("remove it where it comes from"));
        }
        if let Some(file) = found.file.as_ref().filter(|_| self.context.session.is_exact()) {
            return Err(Error::new(
                ErrorKind::Rejected,
                format!(
                    "dashboard `{}` ({}) is provisioned from {file}: Grafana before 12 refuses to delete it",
                    found.title, found.uid
                ),
            )
            .hint("remove the file"));
        }
        Ok(self.delete(Some(index), &found))
    }

    fn delete(&mut self, index: Option<usize>, found: &Arc<Found>) -> Change<Step> {
        let mut before = json!({"uid": found.uid, "folder": self.folder_text(&found.folder)});
        before["dashboard"] = self.shown.stored(found);
        let step = Step::Delete(Arc::clone(found));
        let mut change =
            Change::new(index, found.title.as_str(), Action::Delete, before, Value::Null, step).at_rank(LAST);
        change.key = format!("uid:{}", found.uid);
        change.ids = self.ids(Some(&found.uid), &found.title, &found.folder);
        change
    }

    fn export(&mut self, index: usize, desired: &Desired) -> Change<Step> {
        let uid = desired.uid.clone().unwrap_or_default();
        let exported = self.snapshot.exports.get(&index);
        let (Some(found), Some(exported)) = (self.snapshot.found.get(&uid), exported) else {
            let mut change =
                Change::new(Some(index), uid.as_str(), Action::Unchanged, Value::Null, Value::Null, Step::Nothing);
            change.ids = object([("uid", json!(uid))]);
            return change;
        };
        let wanted = read(&exported.text).unwrap_or_default();
        let is = exported.before.as_deref().and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
        let action = if is.as_ref() == Some(&wanted) { Action::Unchanged } else { Action::Export };
        let path = desired.path.clone().unwrap_or_default();
        let step =
            Step::Export { path: path.clone(), text: Arc::clone(&exported.text), before: exported.before.clone() };
        let (before, after) = match (action, self.shown.fits(exported.text.len())) {
            (Action::Unchanged, _) => (Value::Null, Value::Null),
            (_, true) => (is.unwrap_or_default(), wanted),
            (_, false) => (Value::Null, json!({"path": path})),
        };
        let mut change = Change::new(Some(index), found.title.as_str(), action, before, after, step);
        change.ids = self.ids(Some(&uid), &found.title, &found.folder);
        change.ids.insert("path".into(), path.into());
        change
    }

    fn prune(&mut self, prune: &Prune, kept: &BTreeSet<String>, changes: &mut Vec<Change<Step>>) -> Result<()> {
        if let Some(scope) = &prune.folder {
            self.refuse_unknown_scope(scope)?;
        }
        let scope = Scope::of(prune, &self.snapshot.tree)?;
        for found in self.snapshot.found.values() {
            let in_scope = scope.holds(&found.folder, found.tags.iter().map(String::as_str));
            let stays = found.managed.is_some() || (found.file.is_some() && self.context.session.is_exact());
            if in_scope && !kept.contains(&found.uid) && !stays {
                let change = self.delete(None, found);
                changes.push(change);
            }
        }
        Ok(())
    }
}

fn read(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}
