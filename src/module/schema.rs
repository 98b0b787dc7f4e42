//! The JSON schema of a module's options, for editors and other programs.

use serde_json::{Map, Value, json};

use super::{common::Common, kind::Kind};

/// The schema of all that a task may write. It says less than the module checks, and refuses nothing that the
/// module takes under that type.
pub fn of<K: Kind>() -> Value {
    let mut settings = schemars::generate::SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let generator = || settings.clone().into_generator();
    let object = generator().into_root_schema_for::<K::Object>().to_value();
    let around = [
        generator().into_root_schema_for::<K::Settings>().to_value(),
        generator().into_root_schema_for::<K::Connection>().to_value(),
        generator().into_root_schema_for::<Common>().to_value(),
    ];
    // What an item lacks may stand above the list.
    let (mut item, needed_of_item) = with_aliases(&object, true);
    item.as_object_mut().into_iter().for_each(|item| drop(item.remove("required")));
    let mut properties = Map::new();
    let mut rules = Vec::new();
    for (number, part) in std::iter::once(&object).chain(&around).enumerate() {
        let (mut part, needed) = with_aliases(part, false);
        if let Some(Value::Object(part)) = part.get_mut("properties").map(Value::take) {
            properties.extend(part);
        }
        for (at, mut one_of) in needed.into_iter().enumerate() {
            if number == 0 {
                let in_each = json!({"anyOf": needed_of_item[at]});
                one_of.push(json!({"required": [K::PLURAL], "properties": {K::PLURAL: {"items": in_each}}}));
            }
            rules.push(json!({"anyOf": one_of}));
        }
    }
    properties.insert(K::PLURAL.to_owned(), json!({"type": ["array", "null"], "items": item}));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": K::NAME,
        "type": "object",
        "properties": properties,
        "allOf": rules,
        "additionalProperties": false,
    })
}

/// The schema of a map, and of the maps in it, with aliases and defaults as other programs know them; and for each
/// option that must be written the ways to do so. Of an item of a list few defaults count.
fn with_aliases(schema: &Value, item: bool) -> (Value, Vec<Vec<Value>>) {
    let mut needed = Vec::new();
    let mut schema = schema.clone();
    let required = schema.get("required").cloned().unwrap_or_default();
    let Some(Value::Object(properties)) = schema.get_mut("properties").map(Value::take) else {
        return (schema, needed);
    };
    let mut all = Map::new();
    for (name, mut property) in properties {
        let aliases = property.get("x-aliases").and_then(Value::as_array).cloned().unwrap_or_default();
        let default = property.as_object_mut().and_then(|property| property.remove("x-default"));
        let counts = !item || property.get("x-item-default") == Some(&Value::Bool(true));
        let must = property.get("x-required") == Some(&Value::Bool(true))
            || required.as_array().is_some_and(|all| all.contains(&json!(name)));
        // The environment may stand in for it.
        if must && default.is_none() && property.get("x-env").is_none() {
            needed
                .push(std::iter::once(&json!(name)).chain(&aliases).map(|name| json!({"required": [name]})).collect());
        }
        if let (Some(default), true) = (default, counts) {
            property["default"] = default;
        }
        inside(&mut property);
        for alias in aliases.iter().filter_map(Value::as_str) {
            let mut other = property.clone();
            other["description"] = format!("Another name of `{name}`.").into();
            all.insert(alias.to_owned(), other);
        }
        all.insert(name, property);
    }
    schema["properties"] = Value::Object(all);
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("required");
        schema.insert("additionalProperties".into(), false.into());
    }
    (schema, needed)
}

/// The same in the maps that an option holds, where everything counts.
fn inside(property: &mut Value) {
    if property.get("properties").is_some() {
        let (mut map, needed) = with_aliases(property, false);
        if !needed.is_empty() {
            map["allOf"] = needed.into_iter().map(|one_of| json!({"anyOf": one_of})).collect();
        }
        *property = map;
    }
    if let Some(items) = property.get_mut("items") {
        inside(items);
    }
    for part in property.get_mut("anyOf").and_then(Value::as_array_mut).into_iter().flatten() {
        inside(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{grafana::folder::FolderKind, module::task};

    #[test]
    fn other_programs_are_told_of_aliases_defaults_and_what_is_needed() {
        let schema = of::<FolderKind>();
        let item = &schema["properties"]["folders"]["items"];
        for option in &task::spec::<FolderKind>().options {
            for name in std::iter::once(&option.name).chain(&option.aliases) {
                let told = &schema["properties"][name];
                assert!(told.is_object(), "{name} is missing");
                assert_eq!(told.get("default"), option.default.as_ref(), "the default of {name}");
            }
        }
        assert!(item["properties"]["title"].is_object(), "an alias is missing in an item");
        assert_eq!(item["properties"]["state"]["default"], "present");
        assert_eq!(item["properties"]["force"].get("default"), None, "it does not count in an item");
        let by_name = json!([{"required": ["name"]}, {"required": ["title"]}]);
        let mut ways = by_name.as_array().cloned().unwrap_or_default();
        ways.push(json!({"required": ["folders"], "properties": {"folders": {"items": {"anyOf": by_name}}}}));
        assert_eq!(schema["allOf"], json!([{"anyOf": ways}]));
    }
}
