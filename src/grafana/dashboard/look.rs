//! Looking for dashboards: by one list of `/apis` when much is declared, else one by one; before 12 by `/api`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::SeqCst},
};

use serde_json::Value;

use super::{
    DashboardKind, Desired, Found, Snapshot,
    places::{Scope, Where},
    read::{FEW, resource, resources},
    spec::{PLAIN, is_second},
};
use crate::{
    grafana::{explained, k8s_each, ok, optional},
    http::{Reader, Response, path, with_query},
    module::{Context, Error, ErrorKind, Result, parallel},
};

/// The most that one page of the search is asked for; more is a 422 (fact 40).
const PAGE: usize = 5000;

/// The dashboards that the declared ones of these indices touch, or all.
pub fn dashboards(
    context: &Context<'_, DashboardKind>,
    reader: Reader<'_>,
    snapshot: &Snapshot,
    only: Option<&BTreeSet<usize>>,
) -> Result<BTreeMap<String, Arc<Found>>> {
    let prune = context.task.settings.prune.as_ref();
    let reading = Reading {
        context,
        reader,
        at_once: reader.client().settings().concurrency,
        snapshot,
        only,
        targets: targets(context, snapshot, only),
        scope: prune.map(|prune| Scope::of(prune, &snapshot.tree)).transpose()?,
    };
    let mut found = reading.dashboards()?;
    reading.unlock(&mut found)?;
    Ok(found)
}

/// What is looked for: uids, and titles in folders.
struct Targets<'r> {
    /// uid → the declared dashboards (at most one) and where it is to lie.
    uids: BTreeMap<&'r str, Vec<(usize, Place)>>,
    /// (title, folder) of those without a uid.
    titles: BTreeSet<(&'r str, String)>,
}

/// Where a declared dashboard is to lie.
enum Place {
    /// Where it is.
    Stays,
    /// In the folder of that uid.
    In(String),
    /// In a folder that is not there: this run makes it, or the plan refuses it.
    Nowhere,
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
            Some(Ok(Where::At(uid))) => Place::In(uid),
            Some(_) => Place::Nowhere,
            None => Place::Stays,
        };
        match (snapshot.uid(index, desired), snapshot.spec(index, desired)) {
            (Some(uid), _) => targets.uids.entry(uid).or_default().push((index, place)),
            (None, Some(spec)) => match place {
                Place::In(folder) => drop(targets.titles.insert((&spec.title, folder))),
                Place::Stays => drop(targets.titles.insert((&spec.title, String::new()))),
                Place::Nowhere => {}
            },
            (None, None) => {}
        }
    }
    targets
}

struct Reading<'r> {
    context: &'r Context<'r, DashboardKind>,
    reader: Reader<'r>,
    at_once: usize,
    snapshot: &'r Snapshot,
    /// The indices of the declared dashboards that are looked at; all where there are none.
    only: Option<&'r BTreeSet<usize>>,
    targets: Targets<'r>,
    scope: Option<Scope<'r>>,
}

