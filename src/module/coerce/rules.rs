//! The rules that options must meet: what has to be there, what excludes what, which values are allowed.

use serde_json::Value;

use super::{
    Object, OptionSpec, Place, Spec,
    types::{python_equal, python_text},
};

/// Checks what must be there in an object put together from several places: an item of a list over
/// the options that stand above the list. Null counts as not given.
///
/// # Errors
///
/// The first thing that is missing or excluded, with `at` before it.
pub fn check_requirements(spec: &Spec, values: &Object, at: &str) -> Result<(), String> {
    let given: Object = values
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let place = Place::default();
    mutually_exclusive(spec, &without_defaults(spec, &given), &place)
        .and_then(|()| required(spec, &given, &place))
        .and_then(|()| between_options(spec, &given, &place))
        .map_err(|error| if at.is_empty() { error } else { format!("{at}: {error}") })
}

/// A value equal to its option's default excludes nothing: it need not have been written.
fn without_defaults(spec: &Spec, values: &Object) -> Object {
    let mut values = values.clone();
    for option in &spec.options {
        if option.default.is_some() && values.get(&option.name) == option.default.as_ref() {
            values.remove(&option.name);
        }
    }
    values
}

pub(super) fn mutually_exclusive(spec: &Spec, values: &Object, place: &Place) -> Result<(), String> {
    let broken: Vec<_> = spec
        .mutually_exclusive
        .iter()
        .filter(|group| group.iter().filter(|name| values.contains_key(*name)).count() > 1)
        .map(|group| group.join("|"))
        .collect();
    if broken.is_empty() {
        return Ok(());
    }
    Err(place.found_in(format!("parameters are mutually exclusive: {}", broken.join(", "))))
}

pub(super) fn required(spec: &Spec, values: &Object, place: &Place) -> Result<(), String> {
    let mut missing: Vec<_> = spec
        .options
        .iter()
        .filter(|option| option.required && !values.contains_key(&option.name))
        .map(|option| option.name.as_str())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    missing.sort_unstable();
    Err(place.found_in(format!("missing required arguments: {}", missing.join(", "))))
}

pub(super) fn between_options(spec: &Spec, values: &Object, place: &Place) -> Result<(), String> {
    for group in &spec.required_together {
        let given = group.iter().filter(|name| values.contains_key(*name)).count();
        if given > 0 && given < group.len() {
            return Err(place.found_in(format!("parameters are required together: {}", group.join(", "))));
        }
    }
    for group in &spec.required_one_of {
        if !group.iter().any(|name| values.contains_key(name)) {
            return Err(place.found_in(format!("one of the following is required: {}", group.join(", "))));
        }
    }
    for rule in &spec.required_if {
        if !values.get(&rule.option).is_some_and(|value| python_equal(value, &rule.value)) {
            continue;
        }
        let missing: Vec<_> =
            rule.needs.iter().filter(|name| !values.contains_key(*name)).map(String::as_str).collect();
        let allowed = if rule.any { rule.needs.len().saturating_sub(1) } else { 0 };
        if missing.len() > allowed {
            let option = &rule.option;
            let value = match &rule.value {
                list @ (Value::Array(_) | Value::Object(_)) => list.to_string(),
                scalar => python_text(scalar),
            };
            let how_many = if rule.any { "any" } else { "all" };
            let missing = missing.join(", ");
            return Err(
                place.found_in(format!("{option} is {value} but {how_many} of the following are missing: {missing}"))
            );
        }
    }
    let given = |name: &String| values.get(name).is_some_and(|value| !value.is_null());
    for (name, needs) in &spec.required_by {
        let missing: Vec<_> = needs.iter().filter(|name| !given(name)).map(String::as_str).collect();
        if given(name) && !missing.is_empty() {
            let missing = missing.join(", ");
            return Err(place.found_in(format!("missing parameter(s) required by '{name}': {missing}")));
        }
    }
    Ok(())
}

pub(super) fn choices(option: &OptionSpec, values: &mut Object, place: &Place) -> Result<(), String> {
    let Some(value) = values.get_mut(&option.name).filter(|_| !option.choices.is_empty()) else { return Ok(()) };
    let allowed = |value: &Value| option.choices.iter().any(|choice| python_equal(choice, value));
    let texts = |values: &[&Value]| values.iter().map(|value| python_text(value)).collect::<Vec<_>>().join(", ");
    let given = |text: String| if option.no_log { "********".to_owned() } else { text };
    let name = &option.name;
    if let Value::Array(elements) = value {
        let strange: Vec<_> = elements.iter().filter(|element| !allowed(element)).collect();
        if strange.is_empty() {
            return Ok(());
        }
        let all = texts(&option.choices.iter().collect::<Vec<_>>());
        let strange = given(texts(&strange));
        return Err(
            place.found_in(format!("value of {name} must be one or more of: {all}. Got no match for: {strange}"))
        );
    }
    if !allowed(value)
        && let Some(meant) = meant_by_bool(value, &option.choices)
    {
        *value = meant;
    }
    if allowed(value) {
        return Ok(());
    }
    let all = texts(&option.choices.iter().collect::<Vec<_>>());
    let got = given(python_text(value));
    Err(place.found_in(format!("value of {name} must be one of: {all}, got: {got}")))
}

/// YAML reads `on` and `off` as booleans: the one choice that such a word can have been.
fn meant_by_bool(value: &Value, choices: &[Value]) -> Option<Value> {
    let meant = match value.as_str()? {
        "True" => true,
        "False" => false,
        _ => return None,
    };
    let mut fitting = choices.iter().filter(|choice| match choice {
        Value::String(text) => super::types::bool_of_word(text) == Some(meant),
        other => python_equal(other, &Value::Bool(meant)),
    });
    let first = fitting.next()?;
    fitting.next().is_none().then(|| first.clone())
}
