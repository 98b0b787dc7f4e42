//! Every case of `tests/python/argument_table.json`, which the real AnsibleModule has written, through
//! our own validation: the same outcome, the same values, the same words.

use std::{collections::BTreeSet, fs};

use hearth::module::{
    Object, Spec,
    coerce::{Checks, Coerced, validate},
    spec::{OptionSpec, RequiredIf, Type},
};
use serde_json::Value;

/// Why we differ on purpose, and in which cases. Each of them must still differ.
const DIFFERENCES: &[(&str, &[&str])] = &[
    (
        "a map or list given for text is a mistake; AnsibleModule turns it into Python's notation",
        &[
            "str from []",
            r#"str from ["a", 1, 1.0, true, null]"#,
            r#"str from ["it's", "say \"x\"", "both ' and \""]"#,
            r#"str from ["tab\t", "nl\n", "back\\slash", "caf\u00e9", "\u0000", "\u007f", "\u00a0", "\u200b", "\ud83d\ude00", "\u00ad"]"#,
            "str from {}",
            r#"str from {"a": 1}"#,
            r#"str from {"b": {"c": [1, null]}, "a": "x"}"#,
            r#"str from {"k": "it's"}"#,
            "str from [[]]",
            "str from [{}]",
            "no type means str, from list",
            r#"list elements="str" from [[1, "x"]]"#,
            r#"list elements="str" from [{"a": 1}]"#,
            "path from []",
            r#"path from ["~/x"]"#,
            r#"path from {"a": "~"}"#,
            r#"choices of text from ["present"]"#,
        ],
    ),
    (
        "numbers have 64 bits here; a larger one is refused rather than rounded",
        &[
            "int from -9223372036854775809",
            "int from 123456789012345678901234567890",
            r#"int from "-9223372036854775809""#,
            r#"int from "123456789012345678901234567890""#,
            "int from 1e+20",
            "str from 123456789012345678901234567890",
            "str from 1e+22",
            "str from 1e+23",
            "str from 1e+100",
            "str from 1.7976931348623157e+308",
        ],
    ),
    ("only ASCII digits are digits", &[r#"int from "\u0665""#, r#"int from "\uff15""#]),
    (
        "an error does not repeat null, a map or a list in Python's notation",
        &[
            "int from []",
            "int from [5]",
            "int from {}",
            r#"int from {"a": 5}"#,
            r#"list elements="int" from [null]"#,
            r#"list elements="int" from [[1]]"#,
            r#"list elements="int" from [{"a": 1}]"#,
            "explicit null for int with default 7",
            "required int, null",
            "suboptions, null for a suboption with a default",
            "choices of raw, a dict given",
            "required_if on a list",
        ],
    ),
    (
        "JSON text is written without blanks and escapes; it means the same",
        &[
            r#"json from {"b": 1, "a": [null, true, 1.0]}"#,
            r#"json from [1, "x"]"#,
            r#"json from {"k": "caf\u00e9 \ud83d\ude00"}"#,
            r#"json from {"k": "q\"\\/\b\n\u001f\u007f"}"#,
            r#"json from {"f": [1e+16, 1e+22, 1e-07, 0.1, 100000.0, -0.0]}"#,
            r#"list elements="json" from [{"a": 1}, [1], " x "]"#,
            "default in a json option",
        ],
    ),
    (
        "mistakes in a spec are found by the tests over the registry, not by each run",
        &[
            "empty choices",
            "required with a default is an internal error",
            "aliases as text is an internal error",
            "required_if with an alias as the key",
            "mutually_exclusive, option and its own alias",
            "apply_defaults on a list of dicts",
            "a password without no_log is warned of",
            "a pass-like name is warned of, even when null",
        ],
    ),
    (
        "an environment variable conflicts with nothing that is written, and gives way to it",
        &[
            "alias with env fallback: the alias is looked at after the environment",
            "mutually_exclusive with env fallback",
        ],
    ),
    (
        "an environment variable that is empty counts as not set: it is how a pipeline switches one off",
        &["env empty counts as set", "env empty for a bool fails"],
    ),
    (
        "an internal argument that a newer Ansible sends is ignored",
        &["unknown option named like an unused internal one"],
    ),
    (
        "the error names the option",
        &[
            "suboptions, text that is no dict",
            "no_log suboption, text that is no dict",
            "no_log suboption, the list is a number",
            "list of dicts, element of the wrong kind",
            "list of dicts, null element",
            "two levels, elements error",
        ],
    ),
    ("names of options are not masked", &["no_log: in the name of an option in a failure"]),
];

/// Types that none of our options has.
const FOREIGN_TYPES: &[&str] = &["bits", "bytes", "jsonarg"];

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/argument_table.json");

#[test]
fn arguments_come_out_as_from_ansible_module() {
    let table = fs::read_to_string(TABLE).expect("the argument table must be readable");
    let table: Value = serde_json::from_str(&table).expect("the argument table must be JSON");
    let on_purpose: BTreeSet<_> = DIFFERENCES.iter().flat_map(|(_, cases)| *cases).copied().collect();
    let listed: usize = DIFFERENCES.iter().map(|(_, cases)| cases.len()).sum();
    assert_eq!(on_purpose.len(), listed, "a difference is listed twice");
    let mut wrong = Vec::new();
    let mut unseen = on_purpose.clone();
    for case in table["cases"].as_array().expect("the table must have cases") {
        let name = case["name"].as_str().expect("a case must have a name");
        if FOREIGN_TYPES.contains(&case["spec"]["v"]["type"].as_str().unwrap_or_default()) {
            continue;
        }
        unseen.remove(name);
        match (difference(&table, case), on_purpose.contains(name)) {
            (Some(difference), false) => wrong.push(format!("{name}:\n    {difference}")),
            (None, true) => wrong.push(format!("{name}: listed as different on purpose, but it is equal")),
            _ => {}
        }
    }
    wrong.extend(unseen.iter().map(|name| format!("{name}: listed as different, but not in the table")));
    assert!(wrong.is_empty(), "{} cases differ from AnsibleModule:\n{}", wrong.len(), wrong.join("\n"));
}

/// In what the case comes out otherwise than from AnsibleModule.
fn difference(table: &Value, case: &Value) -> Option<String> {
    let spec = spec(&case["spec"], case);
    let module = table["module_name"].as_str().unwrap_or_default();
    let env = |name: &str| {
        let set = case["env"].get(name).or_else(|| table["base_env"].get(name))?;
        Some(set.as_str().expect("a variable must be text").to_owned())
    };
    let mut args = case["args"].as_object().expect("arguments must be a map").clone();
    let ignore_unknown = args.get("_ansible_ignore_unknown_opts") == Some(&Value::Bool(true));
    args.retain(|name, _| !name.starts_with("_ansible_"));
    let ours = validate(&spec, module, &args, &env, Checks { ignore_unknown });
    let theirs = &case["result"];
    match ours {
        Err(ours) if theirs["ok"] == Value::Bool(true) => Some(format!("ours fails: {ours}\n    theirs: {theirs}")),
        Err(_) if theirs.get("crash").is_some() => None,
        Err(ours) => {
            let theirs = theirs["msg"].as_str().unwrap_or_default();
            (comparable(&ours) != comparable(theirs)).then(|| format!("ours:   {ours}\n    theirs: {theirs}"))
        }
        Ok(Coerced { values, .. }) if theirs["ok"] != Value::Bool(true) => {
            Some(format!("ours is well: {}\n    theirs: {theirs}", Value::Object(values)))
        }
        Ok(Coerced { values, warnings, .. }) => {
            let params = canonical(&spec, theirs["params"].as_object().expect("params must be a map"));
            let told: Vec<&str> =
                theirs["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if !equal(&Value::Object(values.clone()), &Value::Object(params.clone())) {
                return Some(format!("ours:   {}\n    theirs: {}", Value::Object(values), Value::Object(params)));
            }
            (warnings != told).then(|| format!("our warnings: {warnings:?}\n    theirs: {told:?}"))
        }
    }
}

/// Parameters without the aliases that AnsibleModule leaves beside the canonical names.
fn canonical(spec: &Spec, params: &Object) -> Object {
    let inner = |option: &OptionSpec, value: &Value| match (&option.options, value) {
        (Some(spec), Value::Object(map)) => Value::Object(canonical(spec, map)),
        (Some(spec), Value::Array(all)) if option.elements == Some(Type::Dict) => all
            .iter()
            .map(|one| one.as_object().map_or(one.clone(), |map| Value::Object(canonical(spec, map))))
            .collect(),
        _ => value.clone(),
    };
    spec.options
        .iter()
        .filter_map(|option| Some((option.name.clone(), inner(option, params.get(&option.name)?))))
        .collect()
}

/// As Python compares: `5` equals `5.0`, and true equals `1`.
fn equal(ours: &Value, theirs: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Bool(is) => Some(f64::from(u8::from(*is))),
        other => other.as_f64(),
    };
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| equal(ours, theirs))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(key, ours)| theirs.get(key).is_some_and(|theirs| equal(ours, theirs)))
        }
        _ => ours == theirs || number(ours).is_some_and(|ours| Some(ours) == number(theirs)),
    }
}

