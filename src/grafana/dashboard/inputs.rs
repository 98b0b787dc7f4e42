//! Filling in the inputs of a dashboard that was exported for sharing.
//!
//! Such an export names data sources and constants in `__inputs` and refers to them by `${NAME}`.
//! Grafana's own save keeps both as they are and leaves the panels without data (grafana.md fact 38); its
//! import has no defaults and does not look whether a data source exists. Here both is done.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::module::{Error, ErrorKind, Object, Result};

/// A data source of the organisation.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSource {
    /// What identifies it; dashboards refer to it by this.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Its plugin, `prometheus`.
    pub kind: String,
}

/// The inputs that a spec still needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    /// Input → name or uid of a data source.
    data_sources: BTreeMap<String, String>,
    /// Input → the text itself.
    constants: BTreeMap<String, String>,
    /// Input → the plugin that it is meant for.
    plugins: BTreeMap<String, String>,
}

impl Inputs {
    /// What the options give for the inputs of a dashboard. `None` when they give nothing: then it stays
    /// as it is, and a warning names the inputs that nobody filled in. Inputs that are given and that the
    /// dashboard does not have go into `unused`.
    pub fn of(
        given: Option<&Object>,
        spec: &Map<String, Value>,
        warnings: &mut Vec<String>,
        unused: &mut Vec<String>,
    ) -> Result<Option<Inputs>> {
        let declared: Vec<&Value> = spec.get("__inputs").and_then(Value::as_array).into_iter().flatten().collect();
        let name_of = |input: &&Value| input["name"].as_str().map(str::to_owned);
        let Some(given) = given else {
            let open: Vec<String> = declared.iter().filter_map(name_of).collect();
            if !open.is_empty() {
                warnings.push(format!("its inputs are not filled in: {}; give them as `inputs`", open.join(", ")));
            }
            return Ok(None);
        };
        let mut inputs = Inputs::default();
        for (name, value) in given {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    return Err(Error::bad_options(format!("inputs.{name} is to be a text or a number")));
                }
                other => other.to_string(),
            };
            let input = declared.iter().find(|input| input["name"] == name.as_str());
            let is_used = || spec.values().any(|value| mentions(value, name));
            if input.is_none() && !is_used() {
                unused.push(name.clone());
                continue;
            }
            // One that the export does not list is a data source if it is named as those are.
            let is_data_source = input.map_or(name.starts_with("DS_"), |input| input["type"] != "constant");
            // A data source may be called so.
            let perhaps = matches!(text.as_str(), "default" | "grafana");
            let built_in = uid_of_built_in(&text).filter(|_| is_data_source && !perhaps);
            if let Some(uid) = built_in {
                inputs.constants.insert(name.clone(), uid.to_owned());
            } else if is_data_source {
                inputs.data_sources.insert(name.clone(), text);
                let plugin = input.and_then(|input| input["pluginId"].as_str());
                inputs.plugins.extend(plugin.map(|plugin| (name.clone(), plugin.to_owned())));
            } else {
                inputs.constants.insert(name.clone(), text);
            }
        }
        let mut missing = Vec::new();
        for input in &declared {
            let Some(name) = name_of(input).filter(|name| !given.contains_key(name)) else { continue };
            let default = match (&input["value"], input["type"] == "constant") {
                (Value::String(text), true) => Some(text.clone()),
                (Value::Number(number), true) => Some(number.to_string()),
                (Value::Bool(is), true) => Some(is.to_string()),
                _ => None,
            };
            let built_in = input["pluginId"].as_str().filter(|_| input["type"] != "constant").and_then(built_in_of);
            match (default, built_in) {
                (Some(default), _) => drop(inputs.constants.insert(name, default)),
                (None, Some(uid)) => drop(inputs.constants.insert(name, uid.to_owned())),
                (None, None) => missing.push(name),
            }
        }
        if !missing.is_empty() {
            let hint = match unused.first() {
                Some(unused) => format!("did you mean `{}` by `{unused}`?", missing[0]),
                None => {
                    "the dashboard asks for them in `__inputs`; each is the name or the uid of a data source".to_owned()
                }
            };
            return Err(Error::bad_options(format!("inputs lacks {}", missing.join(", "))).hint(hint));
        }
        Ok(Some(inputs))
    }

    /// Whether a data source has to be looked up.
    pub fn needs_data_sources(&self) -> bool {
        !self.data_sources.is_empty()
    }

    /// Fills them in; the list of inputs goes, since nothing is left to be asked for.
    pub fn fill(&self, spec: &mut Map<String, Value>, known: &[DataSource], warnings: &mut Vec<String>) -> Result<()> {
        let mut values = self.constants.clone();
        for (input, wanted) in &self.data_sources {
            let found = known
                .iter()
                .find(|source| source.uid == *wanted)
                .or_else(|| known.iter().find(|source| source.name == *wanted));
            if let (None, Some(uid)) = (found, uid_of_built_in(wanted)) {
                values.insert(input.clone(), uid.to_owned());
                continue;
            }
            let found = found.ok_or_else(|| {
                let names: Vec<String> = known.iter().map(|source| source.name.clone()).collect();
                Error::new(
                    ErrorKind::NotFound,
                    format!("inputs.{input}: there is no data source with the name or uid `{wanted}`"),
                )
                .hint(near(wanted, &names, "there are"))
            })?;
            if let Some(plugin) = self.plugins.get(input).filter(|plugin| !same_plugin(plugin, &found.kind)) {
                warnings
                    .push(format!("input {input} is meant for {plugin}, and `{wanted}` is of the type {}", found.kind));
            }
            values.insert(input.clone(), found.uid.clone());
        }
        for asked in ["__inputs", "__requires", "__elements"] {
            spec.shift_remove(asked);
        }
        spec.values_mut().for_each(|value| replace(value, &values));
        Ok(())
    }
}

