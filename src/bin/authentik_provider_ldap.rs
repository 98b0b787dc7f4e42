//! The module `authentik_provider_ldap`.

use hearth::{authentik::provider_ldap::LdapKind, module::run};

fn main() {
    std::process::exit(run::main::<LdapKind>(run::Invocation::of_process()));
}