impl Reading<'_> {
    fn dashboards(&self) -> Result<BTreeMap<String, Arc<Found>>> {
        let mut found = BTreeMap::new();
        let many = self.scope.is_some() || self.targets.uids.len() + self.targets.titles.len() > FEW;
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
        self.second_schema(&mut found)?;
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
        let all = parallel::all(&uids, self.at_once, |uid| {
            let answer = self.reader.get(&resource(&namespace, PLAIN, uid))?;
            let one = served(&answer)?.and_then(|item| Found::of_resource(PLAIN, item));
            Ok(one.and_then(|one| self.kept(one)))
        })?;
        found.extend(all.into_iter().flatten());
        Ok(())
    }

    /// `/apis` says of a provisioned dashboard who manages it, and not always whether `allowUiUpdates` lets it be
    /// changed; `meta.provisioned` of `/api` does (recording dashboards_provisioned).
    fn unlock(&self, found: &mut BTreeMap<String, Arc<Found>>) -> Result<()> {
        let is_file = |found: &Arc<Found>| {
            found.managed.as_deref().is_some_and(|by| by.starts_with("classic-file-provisioning"))
                && found.file.is_none()
        };
        let locked: Vec<String> = found
            .iter()
            .filter(|(uid, found)| self.targets.uids.contains_key(uid.as_str()) && is_file(found))
            .map(|(uid, _)| uid.clone())
            .collect();
        let open = parallel::all(&locked, self.at_once, |uid| {
            let answer = self.reader.get(&path(&["api", "dashboards", "uid", uid]))?;
            Ok(answer.value()["meta"]["provisioned"] == false)
        })?;
        for (uid, _) in locked.iter().zip(open).filter(|(_, open)| *open) {
            if let Some(found) = found.get_mut(uid) {
                Arc::make_mut(found).managed = None;
            }
        }
        Ok(())
    }

    /// Dashboards that are declared in the second schema are read in it: in the first one they would be
    /// converted, and lose what it cannot say.
    fn second_schema(&self, found: &mut BTreeMap<String, Arc<Found>>) -> Result<()> {
        let mut versions: BTreeMap<&str, Vec<(&Desired, String)>> = BTreeMap::new();
        for (index, desired) in self.context.desired.iter().enumerate() {
            let spec = self.snapshot.spec(index, desired).filter(|spec| is_second(&spec.api));
            let Some(spec) = spec.filter(|_| self.only.is_none_or(|only| only.contains(&index))) else { continue };
            if !self.context.session.by_apis() {
                return Err(self.not_served(desired, &spec.api));
            }
            let uid = self.snapshot.uid(index, desired).map(str::to_owned);
            let uid = uid.or_else(|| self.uid_of_title(desired, &spec.title, found));
            let uid = uid.unwrap_or_else(|| "hearth-is-this-version-served".to_owned());
            versions.entry(&spec.api).or_default().push((desired, uid));
        }
        for (api, declared) in versions {
            let read = if declared.len() > FEW { self.listed(api, &declared) } else { self.each(api, &declared) };
            for mut one in read? {
                one.stored.clone_from(&found.get(&one.uid).map_or(api.to_owned(), |plain| plain.stored.clone()));
                found.extend(self.kept(one));
            }
        }
        Ok(())
    }

    /// All of them by one list in that version.
    fn listed(&self, api: &str, declared: &[(&Desired, String)]) -> Result<Vec<Found>> {
        let uids: BTreeSet<&str> = declared.iter().map(|(_, uid)| uid.as_str()).collect();
        let address = resources(&self.context.session.session.namespace(), api);
        let mut all = Vec::new();
        let listed = k8s_each(self.reader, &address, &[("limit", "1000")], |item| {
            let is_declared = item["metadata"]["name"].as_str().is_some_and(|uid| uids.contains(uid));
            all.extend(is_declared.then(|| Found::of_resource(api, item)).flatten());
        });
        match listed {
            Err(error) if error.status == Some(404) => Err(self.not_served(declared[0].0, api)),
            listed => listed.map(|()| all),
        }
    }

    /// Each of them by itself in that version.
    fn each(&self, api: &str, declared: &[(&Desired, String)]) -> Result<Vec<Found>> {
        let namespace = self.context.session.session.namespace();
        let all = parallel::all(declared, self.at_once, |(desired, uid)| {
            match served(&self.reader.get(&resource(&namespace, api, uid))?) {
                Ok(item) => Ok(item.and_then(|item| Found::of_resource(api, item))),
                Err(error) if error.status == Some(404) => Err(self.not_served(desired, api)),
                Err(error) => Err(error),
            }
        })?;
        Ok(all.into_iter().flatten().collect())
    }

    /// The uid that only the title leads to.
    fn uid_of_title(&self, desired: &Desired, title: &str, found: &BTreeMap<String, Arc<Found>>) -> Option<String> {
        let tree = &self.snapshot.tree;
        let folder = desired.wanted(tree).and_then(|folder| match folder.find(tree) {
            Ok(Where::At(uid)) => Some(uid),
            _ => None,
        });
        let folder = folder.unwrap_or_default();
        found.values().find(|found| found.title == title && found.folder == folder).map(|found| found.uid.clone())
    }

    fn not_served(&self, desired: &Desired, api: &str) -> Error {
        let version = self.context.session.session.version.as_ref();
        let version = version.map_or("of this version", |version| &version.text);
        let at = if desired.at.is_empty() { String::new() } else { format!("{}: ", desired.at) };
        let shown = desired.shown();
        Error::new(
            ErrorKind::Rejected,
            format!("{at}`{shown}` is in the schema {api}, and this Grafana ({version}) does not have it"),
        )
        .hint("export it in the first schema (`panels`), or use a later Grafana; saved as it is it would be broken")
    }

    /// By `/api`: the search tells what is there, and each one that matters is read (fact 55).
    fn by_api(&self, many: bool, found: &mut BTreeMap<String, Arc<Found>>) -> Result<()> {
        let mut uids: BTreeSet<String> = self.targets.uids.keys().map(|uid| (*uid).to_owned()).collect();
        if many {
            let hits = search(self.reader, &[])?;
            let there: BTreeSet<&str> = hits.iter().filter_map(|hit| hit["uid"].as_str()).collect();
            uids.retain(|uid| there.contains(uid.as_str()));
            let wanted = hits.iter().filter(|hit| self.is_candidate(hit) || self.is_in_scope(hit));
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
        let all = parallel::all(&uids, self.at_once, |uid| {
            let answer = self.reader.get(&path(&["api", "dashboards", "uid", uid]))?;
            if answer.status == 403 && !is_listed(uid)? {
                return Ok(None);
            }
            let answer = optional(answer)?;
            let answer: Option<Value> = answer.map(|answer| answer.json()).transpose()?;
            Ok(answer.and_then(Found::of_answer).and_then(|one| self.kept(one)))
        })?;
        found.extend(all.into_iter().flatten());
        Ok(())
    }

    /// The uids that have one of the titles in its folder. The search is by folder, and not by title: its
    /// query knows no exact match and treats some characters as its own (fact 40).
    fn candidates(&self) -> Result<Vec<String>> {
        let folders: BTreeSet<&str> = self.targets.titles.iter().map(|(_, folder)| folder.as_str()).collect();
        let folders: Vec<&str> = folders.into_iter().collect();
        let hits = parallel::all(&folders, self.at_once, |folder| {
            // An empty uid means the root to 12.4 and nothing to 11.5 (fact 63); this both understand.
            let folder = if folder.is_empty() { "general" } else { folder };
            search(self.reader, &[("folderUIDs", folder)])
        })?;
        let mut uids = Vec::new();
        for hits in hits {
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

    /// Whether `prune` looks at a hit of the search.
    fn is_in_scope(&self, hit: &Value) -> bool {
        let tags = || hit["tags"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let folder = hit["folderUid"].as_str().unwrap_or_default();
        self.scope.as_ref().is_some_and(|scope| scope.holds(folder, tags()))
    }

    /// Keeps what was read, and its content only where it may be needed again: of a thousand unchanged
    /// dashboards only marks are held.
    fn kept(&self, one: Found) -> Option<(String, Arc<Found>)> {
        let exact = self.context.session.is_exact();
        let declared = self.targets.uids.get(one.uid.as_str());
        let titled = || self.targets.titles.contains(&(one.title.as_str(), one.folder.clone()));
        let needed = match declared {
            Some(all) => all.iter().any(|(index, place)| {
                let spec = self.snapshot.spec(*index, &self.context.desired[*index]);
                let same = spec.is_some_and(|spec| spec.api == one.api && spec.mark.same(&one.mark, exact));
                !same
                    || match place {
                        Place::Stays => false,
                        Place::In(folder) => *folder != one.folder,
                        Place::Nowhere => true,
                    }
            }),
            None => {
                let tags = || one.tags.iter().map(String::as_str);
                self.scope.as_ref().is_some_and(|scope| scope.holds(&one.folder, tags())) || titled()
            }
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
