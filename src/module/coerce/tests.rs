//! What the table of AnsibleModule's answers (`tests/it/arguments.rs`) lacks.

use std::fmt::Write;

use proptest::prelude::*;
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::{super::spec::Spec, Checks, Object, check_requirements, secrets, validate, validate_item};

/// How a role binds to a folder.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Permission {
    role: Option<String>,
    #[schemars(extend("x-default" = 1))]
    level: i64,
}

#[derive(JsonSchema)]
#[schemars(extend("x-mutually-exclusive" = [["uid", "parent"]], "x-required-if" = [["state", "present", ["title"]]]))]
#[expect(dead_code, reason = "only its schema is used")]
struct Folder {
    #[schemars(extend("x-aliases" = ["name"]))]
    title: Option<String>,
    uid: Option<String>,
    parent: Option<String>,
    count: Option<i64>,
    #[schemars(extend("x-type" = "path", "x-env" = ["FOLDER_FILE"]))]
    file: Option<String>,
    #[schemars(extend("x-default" = "present"))]
    state: String,
    #[schemars(extend("x-no-log" = true, "x-aliases" = ["pw"], "x-env" = ["FOLDER_PASSWORD"]))]
    password: Option<String>,
    #[schemars(extend("x-no-log" = true))]
    secure: Option<Object>,
    permissions: Option<Vec<Permission>>,
    #[schemars(extend("x-type" = "json"))]
    data: Option<Value>,
    credentials: Option<Vec<Credential>>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Credential {
    user: String,
    #[schemars(extend("x-no-log" = true))]
    token: String,
}

fn map(value: Value) -> Object {
    value.as_object().expect("a test's arguments must be a map").clone()
}

fn env(name: &str) -> Option<String> {
    match name {
        "HOME" => Some("/home/someone".to_owned()),
        "FOLDER_FILE" => Some("~/from-environment".to_owned()),
        _ => None,
    }
}

fn error(args: Value) -> String {
    validate(&Spec::of::<Folder>(), "grafana_folder", &map(args), &env, Checks::default())
        .expect_err("the arguments must be refused")
}

#[test]
fn whole_options_have_defaults_environment_and_what_was_written() {
    let args = map(json!({"name": "Plants", "permissions": [{"role": "Viewer"}], "uid": null}));
    let coerced = validate(&Spec::of::<Folder>(), "grafana_folder", &args, &env, Checks::default())
        .expect("the arguments must be taken");
    assert_eq!(coerced.values["title"], "Plants");
    assert_eq!(coerced.values["file"], "/home/someone/from-environment");
    assert_eq!(coerced.values["state"], "present");
    assert_eq!(coerced.values["permissions"], json!([{"role": "Viewer", "level": 1}]));
    assert_eq!(coerced.values["count"], Value::Null);
    assert_eq!(coerced.written.into_iter().collect::<Vec<_>>(), ["permissions", "title", "uid"]);
}

#[test]
fn the_environment_gives_way_to_what_is_written() {
    let spec = Spec::from_schema(&json!({
        "properties": {
            "user": {"type": "string", "x-aliases": ["login"], "x-env": ["A_USER"]},
            "token": {"type": "string", "x-env": ["A_TOKEN"]},
        },
        "x-mutually-exclusive": [["user", "token"]],
    }));
    let env = |name: &str| Some(format!("from {name}"));
    let coerced = validate(&spec, "m", &map(json!({"login": "me"})), &env, Checks::default())
        .expect("the variables must give way");
    assert_eq!(Value::Object(coerced.values), json!({"user": "me", "token": null}));
    assert_eq!(coerced.warnings, [""; 0]);
    let coerced = validate(&spec, "m", &Object::new(), &env, Checks::default()).expect("one of them counts");
    assert_eq!(Value::Object(coerced.values), json!({"user": null, "token": "from A_TOKEN"}));
}

#[test]
fn an_item_has_only_what_is_written() {
    let args = map(json!({"count": "3", "file": "~/x", "permissions": [{"role": 1}]}));
    let coerced = validate_item(&Spec::of::<Folder>(), "grafana_folder", &args, &env, Checks::default(), "folders[3]")
        .expect("the item must be taken");
    let expected = json!({"count": 3, "file": "/home/someone/x", "permissions": [{"role": "1", "level": 1}]});
    assert_eq!(Value::Object(coerced.values), expected);
}

#[test]
fn an_error_in_an_item_says_where() {
    let args = map(json!({"count": "many"}));
    let error = validate_item(&Spec::of::<Folder>(), "grafana_folder", &args, &env, Checks::default(), "folders[3]")
        .expect_err("the item must be refused");
    assert_eq!(
        error,
        "folders[3]: argument 'count' is of type str and we were unable to convert to int: \
         \"'many'\" cannot be converted to an int"
    );
}

#[test]
fn requirements_of_an_item_count_what_stands_above_it() {
    let spec = Spec::of::<Folder>().as_item();
    let values = map(json!({"state": "present", "title": null}));
    let error = check_requirements(&spec, &values, "folders[0]").expect_err("the title is missing");
    assert_eq!(error, "folders[0]: state is present but all of the following are missing: title");
    let values = map(json!({"state": "present", "title": "Plants", "uid": "a", "parent": null}));
    assert_eq!(check_requirements(&spec, &values, "folders[0]"), Ok(()));
}

#[test]
fn a_misspelt_option_gets_the_nearest_name() {
    let message = error(json!({"titel": "Plants", "title": "x"}));
    assert!(message.starts_with("Unsupported parameters for (grafana_folder) module: titel. Supported"), "{message}");
    assert!(message.ends_with(" Did you mean `title`?"), "{message}");
    let message = error(json!({"title": "x", "permisions": [], "Cuont": 1}));
    assert!(message.ends_with(" Did you mean `count` for `Cuont`, `permissions` for `permisions`?"), "{message}");
    let message = error(json!({"title": "x", "permissions": [{"levle": 1}]}));
    assert!(message.contains("module: permissions[0].levle. Supported parameters include: level, role."), "{message}");
    assert!(!error(json!({"title": "x", "zebra": 1})).contains("Did you mean"));
}

#[test]
fn unknown_options_are_left_out_where_that_is_asked_for() {
    let args = map(json!({"title": "x", "zebra": 1, "permissions": [{"zebra": 1}]}));
    let checks = Checks { ignore_unknown: true };
    let coerced =
        validate(&Spec::of::<Folder>(), "grafana_folder", &args, &env, checks).expect("unknown options are no error");
    assert!(!Value::Object(coerced.values).to_string().contains("zebra"));
}

#[test]
fn an_error_does_not_repeat_a_secret() {
    let spec = Spec::from_schema(&json!({"properties": {
        "pin": {"type": "integer", "x-no-log": true},
        "kind": {"enum": ["a"], "x-no-log": true},
        "flag": {"type": "boolean", "x-no-log": true},
    }}));
    for (name, secret) in
        [("pin", json!("hu\nsh")), ("kind", json!("hush")), ("flag", json!("hush")), ("pin", json!(1.25))]
    {
        let args = map(json!({ name: secret }));
        let error = validate(&spec, "m", &args, &env, Checks::default()).expect_err("the value must be refused");
        assert!(!error.contains("hu") && !error.contains("1.25"), "{error}");
    }
}

#[test]
fn secrets_are_found_wherever_they_stand() {
    let args = map(json!({
        "title": "public",
        "pw": " aliased ",
        "secure": {"key": ["listed", {"deep": 12345}], "flag": true, "none": null},
        "credentials": [{"user": "u", "token": "in-a-list"}, "{\"token\": \"in-text\"}", "token=pair,user=u"],
    }));
    let env = |name: &str| (name == "FOLDER_PASSWORD").then(|| "from-environment".to_owned());
    let mut found = secrets(&Spec::of::<Folder>(), &args, &env);
    found.sort();
    let expected = [" aliased ", "12345", "aliased", "from-environment", "in-a-list", "in-text", "listed", "pair"];
    assert_eq!(found, expected);
    let args = map(json!({"secure": "{\"key\": \"in-json\"}"}));
    assert!(secrets(&Spec::of::<Folder>(), &args, &env).contains(&"in-json".to_owned()));
    let args = map(json!({"password": "x=true,y"}));
    assert_eq!(secrets(&Spec::of::<Folder>(), &args, &|_: &str| None), ["x=true,y"]);
    let args = map(json!({"secure": "key='in quotes' other={'a'"}));
    assert!(secrets(&Spec::of::<Folder>(), &args, &env).contains(&"in quotes".to_owned()));
}

#[test]
fn a_map_or_list_is_not_text() {
    let message = error(json!({"title": {"a": 1}}));
    assert!(
        message.starts_with("argument 'title' is of type dict and we were unable to convert to str: "),
        "{message}"
    );
    assert!(error(json!({"title": "x", "file": ["a"]})).contains("a list is not text"));
}

#[test]
fn deep_text_is_refused_and_not_a_crash() {
    let deep = format!("{{'a': {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(error(json!({"title": "x", "secure": deep})).contains("unable to evaluate string as dictionary"));
    let deep = format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    assert!(error(json!({"title": "x", "secure": deep})).contains("unable to evaluate string as dictionary"));
}

/// Values of every kind, with text near what the parsers look for.
fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        r#"[{}\[\]()'"\\=, :$~/xuU0-9a-eTN.+-]{0,20}"#,
        r#"\{('[a-c]': ('x'|1|0x1|None|\[\]|\(1,\)|u'é')[,}]){0,3}"#,
        Just("\u{1f33b}=\u{e9}".to_owned()),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..4).prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    let options = Spec::of::<Folder>().options;
    let known: Vec<_> =
        options.into_iter().flat_map(|option| option.aliases.into_iter().chain([option.name])).collect();
    prop_oneof![
        4 => prop::sample::select(known),
        1 => prop::sample::select(vec!["role".to_owned(), "level".to_owned(), "user".to_owned(), "token".to_owned()]),
        1 => any::<String>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_arguments_panic(args in prop::collection::vec((name(), value()), 0..6)) {
        let spec = Spec::of::<Folder>();
        let args: Object = args.into_iter().collect();
        let mut said = String::new();
        let _ = write!(said, "{:?}", validate(&spec, "m", &args, &env, Checks::default()));
        let _ = write!(said, "{:?}", validate_item(&spec, "m", &args, &env, Checks { ignore_unknown: true }, "at[0]"));
        let _ = write!(said, "{:?}{:?}", check_requirements(&spec, &args, ""), secrets(&spec, &args, &env));
    }

    #[test]
    fn what_was_coerced_once_stays_as_it_is(args in prop::collection::vec((name(), value()), 0..6)) {
        let spec = Spec::of::<Folder>();
        let none = |_: &str| None;
        let checks = Checks { ignore_unknown: true };
        let args: Object = args.into_iter().collect();
        if let Ok(once) = validate_item(&spec, "m", &args, &none, checks, "") {
            let twice = validate_item(&spec, "m", &once.values, &none, checks, "").expect("a coerced value must be taken");
            prop_assert_eq!(once.values, twice.values);
        }
    }
}
