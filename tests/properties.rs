//! The fuzz targets under proptest, on stable: no input makes anything panic.
//!
//! `cargo test` tries some hundred inputs; with `HEARTH_FUZZ_SECONDS=60` each target runs for so long. What is made
//! up here has the names that the code looks for, so that it gets past the first check. A target's test is
//! called `<target>_never_panic`: tests/run/fuzz.sh counts on it.

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::{collections::BTreeSet, time::Instant};

use hearth::{
    module::{Spec, spec::OptionSpec},
    registry,
};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::{Value, json};

/// Gives a target so many inputs of a strategy, or as many as fit into the time that is set.
fn fuzz(cases: u32, inputs: impl Strategy<Value = Vec<u8>>, target: impl Fn(&[u8])) {
    let set = std::env::var("HEARTH_FUZZ_SECONDS").ok().and_then(|text| text.parse::<f64>().ok());
    let (begun, batch) = (Instant::now(), if set.is_some() { 25 } else { cases });
    loop {
        let config = Config { cases: batch, failure_persistence: None, max_shrink_time: 20_000, ..Config::default() };
        let tried = TestRunner::new(config).run(&inputs, |input| {
            let shown = String::from_utf8_lossy(&input).into_owned();
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| target(&input)))
                .map_err(|_| TestCaseError::fail(format!("it panicked at the input:\n{shown}")))
        });
        if let Err(error) = tried {
            panic!("{error}");
        }
        if set.is_none_or(|seconds| begun.elapsed().as_secs_f64() >= seconds) {
            return;
        }
    }
}

/// Texts that some code looks at more closely.
fn text() -> impl Strategy<Value = String> {
    let known = select(vec![
        "",
        " ",
        "yes",
        "off",
        "true",
        "None",
        "0",
        "-1",
        "1e400",
        "9223372036854775808",
        "0x1f",
        "1_000",
        "inf",
        "nan",
        "a=b c='d e'",
        "{'a': 1}",
        "{\"a\": [1]}",
        "[1, 2",
        "a,b,,",
        "~",
        "~/x",
        "$HOME/${HOME}/$",
        "%41",
        "a/b\\/c",
        "/",
        "{{ x }}",
        "${DS_A}",
        "$DS_A",
        "DS_A",
        "general",
        "General",
        "present",
        "absent",
        "export",
        "prometheus",
        "http://127.0.0.1:9",
        "http://a:b@c",
        "12.4.0",
        "v1",
        "5s",
        "1s",
        "-3d",
        "2026-11-23T01:53:47Z",
        "Viewer",
        "Edit",
        "folder.grafana.app/v1beta1",
        "dashboard.grafana.app/v2beta1",
        "Dashboard",
        "constant",
        "datasource",
        "\u{0}",
        "ÄÖ\u{301}",
        "\u{1f600}",
        "\u{202e}",
        "********",
        "service-account:2",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => any::<String>(), 1 => "[a-z]{1,4}( [a-z]{1,4}){0,2}"]
}

/// Any JSON whose maps have the names that are given, and others.
fn json_with(names: Vec<String>) -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => any::<i64>().prop_map(Value::from),
        2 => (-3i64..9).prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        6 => text().prop_map(Value::from),
    ];
    let key = prop_oneof![9 => select(names), 1 => text()];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            3 => prop::collection::vec((key.clone(), inner), 0..8).prop_map(Value::from_iter),
        ]
    })
    .boxed()
}

/// A map at the top: nothing else gets far.
fn map_with(names: &[&str]) -> BoxedStrategy<Value> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let entries = prop::collection::vec((select(names.clone()), json_with(names)), 0..10);
    entries.prop_map(Value::from_iter).boxed()
}

/// A map with few entries, which mostly are no maps: so that more than the first mistake is found.
fn few(names: &[&str]) -> BoxedStrategy<Value> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let simple = prop_oneof![
        4 => text().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => (-3i64..99).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => prop::collection::vec(text(), 0..3).prop_map(Value::from),
        1 => json_with(names.clone()),
    ];
    prop::collection::vec((select(names), simple), 0..4).prop_map(Value::from_iter).boxed()
}

