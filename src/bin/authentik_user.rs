//! The module `authentik_user`.

use hearth::{authentik::user::UserKind, module::run};

fn main() {
    std::process::exit(run::main::<UserKind>(run::Invocation::of_process()));
}
