//! Reading what a task touches: the lists of its kinds, those in which references are looked up, and what belongs to
//! its objects. Few requests: whole lists by pages of 100, or one filtered request for each of a few objects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    credentials::{self, SecretFile, Verdict},
    form,
    names::Names,
    wanted::{Prune, Send, Wanted, plain},
};
use crate::{
    authentik::{
        self, fields,
        table::{self, Listing, Row, listing, target},
    },
    http::{Reader, path},
    module::{Object, Result, parallel, secret, sounding},
};

/// Up to so many objects are read one by one.
const FEW: usize = 3;

/// What exists, as far as the task touches it.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The objects that others refer to by name.
    pub names: Names,
    /// The objects of each kind that is declared.
    pub stored: BTreeMap<&'static str, Vec<Value>>,
    /// Where in `stored` those are that are known by one plain field: by the path and that field's compared form.
    pub(super) by_key: BTreeMap<(&'static str, String), Vec<usize>>,
    /// What belongs to an owner: by the path of the parts and the owner's id.
    pub parts: BTreeMap<(&'static str, String), Vec<Value>>,
    /// Values that a request of their own shows: by the address of the object and the label.
    pub shown: BTreeMap<(String, &'static str), Value>,
    /// The brands, where flows are to be deleted.
    pub brands: Vec<Value>,
    /// The users that are superusers, where one of them may lose that.
    pub superusers: Vec<Value>,
    /// The time, in seconds of the epoch.
    pub now: u64,
    /// The server's address, under which dates are kept in a file.
    pub server: String,
    /// Files that are to hold secrets, by path.
    pub files: BTreeMap<String, SecretFile>,
    /// Dates of rotations, by the path of their file.
    pub dates: BTreeMap<String, Value>,
    /// Whether users can log in with the declared password, by the key of their change.
    pub logins: BTreeMap<String, Verdict>,
}

impl Snapshot {
    fn keep(&mut self, row: &'static Row, objects: Vec<Value>) {
        if let Some(name) = plain_key(row) {
            let like = Object::from_iter([(name.to_owned(), Value::Null)]);
            for (place, object) in objects.iter().enumerate() {
                let shown = form::stored(row, object, &like, &self.names);
                self.by_key.entry((row.path, shown[name].to_string())).or_default().push(place);
            }
        }
        self.stored.insert(row.path, objects);
    }
}

/// The one field that a kind is known by, where it refers to nothing: what it is does not depend on any list.
fn plain_key(row: &Row) -> Option<&'static str> {
    match row.key {
        [name] if fields::find(row.path, name).is_some() && form::list_of(row, name).is_none() => Some(name),
        _ => None,
    }
}

/// Reads it.
pub fn read(wanted: &[Wanted], prune: Option<&Prune>, reader: Reader<'_>) -> Result<Snapshot> {
    let mut snapshot = Snapshot::default();
    let mut needed = Needed::default();
    for one in wanted {
        needed.object(one);
    }
    if let Some(prune) = prune {
        needed.own.insert(prune.row.path, Own { row: prune.row, keys: Vec::new(), whole: true });
        needed.fields(prune.row, &prune.fields);
    }
    for own in needed.own.values() {
        snapshot.keep(own.row, own.read(reader)?);
    }
    for (path, named) in &needed.references {
        if let Some(list) = listing(path) {
            let objects = match snapshot.stored.get(path) {
                Some(stored) if needed.own.get(path).is_some_and(|own| own.is_whole()) => stored.clone(),
                _ => read_named(&list, named, reader)?,
            };
            snapshot.names.learn(list.path, objects);
        }
    }
    for (path, stored) in &snapshot.stored {
        snapshot.names.learn(path, stored.clone());
        let Some(row) = table::row(path) else { continue };
        for object in stored {
            hide(row, object);
            learn_beside(&mut snapshot.names, row, object);
        }
    }
    parts(wanted, &mut snapshot, reader)?;
    calls(wanted, &mut snapshot, reader)?;
    super::guards::read(wanted, prune, &mut snapshot, reader)?;
    credentials::read(wanted, &mut snapshot, reader)?;
    Ok(snapshot)
}

/// The objects of a kind that a wanted one may be.
pub fn candidates<'s>(snapshot: &'s Snapshot, wanted: &Wanted, planned: &[Wanted]) -> Result<Vec<&'s Value>> {
    let Some(all) = snapshot.stored.get(wanted.row.path) else { return Ok(Vec::new()) };
    if wanted.row.single {
        return Ok(all.iter().collect());
    }
    if let Some(id) = wanted.key.get("pk").or(wanted.key.get(wanted.row.id)).filter(|id| !id.is_null()) {
        return Ok(all.iter().filter(|object| plain(&object[wanted.row.id]) == plain(id)).collect());
    }
    let mut key = Object::new();
    for name in wanted.row.key.iter().filter(|name| **name != "order") {
        key.insert((*name).to_owned(), wanted.key.get(*name).cloned().unwrap_or_default());
    }
    // Where several fields make the key, those that are not declared are nothing: a binding has one of three.
    if wanted.row.key.len() == 1 || wanted.row.server_made {
        key.retain(|_, value| !value.is_null());
    }
    let known: Object = key.iter().filter(|(name, _)| fields::find(wanted.row.path, name).is_some()).map(own).collect();
    let formed = form::declared(wanted.row, &known, None, &snapshot.names, planned)?;
    if !formed.needs.is_empty() {
        // What it is known by is not made yet.
        return Ok(Vec::new());
    }
    let fits = |object: &&Value| {
        let stored = form::stored(wanted.row, object, &known, &snapshot.names);
        let others = key.iter().filter(|(name, _)| !known.contains_key(*name));
        stored == formed.shown && others.clone().all(|(name, value)| plain(&object[name.as_str()]) == plain(value))
    };
    // Thousands that are known by their names are not gone through for each of thousands.
    let mut found: Vec<&Value> = match plain_key(wanted.row).and_then(|name| formed.shown.get(name)) {
        Some(shown) if !snapshot.by_key.is_empty() => {
            let places = snapshot.by_key.get(&(wanted.row.path, shown.to_string()));
            places.into_iter().flatten().map(|place| &all[*place]).filter(fits).collect()
        }
        _ => all.iter().filter(fits).collect(),
    };
    if found.len() > 1 && wanted.row.key.contains(&"order") {
        let order = wanted.key.get("order").or(wanted.fields.get("order"));
        if let Some(order) = order {
            found.retain(|object| plain(&object["order"]) == plain(order));
        }
    }
    Ok(found)
}

