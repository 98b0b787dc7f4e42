//! `authentik_outpost`: outposts, and the providers that they serve.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    engine::{Declares, Prune, Source, Wanted},
    options::{self, PrefixPrune, SecretOptions, State, row},
};
use crate::module::{About, Declared, Object, Result, Return, kind::object};

/// The kind of object.
pub struct OutpostKind;

/// Options of one outpost.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct OutpostOptions {
    /// The name, by which it is found. The one inside authentik is `authentik Embedded Outpost`.
    #[schemars(extend("x-required" = true))]
    pub name: Option<String>,
    /// What it serves. Needed for a new one.
    #[schemars(extend("enum" = ["proxy", "ldap", "radius", "rac"]))]
    pub r#type: Option<String>,
    /// The providers, by name, which have to be of that type. The list is complete, unless `append` says otherwise.
    /// Needed for a new one, and not empty.
    pub providers: Option<Vec<String>>,
    /// Whether `providers` are added to those that it serves.
    #[schemars(extend("x-default" = false))]
    pub append: Option<bool>,
    /// Where authentik runs it by itself: the name of a connection to Docker or Kubernetes; empty for nowhere.
    pub service_connection: Option<String>,
    /// Its settings, such as `authentik_host` and `log_level`. Only the keys that are written are compared and set, and
    /// one with the value null is removed.
    pub config: Option<Object>,
    /// How the task gets the token by which the outpost logs in.
    #[serde(flatten)]
    pub secret: SecretOptions,
    /// Whether the outpost is to be there. Its account and its token go with it.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
    /// Whether the one inside authentik may be deleted too.
    #[schemars(extend("x-default" = false))]
    pub force: Option<bool>,
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct OutpostSettings {
    /// Deletes outposts in a stated scope that the task does not declare. The one inside authentik always stays.
    pub prune: Option<PrefixPrune>,
}

const EXAMPLES: &str = r#"- name: A provider, and the outpost that serves it
  authentik_provider_proxy:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    name: lab-wiki
    mode: forward_single
    external_host: https://wiki.example.com
    authorization_flow: default-provider-authorization-implicit-consent
    invalidation_flow: default-provider-invalidation-flow

- name: The outpost on the host in front
  authentik_outpost:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    name: lab-front
    type: proxy
    providers: [lab-wiki]
    config:
      authentik_host: https://auth.example.com
"#;

impl Declares for OutpostKind {
    const NAME: &'static str = "authentik_outpost";
    const NOUN: &'static str = "outpost";
    const PLURAL: &'static str = "outposts";

    type Object = OutpostOptions;
    type Settings = OutpostSettings;

    fn about() -> About {
        About {
            short_description: "Manage outposts of authentik",
            description: &["Makes, changes and deletes outposts, and says which providers they serve."],
            notes: &[
                "A write of an outpost takes authentik one to three seconds.",
                "A new outpost makes an account and a token in authentik; `return_secret` and `secret_file` \
                 give the token, which is an event in authentik's log.",
            ],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: &[
                Return {
                    name: "secret",
                    description: "The outpost's token, as `token`. Of several outposts each has its own in its entry of \
                              `objects`.",
                    kind: "dict",
                    returned: "with `return_secret` and `no_log`, not in check mode",
                    sample: r#"{"token": "8LYDnLeV2tNa28876y0lbmW5NglQTnMYh5vGEqo5BHgLxKyOL4fvoqRjDmDx"}"#,
                },
                Return {
                    name: "object",
                    description: "The outpost as it is after the task.",
                    kind: "dict",
                    returned: "for a single outpost",
                    sample: r#"{"pk": "7f5c1380-1dde-4c1a-9aa1-31d6099fc27d", "name": "lab-front", "type": "proxy"}"#,
                },
            ],
        }
    }

    fn wanted(declared: &Declared<OutpostOptions>) -> Result<Wanted> {
        let options = &declared.options;
        let besides = ["append", "state", "force"];
        let fields = options::fields(options, &[&besides[..], &options::SECRET_OPTIONS].concat());
        let mut wanted = options::wanted(row("outposts/instances")?, &declared.at, fields, options.state);
        wanted.fresh = object([("config", json!({}))]);
        wanted.force = options.force == Some(true);
        wanted.secrets = options.secret.of(Source::Token { identifier: "token_identifier", name: "token" });
        if options.append == Some(true) {
            wanted.appended = vec!["providers"];
        }
        Ok(wanted)
    }

    fn prune(settings: &OutpostSettings) -> Option<Prune> {
        settings.prune.as_ref()?.of("outposts/instances")
    }
}
