//! `authentik_provider_proxy`: proxy providers.

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
pub struct ProxyKind;

/// Options of one provider.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ProxyOptions {
    /// The name, by which it is found. It is unique over all kinds of providers.
    #[schemars(extend("x-required" = true))]
    pub name: Option<String>,
    /// Its flows.
    #[serde(flatten)]
    pub flows: Flows,
    /// Whether the outpost forwards requests itself, or answers a reverse proxy in front of one application or of a
    /// whole domain.
    #[schemars(extend("enum" = ["proxy", "forward_single", "forward_domain"]))]
    pub mode: Option<String>,
    /// The address that users go to. Needed for a new one.
    pub external_host: Option<String>,
    /// The address of the application itself, for the mode `proxy`.
    pub internal_host: Option<String>,
    /// Whether the certificate of `internal_host` is checked.
    pub internal_host_ssl_validation: Option<bool>,
    /// The domain of the cookie, for the mode `forward_domain`.
    pub cookie_domain: Option<String>,
    /// The certificate that the outpost shows, by name; empty for none.
    pub certificate: Option<String>,
    /// Expressions, one a line, for paths that need no log-in.
    pub skip_path_regex: Option<String>,
    /// Whether the application gets a header for basic authentication.
    pub basic_auth_enabled: Option<bool>,
    /// The attribute of the user that holds the user name for it.
    pub basic_auth_user_attribute: Option<String>,
    /// The attribute of the user that holds the password for it.
    pub basic_auth_password_attribute: Option<String>,
    /// Whether a header `Authorization` of the client is looked at.
    pub intercept_header_auth: Option<bool>,
    /// How long a session at the outpost is good, such as `hours=24`.
    pub access_token_validity: Option<String>,
    /// How long a refresh token is good, such as `days=30`.
    pub refresh_token_validity: Option<String>,
    /// OAuth sources whose tokens are taken, by slug.
    pub jwt_federation_sources: Option<Vec<String>>,
    /// Other providers whose tokens are taken, by name.
    pub jwt_federation_providers: Option<Vec<String>>,
    /// Whether the provider is to be there.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
}

const EXAMPLES: &str = r#"- name: In front of a program that knows no sign-on
  authentik_provider_proxy:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    name: printer
    mode: forward_single
    external_host: https://printer.example.com
    authorization_flow: default-provider-authorization-implicit-consent
    invalidation_flow: default-provider-invalidation-flow
"#;

impl Declares for ProxyKind {
    const NAME: &'static str = "authentik_provider_proxy";
    const NOUN: &'static str = "proxy provider";
    const PLURAL: &'static str = "providers";

    type Object = ProxyOptions;
    type Settings = ProviderSettings;

    fn about() -> About {
        About {
            short_description: "Manage proxy providers of authentik",
            description: &[
                "Makes, changes and deletes providers for applications that know no sign-on: an outpost stands in front of them.",
            ],
            notes: &["The scope mappings of such a provider are authentik's own five, whatever is sent."],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: const { &[returned(r#"{"pk": 29, "name": "printer", "mode": "forward_single"}"#)] },
        }
    }

    fn wanted(declared: &Declared<ProxyOptions>) -> Result<Wanted> {
        let options = &declared.options;
        let fields = options::fields(options, &["state"]);
        Ok(options::wanted(row("providers/proxy")?, &declared.at, fields, options.state))
    }

    fn prune(settings: &ProviderSettings) -> Option<Prune> {
        settings.of("providers/proxy")
    }
}
