//! The module `__module__`.

use hearth::{__service__::__kind__::__Kind__Kind, module::run};

fn main() {
    std::process::exit(run::main::<__Kind__Kind>(run::Invocation::of_process()));
}
