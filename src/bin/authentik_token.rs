//! The module `authentik_token`.

use hearth::{authentik::token::TokenKind, module::run};

fn main() {
    std::process::exit(run::main::<TokenKind>(run::Invocation::of_process()));
}
