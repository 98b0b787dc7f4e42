//! Notes where requests depart from Grafana's OpenAPI document, without altering any answer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::Config;
use crate::call::Call;
use crate::journal::template;
use crate::server::lock;

/// The document, where it was found, and what has been noted.
pub(crate) struct Document {
    place: String,
    content: Option<Arc<Value>>,
    noted: Mutex<Vec<Value>>,
}

/// Documents that have been read, or not found, by path.
static READ: Mutex<BTreeMap<PathBuf, Option<Arc<Value>>>> = Mutex::new(BTreeMap::new());

/// Fields whose inside is free-form.
const FREE: [&str; 8] =
    ["dashboard", "jsonData", "secureJsonData", "secureJsonFields", "model", "inputs", "data", "spec"];

impl Document {
    /// Reads the document that the config names, or the one beside the checkout.
    pub fn load(config: &Config) -> Document {
        let place = config.openapi.clone().unwrap_or_else(|| {
            let file = format!("../../../shared/openapi/{}", config.profile.document());
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)
        });
        // A test program starts many servers: it reads the document once.
        let mut read = lock(&READ);
        let content = read.entry(place.clone()).or_insert_with(|| {
            let bytes = std::fs::read(&place).ok()?;
            serde_json::from_slice(&bytes).ok().map(Arc::new)
        });
        let content = content.clone();
        Document { place: place.display().to_string(), content, noted: Mutex::default() }
    }

    /// Forgets what has been noted.
    pub fn clear(&self) {
        lock(&self.noted).clear();
    }

    /// What has been noted, and whether there was a document to compare with.
    pub fn shown(&self) -> Value {
        let noted = lock(&self.noted).clone();
        let found = self.content.is_some();
        let note = if found { "" } else { "no OpenAPI document there: nothing was compared" };
        json!({ "document": self.place, "compared": found, "note": note, "departures": noted })
    }

    /// Compares one request of /api that a module sent: tests and other clients may ask as they like.
    pub fn check(&self, call: &Call) {
        let Some(document) = &self.content else { return };
        let parts = match call.segments.get(1).map(String::as_str) {
            Some("v3") if self.place.contains("authentik") => 2,
            _ => 1,
        };
        let ours = call.header("user-agent").is_some_and(|agent| agent.starts_with("hearth/"));
        if !ours || call.segments.first().is_none_or(|first| first != "api") {
            return;
        }
        let mut faults = Vec::new();
        let wanted = &call.segments[parts..];
        match operation(document, wanted, &call.method.to_lowercase()) {
            Err(text) => faults.push(text.to_owned()),
            Ok((operation, shared)) => {
                self.query(document, call, operation, shared, &mut faults);
                let schema = &operation["requestBody"];
                let schema = resolve(document, schema);
                let schema = resolve(document, &schema["content"]["application/json"]["schema"]);
                if let Ok(body) = serde_json::from_slice::<Value>(&call.body) {
                    if schema.is_null() {
                        faults.push("a body where none is described".to_owned());
                    } else {
                        compare(document, schema, &body, "", 0, &mut faults);
                    }
                }
            }
        }
        let mut noted = lock(&self.noted);
        for fault in faults {
            if noted.len() < 2000 {
                noted.push(
                    json!({ "method": call.method, "path": call.path, "template": template(call), "departure": fault }),
                );
            }
        }
    }

    fn query(&self, document: &Value, call: &Call, operation: &Value, shared: &Value, faults: &mut Vec<String>) {
        let lists = [&operation["parameters"], shared];
        let known: Vec<&str> = lists
            .iter()
            .filter_map(|list| list.as_array())
            .flatten()
            .map(|p| resolve(document, p))
            .filter(|p| p["in"] == "query")
            .filter_map(|p| p["name"].as_str())
            .collect();
        for (key, _) in &call.query {
            if !known.contains(&key.as_str()) {
                faults.push(format!("unknown query parameter {key}"));
            }
        }
    }
}

/// Follows a reference inside the document.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str().and_then(|r| r.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).unwrap_or(&Value::Null),
        None => value,
    }
}

/// Finds the operation of a path; more fixed parts win over fewer.
fn operation<'a>(document: &'a Value, wanted: &[String], method: &str) -> Result<(&'a Value, &'a Value), &'static str> {
    let paths = document["paths"].as_object().ok_or("the document has no paths")?;
    let mut best: Option<(usize, &Value)> = None;
    for (path, item) in paths {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let fits = parts.len() == wanted.len() && parts.iter().zip(wanted).all(|(p, w)| p.starts_with('{') || p == w);
        let fixed = parts.iter().filter(|p| !p.starts_with('{')).count();
        if fits && best.is_none_or(|(most, _)| fixed > most) {
            best = Some((fixed, item));
        }
    }
    let (_, item) = best.ok_or("unknown path")?;
    let operation = &item[if method == "head" { "get" } else { method }];
    if operation.is_null() { Err("unknown method") } else { Ok((operation, &item["parameters"])) }
}

/// Notes unknown fields and wrong types, down to where things are free-form.
fn compare(document: &Value, schema: &Value, body: &Value, at: &str, depth: u8, faults: &mut Vec<String>) {
    let schema = resolve(document, schema);
    let Some(kind) = schema["type"].as_str() else { return };
    let fits = match kind {
        "string" => body.is_string(),
        "integer" => body.is_i64() || body.is_u64(),
        "number" => body.is_number(),
        "boolean" => body.is_boolean(),
        "array" => body.is_array(),
        "object" => body.is_object(),
        _ => true,
    };
    let place = if at.is_empty() { "the body" } else { at };
    if !fits {
        faults.push(format!("{place} is no {kind}"));
        return;
    }
    if let (Some(list), false) = (body.as_array(), schema["items"].is_null()) {
        for entry in list.iter().take(20) {
            compare(document, &schema["items"], entry, &format!("{at}[]"), depth + 1, faults);
        }
    }
    let (Some(fields), Some(properties)) = (body.as_object(), schema["properties"].as_object()) else { return };
    for (key, value) in fields {
        let here = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        match properties.get(key) {
            None => faults.push(format!("unknown body field {here}")),
            Some(inner) if !FREE.contains(&key.as_str()) && depth < 4 && !value.is_null() => {
                compare(document, inner, value, &here, depth + 1, faults);
            }
            Some(_) => {}
        }
    }
}
