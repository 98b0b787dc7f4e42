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

use crate::{cargo, tell};

/// A module is sent to the host for every task: what is larger is a mistake.
const LARGEST: u64 = 5_000_000;

/// Where the modules are built so that they need nothing of the host: glibc and all linked in.
const STATIC: &str = "x86_64-unknown-linux-gnu";
/// How: static, at a fixed address (a third of a megabyte less), and equal functions folded.
const STATIC_FLAGS: &str = "-C target-feature=+crt-static -C relocation-model=static -C link-arg=-Wl,--icf=all";

/// What the command line says.
#[derive(Debug, PartialEq)]
struct Options<'a> {
    profile: &'a str,
    target: Option<&'a str>,
    into: &'a str,
}

/// Builds the modules, looks whether they are as they have to be, and puts them into `library/`.
pub fn fill_library(root: &Path, options: &[&str]) -> Result<()> {
    let options = chosen(options)?;
    let is_static = is_static(&options);
    let built = build(root, &options, is_static)?;
    let library = root.join(options.into);
    fs::create_dir_all(&library).with_context(|| format!("failed to create `{}`", library.display()))?;
    let (mut too_large, mut total) = (Vec::new(), 0);
    let modules = registry::modules();
    for module in &modules {
        let from = built.get(module.name).with_context(|| {
            format!("module `{0}` has no binary\nhint: it is one line in src/bin/{0}.rs", module.name)
        })?;
        let to = library.join(module.name);
        let size = put(from, &to)?;
        total += size;
        if size > LARGEST && is_static {
            too_large.push(format!("{} ({})", module.name, megabytes(size)));
        }
        if is_static {
            let content = fs::read(&to).with_context(|| format!("failed to read `{}`", to.display()))?;
            ensure!(!needs_libraries(&content)?, "{} is not static: it asks for a loader", module.name);
        }
        if options.target.is_none() {
            starts(&to, module.name)?;
        }
    }
    let how = if is_static { "static modules" } else { "modules" };
    tell(&format!("{} {how} in {}, {} together", modules.len(), options.into, megabytes(total)));
    ensure!(too_large.is_empty(), "larger than {}: {}", megabytes(LARGEST), too_large.join(", "));
    Ok(())
}

fn chosen<'a>(options: &[&'a str]) -> Result<Options<'a>> {
    let mut chosen = Options { profile: "release", target: None, into: "library" };
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        let value = rest.next().with_context(|| format!("`{option}` needs a value"))?;
        match *option {
            "--profile" => chosen.profile = value,
            "--target" => chosen.target = Some(value),
            "--into" => chosen.into = value,
            _ => bail!("dist has no option `{option}`"),
        }
    }
    Ok(chosen)
}

/// Whether the modules are built so that they need nothing of the host.
fn is_static(options: &Options<'_>) -> bool {
    let here = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    options.target.is_none() && options.profile == "release" && here
}

/// Whether a program of 64 bits asks for a loader (`PT_INTERP`), which then looks for libraries.
fn needs_libraries(elf: &[u8]) -> Result<bool> {
    const LOADER: usize = 3;
    let number = |at: usize, length: usize| -> Result<usize> {
        let bytes = elf.get(at..at + length).context("an ELF file ends too early")?;
        Ok(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    };
    // 64 bits, little-endian.
    ensure!(elf.starts_with(b"\x7fELF\x02\x01"), "it is no ELF file of this machine");
    let (headers, each, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
    for header in 0..count {
        if number(headers + header * each, 4)? == LOADER {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Starts a module by itself.
fn starts(module: &Path, name: &str) -> Result<()> {
    let output = Command::new(module).arg("--version").output();
    let output = output.with_context(|| format!("failed to start `{}`", module.display()))?;
    let told = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success() && told.starts_with(name), "`{name} --version` says {told:?} ({})", output.status);
    Ok(())
}

/// Builds all binaries of the package; gives each one's path by its name.
fn build(root: &Path, options: &Options<'_>, is_static: bool) -> Result<BTreeMap<String, PathBuf>> {
    let mut command = cargo();
    command.current_dir(root).args(["build", "--package", "hearth", "--bins", "--profile", options.profile]);
    command.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    // With a target named, the flags are not those of build scripts and macros, which cannot be static.
    if let Some(target) = options.target.or(is_static.then_some(STATIC)) {
        command.args(["--target", target]);
    }
    if options.profile == "release" {
        // The hook prints the result and ends the process before anything could unwind: what unwinding needs is
        // a fifth of a binary. Not in the profile, since benchmarks and tests would have all built once more.
        command.env("CARGO_PROFILE_RELEASE_PANIC", "abort");
    }
    if is_static {
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

/// Decimal, as the limit is.
fn megabytes(bytes: u64) -> String {
    format!("{}.{:02} MB", bytes / 1_000_000, bytes % 1_000_000 / 10_000)
}

#[cfg(test)]
mod tests {
    use super::{Options, chosen, megabytes, needs_libraries};

    #[test]
    fn sizes_are_decimal() {
        assert_eq!(megabytes(5_023_752), "5.02 MB");
        assert_eq!(megabytes(999_999), "0.99 MB");
    }

    #[test]
    fn options_are_read() {
        let into = chosen(&["--into", "x", "--profile", "dev"]).expect("these are its options");
        assert_eq!(into, Options { profile: "dev", target: None, into: "x" });
        assert!(chosen(&["--into"]).is_err());
    }

    /// Tests are linked with the system's libraries.
    #[cfg(all(target_os = "linux", target_arch = "x86_64", not(target_feature = "crt-static")))]
    #[test]
    fn a_program_that_needs_libraries_is_told() {
        let own = std::env::current_exe().and_then(std::fs::read).expect("the test can read itself");
        assert!(needs_libraries(&own).expect("it is an ELF file"));
        assert!(needs_libraries(&own[..40]).is_err());
        assert!(needs_libraries(b"#!/bin/sh").is_err());
        let mut without = own.clone();
        // No headers of segments: nothing asks for a loader.
        without[56..58].fill(0);
        assert!(!needs_libraries(&without).expect("it is an ELF file"));
    }
}
