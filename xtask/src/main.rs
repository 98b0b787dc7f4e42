//! Developer tasks. Only the registry names modules: each task walks it.

mod authentik_fields;
mod dist;
mod docs;
mod new;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};

const USAGE: &str = "\
usage: cargo xtask docs [--check]          write library/*.yml and docs/modules/*.md, or say which are out of date
       cargo xtask new SERVICE KIND        begin a module: its file, binary, test and line in the registry
       cargo xtask authentik-fields DOCUMENT
                                           write src/authentik/fields.txt from authentik's OpenAPI document
       cargo xtask dist [--profile NAME] [--target TRIPLE]
                                           build the modules and put them into library/
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
            let fields = authentik_fields::text(&serde_json::from_str(&text)?);
            Ok(std::fs::write(root.join("src/authentik/fields.txt"), fields)?)
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

/// A line for the person.
fn tell(line: &str) {
    say(&mut std::io::stdout(), line);
}

fn say(to: &mut dyn Write, line: &str) {
    // Nobody is left to be told when the pipe is closed.
    let _ = writeln!(to, "{line}");
}
