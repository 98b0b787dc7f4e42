//! All folders of an organisation, read in O(pages) requests, with their places and paths.
//!
//! Titles are not unique, not even among siblings (grafana.md fact 23): a path that fits several
//! folders is refused with their uids.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Session, k8s_list, ok};
use crate::{
    http::{Reader, path, with_query},
    module::{Error, ErrorKind, Result},
};

/// The most folders that one page is asked for.
const PAGE: usize = 1000;

/// One folder as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Folder {
    /// What identifies it.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// Its description; `None` where the server does not show it (11.x).
    pub description: Option<String>,
    /// The uid of the folder that it lies in; empty at the root.
    pub parent: String,
    /// Its number, for plays that still use it.
    pub id: Option<i64>,
    /// Its version; `None` where the list does not tell it (11.x).
    pub version: Option<i64>,
    /// Who manages it, if something else than people does (a provisioned folder, Git Sync).
    pub managed_by: Option<String>,
}

/// All folders that the caller can see.
#[derive(Clone, Debug, Default)]
pub struct FolderTree {
    folders: BTreeMap<String, Folder>,
    /// The uids of the folders directly in another one (empty: at the root), sorted.
    below: BTreeMap<String, Vec<String>>,
    /// Whether it was read by the search, which shows neither descriptions nor versions.
    by_search: bool,
}

impl FolderTree {
    /// Reads all folders by `/apis`, which shows descriptions and orphans. Where that is not there, in
    /// 11.x or behind a proxy that lets only `/api` through, the search tells the rest (facts 29, 55).
    pub fn read(reader: Reader<'_>, session: &Session) -> Result<FolderTree> {
        match by_k8s(reader, session) {
            Err(error) if error.kind == ErrorKind::NotFound => {
                Ok(FolderTree { by_search: true, ..FolderTree::from(by_search(reader)?) })
            }
            seen => seen.map(FolderTree::from),
        }
    }

    /// Whether descriptions are shown, so that they can be compared.
    pub fn shows_descriptions(&self) -> bool {
        !self.by_search
    }

    /// The folder of that uid.
    pub fn get(&self, uid: &str) -> Option<&Folder> {
        self.folders.get(uid)
    }

    /// All folders, by uid.
    pub fn all(&self) -> impl Iterator<Item = &Folder> {
        self.folders.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.folders.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    /// Puts back a folder that is known to be there and that the caller cannot see any more.
    pub fn put_back(&mut self, folder: Folder) {
        self.below.entry(folder.parent.clone()).or_default().push(folder.uid.clone());
        self.folders.insert(folder.uid.clone(), folder);
    }

    /// The folders directly in another one (empty: at the root), by uid.
    pub fn children<'t>(&'t self, parent: &str) -> impl Iterator<Item = &'t Folder> + use<'t> {
        self.below.get(parent).into_iter().flatten().filter_map(|uid| self.get(uid))
    }