/// The uid for an input of a plugin that is no data source of an organisation but part of Grafana.
fn built_in_of(plugin: &str) -> Option<&'static str> {
    match plugin {
        "__expr__" => Some("__expr__"),
        "grafana" => Some("grafana"),
        "mixed" => Some("-- Mixed --"),
        "dashboard" => Some("-- Dashboard --"),
        _ => None,
    }
}

/// The uid of a data source that is in no list: Grafana's own ones, its default one, and one that a variable
/// of the dashboard names.
fn uid_of_built_in(wanted: &str) -> Option<&str> {
    match wanted {
        "-- Grafana --" => Some("grafana"),
        "__expr__" | "grafana" | "-- Mixed --" | "-- Dashboard --" | "default" => Some(wanted),
        _ if wanted.starts_with("${") => Some(wanted),
        _ => None,
    }
}

/// Old and new names of a plugin are the same (fact 20).
fn same_plugin(one: &str, other: &str) -> bool {
    let short = |name: &str| {
        name.trim_start_matches("grafana-").trim_end_matches("-datasource").replace("postgresql", "postgres")
    };
    short(one) == short(other)
}

fn mentions(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => text.contains(&format!("${{{name}}}")),
        Value::Array(all) => all.iter().any(|one| mentions(one, name)),
        Value::Object(all) => all.values().any(|one| mentions(one, name)),
        _ => false,
    }
}

fn replace(value: &mut Value, values: &BTreeMap<String, String>) {
    match value {
        Value::String(text) if text.contains("${") => *text = replaced(text, values),
        Value::Array(all) => all.iter_mut().for_each(|one| replace(one, values)),
        Value::Object(all) => all.values_mut().for_each(|one| replace(one, values)),
        _ => {}
    }
}

/// In one pass: what a value brings is not looked at again.
fn replaced(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, behind) = rest.split_at(at);
        out.push_str(before);
        let name = behind[2..].split('}').next().unwrap_or_default();
        rest = match values.get(name).filter(|_| behind[2..].len() > name.len()) {
            Some(with) => {
                out.push_str(with);
                &behind[2 + name.len() + 1..]
            }
            None => {
                out.push_str("${");
                &behind[2..]
            }
        };
    }
    out + rest
}

