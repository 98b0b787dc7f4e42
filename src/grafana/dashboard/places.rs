//! Which folder a dashboard is declared to lie in. Pure.

use super::options::{DashboardOptions, Prune};
use crate::{
    grafana::folder_tree::{self, FolderTree, titles},
    module::{Error, ErrorKind, Result},
};

/// A folder as it was declared.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// By uid; empty for the root.
    Uid(String),
    /// By uid, title or path, perhaps below another one.
    Named {
        /// The folder itself.
        name: String,
        /// Where it is looked up; the root when left out.
        parent: Option<String>,
    },
}

/// Where that is.
#[derive(Clone, Debug, PartialEq)]
pub enum Where {
    /// The folder of that uid; empty for the root.
    At(String),
    /// Nowhere yet.
    Missing {
        /// The uid of the deepest folder on the way that is there; empty for the root.
        below: String,
        /// The titles that are missing below it.
        titles: Vec<String>,
    },
}

impl Wanted {
    /// What the options say: `folder_uid`, else what they write as `folder`, else what the JSON itself
    /// says as it was wrapped for the API, else the default.
    pub fn of(options: &DashboardOptions, folder_is_written: bool, of_source: Option<&String>) -> Option<Wanted> {
        if let Some(uid) = &options.folder_uid {
            return Some(Wanted::Uid(uid.clone()));
        }
        if let (Some(uid), false) = (of_source, folder_is_written) {
            return Some(Wanted::Uid(uid.clone()));
        }
        options.folder.as_ref().map(|name| Wanted::Named { name: name.clone(), parent: options.parent_folder.clone() })
    }

    /// Whether it is the root, which needs no look at the folders. `general` is Grafana's own word for it,
    /// which it takes in some places and refuses in others (fact 34), so it is never sent.
    pub fn is_root(&self) -> bool {
        match self {
            Wanted::Uid(uid) => uid.is_empty() || uid == "general",
            Wanted::Named { name, .. } => is_root(name),
        }
    }

    /// Looks it up.
    pub fn find(&self, tree: &FolderTree) -> Result<Where> {
        if self.is_root() {
            return Ok(Where::At(String::new()));
        }
        match self {
            Wanted::Uid(uid) if tree.get(uid).is_some() => Ok(Where::At(uid.clone())),
            // An unknown uid is a 400 (fact 34), and nobody can say what its title would be.
            Wanted::Uid(uid) => Err(missing(uid, tree, "it is the uid of no folder")),
            Wanted::Named { name, parent: None } => below(tree, "", name),
            Wanted::Named { name, parent: Some(parent) } => {
                let parent = Wanted::Named { name: parent.clone(), parent: None };
                match parent.find(tree)? {
                    Where::At(uid) => below(tree, &uid, name),
                    Where::Missing { below, titles: mut way } => {
                        way.extend(titles(name));
                        Ok(Where::Missing { below, titles: way })
                    }
                }
            }
        }
    }

    /// The error for a folder that is not there and is not to be made.
    pub fn missing(&self, tree: &FolderTree) -> Error {
        let make = "set `create_folders: true` to have it made";
        match self {
            Wanted::Named { parent: Some(parent), .. }
                if !matches!(Wanted::Named { name: parent.clone(), parent: None }.find(tree), Ok(Where::At(_))) =>
            {
                missing(parent, tree, make)
            }
            Wanted::Uid(name) | Wanted::Named { name, .. } => missing(name, tree, make),
        }
    }
}

/// Which dashboards `prune` looks at.
pub struct Scope<'r> {
    tree: &'r FolderTree,
    /// The folder, where one is named.
    folder: Option<Where>,
    tag: Option<&'r String>,
}

impl<'r> Scope<'r> {
    /// As the options say.
    pub fn of(prune: &'r Prune, tree: &'r FolderTree) -> Result<Scope<'r>> {
        let find = |name: &String| Wanted::Named { name: name.clone(), parent: None }.find(tree);
        Ok(Scope { tree, folder: prune.folder.as_ref().map(find).transpose()?, tag: prune.tag.as_ref() })
    }

    /// Whether it holds a dashboard in that folder with those tags. A folder stands for all below it, the root for
    /// itself alone, and one that is not there for nothing.
    pub fn holds<'t>(&self, folder: &str, mut tags: impl Iterator<Item = &'t str>) -> bool {
        let in_folder = match &self.folder {
            None => true,
            Some(Where::At(uid)) if uid.is_empty() => folder.is_empty(),
            Some(Where::At(uid)) => self.tree.is_within(folder, uid),
            Some(Where::Missing { .. }) => false,
        };
        in_folder && self.tag.is_none_or(|tag| tags.any(|one| one == tag))
    }
}

/// Whether a folder's name means the root.
pub fn is_root(name: &str) -> bool {
    matches!(name.trim(), "" | "/" | "General" | "general")
}

