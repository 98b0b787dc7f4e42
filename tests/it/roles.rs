//! Over every role: what it declares of itself is what it does, and what it passes to modules exists.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use hearth::{module::spec::Spec, registry};
use serde_json::{Map, Value};

/// A file of a role, as a value.
fn yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    listed.map(|entry| entry.expect("a folder can be listed").path()).collect()
}

fn roles() -> Vec<PathBuf> {
    let found = entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join("roles"));
    assert!(!found.is_empty(), "there is no role");
    found
}

/// The variables of a role as `meta/argument_specs.yml` describes them.
fn described(role: &Path) -> Map<String, Value> {
    let options = yaml(&role.join("meta/argument_specs.yml"))["argument_specs"]["main"]["options"].clone();
    options.as_object().cloned().expect("the role's variables are described")
}

fn specs() -> BTreeMap<&'static str, Spec> {
    registry::modules().iter().map(|module| (module.name, (module.spec)())).collect()
}

/// Each option that a role's tasks give to one of our modules: the module, the option, what is given.
fn given(role: &Path) -> Vec<(&'static str, String, Value)> {
    fn search(value: &Value, specs: &BTreeMap<&'static str, Spec>, found: &mut Vec<(&'static str, String, Value)>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| search(item, specs, found)),
            Value::Object(map) => {
                for (key, inner) in map {
                    match (specs.get_key_value(key.as_str()), inner) {
                        (Some((module, _)), Value::Object(options)) => {
                            found.extend(options.iter().map(|(name, value)| (*module, name.clone(), value.clone())));
                        }
                        _ => search(inner, specs, found),
                    }
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for file in entries(&role.join("tasks")) {
        search(&yaml(&file), &specs(), &mut found);
    }
    found
}

/// The variable that a template hands on: `{{ grafana_url | default(omit, true) }}`.
fn variable(template: &Value) -> Option<&str> {
    let inside = template.as_str()?.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let name = inside.split('|').next()?.trim();
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_').then_some(name)
}

#[test]
fn defaults_are_described_with_the_same_values() {
    for role in roles() {
        let described = described(&role);
        let defaults = yaml(&role.join("defaults/main.yml"));
        let defaults = defaults.as_object().expect("the defaults are a map");
        for (name, value) in defaults {
            let option = described.get(name).unwrap_or_else(|| panic!("`{name}` has a default and no description"));
            assert_eq!(option.get("default"), Some(value), "the default of `{name}`");
        }
        for (name, option) in &described {
            assert!(option["description"].is_string(), "`{name}` is not described");
            assert_eq!(option.get("default").is_some(), defaults.contains_key(name), "the default of `{name}`");
            assert_ne!(option["required"], true, "`{name}` is required, and all that has no default is optional");
        }
    }
}

#[test]
fn every_variable_is_in_the_readme_and_used() {
    for role in roles() {
        let readme = fs::read_to_string(role.join("README.md")).expect("the role has a README");
        let tasks: String = entries(&role.join("tasks"))
            .iter()
            .map(|file| fs::read_to_string(file).expect("a file of tasks can be read"))
            .collect();
        for name in described(&role).keys() {
            assert!(readme.contains(&format!("`{name}`")), "`{name}` is not in the README");
            assert!(tasks.contains(name.as_str()), "`{name}` is used by no task");
        }
    }
}

/// The modules that a file of tasks calls, in order, with the variable of the list that each is given.
fn called(file: &Path) -> Vec<(&'static str, String)> {
    let specs = specs();
    let tasks = yaml(file);
    let tasks = tasks.as_array().expect("a list of tasks");
    let call = |task: &Value| {
        let (name, options) = task.as_object()?.iter().find(|(name, _)| specs.contains_key(name.as_str()))?;
        let (module, spec) = specs.get_key_value(name.as_str())?;
        let plural = spec
            .options
            .iter()
            .find(|one| one.name != "prune" && one.options.is_some() && options[&one.name].is_string())?;
        let template = options[&plural.name].as_str()?;
        let word = template.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))?;
        Some((*module, word.to_owned()))
    };
    tasks.iter().filter_map(call).collect()
}

#[test]
fn what_is_made_last_is_taken_away_first() {
    for role in roles() {
        let made = called(&role.join("tasks/present.yml"));
        let mut taken_away = called(&role.join("tasks/absent.yml"));
        taken_away.reverse();
        assert!(made.len() >= 3, "{}: {made:?}", role.display());
        assert_eq!(made, taken_away, "{}", role.display());
    }
}

/// What can be pruned is what can be declared; other modules only read.
#[test]
fn each_module_that_declares_is_in_the_role_of_its_service() {
    let specs = specs();
    for role in roles() {
        let service = role.file_name().and_then(|name| name.to_str()).expect("a role has a name");
        let used: BTreeSet<&str> =
            called(&role.join("tasks/present.yml")).into_iter().map(|(module, _)| module).collect();
        let declares = |spec: &Spec| spec.options.iter().any(|one| one.name == "prune");
        for (module, spec) in &specs {
            if module.starts_with(&format!("{service}_")) && declares(spec) {
                assert!(used.contains(module), "{service}: no task calls `{module}`");
            }
        }
    }
}

/// Each list has a variable that says what goes because it is not in it.
#[test]
fn each_list_can_be_pruned() {
    for role in roles() {
        for name in described(&role).iter().filter(|(_, one)| one["type"] == "list").map(|(name, _)| name) {
            assert!(described(&role).contains_key(&format!("{name}_prune")), "`{name}` cannot be pruned");
        }
    }
}

#[test]
fn modules_are_given_only_options_that_they_have() {
    let specs = specs();
    for role in roles() {
        let given = given(&role);
        assert!(!given.is_empty(), "{} calls no module", role.display());
        for (module, option, _) in given {
            let known = specs[module].options.iter().any(|one| one.name == option || one.aliases.contains(&option));
            assert!(known, "{}: `{module}` has no option `{option}`", role.display());
        }
    }
}

/// A variable that is handed on as it is has the type and the choices of its option, and is secret where that is.
#[test]
fn variables_are_what_their_options_are() {
    let specs = specs();
    let mut compared = BTreeSet::new();
    for role in roles() {
        let described = described(&role);
        for (module, option, template) in given(&role) {
            let Some((name, variable)) = variable(&template).and_then(|name| Some((name, described.get(name)?))) else {
                continue;
            };
            let spec = specs[module].options.iter().find(|one| one.name == option);
            let spec = spec.unwrap_or_else(|| panic!("`{module}` is given `{option}` by another name than its own"));
            assert_eq!(variable["type"], spec.kind.name(), "the type of `{name}`, which is `{option}` of {module}");
            if let Some(choices) = variable["choices"].as_array() {
                assert!(choices.iter().all(|one| spec.choices.contains(one)), "{choices:?} of `{name}`");
            }
            assert_eq!(variable["choices"].is_array(), !spec.choices.is_empty(), "the choices of `{name}`");
            assert!(!spec.no_log || variable["no_log"] == true, "`{name}` is not marked as a secret");
            items_are_known(name, variable, module, &spec.options);
            compared.insert(name.to_owned());
        }
    }
    assert!(compared.len() >= 15, "only {compared:?} were compared");
}

/// The options of a list's items, where the role describes them.
fn items_are_known(name: &str, variable: &Value, module: &str, items: &Option<Spec>) {
    for item in variable["options"].as_object().into_iter().flat_map(Map::keys) {
        let known =
            items.iter().flat_map(|spec| &spec.options).any(|one| one.name == *item || one.aliases.contains(item));
        assert!(known, "`{name}` describes `{item}`, which an item of {module} does not have");
    }
}
