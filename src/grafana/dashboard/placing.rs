//! Where a declared dashboard comes to lie, and the folders that are made for it. Pure.

use serde_json::{Value, json};

use super::{
    Desired, Step,
    found::slug,
    places::{Wanted, Where, missing, uid_of_new},
    plan::Planner,
};
use crate::module::{Action, Change, Object, Result, kind::object};

/// Where a dashboard is to lie, and the change that makes the folder if there is one.
pub struct Place {
    /// The uid of the folder; empty for the root.
    pub uid: String,
    /// Its path, for people.
    pub shown: String,
    /// Key and rank of the change that makes it.
    pub made: Option<(String, u32)>,
}

impl Planner<'_> {
    /// A scope that is nowhere would prune nothing without a word, unless this plan makes it.
    pub fn refuse_unknown_scope(&self, scope: &str) -> Result<()> {
        let tree = &self.snapshot.tree;
        let Where::Missing { below, titles } = (Wanted::Named { name: scope.to_owned(), parent: None }).find(tree)?
        else {
            return Ok(());
        };
        let uid = titles.iter().fold(below, |parent, title| uid_of_new(tree, &parent, title));
        if self.folders.contains_key(&format!("folder:{uid}")) {
            return Ok(());
        }
        Err(missing(scope, tree, "it is a uid or a path of titles").context("prune.folder"))
    }

    /// The folder that is declared, with the changes that make it where it is not there.
    pub fn place(&mut self, desired: &Desired) -> Result<Option<Place>> {
        let tree = &self.snapshot.tree;
        let Some(wanted) = desired.wanted(tree) else { return Ok(None) };
        let (below, titles) = match wanted.find(tree)? {
            Where::At(uid) => return Ok(Some(Place { shown: self.folder_text(&uid), uid, made: None })),
            Where::Missing { .. } if !desired.create_folders => return Err(wanted.missing(tree)),
            Where::Missing { below, titles } => (below, titles),
        };
        let mut place = Place {
            shown: if below.is_empty() { String::new() } else { tree.path_of(&below) },
            uid: below,
            made: None,
        };
        for title in titles {
            let uid = uid_of_new(tree, &place.uid, &title);
            let mut shown = place.shown.clone();
            if !shown.is_empty() {
                shown.push('/');
            }
            shown.push_str(&title.replace('/', "\\/"));
            let key = format!("folder:{uid}");
            let rank = place.made.as_ref().map_or(0, |(_, rank)| rank + 1);
            if self.folders.insert(key.clone(), rank).is_none() {
                let step = Step::Folder { uid: uid.clone(), title, parent: place.uid.clone() };
                let after = json!({"path": shown, "uid": uid});
                let mut change = Change::new(None, shown.as_str(), Action::Create, Value::Null, after, step);
                change.noun = Some("folder");
                change.key.clone_from(&key);
                change.ids = object([("uid", json!(uid))]);
                self.made.push(into_place(change, &place));
            }
            place = Place { uid, shown, made: Some((key, rank)) };
        }
        Ok(Some(place))
    }

    pub fn folder_text(&self, uid: &str) -> String {
        match uid {
            "" => "General".to_owned(),
            uid if self.snapshot.tree.get(uid).is_some() => self.snapshot.tree.path_of(uid),
            uid => uid.to_owned(),
        }
    }

    pub fn ids(&self, uid: Option<&str>, title: &str, folder: &str) -> Object {
        let mut ids = ids(&self.context.task.connection.url, uid, title);
        ids.insert("folder_uid".into(), folder.into());
        ids
    }
}

/// What identifies a dashboard for people and programs.
pub fn ids(server: &str, uid: Option<&str>, title: &str) -> Object {
    let Some(uid) = uid else { return Object::new() };
    let slug = slug(title);
    let rest = slug.as_ref().map(|slug| format!("/{slug}")).unwrap_or_default();
    let url = format!("{}/d/{uid}{rest}", server.trim_end_matches('/'));
    object([("uid", json!(uid)), ("slug", json!(slug)), ("url", json!(url))])
}

/// The same change behind the one that makes its place.
pub fn into_place(mut change: Change<Step>, place: &Place) -> Change<Step> {
    if let Some((key, rank)) = &place.made {
        change.needs = vec![key.clone()];
        change.rank = rank + 1;
    }
    change
}
