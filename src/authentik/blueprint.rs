//! `authentik_blueprint`: blueprints, authentik's own declarations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    engine::{Declares, Prune, Wanted},
    options::{self, PrefixPrune, State, row},
};
use crate::module::{About, Declared, Object, Result, Return};

/// The kind of object.
pub struct BlueprintKind;

/// Options of one blueprint.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[schemars(extend("x-mutually-exclusive" = [["path", "content"]]))]
pub struct BlueprintOptions {
    /// The name, by which it is found.
    #[schemars(extend("x-required" = true))]
    pub name: Option<String>,
    /// A file of authentik's own, below its folder of blueprints, or `oci://` and an address.
    pub path: Option<String>,
    /// The blueprint itself, as YAML text.
    pub content: Option<String>,
    /// Whether it is applied, at each change and every hour.
    pub enabled: Option<bool>,
    /// Values for its `!Context`. Only the keys that are written are compared and set, and one with the value null is
    /// removed.
    pub context: Option<Object>,
    /// Whether the blueprint is to be there. What it made stays when it goes.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct BlueprintSettings {
    /// Deletes blueprints in a stated scope that the task does not declare.
    pub prune: Option<PrefixPrune>,
}

const EXAMPLES: &str = r#"- name: A blueprint of one's own
  authentik_blueprint:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    name: lab-groups
    content: |
      version: 1
      entries:
        - model: authentik_core.group
          identifiers:
            name: lab-by-blueprint
"#;

impl Declares for BlueprintKind {
    const NAME: &'static str = "authentik_blueprint";
    const NOUN: &'static str = "blueprint";
    const PLURAL: &'static str = "blueprints";

    type Object = BlueprintOptions;
    type Settings = BlueprintSettings;

    fn about() -> About {
        About {
            short_description: "Manage blueprints of authentik",
            description: &["Makes, changes and deletes instances of blueprints."],
            notes: &[
                "authentik applies a blueprint by itself, some time after it was made or changed; this module does not \
                 wait for it.",
                "What a blueprint makes shows in no difference here. Objects that are to be compared are better \
                 declared by the modules of their kind.",
            ],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: &[Return {
                name: "object",
                description: "The blueprint as it is after the task.",
                kind: "dict",
                returned: "for a single blueprint",
                sample: r#"{"name": "lab-groups", "enabled": true}"#,
            }],
        }
    }

    fn wanted(declared: &Declared<BlueprintOptions>) -> Result<Wanted> {
        let options = &declared.options;
        let fields = options::fields(options, &["state"]);
        Ok(options::wanted(row("managed/blueprints")?, &declared.at, fields, options.state))
    }

    fn prune(settings: &BlueprintSettings) -> Option<Prune> {
        settings.prune.as_ref()?.of("managed/blueprints")
    }
}
