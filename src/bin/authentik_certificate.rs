//! The module `authentik_certificate`.

use hearth::{authentik::certificate::CertificateKind, module::run};

fn main() {
    std::process::exit(run::main::<CertificateKind>(run::Invocation::of_process()));
}
