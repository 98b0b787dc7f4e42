//! Folders that are deleted, declared absent or by `prune`.

use serde_json::{Value, json};

use super::{MODULE, delete};
use crate::support::{failed, fine, server, stand_in, stand_in_11};

/// Fact 28: a deletion takes everything in the folder with it, and asks nobody.
#[test]
fn a_folder_that_holds_a_dashboard_is_deleted_only_by_force() {
    let server = server();
    let (uid, dashboard) = (server.name("full"), server.name("d"));
    server.post("/api/folders", json!({"title": uid, "uid": uid}));
    server.post("/api/dashboards/db", json!({"dashboard": {"uid": dashboard, "title": "D"}, "folderUid": uid}));
    let absent = json!({"name": uid, "uid": uid, "state": "absent"});
    for result in [server.check(MODULE, absent.clone()), server.run(MODULE, absent)] {
        failed(result, "it holds 1 dashboard");
    }
    server.get(&format!("/api/dashboards/uid/{dashboard}"));
    fine(server.run(MODULE, json!({"name": uid, "uid": uid, "state": "absent", "force": true})));
    assert_eq!(server.api("GET", &format!("/api/dashboards/uid/{dashboard}"), Value::Null).0, 404);
}

#[test]
fn prune_of_a_scope_that_is_nowhere_is_refused() {
    let server = server();
    let title = server.name("kept");
    for scope in [json!({"parent": "no/where"}), json!({"parent_uid": "nowhere"})] {
        let task = json!({"folders": [{"name": title}], "prune": scope});
        failed(server.run(MODULE, task), "prune: ");
    }
    let listed = server.get("/api/folders?limit=5000");
    assert!(listed.as_array().is_some_and(|all| all.iter().all(|one| one["title"] != json!(title))));
    // What this task makes is known.
    let new = json!({"folders": [{"name": title}], "prune": {"parent": title}});
    assert_eq!(fine(server.run(MODULE, new))["msg"], "1 created");
    fine(server.run(MODULE, json!({"name": title, "state": "absent"})));
}

#[test]
fn prune_removes_what_is_not_declared_within_its_scope_and_limit() {
    let server = server();
    let home = server.name("home");
    let mut folders = vec![json!({"name": home, "uid": home})];
    folders.extend(["a", "b", "c"].map(|name| json!({"name": name, "parent_uid": home})));
    fine(server.run(MODULE, json!({"folders": folders})));
    let keep = |limit: u32| json!({"folders": [{"name": home, "uid": home}, {"name": "a", "parent_uid": home}], "prune": {"parent_uid": home, "limit": limit}});
    let refused = failed(server.run(MODULE, keep(1)), "would delete 2 folders, more than its limit of 1");
    assert_eq!(refused["changed"], json!(false));
    assert_eq!(fine(server.run(MODULE, keep(2)))["msg"], "2 deleted, 2 unchanged");
    assert_eq!(fine(server.run(MODULE, keep(2)))["changed"], json!(false));
    delete(&server, &home);
}

/// What a folder holds is counted with all folders below it.
#[test]
fn folders_in_an_empty_one_are_not_counted_again() {
    let server = stand_in(sandbox::Config::default());
    let folder = |name: &str, parent: &str| json!({"name": name, "uid": name, "parent_uid": parent});
    let folders = json!([folder("top", ""), folder("a", "top"), folder("b", "top"), folder("deep", "a")]);
    fine(server.run(MODULE, json!({"folders": folders})));
    server.forget_requests();
    assert_eq!(fine(server.run(MODULE, json!({"folders": folders, "state": "absent"})))["msg"], "4 deleted");
    let counts: Vec<_> = server.requests().into_iter().filter(|(_, path)| path.ends_with("/counts")).collect();
    assert_eq!(counts, [("GET".to_owned(), "/api/folders/top/counts".to_owned())]);
}

/// A scope that gets its name in the same task is pruned at once, and not by the next run.
#[test]
fn prune_of_a_scope_that_is_renamed_is_done_in_one_run() {
    let server = server();
    let (old, new) = (server.name("old"), server.name("new"));
    fine(server.run(MODULE, json!({"name": old, "uid": old})));
    fine(server.run(MODULE, json!({"name": "Extra", "parent_uid": old})));
    let task = json!({"folders": [{"name": new, "uid": old}], "prune": {"parent": new}});
    assert_eq!(fine(server.check(MODULE, task.clone()))["msg"], "would be: 1 updated, 1 deleted");
    assert_eq!(fine(server.run(MODULE, task.clone()))["msg"], "1 updated, 1 deleted");
    assert_eq!(fine(server.run(MODULE, task))["changed"], json!(false));
    delete(&server, &old);
}

/// Fact 60: before 12 the refusal comes as a 403, which is no matter of permissions.
#[test]
fn library_panels_in_use_are_told_from_a_missing_permission() {
    let server = stand_in_11();
    server.post("/api/folders", json!({"title": "Lib", "uid": "lib"}));
    let in_use = json!({"message": "Folder could not be deleted because it contains library elements in use"});
    server
        .fault(json!({"method": "DELETE", "path": "/api/folders/*", "kind": "status", "status": 403, "body": in_use}));
    let task = json!({"name": "Lib", "state": "absent", "force": true});
    let result = failed(server.run(MODULE, task), "library elements in use");
    let told = result["msg"].to_string();
    assert!(told.contains("take them out there") && !told.contains("Permission Denied"), "{told}");
}

/// An empty variable in a play would otherwise put every folder into the scope.
#[test]
fn an_empty_scope_of_prune_is_refused() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/folders", json!({"uid": "a", "title": "A"}));
    for option in ["name_prefix", "parent", "parent_uid"] {
        let options = json!({"folders": [], "prune": {option: ""}});
        failed(server.run(MODULE, options), "of prune is empty, and so it bounds nothing");
    }
    let root = json!({"folders": [], "prune": {"parent": "/"}});
    assert_eq!(fine(server.run(MODULE, root))["msg"], "1 deleted");
}
