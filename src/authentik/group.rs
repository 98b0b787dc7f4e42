//! `authentik_group`: groups, their members, parents, roles and attributes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    engine::{Declares, Prune, Wanted},
    options::{self, State, row},
};
use crate::module::{About, Declared, Error, Object, Result, Return};

/// The kind of object.
pub struct GroupKind;

/// Options of one group.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct GroupOptions {
    /// The name of the group, by which it is found.
    #[schemars(extend("x-required" = true))]
    pub name: Option<String>,
    /// Whether its members are superusers.
    pub is_superuser: Option<bool>,
    /// The groups that it lies in, by name: their members are not in it, but what it may they may not. The list is
    /// complete.
    pub parents: Option<Vec<String>>,
    /// Its members, by user name. The list is complete, unless `append` says otherwise; without it they are left alone.
    pub users: Option<Vec<String>>,
    /// Whether `users` and `roles` are added to those that the group has.
    #[schemars(extend("x-default" = false))]
    pub append: Option<bool>,
    /// Its roles, by name.
    pub roles: Option<Vec<String>>,
    /// Attributes. Only the keys that are written are compared and set, and one with the value null is removed.
    pub attributes: Option<Object>,
    /// Whether the group is to be there.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
    /// Whether the group that makes the caller a superuser may lose that, or be deleted, too.
    #[schemars(extend("x-default" = false))]
    pub force: Option<bool>,
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct GroupSettings {
    /// Deletes groups in a stated scope that the task does not declare.
    pub prune: Option<GroupPrune>,
}

/// Which groups `prune` looks at.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[schemars(extend("x-required-one-of" = [["parent", "name_prefix"]]))]
pub struct GroupPrune {
    /// Those that lie in this group.
    pub parent: Option<String>,
    /// Those whose name begins so.
    pub name_prefix: Option<String>,
    /// The most groups that may be deleted; when there are more the task fails and changes nothing.
    #[schemars(extend("x-default" = 10))]
    pub limit: Option<usize>,
}

const EXAMPLES: &str = r#"- name: A group and who is in it
  authentik_group:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    name: readers
    attributes:
      description: May read the wiki

- name: A tree of groups, in any order
  authentik_group:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    groups:
      - name: lab-admins
        parents: [lab-staff]
      - name: lab-staff
    prune:
      name_prefix: lab-
      limit: 3
"#;

impl Declares for GroupKind {
    const NAME: &'static str = "authentik_group";
    const NOUN: &'static str = "group";
    const PLURAL: &'static str = "groups";

    type Object = GroupOptions;
    type Settings = GroupSettings;

    fn about() -> About {
        About {
            short_description: "Manage groups of authentik",
            description: &["Makes, changes and deletes groups, and sets their members, parents, roles and attributes."],
            notes: &["Members are set by PATCH: other than with PUT, nobody loses a group that is not mentioned."],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: &[Return {
                name: "object",
                description: "The group as it is after the task.",
                kind: "dict",
                returned: "for a single group",
                sample: r#"{"pk": "487c86d2-b62e-453b-93a3-0b8a0a63ca35", "name": "readers"}"#,
            }],
        }
    }

    fn wanted(declared: &Declared<GroupOptions>) -> Result<Wanted> {
        let options = &declared.options;
        let fields = options::fields(options, &["append", "state", "force"]);
        let mut wanted = options::wanted(row("core/groups")?, &declared.at, fields, options.state);
        wanted.force = options.force == Some(true);
        if options.append == Some(true) {
            wanted.appended = vec!["users", "roles"];
        }
        // The service takes a group as its own parent, and a loop (trap 21).
        if options.parents.iter().flatten().any(|parent| Some(parent) == options.name.as_ref()) {
            return Err(wanted.wrong("it cannot lie in itself"));
        }
        Ok(wanted)
    }

    fn prune(settings: &GroupSettings) -> Option<Prune> {
        let prune = settings.prune.as_ref()?;
        let mut fields = Object::new();
        if let Some(parent) = &prune.parent {
            fields.insert("parents".into(), serde_json::json!([parent]));
        }
        Some(Prune {
            row: row("core/groups").ok()?,
            fields,
            prefix: prune.name_prefix.clone().unwrap_or_default(),
            limit: prune.limit.unwrap_or(10),
        })
    }

    fn check_settings(settings: &GroupSettings) -> Result<()> {
        let Some(prune) = &settings.prune else { return Ok(()) };
        if [&prune.parent, &prune.name_prefix].iter().any(|one| one.as_ref().is_some_and(|text| !text.is_empty())) {
            return Ok(());
        }
        Err(Error::bad_options("prune: neither `parent` nor `name_prefix` says anything")
            .hint("without a scope every group would be deleted"))
    }
}