/// A message without what is ours alone and what is Python's alone.
fn comparable(message: &str) -> String {
    let mut message = message.to_owned();
    for (from, to) in [("<class '", ""), ("NoneType", "null"), ("'. and we were", "' and we were")] {
        message = message.replace(from, to);
    }
    for number in 0..9 {
        message = message.replace(&format!("[{number}]"), "");
    }
    message = message.replace("'> cannot be converted", " cannot be converted");
    for cut in ["Valid booleans include: ", " Did you mean "] {
        if let Some(at) = message.find(cut) {
            message.truncate(at);
        }
    }
    message
}

fn spec(options: &Value, rules: &Value) -> Spec {
    let names = |value: &Value| -> Vec<String> {
        match value {
            Value::String(one) => vec![one.clone()],
            other => other.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect(),
        }
    };
    let groups = |key: &str| rules[key].as_array().into_iter().flatten().map(names).collect();
    let kind = |value: Option<&Value>| Some(Type::from_name(value?.as_str()?).expect("a type must be known"));
    let option = |(name, option): (&String, &Value)| OptionSpec {
        name: name.clone(),
        description: String::new(),
        kind: kind(option.get("type")).unwrap_or(Type::Str),
        elements: kind(option.get("elements")),
        required: option["required"] == Value::Bool(true),
        default: option.get("default").filter(|value| !value.is_null()).cloned(),
        choices: option["choices"].as_array().cloned().unwrap_or_default(),
        aliases: names(&option["aliases"]),
        no_log: option["no_log"] == Value::Bool(true),
        env: names(&option["fallback_env"]),
        options: option.get("options").map(|options| spec(options, option)),
        suboption_defaults: option["apply_defaults"] == Value::Bool(true),
        ..OptionSpec::default()
    };
    Spec {
        options: options.as_object().expect("a spec must be a map").iter().map(option).collect(),
        required_if: rules["required_if"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|rule| RequiredIf {
                option: rule[0].as_str().unwrap_or_default().to_owned(),
                value: rule[1].clone(),
                needs: names(&rule[2]),
                any: rule.get(3) == Some(&Value::Bool(true)),
            })
            .collect(),
        required_together: groups("required_together"),
        required_one_of: groups("required_one_of"),
        mutually_exclusive: groups("mutually_exclusive"),
        required_by: rules["required_by"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, needs)| (name.clone(), names(needs)))
            .collect(),
    }
}
