//! The table of all modules; tests and documentation run over the whole of it.

use crate::{
    grafana::{dashboard::DashboardKind, datasource::DatasourceKind, folder::FolderKind},
    module::Module,
};

/// Every module, in alphabetical order.
pub fn modules() -> Vec<Module> {
    vec![Module::of::<DashboardKind>(), Module::of::<DatasourceKind>(), Module::of::<FolderKind>()]
}
