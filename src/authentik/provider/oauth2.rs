//! `authentik_provider_oauth2`: OAuth2 providers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    authentik::{
        engine::{Declares, Prune, Wanted},
        options::{self, PrefixPrune, State, row},
    },
    module::{About, Declared, Result, Return, Secret},
};

/// The kind of object.
pub struct Oauth2Kind;

/// Options of one provider.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Oauth2Options {
    /// The name, by which it is found. It is unique over all kinds of providers.
    #[schemars(extend("x-required" = true))]
    pub name: Option<String>,
    /// The flow for users who are not logged in yet, by slug; empty for that of the brand.
    pub authentication_flow: Option<String>,
    /// The flow by which access is granted, by slug. Needed for a new one.
    pub authorization_flow: Option<String>,
    /// The flow to log out by, by slug. Needed for a new one.
    pub invalidation_flow: Option<String>,
    /// The scope mappings, by scope, name or managed name, such as `openid`, `email`, `profile`. The list is complete.
    pub property_mappings: Option<Vec<String>>,
    /// Whether the client can keep a secret.
    #[schemars(extend("enum" = ["confidential", "public"]))]
    pub client_type: Option<String>,
    /// The client's id. Without it a new one gets one by authentik.
    pub client_id: Option<String>,
    /// The client's secret. Without it a new one gets one by authentik. authentik shows it, so it is compared.
    pub client_secret: Option<Secret>,
    /// Where a client may send users back to. The list is complete, and its order is kept. Needed for a new one.
    pub redirect_uris: Option<Vec<RedirectUri>>,
    /// Where the client is told that a user has logged out.
    pub logout_uri: Option<String>,
    /// How it is told.
    #[schemars(extend("enum" = ["backchannel", "frontchannel"]))]
    pub logout_method: Option<String>,
    /// How long a code is good, such as `minutes=1`.
    pub access_code_validity: Option<String>,
    /// How long an access token is good, such as `minutes=5`.
    pub access_token_validity: Option<String>,
    /// How long a refresh token is good, such as `days=30`.
    pub refresh_token_validity: Option<String>,
    /// A refresh token that is good for less is replaced when it is used.
    pub refresh_token_threshold: Option<String>,
    /// Whether claims stand in the ID token too, for programs that do not ask for them.
    pub include_claims_in_id_token: Option<bool>,
    /// The certificate whose key signs tokens, by name; empty for the client's secret.
    pub signing_key: Option<String>,
    /// The certificate whose key tokens are encrypted by, by name; empty for none.
    pub encryption_key: Option<String>,
    /// What stands for the user in `sub`.
    #[schemars(extend("enum" = [
        "hashed_user_id", "user_id", "user_uuid", "user_username", "user_email", "user_upn"
    ]))]
    pub sub_mode: Option<String>,
    /// Whether each provider has an issuer of its own.
    #[schemars(extend("enum" = ["global", "per_provider"]))]
    pub issuer_mode: Option<String>,
    /// OAuth sources whose tokens are taken, by slug.
    pub jwt_federation_sources: Option<Vec<String>>,
    /// Other providers whose tokens are taken, by name.
    pub jwt_federation_providers: Option<Vec<String>>,
    /// Whether the provider is to be there.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
}

/// One address that a client may send users back to.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct RedirectUri {
    /// The address, or with `regex` an expression that has to fit all of it.
    pub url: String,
    /// How it is compared.
    #[schemars(extend("enum" = ["strict", "regex"], "x-default" = "strict"))]
    pub matching_mode: Option<String>,
    /// Whether it is for logging in or for logging out.
    #[schemars(extend("enum" = ["authorization", "logout"], "x-default" = "authorization"))]
    pub redirect_uri_type: Option<String>,
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Oauth2Settings {
    /// Deletes providers of this kind in a stated scope that the task does not declare.
    pub prune: Option<PrefixPrune>,
}

const EXAMPLES: &str = r#"- name: A provider for the wiki
  authentik_provider_oauth2:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    name: wiki
    authorization_flow: default-provider-authorization-implicit-consent
    invalidation_flow: default-provider-invalidation-flow
    client_id: wiki
    client_secret: "{{ wiki_client_secret }}"
    property_mappings: [openid, email, profile]
    redirect_uris:
      - url: https://wiki.example.com/oidc/callback
"#;

impl Declares for Oauth2Kind {
    const NAME: &'static str = "authentik_provider_oauth2";
    const NOUN: &'static str = "OAuth2 provider";
    const PLURAL: &'static str = "providers";

    type Object = Oauth2Options;
    type Settings = Oauth2Settings;

    fn about() -> About {
        About {
            short_description: "Manage OAuth2 and OpenID Connect providers of authentik",
            description: &["Makes, changes and deletes providers for OAuth2 and OpenID Connect."],
            notes: &[
                "Without `property_mappings` a provider gives neither e-mail nor profile: name `openid`, `email` and \
                 `profile` there.",
                "Without `signing_key` tokens are signed by the client secret (HS256), which few programs can check.",
            ],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: &[Return {
                name: "object",
                description: "The provider as it is after the task.",
                kind: "dict",
                returned: "for a single provider",
                sample: r#"{"pk": 27, "name": "wiki", "client_id": "wiki"}"#,
            }],
        }
    }

    fn wanted(declared: &Declared<Oauth2Options>) -> Result<Wanted> {
        let options = &declared.options;
        let mut fields = options::fields(options, &["client_secret", "state"]);
        options::secret(&mut fields, "client_secret", options.client_secret.as_ref());
        for uri in fields.get_mut("redirect_uris").and_then(serde_json::Value::as_array_mut).into_iter().flatten() {
            // In lists only what is written has a value, and each address is one of a list.
            for (name, default) in [("matching_mode", "strict"), ("redirect_uri_type", "authorization")] {
                if uri[name].is_null() {
                    uri[name] = default.into();
                }
            }
        }
        let mut wanted = Wanted::new(row("providers/oauth2")?, &declared.at, options::key(&fields, &["name"]));
        wanted.fields = fields;
        wanted.present = options.state != Some(State::Absent);
        Ok(wanted)
    }

    fn prune(settings: &Oauth2Settings) -> Option<Prune> {
        settings.prune.as_ref()?.of("providers/oauth2")
    }

    fn check_settings(settings: &Oauth2Settings) -> Result<()> {
        settings.prune.as_ref().map_or(Ok(()), PrefixPrune::check)
    }
}
