//! The module `authentik_policy`.

use hearth::{authentik::policy::PolicyKind, module::run};

fn main() {
    std::process::exit(run::main::<PolicyKind>(run::Invocation::of_process()));
}
