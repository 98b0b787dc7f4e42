//! Writes `src/authentik/fields.txt` and `filters.txt` from authentik's OpenAPI document: which fields each kind of
//! object takes, and by what each list can be filtered.

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::{Map, Value};

const HEAD: &str = "\
# What each kind of object of authentik takes, from the OpenAPI document of 2026.5.
# Written by `cargo xtask authentik-fields <document>`; not by hand.
# A field: name, type, then ! required, ? nullable, * write-only (taken and never returned).
";

const FILTERS_HEAD: &str = "\
# By what each list of authentik can be filtered, from the OpenAPI document of 2026.5.
# Written by `cargo xtask authentik-fields <document>`; not by hand.
# A filter: name, type. What is not a list of pages is marked with its form: array, object.
";

/// The text of `filters.txt`: everything that can be read without naming one object, with the parameters of its query.
pub fn filters(document: &Value) -> String {
    let mut out = FILTERS_HEAD.to_owned();
    let none = Map::new();
    for (path, operations) in document["paths"].as_object().unwrap_or(&none) {
        let answer = &operations["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        if path.contains('{') || !(answer["$ref"].is_string() || answer["type"] == "array") {
            continue;
        }
        let answer = resolved(document, answer);
        let form = match answer["properties"].get("pagination") {
            Some(_) => "",
            None if answer["type"] == "array" => " array",
            None => " object",
        };
        let _ = write!(out, "\n{}{form}\n", path.trim_matches('/'));
        for parameter in operations["get"]["parameters"].as_array().into_iter().flatten() {
            let parameter = referred(document, parameter);
            let name = parameter["name"].as_str().unwrap_or_default();
            if parameter["in"] == "query" && !matches!(name, "page" | "page_size") {
                let _ = writeln!(out, "  {name} {}", kind(document, &parameter["schema"]));
            }
        }
    }
    out
}

/// What a reference of any place in the document leads to.
fn referred<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let pointer = value["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

/// The text of `fields.txt`.
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
#[cfg(test)]
fn kinds(document: &Value) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use hearth::authentik::table;

    use super::*;

    /// authentik's OpenAPI document, where it lies beside the project.
    fn document() -> Option<Value> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/openapi/authentik-2026.5.json");
        let text = std::fs::read_to_string(path).ok();
        if text.is_none() {
            crate::tell("skipped: there is no ../shared/openapi/authentik-2026.5.json");
        }
        text.map(|text| serde_json::from_str(&text).expect("the document is JSON"))
    }

    #[test]
    fn every_kind_that_can_be_written_is_in_the_table_or_left_out_with_a_reason() {
        let Some(document) = document() else { return };
        let found = kinds(&document);
        assert!(found.len() > 100, "{} kinds", found.len());
        let left_out = |path: &str| table::LEFT_OUT.iter().any(|(other, why)| *other == path && !why.is_empty());
        for path in &found {
            let in_table = table::rows().any(|row| row.path == path);
            assert!(in_table != left_out(path), "{path}: in the table {in_table}, left out {}", left_out(path));
        }
        let all = table::rows().map(|row| row.path).chain(table::LEFT_OUT.iter().map(|(path, _)| *path));
        for path in all {
            assert!(found.iter().any(|other| other == path), "{path} is no kind that can be written");
        }
    }

    #[test]
    fn the_fields_are_those_of_the_document() {
        let Some(document) = document() else { return };
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/authentik/fields.txt");
        let written = std::fs::read_to_string(path).expect("the file is there");
        assert!(written == text(&document), "fields.txt is old\nhint: cargo xtask authentik-fields <document>");
    }
}
