//! The module `grafana_dashboard`.

use hearth::{grafana::dashboard::DashboardKind, module::run};

fn main() {
    std::process::exit(run::main::<DashboardKind>(run::Invocation::of_process()));
}
