//! `authentik_application`: applications, who may open them, and their entitlements.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    engine::{Declares, Part, Prune, Wanted},
    options::{self, PrefixPrune, State, row},
};
use crate::module::{About, Declared, Object, Result, Return};

/// The kind of object.
pub struct ApplicationKind;

/// Options of one application.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ApplicationOptions {
    /// The name in addresses, by which the application is found.
    #[schemars(extend("x-required" = true))]
    pub slug: Option<String>,
    /// The name for people. Needed for a new one.
    pub name: Option<String>,
    /// The group of applications on the page of the user, such as `Media`.
    pub group: Option<String>,
    /// The provider, by name; null for none.
    pub provider: Option<String>,
    /// Providers that work beside it, such as LDAP or SCIM, by name.
    pub backchannel_providers: Option<Vec<String>>,
    /// Where its tile leads; by default the address that the provider knows.
    pub meta_launch_url: Option<String>,
    /// The icon: an address, or `fa://` and the name of an icon of Font Awesome.
    pub meta_icon: Option<String>,
    /// A sentence about it.
    pub meta_description: Option<String>,
    /// Who makes it.
    pub meta_publisher: Option<String>,
    /// Whether its tile opens a new tab.
    pub open_in_new_tab: Option<bool>,
    /// Whether one of the entries of `access` has to let a user in, or all.
    #[schemars(extend("enum" = ["any", "all"]))]
    pub policy_engine_mode: Option<String>,
    /// Who may open it. The list is complete: bindings that are not in it are removed. An empty list lets everybody in
    /// who is logged in; without this option they are left alone.
    pub access: Option<Vec<Access>>,
    /// The entitlements of the application. The list is complete; without this option they are left alone.
    pub entitlements: Option<Vec<Entitlement>>,
    /// Whether the application is to be there. Its provider stays when it goes.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
}

/// One entry of who may open an application.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[schemars(extend(
    "x-mutually-exclusive" = [["group", "user", "policy"]],
    "x-required-one-of" = [["group", "user", "policy"]]
))]
pub struct Access {
    /// A group, by name.
    pub group: Option<String>,
    /// A user, by user name.
    pub user: Option<String>,
    /// A policy, by name.
    pub policy: Option<String>,
    /// Its place among the others; by default that in the list.
    pub order: Option<i64>,
    /// Whether it counts.
    pub enabled: Option<bool>,
    /// Whether it lets in whom it would not, and the other way round.
    pub negate: Option<bool>,
    /// How long the policy may take, in seconds.
    pub timeout: Option<i64>,
    /// What counts when the policy fails.
    pub failure_result: Option<bool>,
}

/// One entitlement of an application.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct Entitlement {
    /// Its name.
    pub name: String,
    /// Its attributes.
    pub attributes: Option<Object>,
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct ApplicationSettings {
    /// Deletes applications in a stated scope that the task does not declare.
    pub prune: Option<PrefixPrune>,
}

const EXAMPLES: &str = r#"- name: An application that two groups may open
  authentik_application:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    slug: wiki
    name: Wiki
    group: Office
    meta_launch_url: https://wiki.example.com
    access:
      - group: authentik Admins

- name: Several at once, with entitlements
  authentik_application:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    applications:
      - slug: lab-media
        name: Media
        open_in_new_tab: true
      - slug: lab-files
        name: Files
        entitlements:
          - name: upload
    prune:
      name_prefix: lab-
"#;

impl Declares for ApplicationKind {
    const NAME: &'static str = "authentik_application";
    const NOUN: &'static str = "application";
    const PLURAL: &'static str = "applications";

    type Object = ApplicationOptions;
    type Settings = ApplicationSettings;

    fn about() -> About {
        About {
            short_description: "Manage applications of authentik",
            description: &[
                "Makes, changes and deletes applications, and says who may open them and which entitlements they have.",
            ],
            notes: &["An application without any entry in `access` can be opened by everybody who is logged in."],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: &[Return {
                name: "object",
                description: "The application as it is after the task.",
                kind: "dict",
                returned: "for a single application",
                sample: r#"{"pk": "755c57fb-ce83-46bc-8dd1-0b28e544a823", "slug": "wiki", "name": "Wiki"}"#,
            }],
        }
    }

    fn wanted(declared: &Declared<ApplicationOptions>) -> Result<Wanted> {
        let options = &declared.options;
        let fields = options::fields(options, &["access", "entitlements", "state"]);
        let mut wanted = options::wanted(row("core/applications")?, &declared.at, fields, options.state);
        if let Some(access) = &options.access {
            let item = |(number, access): (usize, &Access)| {
                let mut item = options::fields(access, &[]);
                item.entry("order").or_insert(json!(number));
                item
            };
            wanted.parts.push(Part {
                label: "access",
                row: row("policies/bindings")?,
                owner: "target",
                owner_id: "pk",
                key: &["policy", "group", "user"],
                items: access.iter().enumerate().map(item).collect(),
            });
        }
        if let Some(entitlements) = &options.entitlements {
            wanted.parts.push(Part {
                label: "entitlements",
                row: row("core/application_entitlements")?,
                owner: "app",
                owner_id: "pk",
                key: &["name"],
                items: entitlements.iter().map(|one| options::fields(one, &[])).collect(),
            });
        }
        Ok(wanted)
    }

    fn prune(settings: &ApplicationSettings) -> Option<Prune> {
        settings.prune.as_ref()?.of("core/applications")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_access_is_that_of_the_list() {
        let options: ApplicationOptions = serde_json::from_value(json!({
            "slug": "wiki", "access": [{"group": "a"}, {"user": "b", "order": 7}, {"policy": "c"}],
        }))
        .expect("options");
        let declared = Declared { options, written: Default::default(), at: String::new() };
        let wanted = ApplicationKind::wanted(&declared).expect("a wanted object");
        let orders: Vec<&serde_json::Value> = wanted.parts[0].items.iter().map(|item| &item["order"]).collect();
        assert_eq!(orders, [&json!(0), &json!(7), &json!(2)]);
    }
}
