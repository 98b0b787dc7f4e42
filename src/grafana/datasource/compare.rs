//! The form in which a data source is compared and shown, and the declared one laid over it.

use serde_json::{Map, Value, json};

use super::payload::Form;
use crate::module::Object;

/// Where the fingerprint of the secrets lies in `jsonData`.
pub const FINGERPRINT: &str = "hearthSecretFingerprint";

/// Keys of an answer that are no state of the data source, or that move by themselves (facts 14, 54).
const NOISE: [&str; 10] = [
    "id",
    "ordinal",
    "version",
    "readOnly",
    "typeLogoUrl",
    "typeName",
    "accessControl",
    "apiVersion",
    "secureJsonFields",
    "secureJsonData",
];

/// Types whose address Grafana checks at every change, though an empty one passes at the creation
/// (fact 16; its api/datasource/validation.go).
const NEED_URL: [&str; 16] = [
    "alertmanager",
    "elasticsearch",
    "grafana-amazonprometheus-datasource",
    "grafana-azureprometheus-datasource",
    "grafana-postgresql-datasource",
    "graphite",
    "influxdb",
    "influxdb_08",
    "jaeger",
    "loki",
    "mssql",
    "mysql",
    "opentsdb",
    "prometheus",
    "tempo",
    "zipkin",
];

/// The name under which Grafana keeps a type (fact 20).
pub fn canonical(kind: &str) -> &str {
    match kind {
        "postgres" => "grafana-postgresql-datasource",
        "testdata" => "grafana-testdata-datasource",
        other => other,
    }
}

/// Whether a type can do nothing without an address.
pub fn needs_url(kind: &str) -> bool {
    NEED_URL.contains(&canonical(kind))
}

/// A field of text, or nothing.
pub fn text<'v>(stored: &'v Value, key: &str) -> &'v str {
    stored[key].as_str().unwrap_or_default()
}

/// What is kept of a data source in the form that is compared and shown: secrets by name only, the
/// fingerprint not at all.
pub fn shown(stored: &Value) -> Value {
    let mut out: Object = stored
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| !NOISE.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if let Some(json) = out.get_mut("jsonData").and_then(Value::as_object_mut) {
        json.shift_remove(FINGERPRINT);
    }
    let secrets: Object = secrets_set(stored).map(|key| (key.to_owned(), json!("set"))).collect();
    out.insert("secureJsonFields".into(), Value::Object(secrets));
    Value::Object(out)
}

/// The names of the secrets that are set.
pub fn secrets_set(stored: &Value) -> impl Iterator<Item = &str> {
    stored["secureJsonFields"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, set)| **set == Value::Bool(true))
        .map(|(key, _)| key.as_str())
}

/// What is to be: what is there with what is declared laid over it. Keys that nobody declared stay, at
/// every depth: a PUT would reset them (fact 15).
pub fn laid_over(before: &Value, form: &Form) -> Value {
    let mut out = before.as_object().cloned().unwrap_or_default();
    for (key, declared) in &form.fields {
        let kept = out.get(key).filter(|stored| key == "type" && same_type(stored, declared));
        let value = kept.cloned().unwrap_or_else(|| merged(out.get(key), declared));
        out.insert(key.clone(), value);
    }
    // A PUT writes no empty address, as little as an empty `basicAuthUser` (fact 15; Grafana's UpdateDataSource).
    let empties = out.get("url") == Some(&json!("")) && !text(before, "url").is_empty();
    if empties && !out.get("type").and_then(Value::as_str).is_some_and(needs_url) {
        out.insert("url".into(), before["url"].clone());
    }
    let stored = out.get("jsonData").cloned();
    let mut json = merged(stored.as_ref(), &Value::Object(form.json.clone()));
    if let Some(json) = json.as_object_mut() {
        json.retain(|key, value| !form.off.contains(key.as_str()) || is_off(value));
    }
    if stored.is_some() || json.as_object().is_some_and(|json| !json.is_empty()) {
        out.insert("jsonData".into(), json);
    }
    let mut secrets = out.get("secureJsonFields").and_then(Value::as_object).cloned().unwrap_or_default();
    for (key, secret) in &form.secrets {
        match secret {
            Some(_) => secrets.insert(key.clone(), json!("set")),
            None => secrets.shift_remove(key),
        };
    }
    out.insert("secureJsonFields".into(), Value::Object(secrets));
    Value::Object(out)
}

