//! The form in which two dashboards are compared.

use serde_json::{Number, Value, json};

use super::spec::EXACT;

/// Brings a spec to the form that is compared: without what the server or the export adds, and without
/// what equals a default, so that a dashboard sent and the same one exported are equal. Keys are sorted,
/// as Grafana gives them back. `exact` keeps the digits of big integers.
///
/// `second` tells the second schema, which Grafana stores typed: of each optional field that was left out it
/// gives back the zero value of its type [dashboards_k8s], so a zero value and nothing are the same there.
pub fn compared(value: Value, exact: bool, second: bool) -> Value {
    let Value::Object(mut all) = value else { return value };
    // The last three belong to an export for sharing and mean nothing to a stored dashboard.
    for dropped in ["id", "uid", "version", "iteration", "__inputs", "__requires", "__elements"] {
        all.shift_remove(dropped);
    }
    if all.get("refresh") == Some(&Value::Bool(false)) {
        all.shift_remove("refresh");
    }
    if let Some(Value::String(title)) = all.get_mut("title") {
        *title = title.trim().to_owned();
    }
    if let Some(annotations) = all.get_mut("annotations") {
        // Grafana's own annotations are added to each dashboard that its editor saves.
        if let Some(list) = annotations.get_mut("list").and_then(Value::as_array_mut) {
            list.retain(|one| !is_own_annotation(one));
        }
        if let Some(list) = annotations.as_array_mut() {
            list.retain(|one| !is_own_annotation(&one["spec"]));
        }
    }
    // The only switch that is on where nothing is said.
    let locked = second && all.get("editable") == Some(&Value::Bool(false));
    let form = if second { typed(Value::Object(all), "", exact) } else { tidy(Value::Object(all), exact) };
    let Value::Object(mut all) = form else { return form };
    if locked {
        all.insert("editable".to_owned(), Value::Bool(false));
        all.sort_keys();
    }
    if second && let Some(Value::Object(times)) = all.get_mut("timeSettings") {
        times.retain(|key, value| !is_default_time(key, value));
    }
    all.retain(|key, value| !is_default(key, value, second));
    Value::Object(all)
}

/// Sorts keys, drops nulls and brings numbers to one form, at every depth: Grafana treats a null as what
/// is not there.
fn tidy(value: Value, exact: bool) -> Value {
    match value {
        Value::Object(all) => {
            let mut kept: Vec<(String, Value)> = all
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, tidy(value, exact)))
                .collect();
            kept.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(kept.into_iter().collect())
        }
        Value::Array(all) => Value::Array(all.into_iter().map(|one| tidy(one, exact)).collect()),
        Value::Number(number) => Value::Number(plain(&number, exact)),
        other => other,
    }
}

/// The same for the second schema: zero values go, except in what plugins define and where Grafana tells
/// nothing from a zero value.
fn typed(value: Value, above: &str, exact: bool) -> Value {
    match value {
        Value::Object(all) => {
            let mut kept: Vec<(String, Value)> = all
                .into_iter()
                .map(|(key, value)| {
                    let value = if is_free(above, &key) { tidy(value, exact) } else { typed(value, &key, exact) };
                    (key, value)
                })
                .filter(|(key, value)| if is_free(above, key) { !is_empty(value) } else { !is_zero(value) })
                .collect();
            kept.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(kept.into_iter().collect())
        }
        Value::Array(all) => Value::Array(all.into_iter().map(|one| typed(one, above, exact)).collect()),
        Value::Number(number) => Value::Number(plain(&number, exact)),
        other => other,
    }
}

/// Whether what stands in a field is kept as it was sent: what a plugin defines, and what may be left out.
fn is_free(above: &str, key: &str) -> bool {
    match above {
        "fieldConfig" => true,
        "query" => key == "spec",
        _ => matches!(key, "options" | "legacyOptions" | "queryOptions"),
    }
}

/// What a list or a map of a free field is where it was left out.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        _ => false,
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Bool(is) => !is,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        other => is_empty(other),
    }
}

/// Whether a field holds what Grafana would fill in for it [dashboards_stored].
fn is_default(key: &str, value: &Value, second: bool) -> bool {
    let is_empty = |value: &Value| value == "" || is_empty(value);
    match key {
        "links" | "panels" | "rows" | "tags" | "timepicker" | "refresh" | "timezone" | "weekStart" | "variables"
        | "elements" | "timeSettings" => is_empty(value),
        "annotations" | "templating" => {
            is_empty(value)
                || value.as_object().is_some_and(|all| all.iter().all(|(key, value)| key == "list" && is_empty(value)))
        }
        "editable" => *value == Value::Bool(true),
        "liveNow" | "preload" | "hideControls" | "sharedCrosshair" => *value == Value::Bool(false),
        "graphTooltip" | "fiscalYearStartMonth" => value.as_f64() == Some(0.0),
        "style" => value == "dark",
        "time" => value.get("from").is_none_or(|from| from == "now-6h") && value.get("to").is_none_or(|to| to == "now"),
        "cursorSync" => value == "Off" || is_empty(value),
        "layout" => {
            second && value["kind"] == "GridLayout" && value["spec"]["items"].as_array().is_none_or(Vec::is_empty)
        }
        _ => false,
    }
}

fn is_default_time(key: &str, value: &Value) -> bool {
    match key {
        "from" => value == "now-6h" || value == "",
        "to" => value == "now" || value == "",
        "timezone" | "autoRefresh" | "weekStart" => value == "",
        "hideTimepicker" => *value == Value::Bool(false),
        "fiscalYearStartMonth" => value.as_f64() == Some(0.0),
        "autoRefreshIntervals" => *value == json!(["5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h", "2h", "1d"]),
        _ => false,
    }
}

fn is_own_annotation(one: &Value) -> bool {
    let built_in = one["builtIn"] == true || one["builtIn"].as_f64() == Some(1.0);
    built_in
        && one["enable"] == true
        && one["hide"] == true
        && one["name"] == "Annotations & Alerts"
        && one["iconColor"] == "rgba(0, 211, 255, 1)"
}

/// A number as 12.4 gives it back (fact 36): through a float, and without a fraction where it has none.
/// 11.5 keeps the digits of a big integer (fact 58).
fn plain(number: &Number, exact: bool) -> Number {
    if !number.is_f64() && (exact || number.as_i64().is_some_and(|whole| whole.unsigned_abs() <= EXACT)) {
        return number.clone();
    }
    let float = number.as_f64().unwrap_or_default();
    if float.fract() == 0.0 && float.abs() < 9.2e18 {
        // Below 2^63 a whole float is exactly an integer; -0.0 becomes 0.
        return Number::from(float as i64);
    }
    Number::from_f64(float).unwrap_or_else(|| number.clone())
}
