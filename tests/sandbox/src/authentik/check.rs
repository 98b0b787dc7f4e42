//! The checks of a body, field by field, in the words of the real serializers.

use serde_json::{Map, Value, json};

use super::errors;
use super::kinds::{Field, Kind, table};
use super::store::{Object, Store, id_for};
use crate::call::Call;
use crate::reply::Reply;

/// The body of a write, as JSON.
pub(crate) fn body(call: &Call) -> Result<Value, Reply> {
    let kind = call.header("content-type").unwrap_or_default();
    if !kind.is_empty() && !kind.starts_with("application/json") {
        let kind = kind.split(';').next().unwrap_or_default();
        return Err(errors::detail(415, &format!("Unsupported media type \"{kind}\" in request.")));
    }
    if call.body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(&call.body).map_err(|error| errors::detail(400, &format!("JSON parse error - {error}")))
}

/// The body as a map.
pub(crate) fn object(call: &Call) -> Result<Object, Reply> {
    match body(call)? {
        Value::Object(map) => Ok(map),
        other => Err(errors::object(format!("Invalid data. Expected a dictionary, but got {}.", python(&other)))),
    }
}

/// Checks the fields of a body; gives those that are stored. `there` is the object that is changed.
pub(crate) fn fields(
    store: &Store,
    kind: &Kind,
    body: &Object,
    there: Option<&Object>,
    partial: bool,
) -> Result<Object, Reply> {
    let mut out = Map::new();
    let mut wrong = Map::new();
    for field in kind.fields.iter().filter(|field| !field.read) {
        match body.get(&field.name) {
            None if partial => {}
            None if field.required => {
                wrong.insert(field.name.clone(), json!(["This field is required."]));
            }
            None => {
                if let (true, Some(default)) = (field.fixed, &field.default) {
                    out.insert(field.name.clone(), default.clone());
                }
            }
            Some(value) => match one(store, field, value, partial).and_then(|value| {
                unique(store, kind, field, &value, there)?;
                super::rules::field(store, kind, field, &value, there)?;
                Ok(value)
            }) {
                Ok(value) => {
                    out.insert(field.name.clone(), value);
                }
                Err(messages) => {
                    wrong.insert(field.name.clone(), messages);
                }
            },
        }
    }
    if !wrong.is_empty() {
        return Err(errors::fields(wrong));
    }
    for (names, message) in &kind.together {
        together(store, kind, names, message, &out, there)?;
    }
    Ok(out)
}

/// Checks one value; an error is the list of messages. In a PATCH also what is inside may be left out.
fn one(store: &Store, field: &Field, value: &Value, partial: bool) -> Result<Value, Value> {
    let say = |text: &str| Err(json!([text]));
    if value.is_null() {
        return if field.null { Ok(Value::Null) } else { say("This field may not be null.") };
    }
    match field.kind.as_str() {
        "str" | "slug" | "email" | "url" | "regex" => text(field, value),
        "bool" => match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::String(text) if ["true", "True", "1", "yes", "on"].contains(&text.as_str()) => Ok(json!(true)),
            Value::String(text) if ["false", "False", "0", "no", "off"].contains(&text.as_str()) => Ok(json!(false)),
            Value::Number(n) if n.as_i64() == Some(1) => Ok(json!(true)),
            Value::Number(n) if n.as_i64() == Some(0) => Ok(json!(false)),
            _ => say("Must be a valid boolean."),
        },
        "int" | "float" => number(field, value),
        "enum" => {
            let found = field.choices.iter().find(|choice| loose(choice) == loose(value));
            match found {
                Some(choice) => Ok(choice.clone()),
                None if value == "" && field.blank => Ok(json!("")),
                None => say(&format!("\"{}\" is not a valid choice.", loose(value))),
            }
        }
        "uuid" => match uuid(value) {
            Some(id) => Ok(json!(id)),
            None => say("Must be a valid UUID."),
        },
        "dict" => {
            if value.is_object() {
                Ok(value.clone())
            } else {
                say("Value must be a dictionary, and not have any duplicate keys.")
            }
        }
        "time" => match value.as_str().and_then(super::times::read) {
            Some(seconds) => Ok(json!(super::times::written(seconds, value.as_str().unwrap_or_default()))),
            None => say(
                "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
            ),
        },
        "ref" => refer(store, field, value),
        "refs" => {
            let list = list(field, value)?;
            let mut out: Vec<(u64, Value)> = Vec::new();
            for entry in list {
                let id = refer(store, field, entry)?;
                let model = field.to.as_deref().unwrap_or_default();
                let place = store.refer(model, &id).and_then(|(_, object)| object["~n"].as_u64()).unwrap_or(0);
                if !out.iter().any(|(_, there)| *there == id) {
                    out.push((place, id));
                }
            }
            // They come back in the order of the database (trap 17).
            out.sort_by_key(|(place, _)| *place);
            Ok(out.into_iter().map(|(_, id)| id).collect())
        }
        "list" => {
            let mut wrong = Map::new();
            let mut out = Vec::new();
            for (index, entry) in list(field, value)?.iter().enumerate() {
                match field.child.as_deref().map_or(Ok(entry.clone()), |child| one(store, child, entry, partial)) {
                    Ok(value) => out.push(value),
                    Err(messages) => {
                        wrong.insert(index.to_string(), messages);
                    }
                }
            }
            if wrong.is_empty() { Ok(out.into()) } else { Err(Value::Object(wrong)) }
        }
        "choices" => {
            let list = list(field, value)?;
            match list.iter().find(|entry| !field.choices.contains(entry)) {
                Some(bad) => say(&format!("\"{}\" is not a valid choice.", loose(bad))),
                None => Ok(value.clone()),
            }
        }
        "many" => {
            let list = list(field, value)?;
            let checked: Vec<Result<Value, Value>> =
                list.iter().map(|entry| nested(store, field, entry, partial)).collect();
            if checked.iter().any(Result::is_err) {
                return Err(checked.into_iter().map(|one| one.err().unwrap_or_else(|| json!({}))).collect());
            }
            Ok(checked.into_iter().flatten().collect())
        }
        "nested" => nested(store, field, value, partial),
        _ => Ok(value.clone()),
    }
}

