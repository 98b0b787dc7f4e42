//! Plans of data sources, without a server.

mod names;
mod payload;
mod secrets;

use serde_json::{Value, json};

use super::*;
use crate::module::task::{self, Internal};

fn task_of(args: Value) -> Result<Task<DatasourceKind>> {
    let mut args = args.as_object().cloned().expect("arguments are a map");
    args.insert("url".into(), json!("http://h"));
    task::parse::<DatasourceKind>(&args, &Internal::default(), &|_| None).map(|parsed| parsed.task)
}

/// Plans a task against what is there, as the harness would.
fn plan_of(args: Value, snapshot: &Snapshot) -> Result<Vec<Change<Step>>> {
    let task = task_of(args)?;
    let desired = DatasourceKind::load(&task)?;
    let session = Session { login: "admin".into(), user_id: 1, org: 1, server_admin: true, version: None };
    plan::plan(&Context { task: &task, desired: &desired, session: &session }, snapshot)
}

fn planned(args: Value, snapshot: &Snapshot) -> Vec<Change<Step>> {
    plan_of(args, snapshot).expect("a plan")
}

fn refused(args: Value, snapshot: &Snapshot) -> String {
    plan_of(args, snapshot).map(|_| ()).expect_err("to be refused").to_string()
}

/// A data source as Grafana has it, with what differs from an empty one.
fn stored(uid: &str, name: &str, more: Value) -> Value {
    let mut out = json!({
        "id": 1, "uid": uid, "orgId": 1, "name": name, "type": "prometheus", "typeLogoUrl": "x", "access": "proxy",
        "url": "http://p", "user": "", "database": "", "basicAuth": false, "basicAuthUser": "",
        "withCredentials": false, "isDefault": false, "jsonData": {}, "secureJsonFields": {}, "version": 3,
        "readOnly": false, "apiVersion": "",
    });
    let out_map = out.as_object_mut().expect("a map");
    out_map.extend(more.as_object().cloned().expect("a map"));
    out
}

fn there(all: &[Value]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    all.iter().for_each(|one| snapshot.insert(one.clone()));
    snapshot
}

fn told(changes: &[Change<Step>]) -> Vec<String> {
    changes.iter().map(|change| format!("{} {} {}", change.action, change.name, change.fields.join(","))).collect()
}

/// What the peer makes of a Prometheus without further options.
fn as_the_peer_made_it(more: Value) -> Snapshot {
    let json = json!({"tlsAuth": false, "tlsAuthWithCACert": false});
    let mut one = stored("u", "P", json!({"jsonData": json}));
    for (key, value) in more.as_object().into_iter().flatten() {
        one[key] = value.clone();
    }
    there(&[one])
}

fn single(more: Value) -> Value {
    let mut out = json!({"name": "P", "ds_type": "prometheus", "ds_url": "http://p"});
    out.as_object_mut().expect("a map").extend(more.as_object().cloned().expect("a map"));
    out
}

#[test]
fn one_that_the_peer_made_is_unchanged() {
    assert_eq!(told(&planned(single(json!({})), &as_the_peer_made_it(json!({})))), ["leave P "]);
}

/// The peer changes it at every run.
#[test]
fn keys_that_the_server_has_beyond_stay_and_are_no_difference() {
    let json = json!({"tlsAuth": false, "tlsAuthWithCACert": false, "manageAlerts": true, "exemplars": [{"a": 1}]});
    let snapshot = as_the_peer_made_it(json!({"jsonData": json, "basicAuthUser": "old"}));
    assert_eq!(told(&planned(single(json!({})), &snapshot)), ["leave P "]);
    let plan = planned(single(json!({"time_interval": "30s"})), &snapshot);
    assert_eq!(told(&plan), ["update P jsonData.timeInterval"]);
    let body = &plan[0].step.body;
    assert_eq!(body["jsonData"]["exemplars"], json!([{"a": 1}]));
    assert_eq!((&body["version"], &body["basicAuthUser"]), (&json!(3), &json!("old")));
    assert!(body.get("id").is_none() && body.get("secureJsonFields").is_none(), "{body}");
}

#[test]
fn the_defaults_of_a_single_one_count_as_declared() {
    let snapshot = as_the_peer_made_it(json!({
        "isDefault": true, "user": "u", "withCredentials": true, "access": "direct", "basicAuth": true, "database": "d",
        "jsonData": {"tlsAuth": true, "tlsSkipVerify": true},
    }));
    let plan = planned(single(json!({})), &snapshot);
    let fields = "access,basicAuth,database,isDefault,jsonData.tlsAuth,jsonData.tlsAuthWithCACert,jsonData.tlsSkipVerify,user,withCredentials";
    assert_eq!(told(&plan), [format!("update P {fields}")]);
    assert!(plan[0].step.body["jsonData"].get("tlsSkipVerify").is_none());
}

