//! Plans of data sources, without a server.

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

/// Fact 12.
#[test]
fn names_and_uids_that_grafana_refuses_are_refused_before() {
    let none = Snapshot::default();
    for (more, part) in [
        (json!({"name": ""}), "name is empty"),
        (json!({"name": "n".repeat(191)}), "191 characters"),
        (json!({"uid": "a b"}), "other than letters"),
        (json!({"uid": "u".repeat(41)}), "at most 40"),
        (json!({"ds_type": ""}), "ds_type is empty"),
        (json!({"test_timeout": -1}), "test_timeout"),
    ] {
        let error = refused(single(more), &none);
        assert!(error.contains(part), "{error}");
    }
    let long = planned(single(json!({"name": "ü".repeat(190), "uid": ""})), &none);
    assert_eq!(long[0].action, Action::Create);
    // 11.5 takes any uid (fact 59): one that is there is left.
    assert_eq!(
        told(&planned(json!({"datasources": [{"name": "P", "uid": "a/b"}]}), &there(&[stored("a/b", "P", json!({}))]))),
        ["leave P "]
    );
}

#[test]
fn names_are_compared_exactly() {
    let snapshot = there(&[stored("a", "p", json!({})), stored("b", " P ", json!({}))]);
    assert_eq!(told(&planned(single(json!({})), &snapshot)), ["create P "]);
}

/// Fact 18.
#[test]
fn a_declared_uid_that_has_another_name_is_renamed() {
    let snapshot = there(&[stored("u", "Old", json!({}))]);
    let plan = planned(json!({"datasources": [{"name": "P", "uid": "u"}]}), &snapshot);
    assert_eq!(told(&plan), ["update P name"]);
    assert_eq!(plan[0].step.body["name"], "P");
    let both = there(&[stored("u", "Old", json!({})), stored("v", "P", json!({}))]);
    let error = refused(json!({"datasources": [{"name": "P", "uid": "u"}]}), &both);
    assert!(error.contains("`u` is that of `Old`") && error.contains("of uid `v`"), "{error}");
}

#[test]
fn a_name_is_given_up_before_another_takes_it() {
    let snapshot = there(&[stored("a", "A", json!({})), stored("b", "B", json!({})), stored("c", "C", json!({}))]);
    let chain =
        json!({"datasources": [{"name": "B", "uid": "a"}, {"name": "C", "uid": "b"}, {"name": "D", "uid": "c"}]});
    let ranks: Vec<u32> = planned(chain, &snapshot).iter().map(|change| change.rank).collect();
    assert!(ranks[0] > ranks[1] && ranks[1] > ranks[2], "{ranks:?}");
    let freed = json!({"datasources": [{"name": "B", "uid": "a"}, {"name": "B ", "uid": "b", "state": "absent"}]});
    let plan = planned(freed, &snapshot);
    assert!(plan[0].rank > plan[1].rank && plan[0].needs == ["b"], "{:?}", plan[0]);
    let swapped = json!({"datasources": [{"name": "B", "uid": "a"}, {"name": "A", "uid": "b"}]});
    assert!(refused(swapped, &snapshot).contains("exchange their names"));
}

/// Facts 18, 59: 12.4 changes no uid, 11.5 does.
#[test]
fn a_uid_is_changed_by_making_it_anew_where_it_must_be() {
    let mut snapshot =
        there(&[stored("old", "P", json!({"secureJsonFields": {"password": true}, "jsonData": {"kept": 1}}))]);
    let item = json!({"datasources": [{"name": "P", "uid": "new", "password": "given-secret"}]});
    for version in [None, Version::parse("12.4.0")] {
        snapshot.version = version;
        let plan = planned(item.clone(), &snapshot);
        assert_eq!(told(&plan), ["replace P uid"]);
        assert_eq!((&plan[0].before["uid"], &plan[0].after["uid"]), (&json!("old"), &json!("new")));
        assert_eq!(plan[0].sent, ["secureJsonData.password"]);
        assert_eq!(plan[0].step.body["jsonData"], json!({"kept": 1}));
        assert!(plan[0].warnings[0].contains("`old`"), "{:?}", plan[0].warnings);
        let error = refused(json!({"datasources": [{"name": "P", "uid": "new"}]}), &snapshot);
        assert!(error.contains("secrets cannot be read: password"), "{error}");
    }
    snapshot.version = Version::parse("11.5.1");
    let plan = planned(json!({"datasources": [{"name": "P", "uid": "new"}]}), &snapshot);
    assert_eq!(told(&plan), ["update P uid"]);
    assert_eq!(plan[0].step.body["uid"], "new");
}

