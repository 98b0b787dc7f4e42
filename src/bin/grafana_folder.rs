//! The module `grafana_folder`.

use hearth::{grafana::folder::FolderKind, module::run};

fn main() {
    std::process::exit(run::main::<FolderKind>(run::Invocation::of_process()));
}
