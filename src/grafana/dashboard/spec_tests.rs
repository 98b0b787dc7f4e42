//! The compared form, on dashboards as a real Grafana gave them back, and on anything at all.

use std::path::Path;

use proptest::prelude::*;

use super::*;

fn declared(value: Value) -> Spec {
    let Value::Object(all) = value else { panic!("a dashboard is a map") };
    Spec::declared(PLAIN, all).expect("it is taken")
}

fn stored(value: Value) -> Spec {
    let Value::Object(all) = value else { panic!("a dashboard is a map") };
    Spec::stored(PLAIN, all)
}

/// The exchanges of a recording, or nothing where there is none: a user's clone has no `../shared`.
fn recorded(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/recordings/grafana").join(file);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).expect("a recording is JSON"),
        Err(_) => {
            eprintln!("{} is not here: what a real Grafana gave back is not looked at", path.display());
            Vec::new()
        }
    }
}

/// Facts 36, 41, 58: what is sent and what is read back are equal, by `/api` and by both `/apis` of the
/// first schema, though the later one fills in defaults.
#[test]
fn a_dashboard_as_it_was_sent_equals_the_one_that_is_read() {
    for (file, exact) in [("dashboards_stored.json", false), ("11.5/dashboards_stored.json", true)] {
        let sent: std::collections::BTreeMap<String, Value> = recorded("dashboards_stored.json")
            .iter()
            .filter_map(|exchange| {
                let dashboard = &exchange["request"]["body"]["dashboard"];
                let first = exchange["note"].as_str()?.contains("create") || exchange["note"] == "raw numbers";
                (first && dashboard.is_object())
                    .then(|| Some((dashboard["uid"].as_str()?.to_owned(), dashboard.clone())))?
            })
            .collect();
        let mut compared = 0;
        for exchange in recorded(file) {
            let body = &exchange["response"]["body"];
            let (uid, read) = match (&body["dashboard"], &body["spec"]) {
                (Value::Object(_), _) => (body["dashboard"]["uid"].clone(), body["dashboard"].clone()),
                (_, Value::Object(_)) => (body["metadata"]["name"].clone(), body["spec"].clone()),
                _ => continue,
            };
            let version = body["apiVersion"].as_str().unwrap_or("v0alpha1").rsplit('/').next().unwrap_or_default();
            let Some(sent) = sent.get(uid.as_str().unwrap_or_default()) else { continue };
            // An old schema is migrated by the later version, ids of panels are made up, and 11.5 rounds big
            // numbers in /apis only, where we do not read them.
            let old = uid == "old" || uid == "odd";
            if exchange["response"]["status"] != 200 || version.starts_with("v2") || (old && version == "v1beta1") {
                continue;
            }
            let exact = exact && !(old && body["spec"].is_object());
            assert!(
                declared(sent.clone()).mark.same(&stored(read.clone()).mark, exact),
                "{file}, {}: {:#?} and {:#?}",
                exchange["note"],
                declared(sent.clone()).compared(exact),
                stored(read).compared(exact)
            );
            compared += 1;
        }
        assert!(
            compared > 3 || !Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").exists(),
            "{file}: {compared}"
        );
    }
}

#[test]
fn what_the_server_makes_and_what_equals_a_default_does_not_count() {
    let minimal = declared(json!({"title": "T"}));
    let filled = json!({
        "annotations": {"list": [{
            "builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "enable": true, "hide": true,
            "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts", "type": "dashboard"
        }]},
        "editable": true, "fiscalYearStartMonth": 0, "graphTooltip": 0, "links": [], "panels": [], "refresh": "",
        "schemaVersion": 42, "tags": [], "templating": {"list": []}, "time": {"from": "now-6h", "to": "now"},
        "timepicker": {}, "timezone": "", "title": "  T ", "weekStart": "", "preload": false, "liveNow": false,
        "id": 17, "uid": "x", "version": 3, "gnetId": null, "iteration": 1600000000000_i64
    });
    assert!(minimal.mark.same(&stored(filled.clone()).mark, true));
    for (key, value) in [
        ("editable", json!(false)),
        ("tags", json!(["a"])),
        ("time", json!({"from": "now-1h", "to": "now"})),
        ("timezone", json!("browser")),
        ("refresh", json!("5s")),
        ("graphTooltip", json!(1)),
        ("templating", json!({"list": [{"name": "x"}]})),
        ("annotations", json!({"list": [{"builtIn": 1, "enable": false, "name": "Annotations & Alerts"}]})),
        ("title", json!("U")),
    ] {
        let mut other = filled.clone();
        other[key] = value;
        assert!(!minimal.mark.same(&stored(other).mark, false), "{key} does not count");
    }
}

