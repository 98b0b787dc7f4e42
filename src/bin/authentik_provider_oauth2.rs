//! The module `authentik_provider_oauth2`.

use hearth::{authentik::provider_oauth2::Oauth2Kind, module::run};

fn main() {
    std::process::exit(run::main::<Oauth2Kind>(run::Invocation::of_process()));
}
