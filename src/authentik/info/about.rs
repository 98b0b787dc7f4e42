//! The words of the documentation.

use crate::module::{About, Return};

const EXAMPLES: &str = r#"- name: The users that are deactivated
  authentik_info:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    kind: core/users
    filters:
      is_active: false

- name: Who may open which application
  authentik_info:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    access: true

- name: Logins that failed within a day
  authentik_info:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    events:
      since: 24h
      action: [login_failed]

- name: What ends within a month, what is weak, and all providers, in one run
  authentik_info:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    queries:
      - ends_within: 30d
      - weak: true
        stale_after: 180d
      - kind: providers/all
        limit: 50
"#;

/// The text of the documentation.
pub fn about() -> About {
    About {
        short_description: "Read what is in authentik",
        description: &[
            "Reads any kind of object by filters, the audit log, who may open which application, which credentials \
             end soon or never, and which settings are weak.",
            "Nothing is ever changed: it runs in check mode as otherwise, and `changed` is always false.",
        ],
        notes: &[
            "Secrets that authentik shows, such as those of clients, are replaced by stars.",
            "authentik answers an unknown filter with everything. Here a filter has to be one of the kind's, or one of \
             its fields, and what comes back is compared with it.",
            "What a policy decides is known only when a user comes. Such rows of `access` say so, and `certain` is \
             false.",
            "With `queries` each entry of `objects` holds the answer under the same keys.",
        ],
        requirements: &["authentik 2026.5.", "For `access` and `weak` a token that may see everything."],
        examples: EXAMPLES,
        returns: &[
            Return {
                name: "found",
                description: "The objects of `kind`. Beside the ids of other objects `names` has their names, field \
                              by field, as far as these are known without many requests.",
                kind: "list",
                returned: "with `kind`, for a single query",
                sample: r#"[{"pk": 24, "username": "ann", "groups": ["0a58eb1a-4e38-4df9-9dec-04229d522986"], "names": {"groups": ["staff"]}}]"#,
            },
            Return {
                name: "access",
                description: "Who may open which application, and why. The user `*` is everybody who is logged in, and \
                              null stands for nobody. Deactivated users are left out.",
                kind: "list",
                returned: "with `access`, for a single query",
                sample: r#"[{"application": "wiki", "user": "ann", "why": "named", "certain": true}]"#,
            },
            Return {
                name: "events",
                description: "What happened, newest first.",
                kind: "list",
                returned: "with `events`, for a single query",
                sample: r#"[{"created": "2026-11-25T22:48:49.424420Z", "action": "login", "user": "ann", "on_behalf_of": null, "what": null, "app": "authentik.events.signals", "client_ip": "10.0.0.7", "request": "/api/v3/flows/executor/default-authentication-flow/", "context": {}, "pk": "8f1025a5-4bba-439a-b5e2-74ee4429252e"}]"#,
            },
            Return {
                name: "ends",
                description: "Tokens, app passwords and certificates that end within the span or have ended, soonest \
                              first, and then tokens that never end.",
                kind: "list",
                returned: "with `ends_within`, for a single query",
                sample: r#"[{"kind": "app password", "name": "backup", "user": "ann", "managed": null, "fix": "make a new one before with `authentik_token`", "expires": "2026-12-01T12:00:00Z", "days": 6, "never": false}]"#,
            },
            Return {
                name: "findings",
                description: "What is weak, the most urgent first: providers, users that have not come for long, \
                              superusers. `severity` is `high`, `medium`, `low` or `note`.",
                kind: "list",
                returned: "with `weak`, for a single query",
                sample: r#"[{"id": "oauth2-hs256", "severity": "medium", "kind": "providers/oauth2", "object": "wiki", "what": "it has no signing key", "fix": "`authentik_provider_oauth2` with `name: wiki` and a certificate in `signing_key`"}]"#,
            },
            Return {
                name: "truncated",
                description: "Whether there is more of `found` or `events` than `limit` let through.",
                kind: "bool",
                returned: "with `kind` or `events`, for a single query",
                sample: "false",
            },
            Return {
                name: "authentik_version",
                description: "The version of authentik, where the token may see it.",
                kind: "str",
                returned: "for a single query",
                sample: r#""2026.5.0""#,
            },
        ],
    }
}