    /// All folders in another one, at every depth.
    pub fn descendants<'t>(&'t self, uid: &str) -> Vec<&'t Folder> {
        let mut found: Vec<&Folder> = self.children(uid).collect();
        let mut next = 0;
        // A tree has no cycle, but an answer read while folders move may seem to.
        while next < found.len() && found.len() <= self.len() {
            found.extend(self.children(&found[next].uid));
            next += 1;
        }
        found
    }

    /// The folder with that title in a folder; several are refused.
    pub fn child<'t>(&'t self, parent: &str, title: &str) -> Result<Option<&'t Folder>> {
        self.child_of(parent, title, |_| true)
    }

    /// The same among those that count.
    pub fn child_of<'t>(
        &'t self,
        parent: &str,
        title: &str,
        counts: impl Fn(&Folder) -> bool,
    ) -> Result<Option<&'t Folder>> {
        let found: Vec<&Folder> =
            self.children(parent).filter(|folder| folder.title == title.trim() && counts(folder)).collect();
        if found.len() > 1 {
            let uids: Vec<&str> = found.iter().map(|folder| folder.uid.as_str()).collect();
            return Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "{} folders in {} have the title `{title}`: {}",
                    found.len(),
                    self.place(parent),
                    uids.join(", ")
                ),
            )
            .hint("titles are not unique in Grafana; say which one by `uid`"));
        }
        Ok(found.first().copied())
    }

    /// The folder at a path of titles, as far as it is there: its uid (empty for the root) and the
    /// titles that are missing below it.
    pub fn walk<'p>(&self, titles: &'p [String]) -> Result<(String, &'p [String])> {
        let mut here = String::new();
        for (depth, title) in titles.iter().enumerate() {
            match self.child(&here, title)? {
                Some(folder) => here.clone_from(&folder.uid),
                None => return Ok((here, &titles[depth..])),
            }
        }
        Ok((here, &[]))
    }

    /// Whether `uid` is `ancestor` or lies somewhere in it.
    pub fn is_within(&self, uid: &str, ancestor: &str) -> bool {
        let mut here = uid;
        // A tree has no cycle, but an answer read while folders move may seem to.
        for _ in 0..=self.folders.len() {
            if here == ancestor {
                return true;
            }
            match self.get(here) {
                Some(folder) if !folder.parent.is_empty() => here = &folder.parent,
                _ => return false,
            }
        }
        false
    }

    /// How many folders lie above it.
    pub fn depth(&self, uid: &str) -> u32 {
        let (mut here, mut depth) = (uid, 0);
        while let Some(folder) = self.get(here) {
            if folder.parent.is_empty() || depth as usize > self.folders.len() {
                break;
            }
            here = &folder.parent;
            depth += 1;
        }
        depth
    }

    /// The titles from the root down to it, joined by `/`; the uid where a parent cannot be seen.
    pub fn path_of(&self, uid: &str) -> String {
        let (mut here, mut titles) = (uid, Vec::new());
        while let Some(folder) = self.get(here) {
            titles.push(folder.title.clone());
            if folder.parent.is_empty() || titles.len() > self.folders.len() {
                break;
            }
            here = &folder.parent;
        }
        titles.reverse();
        joined(&titles)
    }

    /// A place for sentences: "the root" or "folder `Infra/Network`".
    pub fn place(&self, uid: &str) -> String {
        match uid {
            "" => "the root".to_owned(),
            uid if self.get(uid).is_some() => format!("folder `{}`", self.path_of(uid)),
            uid => format!("folder {uid}"),
        }
    }
}

impl From<Vec<Folder>> for FolderTree {
    fn from(folders: Vec<Folder>) -> FolderTree {
        let folders: BTreeMap<String, Folder> =
            folders.into_iter().map(|folder| (folder.uid.clone(), folder)).collect();
        let mut below: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for folder in folders.values() {
            below.entry(folder.parent.clone()).or_default().push(folder.uid.clone());
        }
        FolderTree { folders, below, by_search: false }
    }
}

/// The titles of a path such as `Infra/Network`; `\/` stands for a slash in a title.
pub fn titles(path: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut characters = path.chars().peekable();
    while let Some(character) = characters.next() {
        let last = all.len() - 1;
        match character {
            '\\' if characters.peek() == Some(&'/') => {
                characters.next();
                all[last].push('/');
            }
            '/' => all.push(String::new()),
            other => all[last].push(other),
        }
    }
    all.into_iter().map(|title| title.trim().to_owned()).filter(|title| !title.is_empty()).collect()
}

/// The path of these titles, as [`titles`] reads it.
pub fn joined(titles: &[String]) -> String {
    titles.iter().map(|title| title.replace('/', "\\/")).collect::<Vec<_>>().join("/")
}

