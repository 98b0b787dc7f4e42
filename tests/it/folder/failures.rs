//! Folders when something goes wrong: locks, lost answers, conflicts, rollback.

use serde_json::{Value, json};

use super::MODULE;
use crate::support::{failed, fine, stand_in, stand_in_11};

/// Fact 26: the version must fit, so a change that somebody makes meanwhile is not lost but seen.
#[test]
fn a_change_made_meanwhile_is_planned_again() {
    for server in [stand_in(sandbox::Config::default()), stand_in_11()] {
        server.post("/api/folders", json!({"title": "Old", "uid": "f"}));
        let conflict = json!({"message": "The dashboard has been changed by someone else"});
        server.fault(json!({"method": "PUT", "path": "/api/folders/f", "kind": "status", "status": 412, "body": conflict, "times": 1}));
        let result = fine(server.run(MODULE, json!({"name": "New", "uid": "f"})));
        assert_eq!(result["changed"], json!(true));
        assert_eq!(server.get("/api/folders/f")["title"], "New");
    }
}

/// Fact 50: the folder of a "database is locked" is there, without any permission.
#[test]
fn a_folder_made_despite_an_error_has_its_permissions() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "locked-after", "times": 1}));
    let result = fine(server.run(MODULE, json!({"name": "Locked", "uid": "locked"})));
    assert_eq!(result["changed"], json!(true));
    assert!(result["warnings"].to_string().contains("made the folder all the same"), "{result:#}");
    let held = server.get("/api/folders/locked/permissions");
    let mut roles: Vec<String> = held
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| format!("{}{}", one["role"].as_str().unwrap_or("admin"), one["permission"]))
        .collect();
    roles.sort();
    assert_eq!(roles, ["Editor2", "Viewer1", "admin4"]);
}

/// The same when its permissions meet a lock of their own.
#[test]
fn a_folder_made_despite_an_error_gets_its_permissions_at_the_second_try() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders$", "kind": "locked-after", "times": 1}));
    server.fault(json!({"method": "POST", "path": "/api/folders/*/permissions", "kind": "locked-before", "times": 1}));
    fine(server.run(MODULE, json!({"name": "Locked", "uid": "locked", "deadline": 1e19})));
    assert_eq!(server.get("/api/folders/locked/permissions").as_array().map(Vec::len), Some(3));
}

#[test]
fn a_folder_that_was_not_made_is_made_after_another_look() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "locked-before", "times": 2}));
    let result = fine(server.run(MODULE, json!({"folders": [{"name": "A", "uid": "a"}, {"name": "B", "uid": "b"}]})));
    assert_eq!(result["msg"], "2 created");
    let all = server.get("/api/folders");
    assert_eq!(all.as_array().map(Vec::len), Some(2), "{all}");
}

#[test]
fn a_lost_answer_is_looked_up_before_it_is_repeated() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "reset", "after": true, "times": 1}));
    let result = fine(server.run(MODULE, json!({"name": "Once"})));
    assert_eq!(result["changed"], json!(true), "{result:#}");
    let all = server.get("/api/folders");
    assert_eq!(all.as_array().map(Vec::len), Some(1), "it was made twice: {all}");
}

#[test]
fn rollback_takes_back_what_was_done_newest_first() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/folders", json!({"title": "Before", "uid": "old"}));
    server.fault(json!({"method": "POST", "path": "/api/folders/old/move", "kind": "status", "status": 403, "body": {"message": "no"}}));
    let task = json!({"on_error": "rollback", "folders": [
        {"name": "New", "uid": "new"},
        {"name": "Other", "uid": "old", "parent_uid": "new"},
    ]});
    let result = failed(server.run(MODULE, task), "failed to update folder `Other`");
    assert_eq!(server.api("GET", "/api/folders/new", Value::Null).0, 404, "{result:#}");
    assert_eq!(result["changed"], json!(false), "{result:#}");
}

#[test]
fn with_continue_the_rest_is_done_and_children_of_the_failed_wait() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "status", "status": 400, "body": {"message": "no"}, "times": 1}));
    let task = json!({"on_error": "continue", "concurrency": 1, "folders": [
        {"name": "Bad", "uid": "bad"}, {"name": "Child", "uid": "child", "parent_uid": "bad"}, {"name": "Good", "uid": "good"},
    ]});
    let result = failed(server.run(MODULE, task), "failed to create folder `Bad`");
    assert!(result["objects"][1]["error"].to_string().contains("`Bad`, which it needs, failed"), "{result:#}");
    assert_eq!(result["objects"][2]["changed"], json!(true));
    server.get("/api/folders/good");
}

#[test]
fn with_continue_an_object_that_cannot_be_planned_is_its_own_failure() {
    let server = stand_in(sandbox::Config::default());
    let folders = json!([{"name": "Bad", "parent_uid": "nowhere"}, {"name": "Good", "uid": "good"}]);
    let result = failed(server.run(MODULE, json!({"folders": folders})), "no folder with the uid `nowhere`");
    assert_eq!(result["changed"], json!(false), "by default nothing is done");
    let task = json!({"folders": folders, "on_error": "continue"});
    let predicted = failed(server.check(MODULE, task.clone()), "no folder with the uid `nowhere`");
    let result = failed(server.run(MODULE, task), "no folder with the uid `nowhere`");
    assert_eq!(result["objects"][1]["changed"], json!(true), "{result:#}");
    assert_eq!(predicted["objects"][1]["action"], "create");
    server.get("/api/folders/good");
    let pruning = json!({"folders": folders, "on_error": "continue", "prune": {"parent": "/"}});
    assert_eq!(failed(server.run(MODULE, pruning), "nowhere")["changed"], json!(false));
}

/// Neither the write nor the look after it tells what happened: that stays uncertain, and is looked at again.
#[test]
fn a_look_that_fails_does_not_make_a_lost_write_certain() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "reset", "after": true, "times": 1}));
    let no = json!({"message": "no"});
    server.fault(json!({"method": "GET", "path": "/api/folders/once", "kind": "status", "status": 403, "body": no}));
    let result = fine(server.run(MODULE, json!({"name": "Once", "uid": "once"})));
    assert_eq!(result["changed"], json!(true), "{result:#}");
    assert!(result["warnings"].to_string().contains("a look showed that it had happened"), "{result:#}");
}
