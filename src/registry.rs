//! The table of all modules; tests and documentation run over the whole of it.

use crate::{
    authentik::{
        application::ApplicationKind, blueprint::BlueprintKind, brand::BrandKind, certificate::CertificateKind,
        flow::FlowKind, group::GroupKind, info::InfoKind, object::ObjectKind, outpost::OutpostKind, policy::PolicyKind,
        provider_ldap::LdapKind, provider_oauth2::Oauth2Kind, provider_proxy::ProxyKind, provider_saml::SamlKind,
        token::TokenKind, user::UserKind,
    },
    grafana::{dashboard::DashboardKind, datasource::DatasourceKind, folder::FolderKind},
    module::{About, Kind, Spec, run, run::Invocation, schema, task},
};

/// One module, as the registry lists it.
pub struct Module {
    /// Its name, `<service>_<kind>`: also that of its binary, file and page.
    pub name: &'static str,
    /// Its description for people.
    pub about: fn() -> About,
    /// All its options, those of the connection and of every module included.
    pub spec: fn() -> Spec,
    /// The JSON schema of its options.
    pub schema: fn() -> serde_json::Value,
    /// Runs it: takes what Ansible sent, prints the one line of result, and returns the exit code.
    pub run: fn(Invocation) -> i32,
}

impl Module {
    /// The entry of a kind of object.
    pub fn of<K: Kind>() -> Module {
        Module { name: K::NAME, about: K::about, spec: task::spec::<K>, schema: schema::of::<K>, run: run::main::<K> }
    }
}

/// Every module, in alphabetical order.
pub fn modules() -> Vec<Module> {
    vec![
        Module::of::<ApplicationKind>(),
        Module::of::<BlueprintKind>(),
        Module::of::<BrandKind>(),
        Module::of::<CertificateKind>(),
        Module::of::<FlowKind>(),
        Module::of::<GroupKind>(),
        Module::of::<InfoKind>(),
        Module::of::<ObjectKind>(),
        Module::of::<OutpostKind>(),
        Module::of::<PolicyKind>(),
        Module::of::<LdapKind>(),
        Module::of::<Oauth2Kind>(),
        Module::of::<ProxyKind>(),
        Module::of::<SamlKind>(),
        Module::of::<TokenKind>(),
        Module::of::<UserKind>(),
        Module::of::<DashboardKind>(),
        Module::of::<DatasourceKind>(),
        Module::of::<FolderKind>(),
    ]
}
