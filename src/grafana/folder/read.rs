//! Reading what the task touches: the tree, permissions, contents.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Contents, FolderKind, Snapshot, address, deletions, permissions_address, plan};
use crate::{
    grafana::{
        folder_tree::{Folder, FolderTree},
        ok,
        permissions::{self, Held, Subjects},
    },
    http::Reader,
    module::{Action, Applied, Change, Context, Error, ErrorKind, Result, parallel},
};

/// One request for the tree, one for the permissions of each declared folder that names some, and one
/// for the contents of each that may be deleted.
pub fn read(context: &Context<'_, FolderKind>, reader: Reader<'_>) -> Result<Snapshot> {
    let grants = context.task.declared.iter().flat_map(|declared| declared.options.permissions.iter().flatten());
    let tree = FolderTree::read(reader, &context.session.session)?;
    let subjects = Subjects::read(reader, &context.session.session, grants)?;
    let mut snapshot = Snapshot { tree, subjects, ..Snapshot::default() };
    snapshot.permissions = permissions_of(reader, &with_permissions(context, &snapshot.tree), |_| false)?;
    snapshot.contents = count_all(reader, &snapshot.tree, deletions::to_count(context, &snapshot)?)?;
    Ok(snapshot)
}

/// The same after writing: only what was written is read again.
pub fn read_back(
    context: &Context<'_, FolderKind>,
    reader: Reader<'_>,
    before: &Snapshot,
    applied: &[(&Change<super::Step>, &Applied)],
) -> Result<Snapshot> {
    let mut tree = FolderTree::read(reader, &context.session.session)?;
    let written: BTreeMap<&str, (&Change<super::Step>, &Applied)> = applied
        .iter()
        .filter(|(change, _)| change.action != Action::Delete && change.step.is_present())
        .filter_map(|(change, applied)| Some((applied.ids.get("uid")?.as_str()?, (*change, *applied))))
        .collect();
    // One who left itself out of a folder's permissions may not see it any more (fact 30): then the answers to
    // the writes have to be enough.
    for (uid, (change, applied)) in &written {
        if tree.get(uid).is_none() && reader.get(&address(uid))?.status == 403 {
            tree.put_back(as_written(uid, change, applied));
        }
    }
    let set = |uid: &str| written.get(uid).filter(|(change, _)| change.step.permissions.is_some());
    let mut permissions = before.permissions.clone();
    permissions.retain(|uid, _| set(uid).is_none());
    let unknown: Vec<(&Folder, bool)> = with_permissions(context, &tree)
        .into_iter()
        .filter(|(folder, _)| !permissions.contains_key(&folder.uid))
        .collect();
    permissions.extend(permissions_of(reader, &unknown, |uid| set(uid).is_some())?);
    for (uid, (change, _)) in &written {
        if let (Some(body), false) = (&change.step.permissions, permissions.contains_key(*uid)) {
            let held = Held { compared: change.after["permissions"].clone(), body: body.clone() };
            permissions.insert((*uid).to_owned(), held);
        }
    }
    Ok(Snapshot { tree, subjects: before.subjects.clone(), permissions, contents: before.contents.clone() })
}

/// A folder as it was written.
fn as_written(uid: &str, change: &Change<super::Step>, applied: &Applied) -> Folder {
    let text = |key: &str| applied.ids.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let found = change.step.found.as_ref();
    let described = change.step.description.clone().or_else(|| found?.description.clone());
    Folder {
        uid: uid.to_owned(),
        title: change.step.title.clone(),
        description: Some(described.unwrap_or_default()),
        parent: text("parentUid"),
        id: applied.ids.get("id").and_then(Value::as_i64).or_else(|| found?.id),
        version: None,
        managed_by: None,
    }
}

