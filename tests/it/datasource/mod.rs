//! `grafana_datasource`: the twelve steps, what the peer's users rely on, and each fact about data sources
//! that Grafana surprises with.

mod failures;
mod health;
mod secrets;

use serde_json::{Value, json};

use crate::support::{Server, failed, fine, server, stand_in, stand_in_11, twelve_steps};

const MODULE: &str = "grafana_datasource";

fn fresh() -> Server {
    stand_in(sandbox::Config::default())
}

fn read(server: &Server, uid: &str) -> Value {
    server.get(&format!("/api/datasources/uid/{uid}"))
}

fn remove(server: &Server, uid: &str) {
    server.api("DELETE", &format!("/api/datasources/uid/{uid}"), Value::Null);
}

fn prometheus(uid: &str, more: Value) -> Value {
    with(json!({"name": uid, "uid": uid, "ds_type": "prometheus", "ds_url": "http://p:9090"}), more)
}

fn with(mut all: Value, more: Value) -> Value {
    all.as_object_mut().expect("a map").extend(more.as_object().cloned().expect("a map"));
    all
}

/// No request departed from Grafana's OpenAPI document.
fn as_documented(server: &Server) {
    if server.is_stand_in() {
        let shown = server.get("/_sandbox/departures");
        assert_eq!(shown["departures"], json!([]), "{}", shown["document"]);
    }
}

#[test]
fn twelve_steps_of_a_single_one() {
    for server in [server(), stand_in_11()] {
        let uid = server.name("one");
        let change = json!({
            "ds_url": "https://p:9091", "basic_auth_user": "grafana", "basic_auth_password": "pw-of-twelve-steps",
            "tls_skip_verify": true, "time_interval": "30s", "json_data": {"httpMethod": "POST", "n": 1.0},
        });
        twelve_steps(
            &server,
            MODULE,
            prometheus(&uid, json!({})),
            prometheus(&uid, change),
            json!({"name": uid, "state": "absent"}),
        );
        as_documented(&server);
    }
}

#[test]
fn twelve_steps_of_a_list() {
    for server in [server(), stand_in_11()] {
        let (one, two, three) = (server.name("a"), server.name("b"), server.name("c"));
        let list = |url: &str, token: &str| {
            json!({"access": "proxy", "datasources": [
                prometheus(&one, json!({"ds_url": url})),
                {"name": two, "uid": two, "ds_type": "postgres", "ds_url": "db:5432", "user": "u", "sslmode": "require",
                 "secure_json_data": {"password": "pw-of-the-list", token: "another-secret"}},
                {"name": three, "uid": three, "ds_type": "testdata"},
            ]})
        };
        let gone = json!({"state": "absent", "datasources": [{"name": one}, {"name": two}, {"name": three}]});
        twelve_steps(&server, MODULE, list("http://p:1", "a"), list("http://p:2", "b"), gone);
    }
}

#[test]
fn a_single_one_has_the_keys_and_sentences_of_the_peer() {
    let server = server();
    let uid = server.name("keys");
    let options = prometheus(&uid, json!({"is_default": false}));
    let made = fine(server.run(MODULE, options.clone()));
    assert_eq!(made["msg"], json!(format!("Datasource {uid} created")));
    assert_eq!(made["datasource"], read(&server, &uid));
    let again = fine(server.run(MODULE, options.clone()));
    assert_eq!((&again["msg"], &again["changed"]), (&json!(format!("Datasource {uid} unchanged")), &json!(false)));
    assert_eq!(again["datasource"], made["datasource"]);
    assert!(again.get("diff").is_none(), "{again:#}");
    let changed = fine(server.run(MODULE, with(options, json!({"ds_url": "http://q"}))));
    assert_eq!(changed["msg"], json!(format!("Datasource {uid} updated")));
    let diff = &changed["diff"];
    assert_eq!((&diff["before"]["url"], &diff["after"]["url"]), (&json!("http://p:9090"), &json!("http://q")));
    assert_eq!(diff["before"]["jsonData"], json!({"tlsAuth": false, "tlsAuthWithCACert": false}));
    let absent = json!({"name": uid, "state": "absent"});
    let gone = fine(server.run(MODULE, absent.clone()));
    assert_eq!((&gone["msg"], &gone["datasource"]), (&json!(format!("Datasource {uid} deleted.")), &Value::Null));
    assert!(gone.as_object().is_some_and(|all| all.contains_key("datasource")));
    let never = fine(server.run(MODULE, absent));
    assert_eq!(never["msg"], json!(format!("Datasource {uid} does not exist.")));
}

