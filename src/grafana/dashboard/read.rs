//! Reading what is there: by one list of `/apis` when much is declared, else one by one; before 12 by
//! `/api`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::SeqCst},
};

use serde_json::Value;

use super::{
    DashboardKind, Desired, Found, Spec, beside,
    places::{Wanted, Where},
    spec::{PLAIN, is_second},
};
use crate::{
    grafana::{
        explained,
        folder_tree::FolderTree,
        k8s_each, ok, optional,
        permissions::{Held, Subjects},
    },
    http::{Reader, Response, path, with_query},
    module::{Context, Error, ErrorKind, Result, parallel},
};

/// Above so many declared dashboards all are listed: a list of 1,000 takes as long as reading 60 one by
/// one (fact 53).
const FEW: usize = 40;
/// The most that one page of the search is asked for; more is a 422 (fact 40).
const PAGE: usize = 5000;

/// What exists, as far as the task touches it.
#[derive(Default)]
pub struct Snapshot {
    /// The folders, where any is named.
    pub tree: FolderTree,
    /// The teams and users that permissions name.
    pub subjects: Subjects,
    /// Dashboards by uid.
    pub found: BTreeMap<String, Arc<Found>>,
    /// Their permissions, where they are declared.
    pub permissions: BTreeMap<String, Held>,
    /// What is declared, with its inputs filled in, and what there is to say of it.
    pub filled: BTreeMap<usize, (Arc<Spec>, Vec<String>)>,
    /// For each export what the file is to hold and what it holds.
    pub exports: BTreeMap<usize, Exported>,
    /// The uids of dashboards that this run made.
    pub made: BTreeMap<usize, String>,
}

/// An export.
#[derive(Clone, Debug)]
pub struct Exported {
    /// What the file is to hold.
    pub text: Arc<str>,
    /// What it holds; `None` when it is not there.
    pub before: Option<Arc<[u8]>>,
}

impl Snapshot {
    /// The content that a dashboard is to have.
    pub fn spec<'s>(&'s self, index: usize, desired: &'s Desired) -> Option<&'s Arc<Spec>> {
        desired.spec.as_ref().or_else(|| self.filled.get(&index).map(|(spec, _)| spec))
    }

    /// The uid that a dashboard is found by.
    pub fn uid<'s>(&'s self, index: usize, desired: &'s Desired) -> Option<&'s str> {
        self.made.get(&index).map(String::as_str).or(desired.uid.as_deref())
    }

    /// Those that have a title in a folder.
    pub fn with_title<'s>(&'s self, title: &'s str, folder: &'s str) -> impl Iterator<Item = &'s Arc<Found>> {
        self.found.values().filter(move |found| found.title == title && found.folder == folder)
    }
}

/// The address of the dashboards in `/apis`.
pub fn resources(namespace: &str, api: &str) -> String {
    path(&["apis", "dashboard.grafana.app", api, "namespaces", namespace, "dashboards"])
}

/// The address of one there.
pub fn resource(namespace: &str, api: &str, uid: &str) -> String {
    format!("{}{}", resources(namespace, api), path(&[uid]))
}

/// The address of a dashboard's permissions.
pub fn permissions_address(uid: &str) -> String {
    path(&["api", "dashboards", "uid", uid, "permissions"])
}

/// Reads what the task touches.
pub fn read(context: &Context<'_, DashboardKind>, reader: Reader<'_>) -> Result<Snapshot> {
    snapshot(context, reader, Snapshot::default(), None)
}

/// Reads again after writing. `made` holds the uids of dashboards that this run made, `touched` the indices and
/// uids of all that it wrote; of the others what was read `before` still counts, so that one change of forty does not cost forty reads.
pub fn read_back(
    context: &Context<'_, DashboardKind>,
    reader: Reader<'_>,
    before: &Snapshot,
    made: BTreeMap<usize, String>,
    touched: &BTreeMap<usize, String>,
) -> Result<Snapshot> {
    let again = Snapshot { made, ..Snapshot::default() };
    if touched.len() > FEW || context.task.settings.prune.is_some() {
        return snapshot(context, reader, again, None);
    }
    let mut after = snapshot(context, reader, again, Some(&touched.keys().copied().collect()))?;
    let read: BTreeSet<&String> = touched.values().collect();
    for (uid, found) in before.found.iter().filter(|(uid, _)| !read.contains(uid)) {
        after.found.entry(uid.clone()).or_insert_with(|| Arc::clone(found));
    }
    for (uid, held) in &before.permissions {
        after.permissions.entry(uid.clone()).or_insert_with(|| held.clone());
    }
    Ok(after)
}