/// The folders that the task may declare permissions of, each with whether it does so by its uid.
fn with_permissions<'t>(context: &Context<'_, FolderKind>, tree: &'t FolderTree) -> Vec<(&'t Folder, bool)> {
    let (mut uids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for options in context.task.declared.iter().map(|declared| &declared.options) {
        if options.permissions.is_some() {
            match options.uid.as_deref().filter(|uid| !uid.is_empty()) {
                Some(uid) => uids.insert(uid),
                None => titles.insert(plan::name(options)),
            };
        }
    }
    if uids.is_empty() && titles.is_empty() {
        return Vec::new();
    }
    tree.all()
        .map(|folder| (folder, uids.contains(folder.uid.as_str())))
        .filter(|(folder, by_uid)| *by_uid || titles.contains(folder.title.as_str()))
        .collect()
}

/// The permissions of folders. One that only has the same title may be somebody else's, whose permissions are
/// not for the caller to read: that is none of this task's failures, nor is it where `may_fail` says so.
fn permissions_of(
    reader: Reader<'_>,
    folders: &[(&Folder, bool)],
    may_fail: impl Fn(&str) -> bool + Sync,
) -> Result<BTreeMap<String, Held>> {
    let held =
        parallel::all(folders, reader.client().settings().concurrency, |(folder, by_uid)| {
            match permissions::read(reader, &permissions_address(&folder.uid)) {
                Err(error) if error.status == Some(403) && (!by_uid || may_fail(&folder.uid)) => Ok(None),
                held => Ok(held?.map(|held| (folder.uid.clone(), held))),
            }
        })?;
    Ok(held.into_iter().flatten().collect())
}

/// What folders hold. It is counted with all folders below: in one that holds nothing there is nothing to count.
fn count_all(reader: Reader<'_>, tree: &FolderTree, folders: Vec<&Folder>) -> Result<BTreeMap<String, Contents>> {
    let mut levels: BTreeMap<u32, Vec<&Folder>> = BTreeMap::new();
    for folder in folders {
        levels.entry(tree.depth(&folder.uid)).or_default().push(folder);
    }
    let mut contents: BTreeMap<String, Contents> = BTreeMap::new();
    for level in levels.into_values() {
        let (below_empty, to_count): (Vec<&Folder>, Vec<&Folder>) = level
            .into_iter()
            .partition(|folder| contents.get(&folder.parent).is_some_and(|held| *held == Contents::default()));
        contents.extend(below_empty.into_iter().map(|folder| (folder.uid.clone(), Contents::default())));
        let at_once = reader.client().settings().concurrency;
        let counted = parallel::all(&to_count, at_once, |folder| count(reader, &folder.uid))?;
        for (folder, held) in to_count.into_iter().zip(counted) {
            contents.insert(folder.uid.clone(), held);
        }
    }
    Ok(contents)
}

fn count(reader: Reader<'_>, uid: &str) -> Result<Contents> {
    let counts: Value = ok(reader.get(&format!("{}/counts", address(uid)))?)?.json()?;
    counted(&counts).ok_or_else(|| {
        Error::new(ErrorKind::Rejected, format!("what folder {uid} holds was not told as numbers: {counts}"))
            .hint("nothing was deleted, since it is not known what would go with it")
    })
}

/// Numbers by kind; a kind that this program does not know counts as well.
fn counted(counts: &Value) -> Option<Contents> {
    let mut contents = Contents::default();
    for (kind, number) in counts.as_object()? {
        let number = number.as_u64()?;
        match kind.to_ascii_lowercase().replace('_', "").trim_end_matches('s') {
            "folder" => {}
            "dashboard" => contents.dashboards += number,
            "alertrule" => contents.alert_rules += number,
            "librarypanel" | "libraryelement" => contents.library_panels += number,
            _ if number > 0 => drop(contents.others.insert(kind.clone(), number)),
            _ => {}
        }
    }
    Some(contents)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_folder_holds_is_counted_whatever_it_is_called() {
        let told = |counts: Value| counted(&counts).map(|contents| contents.told());
        assert_eq!(told(json!({"alertrule": 0, "dashboard": 2, "folder": 2, "librarypanel": 0})), some("2 dashboards"));
        assert_eq!(told(json!({"alertrules": 1, "library_elements": 1})), some("1 alert rule, 1 library panel"));
        assert_eq!(told(json!({"folders": 3, "playlist": 4, "notebook": 0})), some("4 playlist"));
        for none in [json!([]), json!("0"), json!({"dashboard": "many"}), json!({"dashboard": null})] {
            assert_eq!(told(none), None);
        }
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }
}
