//! `authentik_token`: tokens for the API and app passwords.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    engine::{Call, Declares, Prune, Send, Wanted},
    options::{self, PrefixPrune, State, row},
};
use crate::module::{About, Declared, Result, Return, Secret, kind::object};

/// The kind of object.
pub struct TokenKind;

/// Options of one token.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct TokenOptions {
    /// The token's identifier, by which it is found: letters, digits, `-` and `_`.
    #[schemars(extend("x-required" = true))]
    pub identifier: Option<String>,
    /// The user that it is of, by user name. A new one without it is the caller's. It cannot be given to another.
    pub user: Option<String>,
    /// What it is for: the API, or as a password for programs that know no other way to log in. A new one without it
    /// is for the API.
    #[schemars(extend("enum" = ["api", "app_password"]))]
    pub intent: Option<String>,
    /// What it is used for, in words.
    pub description: Option<String>,
    /// Whether it ends. An app password that is to stay needs `false`; authentik takes no end that is later than its
    /// own limit, by default in 30 minutes.
    pub expiring: Option<bool>,
    /// When an app password ends. The end of a token for the API is set by authentik itself, at each change.
    pub expires: Option<String>,
    /// The key. Without it a new token gets one by authentik. It is compared with the present one, which authentik
    /// writes into its log of events as looked at.
    pub key: Option<Secret>,
    /// Whether the token is to be there.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
    /// Whether tokens that authentik manages itself, and those of the caller, may be deleted too.
    #[schemars(extend("x-default" = false))]
    pub force: Option<bool>,
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct TokenSettings {
    /// Deletes tokens in a stated scope that the task does not declare. The caller's own always stay.
    pub prune: Option<PrefixPrune>,
}

const EXAMPLES: &str = r#"- name: An app password for the backup's account
  authentik_token:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    identifier: backup-imap
    intent: app_password
    expiring: false
    description: For the backup of the mail
    key: "{{ backup_app_password }}"

- name: A token that is no longer used
  authentik_token:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    identifier: old-script
    state: absent
"#;

impl Declares for TokenKind {
    const NAME: &'static str = "authentik_token";
    const NOUN: &'static str = "token";
    const PLURAL: &'static str = "tokens";

    type Object = TokenOptions;
    type Settings = TokenSettings;

    fn about() -> About {
        About {
            short_description: "Manage tokens and app passwords of authentik",
            description: &["Makes, changes and deletes tokens for the API and app passwords, and sets their keys."],
            notes: &[
                "A change names owner and purpose of the token with every write: left out, authentik would give it to \
                 the caller.",
            ],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: &[Return {
                name: "object",
                description: "The token as it is after the task, without its key.",
                kind: "dict",
                returned: "for a single token",
                sample: r#"{"identifier": "backup-imap", "intent": "app_password", "expiring": false}"#,
            }],
        }
    }

    fn wanted(declared: &Declared<TokenOptions>) -> Result<Wanted> {
        let options = &declared.options;
        let fields = options::fields(options, &["key", "state", "force"]);
        let mut wanted = Wanted::new(row("core/tokens")?, &declared.at, options::key(&fields, &["identifier"]));
        wanted.fields = fields;
        wanted.present = options.state != Some(State::Absent);
        wanted.force = options.force == Some(true);
        if options.expires.is_some() && options.intent.as_deref() != Some("app_password") {
            return Err(wanted
                .wrong("expires is written, and only an app password takes it")
                .hint("write `intent: app_password`; a token for the API ends when authentik says so"));
        }
        if let Some(key) = &options.key {
            wanted.calls.push(Call {
                label: "key",
                action: "set_key",
                body: object([("key", json!(key.expose()))]),
                send: Send::OnCreate,
                shown_by: Some(("view_key", "key")),
            });
        }
        Ok(wanted)
    }

    fn prune(settings: &TokenSettings) -> Option<Prune> {
        settings.prune.as_ref()?.of("core/tokens")
    }

    fn check_settings(settings: &TokenSettings) -> Result<()> {
        settings.prune.as_ref().map_or(Ok(()), PrefixPrune::check)
    }
}