#[test]
fn in_a_list_only_what_is_written_counts() {
    let snapshot = as_the_peer_made_it(json!({
        "isDefault": true, "user": "u", "withCredentials": true, "jsonData": {"tlsSkipVerify": true, "a": {"b": 1}},
        "secureJsonFields": {"password": true},
    }));
    assert_eq!(told(&planned(json!({"datasources": [{"name": "P"}]}), &snapshot)), ["leave P "]);
    let plan =
        planned(json!({"datasources": [{"name": "P", "ds_url": "http://q", "json_data": {"a": {"c": 2}}}]}), &snapshot);
    assert_eq!(told(&plan), ["update P jsonData.a.c,url"]);
    let body = &plan[0].step.body;
    assert_eq!(
        (&body["user"], &body["isDefault"], &body["withCredentials"]),
        (&json!("u"), &json!(true), &json!(true))
    );
    assert_eq!(body["jsonData"], json!({"tlsSkipVerify": true, "a": {"b": 1, "c": 2}}));
    assert!(plan[0].step.secrets.is_empty());
}

#[test]
fn options_of_a_type_follow_the_type_that_is_there() {
    let snapshot = there(&[stored("e", "E", json!({"type": "elasticsearch"})), stored("p", "P", json!({}))]);
    let options = json!({"time_field": "@t", "es_version": "8.0+", "datasources": [{"name": "E"}, {"name": "P"}]});
    assert_eq!(told(&planned(options, &snapshot)), ["update E jsonData.esVersion,jsonData.timeField", "leave P "]);
}

#[test]
fn what_is_needed_to_make_one_is_said_with_its_name() {
    let none = Snapshot::default();
    assert_eq!(
        refused(json!({"name": "P"}), &none),
        "state is present but all of the following are missing: ds_type, ds_url"
    );
    assert_eq!(
        refused(json!({"name": "P", "ds_type": "loki"}), &none),
        "state is present but all of the following are missing: ds_url"
    );
    let list = |more: Value| {
        let mut item = json!({"name": "P"});
        item.as_object_mut().expect("a map").extend(more.as_object().cloned().expect("a map"));
        json!({"datasources": [{"name": "Q", "ds_type": "testdata"}, item]})
    };
    let error = refused(list(json!({})), &none);
    assert!(error.contains("datasources[1]: data source `P` is not there") && error.contains("ds_type"), "{error}");
    let error = refused(list(json!({"ds_type": "loki"})), &none);
    assert!(error.contains("`P`") && error.contains("ds_url"), "{error}");
    assert_eq!(told(&planned(list(json!({"ds_type": "mixed"})), &none)), ["create Q ", "create P "]);
}

/// Fact 16: an empty address passes at the creation and at no change after it.
#[test]
fn an_empty_address_is_refused_where_grafana_would_refuse_it() {
    for snapshot in [Snapshot::default(), as_the_peer_made_it(json!({"jsonData": {}}))] {
        let error = refused(single(json!({"ds_url": " "})), &snapshot);
        assert!(error.contains("has no address") && error.contains("ds_url"), "{error}");
    }
    assert_eq!(
        told(&planned(json!({"name": "T", "ds_type": "testdata", "ds_url": ""}), &Snapshot::default())),
        ["create T "]
    );
}

/// A PUT writes no empty address (Grafana's UpdateDataSource), so one that is there stays.
#[test]
fn an_address_is_not_emptied_and_that_is_said() {
    let snapshot = there(&[stored("t", "T", json!({"type": "grafana-testdata-datasource", "url": "http://old"}))]);
    let item = |more: Value| {
        let mut item = json!({"name": "T", "ds_url": ""});
        item.as_object_mut().expect("a map").extend(more.as_object().cloned().expect("a map"));
        planned(json!({"datasources": [item]}), &snapshot).remove(0)
    };
    let same = item(json!({}));
    assert_eq!(same.action, Action::Unchanged);
    assert!(same.warnings[0].contains("its address stays"), "{:?}", same.warnings);
    let other = item(json!({"user": "u"}));
    assert_eq!((&other.fields[..], &other.step.body["url"]), (&["user".to_owned()][..], &json!("http://old")));
}

/// Fact 13.
#[test]
fn the_first_of_an_organisation_is_made_before_the_others() {
    let two = json!({"datasources": [{"name": "A", "ds_type": "mixed"}, {"name": "B", "ds_type": "mixed"}]});
    let ranks = |snapshot: &Snapshot| planned(two.clone(), snapshot).iter().map(|one| one.rank).collect::<Vec<_>>();
    assert_eq!(ranks(&Snapshot::default()), [0, 1]);
    assert_eq!(ranks(&there(&[stored("c", "C", json!({}))])), [1, 1]);
}

/// Fact 12.
#[test]
fn names_and_uids_that_grafana_refuses_are_refused_before() {
    let none = Snapshot::default();
    for (more, part) in [
        (json!({"name": ""}), "name is empty"),
        (json!({"name": "n".repeat(191)}), "name has 191 bytes"),
        // Grafana counts bytes.
        (json!({"name": "ü".repeat(96)}), "name has 192 bytes"),
        (json!({"ds_url": format!("http://{}", "p".repeat(249))}), "ds_url has 256 bytes"),
        (json!({"uid": "a b"}), "other than letters"),
        (json!({"uid": "u".repeat(41)}), "at most 40"),
        (json!({"ds_type": ""}), "ds_type is empty"),
        (json!({"test_timeout": -1}), "test_timeout"),
    ] {
        let error = refused(single(more), &none);
        assert!(error.contains(part), "{error}");
    }
    let longest = json!({"name": "ü".repeat(95), "uid": "", "ds_url": format!("http://{}", "p".repeat(248))});
    let long = planned(single(longest), &none);
    assert_eq!(long[0].action, Action::Create);
    // 11.5 takes any uid (fact 59): one that is there is left.
    assert_eq!(
        told(&planned(json!({"datasources": [{"name": "P", "uid": "a/b"}]}), &there(&[stored("a/b", "P", json!({}))]))),
        ["leave P "]
    );
}