/// Reads what the declared dashboards of these indices touch, or all.
fn snapshot(
    context: &Context<'_, DashboardKind>,
    reader: Reader<'_>,
    mut snapshot: Snapshot,
    only: Option<&BTreeSet<usize>>,
) -> Result<Snapshot> {
    beside::fill(context, reader, &mut snapshot)?;
    let prune = context.task.settings.prune.as_ref();
    let named = |desired: &Desired| {
        desired.came_from.is_some() || desired.folder.as_ref().is_some_and(|folder| !folder.is_root())
    };
    if context.desired.iter().any(named) || prune.is_some_and(|prune| prune.folder.is_some()) {
        snapshot.tree = FolderTree::read(reader, &context.session.session)?;
    }
    let grants = context.desired.iter().flat_map(|desired| desired.permissions.iter().flatten());
    snapshot.subjects = Subjects::read(reader, &context.session.session, grants)?;
    let at_once = reader.client().settings().concurrency;
    let found =
        Reading { context, reader, at_once, targets: targets(context, &snapshot, only) }.dashboards(&snapshot)?;
    snapshot.found = found;
    beside::permissions(context, reader, &mut snapshot)?;
    beside::exports(context, reader, &mut snapshot)?;
    Ok(snapshot)
}

/// What is looked for: uids, and titles in folders.
struct Targets<'r> {
    /// uid → the declared dashboards (at most one) and the folder that it is to lie in.
    uids: BTreeMap<&'r str, Vec<(usize, Option<String>)>>,
    /// (title, folder) of those without a uid.
    titles: BTreeSet<(&'r str, String)>,
}

fn targets<'r>(
    context: &'r Context<'_, DashboardKind>,
    snapshot: &'r Snapshot,
    only: Option<&BTreeSet<usize>>,
) -> Targets<'r> {
    let mut targets = Targets { uids: BTreeMap::new(), titles: BTreeSet::new() };
    let wanted = |index: &usize| only.is_none_or(|only| only.contains(index));
    for (index, desired) in context.desired.iter().enumerate().filter(|(index, _)| wanted(index)) {
        // A folder that cannot be found is an error of the plan, where it can be told with its dashboard.
        let place = match desired.wanted(&snapshot.tree).map(|folder| folder.find(&snapshot.tree)) {
            Some(Ok(Where::At(uid))) => Some(Some(uid)),
            Some(_) => None,
            None => Some(None),
        };
        match (snapshot.uid(index, desired), snapshot.spec(index, desired)) {
            (Some(uid), _) => targets.uids.entry(uid).or_default().push((index, place.flatten())),
            (None, Some(spec)) => {
                if let Some(place) = place {
                    targets.titles.insert((&spec.title, place.unwrap_or_default()));
                }
            }
            (None, None) => {}
        }
    }
    targets
}

struct Reading<'r> {
    context: &'r Context<'r, DashboardKind>,
    reader: Reader<'r>,
    at_once: usize,
    targets: Targets<'r>,
}

