//! `authentik_provider_oauth2`: OAuth2 providers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    authentik::{
        engine::{Declares, Noted, Prune, Rotation, Source, Wanted, What},
        options::{self, SecretOptions, State, row},
        provider::{Flows, ProviderSettings, returned},
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
    /// Its flows.
    #[serde(flatten)]
    pub flows: Flows,
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
    /// How the task gets the client's id and its secret.
    #[serde(flatten)]
    pub secret: SecretOptions,
    /// The age at which the client's secret is made anew, such as `90d`. A provider has no place for the date of it, so
    /// `rotation_state` has to be written too. Of a provider that is not in that file it counts from the first run on.
    pub rotate_after: Option<String>,
    /// Whether the client's secret is made anew with this run, whatever its age. Every run does so.
    #[schemars(extend("x-default" = false))]
    pub rotate_now: Option<bool>,
    /// A file on the host where the module runs that keeps the dates of rotations, of any number of providers and
    /// servers. It is made when it is missing, with the mode 0600, and locked by `<file>.lock` while it is written.
    #[schemars(extend("x-type" = "path"))]
    pub rotation_state: Option<String>,
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
    type Settings = ProviderSettings;

    fn about() -> About {
        About {
            short_description: "Manage OAuth2 and OpenID Connect providers of authentik",
            description: &["Makes, changes and deletes providers for OAuth2 and OpenID Connect."],
            notes: &[
                "Without `property_mappings` a provider gives neither e-mail nor profile: name `openid`, `email` and \
                 `profile` there.",
                "Without `signing_key` tokens are signed by the client secret (HS256), which few programs can check.",
                "A provider has one client secret: from the moment it is made anew the former one is refused, so give \
                 the new one (`secret_file`) to the client in the same play.",
            ],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: const {
                &[
                    Return {
                        name: "secret",
                        description: "The client's id and secret. Of several providers each has its own in its entry of \
                              `objects`.",
                        kind: "dict",
                        returned: "with `return_secret` and `no_log`, not in check mode",
                        sample: r#"{"client_id": "wiki", "client_secret": "rV3p…"}"#,
                    },
                    returned(r#"{"pk": 27, "name": "wiki", "client_id": "wiki"}"#),
                ]
            },
        }
    }

    fn wanted(declared: &Declared<Oauth2Options>) -> Result<Wanted> {
        let options = &declared.options;
        let besides = ["client_secret", "rotate_after", "rotate_now", "rotation_state", "state"];
        let mut fields = options::fields(options, &[&besides[..], &options::SECRET_OPTIONS].concat());
        options::secret(&mut fields, "client_secret", options.client_secret.as_ref());
        for uri in fields.get_mut("redirect_uris").and_then(serde_json::Value::as_array_mut).into_iter().flatten() {
            // In lists only what is written has a value, and each address is one of a list.
            for (name, default) in [("matching_mode", "strict"), ("redirect_uri_type", "authorization")] {
                if uri[name].is_null() {
                    uri[name] = default.into();
                }
            }
        }
        let mut wanted = options::wanted(row("providers/oauth2")?, &declared.at, fields, options.state);
        wanted.secrets = options.secret.of(Source::Fields(&["client_id", "client_secret"]));
        wanted.rotation = rotation(options, &wanted)?;
        Ok(wanted)
    }

    fn prune(settings: &ProviderSettings) -> Option<Prune> {
        settings.of("providers/oauth2")
    }
}

fn rotation(options: &Oauth2Options, wanted: &Wanted) -> Result<Option<Rotation>> {
    let after = options::duration(wanted, "rotate_after", options.rotate_after.as_ref())?;
    let now = options.rotate_now == Some(true);
    if after.is_none() && !now {
        return Ok(None);
    }
    if options.client_secret.is_some() {
        return Err(wanted
            .wrong("client_secret is written, and it is to be made anew as well")
            .hint("leave `client_secret` out, and take it from `secret_file` or `return_secret`"));
    }
    let noted = match &options.rotation_state {
        Some(file) => Noted::File(file.clone()),
        None if after.is_none() => Noted::Nowhere,
        None => {
            return Err(wanted
                .wrong("rotate_after is written without rotation_state")
                .hint("authentik keeps no date of a client's secret: name a file for it"));
        }
    };
    Ok(Some(Rotation { what: What::Field("client_secret"), after, now, overlap: None, noted }))
}
