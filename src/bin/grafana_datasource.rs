//! The module `grafana_datasource`.

use hearth::{grafana::datasource::DatasourceKind, module::run};

fn main() {
    std::process::exit(run::main::<DatasourceKind>(run::Invocation::of_process()));
}
