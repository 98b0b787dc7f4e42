//! The content of a dashboard: what is sent, and the form in which two of them are compared.

use std::{
    hash::{DefaultHasher, Hasher},
    sync::Arc,
};

use serde_json::{Map, Number, Value, json};

use crate::module::{Error, Result};

/// The version of the API in which the first schema is read and written: it stores as sent, where the
/// later ones fill in defaults and migrate (grafana.md fact 41).
pub const PLAIN: &str = "v0alpha1";

/// The version for a second-schema dashboard that does not say its own.
pub const SECOND: &str = "v2beta1";

/// The least time between refreshes that Grafana takes by default, in seconds (fact 35).
const LEAST_REFRESH: f64 = 5.0;

/// Integers up to this one are the same as floats.
const EXACT: u64 = 1 << 53;

/// The content of a dashboard, without its uid.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The API version that it is in: [`PLAIN`], or one of the second schema.
    pub api: Arc<str>,
    /// Its title.
    pub title: String,
    /// The JSON that is sent. Kept as text: as a tree it would take four times the memory.
    pub text: Arc<str>,
    /// What two specs are compared by.
    pub mark: Mark,
}

/// A digest of a spec's compared form. Two specs with equal marks are the same dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Numbers as floats, as 12.4 keeps them (fact 36).
    floats: u128,
    /// Big integers to the last digit, as 11.5 keeps them (fact 58).
    exact: u128,
    /// The first schema's own version; a dashboard that does not say one fits any.
    schema: Option<i64>,
}

impl Mark {
    /// Whether both are marks of the same dashboard, on a server that keeps big integers or not.
    pub fn same(&self, other: &Mark, exact: bool) -> bool {
        let schema = self.schema.is_none() || other.schema.is_none() || self.schema == other.schema;
        schema && if exact { self.exact == other.exact } else { self.floats == other.floats }
    }
}

impl Spec {
    /// A spec from what was declared: without what the server makes itself (fact 32: an unknown `id` is a
    /// 404), and with what it would rewrite already rewritten (fact 35). Returns warnings beside it.
    pub fn declared(api: &str, mut value: Map<String, Value>, warnings: &mut Vec<String>) -> Result<Spec> {
        for made in ["id", "uid", "version"] {
            value.shift_remove(made);
        }
        let title = match value.get("title") {
            Some(Value::String(title)) => title.trim().to_owned(),
            Some(_) => return Err(Error::bad_options("its `title` is not a text")),
            None => String::new(),
        };
        if title.is_empty() {
            return Err(Error::bad_options("it has no `title`, and Grafana refuses a dashboard without one")
                .hint("is it the JSON of a dashboard?"));
        }
        if title.chars().count() > 5000 {
            return Err(Error::bad_options("its `title` has more than 5000 characters"));
        }
        value.insert("title".to_owned(), json!(title));
        if let Some(refresh) = value.get("refresh").and_then(Value::as_str)
            && too_often(refresh)
        {
            warnings.push(format!("its `refresh` of {refresh} is below Grafana's least and became 5s"));
            value.insert("refresh".to_owned(), json!("5s"));
        }
        Ok(Spec::new(api, title, Value::Object(value)))
    }

    /// A spec as a server gave it.
    pub fn stored(api: &str, mut value: Map<String, Value>) -> Spec {
        for made in ["id", "uid", "version"] {
            value.shift_remove(made);
        }
        let title = value.get("title").and_then(Value::as_str).unwrap_or_default().to_owned();
        Spec::new(api, title, Value::Object(value))
    }

    fn new(api: &str, title: String, value: Value) -> Spec {
        let text = value.to_string().into();
        Spec { api: api.into(), title, text, mark: mark(value) }
    }

    /// The JSON that is sent, as a tree.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The form that is compared and shown.
    pub fn compared(&self, exact: bool) -> Value {
        compared(self.value(), exact)
    }
}

/// Whether an API version is of the second schema.
pub fn is_second(api: &str) -> bool {
    api.starts_with("v2")
}

