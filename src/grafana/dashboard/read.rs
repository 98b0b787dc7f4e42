//! Reading what is there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{DashboardKind, Desired, Found, Spec, beside, look};
use crate::{
    grafana::{
        folder_tree::FolderTree,
        permissions::{Held, Subjects},
    },
    http::{Reader, path},
    module::{Context, Result},
};

/// Above so many declared dashboards all are listed: a list of 1,000 takes as long as reading 60 one by
/// one (fact 53).
pub const FEW: usize = 40;

/// The content of declared dashboards that depends on the server, by index, and what there is to say of each.
pub type Filled = Arc<BTreeMap<usize, (Arc<Spec>, Vec<String>)>>;

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
    /// The uids of those whose permissions the caller may not read.
    pub unreadable: BTreeSet<String>,
    /// What is declared and depends on the server: with its inputs filled in, with a refresh that the server takes;
    /// and what there is to say of it.
    pub filled: Filled,
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
        self.filled.get(&index).map(|(spec, _)| spec).or(desired.spec.as_ref())
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
/// uids of all that it wrote; of the others what was read `before` still counts, so that one change of forty does
/// not cost forty reads.
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
        if !after.unreadable.contains(uid) {
            after.permissions.entry(uid.clone()).or_insert_with(|| held.clone());
        }
    }
    let unread = before.unreadable.iter().filter(|uid| !read.contains(uid));
    after.unreadable.extend(unread.cloned());
    Ok(after)
}

/// Reads what the declared dashboards of these indices touch, or all.
fn snapshot(
    context: &Context<'_, DashboardKind>,
    reader: Reader<'_>,
    mut snapshot: Snapshot,
    only: Option<&BTreeSet<usize>>,
) -> Result<Snapshot> {
    snapshot.filled = beside::fill(context, reader)?;
    let prune = context.task.settings.prune.as_ref();
    let named = |desired: &Desired| {
        desired.came_from.is_some() || desired.folder.as_ref().is_some_and(|folder| !folder.is_root())
    };
    if context.desired.iter().any(named) || prune.is_some_and(|prune| prune.folder.is_some()) {
        snapshot.tree = FolderTree::read(reader, &context.session.session)?;
    }
    let grants = context.desired.iter().flat_map(|desired| desired.permissions.iter().flatten());
    snapshot.subjects = Subjects::read(reader, &context.session.session, grants)?;
    snapshot.found = look::dashboards(context, reader, &snapshot, only)?;
    beside::permissions(context, reader, &mut snapshot)?;
    beside::exports(context, reader, &mut snapshot)?;
    Ok(snapshot)
}
