//! The generated documentation: written, or compared with what is committed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use hearth::{module::docs, registry};

use crate::tell;

/// The folders in which every file of that ending is generated.
const FOLDERS: [(&str, &str); 2] = [("library", "yml"), ("docs/modules", "md")];

/// Writes what differs, and removes what belongs to no module.
pub fn write(root: &Path) -> Result<()> {
    let wanted = wanted();
    let (mut written, mut removed) = (0, 0);
    for (path, text) in &wanted {
        let path = root.join(path);
        if fs::read_to_string(&path).is_ok_and(|found| found == *text) {
            continue;
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("failed to create `{}`", folder.display()))?;
        }
        fs::write(&path, text).with_context(|| format!("failed to write `{}`", path.display()))?;
        written += 1;
    }
    for path in present(root)?.into_iter().filter(|path| !wanted.contains_key(path)) {
        let path = root.join(path);
        fs::remove_file(&path).with_context(|| format!("failed to remove `{}`", path.display()))?;
        removed += 1;
    }
    tell(&format!("{} files: {written} written, {removed} removed", wanted.len()));
    Ok(())
}

/// Fails where a file is not what [`write()`] would write.
pub fn check(root: &Path) -> Result<()> {
    let wanted = wanted();
    let mut stale: BTreeSet<PathBuf> = present(root)?.into_iter().filter(|path| !wanted.contains_key(path)).collect();
    for (path, text) in &wanted {
        if fs::read_to_string(root.join(path)).ok().as_ref() != Some(text) {
            stale.insert(path.clone());
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    let stale: Vec<_> = stale.iter().map(|path| path.display().to_string()).collect();
    bail!("out of date: {}\nhint: run `cargo xtask docs` and commit what it writes", stale.join(", "))
}

/// Each generated file with its text.
fn wanted() -> BTreeMap<PathBuf, String> {
    let modules = registry::modules();
    let pages = Path::new("docs/modules");
    let index: Vec<_> = modules.iter().map(|module| (module.name, (module.about)())).collect();
    let mut files = BTreeMap::from([(pages.join("README.md"), docs::index(&index))]);
    for module in &modules {
        let (about, spec) = ((module.about)(), (module.spec)());
        let sidecar = Path::new("library").join(format!("{}.yml", module.name));
        files.insert(sidecar, docs::sidecar(module.name, &about, &spec));
        files.insert(pages.join(format!("{}.md", module.name)), docs::page(module.name, &about, &spec));
    }
    files
}

/// The generated files that are there.
fn present(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for (folder, ending) in FOLDERS {
        let path = root.join(folder);
        if !path.exists() {
            continue;
        }
        let entries = fs::read_dir(&path).with_context(|| format!("failed to list `{}`", path.display()))?;
        for entry in entries {
            let name = entry.with_context(|| format!("failed to list `{}`", path.display()))?.file_name();
            if Path::new(&name).extension().is_some_and(|found| found == ending) {
                found.push(Path::new(folder).join(name));
            }
        }
    }
    Ok(found)
}