/// A folder below another one: by uid, by its exact title, else by a path of titles.
fn below(tree: &FolderTree, parent: &str, name: &str) -> Result<Where> {
    let by_uid = tree.get(name.trim()).filter(|folder| parent.is_empty() || folder.parent == parent);
    if let Some(folder) = by_uid {
        return Ok(Where::At(folder.uid.clone()));
    }
    if let Some(folder) = tree.child(parent, name)? {
        return Ok(Where::At(folder.uid.clone()));
    }
    let way = titles(name);
    let mut here = parent.to_owned();
    for (depth, title) in way.iter().enumerate() {
        match tree.child(&here, title)? {
            Some(folder) => here.clone_from(&folder.uid),
            None => return Ok(Where::Missing { below: here, titles: way[depth..].to_vec() }),
        }
    }
    Ok(Where::At(here))
}

/// The error for a folder that is not there, with the nearest name.
pub fn missing(name: &str, tree: &FolderTree, else_say: &str) -> Error {
    let known = tree.all().flat_map(|folder| [tree.path_of(&folder.uid), folder.title.clone(), folder.uid.clone()]);
    let nearest = known
        .filter(|other| other != name)
        .map(|other| (strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase()), other))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    // One of that title may lie elsewhere.
    let elsewhere =
        tree.all().find(|folder| folder.title == name.trim()).map(|folder| (1.0, tree.path_of(&folder.uid)));
    let nearest = elsewhere.or(nearest);
    let hint = match nearest {
        Some((_, near)) => format!("did you mean `{near}`? Otherwise {else_say}"),
        None => else_say.to_owned(),
    };
    Error::new(ErrorKind::NotFound, format!("Dashboard folder '{name}' does not exist")).hint(hint)
}

/// The uid that a new folder gets, see [`folder_tree::uid_of_new`]; not one that is taken, by a folder that
/// was made here once and has another title or place by now.
pub fn uid_of_new(tree: &FolderTree, parent: &str, title: &str) -> String {
    (0..)
        .map(|salt| folder_tree::uid_of_new(parent, title, salt))
        .find(|uid| tree.get(uid).is_none())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grafana::folder_tree::tests::tree;

    fn named(name: &str, parent: Option<&str>) -> Wanted {
        Wanted::Named { name: name.to_owned(), parent: parent.map(str::to_owned) }
    }

    #[test]
    fn a_folder_is_found_by_uid_title_and_path() {
        let tree = tree(&[("a", "Infra", ""), ("b", "Net", "a"), ("c", "A/B", ""), ("d", "Net", "")]);
        for (wanted, uid) in [
            (named("General", None), ""),
            (named("General", Some("a")), ""),
            (named("/", None), ""),
            (named("a", None), "a"),
            (named("Infra", None), "a"),
            (named("Infra/Net", None), "b"),
            (named("Net", Some("a")), "b"),
            (named("b", Some("Infra")), "b"),
            (named("Net", None), "d"),
            (named("A/B", None), "c"),
            (named("b", None), "b"),
            (Wanted::Uid("b".into()), "b"),
            (Wanted::Uid(String::new()), ""),
        ] {
            assert_eq!(wanted.find(&tree).expect("it is there"), Where::At(uid.to_owned()), "{wanted:?}");
        }
    }

    #[test]
    fn what_is_missing_is_told_from_where() {
        let tree = tree(&[("a", "Infra", "")]);
        let missing = |below: &str, titles: &[&str]| Where::Missing {
            below: below.to_owned(),
            titles: titles.iter().map(|title| (*title).to_owned()).collect(),
        };
        assert_eq!(named("Infra/X/Y", None).find(&tree).expect("a way"), missing("a", &["X", "Y"]));
        assert_eq!(named("Y", Some("New/X")).find(&tree).expect("a way"), missing("", &["New", "X", "Y"]));
        // A uid below a parent is one of its children only.
        assert_eq!(named("a", Some("a")).find(&tree).expect("a way"), missing("a", &["a"]));
        assert!(Wanted::Uid("nope".into()).find(&tree).is_err());
        let error = named("X", Some("nowhere")).missing(&tree).to_string();
        assert!(error.starts_with("Dashboard folder 'nowhere' does not exist"), "{error}");
        let error = named("Infa", None).missing(&tree).to_string();
        assert!(error.starts_with("Dashboard folder 'Infa' does not exist; hint: did you mean `Infra`?"), "{error}");
    }

    #[test]
    fn new_folders_have_the_same_uid_each_time() {
        let tree = tree(&[]);
        let uid = uid_of_new(&tree, "", "Infra");
        assert_eq!(uid, uid_of_new(&tree, "", "Infra"));
        assert!(uid.len() <= 40 && uid != uid_of_new(&tree, "x", "Infra") && uid != uid_of_new(&tree, "", "Infra2"));
        let taken = crate::grafana::folder_tree::tests::tree(&[(&uid, "Renamed", "")]);
        assert_ne!(uid_of_new(&taken, "", "Infra"), uid);
    }
}
