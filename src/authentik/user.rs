//! `authentik_user`: users, service accounts included, with groups, attributes and password.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    engine::{Call, Declares, Prune, Send, Wanted},
    options::{self, State, row},
};
use crate::module::{About, Declared, Error, Object, Result, Return, Secret, kind::object};

/// The kind of object.
pub struct UserKind;

/// Options of one user.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct UserOptions {
    /// The name to log in with. The user is found by it.
    #[schemars(extend("x-required" = true))]
    pub username: Option<String>,
    /// The name for people. A new user without it has an empty one.
    pub name: Option<String>,
    /// The e-mail address, in the case in which it is written.
    pub email: Option<String>,
    /// Whether the user may log in. The caller's own user and the last superuser are deactivated with `force` only.
    pub is_active: Option<bool>,
    /// The groups that the user is in, by name. The list is complete, unless `append` says otherwise.
    pub groups: Option<Vec<String>>,
    /// Whether `groups` and `roles` are added to those that the user has.
    #[schemars(extend("x-default" = false))]
    pub append: Option<bool>,
    /// The roles that the user has by itself, by name; those of its groups come on top.
    pub roles: Option<Vec<String>>,
    /// The folder of users that it lies in, such as `users/staff`.
    pub path: Option<String>,
    /// What kind of user it is: of the house, from outside, or an account for a service.
    #[schemars(extend("enum" = ["internal", "external", "service_account"]))]
    pub r#type: Option<String>,
    /// Attributes. Only the keys that are written are compared and set, and one with the value null is removed.
    pub attributes: Option<Object>,
    /// The password. authentik never shows it, so `update_password` says when it is set.
    pub password: Option<Secret>,
    /// Whether the password is set for a new user only, with every run, or when it is wrong. `when_wrong` tries once to
    /// log in with it, also in check mode, by the flow of the brand and without the token, and stops behind the
    /// password. A refused try is an event in authentik's log and counts against the reputation of the user and of
    /// the address of this host. Where it cannot be told whether the password is right (the flow asks for a captcha
    /// first, the user is deactivated, access is denied) a warning says so and nothing is set.
    #[schemars(extend("x-default" = "on_create"))]
    pub update_password: Option<UpdatePassword>,
    /// Whether the user is to be there.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
    /// Whether the caller's own user, the last superuser, and users that authentik made itself may be deactivated or
    /// deleted too.
    #[schemars(extend("x-default" = false))]
    pub force: Option<bool>,
}

/// When the password of a user that is there is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum UpdatePassword {
    #[default]
    OnCreate,
    Always,
    WhenWrong,
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct UserSettings {
    /// Deletes users in a stated scope that the task does not declare. The caller's own user, the last superuser and
    /// the accounts of outposts always stay.
    pub prune: Option<UserPrune>,
}

/// Which users `prune` looks at: those that fit all that is written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(extend("x-required-one-of" = [["group", "path", "name_prefix"]]))]
pub struct UserPrune {
    /// Those in this group.
    pub group: Option<String>,
    /// Those with exactly this path.
    pub path: Option<String>,
    /// Those whose user name begins so.
    pub name_prefix: Option<String>,
    /// The most users that may be deleted; when there are more the task fails and changes nothing.
    #[schemars(extend("x-default" = 10))]
    pub limit: Option<usize>,
}

const EXAMPLES: &str = r#"- name: A user in two groups
  authentik_user:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    username: ann
    name: Ann Example
    email: ann@example.com
    password: "{{ ann_first_password }}"

- name: Everybody of the house, in one task
  authentik_user:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    path: users/house
    users:
      - username: ann
      - username: bob
        name: Bob Example
        attributes:
          phone: "555"
      - username: backup
        type: service_account
    prune:
      path: users/house
      limit: 3
"#;

impl Declares for UserKind {
    const NAME: &'static str = "authentik_user";
    const NOUN: &'static str = "user";
    const PLURAL: &'static str = "users";

    type Object = UserOptions;
    type Settings = UserSettings;

    fn about() -> About {
        About {
            short_description: "Manage users of authentik",
            description: &[
                "Makes, changes, deactivates and deletes users, and sets their groups, roles, attributes and passwords.",
            ],
            notes: &[
                "A write takes authentik about a quarter of a second. What is as declared is not written.",
                "The token of a service account is made by `authentik_token`.",
            ],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: &[Return {
                name: "object",
                description: "The user as it is after the task.",
                kind: "dict",
                returned: "for a single user",
                sample: r#"{"pk": 24, "username": "ann", "is_active": true}"#,
            }],
        }
    }

    fn wanted(declared: &Declared<UserOptions>) -> Result<Wanted> {
        let options = &declared.options;
        let besides = ["append", "password", "update_password", "state", "force"];
        let fields = options::fields(options, &besides);
        let mut wanted = options::wanted(row("core/users")?, &declared.at, fields, options.state);
        wanted.fresh = object([("name", json!(""))]);
        wanted.force = options.force == Some(true);
        if options.append == Some(true) {
            wanted.appended = vec!["groups", "roles"];
        }
        if let Some(password) = &options.password {
            wanted.calls.push(Call {
                label: "password",
                action: "set_password",
                body: object([("password", json!(password.expose()))]),
                send: match options.update_password.unwrap_or_default() {
                    UpdatePassword::OnCreate => Send::OnCreate,
                    UpdatePassword::Always => Send::Always,
                    UpdatePassword::WhenWrong => Send::WhenWrong,
                },
                shown_by: None,
            });
        }
        Ok(wanted)
    }

    fn prune(settings: &UserSettings) -> Option<Prune> {
        let prune = settings.prune.as_ref()?;
        let mut fields = Object::new();
        if let Some(group) = &prune.group {
            fields.insert("groups".into(), json!([group]));
        }
        if let Some(path) = &prune.path {
            fields.insert("path".into(), json!(path));
        }
        Some(Prune {
            row: row("core/users").ok()?,
            fields,
            prefix: prune.name_prefix.clone().unwrap_or_default(),
            limit: prune.limit.unwrap_or(10),
        })
    }

    fn check_settings(settings: &UserSettings) -> Result<()> {
        let Some(prune) = &settings.prune else { return Ok(()) };
        let said = [&prune.group, &prune.path, &prune.name_prefix];
        if said.iter().any(|one| one.as_ref().is_some_and(|text| !text.is_empty())) {
            return Ok(());
        }
        Err(Error::bad_options("prune: none of `group`, `path` and `name_prefix` says anything")
            .hint("without a scope every user would be deleted"))
    }
}
