//! The content of a dashboard: what is sent, and the form in which two of them are compared.

use std::{
    hash::{DefaultHasher, Hasher},
    sync::Arc,
};

use serde_json::{Map, Value, json};

use super::form::compared;
use crate::module::{Error, Result};

/// The version of the API in which the first schema is read and written: it stores as sent, where the
/// later ones fill in defaults and migrate (grafana.md fact 41).
pub const PLAIN: &str = "v0alpha1";

/// The version for a second-schema dashboard that does not say its own.
pub const SECOND: &str = "v2beta1";

/// The least time between refreshes that Grafana takes by default (fact 35).
pub const LEAST_REFRESH: &str = "5s";

/// Whoever wants a dashboard refreshed more often than that, in seconds, may ask for more than the server takes.
const OFTEN: f64 = 60.0;

/// Integers up to this one are the same as floats.
pub const EXACT: u64 = 1 << 53;

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
    /// Whether it is to be refreshed so often that the server may not take it.
    pub often: bool,
}

/// A digest of a spec's compared form. Two specs with equal marks are the same dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Numbers as floats, as 12.4 keeps them (fact 36).
    floats: u128,
    /// Big integers to the last digit, as 11.5 keeps them (fact 58).
    exact: u128,
    /// The first schema's own version.
    schema: Option<i64>,
}

impl Mark {
    /// Whether the stored dashboard is the declared one, whose mark this is, on a server that keeps big integers
    /// or not. One that is declared without the version of its schema fits any.
    pub fn same(&self, stored: &Mark, exact: bool) -> bool {
        let schema = self.schema.is_none() || self.schema == stored.schema;
        schema && if exact { self.exact == stored.exact } else { self.floats == stored.floats }
    }
}

impl Spec {
    /// A spec from what was declared: without what the server makes itself (fact 32: an unknown `id` is a 404).
    pub fn declared(api: &str, mut value: Map<String, Value>) -> Result<Spec> {
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
        let often = value["refresh"].as_str().and_then(seconds).is_some_and(|every| every > 0.0 && every < OFTEN);
        Spec { api: api.into(), title, text, mark: mark(value, is_second(api)), often }
    }

    /// The spec as a server keeps it that takes no refresh more often than `least`, which it would put in its
    /// place (fact 35); `None` where it takes it.
    pub fn refreshed(&self, least: &str, warnings: &mut Vec<String>) -> Option<Spec> {
        let mut value = self.value();
        let refresh = value["refresh"].as_str()?.to_owned();
        if seconds(&refresh)? >= seconds(least)? {
            return None;
        }
        warnings.push(format!("its `refresh` of {refresh} is below Grafana's least and became {least}"));
        value["refresh"] = json!(least);
        Some(Spec::new(&self.api, self.title.clone(), value))
    }

    /// The JSON that is sent, as a tree.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The form that is compared and shown.
    pub fn compared(&self, exact: bool) -> Value {
        compared(self.value(), exact, is_second(&self.api))
    }
}

/// Whether an API version is of the second schema.
pub fn is_second(api: &str) -> bool {
    api.starts_with("v2")
}

/// The seconds of a time such as `30s`, `500ms` or `1m30s`.
fn seconds(time: &str) -> Option<f64> {
    let (mut rest, mut sum) = (time.trim(), 0.0);
    while !rest.is_empty() {
        let unit = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, behind) = rest.split_at(unit);
        let end = behind.find(|character: char| character.is_ascii_digit()).unwrap_or(behind.len());
        let factor = match &behind[..end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        sum += number.parse::<f64>().ok()? * factor;
        rest = &behind[end..];
    }
    Some(sum)
}

/// The mark of a spec.
fn mark(value: Value, second: bool) -> Mark {
    let exact = has_big(&value).then(|| digest(&compared(value.clone(), true, second)));
    let form = compared(value, false, second);
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
