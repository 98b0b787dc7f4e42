//! The binaries in `library/`, one for each module of the registry.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use hearth::registry;
use serde_json::Value;

use crate::tell;

/// A module is sent to the host for every task: what is larger is a mistake.
const LARGEST: u64 = 5 * 1024 * 1024;

/// Where the modules are built so that they need nothing of the host: glibc and all linked in.
const STATIC: &str = "x86_64-unknown-linux-gnu";
/// How: static, at a fixed address (a third of a megabyte less), and equal functions folded.
const STATIC_FLAGS: &str = "-C target-feature=+crt-static -C relocation-model=static -C link-arg=-Wl,--icf=all";

/// Builds the modules and puts them into `library/`.
pub fn fill_library(root: &Path, options: &[&str]) -> Result<()> {
    let (profile, target) = chosen(options)?;
    let built = build(root, profile, target)?;
    let library = root.join("library");
    fs::create_dir_all(&library).with_context(|| format!("failed to create `{}`", library.display()))?;
    let (mut too_large, mut total) = (Vec::new(), 0);
    let modules = registry::modules();
    for module in &modules {
        let from = built.get(module.name).with_context(|| {
            format!("module `{0}` has no binary\nhint: it is one line in src/bin/{0}.rs", module.name)
        })?;
        let size = put(from, &library.join(module.name))?;
        total += size;
        if size > LARGEST && profile == "release" {
            too_large.push(format!("{} ({})", module.name, megabytes(size)));
        }
    }
    tell(&format!("{} modules in library/, {} together", modules.len(), megabytes(total)));
    ensure!(too_large.is_empty(), "larger than {}: {}", megabytes(LARGEST), too_large.join(", "));
    Ok(())
}

fn chosen<'a>(options: &[&'a str]) -> Result<(&'a str, Option<&'a str>)> {
    let (mut profile, mut target) = ("release", None);
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        let value = rest.next().with_context(|| format!("`{option}` needs a value"))?;
        match *option {
            "--profile" => profile = *value,
            "--target" => target = Some(*value),
            _ => bail!("dist has no option `{option}`"),
        }
    }
    Ok((profile, target))
}

/// Builds all binaries of the package; gives each one's path by its name.
fn build(root: &Path, profile: &str, target: Option<&str>) -> Result<BTreeMap<String, PathBuf>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // Started by `cargo run`, this program has variables of its own package that build scripts look at:
    // handed on, they would have the TLS library built anew each time.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command.current_dir(root).args(["build", "--package", "hearth", "--bins", "--profile", profile]);
    command.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    // With a target named, the flags are not those of build scripts and macros, which cannot be static.
    let fixed = target.is_none() && profile == "release" && cfg!(all(target_os = "linux", target_arch = "x86_64"));
    if let Some(target) = target.or(fixed.then_some(STATIC)) {
        command.args(["--target", target]);
    }
    if fixed {
        command.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", STATIC_FLAGS);
    }
    let output = command.output().context("failed to start cargo")?;
    ensure!(
        output.status.success(),
        "cargo build failed\nhint: linking needs glibc's static library (Debian: libc6-dev, Fedora: glibc-static)"
    );
    let mut built = BTreeMap::new();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else { continue };
        if let (Some(name), Some(path)) = (message["target"]["name"].as_str(), message["executable"].as_str()) {
            built.insert(name.to_owned(), PathBuf::from(path));
        }
    }
    Ok(built)
}

/// Copies a binary without its symbols, in one step: a run may be reading the old one.
fn put(from: &Path, to: &Path) -> Result<u64> {
    let beside = to.with_extension("new");
    let stripped = Command::new("strip").arg("-o").args([&beside, from]).stderr(Stdio::null()).status();
    if !stripped.is_ok_and(|status| status.success()) {
        // The release profile strips by itself; other profiles only make a larger file.
        fs::copy(from, &beside).with_context(|| format!("failed to copy `{}`", from.display()))?;
    }
    let size = fs::metadata(&beside).with_context(|| format!("failed to read `{}`", beside.display()))?.len();
    fs::rename(&beside, to).with_context(|| format!("failed to write `{}`", to.display()))?;
    Ok(size)
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / (1024 * 1024), bytes % (1024 * 1024) * 10 / (1024 * 1024))
}