#[test]
fn it_is_made_in_the_organisation_that_is_named() {
    let server = server();
    let name = server.name("org");
    let org = server.post("/api/orgs", json!({"name": name}))["orgId"].clone();
    let by_id = fine(server.run(MODULE, prometheus(&name, json!({"org_id": org}))));
    assert_eq!(by_id["datasource"]["orgId"], org);
    let by_name = fine(server.run(MODULE, prometheus(&name, json!({"org_name": name}))));
    assert_eq!(by_name["changed"], json!(false));
    assert_eq!(server.api("GET", &format!("/api/datasources/uid/{name}"), Value::Null).0, 404);
    server.api("DELETE", &format!("/api/orgs/{org}"), Value::Null);
}

/// Fact 11: the list does not tell secrets, the user of basic authentication, withCredentials, version.
#[test]
fn only_what_the_list_does_not_tell_is_read_one_by_one() {
    let server = fresh();
    let list = json!({"datasources": [
        prometheus("a", json!({"json_data": {"httpMethod": "POST"}})),
        prometheus("b", json!({"basic_auth_user": "u", "basic_auth_password": "pw-of-fact-11"})),
        prometheus("c", json!({"with_credentials": true})),
    ]});
    fine(server.run(MODULE, list.clone()));
    server.forget_requests();
    fine(server.run(MODULE, list));
    let mut asked: Vec<String> = server.requests().into_iter().map(|(_, path)| path).collect();
    asked.sort();
    assert_eq!(asked, ["/api/datasources", "/api/datasources/uid/b", "/api/datasources/uid/c", "/api/user"]);
    for (uid, more) in [("b", json!({"basic_auth_user": "other"})), ("c", json!({"with_credentials": false}))] {
        let changed = fine(server.run(MODULE, json!({"datasources": [with(json!({"name": uid}), more)]})));
        assert_eq!(changed["changed"], json!(true), "the list does not show what differs: {changed:#}");
    }
}

/// Fact 12.
#[test]
fn what_grafana_would_refuse_is_refused_before_anything_is_sent() {
    let server = fresh();
    server.forget_requests();
    failed(server.run(MODULE, prometheus("a", json!({"name": "n".repeat(191)}))), "191 bytes");
    failed(server.run(MODULE, prometheus("a", json!({"name": ""}))), "name is empty");
    assert_eq!(server.requests(), []);
    failed(server.run(MODULE, prometheus("a b", json!({}))), "other than letters");
    assert_eq!(server.writes(), []);
    // Case and blanks count.
    for name in ["Case", "case", " case "] {
        fine(server.run(MODULE, json!({"name": name, "ds_type": "testdata", "ds_url": ""})));
    }
    assert_eq!(server.get("/api/datasources").as_array().map(Vec::len), Some(3));
}

/// Fact 13.
#[test]
fn the_first_one_becomes_the_default_only_where_that_is_not_declared_otherwise() {
    for server in [fresh(), stand_in_11()] {
        fine(server.run(MODULE, prometheus("a", json!({}))));
        assert_eq!(read(&server, "a")["isDefault"], json!(false));
        assert_eq!(server.writes().iter().map(|(method, _)| method.as_str()).collect::<Vec<_>>(), ["POST", "PUT"]);
        remove(&server, "a");
        server.forget_requests();
        let made = fine(server.run(MODULE, json!({"datasources": [prometheus("a", json!({}))]})));
        assert_eq!((made["changed"].clone(), server.writes().len()), (json!(true), 1));
        assert_eq!(read(&server, "a")["isDefault"], json!(true));
        let again = fine(server.run(MODULE, json!({"datasources": [prometheus("a", json!({}))]})));
        assert_eq!(again["changed"], json!(false));
    }
}

/// Fact 14: without the version Grafana checks nothing, and it falls back to 1.
#[test]
fn a_change_made_meanwhile_is_planned_again_and_the_version_goes_on() {
    for server in [fresh(), stand_in_11()] {
        fine(server.run(MODULE, prometheus("a", json!({}))));
        let body = json!({
            "name": "a", "type": "prometheus", "access": "proxy", "url": "http://p:9090", "version": 50, "user": "somebody",
        });
        server.api("PUT", "/api/datasources/uid/a", body);
        let conflict =
            json!({"message": "Datasource has already been updated by someone else. Please reload and try again"});
        server.fault(json!({"method": "PUT", "path": "/api/datasources/", "kind": "status", "status": 409, "body": conflict, "times": 1}));
        let list = json!({"datasources": [{"name": "a", "ds_url": "http://q"}]});
        let changed = fine(server.run(MODULE, list.clone()));
        assert_eq!(changed["changed"], json!(true));
        let now = read(&server, "a");
        assert_eq!((&now["version"], &now["user"], &now["url"]), (&json!(52), &json!("somebody"), &json!("http://q")));
        // An unchanged PUT would move it (fact 14), and it is no difference.
        assert_eq!(fine(server.run(MODULE, list))["changed"], json!(false));
        assert_eq!(read(&server, "a")["version"], json!(52));
    }
}

