//! `authentik_policy`: policies of all types, and what they are bound to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    engine::{Declares, Part, Prune, Wanted},
    options::{self, State},
    table,
};
use crate::module::{About, Declared, Error, Object, Result, Return};

/// The kind of object.
pub struct PolicyKind;

/// Options of one policy. Those of the types are named as in the API, and those of other types are refused.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct PolicyOptions {
    /// The name, by which it is found among those of its type. It is unique over all types.
    #[schemars(extend("x-required" = true))]
    pub name: Option<String>,
    /// The type.
    #[schemars(extend("x-required" = true, "enum" = [
        "dummy", "event_matcher", "expression", "geoip", "password", "password_expiry", "reputation", "unique_password"
    ]))]
    pub r#type: Option<String>,
    /// Whether every time that it is asked is written into the log of events.
    pub execution_logging: Option<bool>,
    /// Type `expression`: the Python text that says whether it passes.
    pub expression: Option<String>,
    /// Type `dummy`: what it says.
    pub result: Option<bool>,
    /// Type `dummy`: the least time that it takes, in seconds.
    pub wait_min: Option<i64>,
    /// Type `dummy`: the most time that it takes, in seconds.
    pub wait_max: Option<i64>,
    /// Type `event_matcher`: the action of the event, such as `login_failed`.
    pub action: Option<String>,
    /// Type `event_matcher`: the address of the client.
    pub client_ip: Option<String>,
    /// Type `event_matcher`: the part of authentik, such as `authentik.core`.
    pub app: Option<String>,
    /// Type `event_matcher`: the kind of object, such as `authentik_core.user`.
    pub model: Option<String>,
    /// Type `event_matcher`: a query over the event.
    pub query: Option<String>,
    /// Type `geoip`: the numbers of networks that pass.
    pub asns: Option<Vec<i64>>,
    /// Type `geoip`: the countries that pass, by their two letters.
    pub countries: Option<Vec<String>>,
    /// Type `geoip`: whether the distance to earlier log-ins counts.
    pub check_history_distance: Option<bool>,
    /// Type `geoip`: the most kilometres to earlier log-ins.
    pub history_max_distance_km: Option<i64>,
    /// Type `geoip`: kilometres that do not count.
    pub distance_tolerance_km: Option<i64>,
    /// Type `geoip`: how many earlier log-ins are looked at.
    pub history_login_count: Option<i64>,
    /// Type `geoip`: whether travel faster than an aeroplane is refused.
    pub check_impossible_travel: Option<bool>,
    /// Type `geoip`: kilometres that do not count for that.
    pub impossible_tolerance_km: Option<i64>,
    /// Types `password` and `unique_password`: the field of the prompt that holds the password.
    pub password_field: Option<String>,
    /// Type `password`: whether length and kinds of characters count.
    pub check_static_rules: Option<bool>,
    /// Type `password`: the least length.
    pub length_min: Option<i64>,
    /// Type `password`: the fewest capital letters.
    pub amount_uppercase: Option<i64>,
    /// Type `password`: the fewest small letters.
    pub amount_lowercase: Option<i64>,
    /// Type `password`: the fewest digits.
    pub amount_digits: Option<i64>,
    /// Type `password`: the fewest signs of `symbol_charset`.
    pub amount_symbols: Option<i64>,
    /// Type `password`: which characters are signs.
    pub symbol_charset: Option<String>,
    /// Type `password`: what the user is told.
    pub error_message: Option<String>,
    /// Type `password`: whether passwords that were stolen somewhere are refused.
    pub check_have_i_been_pwned: Option<bool>,
    /// Type `password`: how often one may have been stolen.
    pub hibp_allowed_count: Option<i64>,
    /// Type `password`: whether passwords that are easily guessed are refused.
    pub check_zxcvbn: Option<bool>,
    /// Type `password`: how hard to guess it has to be, from 0 to 4.
    pub zxcvbn_score_threshold: Option<i64>,
    /// Type `password_expiry`: after how many days a password is too old.
    pub days: Option<i64>,
    /// Type `password_expiry`: whether the user is only told, and not made to change it.
    pub deny_only: Option<bool>,
    /// Type `reputation`: whether the client's address counts.
    pub check_ip: Option<bool>,
    /// Type `reputation`: whether the user name counts.
    pub check_username: Option<bool>,
    /// Type `reputation`: below this it does not pass.
    pub threshold: Option<i64>,
    /// Type `unique_password`: how many earlier passwords may not be used again.
    pub num_historical_passwords: Option<i64>,
    /// What it is bound to. The list is complete: other bindings of this policy are removed. Without this option they
    /// are left alone.
    pub bindings: Option<Vec<Binding>>,
    /// Whether the policy is to be there. Its bindings go with it.
    #[schemars(extend("x-default" = "present", "x-item-default" = true))]
    pub state: Option<State>,
}

