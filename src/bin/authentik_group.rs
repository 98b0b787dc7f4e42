//! The module `authentik_group`.

use hearth::{authentik::group::GroupKind, module::run};

fn main() {
    std::process::exit(run::main::<GroupKind>(run::Invocation::of_process()));
}
