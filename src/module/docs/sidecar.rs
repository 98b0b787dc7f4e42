//! The sidecar: `library/<module>.yml` with DOCUMENTATION, EXAMPLES and RETURN.

use serde_json::{Map, Value, json};

use super::{
    About, GENERATED, LICENCE, OptionSpec, Spec,
    markup::{Scope, ansible},
    returns, said_of, yaml,
};

/// Who answers for the modules, in the form that ansible-test wants.
const AUTHOR: &str = "Hearth developers (@hearth)";
/// The release that brought the modules.
const VERSION_ADDED: &str = "0.1.0";

/// The file that `ansible-doc` reads beside the binary.
pub fn sidecar(name: &str, about: &About, spec: &Spec) -> String {
    let scope = Scope { top: spec, inner: None };
    let texts = |all: &[&str]| all.iter().map(|text| Value::String(ansible(text, scope))).collect::<Value>();
    let mut documentation = Map::new();
    documentation.insert("module".into(), name.into());
    documentation.insert("short_description".into(), ansible(about.short_description, scope).into());
    documentation.insert("version_added".into(), VERSION_ADDED.into());
    documentation.insert("author".into(), json!([AUTHOR]));
    documentation.insert("description".into(), texts(about.description));
    if !about.requirements.is_empty() {
        documentation.insert("requirements".into(), texts(about.requirements));
    }
    if !about.notes.is_empty() {
        documentation.insert("notes".into(), texts(about.notes));
    }
    documentation.insert("attributes".into(), attributes());
    documentation.insert("options".into(), options(spec, scope, &[]));
    let whole = json!({
        "DOCUMENTATION": documentation,
        "EXAMPLES": format!("{}\n", about.examples.trim()),
        "RETURN": returned(about, scope),
    });
    format!("# {LICENCE}\n# SPDX-License-Identifier: GPL-3.0-or-later\n# {GENERATED}\n---\n{}", yaml::document(&whole))
}

fn attributes() -> Value {
    json!({
        "check_mode": {
            "support": "full",
            "description": ["Runs in check mode and says what would change, without changing anything."],
        },
        "diff_mode": {
            "support": "full",
            "description": ["Says in diff mode what differs, before and after."],
        },
        "idempotent": {
            "support": "full",
            "description": ["A second run with the same options changes nothing."],
        },
        "platform": {
            "support": "full",
            "platforms": "Linux",
            "description": ["The systems on which the module runs; it needs no Python there."],
        },
    })
}

fn options(spec: &Spec, scope: Scope, path: &[String]) -> Value {
    spec.options.iter().map(|one| (one.name.clone(), option(one, spec, scope, path))).collect::<Map<_, _>>().into()
}

fn option(option: &OptionSpec, spec: &Spec, scope: Scope, path: &[String]) -> Value {
    let mut out = Map::new();
    let description = said_of(option, spec).iter().map(|text| Value::String(ansible(text, scope))).collect::<Value>();
    out.insert("description".into(), description);
    out.insert("type".into(), option.kind.name().into());
    if let Some(elements) = option.elements {
        out.insert("elements".into(), elements.name().into());
    }
    if option.required {
        out.insert("required".into(), true.into());
    }
    if let Some(default) = &option.default {
        out.insert("default".into(), default.clone());
    }
    if !option.choices.is_empty() {
        out.insert("choices".into(), Value::Array(option.choices.clone()));
    }
    if !option.aliases.is_empty() {
        out.insert("aliases".into(), json!(option.aliases));
    }
    if let Some(inner) = option.options.as_ref().filter(|inner| !inner.options.is_empty()) {
        let path: Vec<String> = path.iter().chain([&option.name]).cloned().collect();
        let scope = Scope { inner: Some((&path, inner)), ..scope };
        out.insert("suboptions".into(), options(inner, scope, &path));
    }
    out.into()
}

/// RETURN: the keys of every module, with the kind's own behind the sentence.
fn returned(about: &About, scope: Scope) -> Value {
    let mut all = Map::new();
    for (key, value) in returns::common().as_object().into_iter().flatten() {
        all.insert(key.clone(), marked(value.clone(), scope));
        if key == "msg" {
            for own in about.returns {
                all.insert(own.name.to_owned(), marked(super::page::of_kind(own), scope));
            }
        }
    }
    all.into()
}

/// A key of RETURN with its texts in Ansible's markup.
fn marked(mut key: Value, scope: Scope) -> Value {
    let Some(map) = key.as_object_mut() else { return key };
    if let Some(Value::Array(texts)) = map.get_mut("description") {
        for text in texts {
            *text = ansible(text.as_str().unwrap_or_default(), scope).into();
        }
    }
    if let Some(Value::String(returned)) = map.get_mut("returned") {
        *returned = returned.replace('`', "");
    }
    if let Some(Value::Object(inner)) = map.get_mut("contains") {
        inner.values_mut().for_each(|value| *value = marked(value.take(), scope));
    }
    key
}
