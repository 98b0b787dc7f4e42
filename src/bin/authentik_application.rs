//! The module `authentik_application`.

use hearth::{authentik::application::ApplicationKind, module::run};

fn main() {
    std::process::exit(run::main::<ApplicationKind>(run::Invocation::of_process()));
}