/// Fact 19.
#[test]
fn the_default_is_taken_and_nobody_takes_it_back_by_accident() {
    let snapshot = there(&[stored("a", "A", json!({"isDefault": true})), stored("b", "B", json!({}))]);
    let both = json!({"datasources": [{"name": "A", "user": "x"}, {"name": "B", "is_default": true}]});
    let plan = planned(both, &snapshot);
    assert_eq!(told(&plan), ["update A user", "update B isDefault"]);
    // A PUT of the one as it was read would take it back, and one that gives it up before would leave nobody with it
    // if the other one failed.
    assert_eq!((&plan[0].step.body["isDefault"], plan[0].rank < plan[1].rank), (&json!(true), true));
    assert_eq!(plan[1].step.default_before.as_deref(), Some("a"));
    let waits = json!({"datasources": [{"name": "B", "uid": "a"}, {"name": "C", "uid": "b", "is_default": true}]});
    let plan = planned(waits, &snapshot);
    assert_eq!((&plan[0].step.body["isDefault"], plan[0].rank > plan[1].rank), (&json!(false), true));
    let two = json!({"datasources": [{"name": "A", "is_default": true}, {"name": "B", "is_default": true}]});
    assert!(refused(two, &snapshot).contains("`A` and `B` are both to be the default"));
    let gone = planned(json!({"name": "A", "state": "absent"}), &snapshot);
    assert!(gone[0].warnings[0].contains("no other one becomes that"));
}

/// Fact 22.
#[test]
fn a_provisioned_one_is_left_alone_or_refused_and_never_pruned() {
    let snapshot = there(&[stored("u", "P", json!({"readOnly": true})), stored("v", "Q", json!({}))]);
    assert_eq!(told(&planned(json!({"datasources": [{"name": "P"}]}), &snapshot)), ["leave P "]);
    for args in [json!({"datasources": [{"name": "P", "user": "x"}]}), json!({"name": "P", "state": "absent"})] {
        let error = refused(args, &snapshot);
        assert!(error.contains("`P` is provisioned") && error.contains("hint"), "{error}");
    }
    let pruned = planned(json!({"datasources": [], "prune": {"type": "prometheus"}}), &snapshot);
    assert_eq!(told(&pruned), ["delete Q "]);
}

#[test]
fn prune_stays_in_its_scope() {
    let snapshot = there(&[
        stored("a", "x-1", json!({})),
        stored("b", "x-2", json!({"type": "grafana-postgresql-datasource"})),
        stored("c", "y-1", json!({"type": "grafana-postgresql-datasource"})),
    ]);
    let pruned = |prune: Value| told(&planned(json!({"datasources": [{"name": "x-1"}], "prune": prune}), &snapshot));
    assert_eq!(pruned(json!({"name_prefix": "x-"})), ["leave x-1 ", "delete x-2 "]);
    assert_eq!(pruned(json!({"type": "postgres"})), ["leave x-1 ", "delete x-2 ", "delete y-1 "]);
    assert_eq!(pruned(json!({"type": "postgres", "name_prefix": "y"})), ["leave x-1 ", "delete y-1 "]);
    assert!(refused(json!({"datasources": [], "prune": {}}), &snapshot).contains("name_prefix, type"));
    for prune in [json!({"name_prefix": ""}), json!({"type": "", "name_prefix": "x"})] {
        assert!(refused(json!({"datasources": [], "prune": prune}), &snapshot).contains("is empty"), "{prune}");
    }
}

/// Fact 11: the list lacks these.
#[test]
fn one_is_read_whole_only_when_the_list_does_not_tell_enough() {
    let mut listed = stored("u", "P", json!({"jsonData": {"a": 1}}));
    for missing in ["secureJsonFields", "basicAuthUser", "withCredentials", "version"] {
        listed.as_object_mut().expect("a map").shift_remove(missing);
    }
    let needed = |item: Value| {
        let task = task_of(json!({"datasources": [item]})).expect("options");
        let desired = DatasourceKind::load(&task).expect("what is desired");
        is_needed_whole(&desired[0], &listed)
    };
    assert!(!needed(json!({"name": "P", "ds_url": "http://p", "json_data": {"a": 1}})));
    assert!(needed(json!({"name": "P", "ds_url": "http://q"})), "it differs");
    assert!(needed(json!({"name": "P", "password": "secret-1"})));
    assert!(needed(json!({"name": "P", "with_credentials": false})));
    assert!(needed(json!({"name": "P", "basic_auth_user": "u"})));
}
