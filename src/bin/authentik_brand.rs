//! The module `authentik_brand`.

use hearth::{authentik::brand::BrandKind, module::run};

fn main() {
    std::process::exit(run::main::<BrandKind>(run::Invocation::of_process()));
}