/// Fact 17: nobody can read them, so what counts is whether they are set.
#[test]
fn secrets_are_set_when_missing_and_sent_again_only_when_asked_for() {
    let set = as_the_peer_made_it(json!({"secureJsonFields": {"password": true}}));
    let plan = planned(single(json!({"password": "secret-1"})), &set);
    assert_eq!((told(&plan), plan[0].sent.len()), (vec!["leave P ".to_owned()], 0));
    for always in [json!({"update_secrets": "always"}), json!({"enforce_secure_data": true})] {
        let mut options = single(json!({"password": "secret-1"}));
        options.as_object_mut().expect("a map").extend(always.as_object().cloned().expect("a map"));
        let plan = planned(options, &set);
        assert_eq!(told(&plan), ["update P "]);
        assert_eq!(plan[0].sent, ["secureJsonData.password"]);
        assert_eq!(plan[0].step.secrets["password"].expose(), "secret-1");
    }
    let plan = planned(single(json!({"password": "secret-1", "secure_json_data": {"token": "secret-2"}})), &set);
    assert_eq!(told(&plan), ["update P secureJsonFields.token"]);
    assert_eq!(plan[0].step.secrets.keys().collect::<Vec<_>>(), ["token"]);
    assert!(!format!("{:?}{}{}", plan[0], plan[0].before, plan[0].after).contains("secret-2"));
}

#[test]
fn an_empty_secret_is_removed() {
    let set = as_the_peer_made_it(json!({"secureJsonFields": {"token": true, "other": true}}));
    for empty in [json!(""), Value::Null] {
        let plan = planned(single(json!({"secure_json_data": {"token": empty, "never": ""}})), &set);
        assert_eq!(told(&plan), ["update P secureJsonFields.token"]);
        assert_eq!(plan[0].step.secrets["token"].expose(), "");
        assert_eq!(plan[0].step.secrets.len(), 1);
        assert_eq!(plan[0].after["secureJsonFields"], json!({"other": "set"}));
    }
}

#[test]
fn a_fingerprint_tells_a_rotated_secret_from_the_same_one() {
    let options = |password: &str| single(json!({"password": password, "secret_fingerprint": true}));
    let made = planned(options("secret-1"), &Snapshot::default());
    let mark = made[0].step.body["jsonData"][compare::FINGERPRINT].clone();
    assert!(mark.as_str().is_some_and(|mark| mark.starts_with("argon2id$")), "{mark}");
    assert!(!made[0].after.to_string().contains("argon2id"), "it is no difference that anyone wants to see");
    let json = json!({"tlsAuth": false, "tlsAuthWithCACert": false, compare::FINGERPRINT: mark});
    let kept = as_the_peer_made_it(json!({"jsonData": json, "secureJsonFields": {"password": true}}));
    assert_eq!(told(&planned(options("secret-1"), &kept)), ["leave P "]);
    let rotated = planned(options("secret-2"), &kept);
    assert_eq!(
        (told(&rotated), &rotated[0].sent[..]),
        (vec!["update P ".to_owned()], &["secureJsonData.password".to_owned()][..])
    );
    assert_ne!(rotated[0].step.body["jsonData"][compare::FINGERPRINT], mark);
    // Without the option it is left alone, until it would tell what is not so any more.
    let plan = planned(single(json!({"password": "secret-2", "time_interval": "9s"})), &kept);
    assert_eq!(plan[0].step.body["jsonData"][compare::FINGERPRINT], mark);
    let plan = planned(single(json!({"password": "secret-2", "update_secrets": "always"})), &kept);
    assert!(plan[0].step.body["jsonData"].get(compare::FINGERPRINT).is_none());
    // Switched on later: what is set may be anything, so it is sent.
    let never = as_the_peer_made_it(json!({"secureJsonFields": {"password": true}}));
    assert_eq!(planned(options("secret-1"), &never)[0].sent, ["secureJsonData.password"]);
}