fn nested(store: &Store, field: &Field, value: &Value, partial: bool) -> Result<Value, Value> {
    let Some(map) = value.as_object() else {
        let text = format!("Invalid data. Expected a dictionary, but got {}.", python(value));
        return Err(json!({ "non_field_errors": [text] }));
    };
    let mut out = Map::new();
    let mut wrong = Map::new();
    for inner in field.fields.iter().filter(|inner| !inner.read) {
        match map.get(&inner.name) {
            None if partial => {}
            None if inner.required => {
                wrong.insert(inner.name.clone(), json!(["This field is required."]));
            }
            None => {
                if let (true, Some(default)) = (inner.fixed, &inner.default) {
                    out.insert(inner.name.clone(), default.clone());
                }
            }
            Some(value) => match one(store, inner, value, partial) {
                Ok(value) => {
                    out.insert(inner.name.clone(), value);
                }
                Err(messages) => {
                    wrong.insert(inner.name.clone(), messages);
                }
            },
        }
    }
    if wrong.is_empty() { Ok(Value::Object(out)) } else { Err(Value::Object(wrong)) }
}

fn list<'v>(field: &Field, value: &'v Value) -> Result<&'v Vec<Value>, Value> {
    match value.as_array() {
        None => {
            let text = format!("Expected a list of items but got type \"{}\".", python(value));
            Err(if field.kind == "many" { json!({ "non_field_errors": [text] }) } else { json!([text]) })
        }
        Some(list) if list.is_empty() && field.filled => Err(json!(["This list may not be empty."])),
        Some(list) => Ok(list),
    }
}

fn text(field: &Field, value: &Value) -> Result<Value, Value> {
    let say = |text: String| Err(json!([text]));
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return say("Not a valid string.".to_owned()),
    };
    let text = if field.raw { text } else { text.trim().to_owned() };
    if text.is_empty() {
        return if field.blank { Ok(json!("")) } else { say("This field may not be blank.".to_owned()) };
    }
    if let Some(longest) = field.longest.filter(|longest| text.chars().count() as u64 > *longest) {
        return say(format!("Ensure this field has no more than {longest} characters."));
    }
    let checked = |name: &str| field.checks.iter().any(|check| check == name);
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (field.kind == "slug" || checked("slug")) && !text.chars().all(word) {
        let what = "Enter a valid “slug” consisting of letters, numbers, underscores or hyphens.";
        return say(what.to_owned());
    }
    if field.kind == "email" && !text.split_once('@').is_some_and(|(a, b)| !a.is_empty() && b.contains('.')) {
        return say("Enter a valid email address.".to_owned());
    }
    let many = text.split(',').all(|url| url.contains("://") && !url.trim().contains(' '));
    if checked("MultiURLValidator") && !many {
        return say("Enter a valid URL.".to_owned());
    }
    let plain = |check: &String| check.ends_with("URLValidator") && check != "MultiURLValidator";
    if (field.kind == "url" || field.checks.iter().any(plain))
        && !["http://", "https://"].iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
    {
        return say("Enter a valid URL.".to_owned());
    }
    Ok(json!(text))
}