/// Fact 15: a PUT resets what it does not name.
#[test]
fn what_nobody_declared_survives_a_change() {
    let server = server();
    let uid = server.name("rest");
    let full = json!({
        "name": uid, "uid": uid, "type": "prometheus", "access": "direct", "url": "http://p", "user": "u", "database": "d",
        "basicAuth": true, "basicAuthUser": "b", "withCredentials": true,
        "jsonData": {"httpMethod": "POST", "nested": {"a": [1, 2.5, null]}, "big": 9_007_199_254_740_993_i64},
        "secureJsonData": {"basicAuthPassword": "pw-of-fact-15"},
    });
    server.post("/api/datasources", full);
    let before = read(&server, &uid);
    let item = json!({"name": uid, "ds_url": "http://q", "json_data": {"nested": {"b": true}}});
    let changed = fine(server.run(MODULE, json!({"datasources": [item]})));
    assert_eq!(changed["objects"][0]["fields"], json!(["jsonData.nested.b", "url"]));
    let mut expected = before;
    expected["url"] = json!("http://q");
    expected["version"] = json!(2);
    expected["jsonData"]["nested"]["b"] = json!(true);
    assert_eq!(read(&server, &uid), expected);
    remove(&server, &uid);
}

/// Fact 16.
#[test]
fn an_empty_address_is_refused_before_it_is_sent() {
    let server = fresh();
    server.post("/api/datasources", json!({"name": "e", "uid": "e", "type": "loki", "access": "proxy"}));
    server.forget_requests();
    for item in [json!({"name": "e", "user": "u"}), json!({"name": "new", "ds_type": "loki", "ds_url": ""})] {
        failed(server.run(MODULE, json!({"datasources": [item]})), "has no address");
    }
    assert_eq!(server.writes(), []);
    // One that needs none keeps the one that it has, and that is said at each run.
    let server = crate::support::server();
    let uid = server.name("emptied");
    let options = |url: &str| json!({"name": uid, "uid": uid, "ds_type": "testdata", "ds_url": url});
    fine(server.run(MODULE, options("http://old")));
    for _ in 0..2 {
        let same = fine(server.run(MODULE, options("")));
        assert_eq!((&same["changed"], &same["datasource"]["url"]), (&json!(false), &json!("http://old")));
        assert!(same["warnings"].to_string().contains("its address stays"), "{same:#}");
    }
    // That nothing writes it can be seen where everything else of the task is written.
    fine(server.run(MODULE, with(options(""), json!({"user": "u"}))));
    assert_eq!(read(&server, &uid)["url"], "http://old");
    remove(&server, &uid);
    let server = fresh();
    let bad = failed(server.run(MODULE, prometheus("bad", json!({"ds_url": "::nope"}))), "invalid URL");
    assert!(bad["msg"].to_string().contains("`ds_url`"), "{bad:#}");
}

/// Fact 18: one that exists under the uid is renamed, and a name that another has is not taken.
#[test]
fn a_uid_with_another_name_is_renamed() {
    let server = server();
    let (uid, other) = (server.name("uid"), server.name("other"));
    for one in [&uid, &other] {
        fine(server.run(MODULE, prometheus(one, json!({}))));
    }
    let id = read(&server, &uid)["id"].clone();
    failed(server.run(MODULE, prometheus(&uid, json!({"name": other}))), "belongs to another data source");
    let renamed = fine(server.run(MODULE, prometheus(&uid, json!({"name": format!("{uid} new")}))));
    assert_eq!((&renamed["fields"], &renamed["datasource"]["id"]), (&json!(["name"]), &id));
    [&uid, &other].into_iter().for_each(|one| remove(&server, one));
}

