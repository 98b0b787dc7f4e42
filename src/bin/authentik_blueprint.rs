//! The module `authentik_blueprint`.

use hearth::{authentik::blueprint::BlueprintKind, module::run};

fn main() {
    std::process::exit(run::main::<BlueprintKind>(run::Invocation::of_process()));
}
