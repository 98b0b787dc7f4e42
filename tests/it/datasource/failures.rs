//! What goes wrong on the way: locks, lost answers, objects that vanish, rollback.

use serde_json::{Value, json};

use super::{MODULE, as_documented, fresh, prometheus, read, with};
use crate::support::{Server, failed, fine, stand_in_11};

fn fault(server: &Server, method: &str, path: &str, more: Value) {
    server.fault(with(json!({"method": method, "path": path, "times": 1}), more));
}

fn names(server: &Server) -> Vec<String> {
    let all = server.get("/api/datasources");
    let name = |one: &Value| one["name"].as_str().unwrap_or_default().to_owned();
    all.as_array().expect("a list").iter().map(name).collect()
}

/// Facts 49, 50: "Failed to add datasource" means that it is not there; a lost answer may mean either.
#[test]
fn another_look_decides_whether_a_failed_creation_is_tried_again() {
    for kind in ["locked-before", "locked-after", "reset"] {
        let server = fresh();
        fault(&server, "POST", "/api/datasources", json!({"kind": kind, "after": true}));
        let list =
            json!({"datasources": [prometheus("a", json!({"password": "secret-1"})), prometheus("b", json!({}))]});
        let made = fine(server.run(MODULE, list.clone()));
        assert_eq!(
            (&made["msg"], names(&server)),
            (&json!("2 created"), vec!["a".to_owned(), "b".to_owned()]),
            "{kind}"
        );
        assert_eq!(fine(server.run(MODULE, list))["changed"], json!(false));
    }
}

#[test]
fn another_look_decides_after_a_failed_change_and_deletion_too() {
    for kind in ["locked-before", "locked-after", "reset"] {
        let server = fresh();
        fine(server.run(MODULE, prometheus("a", json!({}))));
        fault(&server, "PUT", "/api/datasources", json!({"kind": kind, "after": true}));
        let changed = fine(server.run(MODULE, prometheus("a", json!({"user": "x"}))));
        assert_eq!((&changed["changed"], &read(&server, "a")["user"]), (&json!(true), &json!("x")), "{kind}");
        fault(&server, "DELETE", "/api/datasources", json!({"kind": kind, "after": true}));
        let gone = fine(server.run(MODULE, json!({"name": "a", "state": "absent"})));
        assert_eq!((&gone["changed"], names(&server).len()), (&json!(true), 0), "{kind}");
    }
}

/// Fact 13: the second write of a first data source.
#[test]
fn a_default_that_was_not_taken_back_at_once_is_taken_back_after_another_look() {
    let server = fresh();
    fault(&server, "PUT", "/api/datasources", json!({"kind": "locked-before"}));
    let made = fine(server.run(MODULE, prometheus("a", json!({}))));
    assert_eq!((&made["changed"], &read(&server, "a")["isDefault"]), (&json!(true), &json!(false)));
}

#[test]
fn one_that_vanishes_before_it_is_changed_is_made() {
    let server = fresh();
    fine(server.run(MODULE, prometheus("a", json!({}))));
    fault(
        &server,
        "PUT",
        "/api/datasources",
        json!({"kind": "status", "status": 404, "body": {"message": "Data source not found"}}),
    );
    let changed = fine(server.run(MODULE, prometheus("a", json!({"user": "x"}))));
    assert_eq!(changed["datasource"]["user"], "x");
}

#[test]
fn an_answer_that_departs_from_what_was_sent_is_an_error_and_no_endless_change() {
    let server = fresh();
    fine(server.run(MODULE, prometheus("a", json!({}))));
    // Grafana drops this one silently: it is Enterprise's.
    let options = prometheus("a", json!({"json_data": {"teamHttpHeaders": {"headers": {}}}}));
    let result = failed(server.run(MODULE, options), "did not keep it");
    assert!(result["msg"].to_string().contains("jsonData.teamHttpHeaders"), "{result:#}");
}

#[test]
fn continue_does_the_rest_and_names_each_error() {
    let server = fresh();
    let list = json!({"on_error": "continue", "datasources": [
        prometheus("a", json!({})), prometheus("b", json!({"ds_url": "::nope"})), prometheus("c", json!({})),
    ]});
    let result = failed(server.run(MODULE, list), "failed to create data source `b`");
    assert_eq!(names(&server), ["a", "c"]);
    assert_eq!((&result["changed"], &result["objects"][1]["failed"]), (&json!(true), &json!(true)));
}

