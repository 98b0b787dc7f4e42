//! From what Ansible sent to a [`Task`]: coerced, checked, one object or a list of them.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    coerce::{self, Checks},
    common::Common,
    error::{Error, Result},
    kind::{Declared, Kind, Task},
    secret,
    spec::{Group, Object, OptionSpec, Spec, Type},
};

/// What Ansible says of the run, beside the options.
#[derive(Clone, Debug, Default)]
pub struct Internal {
    /// `--check`.
    pub check_mode: bool,
    /// `--diff`.
    pub diff: bool,
    /// The number of `-v`.
    pub verbosity: u64,
    /// The task has `no_log: true`.
    pub no_log: bool,
    /// Whether the result is to hold `invocation`: ansible-core before 2.21, or one that asks for it.
    pub inject_invocation: bool,
    /// Whether options that the module does not know are to be taken silently.
    pub ignore_unknown: bool,
    /// The name by which the task called the module.
    pub module_name: Option<String>,
}

impl Internal {
    /// Takes the `_ansible_*` keys out of what was sent; those that are not known are ignored.
    ///
    /// # Errors
    ///
    /// One of them has a value that is no boolean. As in AnsibleModule every spelling of one is taken, since
    /// who starts a module by hand or by another program may send `yes`: not to know it would be to write.
    pub fn take(args: &mut Object) -> Result<Internal> {
        let mut internal = Internal::default();
        let mut wrong = None;
        args.retain(|key, value| {
            let Some(name) = key.strip_prefix("_ansible_") else { return true };
            let value = &*value;
            let mut set = || match value {
                Value::Null => false,
                value => coerce::boolean(value).unwrap_or_else(|why| {
                    wrong.get_or_insert_with(|| Error::bad_options(format!("`{key}` cannot be used: {why}")));
                    false
                }),
            };
            match name {
                "check_mode" => internal.check_mode = set(),
                "diff" => internal.diff = set(),
                "verbosity" => internal.verbosity = number(value),
                "no_log" => internal.no_log = set(),
                // ansible-core asks for it from 2.21 on; before that every module added it.
                "inject_invocation" => internal.inject_invocation |= set(),
                "version" => internal.inject_invocation |= value.as_str().is_some_and(is_before_2_21),
                "ignore_unknown_opts" => internal.ignore_unknown = set(),
                "module_name" => internal.module_name = value.as_str().map(str::to_owned),
                _ => {}
            }
            false
        });
        wrong.map_or(Ok(internal), Err)
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()).unwrap_or(0)
}

fn is_before_2_21(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    matches!((parts.next().flatten(), parts.next().flatten()), (Some(2), Some(minor)) if minor < 21)
}

/// All options of a module as they are documented and checked for a single object.
pub fn spec<K: Kind>() -> Spec {
    Spec::of::<K::Object>().in_group(Group::Object).and(around::<K>(true))
}

/// The options around the objects. `items` says whether the list's items are described: they are in
/// the documentation, and not where each item is checked by itself.
fn around<K: Kind>(items: bool) -> Spec {
    let list = OptionSpec {
        name: K::PLURAL.to_owned(),
        description: format!(
            "A list of {}, each with the options of one. What stands at the top level beside it is the default \
             for each of them, and only what is written is compared: the defaults of a single {} do not count.",
            K::PLURAL.replace('_', " "),
            K::NOUN
        ),
        kind: Type::List,
        elements: Some(Type::Dict),
        options: items.then(|| Spec::of::<K::Object>().as_item()),
        group: Group::Run,
        ..OptionSpec::default()
    };
    Spec { options: vec![list], ..Spec::default() }
        .and(Spec::of::<K::Settings>().in_group(Group::Run))
        .and(Spec::of::<K::Connection>().in_group(Group::Connection))
        .and(Spec::of::<Common>().in_group(Group::Common))
}

/// The task, and what is to be warned of.
pub struct Parsed<K: Kind> {
    /// The task.
    pub task: Task<K>,
    /// Warnings about the options.
    pub warnings: Vec<String>,
}

/// Brings the options to their types and checks them.
pub fn parse<K: Kind>(args: &Object, internal: &Internal, env: coerce::Env) -> Result<Parsed<K>> {
    parse_all(args.clone(), internal, env)
}