impl Reading<'_> {
    fn dashboards(&self, snapshot: &Snapshot) -> Result<BTreeMap<String, Arc<Found>>> {
        let mut found = BTreeMap::new();
        let prune = self.context.task.settings.prune.is_some();
        let many = prune || self.targets.uids.len() + self.targets.titles.len() > FEW;
        let session = self.context.session;
        if session.by_apis() {
            let listed = if many { self.list(&mut found) } else { self.one_by_one(&mut found) };
            match listed {
                Err(error) if error.kind == ErrorKind::NotFound && error.status == Some(404) => {
                    session.only_api.store(true, SeqCst);
                    found.clear();
                }
                other => other?,
            }
        }
        self.second_schema(snapshot, &mut found)?;
        if !session.by_apis() {
            self.by_api(many, &mut found)?;
        }
        Ok(found)
    }

    /// All dashboards with their content, in as few requests as there are pages (facts 44, 53).
    fn list(&self, found: &mut BTreeMap<String, Arc<Found>>) -> Result<()> {
        let address = resources(&self.context.session.session.namespace(), PLAIN);
        k8s_each(self.reader, &address, &[("limit", "1000")], |item| {
            found.extend(Found::of_resource(PLAIN, item).and_then(|one| self.kept(one)));
        })
    }

    fn one_by_one(&self, found: &mut BTreeMap<String, Arc<Found>>) -> Result<()> {
        let namespace = self.context.session.session.namespace();
        let mut uids: BTreeSet<String> = self.targets.uids.keys().map(|uid| (*uid).to_owned()).collect();
        uids.extend(self.candidates()?);
        let uids: Vec<String> = uids.into_iter().collect();
        let all = parallel::each(&uids, self.at_once, |uid| {
            let answer = self.reader.get(&resource(&namespace, PLAIN, uid))?;
            let one = served(&answer)?.and_then(|item| Found::of_resource(PLAIN, item));
            Ok(one.and_then(|one| self.kept(one)))
        });
        for one in all {
            found.extend(one?);
        }
        Ok(())
    }

    /// Dashboards that are declared in the second schema are read in it: in the first one they would be
    /// converted, and lose what it cannot say.
    fn second_schema(&self, snapshot: &Snapshot, found: &mut BTreeMap<String, Arc<Found>>) -> Result<()> {
        let session = self.context.session;
        for (index, desired) in self.context.desired.iter().enumerate() {
            let Some(spec) = snapshot.spec(index, desired).filter(|spec| is_second(&spec.api)) else { continue };
            let refused = || {
                let version = session.session.version.as_ref().map_or("of this version", |version| &version.text);
                let at = if desired.at.is_empty() { String::new() } else { format!("{}: ", desired.at) };
                Error::new(
                    ErrorKind::Rejected,
                    format!("{at}`{}` is in the schema {}, and this Grafana ({version}) does not have it", spec.title, spec.api),
                )
                .hint("export it in the first schema (`panels`), or use a later Grafana; saved as it is it would be broken")
            };
            if !session.by_apis() {
                return Err(refused());
            }
            // The uid may be one that only the title leads to.
            let by_title = || {
                let folder = desired.wanted(&snapshot.tree).and_then(|folder| match folder.find(&snapshot.tree) {
                    Ok(Where::At(uid)) => Some(uid),
                    _ => None,
                });
                let place = folder.unwrap_or_default();
                found
                    .values()
                    .find(|found| found.title == spec.title && found.folder == place)
                    .map(|found| found.uid.clone())
            };
            let uid = snapshot.uid(index, desired).map(str::to_owned).or_else(by_title);
            let uid = uid.as_deref().unwrap_or("hearth-is-this-version-served");
            let address = resource(&session.session.namespace(), &spec.api, uid);
            match served(&self.reader.get(&address)?) {
                Ok(Some(item)) => {
                    if let Some(mut one) = Found::of_resource(&spec.api, item) {
                        one.stored
                            .clone_from(&found.get(uid).map_or(spec.api.to_string(), |plain| plain.stored.clone()));
                        found.extend(self.kept(one));
                    }
                }
                Ok(None) => {}
                Err(error) if error.status == Some(404) => return Err(refused()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// By `/api`: the search tells what is there, and each one that matters is read (fact 55).
    fn by_api(&self, many: bool, found: &mut BTreeMap<String, Arc<Found>>) -> Result<()> {
        let mut uids: BTreeSet<String> = self.targets.uids.keys().map(|uid| (*uid).to_owned()).collect();
        if many {
            let hits = search(self.reader, &[])?;
            let there: BTreeSet<&str> = hits.iter().filter_map(|hit| hit["uid"].as_str()).collect();
            uids.retain(|uid| there.contains(uid.as_str()));
            let wanted = hits.iter().filter(|hit| self.is_candidate(hit) || self.may_be_pruned(hit));
            uids.extend(wanted.filter_map(|hit| hit["uid"].as_str()).map(str::to_owned));
        } else {
            uids.extend(self.candidates()?);
        }
        let uids: Vec<String> = uids.into_iter().collect();
        // Who may not see all dashboards gets a 403 for one that is not there, too.
        let listed: Mutex<Option<BTreeSet<String>>> = Mutex::default();
        let is_listed = |uid: &str| -> Result<bool> {
            let mut listed = listed.lock().unwrap_or_else(PoisonError::into_inner);
            if listed.is_none() {
                let hits = search(self.reader, &[])?;
                *listed = Some(hits.iter().filter_map(|hit| hit["uid"].as_str()).map(str::to_owned).collect());
            }
            Ok(listed.as_ref().is_some_and(|all| all.contains(uid)))
        };
        let all = parallel::each(&uids, self.at_once, |uid| {
            let answer = self.reader.get(&path(&["api", "dashboards", "uid", uid]))?;
            if answer.status == 403 && !is_listed(uid)? {
                return Ok(None);
            }
            let answer = optional(answer)?;
            let answer: Option<Value> = answer.map(|answer| answer.json()).transpose()?;
            Ok(answer.and_then(Found::of_answer).and_then(|one| self.kept(one)))
        });
        for one in all {
            found.extend(one?);
        }
        Ok(())
    }

    /// The uids that have one of the titles in its folder. The search is by folder, and not by title: its
    /// query knows no exact match and treats some characters as its own (fact 40).
    fn candidates(&self) -> Result<Vec<String>> {
        let folders: BTreeSet<&str> = self.targets.titles.iter().map(|(_, folder)| folder.as_str()).collect();
        let folders: Vec<&str> = folders.into_iter().collect();
        let hits = parallel::each(&folders, self.at_once, |folder| {
            // An empty uid means the root to 12.4 and nothing to 11.5 (fact 63); this both understand.
            let folder = if folder.is_empty() { "general" } else { folder };
            search(self.reader, &[("folderUIDs", folder)])
        });
        let mut uids = Vec::new();
        for hits in hits {
            let hits = hits?;
            uids.extend(
                hits.iter()
                    .filter(|hit| self.is_candidate(hit))
                    .filter_map(|hit| hit["uid"].as_str())
                    .map(str::to_owned),
            );
        }
        Ok(uids)
    }

    fn is_candidate(&self, hit: &Value) -> bool {
        let (title, folder) =
            (hit["title"].as_str().unwrap_or_default(), hit["folderUid"].as_str().unwrap_or_default());
        self.targets.titles.contains(&(title, folder.to_owned()))
    }

    fn may_be_pruned(&self, hit: &Value) -> bool {
        let Some(prune) = &self.context.task.settings.prune else { return false };
        let tagged =
            |tag: &String| hit["tags"].as_array().is_some_and(|tags| tags.iter().any(|one| one == tag.as_str()));
        // Which folder it is in is looked at when it is planned.
        prune.tag.as_ref().is_none_or(tagged)
    }

    /// Keeps what was read, and its content only where it may be needed again: of a thousand unchanged
    /// dashboards only marks are held.
    fn kept(&self, one: Found) -> Option<(String, Arc<Found>)> {
        let prune = self.context.task.settings.prune.is_some();
        let exact = self.context.session.is_exact();
        let declared = self.targets.uids.get(one.uid.as_str());
        let titled = || self.targets.titles.contains(&(one.title.as_str(), one.folder.clone()));
        let needed = match declared {
            Some(all) => all.iter().any(|(index, place)| {
                let desired = &self.context.desired[*index];
                let same =
                    desired.spec.as_ref().is_some_and(|spec| spec.api == one.api && spec.mark.same(&one.mark, exact));
                !same || place.as_ref().is_some_and(|place| *place != one.folder)
            }),
            None => prune || titled(),
        };
        (needed || declared.is_some()).then(|| {
            let kept = if needed { one } else { one.without_text() };
            (kept.uid.clone(), Arc::new(kept))
        })
    }
}

/// A resource of `/apis`; `None` where it is not there. That the API itself, or this version of it, is not
/// there is another 404, which names no object [dashboards_k8s].
fn served(answer: &Response) -> Result<Option<Value>> {
    if answer.is_success() {
        return answer.json().map(Some);
    }
    if answer.status == 404 && answer.value()["details"]["name"].is_string() {
        return Ok(None);
    }
    Err(explained(answer))
}

/// All hits of a search for dashboards.
fn search(reader: Reader<'_>, more: &[(&str, &str)]) -> Result<Vec<Value>> {
    let mut all: Vec<Value> = Vec::new();
    for page in 1.. {
        let (limit, page) = (PAGE.to_string(), page.to_string());
        let mut query = vec![("type", "dash-db"), ("limit", limit.as_str()), ("page", page.as_str())];
        query.extend(more);
        let mut found: Vec<Value> = ok(reader.get(&with_query("/api/search", &query))?)?.json()?;
        let last = found.len() < PAGE;
        all.append(&mut found);
        if last {
            break;
        }
    }
    Ok(all)
}

/// Whether `prune` looks at a folder: the one that is named and all below it; of the root only itself.
pub fn is_in_scope(tree: &FolderTree, scope: &str, folder: &str) -> Result<bool> {
    let wanted = Wanted::Named { name: scope.to_owned(), parent: None };
    Ok(match wanted.find(tree)? {
        Where::At(uid) if uid.is_empty() => folder.is_empty(),
        Where::At(uid) => tree.is_within(folder, &uid),
        Where::Missing { .. } => false,
    })
}