#[test]
fn the_version_of_the_schema_counts_where_it_is_declared() {
    let spec = |schema: Option<i64>| declared(json!({"title": "T", "schemaVersion": schema})).mark;
    assert!(spec(None).same(&spec(Some(42)), false) && spec(None).same(&spec(None), false));
    assert!(!spec(Some(39)).same(&spec(None), false));
    assert!(!spec(Some(39)).same(&spec(Some(42)), false));
}

/// Facts 36 and 58.
#[test]
fn numbers_are_compared_as_the_server_keeps_them() {
    let mark =
        |text: &str| declared(serde_json::from_str(&format!(r#"{{"title": "T", "x": {text}}}"#)).expect("JSON")).mark;
    for (one, other, floats, exact) in [
        ("1.0", "1", true, true),
        ("1e3", "1000", true, true),
        ("-0.0", "0", true, true),
        ("9007199254740993", "9007199254740992", true, false),
        ("123456789012345678901234567890", "1.2345678901234568e+29", true, true),
        ("18446744073709551615", "18446744073709551616", true, false),
        ("1", "2", false, false),
        ("0.1", "0.10000000000000002", false, false),
        ("1", "\"1\"", false, false),
        ("1", "true", false, false),
    ] {
        let (a, b) = (mark(one), mark(other));
        assert_eq!((a.same(&b, false), a.same(&b, true)), (floats, exact), "{one} and {other}");
    }
}

/// Fact 36: the order of tags and what is there twice stay.
#[test]
fn the_order_of_lists_counts_and_that_of_keys_does_not() {
    let mark = |tags: Value| declared(json!({"title": "T", "tags": tags})).mark;
    assert!(!mark(json!(["a", "b"])).same(&mark(json!(["b", "a"])), false));
    assert!(!mark(json!(["a", "a"])).same(&mark(json!(["a"])), false));
    let one = declared(json!({"title": "T", "a": {"x": 1, "y": 2}, "b": 1}));
    assert!(one.mark.same(&declared(json!({"b": 1, "a": {"y": 2, "x": 1}, "title": "T"})).mark, true));
    assert_eq!(one.compared(true).to_string(), r#"{"a":{"x":1,"y":2},"b":1,"title":"T"}"#);
}

/// Facts 32 and 35.
#[test]
fn what_grafana_would_refuse_or_rewrite_is_said_before() {
    for refused in [
        json!({}),
        json!({"title": ""}),
        json!({"title": "  "}),
        json!({"title": 5}),
        json!({"title": "t".repeat(5001)}),
    ] {
        let Value::Object(all) = refused else { continue };
        assert!(Spec::declared(PLAIN, all.clone()).is_err(), "{all:?} was taken");
    }
    let spec = declared(json!({"id": 4711, "uid": "u", "version": 3, "title": " T ", "refresh": "1s"}));
    assert_eq!(spec.value(), json!({"title": "T", "refresh": "1s"}));
}

/// Fact 35, with a server's own least as well.
#[test]
fn a_refresh_below_the_least_becomes_that() {
    for (refresh, least, becomes, often) in [
        ("1s", LEAST_REFRESH, Some("5s"), true),
        ("500ms", LEAST_REFRESH, Some("5s"), true),
        ("4.9s", LEAST_REFRESH, Some("5s"), true),
        ("5s", LEAST_REFRESH, None, true),
        ("1s", "1s", None, true),
        ("10s", "30s", Some("30s"), true),
        ("1s", "", None, true),
        ("1m", LEAST_REFRESH, None, false),
        ("1m30s", LEAST_REFRESH, None, false),
        ("", LEAST_REFRESH, None, false),
        ("x", LEAST_REFRESH, None, false),
    ] {
        let (spec, mut warnings) = (declared(json!({"title": "T", "refresh": refresh})), Vec::new());
        assert_eq!(spec.often, often, "{refresh}");
        // Only those are looked at.
        let kept = if often { spec.refreshed(least, &mut warnings) } else { None };
        assert_eq!(kept.map(|kept| kept.value()["refresh"].clone()), becomes.map(|text| json!(text)), "{refresh}");
        assert_eq!(warnings.len(), usize::from(becomes.is_some()), "{refresh}");
    }
}

#[test]
fn defaults_of_the_second_schema_do_not_count() {
    let spec = |value: Value| match value {
        Value::Object(all) => Spec::stored(SECOND, all).mark,
        _ => panic!("a dashboard is a map"),
    };
    // What 12.4 gives back for a bare title and elements [dashboards_k8s].
    let filled = json!({
        "annotations": null, "cursorSync": "", "elements": {}, "layout": {"kind": "GridLayout", "spec": {"items": null}},
        "links": null, "preload": false, "tags": null, "title": "x", "variables": null,
        "timeSettings": {
            "from": "", "to": "", "autoRefresh": "", "autoRefreshIntervals": null, "hideTimepicker": false,
            "fiscalYearStartMonth": 0
        }
    });
    assert!(spec(json!({"title": "x", "elements": {}})).same(&spec(filled), false));
    let tabs = json!({"title": "x", "elements": {}, "layout": {"kind": "TabsLayout", "spec": {"tabs": []}}});
    assert!(!spec(json!({"title": "x", "elements": {}})).same(&spec(tabs), false));
    // A title alone is one of the second schema too, where its version says so.
    assert!(spec(json!({"title": "x"})).same(&spec(json!({"title": "x", "timeSettings": {"from": ""}})), false));
}

/// What is left out comes back with the zero value of its type, at every depth; a plugin's own fields do not.
#[test]
fn zero_values_of_the_second_schema_do_not_count() {
    let spec = |panel: Value, more: Value| {
        let mut all = json!({"title": "x", "elements": {"p": {"kind": "Panel", "spec": panel}}, "layout": {}});
        all.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        let Value::Object(all) = all else { panic!("a dashboard is a map") };
        Spec::stored(SECOND, all).mark
    };
    let query = |spec: Value, more: Value| {
        let mut all = json!({"query": {"kind": "DataQuery", "group": "prometheus", "spec": spec}});
        all.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        json!({"kind": "QueryGroup", "spec": {"queries": [{"kind": "PanelQuery", "spec": all}]}})
    };
    let viz = |spec: Value| json!({"kind": "VizConfig", "group": "text", "spec": spec});
    let none = || json!({});
    let minimal =
        json!({"id": 1, "title": "P", "data": query(json!({"expr": "up"}), none()), "vizConfig": viz(none())});
    let mut filled = minimal.clone();
    filled["description"] = json!("");
    filled["links"] = json!([]);
    filled["data"] = query(json!({"expr": "up"}), json!({"refId": "", "hidden": false}));
    filled["data"]["spec"]["transformations"] = json!(null);
    filled["data"]["spec"]["queryOptions"] = json!({});
    filled["data"]["spec"]["queries"][0]["spec"]["query"]["version"] = json!("");
    filled["vizConfig"] = viz(json!({"options": null, "fieldConfig": {"defaults": {}, "overrides": null}}));
    filled["vizConfig"]["version"] = json!("");
    assert!(spec(minimal.clone(), none()).same(&spec(filled.clone(), none()), false));
    for (path, value) in [
        ("/description", json!("text")),
        ("/data/spec/queryOptions", json!({"maxDataPoints": 0})),
        ("/data/spec/queries/0/spec/hidden", json!(true)),
        ("/data/spec/queries/0/spec/query/spec", json!({"expr": "up", "instant": false})),
        ("/vizConfig/spec/options", json!({"legend": {"showLegend": false, "calcs": []}})),
        ("/vizConfig/spec/fieldConfig/defaults", json!({"decimals": 0})),
        ("/vizConfig/spec/fieldConfig/overrides", json!([{"properties": [{"id": "unit", "value": ""}]}])),
    ] {
        let mut other = filled.clone();
        *other.pointer_mut(path).expect("it is there") = value;
        assert!(!spec(minimal.clone(), none()).same(&spec(other, none()), false), "{path} does not count");
    }
    let locked = json!({"editable": false});
    assert!(!spec(minimal.clone(), none()).same(&spec(minimal.clone(), locked), false));
    assert!(spec(minimal.clone(), none()).same(&spec(minimal, json!({"editable": true})), false));
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    let keys = prop_oneof![
        prop::sample::select(vec![
            "title",
            "annotations",
            "list",
            "templating",
            "time",
            "timeSettings",
            "elements",
            "layout",
            "spec",
            "kind",
            "tags",
            "refresh",
            "schemaVersion",
            "builtIn",
            "__inputs",
            "dashboard",
            "apiVersion",
            "metadata",
        ])
        .prop_map(str::to_owned),
        "[a-z]{0,3}",
    ];
    leaf.prop_recursive(4, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys.clone(), inner), 0..6).prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_what_is_sent_comes_back_equal(value in anything()) {
        for (exact, second) in [(false, false), (true, false), (false, true), (true, true)] {
            let once = compared(value.clone(), exact, second);
            prop_assert_eq!(&compared(once.clone(), exact, second), &once);
        }
        if let Value::Object(all) = value {
            let one = Spec::stored(PLAIN, all);
            // Through the text and back, as over the wire.
            let again: Value = serde_json::from_str(&one.text).expect("it is JSON");
            let Value::Object(again) = again else { panic!("it is a map") };
            prop_assert!(one.mark.same(&Spec::stored(PLAIN, again).mark, true));
        }
    }
}