#[test]
fn a_name_that_is_given_up_is_taken_in_the_same_task() {
    let server = fresh();
    for one in ["a", "b", "c"] {
        fine(server.run(MODULE, prometheus(one, json!({}))));
    }
    let list = json!({"datasources": [
        {"name": "b", "uid": "a"}, {"name": "c", "uid": "b"}, {"name": "d", "uid": "c", "state": "absent"},
    ]});
    assert_eq!(fine(server.run(MODULE, list))["msg"], "2 updated, 1 deleted");
    assert_eq!((&read(&server, "a")["name"], &read(&server, "b")["name"]), (&json!("b"), &json!("c")));
    // Also by a new one, and the renamed one keeps what it has.
    let list = json!({"datasources": [prometheus("new", json!({"name": "b"})), {"name": "e", "uid": "a"}]});
    assert_eq!(fine(server.check(MODULE, list.clone()))["msg"], "would be: 1 created, 1 updated");
    assert_eq!(fine(server.run(MODULE, list.clone()))["msg"], "1 created, 1 updated");
    assert_eq!((&read(&server, "a")["name"], &read(&server, "new")["name"]), (&json!("e"), &json!("b")));
    assert_eq!(fine(server.run(MODULE, list))["changed"], json!(false));
}

/// Fact 19.
#[test]
fn the_default_is_taken_from_the_one_that_had_it() {
    for server in [fresh(), stand_in_11()] {
        fine(server.run(MODULE, prometheus("a", json!({"is_default": true}))));
        fine(server.run(MODULE, prometheus("b", json!({}))));
        let list = json!({"datasources": [{"name": "a", "user": "x"}, {"name": "b", "is_default": true}]});
        for changed in [true, false] {
            assert_eq!(fine(server.run(MODULE, list.clone()))["changed"], json!(changed));
        }
        let is_default = |uid: &str| read(&server, uid)["isDefault"].clone();
        assert_eq!((is_default("a"), is_default("b")), (json!(false), json!(true)));
        let two = json!({"is_default": true, "datasources": [{"name": "a"}, {"name": "b"}]});
        failed(server.run(MODULE, two), "both to be the default");
        let gone = fine(server.run(MODULE, json!({"name": "b", "state": "absent"})));
        assert!(gone["warnings"].to_string().contains("no other one becomes that"), "{gone:#}");
        assert_eq!(is_default("a"), json!(false));
    }
}

/// Fact 20.
#[test]
fn old_names_of_types_and_ways_to_write_numbers_are_no_difference() {
    let server = server();
    for (old, new) in [("postgres", "grafana-postgresql-datasource"), ("testdata", "grafana-testdata-datasource")] {
        let uid = server.name(old);
        let url = if old == "postgres" { "db:5432" } else { "" };
        let json = json!({"a": 1.0, "b": 9_007_199_254_740_993_i64, "c": null, "d": [1, 2.0]});
        let options = |kind: &str, json: Value| json!({"name": uid, "uid": uid, "ds_type": kind, "ds_url": url, "json_data": json});
        fine(server.run(MODULE, options(old, json.clone())));
        assert_eq!(read(&server, &uid)["type"], json!(new));
        for kind in [old, new] {
            assert_eq!(fine(server.run(MODULE, options(kind, json.clone())))["changed"], json!(false));
            let written = json!({"a": 1, "b": 9_007_199_254_740_993_i64, "d": [1.0, 2]});
            assert_eq!(fine(server.run(MODULE, options(kind, written)))["changed"], json!(false));
        }
        let other = json!({"b": 9_007_199_254_740_992_i64});
        assert_eq!(fine(server.run(MODULE, options(new, other)))["changed"], json!(true));
        remove(&server, &uid);
    }
}

/// Fact 22.
#[test]
fn a_provisioned_one_is_refused_with_what_to_do() {
    let server = fresh();
    server.post(
        "/_sandbox/seed",
        json!({"datasources": [
            {"name": "prov", "uid": "prov", "type": "prometheus", "url": "http://p:9090"},
            {"name": "prov-ed", "uid": "prov-ed", "type": "prometheus", "url": "http://p:9090", "editable": true},
        ]}),
    );
    server.forget_requests();
    for options in [prometheus("prov", json!({"user": "x"})), json!({"name": "prov", "state": "absent"})] {
        for result in [server.check(MODULE, options.clone()), server.run(MODULE, options)] {
            let message = failed(result, "`prov` is provisioned from a file")["msg"].to_string();
            assert!(message.contains("editable: true"), "{message}");
        }
    }
    assert_eq!(server.writes(), []);
    assert_eq!(
        fine(server.run(MODULE, json!({"datasources": [{"name": "prov", "ds_url": "http://p:9090"}]})))["changed"],
        json!(false)
    );
    let pruned = fine(server.run(MODULE, json!({"datasources": [], "prune": {"name_prefix": "prov"}})));
    assert_eq!(pruned["msg"], "1 deleted");
    read(&server, "prov");
}