/// Brings a spec to the form that is compared: without what the server or the export adds, and without
/// what equals a default, so that a dashboard sent and the same one exported are equal. Keys are sorted,
/// as Grafana gives them back. `exact` keeps the digits of big integers.
pub fn compared(value: Value, exact: bool) -> Value {
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
    let second = all.contains_key("elements") || all.contains_key("layout");
    if let Some(annotations) = all.get_mut("annotations") {
        // Grafana's own annotations are added to each dashboard that its editor saves.
        if let Some(list) = annotations.get_mut("list").and_then(Value::as_array_mut) {
            list.retain(|one| !is_own_annotation(one));
        }
        if let Some(list) = annotations.as_array_mut() {
            list.retain(|one| !is_own_annotation(&one["spec"]));
        }
    }
    let mut all = match tidy(Value::Object(all), exact) {
        Value::Object(all) => all,
        other => return other,
    };
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

/// Whether a field holds what Grafana would fill in for it [dashboards_stored].
fn is_default(key: &str, value: &Value, second: bool) -> bool {
    let is_empty = |value: &Value| match value {
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    };
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

/// Whether a refresh such as `1s` or `500ms` is more often than Grafana allows by default.
fn too_often(refresh: &str) -> bool {
    let number = |unit: &str| refresh.trim().strip_suffix(unit).and_then(|number| number.parse::<f64>().ok());
    let seconds = number("ms").map(|number| number / 1000.0).or_else(|| number("s"));
    seconds.is_some_and(|seconds| seconds > 0.0 && seconds < LEAST_REFRESH)
}

/// The mark of a spec.
fn mark(value: Value) -> Mark {
    let exact = has_big(&value).then(|| digest(&compared(value.clone(), true)));
    let form = compared(value, false);
    let floats = digest(&form);
    Mark { floats, exact: exact.unwrap_or(floats), schema: form.get("schemaVersion").and_then(Value::as_i64) }
}

/// Whether some integer is beyond what a float holds exactly.
fn has_big(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64() && number.as_i64().is_none_or(|whole| whole.unsigned_abs() > EXACT),
        Value::Array(all) => all.iter().any(has_big),
        Value::Object(all) => all.values().any(has_big),
        _ => false,
    }
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

/// 128 bits over a compared form: the standard hasher twice, the second one salted.
fn digest(form: &Value) -> u128 {
    let mut both = Twice(DefaultHasher::new(), DefaultHasher::new());
    both.1.write_u8(1);
    // The schema's version is compared by itself: a dashboard may leave it out.
    feed(form, true, &mut both);
    u128::from(both.0.finish()) << 64 | u128::from(both.1.finish())
}

/// Two hashers fed at once.
struct Twice(DefaultHasher, DefaultHasher);

impl Hasher for Twice {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

fn feed(value: &Value, top: bool, hasher: &mut impl Hasher) {
    match value {
        Value::Null => hasher.write_u8(0),
        Value::Bool(is) => hasher.write(&[1, u8::from(*is)]),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => {
                hasher.write_u8(2);
                hasher.write_i64(whole);
            }
            None => {
                hasher.write_u8(3);
                hasher.write(number.to_string().as_bytes());
            }
        },
        Value::String(text) => {
            hasher.write_u8(4);
            hasher.write_usize(text.len());
            hasher.write(text.as_bytes());
        }
        Value::Array(all) => {
            hasher.write_u8(5);
            hasher.write_usize(all.len());
            all.iter().for_each(|one| feed(one, false, hasher));
        }
        Value::Object(all) => {
            hasher.write_u8(6);
            for (key, value) in all.iter().filter(|(key, _)| !(top && *key == "schemaVersion")) {
                hasher.write_usize(key.len());
                hasher.write(key.as_bytes());
                feed(value, false, hasher);
            }
            hasher.write_u8(7);
        }
    }
}

#[cfg(test)]
#[path = "spec_tests.rs"]
mod tests;