/// The compared form of a data source that is to be, in the form in which Grafana would show it.
pub fn as_stored(shown: &Value) -> Value {
    let mut stored = shown.clone();
    if let Some(kind) = shown["type"].as_str() {
        stored["type"] = json!(canonical(kind));
    }
    for set in stored["secureJsonFields"].as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
        *set = json!(true);
    }
    stored
}

fn same_type(stored: &Value, declared: &Value) -> bool {
    let name = |value: &Value| value.as_str().map(|kind| canonical(kind).to_owned());
    name(stored) == name(declared)
}

/// A setting that is off is as good as one that is not there.
fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

fn merged(stored: Option<&Value>, declared: &Value) -> Value {
    match (stored, declared) {
        (Some(Value::Object(stored)), Value::Object(declared)) => {
            let mut out: Map<String, Value> = stored.clone();
            for (key, value) in declared {
                out.insert(key.clone(), merged(stored.get(key), value));
            }
            Value::Object(out)
        }
        (Some(stored), declared) if same(stored, declared) => stored.clone(),
        _ => declared.clone(),
    }
}

/// Equal up to how a number is written: YAML's `1` and JSON's `1.0` are one, while big integers keep
/// each digit (fact 20).
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() != b.is_f64() => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: Value, json: Value) -> Form {
        let map = |value: Value| value.as_object().cloned().unwrap_or_default();
        Form { fields: map(fields), json: map(json), ..Form::default() }
    }

    #[test]
    fn undeclared_keys_stay_at_every_depth() {
        let stored =
            json!({"id": 1, "version": 7, "name": "a", "user": "u", "jsonData": {"a": {"b": 1, "c": 2}, "d": 3}});
        let after = laid_over(&shown(&stored), &form(json!({"name": "a"}), json!({"a": {"b": 5}})));
        assert_eq!(after["jsonData"], json!({"a": {"b": 5, "c": 2}, "d": 3}));
        assert_eq!((&after["user"], after.get("id"), after.get("version")), (&json!("u"), None, None));
    }

    #[test]
    fn numbers_are_equal_however_they_are_written_and_big_ones_keep_each_digit() {
        let stored = json!({"jsonData": {"f": 1.0, "list": [2.0, {"x": 3.0}], "big": 9_007_199_254_740_993_i64}});
        let declared = json!({"f": 1, "list": [2, {"x": 3}], "big": 9_007_199_254_740_993_i64});
        assert_eq!(laid_over(&shown(&stored), &form(json!({}), declared)), shown(&stored));
        let other = laid_over(&shown(&stored), &form(json!({}), json!({"big": 9_007_199_254_740_992_i64})));
        assert_ne!(other, shown(&stored));
    }

    #[test]
    fn both_names_of_a_type_are_one() {
        for (old, new) in [("postgres", "grafana-postgresql-datasource"), ("testdata", "grafana-testdata-datasource")] {
            let stored = shown(&json!({"type": new}));
            assert_eq!(laid_over(&stored, &form(json!({"type": old}), json!({}))), stored);
        }
    }

    #[test]
    fn the_fingerprint_and_values_of_secrets_are_not_shown() {
        let stored = json!({"jsonData": {FINGERPRINT: "x", "a": 1}, "secureJsonFields": {"p": true, "q": false}});
        assert_eq!(shown(&stored), json!({"jsonData": {"a": 1}, "secureJsonFields": {"p": "set"}}));
    }

    #[test]
    fn a_setting_that_is_to_be_off_may_be_missing() {
        let mut off = form(json!({}), json!({}));
        off.off.insert("tlsSkipVerify");
        for (stored, left) in [
            (json!({"tlsSkipVerify": true, "a": 1}), json!({"a": 1})),
            (json!({"tlsSkipVerify": false}), json!({"tlsSkipVerify": false})),
            (json!({}), json!({})),
        ] {
            assert_eq!(laid_over(&shown(&json!({"jsonData": stored})), &off)["jsonData"], left);
        }
    }
}