fn own((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// What has to be read.
#[derive(Default)]
struct Needed {
    own: BTreeMap<&'static str, Own>,
    /// The names that are looked up in a list.
    references: BTreeMap<&'static str, BTreeSet<String>>,
}

struct Own {
    row: &'static Row,
    /// The values of the first field of each key.
    keys: Vec<String>,
    whole: bool,
}

impl Own {
    fn is_whole(&self) -> bool {
        self.whole || self.keys.len() > FEW || self.row.filter.is_empty() || self.row.single
    }

    fn read(&self, reader: Reader<'_>) -> Result<Vec<Value>> {
        if self.row.single {
            return Ok(vec![authentik::ok(reader.get(&self.row.collection())?)?.json()?]);
        }
        let query: Vec<(&str, &str)> = self.row.query.split_once('=').into_iter().collect();
        if self.is_whole() {
            return authentik::list(reader, self.row.path, &query);
        }
        let mut all: Vec<Value> = Vec::new();
        for key in &self.keys {
            let mut query = query.clone();
            query.push((self.row.filter, key));
            for object in authentik::list(reader, self.row.path, &query)? {
                if all.iter().all(|other| other[self.row.id] != object[self.row.id]) {
                    all.push(object);
                }
            }
        }
        Ok(all)
    }
}

impl Needed {
    fn object(&mut self, wanted: &Wanted) {
        let row = wanted.row;
        let first = row.key.first().copied().unwrap_or_default();
        let own = self.own.entry(row.path).or_insert_with(|| Own { row, keys: Vec::new(), whole: false });
        match wanted.key.get(first) {
            // A filter by a reference would need its id first.
            Some(Value::String(text)) if form::list_of(row, first).is_none() => own.keys.push(text.trim().to_owned()),
            _ => own.whole = true,
        }
        own.keys.extend(wanted.previous.clone());
        self.fields(row, &wanted.key);
        self.fields(row, &wanted.fields);
        for part in &wanted.parts {
            for item in &part.items {
                self.fields(part.row, item);
            }
        }
    }

    fn fields(&mut self, row: &'static Row, declared: &Object) {
        for (name, value) in declared {
            let Some(list) = fields::find(row.path, name).and_then(|field| target(row, field)) else { continue };
            let items = value.as_array().map_or_else(|| vec![value], |items| items.iter().collect());
            // The list is wanted also where nothing is named: what is there now is shown by name.
            self.references.entry(list).or_default();
            for item in items.into_iter().filter(|item| !item.is_null()) {
                self.reference(list, item);
            }
        }
    }

    fn reference(&mut self, list: &'static str, named: &Value) {
        match named {
            Value::Object(map) => {
                let Some((row, named)) = map.iter().next().and_then(|(kind, named)| Some((table::row(kind)?, named)))
                else {
                    return;
                };
                match named {
                    Value::Object(fields) => {
                        self.own.entry(row.path).or_insert_with(|| Own { row, keys: Vec::new(), whole: true }).whole =
                            true;
                        self.fields(row, fields);
                    }
                    named => self.reference(row.path, named),
                }
            }
            named => drop(self.references.entry(list).or_default().insert(plain(named))),
        }
    }
}

/// A list in which names are looked up: whole, but for users, who may be thousands.
fn read_named(list: &Listing, named: &BTreeSet<String>, reader: Reader<'_>) -> Result<Vec<Value>> {
    let path = list.path.split('#').next().unwrap_or(list.path);
    let by_id = |name: &String| name.parse::<i64>().is_ok() || name.len() == 36;
    if path == "core/users" && named.len() <= FEW && !named.iter().any(by_id) {
        let mut all = Vec::new();
        for name in named {
            all.extend(authentik::list(reader, path, &[(list.filter, name)])?);
        }
        return Ok(all);
    }
    let query: Vec<(&str, &str)> = list.query.split_once('=').into_iter().collect();
    authentik::list(reader, path, &query)
}

/// Hides the secrets that the service gives back in the clear, such as those of clients (trap 16).
fn hide(row: &Row, object: &Value) {
    let mut all = Vec::new();
    for field in fields::of(row.path).iter().filter(|field| sounding::is_secret(field.name)) {
        sounding::collect(&object[field.name], true, &mut all);
    }
    secret::hide(all.iter().map(String::as_str));
}

/// Many objects carry what they refer to beside the id: `groups_obj` beside `groups`.
fn learn_beside(names: &mut Names, row: &Row, object: &Value) {
    for field in fields::of(row.path) {
        let beside = &object[format!("{}_obj", field.name).as_str()];
        if let (Some(list), false) = (target(row, field), beside.is_null()) {
            names.learn_beside(list, beside);
        }
    }
}

/// What belongs to the declared objects: by owner where these are few.
fn parts(wanted: &[Wanted], snapshot: &mut Snapshot, reader: Reader<'_>) -> Result<()> {
    let mut owners: BTreeMap<&'static str, (&'static str, BTreeSet<String>)> = BTreeMap::new();
    for one in wanted.iter().filter(|one| one.present) {
        for part in &one.parts {
            for object in candidates(snapshot, one, wanted)? {
                let owners = owners.entry(part.row.path).or_insert((part.owner, BTreeSet::new()));
                owners.1.insert(plain(&object[part.owner_id]));
            }
        }
    }
    for (path, (field, ids)) in owners {
        let few: Vec<&String> = ids.iter().collect();
        let lists = if few.len() <= FEW {
            few.iter().map(|id| authentik::list(reader, path, &[(field, id)])).collect()
        } else {
            vec![authentik::list(reader, path, &[])]
        };
        for id in &ids {
            snapshot.parts.insert((path, id.clone()), Vec::new());
        }
        let row = table::row(path);
        for list in lists {
            for object in list? {
                if let Some(row) = row {
                    learn_beside(&mut snapshot.names, row, &object);
                }
                if let Some(parts) = snapshot.parts.get_mut(&(path, plain(&object[field]))) {
                    parts.push(object);
                }
            }
        }
    }
    Ok(())
}

/// Values that a request of their own shows, such as the key of a token.
fn calls(wanted: &[Wanted], snapshot: &mut Snapshot, reader: Reader<'_>) -> Result<()> {
    let mut asked = Vec::new();
    for one in wanted.iter().filter(|one| one.present) {
        for call in one.calls.iter().filter(|call| call.send == Send::OnCreate) {
            let Some((action, key)) = call.shown_by else { continue };
            for object in candidates(snapshot, one, wanted)? {
                asked.push((address(one.row, object), call.label, action, key));
            }
        }
    }
    let at_once = reader.client().settings().concurrency;
    let answers = parallel::all(&asked, at_once, |(address, _, action, key)| {
        let answer = reader.get(&format!("{address}{action}/"))?;
        // The owner may not see the key of a token that an administrator made (trap 14).
        Ok(if matches!(answer.status, 403 | 404) { Value::Null } else { authentik::ok(answer)?.value()[*key].clone() })
    })?;
    for ((address, label, ..), value) in asked.into_iter().zip(answers) {
        secret::hide(value.as_str());
        snapshot.shown.insert((address, label), value);
    }
    Ok(())
}

/// The address of one object.
pub fn address(row: &Row, object: &Value) -> String {
    match row.single {
        true => row.collection(),
        false => format!("{}{}/", row.collection(), path(&[&plain(&object[row.address])]).trim_start_matches('/')),
    }
}