/// "did you mean `x`?", or all names.
fn near(name: &str, known: &[String], else_say: &str) -> String {
    let best = known
        .iter()
        .map(|other| (strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase()), other))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    match best {
        Some((_, best)) => format!("did you mean `{best}`?"),
        None if known.is_empty() => format!("{else_say} none"),
        None => format!("{else_say} {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().expect("a map")
    }

    fn shared() -> Map<String, Value> {
        map(json!({
            "title": "T",
            "__inputs": [
                {"name": "DS_PROM", "type": "datasource", "pluginId": "prometheus"},
                {"name": "VAR_X", "type": "constant", "value": "dflt"}
            ],
            "__requires": [{"type": "grafana"}],
            "__elements": {"lib": {"name": "Library panel"}},
            "panels": [{"datasource": {"type": "prometheus", "uid": "${DS_PROM}"}, "title": "${VAR_X} of ${other}"}]
        }))
    }

    fn sources() -> Vec<DataSource> {
        let source =
            |uid: &str, name: &str, kind: &str| DataSource { uid: uid.into(), name: name.into(), kind: kind.into() };
        vec![
            source("p1", "Prometheus", "prometheus"),
            source("Prometheus2", "other", "prometheus"),
            source("l", "Loki", "loki"),
        ]
    }

    fn filled(given: Value) -> Result<(Map<String, Value>, Vec<String>)> {
        let (mut spec, mut warnings) = (shared(), Vec::new());
        if let Some(inputs) = Inputs::of(Some(&map(given)), &spec, &mut warnings, &mut Vec::new())? {
            inputs.fill(&mut spec, &sources(), &mut warnings)?;
        }
        Ok((spec, warnings))
    }

    #[test]
    fn a_data_source_is_given_by_name_or_uid() {
        for wanted in ["Prometheus", "p1"] {
            let (spec, warnings) = filled(json!({"DS_PROM": wanted})).expect("there is one");
            assert_eq!(spec["panels"][0]["datasource"]["uid"], "p1");
            assert_eq!(spec["panels"][0]["title"], "dflt of ${other}");
            let left = ["__inputs", "__requires", "__elements"].iter().filter(|key| spec.contains_key(**key)).count();
            assert_eq!((left, warnings.len()), (0, 0));
        }
        let (spec, warnings) = filled(json!({"DS_PROM": "Loki", "VAR_X": 5})).expect("there is one");
        assert_eq!(spec["panels"][0]["title"], "5 of ${other}");
        assert!(warnings[0].contains("prometheus"), "{warnings:?}");
    }

    /// Such as each export with an expression or an annotation has.
    #[test]
    fn parts_of_grafana_and_defaults_need_not_be_given() {
        let spec = map(json!({
            "title": "T",
            "__inputs": [
                {"name": "DS_EXPRESSION", "type": "datasource", "pluginId": "__expr__"},
                {"name": "DS_GRAFANA", "type": "datasource", "pluginId": "grafana"},
                {"name": "DS_MIXED", "type": "datasource", "pluginId": "mixed"},
                {"name": "DS_DASHBOARD", "type": "datasource", "pluginId": "dashboard"},
                {"name": "DS_X", "type": "datasource", "pluginId": "prometheus"},
                {"name": "N", "type": "constant", "value": 5},
                {"name": "B", "type": "constant", "value": false}
            ],
            "text": "${DS_EXPRESSION} ${DS_GRAFANA} ${DS_MIXED} ${DS_DASHBOARD} ${DS_X} ${N} ${B} ${C ${}"
        }));
        for (wanted, uid) in [
            ("__expr__", "__expr__"),
            ("-- Grafana --", "grafana"),
            ("-- Mixed --", "-- Mixed --"),
            ("-- Dashboard --", "-- Dashboard --"),
            ("default", "default"),
            ("grafana", "grafana"),
            ("${datasource}", "${datasource}"),
        ] {
            let (mut filled, mut warnings) = (spec.clone(), Vec::new());
            let given = map(json!({"DS_X": wanted}));
            let inputs = Inputs::of(Some(&given), &spec, &mut warnings, &mut Vec::new()).expect("nothing is missing");
            let inputs = inputs.expect("there are some");
            assert_eq!(inputs.needs_data_sources(), ["default", "grafana"].contains(&wanted));
            inputs.fill(&mut filled, &[], &mut warnings).expect("nothing is unknown");
            let expected = format!("__expr__ grafana -- Mixed -- -- Dashboard -- {uid} 5 false ${{C ${{}}");
            assert_eq!((filled["text"].as_str(), warnings.len()), (Some(expected.as_str()), 0));
        }
    }

    /// Grafana's own ones are no reason not to find a data source of that name.
    #[test]
    fn a_data_source_called_as_a_part_of_grafana_is_found() {
        for (name, uid) in [("default", "d1"), ("grafana", "g1")] {
            let (mut spec, mut warnings) = (shared(), Vec::new());
            let given = map(json!({"DS_PROM": name}));
            let inputs = Inputs::of(Some(&given), &spec, &mut warnings, &mut Vec::new()).expect("nothing is missing");
            let known = [DataSource { uid: uid.into(), name: name.into(), kind: "prometheus".into() }];
            inputs.expect("there are some").fill(&mut spec, &known, &mut warnings).expect("it is there");
            assert_eq!(spec["panels"][0]["datasource"]["uid"], uid);
        }
    }

    #[test]
    fn what_a_value_brings_is_not_filled_in_again() {
        let (spec, _) = filled(json!({"DS_PROM": "p1", "VAR_X": "${DS_PROM}"})).expect("it is there");
        assert_eq!(spec["panels"][0]["title"], "${DS_PROM} of ${other}");
    }

    #[test]
    fn what_is_missing_or_unknown_is_refused_with_the_nearest_name() {
        for (given, says) in [
            (json!({}), "lacks DS_PROM"),
            (json!({"DS_PROM": "Promethius"}), "did you mean `Prometheus`"),
            (json!({"DS_PROMM": "p1"}), "did you mean `DS_PROM`"),
            (json!({"DS_PROM": ["p1"]}), "text or a number"),
        ] {
            let error = filled(given.clone()).expect_err("it is refused");
            assert!(error.to_string().contains(says), "{given}: {error}");
        }
    }

    #[test]
    fn without_inputs_it_stays_and_a_warning_says_so() {
        let mut warnings = Vec::new();
        assert_eq!(Inputs::of(None, &shared(), &mut warnings, &mut Vec::new()).expect("nothing is wrong"), None);
        assert!(warnings[0].contains("DS_PROM, VAR_X"));
    }

    #[test]
    fn an_input_that_the_export_does_not_list_is_found_by_its_use() {
        let spec = map(json!({"title": "T", "panels": [{"datasource": "${DS_LOKI}"}]}));
        let inputs = Inputs::of(Some(&map(json!({"DS_LOKI": "l"}))), &spec, &mut Vec::new(), &mut Vec::new())
            .expect("it is used");
        assert!(inputs.expect("there are some").needs_data_sources());
    }
}
