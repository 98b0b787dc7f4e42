//! The page for people: `docs/modules/<module>.md`, and the index of all pages.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{About, GENERATED, Group, OptionSpec, Spec, is_list_of_objects, paragraphs, returns, said_of};
use crate::module::Return;

/// The sections of the options, in the page's order.
const SECTIONS: [(Group, &str); 4] = [
    (Group::Object, "Options"),
    (Group::Run, "Options for the whole task"),
    (Group::Connection, "Connection"),
    (Group::Common, "Options of every module"),
];

/// The module's page in Markdown.
pub fn page(name: &str, about: &About, spec: &Spec) -> String {
    let mut out = format!("<!-- {GENERATED} -->\n\n# {name}\n\n{}.\n", about.short_description);
    for paragraph in about.description {
        let _ = write!(out, "\n{paragraph}\n");
    }
    points(&mut out, "Requirements", about.requirements);
    for (group, title) in SECTIONS {
        let chosen: Vec<_> = spec.options.iter().filter(|option| option.group == group).collect();
        if chosen.is_empty() {
            continue;
        }
        let _ = write!(out, "\n## {title}\n\n| Option | Type | Default | |\n|---|---|---|---|\n");
        for option in chosen {
            row(&mut out, option, spec, spec, 0);
        }
    }
    points(&mut out, "Notes", about.notes);
    let _ = write!(out, "\n## Examples\n\n```yaml\n{}\n```\n", about.examples.trim());
    out.push_str("\n## Return values\n\n| Key | Type | Returned | |\n|---|---|---|---|\n");
    for (key, value) in returns::common().as_object().into_iter().flatten() {
        key_row(&mut out, key, value, 0);
        if key == "msg" {
            about.returns.iter().for_each(|own| key_row(&mut out, own.name, &of_kind(own), 0));
        }
    }
    out
}

/// The index of all pages, a section for each service.
pub fn index(modules: &[(&str, About)]) -> String {
    let mut out = format!("<!-- {GENERATED} -->\n\n# Modules\n");
    let mut last = "";
    for (name, about) in modules {
        let service = name.split_once('_').map_or(*name, |(service, _)| service);
        if service != last {
            let _ = write!(out, "\n## {service}\n\n| Module | |\n|---|---|\n");
            last = service;
        }
        let _ = writeln!(out, "| [{0}]({0}.md) | {1} |", name, cell(&[about.short_description]));
    }
    out
}

/// A kind's own key in the form of RETURN.
pub(super) fn of_kind(own: &Return) -> Value {
    let mut key = json!({
        "description": paragraphs(own.description),
        "returned": own.returned,
        "type": own.kind,
    });
    if !own.sample.is_empty() {
        key["sample"] = serde_json::from_str(own.sample).unwrap_or_else(|_| own.sample.into());
    }
    key
}

fn points(out: &mut String, title: &str, points: &[&str]) {
    if !points.is_empty() {
        let _ = write!(out, "\n## {title}\n\n");
        points.iter().for_each(|point| {
            let _ = writeln!(out, "- {point}");
        });
    }
}

fn row(out: &mut String, option: &OptionSpec, spec: &Spec, top: &Spec, depth: usize) {
    let kind = match option.elements {
        Some(elements) => format!("list of {}", elements.name()),
        None => option.kind.name().to_owned(),
    };
    let default = match &option.default {
        Some(default) => format!("`{}`", shown(default)),
        None if option.required => "**required**".to_owned(),
        None => String::new(),
    };
    let mut said = said_of(option, spec);
    if !option.choices.is_empty() {
        let choices: Vec<_> = option.choices.iter().map(|choice| format!("`{}`", shown(choice))).collect();
        said.push(format!("One of {}.", choices.join(", ")));
    }
    if !option.aliases.is_empty() {
        let aliases: Vec<_> = option.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        said.push(format!("Also called {}.", aliases.join(", ")));
    }
    let indent = "&emsp;".repeat(depth);
    let _ = writeln!(out, "| {indent}`{}` | {kind} | {} | {} |", option.name, cell(&[default]), cell(&said));
    let Some(inner) = option.options.as_ref().filter(|_| !is_list_of_objects(option, top)) else { return };
    for option in &inner.options {
        row(out, option, inner, top, depth + 1);
    }
}

fn key_row(out: &mut String, name: &str, value: &Value, depth: usize) {
    let text = |key: &str| value[key].as_str().unwrap_or_default();
    let kind = match value["elements"].as_str() {
        Some(elements) => format!("list of {elements}"),
        None => text("type").to_owned(),
    };
    let mut said: Vec<String> =
        value["description"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    if let Some(sample) = value.get("sample") {
        said.push(format!("Sample: `{}`", shown(sample)));
    }
    let indent = "&emsp;".repeat(depth);
    let _ = writeln!(out, "| {indent}`{name}` | {kind} | {} | {} |", cell(&[text("returned")]), cell(&said));
    for (name, value) in value["contains"].as_object().into_iter().flatten() {
        key_row(out, name, value, depth + 1);
    }
}

/// A value as it is written in a task.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Paragraphs as one cell of a table.
fn cell<T: AsRef<str>>(paragraphs: &[T]) -> String {
    let all: Vec<_> = paragraphs.iter().map(|text| text.as_ref().replace('|', "\\|").replace('\n', " ")).collect();
    all.join("<br>")
}
