//! The objects, by kind, and how references find them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::kinds::{BOUND, Kind, table};

/// The stored fields of an object. Keys that begin with `~` are hidden: `~n` its place in the database.
pub(crate) type Object = Map<String, Value>;

/// All objects of a server.
#[derive(Default)]
pub(crate) struct Store {
    objects: BTreeMap<&'static str, Vec<Object>>,
    numbers: u64,
    places: u64,
    random: u64,
    /// Lists of applications as they were once shown (trap 11).
    pub cached: BTreeMap<String, Value>,
    /// What roles may do.
    pub grants: Vec<super::permissions::Grant>,
}

impl Store {
    /// The objects of a kind in the order in which they were made.
    pub fn of(&self, path: &str) -> &[Object] {
        self.objects.get(path).map_or(&[], Vec::as_slice)
    }

    /// The objects of all kinds that are of that model or stand on it.
    pub fn with_model<'a>(&'a self, model: &'a str) -> impl Iterator<Item = (&'static Kind, &'a Object)> {
        let kinds = table().kinds.values().filter(move |kind| !kind.is_union() && kind.is(model));
        kinds.flat_map(|kind| self.of(&kind.path).iter().map(move |object| (kind, object)))
    }

    /// The object that a reference to a model means.
    pub fn refer<'a>(&'a self, model: &'a str, id: &'a Value) -> Option<(&'static Kind, &'a Object)> {
        if id.is_null() {
            return None;
        }
        self.with_model(model).find(|(kind, object)| id_for(kind, object, model) == *id)
    }

    /// The object of an address.
    pub fn get(&self, kind: &Kind, field: &str, wanted: &str) -> Option<&Object> {
        self.of(&kind.path).iter().find(|object| is(object, field, wanted))
    }

    /// The same to change.
    pub fn get_mut(&mut self, path: &str, id_field: &str, id: &Value) -> Option<&mut Object> {
        self.objects.get_mut(path)?.iter_mut().find(|object| object.get(id_field) == Some(id))
    }

    /// Every object of a kind, to change.
    pub fn all_mut(&mut self, path: &str) -> impl Iterator<Item = &mut Object> {
        self.objects.get_mut(path).into_iter().flatten()
    }

    /// Puts an object in place.
    pub fn add(&mut self, path: &str, mut object: Object) {
        let Some((path, _)) = table().kinds.get_key_value(path) else { return };
        let place = self.tick();
        object.insert("~n".to_owned(), json!(place));
        self.objects.entry(path).or_default().push(object);
    }

    /// Takes an object away.
    pub fn remove(&mut self, path: &str, id_field: &str, id: &Value) {
        if let Some(list) = self.objects.get_mut(path) {
            list.retain(|object| object.get(id_field) != Some(id));
        }
    }

    /// The next number for an id; they are given across kinds, which a client cannot tell.
    pub fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// No number up to this is given any more.
    pub fn skip_to(&mut self, number: u64) {
        self.numbers = self.numbers.max(number);
    }

    /// A number that grows, for what came after what.
    pub fn tick(&mut self) -> u64 {
        self.places += 1;
        self.places
    }

    /// A random number.
    pub fn random(&mut self) -> u64 {
        if self.random == 0 {
            self.random = crate::text::micros() as u64 | 1;
        }
        // Marsaglia's xorshift64*.
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// So many random hexadecimal digits.
    pub fn hex(&mut self, length: usize) -> String {
        let mut out = String::new();
        while out.len() < length {
            out.push_str(&format!("{:016x}", self.random()));
        }
        out.truncate(length);
        out
    }

    /// A random UUID of version 4.
    pub fn uuid(&mut self) -> String {
        let hex = self.hex(30);
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[12..15], &hex[15..18], &hex[18..30])
    }

    /// Letters and digits, as keys are made.
    pub fn key(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        (0..length).map(|_| char::from(LETTERS[(self.random() % 62) as usize])).collect()
    }
}

/// The id by which references to a model name an object.
pub(crate) fn id_for(kind: &Kind, object: &Object, model: &str) -> Value {
    if model == BOUND && kind.bound_apart {
        return ["policybindingmodel_ptr_id", "pbm_uuid", "~bound"]
            .iter()
            .find_map(|key| object.get(*key))
            .cloned()
            .unwrap_or(Value::Null);
    }
    object.get(&kind.id).cloned().unwrap_or(Value::Null)
}

/// Whether a field holds a value, as text.
pub(crate) fn is(object: &Object, field: &str, wanted: &str) -> bool {
    match object.get(field) {
        Some(Value::String(text)) => text == wanted,
        Some(Value::Number(number)) => number.to_string() == wanted,
        _ => false,
    }
}

/// The text of a field, empty where there is none.
pub(crate) fn text<'a>(object: &'a Object, field: &str) -> &'a str {
    object.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Whether a list field holds a value.
pub(crate) fn holds(object: &Object, field: &str, id: &Value) -> bool {
    object.get(field).and_then(Value::as_array).is_some_and(|list| list.contains(id))
}
