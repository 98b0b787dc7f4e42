//! The module `authentik_outpost`.

use hearth::{authentik::outpost::OutpostKind, module::run};

fn main() {
    std::process::exit(run::main::<OutpostKind>(run::Invocation::of_process()));
}
