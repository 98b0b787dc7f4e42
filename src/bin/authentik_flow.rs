//! The module `authentik_flow`.

use hearth::{authentik::flow::FlowKind, module::run};

fn main() {
    std::process::exit(run::main::<FlowKind>(run::Invocation::of_process()));
}
