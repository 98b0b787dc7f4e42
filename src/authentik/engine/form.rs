//! One form for what was declared and what is there: references by name, sets sorted, white space gone.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    names::{Found, Names, placeholder},
    wanted::Wanted,
};
use crate::{
    authentik::{
        fields::{self, Field, Kind, Type},
        table::{Row, listing, target},
    },
    module::{Object, Result},
};

/// What was declared, in the form that is compared and in the form that is sent.
#[derive(Clone, Debug, Default)]
pub struct Formed {
    /// What is compared and shown.
    pub shown: Object,
    /// What is sent; ids of what this task makes are placeholders.
    pub body: Object,
    /// Keys of the changes that have to be there before.
    pub needs: BTreeSet<String>,
}

/// The list that a field refers to.
pub fn list_of(row: &Row, name: &str) -> Option<&'static str> {
    fields::find(row.path, name).and_then(|field| target(row, field))
}

/// Brings declared fields to both forms. `stored` is the object as it is, if it is there: of maps that are merged the
/// keys that were not declared are kept.
pub fn declared(
    row: &'static Row,
    declared: &Object,
    stored: Option<&Value>,
    names: &Names,
    planned: &[Wanted],
) -> Result<Formed> {
    let mut formed = Formed::default();
    for (name, value) in declared {
        let Some(field) = fields::find(row.path, name) else { continue };
        let (shown, sent) = match target(row, field) {
            Some(list) => references(row, field, list, value, names, planned, &mut formed.needs)?,
            None if row.merged.contains(&field.name) => merged(value, stored.map(|stored| &stored[name.as_str()])),
            None => (normal(row, field, value), value.clone()),
        };
        if !row.moving.contains(&field.name) {
            formed.shown.insert(name.clone(), shown);
        }
        formed.body.insert(name.clone(), sent);
    }
    Ok(formed)
}

/// The same fields of an object that is there.
pub fn stored(row: &Row, stored: &Value, like: &Object, names: &Names) -> Object {
    let mut shown = Object::new();
    for (name, declared) in like {
        let Some(field) = fields::find(row.path, name) else { continue };
        let value = &stored[name.as_str()];
        let value = match target(row, field) {
            Some(list) => named(field, list, value, names),
            None if row.merged.contains(&field.name) => {
                let keys = declared.as_object().map(|map| map.keys().cloned().collect::<BTreeSet<_>>());
                let keep = |key: &String| keys.as_ref().is_some_and(|keys| keys.contains(key));
                match value {
                    Value::Object(map) => Value::Object(
                        map.iter()
                            .filter(|(key, _)| keep(key))
                            .map(|(key, value)| (key.clone(), value.clone()))
                            .collect(),
                    ),
                    other => other.clone(),
                }
            }
            None => normal(row, field, value),
        };
        shown.insert(name.clone(), value);
    }
    shown
}

/// Keeps what a list of references holds beside what is declared.
pub fn append(row: &Row, name: &str, found: &Value, formed: &mut Formed, names: &Names) {
    let (Some(Value::Array(shown)), Some(Value::Array(body))) = (formed.shown.get_mut(name), formed.body.get_mut(name))
    else {
        return;
    };
    let Some(list) = list_of(row, name) else { return };
    for id in found[name].as_array().into_iter().flatten() {
        if !body.contains(id) {
            body.push(id.clone());
            shown.push(names.show(list, id));
        }
    }
    let whole = set(std::mem::take(shown));
    formed.shown.insert(name.to_owned(), whole);
}

