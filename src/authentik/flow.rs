//! `authentik_flow`: flows, with their stages in order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    engine::{Declares, Part, Prune, Wanted},
    options::{self, PrefixPrune, State, row},
};
use crate::module::{About, Declared, Result, Return};

/// The kind of object.
pub struct FlowKind;

/// Options of one flow.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct FlowOptions {
    /// The name in addresses, by which the flow is found.
    #[schemars(extend("x-required" = true))]
    pub slug: Option<String>,
    /// The name in lists. Needed for a new one.
    pub name: Option<String>,
    /// The title that users see. Needed for a new one.
    pub title: Option<String>,
    /// What it is for. Needed for a new one.
    #[schemars(extend("enum" = [
        "authentication", "authorization", "invalidation", "enrollment", "unenrollment", "recovery",
        "stage_configuration"
    ]))]
    pub designation: Option<String>,
    /// Who may begin it.
    #[schemars(extend("enum" = [
        "none", "require_authenticated", "require_unauthenticated", "require_superuser", "require_redirect",
        "require_outpost"
    ]))]
    pub authentication: Option<String>,
    /// What happens to whom its policies do not let in.
    #[schemars(extend("enum" = ["message_continue", "message", "continue"]))]
    pub denied_action: Option<String>,
    /// How its pages look.
    #[schemars(extend("enum" = [
        "stacked", "content_left", "content_right", "sidebar_left", "sidebar_right", "sidebar_left_frame_background",
        "sidebar_right_frame_background"
    ]))]
    pub layout: Option<String>,
    /// The picture behind its pages.
    pub background: Option<String>,
    /// Whether its pages suit password managers that cannot see into web components.
    pub compatibility_mode: Option<bool>,
    /// Whether one of its policies has to pass, or all.
    #[schemars(extend("enum" = ["any", "all"]))]
    pub policy_engine_mode: Option<String>,
    /// Its stages, in their order. The list is complete: bindings of other stages are removed, the stages themselves
    /// stay. Without this option they are left alone.
    pub stages: Option<Vec<Stage>>,
    /// Whether the flow is to be there.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
    /// Whether a flow that a brand uses may be deleted too.
    #[schemars(extend("x-default" = false))]
    pub force: Option<bool>,
}

/// One stage of a flow.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct Stage {
    /// The stage, by name.
    pub stage: String,
    /// Its place among the others; by default ten times that in the list, from 10 on.
    pub order: Option<i64>,
    /// Whether its policies are looked at when the flow begins.
    pub evaluate_on_plan: Option<bool>,
    /// Whether its policies are looked at when the user comes to it.
    pub re_evaluate_policies: Option<bool>,
    /// Whether one of its policies has to pass, or all.
    #[schemars(extend("enum" = ["any", "all"]))]
    pub policy_engine_mode: Option<String>,
    /// What happens after a wrong answer.
    #[schemars(extend("enum" = ["retry", "restart", "restart_with_context"]))]
    pub invalid_response_action: Option<String>,
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct FlowSettings {
    /// Deletes flows in a stated scope that the task does not declare. Those that a brand uses always stay.
    pub prune: Option<PrefixPrune>,
}

const EXAMPLES: &str = r#"- name: A flow of stages that authentik has by default
  authentik_flow:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    slug: lab-login
    name: Log in to the lab
    title: Welcome to the lab
    designation: authentication
    stages:
      - stage: default-authentication-identification
      - stage: default-authentication-password
      - stage: default-authentication-login
        order: 100

- name: Nobody uses it any more
  authentik_flow:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    slug: lab-login
    state: absent
"#;

impl Declares for FlowKind {
    const NAME: &'static str = "authentik_flow";
    const NOUN: &'static str = "flow";
    const PLURAL: &'static str = "flows";

    type Object = FlowOptions;
    type Settings = FlowSettings;

    fn about() -> About {
        About {
            short_description: "Manage flows of authentik and their stages",
            description: &["Makes, changes and deletes flows, and says which stages they have in which order."],
            notes: &["The stages themselves are made by `authentik_object`, in kinds such as `stages/password`."],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: &[Return {
                name: "object",
                description: "The flow as it is after the task.",
                kind: "dict",
                returned: "for a single flow",
                sample: r#"{"pk": "62a764f8-a2ba-4e91-a5f2-fb1caf24c8d1", "slug": "lab-login"}"#,
            }],
        }
    }

    fn wanted(declared: &Declared<FlowOptions>) -> Result<Wanted> {
        let options = &declared.options;
        let fields = options::fields(options, &["stages", "state", "force"]);
        let mut wanted = options::wanted(row("flows/instances")?, &declared.at, fields, options.state);
        wanted.force = options.force == Some(true);
        if let Some(stages) = &options.stages {
            let item = |(number, stage): (usize, &Stage)| {
                let mut item = options::fields(stage, &[]);
                item.entry("order").or_insert(json!(10 * (number + 1)));
                item
            };
            wanted.parts.push(Part {
                label: "stages",
                row: row("flows/bindings")?,
                owner: "target",
                owner_id: "pk",
                // A stage may be in a flow twice: then the order tells one from the other.
                key: if twice(stages) { &["stage", "order"] } else { &["stage"] },
                items: stages.iter().enumerate().map(item).collect(),
            });
        }
        Ok(wanted)
    }

    fn prune(settings: &FlowSettings) -> Option<Prune> {
        settings.prune.as_ref()?.of("flows/instances")
    }
}

fn twice(stages: &[Stage]) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    stages.iter().any(|stage| !seen.insert(&stage.stage))
}
