//! Names instead of ids: what a reference names, found in the lists that were read and among what this task makes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::wanted::{Wanted, plain};
use crate::{
    authentik::table::{Listing, Row, listing, row},
    module::{Error, ErrorKind, Object, Result, nearest::did_you_mean},
};

/// The objects of the lists that were read.
#[derive(Clone, Debug, Default)]
pub struct Names {
    lists: BTreeMap<&'static str, Known>,
}

/// The objects of one list.
#[derive(Clone, Debug, Default)]
struct Known {
    all: Vec<Value>,
    /// Their ids.
    listed: BTreeSet<String>,
    /// Their names for people, by id.
    shown: BTreeMap<String, String>,
}

/// What a reference names.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// An object that is there.
    Id(Value),
    /// One that this task makes: the key of its change.
    Made(String),
}

/// The key of a placeholder in a body: the value is filled in once the object is made.
const MADE: &str = "\u{0}made";

impl Names {
    /// Takes what a list holds.
    pub fn learn(&mut self, path: &'static str, objects: Vec<Value>) {
        let Some(list) = listing(path) else { return };
        let known = self.lists.entry(path).or_default();
        for object in objects {
            let id = object[list.id].to_string();
            if known.listed.insert(id.clone()) {
                known.shown.insert(id, shown(&list, &object));
                known.all.push(object);
            }
        }
    }

    /// Takes what stands beside a field of another object: `groups_obj` beside `groups`.
    pub fn learn_beside(&mut self, path: &'static str, beside: &Value) {
        let Some(list) = listing(path) else { return };
        let known = self.lists.entry(path).or_default();
        let objects = beside.as_array().map_or_else(|| vec![beside], |all| all.iter().collect());
        for object in objects.into_iter().filter(|object| object[list.id] != Value::Null) {
            known.shown.entry(object[list.id].to_string()).or_insert_with(|| shown(&list, object));
        }
    }

    /// Whether a list was read.
    pub fn has(&self, path: &str) -> bool {
        self.lists.contains_key(path)
    }

    /// The name for people of what an id refers to; the id itself where it is not known.
    pub fn show(&self, path: &str, id: &Value) -> Value {
        match self.lists.get(path).and_then(|known| known.shown.get(&id.to_string())) {
            Some(name) => json!(name),
            None => id.clone(),
        }
    }

    /// The object of a list with that id.
    pub fn object(&self, path: &str, id: &Value) -> Option<&Value> {
        let list = listing(path)?;
        self.lists.get(path)?.all.iter().find(|object| object[list.id] == *id)
    }

    /// What a reference names: an id, a name, or a map of one entry, kind and name.
    pub fn find(&self, path: &'static str, named: &Value, planned: &[Wanted]) -> Result<Found, Error> {
        if let Value::Object(map) = named {
            return self.find_of_kind(map, planned);
        }
        let list = listing(path).ok_or_else(|| Error::bad_options(format!("there is no list {path}")))?;
        let text = plain(named);
        let none = Known::default();
        let known = self.lists.get(path).unwrap_or(&none);
        for field in list.names {
            let found: Vec<&Value> = known.all.iter().filter(|one| one[*field] == text.as_str()).collect();
            match found.as_slice() {
                [] => {}
                [one] => return Ok(Found::Id(one[list.id].clone())),
                many => {
                    let many: Vec<String> =
                        many.iter().map(|one| format!("{} ({})", shown(&list, one), plain(&one[list.id]))).collect();
                    return Err(Error::bad_options(format!("`{text}` fits several of {path}: {}", many.join(", ")))
                        .hint("give the id of the one that is meant"));
                }
            }
        }
        if let Some(one) = known.all.iter().find(|one| plain(&one[list.id]) == text) {
            return Ok(Found::Id(one[list.id].clone()));
        }
        let made = planned.iter().find(|other| {
            let named = list.names.iter().chain(other.row.key).any(|field| other.fields.get(*field) == Some(named));
            other.present && other.row.is_in(path) && named
        });
        if let Some(made) = made {
            return Ok(Found::Made(made.change_key()));
        }
        Err(unknown(&list, known, &text))
    }