/// The same for arguments that nobody needs afterwards: of a list of thousands each item is given up as it
/// is read, so that they are never there twice.
pub fn parse_all<K: Kind>(mut args: Object, internal: &Internal, env: coerce::Env) -> Result<Parsed<K>> {
    let full = spec::<K>();
    let found = coerce::secrets(&full, &args, env);
    secret::hide(found.iter().map(String::as_str));
    let module = internal.module_name.as_deref().unwrap_or(K::NAME);
    let checks = Checks { ignore_unknown: internal.ignore_unknown };
    let single = args.get(K::PLURAL).is_none_or(Value::is_null);
    let spec = if single {
        Spec::of::<K::Object>().and(around::<K>(false))
    } else {
        Spec::of::<K::Object>().as_defaults().and(around::<K>(false))
    };
    let plain = args.get_mut(K::PLURAL).and_then(Value::as_array_mut).filter(|all| all.iter().all(Value::is_object));
    let items = plain.map(std::mem::take);
    let mut coerced = coerce::validate(&spec, module, &args, env, checks).map_err(Error::bad_options)?;
    // As they are after coercion. A default password is hidden where it is used: with a token it is none.
    let written = coerced.values.iter().filter(|(name, _)| coerced.written.contains(*name)).map(own).collect();
    let chosen = coerce::secrets(&full, &written, env);
    secret::hide(chosen.iter().map(String::as_str));
    let mut warnings = coerced.warnings;
    let object_spec = Spec::of::<K::Object>();
    let mine = |name: &String| object_spec.find(name).is_some();
    let declared = if single {
        let written = coerced.written.iter().filter(|name| mine(name)).cloned().collect();
        vec![Declared { options: part(&object_spec, &coerced.values, "")?, written, at: String::new() }]
    } else {
        // Items that are written as text became maps above.
        let list = coerced.values.get_mut(K::PLURAL).map(Value::take).unwrap_or_default();
        let items = items.unwrap_or_else(|| match list {
            Value::Array(items) => items,
            _ => Vec::new(),
        });
        let above: Object =
            coerced.values.iter().filter(|(name, _)| coerced.written.contains(*name) && mine(name)).map(own).collect();
        let of_item = object_spec.as_item();
        let mut declared = Vec::with_capacity(items.len());
        for (number, item) in items.into_iter().enumerate() {
            let at = format!("{}[{number}]", K::PLURAL);
            let Value::Object(item) = item else { continue };
            let coerced =
                coerce::validate_item(&of_item, module, &item, env, checks, &at).map_err(Error::bad_options)?;
            drop(item);
            let chosen = coerce::secrets(&object_spec, &coerced.values, env);
            secret::hide(chosen.iter().map(String::as_str));
            warnings.extend(coerced.warnings.into_iter().map(|warning| format!("{at}: {warning}")));
            // What an item writes replaces what stands above it, also under an excluding name.
            let excluded = |name: &String| {
                let excludes = |group: &Vec<String>| {
                    group.contains(name) && group.iter().any(|other| other != name && coerced.written.contains(other))
                };
                of_item.mutually_exclusive.iter().any(excludes)
            };
            let mut values: Object = above.iter().filter(|(name, _)| !excluded(name)).map(own).collect();
            values.extend(coerced.values.into_iter().filter(|(name, _)| coerced.written.contains(name)));
            let written: BTreeSet<String> = values.keys().cloned().collect();
            for option in of_item.options.iter().filter(|option| option.default.is_some()) {
                let default = option.default.clone().unwrap_or_default();
                values.entry(option.name.clone()).or_insert(default);
            }
            coerce::check_requirements(&of_item, &values, &at).map_err(Error::bad_options)?;
            declared.push(Declared { options: whole(&object_spec, values, &at)?, written, at });
        }
        declared
    };
    let task = Task {
        connection: part(&Spec::of::<K::Connection>(), &coerced.values, "")?,
        settings: part(&Spec::of::<K::Settings>(), &coerced.values, "")?,
        common: part(&Spec::of::<Common>(), &coerced.values, "")?,
        declared,
        single,
        written: coerced.written,
        no_log: internal.no_log,
    };
    Ok(Parsed { task, warnings })
}

fn own((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// The struct that some of the options make up. Options that are null are left out of it: null means
/// "not declared", as Ansible's `omit` does.
fn part<T: DeserializeOwned + JsonSchema>(spec: &Spec, values: &Object, at: &str) -> Result<T> {
    let mine = |(name, value): &(&String, &Value)| !value.is_null() && spec.find(name).is_some();
    whole(spec, values.iter().filter(mine).map(own).collect(), at)
}

/// The same of options that are no longer needed.
fn whole<T: DeserializeOwned + JsonSchema>(spec: &Spec, mut values: Object, at: &str) -> Result<T> {
    values.retain(|name, value| !value.is_null() && spec.find(name).is_some());
    serde_json::from_value(Value::Object(values)).map_err(|error| {
        let place = if at.is_empty() { String::new() } else { format!("{at}: ") };
        Error::bad_options(format!("{place}the options cannot be used: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn taken(args: Value) -> Result<Internal> {
        let mut args = args.as_object().cloned().unwrap_or_default();
        let internal = Internal::take(&mut args)?;
        assert!(args.keys().all(|key| key == "name"), "{args:?}");
        Ok(internal)
    }

    #[test]
    fn ansibles_own_keys_are_taken_in_every_spelling() {
        for yes in [json!(true), json!("yes"), json!("True"), json!(" on "), json!("1"), json!(1), json!(1.0)] {
            let internal = taken(json!({
                "name": "x", "_ansible_check_mode": yes, "_ansible_diff": yes, "_ansible_no_log": yes,
                "_ansible_inject_invocation": yes, "_ansible_ignore_unknown_opts": yes, "_ansible_new": {"a": 1},
            }));
            let all = internal.expect("a boolean");
            let set = [all.check_mode, all.diff, all.no_log, all.inject_invocation, all.ignore_unknown];
            assert_eq!(set, [true; 5], "{yes}");
        }
        for no in [json!(false), json!("no"), json!("OFF"), json!(0), json!(null)] {
            assert!(!taken(json!({"_ansible_check_mode": no})).expect("a boolean").check_mode, "{no}");
        }
        for (verbosity, meant) in [(json!(3), 3), (json!("2"), 2), (json!(null), 0)] {
            assert_eq!(taken(json!({"_ansible_verbosity": verbosity})).expect("a number").verbosity, meant);
        }
    }

    #[test]
    fn a_check_mode_that_is_no_boolean_ends_the_run() {
        for wrong in [json!("maybe"), json!(""), json!(2), json!([true]), json!({})] {
            let told = taken(json!({"_ansible_check_mode": wrong})).map(drop).expect_err("to be refused").to_string();
            assert!(told.starts_with("`_ansible_check_mode` cannot be used: "), "{wrong}: {told}");
        }
    }
}
