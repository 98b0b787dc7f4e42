//! The module `authentik_provider_proxy`.

use hearth::{authentik::provider_proxy::ProxyKind, module::run};

fn main() {
    std::process::exit(run::main::<ProxyKind>(run::Invocation::of_process()));
}
