//! `authentik_provider_saml`: SAML providers.

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
pub struct SamlKind;

/// Options of one provider.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct SamlOptions {
    /// The name, by which it is found. It is unique over all kinds of providers.
    #[schemars(extend("x-required" = true))]
    pub name: Option<String>,
    /// Its flows.
    #[serde(flatten)]
    pub flows: Flows,
    /// The property mappings, by name or managed name. The list is complete.
    pub property_mappings: Option<Vec<String>>,
    /// Where assertions are sent to. Needed for a new one.
    pub acs_url: Option<String>,
    /// How they are sent.
    #[schemars(extend("enum" = ["redirect", "post"]))]
    pub sp_binding: Option<String>,
    /// Where the application is told that a user has logged out.
    pub sls_url: Option<String>,
    /// How it is told that.
    #[schemars(extend("enum" = ["redirect", "post"]))]
    pub sls_binding: Option<String>,
    /// By which way it is told that.
    #[schemars(extend("enum" = ["frontchannel_iframe", "frontchannel_native", "backchannel"]))]
    pub logout_method: Option<String>,
    /// Whom assertions are for.
    pub audience: Option<String>,
    /// Who they are by.
    pub issuer: Option<String>,
    /// From when an assertion is good, such as `minutes=-5`.
    pub assertion_valid_not_before: Option<String>,
    /// Until when an assertion is good, such as `minutes=5`.
    pub assertion_valid_not_on_or_after: Option<String>,
    /// Until when a session is good, such as `minutes=86400`.
    pub session_valid_not_on_or_after: Option<String>,
    /// The mapping that makes the name of the user, by name or managed name; empty for authentik's own way.
    pub name_id_mapping: Option<String>,
    /// The mapping that says how the user logged in; empty for authentik's own way.
    pub authn_context_class_ref_mapping: Option<String>,
    /// The format of the name where the application asks for none.
    pub default_name_id_policy: Option<String>,
    /// Where users come to who begin at authentik.
    pub default_relay_state: Option<String>,
    /// The algorithm of digests, as an address of `www.w3.org`.
    pub digest_algorithm: Option<String>,
    /// The algorithm of signatures, as an address of `www.w3.org`.
    pub signature_algorithm: Option<String>,
    /// The certificate whose key signs, by name; empty for none.
    pub signing_kp: Option<String>,
    /// The certificate that requests are checked against, by name; empty for none.
    pub verification_kp: Option<String>,
    /// The certificate that assertions are encrypted for, by name; empty for none.
    pub encryption_kp: Option<String>,
    /// Whether assertions are signed.
    pub sign_assertion: Option<bool>,
    /// Whether responses are signed.
    pub sign_response: Option<bool>,
    /// Whether requests to log out are signed.
    pub sign_logout_request: Option<bool>,
    /// Whether answers to such requests are signed.
    pub sign_logout_response: Option<bool>,
    /// Whether the provider is to be there.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
}

const EXAMPLES: &str = r#"- name: A provider for SAML
  authentik_provider_saml:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    name: tickets
    acs_url: https://tickets.example.com/saml/acs
    audience: https://tickets.example.com
    authorization_flow: default-provider-authorization-implicit-consent
    invalidation_flow: default-provider-invalidation-flow
"#;

impl Declares for SamlKind {
    const NAME: &'static str = "authentik_provider_saml";
    const NOUN: &'static str = "SAML provider";
    const PLURAL: &'static str = "providers";

    type Object = SamlOptions;
    type Settings = ProviderSettings;

    fn about() -> About {
        About {
            short_description: "Manage SAML providers of authentik",
            description: &["Makes, changes and deletes providers for SAML."],
            notes: &[],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: const { &[returned(r#"{"pk": 31, "name": "tickets"}"#)] },
        }
    }

    fn wanted(declared: &Declared<SamlOptions>) -> Result<Wanted> {
        let options = &declared.options;
        let fields = options::fields(options, &["state"]);
        Ok(options::wanted(row("providers/saml")?, &declared.at, fields, options.state))
    }

    fn prune(settings: &ProviderSettings) -> Option<Prune> {
        settings.of("providers/saml")
    }
}
