//! Writes `src/authentik/fields.txt` from authentik's OpenAPI document: which fields each kind of object takes.

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::{Map, Value};

const HEAD: &str = "\
# What each kind of object of authentik takes, from the OpenAPI document of 2026.5.
# Written by `cargo xtask authentik-fields <document>`; not by hand.
# A field: name, type, then ! required, ? nullable, * write-only (taken and never returned).
";

/// The text of the file.
pub fn text(document: &Value) -> String {
    let mut out = HEAD.to_owned();
    let none = Map::new();
    for (path, operations) in document["paths"].as_object().unwrap_or(&none) {
        let Some((body, shown)) = taken(document, path, operations) else { continue };
        let name = path.trim_matches('/');
        let _ = write!(out, "\n{name}\n");
        let required: BTreeSet<&str> =
            resolved(document, body)["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (field, schema) in body_fields(document, body) {
            let kind = kind(document, schema);
            let flags = [
                (required.contains(field.as_str()), '!'),
                (schema["nullable"] == true, '?'),
                (schema["writeOnly"] == true || !shown.contains(field), '*'),
            ];
            let flags: String = flags.into_iter().filter_map(|(set, flag)| set.then_some(flag)).collect();
            let _ = writeln!(out, "  {field} {kind}{}{flags}", if flags.is_empty() { "" } else { " " });
        }
    }
    out
}

/// The paths of all kinds of objects that can be written, without slashes around them.
pub fn kinds(document: &Value) -> Vec<String> {
    let none = Map::new();
    let paths = document["paths"].as_object().unwrap_or(&none);
    let of = |(path, operations): (&String, &Value)| {
        taken(document, path, operations).is_some().then(|| path.trim_matches('/').to_owned())
    };
    paths.iter().filter_map(of).collect()
}

/// What a kind takes, and the names of the fields that come back: of a collection its POST, of a collection that
/// only the server adds to the PATCH of an item, of a single object its PATCH.
fn taken<'d>(document: &'d Value, path: &str, operations: &'d Value) -> Option<(&'d Value, BTreeSet<String>)> {
    operations.get("get")?;
    if path.contains('{') {
        return None;
    }
    let paths = document["paths"].as_object()?;
    let item = || {
        let is_item = |other: &&String| {
            other.strip_prefix(path).is_some_and(|rest| rest.starts_with('{') && rest.matches('/').count() == 1)
        };
        paths.keys().find(is_item).map(|item| &paths[item]["patch"])
    };
    let write = [Some(&operations["post"]), item(), Some(&operations["patch"])]
        .into_iter()
        .flatten()
        .find(|write| write["requestBody"]["content"]["application/json"]["schema"].get("$ref").is_some())?;
    Some((&write["requestBody"]["content"]["application/json"]["schema"], answered(document, write)))
}

fn body_fields<'d>(document: &'d Value, schema: &'d Value) -> Vec<(&'d String, &'d Value)> {
    let schema = resolved(document, schema);
    schema["properties"].as_object().into_iter().flatten().collect()
}

fn answered(document: &Value, write: &Value) -> BTreeSet<String> {
    let answer = ["201", "200"].iter().find_map(|status| {
        let schema = &write["responses"][*status]["content"]["application/json"]["schema"];
        schema.get("$ref").map(|_| schema)
    });
    let schema = answer.map_or(&Value::Null, |schema| resolved(document, schema));
    schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned().collect()
}

fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) else { return schema };
    &document["components"]["schemas"][name]
}

/// The type in one word.
fn kind(document: &Value, schema: &Value) -> String {
    for one in ["allOf", "oneOf", "anyOf"] {
        if let Some(part) = schema[one].as_array().and_then(|all| all.first()) {
            return kind(document, part);
        }
    }
    let schema = resolved(document, schema);
    if let Some(choices) = schema["enum"].as_array() {
        let words: Vec<String> =
            choices.iter().map(|choice| choice.as_str().map_or_else(|| choice.to_string(), str::to_owned)).collect();
        // Lists of all applications and models of the server are no help.
        return if words.len() > 40 { "str".to_owned() } else { format!("enum:{}", words.join("|")) };
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("string"), Some("uuid")) => "uuid".to_owned(),
        (Some("string"), Some("date-time")) => "time".to_owned(),
        (Some("string"), _) => "str".to_owned(),
        (Some("integer"), _) => "int".to_owned(),
        (Some("number"), _) => "float".to_owned(),
        (Some("boolean"), _) => "bool".to_owned(),
        (Some("array"), _) => format!("[{}]", kind(document, &schema["items"])),
        _ => "json".to_owned(),
    }
}
