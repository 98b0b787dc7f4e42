//! The module `authentik_object`.

use hearth::{authentik::object::ObjectKind, module::run};

fn main() {
    std::process::exit(run::main::<ObjectKind>(run::Invocation::of_process()));
}