#[test]
fn rollback_puts_everything_back_and_says_what_it_cannot() {
    for server in [fresh(), stand_in_11()] {
        let before = json!({"datasources": [
            prometheus("a", json!({"is_default": true, "user": "u", "json_data": {"x": 1}})),
            prometheus("b", json!({"password": "secret-1"})),
            prometheus("c", json!({"basic_auth_user": "bu", "json_data": {"y": {"z": 2}}})),
            prometheus("d", json!({"password": "secret-2"})),
        ]});
        fine(server.run(MODULE, before));
        let stored: Vec<Value> = ["a", "b", "c", "d"].iter().map(|uid| read(&server, uid)).collect();
        // The deletions come last, and the last of them fails.
        fault(
            &server,
            "DELETE",
            "/api/datasources/uid/last",
            json!({"kind": "status", "status": 400, "body": {"message": "no"}}),
        );
        server.post("/api/datasources", json!({"name": "last", "uid": "last", "type": "testdata", "access": "proxy"}));
        let change = json!({"on_error": "rollback", "concurrency": 1, "datasources": [
            {"name": "a renamed", "uid": "a", "json_data": {"x": 2, "new": true}},
            {"name": "b", "password": "secret-3", "update_secrets": "always", "secure_json_data": {"added": "secret-4"}},
            prometheus("new", json!({"is_default": true})),
            {"name": "c", "state": "absent"},
            {"name": "d", "state": "absent"},
            {"name": "last", "state": "absent"},
        ]});
        let result = failed(server.run(MODULE, change), "failed to delete data source `last`");
        let same = |now: &Value, then: &Value| {
            let strip = |one: &Value| with(one.clone(), json!({"version": 0, "id": 0}));
            assert_eq!(strip(now), strip(then), "{result:#}");
        };
        ["a", "b", "c"].iter().zip(&stored).for_each(|(uid, then)| same(&read(&server, uid), then));
        assert_eq!(server.api("GET", "/api/datasources/uid/new", Value::Null).0, 404);
        // What Grafana tells nobody cannot come back, and that is told.
        let entry = |name: &str| {
            let all = result["objects"].as_array().expect("a list");
            all.iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("{name} is not in {result:#}")).clone()
        };
        assert_eq!(entry("a renamed")["rolled_back"], json!(true));
        for (name, secret) in [("b", "password"), ("d", "password")] {
            let told = entry(name)["rollback_error"].to_string();
            assert!(told.contains("secrets") && told.contains(secret), "{name}: {told}");
        }
        same(&read(&server, "d"), &with(stored[3].clone(), json!({"secureJsonFields": {}})));
        as_documented(&server);
    }
}

#[test]
fn rollback_takes_a_replacement_back() {
    let server = fresh();
    fine(server.run(MODULE, prometheus("old", json!({"name": "P", "password": "secret-1", "json_data": {"x": 1}}))));
    let then = read(&server, "old");
    let change = json!({"on_error": "rollback", "datasources": [
        {"name": "P", "uid": "new", "password": "secret-1"},
        {"name": "wrong", "ds_type": "prometheus", "ds_url": "::nope"},
    ], "concurrency": 1});
    let result = failed(server.run(MODULE, change), "failed to create data source `wrong`");
    assert_eq!(names(&server), ["P"]);
    let now = read(&server, "old");
    assert_eq!(now["jsonData"], then["jsonData"]);
    assert!(result["objects"][0]["rollback_error"].to_string().contains("secrets of this task"), "{result:#}");
    as_documented(&server);
}

/// Facts 13, 19: whoever had the default has it as long as nobody else got it.
#[test]
fn the_default_stays_where_it_was_when_the_one_that_takes_it_fails() {
    let server = fresh();
    fine(server.run(MODULE, prometheus("a", json!({"is_default": true}))));
    let list = json!({"datasources": [{"name": "a", "user": "x"}, prometheus("b", json!({"is_default": true, "ds_url": "::nope"}))]});
    failed(server.run(MODULE, list), "invalid URL");
    let now = read(&server, "a");
    assert_eq!((&now["user"], &now["isDefault"]), (&json!("x"), &json!(true)));
}

#[test]
fn a_replacement_that_fails_leaves_the_old_one() {
    for (method, path) in [("POST", "/api/datasources"), ("DELETE", "/api/datasources/uid/old")] {
        let server = fresh();
        fine(server.run(MODULE, prometheus("old", json!({"name": "P"}))));
        fault(&server, method, path, json!({"kind": "status", "status": 400, "body": {"message": "no"}}));
        let new = prometheus("new", json!({"name": "P"}));
        failed(server.run(MODULE, new.clone()), "failed to replace data source `P`");
        assert_eq!(server.get("/api/datasources").as_array().map(Vec::len), Some(1), "{method}");
        assert_eq!(read(&server, "old")["name"], "P");
        fine(server.run(MODULE, new));
        assert_eq!(names(&server), ["P"]);
    }
    // Half done: the new one is there under a name of its own, and another look or another run goes on.
    let server = fresh();
    fine(server.run(MODULE, prometheus("old", json!({"name": "P"}))));
    fault(&server, "PUT", "/api/datasources/uid/new", json!({"kind": "locked-before"}));
    fine(server.run(MODULE, prometheus("new", json!({"name": "P"}))));
    assert_eq!((names(&server), &read(&server, "new")["name"]), (vec!["P".to_owned()], &json!("P")));
}