    /// `{core/applications: grafana}` or `{application: grafana}`; a map as the value names by several fields.
    fn find_of_kind(&self, map: &Map<String, Value>, planned: &[Wanted]) -> Result<Found> {
        let mut entries = map.iter();
        let (Some((kind, named)), None) = (entries.next(), entries.next()) else {
            return Err(Error::bad_options(format!("{} is no reference", Value::Object(map.clone())))
                .hint("write a name, an id, or a map of one entry: the kind and the name"));
        };
        let Some(row) = row(kind) else {
            return Err(Error::bad_options(format!("there is no kind `{kind}`"))
                .hint("the key of such a map is the path of a kind, such as `core/applications`"));
        };
        let found = match named {
            Value::Object(fields) => self.find_by_fields(row, fields, planned)?,
            name => self.find(row.path, name, planned)?,
        };
        // Bindings of policies refer to some kinds by another id than their own.
        Ok(match found {
            Found::Id(id) if row.bound_as != row.id => {
                Found::Id(self.object(row.path, &id).map_or(id.clone(), |object| object[row.bound_as].clone()))
            }
            found => found,
        })
    }

    /// One that is known by several fields, such as a stage in a flow.
    pub fn find_by_fields(&self, row: &'static Row, fields: &Object, planned: &[Wanted]) -> Result<Found> {
        let none = Known::default();
        let known = self.lists.get(row.path).unwrap_or(&none);
        let mut wanted = Vec::new();
        for (name, value) in fields {
            let list = super::form::list_of(row, name);
            wanted.push((name, list.map_or(Ok(Found::Id(value.clone())), |list| self.find(list, value, planned))?));
        }
        let fits =
            |one: &&Value| wanted.iter().all(|(name, value)| matches!(value, Found::Id(id) if one[*name] == *id));
        let found: Vec<&Value> = known.all.iter().filter(fits).collect();
        match found.as_slice() {
            [one] => Ok(Found::Id(one[row.id].clone())),
            [] => planned
                .iter()
                .find(|other| other.present && other.row.path == row.path && other.key == *fields)
                .map(|other| Found::Made(other.change_key()))
                .ok_or_else(|| {
                    Error::new(
                        ErrorKind::NotFound,
                        format!("there is no {} {}", row.noun, Value::Object(fields.clone())),
                    )
                }),
            many => Err(Error::bad_options(format!(
                "{} fits {} of {}",
                Value::Object(fields.clone()),
                many.len(),
                row.path
            ))),
        }
    }
}

/// The name of an object for people. Managed names are long and the same for all, so they come last.
fn shown(list: &Listing, object: &Value) -> String {
    let fields = list.names.iter().filter(|field| **field != "managed").chain(&["managed", "name"]);
    let name = fields.filter_map(|field| object[*field].as_str()).find(|name| !name.is_empty());
    name.map_or_else(|| plain(&object[list.id]), str::to_owned)
}

fn unknown(list: &Listing, known: &Known, text: &str) -> Error {
    let near = did_you_mean(text, known.shown.values().map(String::as_str), 3);
    let error = Error::new(ErrorKind::NotFound, format!("`{text}` is not among {}.{near}", list.path));
    error.hint(format!("it is named by {}, or by its id", list.names.join(" or ")))
}

/// A place in a body for the id of an object that is not made yet.
pub fn placeholder(key: &str, field: &str) -> Value {
    json!({MADE: key, "field": field})
}

/// Puts the ids of what was made into a body.
pub fn fill(value: &Value, made: &BTreeMap<String, Value>) -> Result<Value> {
    Ok(match value {
        Value::Object(map) => match map.get(MADE).and_then(Value::as_str) {
            Some(key) => {
                let object = made.get(key).ok_or_else(|| {
                    Error::new(
                        ErrorKind::NotTried,
                        format!("not tried, since `{key}`, which it refers to, was not made"),
                    )
                })?;
                object[map["field"].as_str().unwrap_or("pk")].clone()
            }
            None => {
                let filled: Result<Object> =
                    map.iter().map(|(name, value)| Ok((name.clone(), fill(value, made)?))).collect();
                Value::Object(filled?)
            }
        },
        Value::Array(items) => Value::Array(items.iter().map(|item| fill(item, made)).collect::<Result<_>>()?),
        other => other.clone(),
    })
}
