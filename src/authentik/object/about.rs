//! What `authentik_object` says of itself.

use crate::module::{About, Return};

const EXAMPLES: &str = r#"- name: A log-in flow with its stages, in any order
  authentik_object:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    objects:
      - kind: flows/instances
        attrs:
          slug: lab-login
          name: Log in to the lab
          title: Welcome to the lab
          designation: authentication
      - kind: stages/identification
        attrs:
          name: lab-identification
          user_fields: [username, email]
      - kind: stages/user_login
        attrs:
          name: lab-user-login
          session_duration: days=7
      - kind: flows/bindings
        attrs:
          target: lab-login
          stage: lab-identification
          order: 10
      - kind: flows/bindings
        attrs:
          target: lab-login
          stage: lab-user-login
          order: 20

- name: A group may open an application only by this binding
  authentik_object:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    objects:
      - kind: core/groups
        attrs:
          name: lab-readers
      - kind: core/applications
        attrs:
          slug: lab-wiki
          name: Wiki
      - kind: policies/bindings
        attrs:
          target: {application: lab-wiki}
          group: lab-readers
          order: 0

- name: What begins so and is not declared goes
  authentik_object:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    objects:
      - kind: stages/deny
        attrs:
          name: lab-deny
          deny_message: Not from here
    prune:
      kind: stages/deny
      name_prefix: lab-
      limit: 5
"#;

/// The text of the documentation.
pub fn about() -> About {
    About {
        short_description: "Manage any kind of object of authentik",
        description: &[
            "Makes, changes and deletes objects of every kind that authentik's API can write: flows, stages, policies, \
             property mappings, providers, sources, roles, event rules, settings and so on.",
            "The objects of a task may be of several kinds, and in any order: what is referred to is made first.",
            "References are written by name; nobody has to look up an id.",
        ],
        notes: &[
            "Fields that authentik fills in by itself, or never shows, are not compared.",
            "For users, groups, tokens, applications and providers there are modules of their own.",
        ],
        requirements: &["authentik 2026.5."],
        examples: EXAMPLES,
        returns: &[Return {
            name: "object",
            description: "The object as it is after the task.",
            kind: "dict",
            returned: "for a single object",
            sample: r#"{"pk": "0ba1f8b5-8a5e-4a3c-9d43-5f1a3c1f1f0e", "name": "lab-deny"}"#,
        }],
    }
}
