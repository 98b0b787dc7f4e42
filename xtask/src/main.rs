//! Developer tasks. Only the registry names modules: each task walks it.

mod authentik_fields;
mod dist;
mod docs;
mod new;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: cargo xtask docs [--check]          write library/*.yml and docs/modules/*.md, or say which are out of date
       cargo xtask new SERVICE KIND        begin a module: its file, binary, test and line in the registry
       cargo xtask authentik-fields DOCUMENT
                                           write fields.txt and filters.txt of src/authentik from its OpenAPI document
       cargo xtask dist [--profile NAME] [--target TRIPLE] [--into FOLDER]
                                           build the modules, look whether they are static, small and start, and
                                           put them into library/ or that folder
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&mut std::io::stderr(), &format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result<()> {
    let root = root()?;
    match args {
        ["docs"] => docs::write(&root),
        ["docs", "--check"] => docs::check(&root),
        ["new", service, kind] => new::scaffold(&root, service, kind),
        ["authentik-fields", document] => {
            let text = std::fs::read_to_string(document).with_context(|| format!("failed to read {document}"))?;
            let document = serde_json::from_str(&text)?;
            std::fs::write(root.join("src/authentik/fields.txt"), authentik_fields::text(&document))?;
            Ok(std::fs::write(root.join("src/authentik/filters.txt"), authentik_fields::filters(&document))?)
        }
        ["dist", options @ ..] => dist::fill_library(&root, options),
        _ => bail!("no such task\n\n{USAGE}"),
    }
}

/// The top of the repository.
fn root() -> Result<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(own.parent().context("xtask must lie in the repository")?.to_owned())
}

/// Cargo, to build something with. Started by `cargo run`, this program has variables of its own package that build
/// scripts look at: handed on, they would have the TLS library built anew each time.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command
}

/// A line for the person.
fn tell(line: &str) {
    say(&mut std::io::stdout(), line);
}

fn say(to: &mut dyn Write, line: &str) {
    // Nobody is left to be told when the pipe is closed.
    let _ = writeln!(to, "{line}");
}