/// A map that is good, with some entries more, or others.
fn overlaid(good: Value, more: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let over = move |more: Value| {
        let mut all = good.clone();
        for (key, value) in more.as_object().cloned().unwrap_or_default() {
            all[key] = value;
        }
        all
    };
    more.prop_map(over).boxed()
}

/// The names of all options, their aliases, and choices, of every module.
fn option_names(spec: &Spec, names: &mut BTreeSet<String>) {
    for OptionSpec { name, aliases, options, .. } in &spec.options {
        names.extend(aliases.iter().cloned().chain([name.clone()]));
        options.iter().for_each(|inner| option_names(inner, names));
    }
}

#[test]
fn every_module_is_fuzzed() {
    let registered: Vec<&str> = registry::modules().iter().map(|module| module.name).collect();
    assert_eq!(targets::FUZZED.map(|one| one.name).to_vec(), registered);
}

#[test]
fn args_never_panic() {
    let mut names = BTreeSet::new();
    registry::modules().iter().for_each(|module| option_names(&(module.spec)(), &mut names));
    names.extend(
        ["check_mode", "diff", "no_log", "verbosity", "ignore_unknown_opts"].map(|name| format!("_ansible_{name}")),
    );
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let good = json!({
        "url": "http://127.0.0.1:9", "name": "a", "uid": "a", "dashboard": {"title": "a"}, "ds_type": "prometheus",
        "ds_url": "http://a", "_ansible_ignore_unknown_opts": true,
    });
    let plurals = targets::FUZZED.map(|one| one.plural);
    let inputs = (any::<u8>(), overlaid(good, few(&names)), prop::collection::vec(few(&names), 0..3), any::<bool>())
        .prop_map(move |(which, mut args, items, is_list)| {
            if is_list {
                args[plurals[usize::from(which) % plurals.len()]] = items.into();
            }
            [vec![which], args.to_string().into_bytes()].concat()
        });
    fuzz(600, prop_oneof![4 => inputs, 1 => prop::collection::vec(any::<u8>(), 0..64)], targets::args);
}

const DASHBOARD: [&str; 34] = [
    "title",
    "uid",
    "id",
    "version",
    "schemaVersion",
    "panels",
    "rows",
    "templating",
    "list",
    "annotations",
    "time",
    "refresh",
    "tags",
    "links",
    "inputs",
    "__inputs",
    "__elements",
    "__requires",
    "name",
    "type",
    "pluginId",
    "value",
    "datasource",
    "dashboard",
    "meta",
    "folderUid",
    "overwrite",
    "message",
    "apiVersion",
    "kind",
    "metadata",
    "spec",
    "elements",
    "layout",
];

#[test]
fn dashboards_never_panic() {
    let bytes = |value: Value| value.to_string().into_bytes();
    let good = json!({
        "title": "a", "panels": [{"id": 1, "datasource": "${DS_A}", "targets": [{"datasource": {"uid": "$DS_A"}}]}],
        "__inputs": [{"name": "DS_A", "type": "datasource", "pluginId": "prometheus"}], "inputs": {"DS_A": "a"},
    });
    let resource =
        |spec: Value| json!({"apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard", "spec": spec});
    let wrapped = |inner: Value| json!({"dashboard": inner, "folderUid": "a"});
    let inputs = prop_oneof![
        1 => any::<String>().prop_map(String::into_bytes),
        2 => map_with(&DASHBOARD).prop_map(bytes),
        3 => overlaid(good.clone(), map_with(&DASHBOARD)).prop_map(bytes),
        3 => overlaid(good.clone(), few(&DASHBOARD)).prop_map(bytes),
        1 => overlaid(good.clone(), few(&DASHBOARD)).prop_map(move |one| bytes(resource(one))),
        1 => overlaid(good, few(&DASHBOARD)).prop_map(move |one| bytes(wrapped(one))),
    ];
    fuzz(600, inputs, targets::dashboards);
}

