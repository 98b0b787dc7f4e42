//! Reading what the task touches: the tree, permissions, contents.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Contents, FolderKind, Snapshot, address,
    options::{FolderOptions, State},
    permissions_address, plan,
};
use crate::{
    grafana::{
        folder_tree::{Folder, FolderTree, titles},
        ok, permissions,
        permissions::Subjects,
    },
    http::Reader,
    module::{Context, Result, parallel},
};

/// One request for the tree, one for the permissions of each declared folder that names some, and one
/// for the contents of each that may be deleted.
pub fn read(context: &Context<'_, FolderKind>, reader: Reader<'_>) -> Result<Snapshot> {
    snapshot(context, reader, &[])
}

/// The same after writing. One who left itself out of a folder's permissions may not read them any more (fact
/// 30): of those that were `set` the answer to the write has to be enough.
pub fn read_back(context: &Context<'_, FolderKind>, reader: Reader<'_>, set: &[&str]) -> Result<Snapshot> {
    snapshot(context, reader, set)
}

fn snapshot(context: &Context<'_, FolderKind>, reader: Reader<'_>, set: &[&str]) -> Result<Snapshot> {
    let declared = || context.task.declared.iter().map(|declared| &declared.options);
    let tree = FolderTree::read(reader, &context.session.session)?;
    let subjects = Subjects::read(
        reader,
        &context.session.session,
        declared().flat_map(|options| options.permissions.iter().flatten()),
    )?;
    let at_once = reader.client().settings().concurrency;
    let with_permissions: Vec<&Folder> = tree
        .all()
        .filter(|folder| declared().any(|options| options.permissions.is_some() && is_about(options, folder)))
        .collect();
    let held = parallel::each(&with_permissions, at_once, |folder| {
        match permissions::read(reader, &permissions_address(&folder.uid)) {
            Err(error) if error.status == Some(403) && set.contains(&folder.uid.as_str()) => {
                Ok((folder.uid.clone(), None))
            }
            held => held.map(|held| (folder.uid.clone(), held)),
        }
    });
    let mut permissions = BTreeMap::new();
    for held in held {
        if let (uid, Some(held)) = held? {
            permissions.insert(uid, held);
        }
    }
    let prune = context.task.settings.prune.as_ref();
    // Only what lies in the scope is looked into: one request a folder.
    let scope = match prune {
        Some(prune) => match (&prune.parent, &prune.parent_uid) {
            (Some(path), _) => {
                let path = titles(path);
                let (uid, missing) = tree.walk(&path)?;
                missing.is_empty().then_some(uid)
            }
            (_, uid) => uid.clone(),
        },
        None => None,
    };
    let to_count: Vec<&Folder> = tree
        .all()
        .filter(|folder| {
            declared().any(|options| options.state == Some(State::Absent) && is_about(options, folder))
                || prune.is_some_and(|prune| {
                    folder.title.starts_with(prune.name_prefix.as_deref().unwrap_or_default())
                        && !declared().any(|options| options.uid.as_deref() == Some(&folder.uid))
                        && scope.as_ref().is_none_or(|parent| folder.parent == *parent)
                })
        })
        .collect();
    let counted = parallel::each(&to_count, at_once, |folder| count(reader, &folder.uid));
    let contents = to_count
        .iter()
        .zip(counted)
        .map(|(folder, contents)| contents.map(|contents| (folder.uid.clone(), contents)))
        .collect::<Result<_>>()?;
    Ok(Snapshot { tree, subjects, permissions, contents })
}

/// Whether a declared folder may be this one.
fn is_about(options: &FolderOptions, folder: &Folder) -> bool {
    match options.uid.as_deref().filter(|uid| !uid.is_empty()) {
        Some(uid) => folder.uid == uid,
        None => folder.title == plan::name(options),
    }
}

fn count(reader: Reader<'_>, uid: &str) -> Result<Contents> {
    let counts: Value = ok(reader.get(&format!("{}/counts", address(uid)))?)?.json()?;
    let number = |key: &str| counts[key].as_u64().unwrap_or(0);
    Ok(Contents {
        dashboards: number("dashboard"),
        alert_rules: number("alertrule"),
        library_panels: number("librarypanel"),
    })
}
