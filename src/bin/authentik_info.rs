//! The module `authentik_info`.

use hearth::{authentik::info::InfoKind, module::run};

fn main() {
    std::process::exit(run::main::<InfoKind>(run::Invocation::of_process()));
}
