//! `authentik_provider_ldap`: LDAP providers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    authentik::{
        engine::{Declares, Prune, Wanted},
        options::{self, State, row},
        provider::{Flows, ProviderSettings, returned},
    },
    module::{About, Declared, Result},
};

/// The kind of object.
pub struct LdapKind;

/// Options of one provider.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct LdapOptions {
    /// The name, by which it is found. It is unique over all kinds of providers.
    #[schemars(extend("x-required" = true))]
    pub name: Option<String>,
    /// Its flows.
    #[serde(flatten)]
    pub flows: Flows,
    /// Property mappings, by name or managed name. The list is complete.
    pub property_mappings: Option<Vec<String>>,
    /// Under which name everything lies, such as `DC=ldap,DC=example,DC=com`.
    pub base_dn: Option<String>,
    /// The certificate that the outpost shows, by name; empty for none.
    pub certificate: Option<String>,
    /// The name of the server that it shows it for.
    pub tls_server_name: Option<String>,
    /// Numbers of users begin here.
    pub uid_start_number: Option<i64>,
    /// Numbers of groups begin here.
    pub gid_start_number: Option<i64>,
    /// Whether searches are answered from what the outpost keeps.
    #[schemars(extend("enum" = ["direct", "cached"]))]
    pub search_mode: Option<String>,
    /// Whether log-ins are answered from what the outpost keeps.
    #[schemars(extend("enum" = ["direct", "cached"]))]
    pub bind_mode: Option<String>,
    /// Whether a code may stand behind the password.
    pub mfa_support: Option<bool>,
    /// Whether the provider is to be there.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
}

const EXAMPLES: &str = r#"- name: A directory for old programs
  authentik_provider_ldap:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    name: directory
    base_dn: DC=ldap,DC=example,DC=com
    authorization_flow: default-provider-authorization-implicit-consent
    invalidation_flow: default-provider-invalidation-flow
"#;

impl Declares for LdapKind {
    const NAME: &'static str = "authentik_provider_ldap";
    const NOUN: &'static str = "LDAP provider";
    const PLURAL: &'static str = "providers";

    type Object = LdapOptions;
    type Settings = ProviderSettings;

    fn about() -> About {
        About {
            short_description: "Manage LDAP providers of authentik",
            description: &["Makes, changes and deletes providers for LDAP, which an outpost serves."],
            notes: &[],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: const { &[returned(r#"{"pk": 33, "name": "directory"}"#)] },
        }
    }

    fn wanted(declared: &Declared<LdapOptions>) -> Result<Wanted> {
        let options = &declared.options;
        let fields = options::fields(options, &["state"]);
        Ok(options::wanted(row("providers/ldap")?, &declared.at, fields, options.state))
    }

    fn prune(settings: &ProviderSettings) -> Option<Prune> {
        settings.of("providers/ldap")
    }
}