/// One thing that a policy is bound to.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct Binding {
    /// A map of one entry, the kind and the name: `{application: wiki}`, `{source_oauth: github}`,
    /// `{event_rule: fires}`, or `{flow_stage_binding: {target: login, stage: password}}`.
    pub target: Object,
    /// Its place among the others; by default that in the list.
    pub order: Option<i64>,
    /// Whether it counts.
    pub enabled: Option<bool>,
    /// Whether it passes where the policy does not, and the other way round.
    pub negate: Option<bool>,
    /// How long the policy may take, in seconds.
    pub timeout: Option<i64>,
    /// What counts when the policy fails.
    pub failure_result: Option<bool>,
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct PolicySettings {
    /// Deletes policies of one type in a stated scope that the task does not declare.
    pub prune: Option<PolicyPrune>,
}

/// Which policies `prune` looks at.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct PolicyPrune {
    /// Their type.
    #[schemars(extend("enum" = [
        "dummy", "event_matcher", "expression", "geoip", "password", "password_expiry", "reputation", "unique_password"
    ]))]
    pub r#type: String,
    /// Those whose name begins so.
    pub name_prefix: String,
    /// The most policies that may be deleted; when there are more the task fails and changes nothing.
    #[schemars(extend("x-default" = 10))]
    pub limit: Option<usize>,
}

const EXAMPLES: &str = r#"- name: Passwords of the house
  authentik_policy:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    name: lab-password
    type: password
    length_min: 12
    error_message: At least twelve characters

- name: Nobody opens the wiki at night
  authentik_policy:
    authentik_url: https://auth.example.com
    authentik_token: "{{ authentik_token }}"
    policies:
      - name: lab-day
        type: expression
        expression: return 6 <= now().hour < 22
"#;

impl Declares for PolicyKind {
    const NAME: &'static str = "authentik_policy";
    const NOUN: &'static str = "policy";
    const PLURAL: &'static str = "policies";

    type Object = PolicyOptions;
    type Settings = PolicySettings;

    fn about() -> About {
        About {
            short_description: "Manage policies of authentik",
            description: &["Makes, changes and deletes policies of all types, and says what they are bound to."],
            notes: &[
                "Who may open an application is better said there, in `access` of `authentik_application`.",
                "The type `unique_password` needs a licence of authentik Enterprise.",
            ],
            requirements: &["authentik 2026.5."],
            examples: EXAMPLES,
            returns: &[Return {
                name: "object",
                description: "The policy as it is after the task.",
                kind: "dict",
                returned: "for a single policy",
                sample: r#"{"pk": "0ba1f8b5-8a5e-4a3c-9d43-5f1a3c1f1f0e", "name": "lab-password"}"#,
            }],
        }
    }

    fn wanted(declared: &Declared<PolicyOptions>) -> Result<Wanted> {
        let options = &declared.options;
        let kind = options.r#type.as_deref().unwrap_or_default();
        let row = table::row(&format!("policies/{kind}"))
            .ok_or_else(|| Error::bad_options(format!("there is no type of policies `{kind}`")))?;
        let fields = options::fields(options, &["type", "bindings", "state"]);
        let mut wanted = options::wanted(row, &declared.at, fields, options.state);
        if let Some(bindings) = &options.bindings {
            let item = |(number, binding): (usize, &Binding)| {
                let mut item = options::fields(binding, &[]);
                item.entry("order").or_insert(json!(number));
                item
            };
            wanted.parts.push(Part {
                label: "bindings",
                row: options::row("policies/bindings")?,
                owner: "policy",
                owner_id: "pk",
                key: &["target"],
                items: bindings.iter().enumerate().map(item).collect(),
            });
        }
        Ok(wanted)
    }

    fn prune(settings: &PolicySettings) -> Option<Prune> {
        let prune = settings.prune.as_ref()?;
        Some(Prune {
            row: table::row(&format!("policies/{}", prune.r#type))?,
            fields: Object::new(),
            prefix: prune.name_prefix.clone(),
            limit: prune.limit.unwrap_or(10),
        })
    }
}