/// Fact 59: 11.5 takes uids that no path can hold, and they can be there.
#[test]
fn a_uid_that_no_path_can_hold_is_worked_with() {
    let server = stand_in_11();
    server.post(
        "/api/datasources",
        json!({"name": "odd", "uid": "a/b c", "type": "loki", "access": "proxy", "url": "http://l"}),
    );
    let changed = fine(server.run(MODULE, json!({"datasources": [{"name": "odd", "uid": "a/b c", "user": "u"}]})));
    assert_eq!(changed["objects"][0]["uid"], "a/b c");
    assert_eq!(server.get("/api/datasources/name/odd")["user"], "u");
    assert_eq!(fine(server.run(MODULE, json!({"name": "odd", "state": "absent"})))["changed"], json!(true));
}

/// Grafana 12 refuses such a uid in a PUT though it is the one that the data source has.
#[test]
fn a_uid_that_only_11_gave_does_not_keep_12_from_changing_the_rest() {
    let server = fresh();
    let odd = json!({"name": "odd", "uid": "a b", "type": "loki", "url": "http://l", "editable": true});
    server.post("/_sandbox/seed", json!({"datasources": [odd]}));
    fine(server.run(MODULE, json!({"datasources": [{"name": "odd", "user": "u"}]})));
    let now = server.get("/api/datasources/name/odd");
    assert_eq!((&now["user"], &now["uid"]), (&json!("u"), &json!("a b")));
}

#[test]
fn a_hundred_take_a_request_each_and_then_none() {
    let server = fresh();
    let all: Vec<Value> = (0..100).map(|n| prometheus(&format!("s{n}"), json!({"json_data": {"n": n}}))).collect();
    let list = json!({"datasources": all});
    server.forget_requests();
    let made = fine(server.run(MODULE, list.clone()));
    assert_eq!(made["msg"], "100 created");
    // The caller, the list, and one each.
    assert_eq!((server.requests().len(), &made["stats"]["requests"]), (102, &json!(102)));
    server.forget_requests();
    let again = fine(server.run(MODULE, list));
    assert_eq!((&again["msg"], server.requests().len()), (&json!("100 unchanged"), 2));
}

/// Fact 49: above two or three writers at once SQLite fails some, and these are looked at and tried again.
#[test]
fn a_hundred_are_made_on_a_database_that_locks() {
    for concurrency in [4, 16, 32] {
        let server = stand_in(sandbox::Config { sqlite: true, ..sandbox::Config::default() });
        let all: Vec<Value> = (0..100).map(|n| prometheus(&format!("s{n}"), json!({}))).collect();
        let list = json!({"datasources": all, "concurrency": concurrency});
        let made = fine(server.run(MODULE, list.clone()));
        assert_eq!(made["msg"], "100 created", "{concurrency} at once");
        assert_eq!(server.get("/api/datasources").as_array().map(Vec::len), Some(100));
        // The first one has become the default.
        assert_eq!(read(&server, "s0")["isDefault"], json!(true), "{concurrency} at once");
        assert_eq!(fine(server.run(MODULE, list))["msg"], "100 unchanged");
    }
}

#[test]
fn prune_deletes_in_its_scope_and_up_to_its_limit() {
    let server = server();
    let prefix = server.name("prune");
    let uid = |n: usize| format!("{prefix}-{n}");
    let all: Vec<Value> = (0..4).map(|n| prometheus(&uid(n), json!({}))).collect();
    fine(server.run(MODULE, json!({"datasources": all})));
    let kept =
        |limit: usize| json!({"datasources": [{"name": uid(0)}], "prune": {"name_prefix": prefix, "limit": limit}});
    let refused = failed(server.run(MODULE, kept(2)), "more than its limit of 2");
    assert_eq!(refused["changed"], json!(false));
    assert_eq!(fine(server.check(MODULE, kept(3)))["msg"], "would be: 3 deleted, 1 unchanged");
    assert_eq!(fine(server.run(MODULE, kept(3)))["msg"], "3 deleted, 1 unchanged");
    assert_eq!(fine(server.run(MODULE, kept(0)))["msg"], "1 unchanged");
    // Beside a single one, too: "unchanged" would be half of the truth.
    fine(server.run(MODULE, prometheus(&uid(1), json!({}))));
    let single = prometheus(&uid(0), json!({"prune": {"name_prefix": prefix}}));
    let result = fine(server.run(MODULE, single));
    assert!(result["msg"].to_string().contains("1 deleted"), "{result:#}");
    assert!(result["datasource"].is_object(), "{result:#}");
    remove(&server, &uid(0));
}
