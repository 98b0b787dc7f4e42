//! The beginning of a module: its file, its binary, its test, and its lines where modules are listed.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use hearth::registry;

use crate::tell;

const SERVICE: &str = include_str!("../templates/service.rs");
const KIND: &str = include_str!("../templates/kind.rs");
const BINARY: &str = include_str!("../templates/bin.rs");
const TEST: &str = include_str!("../templates/test.rs");

/// Writes the files of `<service>_<kind>` and says what is left to do.
pub fn scaffold(root: &Path, service: &str, kind: &str) -> Result<()> {
    let legal = |name: &str, extra: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || extra.contains(c))
    };
    ensure!(legal(service, ""), "a service's name is lower case without `_`, and `{service}` is not");
    ensure!(legal(kind, "_"), "a kind's name is lower case with `_`, and `{kind}` is not");
    let folder = format!("src/{service}");
    let service_file = format!("{folder}/mod.rs");
    let is_first = !root.join(&service_file).exists();
    let module = format!("{service}_{kind}");
    // A kind's test is called as the kind, unless another service has one of that name.
    let is_taken = |name: &str| root.join("tests/it").join(name).exists();
    let taken = is_taken(kind) || is_taken(&format!("{kind}.rs"));
    let test = if taken { &module } else { kind };
    let mut files = vec![
        (format!("{folder}/{kind}.rs"), KIND),
        (format!("src/bin/{module}.rs"), BINARY),
        (format!("tests/it/{test}.rs"), TEST),
    ];
    if is_first {
        files.insert(0, (service_file.clone(), SERVICE));
    }
    for (path, _) in &files {
        ensure!(!root.join(path).exists(), "`{path}` is there already");
    }
    for (path, template) in &files {
        write(root, path, &filled(template, service, kind))?;
    }
    if is_first {
        edit(root, "src/lib.rs", |text| Ok(with_line(text, &format!("pub mod {service};"))))?;
    } else {
        edit(root, &service_file, |text| Ok(with_line(text, &format!("pub mod {kind};"))))?;
    }
    edit(root, "tests/it/main.rs", |text| Ok(with_line(text, &format!("mod {test};"))))?;
    let entry = format!("Module::of::<crate::{service}::{kind}::{}Kind>()", camel(kind));
    let before = registry::modules().iter().filter(|one| *one.name < *module).count();
    edit(root, "src/registry.rs", |text| with_entry(text, &entry, before))?;
    let written: Vec<_> = files.iter().map(|(path, _)| path.as_str()).collect();
    tell(&format!(
        "wrote {}\nnext: {}the options' doc comments, read, plan, apply, undo and one example; a line in fuzz/src/lib.rs; \
         then the test, and `cargo xtask docs`",
        written.join(", "),
        if is_first { "what the service's kinds share; " } else { "" },
    ));
    Ok(())
}

/// A template with the names put in.
fn filled(template: &str, service: &str, kind: &str) -> String {
    let noun = kind.replace('_', " ");
    let plural = if kind.ends_with('s') { format!("{kind}es") } else { format!("{kind}s") };
    [
        ("__module__", format!("{service}_{kind}").as_str()),
        ("__service__", service),
        ("__Service__", &camel(service)),
        ("__SERVICE__", &service.to_ascii_uppercase()),
        ("__kind__", kind),
        ("__Kind__", &camel(kind)),
        ("__noun__", &noun),
        ("__plural__", &plural),
        ("__nouns__", &plural.replace('_', " ")),
    ]
    .iter()
    .fold(template.to_owned(), |text, (place, name)| text.replace(place, name))
}

fn camel(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    });
    words.collect()
}

/// A file with a `mod` line more, in its place among those of the same kind.
fn with_line(text: &str, line: &str) -> String {
    let starts = line.split_whitespace().next().unwrap_or_default();
    let is_listed = |one: &str| one.ends_with(';') && (one.starts_with("mod ") || one.starts_with("pub mod "));
    let mut lines: Vec<&str> = text.lines().collect();
    let at = lines
        .iter()
        .position(|one| is_listed(one) && one.starts_with(starts) && *one > line)
        .or_else(|| lines.iter().rposition(|one| is_listed(one)).map(|last| last + 1))
        .unwrap_or(lines.len());
    lines.insert(at, line);
    lines.join("\n") + "\n"
}

/// The registry with an entry more, behind so many others.
fn with_entry(text: &str, entry: &str, behind: usize) -> Result<String> {
    let list = text.split_once("vec![").and_then(|(before, after)| Some((before, after.split_once(']')?)));
    let (before, (list, after)) = list.context("src/registry.rs has no `vec![…]`")?;
    let mut entries: Vec<&str> = list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect();
    entries.insert(behind.min(entries.len()), entry);
    Ok(format!("{before}vec![{}]{after}", entries.join(", ")))
}

