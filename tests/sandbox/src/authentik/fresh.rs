//! What a fresh server holds, from the data file beside the sources.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::kinds::table;
use super::store::{Object, Store, text};

fn data() -> &'static Value {
    static DATA: OnceLock<Value> = OnceLock::new();
    DATA.get_or_init(|| {
        serde_json::from_str(include_str!("../../data/authentik-fresh.json")).expect("the data file is JSON")
    })
}

/// An answer that does not depend on the objects.
pub(crate) fn answer(path: &str) -> Option<&'static Value> {
    data()["answers"].get(path)
}

/// The words for its search that a list of this kind brings along.
pub(crate) fn completion(path: &str) -> Option<&'static Value> {
    data()["autocomplete"].get(path)
}

/// A server after its first start.
pub(crate) fn store(token: &str) -> Store {
    let mut store = Store::default();
    for (path, objects) in data()["objects"].as_object().into_iter().flatten() {
        let Some(kind) = table().kinds.get(path) else { continue };
        for object in objects.as_array().into_iter().flatten().filter_map(Value::as_object) {
            let mut object: Object = object.clone();
            for derived in
                ["flow_set", "component", "verbose_name", "verbose_name_plural", "meta_model_name", "bound_to"]
            {
                object.shift_remove(derived);
            }
            match path.as_str() {
                "core/tokens" if text(&object, "identifier").contains("bootstrap") => {
                    object.insert("~key".to_owned(), json!(token));
                }
                "core/tokens" => {
                    object.insert("~key".to_owned(), json!(store.key(60)));
                }
                "core/groups" => {
                    object.shift_remove("users");
                    object.shift_remove("children");
                }
                "crypto/certificatekeypairs" => {
                    object.insert("key_data".to_owned(), json!("made by the server"));
                }
                _ => {}
            }
            for field in kind.fields.iter().filter(|field| field.write) {
                let default = field.default.clone().unwrap_or(Value::Null);
                object.entry(field.name.clone()).or_insert(default);
            }
            if kind.bound_apart
                && !["policybindingmodel_ptr_id", "pbm_uuid"].iter().any(|key| object.contains_key(*key))
            {
                object.insert("~bound".to_owned(), json!(store.uuid()));
            }
            if let Some(number) = object.get(&kind.id).and_then(Value::as_u64) {
                store.skip_to(number);
            }
            store.add(path, object);
        }
    }
    store
}