/// Fact 19.
#[test]
fn the_default_is_taken_and_nobody_takes_it_back_by_accident() {
    let snapshot = there(&[stored("a", "A", json!({"isDefault": true})), stored("b", "B", json!({}))]);
    let both = json!({"datasources": [{"name": "A", "user": "x"}, {"name": "B", "is_default": true}]});
    let plan = planned(both, &snapshot);
    assert_eq!(told(&plan), ["update A user", "update B isDefault"]);
    assert_eq!(plan[0].step.body["isDefault"], json!(false), "a PUT of the one as it was read would take it back");
    assert_eq!(plan[1].step.default_before.as_deref(), Some("a"));
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
}

#[test]
fn one_data_source_cannot_be_declared_twice() {
    let snapshot = there(&[stored("u", "P", json!({}))]);
    assert!(refused(json!({"datasources": [{"name": "P"}, {"name": "P"}]}), &snapshot).contains("declared twice"));
    assert!(
        refused(json!({"datasources": [{"name": "P"}, {"name": "Q", "uid": "u"}]}), &snapshot)
            .contains("are one data source")
    );
}

/// A form as the peer's payload has it, for a single data source of that type.
fn form_of(more: Value) -> Form {
    let task = task_of(
        json!({"name": "N", "ds_url": "http://x"})
            .as_object()
            .map(|base| {
                let mut all = base.clone();
                all.extend(more.as_object().cloned().expect("a map"));
                Value::Object(all)
            })
            .expect("a map"),
    )
    .expect("options");
    let desired = DatasourceKind::load(&task).expect("what is desired");
    plan::form(&desired[0], None)
}

#[test]
fn each_type_gets_what_the_peer_sends() {
    let tls = json!({"tlsAuth": false, "tlsAuthWithCACert": false});
    let cases = [
        (json!({"ds_type": "graphite"}), json!({})),
        (json!({"ds_type": "prometheus", "time_interval": "5s"}), json!({"timeInterval": "5s"})),
        (json!({"ds_type": "loki", "time_interval": "5s"}), json!({})),
        (
            json!({"ds_type": "elasticsearch", "es_version": 56, "interval": "Daily"}),
            json!({"maxConcurrentShardRequests": 256, "timeField": "@timestamp", "interval": "Daily", "esVersion": 56}),
        ),
        (
            json!({"ds_type": "elasticsearch"}),
            json!({"maxConcurrentShardRequests": 256, "timeField": "@timestamp", "esVersion": "7.10.0"}),
        ),
        (json!({"ds_type": "elasticsearch", "es_version": 5}), json!({"timeField": "@timestamp", "esVersion": 5})),
        (
            json!({"ds_type": "opentsdb", "tsdb_version": "3", "tsdb_resolution": "millisecond"}),
            json!({"tsdbVersion": 3, "tsdbResolution": 2}),
        ),
        (json!({"ds_type": "postgres"}), json!({"sslmode": "disable"})),
        (json!({"ds_type": "alertmanager"}), json!({"implementation": null, "handleGrafanaManagedAlerts": false})),
        (
            json!({"ds_type": "cloudwatch", "aws_custom_metrics_namespaces": "n1,n2"}),
            json!({"authType": "keys", "defaultRegion": "us-east-1", "customMetricsNamespaces": "n1,n2"}),
        ),
        (
            json!({"ds_type": "grafana-azure-monitor-datasource", "azure_tenant": "t"}),
            json!({"tenantId": "t", "clientId": null, "cloudName": "azuremonitor", "clientsecret": "clientsecret"}),
        ),
        (
            json!({"ds_type": "alexanderzobnin-zabbix-datasource", "zabbix_user": "z", "trends": true}),
            json!({"username": "z", "trends": true}),
        ),
    ];
    for (options, expected) in cases {
        let form = form_of(options.clone());
        let mut all = tls.clone();
        all.as_object_mut().expect("a map").extend(expected.as_object().cloned().expect("a map"));
        assert_eq!(Value::Object(form.json), all, "{options}");
    }
}

