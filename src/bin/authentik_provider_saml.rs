//! The module `authentik_provider_saml`.

use hearth::{authentik::provider_saml::SamlKind, module::run};

fn main() {
    std::process::exit(run::main::<SamlKind>(run::Invocation::of_process()));
}
