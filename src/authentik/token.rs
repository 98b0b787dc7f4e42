//! `authentik_token`: tokens for the API and app passwords.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    engine::{Call, Declares, Noted, Prune, Rotation, Send, Source, Wanted, What},
    options::{self, PrefixPrune, SecretOptions, State, row},
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
    /// How the task gets the key.
    #[serde(flatten)]
    pub secret: SecretOptions,
    /// The age at which the key is made anew, such as `90d`. The date stands behind the description of the token, as
    /// `[key of 2026-11-25T20:00:00Z]`; of a token that has none it counts from the first run on. A token for the API
    /// gets a new key by authentik itself when it ends, so write `expiring: false` too.
    pub rotate_after: Option<String>,
    /// Whether the key is made anew with this run, whatever its age. Every run does so.
    #[schemars(extend("x-default" = false))]
    pub rotate_now: Option<bool>,
    /// How long the former key still works, such as `24h`. It is given to a second token, named like this one with
    /// `-previous` behind, which the first run after that time deletes. Without it a former key ends at once.
    pub overlap: Option<String>,
    /// Whether the token is to be there. The one with its former key goes with it.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
    /// Whether tokens that authentik manages itself, and those of the caller, may be deleted too, and those of the
    /// caller get a new key without an `overlap`.
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

- name: A key that is made anew each quarter, in a file that the script reads
  authentik_token:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    identifier: report-script
    intent: app_password
    expiring: false
    rotate_after: 90d
    overlap: 24h
    secret_file: /tmp/report-script.json
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
                "To look at a key (`return_secret`, `secret_file` when it is written, a rotation) is an event in \
                 authentik's log. A key that somebody sets by hand does not make a `secret_file` out of date.",
            ],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: &[
                Return {
                    name: "object",
                    description: "The token as it is after the task, without its key.",
                    kind: "dict",
                    returned: "for a single token",
                    sample: r#"{"identifier": "backup-imap", "intent": "app_password", "expiring": false}"#,
                },
                Return {
                    name: "secret",
                    description: "The key, as `key`. Of several tokens each has its own in its entry of `objects`.",
                    kind: "dict",
                    returned: "with `return_secret` and `no_log`, not in check mode",
                    sample: r#"{"key": "8LYDnLeV2tNa28876y0lbmW5NglQTnMYh5vGEqo5BHgLxKyOL4fvoqRjDmDx"}"#,
                },
            ],
        }
    }

    fn wanted(declared: &Declared<TokenOptions>) -> Result<Wanted> {
        let options = &declared.options;
        let besides = ["key", "rotate_after", "rotate_now", "overlap", "state", "force"];
        let fields = options::fields(options, &[&besides[..], &options::SECRET_OPTIONS].concat());
        let mut wanted = options::wanted(row("core/tokens")?, &declared.at, fields, options.state);
        wanted.force = options.force == Some(true);
        if options.expires.is_some() && options.intent.as_deref() != Some("app_password") {
            return Err(wanted
                .wrong("expires is written, and only an app password takes it")
                .hint("write `intent: app_password`; a token for the API ends when authentik says so"));
        }
        let after = options::duration(&wanted, "rotate_after", options.rotate_after.as_ref())?;
        let overlap = options::duration(&wanted, "overlap", options.overlap.as_ref())?;
        let now = options.rotate_now == Some(true);
        if options.key.is_some() && (after.is_some() || now) {
            return Err(wanted
                .wrong("key is written, and it is to be made anew as well")
                .hint("leave `key` out, and take the key from `secret_file` or `return_secret`"));
        }
        if after.is_some() || now {
            wanted.rotation =
                Some(Rotation { what: What::Key, after, now, overlap, noted: Noted::Field("description") });
        }
        // Looked at in every run, so that it also ends when the task no longer says anything of a rotation.
        wanted.previous = options.identifier.as_ref().map(|name| format!("{name}-previous"));
        wanted.secrets = options.secret.of(Source::Token { identifier: "identifier", name: "key" });
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
}
