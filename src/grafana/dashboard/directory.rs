//! A directory of JSON files as dashboards: its sub-directories are folders.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{DashboardKind, options::DashboardOptions, places::is_root};
use crate::module::{Declared, Error, Result, Task};

/// No tree of folders in Grafana is deeper (grafana.md fact 25), so no directory needs to be.
const DEEPEST: usize = 8;

/// Puts the files of each `from_directory` in its place.
pub fn expand(task: &mut Task<DashboardKind>) -> Result<()> {
    if task.declared.iter().all(|declared| declared.options.from_directory.is_none()) {
        return Ok(());
    }
    let mut all = Vec::new();
    for declared in std::mem::take(&mut task.declared) {
        let Some(directory) = declared.options.from_directory.clone() else {
            all.push(declared);
            continue;
        };
        let mut files = Vec::new();
        collect(Path::new(&directory), &mut Vec::new(), &mut files)?;
        if files.is_empty() && task.settings.prune.is_some() {
            return Err(Error::bad_options(format!(
                "there is no JSON file in `{directory}`, and `prune` would delete all"
            ))
            .hint("check `from_directory`; to delete dashboards on purpose use `state: absent`"));
        }
        for (file, way) in files {
            all.push(of_file(&declared, &file, &way));
        }
    }
    task.declared = all;
    // The result is that of many objects, even where the directory holds one.
    task.single = false;
    Ok(())
}

/// All JSON files below a directory in the order of their names, each with the names on the way to it.
fn collect(directory: &Path, way: &mut Vec<String>, files: &mut Vec<(PathBuf, Vec<String>)>) -> Result<()> {
    let wrong = |error: std::io::Error| {
        Error::local(format!("failed to read the directory `{}`: {error}", directory.display()))
            .hint("a path is one on the host where the module runs, which is not always the controller")
    };
    if way.len() > DEEPEST {
        return Err(Error::bad_options(format!("`{}` lies deeper than folders of Grafana can", directory.display())));
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(directory)
        .map_err(wrong)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(wrong)?;
    entries.sort();
    for entry in entries {
        let Some(name) = entry.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
            return Err(Error::local(format!("the name of `{}` is not UTF-8", entry.display())));
        };
        if name.starts_with('.') {
            continue;
        }
        // A link counts as what it points to; one in a circle ends at the deepest level.
        if entry.is_dir() {
            way.push(name);
            collect(&entry, way, files)?;
            way.pop();
        } else if entry.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            files.push((entry, way.clone()));
        }
    }
    Ok(())
}

fn of_file(above: &Declared<DashboardOptions>, file: &Path, way: &[String]) -> Declared<DashboardOptions> {
    let mut declared = above.clone();
    let path = file.display().to_string();
    let options = &mut declared.options;
    options.from_directory = None;
    if !way.is_empty() {
        let mut below = way.iter().map(|title| title.replace('/', "\\/")).collect::<Vec<_>>().join("/");
        let base = options.folder_uid.take().or_else(|| options.folder.take()).filter(|base| !is_root(base));
        if is_root(&below) && (base.is_some() || options.parent_folder.is_some()) {
            // Below another folder `General` is a folder like any other.
            below.insert(0, '/');
        }
        (options.parent_folder, options.folder) = match (options.parent_folder.take(), base) {
            (Some(parent), Some(base)) => (Some(parent), Some(format!("{base}/{below}"))),
            (Some(parent), None) => (Some(parent), Some(below)),
            (None, base) => (base, Some(below)),
        };
        declared.written.insert("folder".to_owned());
    }
    declared.at = if above.at.is_empty() { path.clone() } else { format!("{}: {path}", above.at) };
    declared.written.insert("path".to_owned());
    declared.options.path = Some(path);
    declared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sub_directories_become_folders() {
        let root = std::env::temp_dir().join(format!("hearth-directory-{}", std::process::id()));
        for file in ["b.json", "a.JSON", "notes.txt", ".hidden.json", "Net/x.json", "Net/Deep/y.json", ".git/z.json"] {
            let file = root.join(file);
            fs::create_dir_all(file.parent().expect("it has one")).expect("it can be made");
            fs::write(file, "{}").expect("it can be written");
        }
        let mut files = Vec::new();
        collect(&root, &mut Vec::new(), &mut files).expect("it can be read");
        let shown: Vec<(String, Vec<String>)> = files
            .iter()
            .map(|(file, way)| (file.strip_prefix(&root).expect("below").display().to_string(), way.clone()))
            .collect();
        let at = |file: &str, way: &[&str]| (file.to_owned(), way.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(
            shown,
            [at("Net/Deep/y.json", &["Net", "Deep"]), at("Net/x.json", &["Net"]), at("a.JSON", &[]), at("b.json", &[])]
        );
        fs::remove_dir_all(&root).expect("it can be removed");
    }

    #[test]
    fn the_folder_of_a_file_lies_below_the_declared_one() {
        for (folder, uid, parent, way, expected) in [
            (Some("General"), None, None, &["Net"][..], (None, Some("Net"))),
            (Some("Infra"), None, None, &["Net", "a/b"], (Some("Infra"), Some("Net/a\\/b"))),
            (None, Some("i"), None, &["Net"], (Some("i"), Some("Net"))),
            (Some("Infra"), None, Some("Home"), &["Net"], (Some("Home"), Some("Infra/Net"))),
            (None, None, None, &["Net"], (None, Some("Net"))),
            (Some("Infra"), None, None, &[], (None, Some("Infra"))),
            (Some("Infra"), None, None, &["General"], (Some("Infra"), Some("/General"))),
            (Some("General"), None, None, &["General"], (None, Some("General"))),
        ] {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let above = Declared {
                options: DashboardOptions {
                    folder: text(folder),
                    folder_uid: text(uid),
                    parent_folder: text(parent),
                    from_directory: Some("/d".into()),
                    ..DashboardOptions::default()
                },
                written: Default::default(),
                at: String::new(),
            };
            let way: Vec<String> = way.iter().map(|name| (*name).to_owned()).collect();
            let of_file = of_file(&above, Path::new("/d/x.json"), &way);
            let options = &of_file.options;
            assert_eq!((options.parent_folder.as_deref(), options.folder.as_deref()), expected);
            assert_eq!(options.from_directory, None);
        }
    }
}
