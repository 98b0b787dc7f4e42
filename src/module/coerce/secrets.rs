//! The secrets among the options, found before anything else is known of them.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{Env, Object, Spec, Type, literal, types::python_text};

/// Every value, raw, of an option that is a secret: by name or alias, in suboptions and items of
/// lists, each text inside a secret map or list, and the environment variables that stand in for it.
///
/// Serves to mask errors before validation, so it takes the options as they came; longest first.
pub fn secrets(spec: &Spec, args: &Object, env: Env) -> Vec<String> {
    let mut found = BTreeSet::new();
    of_options(spec, args, env, &mut found);
    found.remove("");
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    found
}

fn of_options(spec: &Spec, args: &Object, env: Env, found: &mut BTreeSet<String>) {
    for option in &spec.options {
        let given = std::iter::once(&option.name).chain(&option.aliases).filter_map(|name| args.get(name));
        for value in given {
            if option.no_log {
                of_secret(value, option.kind, found);
            }
            if let Some(inner) = &option.options {
                of_maps(inner, value, env, found);
            }
        }
        if option.no_log {
            let set = option.env.iter().filter_map(|name| env(name));
            set.for_each(|value| of_secret(&Value::String(value), option.kind, found));
        }
    }
}

/// The secrets of a map, or of the maps in a list; also where the map is written as text.
fn of_maps(spec: &Spec, value: &Value, env: Env, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => of_options(spec, map, env, found),
        Value::Array(elements) => elements.iter().for_each(|element| of_maps(spec, element, env, found)),
        Value::String(text) => {
            for text in std::iter::once(text.as_str()).chain(text.split(',')) {
                if let Ok(map) = literal::dict(text) {
                    of_options(spec, &map, env, found);
                }
            }
        }
        _ => {}
    }
}

fn of_secret(value: &Value, kind: Type, found: &mut BTreeSet<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(_) => {
            found.insert(python_text(value));
        }
        Value::String(text) => {
            found.insert(text.clone());
            found.insert(text.trim().to_owned());
            of_credentials(text.trim(), found);
            match kind {
                Type::List => found.extend(text.split(',').map(str::to_owned)),
                Type::Dict | Type::Json | Type::Raw => of_structured_text(text, kind, found),
                // A password is no map, however it looks.
                Type::Str | Type::Path | Type::Int | Type::Float | Type::Bool => {}
            }
        }
        Value::Array(elements) => elements.iter().for_each(|element| of_secret(element, Type::Str, found)),
        Value::Object(map) => map.values().for_each(|value| of_secret(value, Type::Str, found)),
    }
}

/// A header's value names a scheme first, and what comes after it is the secret; in `Basic` the password is.
fn of_credentials(text: &str, found: &mut BTreeSet<String>) {
    let Some((scheme, rest)) = text.split_once(' ').map(|(scheme, rest)| (scheme, rest.trim())) else { return };
    if !["bearer", "basic", "token", "apikey"].contains(&scheme.to_lowercase().as_str()) || rest.contains(' ') {
        return;
    }
    found.insert(rest.to_owned());
    let pair = STANDARD.decode(rest).ok().and_then(|pair| String::from_utf8(pair).ok());
    if let Some((_, password)) = pair.as_deref().and_then(|pair| pair.split_once(':')) {
        found.insert(password.to_owned());
    }
}

/// The texts inside a secret that is itself the text of a map or list.
fn of_structured_text(text: &str, kind: Type, found: &mut BTreeSet<String>) {
    if let Ok(inner @ (Value::Array(_) | Value::Object(_))) = serde_json::from_str(text) {
        of_secret(&inner, Type::Str, found);
    } else if let (Type::Dict, Ok(map)) = (kind, literal::dict(text)) {
        of_secret(&Value::Object(map), Type::Str, found);
    }
}