fn number(field: &Field, value: &Value) -> Result<Value, Value> {
    let say = |text: String| Err(json!([text]));
    let whole = field.kind == "int";
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    let Some(number) = number.filter(|n| !whole || n.fract() == 0.0) else {
        return say(format!("A valid {} is required.", if whole { "integer" } else { "number" }));
    };
    if let Some(most) = field.most.filter(|most| number > *most) {
        return say(format!("Ensure this value is less than or equal to {most}."));
    }
    if let Some(least) = field.least.filter(|least| number < *least) {
        return say(format!("Ensure this value is greater than or equal to {least}."));
    }
    Ok(if whole { json!(number as i64) } else { json!(number) })
}

/// A reference, checked against what is there.
fn refer(store: &Store, field: &Field, value: &Value) -> Result<Value, Value> {
    let model = field.to.as_deref().unwrap_or_default();
    let say = |text: String| Err(json!([text]));
    if let Some(by) = &field.by {
        let found = store.with_model(model).any(|(_, object)| object.get(by) == Some(value));
        return if found {
            Ok(value.clone())
        } else {
            say(format!("Object with {by}={} does not exist.", loose(value)))
        };
    }
    let numbered = table().kinds.values().find(|kind| kind.is(model)).is_some_and(|kind| kind.numbered);
    let id = match value {
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            return say(format!("Incorrect type. Expected pk value, received {}.", python(value)));
        }
        Value::Number(_) if numbered => value.clone(),
        Value::String(text) if numbered => match text.parse::<i64>() {
            Ok(number) => json!(number),
            Err(_) => return say("Incorrect type. Expected pk value, received str.".to_owned()),
        },
        other => match uuid(other) {
            Some(id) => json!(id),
            None => return say(format!("“{}” is not a valid UUID.", loose(other))),
        },
    };
    if model.is_empty() || known(store, model, &id) {
        Ok(id)
    } else {
        say(format!("Invalid pk \"{}\" - object does not exist.", loose(&id)))
    }
}

fn known(store: &Store, model: &str, id: &Value) -> bool {
    store.with_model(model).any(|(kind, object)| id_for(kind, object, model) == *id)
}

fn unique(store: &Store, kind: &Kind, field: &Field, value: &Value, there: Option<&Object>) -> Result<(), Value> {
    let Some(model) = field.unique.as_deref().filter(|_| !value.is_null()) else { return Ok(()) };
    let own = |other: &Kind, object: &Object| {
        other.path == kind.path && there.is_some_and(|there| there.get("~n") == object.get("~n"))
    };
    let taken =
        store.with_model(model).any(|(other, object)| object.get(&field.name) == Some(value) && !own(other, object));
    if taken { Err(json!([field.message])) } else { Ok(()) }
}

/// Fields that are unique together; those that are not sent are taken from the object.
fn together(
    store: &Store,
    kind: &Kind,
    names: &[String],
    message: &str,
    body: &Object,
    there: Option<&Object>,
) -> Result<(), Reply> {
    let mut wanted = Vec::new();
    for name in names {
        let value = body.get(name).or_else(|| there.and_then(|there| there.get(name)));
        match value {
            // Null is never the same as null.
            None | Some(Value::Null) => return Ok(()),
            Some(value) => wanted.push((name, value)),
        }
    }
    let own = |object: &Object| there.is_some_and(|there| there.get("~n") == object.get("~n"));
    let taken = store
        .of(&kind.path)
        .iter()
        .any(|object| !own(object) && wanted.iter().all(|(name, value)| object.get(name.as_str()) == Some(*value)));
    if taken { Err(errors::object(message)) } else { Ok(()) }
}

/// A UUID in its usual form.
pub(crate) fn uuid(value: &Value) -> Option<String> {
    let hex: String = value.as_str()?.chars().filter(|c| *c != '-').collect();
    if hex.len() != 32 || !hex.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let hex = hex.to_lowercase();
    Some(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
}

/// A value as Python's `str` writes it.
pub(crate) fn loose(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        other => other.to_string(),
    }
}

/// The name of a value's type in Python.
fn python(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}