#[test]
fn credentials_and_certificates_become_what_the_peer_sends() {
    let cases = [
        (json!({"basic_auth_user": "u", "basic_auth_password": "secret-1"}), json!({}), vec!["basicAuthPassword"]),
        (
            json!({"tls_client_cert": "c", "tls_client_key": "k", "tls_ca_cert": "a", "tls_servername": "s"}),
            json!({"tlsAuth": true, "tlsAuthWithCACert": true, "serverName": "s"}),
            vec!["tlsCACert", "tlsClientCert", "tlsClientKey"],
        ),
        (
            json!({"tls_client_cert": "c", "tls_client_key": "k"}),
            json!({"tlsAuth": true, "serverName": null}),
            vec!["tlsClientCert", "tlsClientKey"],
        ),
        (json!({"tls_ca_cert": "a"}), json!({"tlsAuth": false, "tlsAuthWithCACert": true}), vec!["tlsCACert"]),
        (
            json!({"tls_skip_verify": true}),
            json!({"tlsAuth": false, "tlsAuthWithCACert": false, "tlsSkipVerify": true}),
            vec![],
        ),
        (json!({"password": "secret-1", "user": "u"}), json!({}), vec!["password"]),
    ];
    for (options, json, secrets) in cases {
        let mut all = options.clone();
        all["ds_type"] = json!("graphite");
        let form = form_of(all);
        if json != json!({}) {
            assert_eq!(Value::Object(form.json), json, "{options}");
        }
        assert_eq!(form.secrets.keys().collect::<Vec<_>>(), secrets, "{options}");
    }
    let lone = form_of(json!({"ds_type": "graphite", "basic_auth_user": "u"}));
    assert_eq!(lone.fields["basicAuth"], json!(false));
    assert!(lone.warnings[0].contains("basic_auth_password"), "{:?}", lone.warnings);
    for (options, part) in [
        (json!({"tls_client_cert": "c"}), "required together"),
        (json!({"tls_ca_cert": "a", "tls_skip_verify": false}), "mutually exclusive"),
        (json!({"enforce_secure_data": true, "update_secrets": "on_create"}), "mutually exclusive"),
    ] {
        let error = refused(single(options), &Snapshot::default());
        assert!(error.contains(part), "{error}");
    }
}

/// The peer lets the default of an option win over what was written in `additional_json_data`.
#[test]
fn an_option_that_is_not_written_does_not_win_over_additional_data() {
    let form = form_of(json!({"ds_type": "postgres", "json_data": {"sslmode": "require", "tlsSkipVerify": true}}));
    assert_eq!((&form.json["sslmode"], &form.json["tlsSkipVerify"]), (&json!("require"), &json!(true)));
    let form = form_of(json!({"ds_type": "postgres", "sslmode": "verify-ca", "json_data": {"sslmode": "require"}}));
    assert_eq!(form.json["sslmode"], "verify-ca");
}

/// The peer keeps it readable for everybody in the organisation.
#[test]
fn the_password_of_zabbix_is_a_secret_and_a_readable_one_goes() {
    let options = json!({"name": "Z", "ds_type": "alexanderzobnin-zabbix-datasource", "ds_url": "http://z", "zabbix_user": "u", "zabbix_password": "secret-1"});
    let json = json!({"tlsAuth": false, "tlsAuthWithCACert": false, "username": "u", "password": "secret-1"});
    let snapshot = there(&[stored(
        "z",
        "Z",
        json!({"type": "alexanderzobnin-zabbix-datasource", "url": "http://z", "jsonData": json}),
    )]);
    let plan = planned(options, &snapshot);
    assert_eq!(told(&plan), ["update Z jsonData.password,secureJsonFields.password"]);
    assert!(!plan[0].step.body.to_string().contains("secret-1"));
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
