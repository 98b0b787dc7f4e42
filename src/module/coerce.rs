//! The options brought to their types and checked, as AnsibleModule does it.
//!
//! Order, outcome and wording follow AnsibleModule, so that a task written for a Python module
//! fails or passes here for the same reason. Where this differs it is on purpose, and
//! `tests/it/arguments.rs` lists each such case:
//!
//! - A map or a list given for text is refused; AnsibleModule turns it into Python's notation.
//! - A misspelt option gets the nearest name, and an item of a list its number.
//! - Numbers that JSON or 64 bits cannot hold (`inf`, `nan`, `1e30` as an int) are refused.
//! - An environment variable conflicts with nothing that is written: it gives way to an alias without a
//!   warning, and to an option that excludes its own without an error; of two variables that exclude
//!   each other one counts.
//! - An environment variable that is set and empty counts as not set: that is how it is switched off in a
//!   pipeline, and an empty token must not stand in the way of a user's name.
//! - A value of an option that is a secret is never repeated in an error.
//!
//! Null counts as written, and for most rules as given, as it does there.

mod literal;
mod paths;
mod rules;
mod secrets;
#[cfg(test)]
mod tests;
mod types;
mod unknown;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::spec::{Object, OptionSpec, Spec, Type};
use unknown::Unknown;

pub use rules::check_requirements;
pub use secrets::secrets;
pub(super) use unknown::nearest;

/// Looks an environment variable up.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What to warn of whether or not the options are then refused: those at the top that stand there under two names.
pub(super) fn warnings(spec: &Spec, args: &Object) -> Vec<String> {
    written_twice(spec, args, &Place::default())
}

fn written_twice(spec: &Spec, args: &Object, place: &Place) -> Vec<String> {
    let mut warnings = Vec::new();
    for option in &spec.options {
        let mut before = args.contains_key(&option.name);
        for alias in option.aliases.iter().filter(|alias| args.contains_key(*alias)) {
            if before {
                let (name, alias) = (place.path(&option.name), place.path(alias));
                warnings.push(format!("Both option {name} and its alias {alias} are set."));
            }
            before = true;
        }
    }
    warnings
}

/// A value as AnsibleModule takes it for a boolean.
pub fn boolean(value: &Value) -> Result<bool, String> {
    types::boolean(value, false)
}

/// The options brought to their types, and what is to be said of them.
#[derive(Clone, Debug, Default)]
pub struct Coerced {
    /// The values under canonical names, in the order of the spec. After [`validate`] every option
    /// is there: one not given has its default or is null. After [`validate_item`] only those written.
    pub values: Object,
    /// The canonical names that the task itself wrote, null included: neither by default nor by environment.
    pub written: BTreeSet<String>,
    /// What to warn of.
    pub warnings: Vec<String>,
}

/// What is checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checks {
    /// `_ansible_ignore_unknown_opts`: an option that the spec does not know is left out silently.
    pub ignore_unknown: bool,
}

/// Brings a module's options to their types and checks them.
///
/// # Errors
///
/// The first thing wrong, in AnsibleModule's words. It may contain values: mask it with [`secrets`].
pub fn validate(spec: &Spec, module: &str, args: &Object, env: Env, checks: Checks) -> Result<Coerced, String> {
    run(spec, module, args, env, checks, Extent::Whole)
}

/// Brings an item of a list (`at` is for example `folders[3]`) to its types and checks it.
///
/// Only what is written counts: there are no defaults, no environment variables, and no requirements,
/// since what stands above the list is the default of each item: [`check_requirements`] looks at both
/// together. Maps inside the item are whole. The environment serves only to expand paths.
///
/// # Errors
///
/// As [`validate`], with `at` before it. Warnings have no such prefix.
pub fn validate_item(
    spec: &Spec,
    module: &str,
    args: &Object,
    env: Env,
    checks: Checks,
    at: &str,
) -> Result<Coerced, String> {
    run(spec, module, args, env, checks, Extent::Written).map_err(|error| format!("{at}: {error}"))
}

fn run(spec: &Spec, module: &str, args: &Object, env: Env, checks: Checks, extent: Extent) -> Result<Coerced, String> {
    let mut pass = Pass { env, warnings: Vec::new(), unknown: Vec::new() };
    let (values, written) = pass.level(spec, args, extent, &Place::default())?;
    if !checks.ignore_unknown && !pass.unknown.is_empty() {
        return Err(unknown::message(module, pass.unknown));
    }
    Ok(Coerced { values, written, warnings: pass.warnings })
}

/// How much of a set of options has to be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All: with environment and defaults, and what is required.
    Whole,
    /// Only what is written.
    Written,
}

/// Where a set of options stands.
#[derive(Default)]
struct Place {
    /// The options that it lies in, outermost first, list elements with their number.
    parents: Vec<String>,
}

impl Place {
    fn inside(&self, parent: String) -> Place {
        let mut parents = self.parents.clone();
        parents.push(parent);
        Place { parents }
    }

    /// The message with the options that it lies in, as AnsibleModule adds them.
    fn found_in(&self, message: String) -> String {
        if self.parents.is_empty() { message } else { format!("{message} found in {}", self.parents.join(" -> ")) }
    }

    /// The option's name with everything that it lies in.
    fn path(&self, name: &str) -> String {
        self.parents.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".")
    }
}

/// One walk over the options and their suboptions.
struct Pass<'a> {
    env: Env<'a>,
    warnings: Vec<String>,
    unknown: Vec<Unknown<'a>>,
}