const ANSWER: [&str; 44] = [
    "items",
    "metadata",
    "continue",
    "name",
    "annotations",
    "labels",
    "generation",
    "resourceVersion",
    "spec",
    "status",
    "grafana.app/folder",
    "grafana.app/managedBy",
    "grafana.app/deprecatedInternalID",
    "title",
    "description",
    "id",
    "uid",
    "login",
    "orgId",
    "isGrafanaAdmin",
    "version",
    "database",
    "buildInfo",
    "folderUid",
    "parentUid",
    "url",
    "message",
    "messageId",
    "type",
    "access",
    "isDefault",
    "jsonData",
    "secureJsonFields",
    "readOnly",
    "dashboard",
    "meta",
    "provisioned",
    "permission",
    "team",
    "teamId",
    "userId",
    "role",
    "teams",
    "alertrule",
];

/// What a Grafana answers at first, so that what follows is reached.
fn begins() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let user = json!({"id": 1, "uid": "u", "login": "admin", "orgId": 1, "isGrafanaAdmin": true});
    let health = json!({"database": "ok", "version": "12.4.0"});
    let line = |value: Value| [vec![0], value.to_string().into_bytes()].concat();
    select(vec![vec![], vec![line(user.clone())], vec![line(user), line(health)]])
}

#[test]
fn answers_never_panic() {
    let body = prop_oneof![
        4 => map_with(&ANSWER),
        2 => prop::collection::vec(map_with(&ANSWER), 0..4).prop_map(Value::from),
        2 => prop::collection::vec(map_with(&ANSWER), 0..4).prop_map(|items| json!({"items": items, "metadata": {}})),
    ];
    let text = prop_oneof![9 => body.prop_map(|value| value.to_string()), 1 => any::<String>()];
    // Mostly 200.
    let line = (prop_oneof![3 => Just(0u8), 1 => any::<u8>()], text)
        .prop_map(|(status, text)| [vec![status], text.replace('\n', " ").into_bytes()].concat());
    let inputs = (any::<u8>(), begins(), prop::collection::vec(line, 0..12))
        .prop_map(|(which, begins, lines)| [vec![which], [begins, lines].concat().join(&b'\n')].concat());
    fuzz(250, inputs, targets::answers);
}

/// Nor does it ever show a secret.
#[test]
fn results_never_panic() {
    let names = ["a", "b", "msg", "diff", "before"];
    let values = (map_with(&names), map_with(&names));
    let inputs = (text(), values, any::<bool>()).prop_map(|(secret, (before, mut after), holds)| {
        let secret = secret.replace('\n', " ");
        if holds {
            after["a"] = json!([format!("x{secret}y"), {"b": secret}]);
        }
        [secret.into_bytes(), before.to_string().into_bytes(), after.to_string().into_bytes()].join(&b'\n')
    });
    fuzz(400, inputs, targets::results);
}

/// Inputs that made something panic once.
#[test]
fn what_panicked_once_does_not_again() {
    let user = r#"{"id":1,"login":"admin","orgId":1}"#;
    for (task, answers) in [
        // A list where a list of resources belongs, and resources that are none.
        (92, vec![user, r#"{"version":"12.4.0"}"#, "[]"]),
        (0, vec![user, r#"{"version":"12.4.0"}"#, r#"{"items":["a",1,null,[]]}"#]),
        (0, vec![user, r#"{"version":"12.4.0"}"#, r#"["a"]"#]),
        (1, vec![user, r#"["a", null, 1]"#, r#"["a"]"#]),
    ] {
        let lines: Vec<Vec<u8>> = answers.iter().map(|text| [b"\0", text.as_bytes()].concat()).collect();
        targets::answers(&[vec![task], lines.join(&b'\n')].concat());
    }
}
