//! The rules between options in words, for each option that they concern.

use serde_json::Value;

use super::Spec;

/// What the rules of its spec mean for an option.
pub(super) fn sentences(name: &str, spec: &Spec) -> Vec<String> {
    let mut all = Vec::new();
    for rule in spec.required_if.iter().filter(|rule| rule.needs.iter().any(|need| need == name)) {
        let value = match &rule.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let condition = format!("`{}={value}`", rule.option);
        all.push(if rule.any && rule.needs.len() > 1 {
            format!("One of {} is required if {condition}.", listed(&rule.needs))
        } else {
            format!("Required if {condition}.")
        });
    }
    for group in spec.required_together.iter().filter(|group| group.iter().any(|one| one == name)) {
        all.push(format!("Required together with {}.", others(group, name)));
    }
    for group in spec.required_one_of.iter().filter(|group| group.iter().any(|one| one == name)) {
        all.push(format!("One of {} is required.", listed(group)));
    }
    for group in spec.mutually_exclusive.iter().filter(|group| group.iter().any(|one| one == name)) {
        all.push(format!("Mutually exclusive with {}.", others(group, name)));
    }
    for (_, needs) in spec.required_by.iter().filter(|(key, _)| key == name) {
        all.push(format!("Requires {}.", listed(needs)));
    }
    all
}

fn others(group: &[String], name: &str) -> String {
    listed(&group.iter().filter(|one| *one != name).cloned().collect::<Vec<_>>())
}

fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