impl<'a> Pass<'a> {
    fn level(
        &mut self,
        spec: &'a Spec,
        args: &Object,
        extent: Extent,
        place: &Place,
    ) -> Result<(Object, BTreeSet<String>), String> {
        let mut values = self.by_canonical_name(spec, args, place);
        let written = values.keys().cloned().collect();
        for name in args.keys().filter(|name| spec.find(name).is_none()) {
            self.unknown.push(Unknown { parents: place.parents.clone(), name: name.clone(), spec });
        }
        if extent == Extent::Whole {
            self.fill_from_environment(spec, &mut values);
        }
        rules::mutually_exclusive(spec, &values, place)?;
        if extent == Extent::Whole {
            for option in &spec.options {
                if let (Some(default), false) = (&option.default, values.contains_key(&option.name)) {
                    values.insert(option.name.clone(), default.clone());
                }
            }
            rules::required(spec, &values, place)?;
        }
        for option in &spec.options {
            self.convert(option, &mut values, place)?;
        }
        for option in &spec.options {
            rules::choices(option, &mut values, place)?;
        }
        if extent == Extent::Whole {
            rules::between_options(spec, &values, place)?;
        }
        let mut ordered = Map::new();
        for option in &spec.options {
            match values.remove(&option.name) {
                Some(value) => ordered.insert(option.name.clone(), value),
                None if extent == Extent::Whole => ordered.insert(option.name.clone(), Value::Null),
                None => None,
            };
        }
        for option in &spec.options {
            self.suboptions(option, &mut ordered, extent, place)?;
        }
        Ok((ordered, written))
    }

    /// The known options under their canonical names. An alias wins over the name that it stands for.
    fn by_canonical_name(&mut self, spec: &Spec, args: &Object, place: &Place) -> Object {
        self.warnings.extend(written_twice(spec, args, place));
        let mut values = Map::new();
        for option in &spec.options {
            let names = std::iter::once(&option.name).chain(&option.aliases);
            if let Some(value) = names.filter_map(|name| args.get(name)).next_back() {
                values.insert(option.name.clone(), value.clone());
            }
        }
        values
    }

    /// A variable does not stand in for an option that excludes one which is written. Of two variables
    /// that exclude each other the later option's counts: with a user and a token exported, the token.
    fn fill_from_environment(&self, spec: &Spec, values: &mut Object) {
        let mut written: BTreeSet<String> = values.keys().cloned().collect();
        for option in spec.options.iter().rev() {
            let excludes = |group: &&Vec<String>| {
                group.contains(&option.name) && group.iter().any(|name| *name != option.name && written.contains(name))
            };
            if written.contains(&option.name) || spec.mutually_exclusive.iter().any(|group| excludes(&group)) {
                continue;
            }
            if let Some(value) = option.env.iter().find_map(|name| (self.env)(name).filter(|value| !value.is_empty())) {
                values.insert(option.name.clone(), Value::String(value));
                written.insert(option.name.clone());
            }
        }
    }

    fn convert(&self, option: &OptionSpec, values: &mut Object, place: &Place) -> Result<(), String> {
        let Some(value) = values.get_mut(&option.name) else { return Ok(()) };
        if value.is_null() && !option.required && option.default.is_none() {
            return Ok(());
        }
        let found = match place.parents.is_empty() {
            true => String::new(),
            false => format!(" found in '{}'", place.parents.join(" -> ")),
        };
        let given = value.take();
        let of = types::name(&given);
        *value = types::convert(option.kind, given, option.no_log, self.env).map_err(|why| {
            let (name, wanted) = (&option.name, option.kind.name());
            format!("argument '{name}' is of type {of}{found} and we were unable to convert to {wanted}: {why}")
        })?;
        if let (Some((least, most)), Value::Number(number)) = (option.range, &*value)
            && !number.to_string().parse::<i128>().is_ok_and(|number| (least..=most).contains(&number))
        {
            let name = &option.name;
            return Err(format!("{name}{found} is {number}, and a number from {least} to {most} is needed"));
        }
        let (Some(wanted), Value::Array(elements)) = (option.elements, value) else { return Ok(()) };
        for element in elements {
            let given = element.take();
            let of = types::name(&given);
            *element = types::convert(wanted, given, option.no_log, self.env).map_err(|why| {
                let (name, wanted) = (&option.name, wanted.name());
                format!(
                    "Elements value for option '{name}'{found} is of type {of} \
                     and we were unable to convert to {wanted}: {why}"
                )
            })?;
        }
        Ok(())
    }

    fn suboptions(
        &mut self,
        option: &'a OptionSpec,
        values: &mut Object,
        extent: Extent,
        place: &Place,
    ) -> Result<(), String> {
        let of_maps = option.kind == Type::Dict || (option.kind == Type::List && option.elements == Some(Type::Dict));
        let Some(spec) = option.options.as_ref().filter(|_| of_maps) else { return Ok(()) };
        if option.suboption_defaults
            && extent == Extent::Whole
            && option.kind == Type::Dict
            && values.get(&option.name).is_none_or(Value::is_null)
        {
            values.insert(option.name.clone(), Value::Object(Map::new()));
        }
        match values.get_mut(&option.name) {
            Some(Value::Object(map)) => {
                *map = self.level(spec, map, Extent::Whole, &place.inside(option.name.clone()))?.0;
            }
            Some(Value::Array(elements)) => {
                for (number, element) in elements.iter_mut().enumerate() {
                    let Value::Object(map) = element else { continue };
                    let inner = place.inside(format!("{}[{number}]", option.name));
                    *map = self.level(spec, map, Extent::Whole, &inner)?.0;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