fn references(
    row: &Row,
    field: &Field,
    list: &'static str,
    value: &Value,
    names: &Names,
    planned: &[Wanted],
    needs: &mut BTreeSet<String>,
) -> Result<(Value, Value)> {
    // Policies are bound to ids of their own where these differ.
    let id_field = |key: &str| match (row.path, field.name, listing(list)) {
        ("policies/bindings", "target", _) => key
            .split_once(':')
            .and_then(|(path, _)| crate::authentik::table::row(path))
            .map_or("pk", |row| row.bound_as),
        (_, _, Some(list)) => list.id,
        _ => "pk",
    };
    let mut one = |named: &Value| -> Result<(Value, Value)> {
        if named.is_null() || *named == "" {
            return Ok((Value::Null, Value::Null));
        }
        Ok(match names.find(list, named, planned)? {
            Found::Id(id) => (names.show(list, &id), id),
            Found::Made(key) => {
                let shown = key.split_once(':').map_or(key.as_str(), |(_, name)| name).to_owned();
                let sent = placeholder(&key, id_field(&key));
                needs.insert(key);
                (json!(shown), sent)
            }
        })
    };
    match (field.kind, value) {
        (Kind::List(_), Value::Array(items)) => {
            let both: Result<Vec<(Value, Value)>> = items.iter().map(&mut one).collect();
            let (shown, mut sent): (Vec<Value>, Vec<Value>) = both?.into_iter().unzip();
            let mut seen = BTreeSet::new();
            sent.retain(|id| seen.insert(id.to_string()));
            Ok((set(shown), Value::Array(sent)))
        }
        (Kind::List(_), Value::Null) => Ok((json!([]), json!([]))),
        (Kind::List(_), single) => one(single).map(|(shown, sent)| (json!([shown]), json!([sent]))),
        (Kind::One(_), single) => one(single),
    }
}

fn named(field: &Field, list: &str, value: &Value, names: &Names) -> Value {
    match (field.kind, value) {
        (Kind::List(_), Value::Array(ids)) => set(ids.iter().map(|id| names.show(list, id)).collect()),
        (Kind::List(_), _) => json!([]),
        (Kind::One(_), Value::Null) => Value::Null,
        (Kind::One(_), id) => names.show(list, id),
    }
}

/// A list whose order the service does not keep: sorted, each once (trap 17).
fn set(mut items: Vec<Value>) -> Value {
    items.sort_by_key(Value::to_string);
    items.dedup();
    Value::Array(items)
}

/// Keys that are declared replace those that are there, and null takes one away; all others stay.
fn merged(declared: &Value, stored: Option<&Value>) -> (Value, Value) {
    let Value::Object(keys) = declared else { return (declared.clone(), declared.clone()) };
    let mut whole = stored.and_then(Value::as_object).cloned().unwrap_or_default();
    let mut shown = Object::new();
    for (key, value) in keys {
        if value.is_null() {
            whole.remove(key);
        } else {
            whole.insert(key.clone(), value.clone());
            shown.insert(key.clone(), value.clone());
        }
    }
    // What is taken away is looked at too: `stored` keeps the keys of the declared map.
    for key in keys.keys() {
        shown.entry(key.clone()).or_insert(Value::Null);
    }
    (Value::Object(shown), Value::Object(whole))
}

/// A plain value as the service gives it back.
fn normal(row: &Row, field: &Field, value: &Value) -> Value {
    match (field.kind, value) {
        (Kind::List(_), Value::Null) => json!([]),
        (Kind::List(item), Value::Array(items)) => {
            let items: Vec<Value> = items.iter().map(|value| one(field, item, value)).collect();
            if row.sets.contains(&field.name) { set(items) } else { Value::Array(items) }
        }
        (Kind::List(item), single) => json!([one(field, item, single)]),
        (Kind::One(item), value) => one(field, item, value),
    }
}

fn one(field: &Field, kind: Type, value: &Value) -> Value {
    match (kind, value) {
        // Text loses the white space at both ends, also in expressions and blueprints.
        (Type::Str | Type::Choice(_), Value::String(text)) => json!(text.trim()),
        // Numbers and flags are texts for the service where it wants text.
        (Type::Str | Type::Choice(_), Value::Number(_) | Value::Bool(_)) => json!(value.to_string()),
        (Type::Time, Value::String(text)) => json!(text.replace("+00:00", "Z")),
        (Type::Json, Value::Object(map)) if field.name == "redirect_uris" => {
            let mut map = map.clone();
            // Answers to POST, PUT and GET have it, that to PATCH has not (trap 17).
            map.entry("redirect_uri_type").or_insert(json!("authorization"));
            map.entry("matching_mode").or_insert(json!("strict"));
            Value::Object(map)
        }
        (_, Value::Number(number)) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => json!(float as i64),
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}