fn edit(root: &Path, path: &str, change: impl Fn(&str) -> Result<String>) -> Result<()> {
    let text = fs::read_to_string(root.join(path)).with_context(|| format!("failed to read `{path}`"))?;
    write(root, path, &change(&text)?)
}

fn write(root: &Path, path: &str, text: &str) -> Result<()> {
    let full = root.join(path);
    if let Some(folder) = full.parent() {
        fs::create_dir_all(folder).with_context(|| format!("failed to create `{}`", folder.display()))?;
    }
    fs::write(&full, text).with_context(|| format!("failed to write `{path}`"))?;
    // Names of other lengths break lines elsewhere. A file that lists modules is sorted as it is, and
    // rustfmt would go on to each of them; without rustfmt, `cargo fmt` is for the person.
    if !["/mod.rs", "/main.rs", "/lib.rs"].iter().any(|name| path.ends_with(name)) {
        let _ = Command::new("rustfmt").current_dir(root).args(["--edition", "2024", path]).status();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use super::{BINARY, KIND, SERVICE, TEST, camel, filled, scaffold, with_entry, with_line};
    use crate::cargo;

    #[test]
    fn every_place_in_a_template_is_filled() {
        for template in [SERVICE, KIND, BINARY, TEST] {
            let text = filled(template, "authentik", "user_group");
            assert!(!text.contains("__"), "{text}");
        }
    }

    /// A kind of a service that is there, and the first one of another, in a copy of the sources.
    #[test]
    fn what_is_written_compiles() {
        let own = std::env::current_exe().expect("the test has a path");
        // <target>/debug/deps/xtask-<hash>: in the same target folder the dependencies are compiled already.
        let target = own.ancestors().nth(3).expect("the test lies in a target folder");
        let copy = target.join("scaffold");
        let _ = fs::remove_dir_all(&copy);
        fs::create_dir_all(&copy).expect("a folder can be made");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository");
        for part in ["Cargo.toml", "Cargo.lock", "rustfmt.toml", "src", "tests", "benches", "xtask"] {
            copied(&root.join(part), &copy.join(part));
        }
        scaffold(&copy, "grafana", "playlist").expect("a kind is written");
        scaffold(&copy, "gitea", "account").expect("a service is written");
        scaffold(&copy, "gitea", "folder").expect("a kind of a name that another service has is written");
        for file in ["src/gitea/mod.rs", "src/gitea/account.rs", "tests/it/account.rs", "tests/it/gitea_folder.rs"] {
            assert!(copy.join(file).is_file(), "{file} is not there");
        }
        let output = cargo()
            .current_dir(&copy)
            .args(["check", "--quiet", "--offline", "--package", "hearth", "--bins", "--test", "it", "--target-dir"])
            .arg(target)
            .output()
            .expect("cargo starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let _ = fs::remove_dir_all(&copy);
    }

    fn copied(from: &Path, to: &Path) {
        if from.is_dir() {
            fs::create_dir_all(to).expect("a folder can be made");
            for entry in fs::read_dir(from).expect("a folder can be listed") {
                let path: PathBuf = entry.expect("a folder can be listed").path();
                copied(&path, &to.join(path.file_name().expect("a file has a name")));
            }
        } else {
            fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        }
    }

    #[test]
    fn names_are_put_in() {
        assert_eq!(camel("service_account"), "ServiceAccount");
        let text = filled("__module__ __Kind__Kind __noun__ __plural__", "x", "team_bus");
        assert_eq!(text, "x_team_bus TeamBusKind team bus team_buses");
    }

    #[test]
    fn a_line_goes_where_it_belongs() {
        let text = "//! Doc.\n\nmod a;\npub mod folder;\npub mod team;\n\nuse x;\n";
        assert_eq!(
            with_line(text, "pub mod playlist;"),
            "//! Doc.\n\nmod a;\npub mod folder;\npub mod playlist;\npub mod team;\n\nuse x;\n"
        );
        assert!(with_line(text, "pub mod user;").contains("pub mod team;\npub mod user;\n"));
        assert_eq!(with_line("//! Doc.\n", "mod a;"), "//! Doc.\nmod a;\n");
    }

    #[test]
    fn the_registry_gets_an_entry_in_its_place() {
        let text = "fn modules() -> Vec<Module> {\n    vec![]\n}\n";
        let one = with_entry(text, "Module::of::<B>()", 0).expect("the list must be found");
        let two = with_entry(&one, "Module::of::<A>()", 0).expect("the list must be found");
        let three = with_entry(&two, "Module::of::<C>()", 2).expect("the list must be found");
        assert!(three.contains("vec![Module::of::<A>(), Module::of::<B>(), Module::of::<C>()]"), "{three}");
        assert!(with_entry("nothing", "x", 0).is_err());
    }
}