/// A uid for a new folder that has none: always the same for the same place, so that two who make it at once
/// make one folder and not two of the same title (fact 23), and a lost answer can be looked up. Another `salt`
/// gives another one.
pub fn uid_of_new(parent: &str, title: &str, salt: u32) -> String {
    // FNV-1a: two builds, of whatever release of Rust, have to agree on it, which the hasher of std does not
    // promise. Nobody gains by titles made to collide: the one that comes second gets another salt.
    let parts: [&[u8]; 4] = [&salt.to_be_bytes(), parent.as_bytes(), &[0], title.as_bytes()];
    let hash = parts.into_iter().flatten().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(*byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    format!("h{:024x}", hash >> 32)
}

/// Grafana 12 serves `v1beta1`; one that has left that behind serves `v1`.
fn by_k8s(reader: Reader<'_>, session: &Session) -> Result<Vec<Folder>> {
    let list = |version: &str| {
        let address = path(&["apis", "folder.grafana.app", version, "namespaces", &session.namespace(), "folders"]);
        k8s_list(reader, &address, &[("limit", &PAGE.to_string())])
    };
    let items = match list("v1beta1") {
        Err(error) if error.kind == ErrorKind::NotFound => list("v1"),
        items => items,
    }?;
    Ok(items.iter().map(from_k8s).collect())
}

fn from_k8s(item: &Value) -> Folder {
    let (meta, spec) = (&item["metadata"], &item["spec"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let annotations = &meta["annotations"];
    Folder {
        uid: text(&meta["name"]),
        title: text(&spec["title"]),
        description: Some(text(&spec["description"])),
        parent: text(&annotations["grafana.app/folder"]),
        id: meta["labels"]["grafana.app/deprecatedInternalID"].as_str().and_then(|id| id.parse().ok()),
        // The same number that `/api/folders` calls `version` (measured: both begin at 1 and move together).
        version: meta["generation"].as_i64(),
        managed_by: annotations["grafana.app/managedBy"].as_str().map(str::to_owned),
    }
}

fn by_search(reader: Reader<'_>) -> Result<Vec<Folder>> {
    let mut folders = Vec::new();
    for page in 1.. {
        let query = [("type", "dash-folder"), ("limit", &*PAGE.to_string()), ("page", &*page.to_string())];
        let found: Vec<Value> = ok(reader.get(&with_query("/api/search", &query))?)?.json()?;
        folders.extend(found.iter().map(|entry| {
            let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            Folder {
                uid: text("uid"),
                title: text("title"),
                description: None,
                parent: text("folderUid"),
                id: entry["id"].as_i64(),
                version: None,
                managed_by: None,
            }
        }));
        if found.len() < PAGE {
            break;
        }
    }
    Ok(folders)
}

/// The refusal of a folder in too deep a place is a decision, though it may come as a 500 (facts 25, 60): another look
/// would change nothing. Any other error stays as it is.
pub fn too_deep(error: Error) -> Error {
    let told = error.message.to_ascii_lowercase();
    if !told.contains("max depth") && !told.contains("maximum nested folder depth") {
        return error;
    }
    Error { uncertain: false, ..error }.hint("Grafana nests folders only so deep; put it somewhere above")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The same tree as 11.x shows it.
    pub fn by_search(tree: FolderTree) -> FolderTree {
        let mut tree = tree;
        tree.folders.values_mut().for_each(|folder| folder.description = None);
        FolderTree { by_search: true, ..tree }
    }

    /// A tree from (uid, title, parent).
    pub fn tree(folders: &[(&str, &str, &str)]) -> FolderTree {
        let folder = |(uid, title, parent): &(&str, &str, &str)| Folder {
            uid: (*uid).to_owned(),
            title: (*title).to_owned(),
            description: Some(String::new()),
            parent: (*parent).to_owned(),
            id: None,
            version: Some(1),
            managed_by: None,
        };
        folders.iter().map(folder).collect::<Vec<_>>().into()
    }

    #[test]
    fn paths_lead_to_folders_and_back() {
        let tree = tree(&[("a", "Infra", ""), ("b", "Net/work", "a"), ("c", "Infra", "a"), ("o", "Orphan", "gone")]);
        assert_eq!(titles(r"Infra/Net\/work"), ["Infra", "Net/work"]);
        assert_eq!(tree.walk(&titles(r"Infra/Net\/work")).expect("one way"), ("b".to_owned(), &[][..]));
        assert_eq!(tree.walk(&titles("Infra/X/Y")).expect("one way").1, ["X", "Y"]);
        assert_eq!(tree.path_of("b"), r"Infra/Net\/work");
        assert_eq!((tree.depth("a"), tree.depth("b")), (0, 1));
        assert!(tree.is_within("b", "a") && !tree.is_within("a", "b"));
        assert_eq!(tree.path_of("o"), "Orphan");
        let below: Vec<&str> = tree.descendants("").iter().map(|folder| folder.uid.as_str()).collect();
        assert_eq!(below, ["a", "b", "c"]);
    }

    #[test]
    fn a_title_that_fits_several_is_refused() {
        let tree = tree(&[("a", "Same", ""), ("b", "Same", ""), ("c", "Same", "a")]);
        let error = tree.child("", "Same").expect_err("two of them");
        assert!(error.to_string().contains("a, b"), "{error}");
        assert!(tree.child("a", "Same").expect("one").is_some());
    }

    #[test]
    fn a_new_folder_gets_the_same_uid_from_every_build() {
        assert_eq!(uid_of_new("", "Infra", 0), "h33b2d4fc2f8e9255d054ae41");
        assert_ne!(uid_of_new("", "Infra", 1), uid_of_new("", "Infra", 0));
        assert_ne!(uid_of_new("a", "b", 0), uid_of_new("", "ab", 0));
    }

    #[test]
    fn slashes_and_blanks_around_titles_do_not_count() {
        assert_eq!(titles(" /Infra / Network/"), ["Infra", "Network"]);
        assert!(titles("/").is_empty() && titles("").is_empty());
    }
}