/// Its own failure says nothing of the write whose answer was lost.
#[test]
fn a_look_that_fails_after_a_lost_answer_leaves_it_to_another_look() {
    let server = fresh();
    fine(server.run(MODULE, prometheus("old", json!({"name": "P"}))));
    fault(&server, "POST", "/api/datasources", json!({"kind": "reset", "after": true}));
    let broken = json!({"kind": "status", "status": 500, "body": {"message": "broken"}});
    fault(&server, "GET", "/api/datasources/uid/new", broken);
    let replaced = fine(server.run(MODULE, prometheus("new", json!({"name": "P"}))));
    assert_eq!((&replaced["changed"], names(&server)), (&json!(true), vec!["P".to_owned()]));
    assert_eq!(read(&server, "new")["name"], "P");
}

/// A kill, or a lock that did not end: the new one stands beside the old one.
#[test]
fn a_replacement_that_came_half_the_way_goes_on() {
    let new = json!({"name": "d1", "uid": "new", "ds_type": "loki", "ds_url": "http://x"});
    let one = || {
        let server = fresh();
        fine(server.run(MODULE, prometheus("other", json!({"is_default": true}))));
        fine(server.run(MODULE, json!({"name": "d1", "uid": "old", "ds_type": "loki", "ds_url": "http://x"})));
        server
    };
    // One lock is over within the run.
    for kind in ["locked-before", "locked-after", "reset"] {
        let server = one();
        fault(&server, "DELETE", "/api/datasources/*", json!({"kind": kind, "after": true}));
        let result = fine(server.run(MODULE, new.clone()));
        assert_eq!((&result["changed"], names(&server)), (&json!(true), vec!["d1".to_owned(), "other".to_owned()]));
        assert_eq!(fine(server.run(MODULE, new.clone()))["changed"], json!(false), "{kind}");
    }
    // What a killed run leaves: another one goes on, also under `prune`, with the secrets that it has.
    let server = one();
    let beside = json!({"name": "new instead of old", "uid": "new", "type": "loki", "url": "http://x", "access": "proxy",
        "secureJsonData": {"basicAuthPassword": "of-the-killed-run"}});
    server.post("/api/datasources", beside);
    let list = json!({"prune": {"type": "loki"}, "datasources": [with(new.clone(), json!({"basic_auth_user": "u",
        "basic_auth_password": "of-this-run"}))]});
    let predicted = fine(server.check(MODULE, list.clone()));
    let result = fine(server.run(MODULE, list.clone()));
    assert_eq!((&predicted["msg"], &result["msg"]), (&json!("would be: 1 replaced"), &json!("1 replaced")));
    assert_eq!((names(&server), &read(&server, "new")["name"]), (vec!["d1".into(), "other".into()], &json!("d1")));
    assert!(server.get("/_sandbox/secrets").to_string().contains("of-this-run"));
    assert_eq!(fine(server.run(MODULE, list))["changed"], json!(false));
}

#[test]
fn a_replacement_whose_last_step_is_refused_is_told_and_undone_or_goes_on() {
    for on_error in ["stop", "rollback"] {
        let server = fresh();
        fine(server.run(MODULE, prometheus("old", json!({"name": "P", "is_default": true}))));
        let refused = json!({"kind": "status", "status": 403, "body": {"message": "no"}});
        fault(&server, "PUT", "/api/datasources/uid/new", refused);
        let new = prometheus("new", json!({"name": "P", "is_default": true}));
        let options = with(new.clone(), json!({"on_error": on_error}));
        let result = failed(server.run(MODULE, options), "failed to replace data source `P`");
        let told = result["msg"].to_string();
        assert!(told.contains("`old` is deleted") && told.contains("`new instead of old`"), "{result:#}");
        if on_error == "rollback" {
            assert_eq!((names(&server), &read(&server, "old")["isDefault"]), (vec!["P".to_owned()], &json!(true)));
            continue;
        }
        assert_eq!((&result["changed"], names(&server)), (&json!(true), vec!["new instead of old".to_owned()]));
        fine(server.run(MODULE, new));
        assert_eq!((names(&server), &read(&server, "new")["isDefault"]), (vec!["P".to_owned()], &json!(true)));
    }
}

#[test]
fn a_replacement_that_is_never_certain_is_undone() {
    let server = fresh();
    fine(server.run(MODULE, prometheus("old", json!({"name": "P", "is_default": true}))));
    server
        .fault(json!({"method": "DELETE", "path": "/api/datasources/uid/old", "kind": "locked-before", "times": 500}));
    let options = prometheus("new", json!({"name": "P", "is_default": true, "on_error": "rollback"}));
    let result = failed(server.run(MODULE, options), "beside the old one of uid `old`");
    assert_eq!(
        (names(&server), &read(&server, "old")["isDefault"]),
        (vec!["P".to_owned()], &json!(true)),
        "{result:#}"
    );
}
