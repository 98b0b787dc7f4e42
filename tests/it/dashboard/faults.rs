//! Somebody else at the same time, lost answers, lost permissions, and taking it all back.

use serde_json::{Value, json};

use super::{Files, MODULE, dashboard, delete, is_gone, permissions};
use crate::support::{Server, failed, fine, server, stand_in, stand_in_11};

#[test]
fn permissions_that_the_server_lost_are_set() {
    for (server, path) in [(stand_in(sandbox::Config::default()), "/apis/*"), (stand_in_11(), "/api/dashboards/db")] {
        server.fault(json!({"method": "POST", "path": path, "kind": "lost-permissions", "times": 1}));
        let result = fine(server.run(MODULE, json!({"uid": "lost", "dashboard": {"title": "Lost"}})));
        assert!(result["warnings"].to_string().contains("lost its permissions"), "{result:#}");
        assert_eq!(permissions(&server, "lost"), "Editor2 Viewer1 admin4");
    }
}

#[test]
fn one_that_was_made_despite_an_error_is_made_once() {
    for kind in [json!({"kind": "locked-after"}), json!({"kind": "reset", "after": true})] {
        for (server, path) in
            [(stand_in(sandbox::Config::default()), "/apis/dashboard"), (stand_in_11(), "/api/dashboards/db")]
        {
            let mut fault = kind.clone();
            (fault["method"], fault["path"], fault["times"]) = (json!("POST"), json!(path), json!(1));
            server.fault(fault);
            let result = fine(server.run(MODULE, json!({"dashboard": {"title": "Once"}})));
            assert_eq!(result["changed"], json!(true), "{result:#}");
            let hits = server.get("/api/search?type=dash-db");
            assert_eq!(hits.as_array().map(Vec::len), Some(1), "{hits}");
            let uid = result["uid"].as_str().expect("a uid");
            assert_eq!(permissions(&server, uid), "Editor2 Viewer1 admin4");
        }
    }
}

#[test]
fn one_that_was_not_made_is_made_after_another_look() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/apis/dashboard", "kind": "locked-before", "times": 2}));
    let list: Vec<Value> = (0..3).map(|n| json!({"dashboard": {"title": format!("D{n}")}})).collect();
    let result = fine(server.run(MODULE, json!({"dashboards": list})));
    assert_eq!(result["msg"], "3 created");
    assert_eq!(server.get("/api/search?type=dash-db").as_array().map(Vec::len), Some(3));
}

/// Fact 52: two who save the same version at once.
#[test]
fn a_change_that_somebody_makes_meanwhile_is_seen_and_planned_again() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/dashboards/db", json!({"dashboard": {"uid": "both", "title": "Both"}}));
    // Our write waits, and somebody else's comes first.
    server.fault(json!({"method": "PUT", "path": "/apis/dashboard", "kind": "delay", "ms": 600, "times": 1}));
    let result = std::thread::scope(|scope| {
        let ours =
            scope.spawn(|| fine(server.run(MODULE, json!({"uid": "both", "dashboard": {"title": "Both", "ours": 1}}))));
        std::thread::sleep(std::time::Duration::from_millis(300));
        server.post(
            "/api/dashboards/db",
            json!({"dashboard": {"uid": "both", "title": "Both", "theirs": 1}, "overwrite": true}),
        );
        ours.join().expect("it does not panic")
    });
    assert_eq!(result["changed"], json!(true));
    let puts = server.requests().into_iter().filter(|(method, _)| method == "PUT").count();
    assert_eq!(puts, 2, "the first one came too late, and the second was based on theirs");
    let kept = dashboard(&server, "both")["dashboard"].clone();
    assert_eq!((&kept["ours"], &kept["version"], kept.get("theirs")), (&json!(1), &json!(3), None));
    // With `overwrite` it is written over what came between, at once.
    server.forget_requests();
    server.fault(json!({"method": "PUT", "path": "/apis/dashboard", "kind": "delay", "ms": 600, "times": 1}));
    std::thread::scope(|scope| {
        let options = json!({"uid": "both", "overwrite": true, "dashboard": {"title": "Both", "ours": 2}});
        let ours = scope.spawn(|| fine(server.run(MODULE, options)));
        std::thread::sleep(std::time::Duration::from_millis(300));
        server.post(
            "/api/dashboards/db",
            json!({"dashboard": {"uid": "both", "title": "Both", "theirs": 2}, "overwrite": true}),
        );
        ours.join().expect("it does not panic")
    });
    assert_eq!(server.requests().into_iter().filter(|(method, _)| method == "PUT").count(), 1);
    assert_eq!(dashboard(&server, "both")["dashboard"]["ours"], json!(2));
}

/// Facts 52 and 65: before 12 both are taken, and the one that came second says what it wrote over.
#[test]
fn an_update_that_was_lost_is_named() {
    let server = stand_in_11();
    server.post("/api/dashboards/db", json!({"dashboard": {"uid": "both", "title": "Both"}}));
    server.fault(json!({"method": "POST", "path": "/api/dashboards/db", "kind": "slow-save", "ms": 600, "times": 1}));
    let result = std::thread::scope(|scope| {
        let ours =
            scope.spawn(|| fine(server.run(MODULE, json!({"uid": "both", "dashboard": {"title": "Both", "ours": 1}}))));
        std::thread::sleep(std::time::Duration::from_millis(300));
        server.post(
            "/api/dashboards/db",
            json!({"dashboard": {"uid": "both", "title": "Both", "theirs": 1}, "overwrite": true}),
        );
        ours.join().expect("it does not panic")
    });
    assert!(result["warnings"].to_string().contains("it is version 2 in the history, and ours is 3"), "{result:#}");
}

/// Two of ours at once: none is lost without a word.
#[test]
fn two_clients_at_once_lose_nothing() {
    let server = server();
    let uid = server.name("race");
    fine(server.run(MODULE, json!({"uid": uid, "dashboard": {"title": "Race", "n": 0}})));
    for round in 1..=5 {
        std::thread::scope(|scope| {
            for client in ["a", "b"] {
                let (server, uid) = (&server, &uid);
                scope.spawn(move || {
                    let options = json!({"uid": uid, "dashboard": {"title": "Race", "n": format!("{round}{client}")}});
                    // The one that came first may find its content gone when it reads back: that is told.
                    server.run(MODULE, options)
                });
            }
        });
        let version = dashboard(&server, &uid)["dashboard"]["version"].as_i64().expect("a version");
        assert_eq!(version, 1 + 2 * round, "a version is missing in the history");
    }
    delete(&server, &uid);
}

#[test]
fn a_rollback_leaves_everything_as_it_was() {
    for server in [stand_in(sandbox::Config::default()), stand_in_11()] {
        let files = Files::new(&server);
        server.post("/api/folders", json!({"uid": "f", "title": "F"}));
        for uid in ["changed", "moved", "gone", "out"] {
            let body = json!({"dashboard": {"uid": uid, "title": uid, "x": 1}, "folderUid": "f"});
            server.post("/api/dashboards/db", body);
        }
        let only_viewers = json!({"items": [{"role": "Viewer", "permission": 1}]});
        server.post("/api/dashboards/uid/gone/permissions", only_viewers);
        let file = files.write("out.json", "{\"was\": 1}");
        let state = |server: &Server| -> Vec<Value> {
            ["changed", "moved", "gone", "out"]
                .iter()
                .map(|uid| {
                    let one = dashboard(server, uid);
                    json!([
                        one["dashboard"]["title"],
                        one["dashboard"]["x"],
                        one["meta"]["folderUid"],
                        permissions(server, uid)
                    ])
                })
                .collect()
        };
        let before = state(&server);
        // The last of the same rank fails; deletions come later and never happen, so one is a replacement below.
        server.fault(json!({"method": "DELETE", "path": "/api/dashboards/uid/last", "kind": "status", "status": 400, "body": {"message": "no"}}));
        server.post("/api/dashboards/db", json!({"dashboard": {"uid": "last", "title": "last"}}));
        let result = failed(
            server.run(MODULE, json!({"on_error": "rollback", "concurrency": 1, "create_folders": true, "dashboards": [
                {"uid": "new", "dashboard": {"title": "new"}, "folder": "Made/Deep"},
                {"uid": "changed", "dashboard": {"title": "changed", "x": 2}, "permissions": [{"role": "Editor", "permission": "Admin"}]},
                {"uid": "moved", "dashboard": {"title": "moved", "x": 1}, "folder": "General"},
                {"uid": "out", "state": "export", "path": file},
                {"uid": "gone", "state": "absent"},
                {"uid": "last", "state": "absent"},
            ]})),
            "failed to delete dashboard `last`",
        );
        assert_eq!(result["changed"], json!(false), "{result:#}");
        assert!(is_gone(&server, "new"));
        assert_eq!(state(&server), before);
        assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "{\"was\": 1}");
        assert_eq!(server.get("/api/folders").as_array().map(Vec::len), Some(1), "a folder was left behind");
    }
}

/// Grafana behind a proxy that lets only `/api` through: what the version says is not all.
#[test]
fn without_apis_it_goes_by_api() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"path": "/apis/", "kind": "status", "status": 404, "body": {"message": "Not found"}}));
    let options = |n: i64| json!({"uid": "plain", "dashboard": {"title": "Plain", "n": n}});
    for (options, changed) in [(options(1), true), (options(1), false), (options(2), true)] {
        assert_eq!(fine(server.run(MODULE, options))["changed"], json!(changed));
    }
    assert_eq!(permissions(&server, "plain"), "Editor2 Viewer1 admin4");
}

/// Facts 23, 50: a folder on the way is made once, whoever makes it, and has its permissions.
#[test]
fn a_folder_on_the_way_is_made_once_and_has_its_permissions() {
    for server in [stand_in(sandbox::Config::default()), stand_in_11()] {
        server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "locked-after", "times": 1}));
        let dashboard = |uid: &str| json!({"uid": uid, "dashboard": {"title": uid}, "folder": "Made"});
        let options = json!({"create_folders": true, "dashboards": [dashboard("a"), dashboard("b")]});
        let result = fine(server.run(MODULE, options.clone()));
        assert_eq!(result["msg"], "3 created", "{result:#}");
        let folders = server.get("/api/folders");
        assert_eq!(folders.as_array().map(Vec::len), Some(1), "{folders}");
        let uid = folders[0]["uid"].as_str().expect("a uid");
        let held = server.get(&format!("/api/folders/{uid}/permissions"));
        assert_eq!(held.as_array().map(Vec::len), Some(3), "{held}");
        assert_eq!(fine(server.run(MODULE, options))["changed"], json!(false));
    }
}

/// Two runs that make the same folder at once make one.
#[test]
fn two_who_make_a_folder_at_once_make_one() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "delay", "ms": 300}));
    std::thread::scope(|scope| {
        for uid in ["a", "b"] {
            let server = &server;
            let options =
                json!({"uid": uid, "dashboard": {"title": uid}, "folder": "Made/Deep", "create_folders": true});
            scope.spawn(move || fine(server.run(MODULE, options)));
        }
    });
    let hits = server.get("/api/search?type=dash-folder");
    assert_eq!(hits.as_array().map(Vec::len), Some(2), "{hits}");
    assert_eq!(dashboard(&server, "a")["meta"]["folderUid"], dashboard(&server, "b")["meta"]["folderUid"]);
}

/// Fact 25: the depth is decided by a 500, and no other look changes that.
#[test]
fn a_path_that_is_too_deep_is_refused_once_and_changes_nothing_more() {
    let server = server();
    let (uid, base) = (server.name("deep"), server.name("D1"));
    let folder = format!("{base}/D2/D3/D4/D5/D6/D7/D8");
    let options =
        json!({"uid": uid, "dashboard": {"title": "Deep"}, "folder": folder, "create_folders": true, "retries": 2});
    failed(server.run(MODULE, options.clone()), "max depth");
    let again = failed(server.run(MODULE, options), "max depth");
    assert_eq!(again["changed"], json!(false), "{again:#}");
    let tops = server.get("/api/folders?limit=5000");
    for one in tops.as_array().expect("a list").iter().filter(|one| one["title"] == json!(base)) {
        server.api("DELETE", &format!("/api/folders/{}", one["uid"].as_str().unwrap_or_default()), Value::Null);
    }
}

/// A change whose permissions are refused is half done: it counts, and is taken back as a whole.
#[test]
fn one_whose_permissions_are_refused_is_taken_back() {
    for server in [stand_in(sandbox::Config::default()), stand_in_11()] {
        server.post("/api/dashboards/db", json!({"dashboard": {"uid": "half", "title": "Half"}}));
        let refused = json!({"method": "POST", "path": "/api/dashboards/uid/half/permissions", "kind": "status", "status": 400, "body": {"message": "no"}, "times": 2});
        let grants = json!([{"role": "Viewer", "permission": "Edit"}]);
        let options =
            |how: &str| json!({"uid": "half", "on_error": how, "dashboard": {"title": "Other"}, "permissions": grants});
        server.fault(refused);
        failed(server.run(MODULE, options("rollback")), "failed to set its permissions");
        assert_eq!(dashboard(&server, "half")["dashboard"]["title"], "Half");
    }
}

/// Before 12 a uid that is not there is a 403 for whoever may not see all dashboards.
#[test]
fn a_forbidden_uid_that_no_search_finds_is_missing() {
    let server = stand_in_11();
    for (options, changed) in [
        (json!({"uid": "none", "state": "absent"}), false),
        (json!({"uid": "none", "state": "export", "path": "/tmp/hearth-none.json"}), false),
        (json!({"uid": "none", "dashboard": {"title": "None"}}), true),
    ] {
        server.fault(json!({"method": "GET", "path": "/api/dashboards/uid/none", "kind": "status", "status": 403, "body": {"message": "no"}, "times": 1}));
        assert_eq!(fine(server.run(MODULE, options))["changed"], json!(changed));
    }
    server.fault(json!({"method": "GET", "path": "/api/dashboards/uid/none", "kind": "status", "status": 403, "body": {"message": "no"}, "times": 1}));
    failed(server.run(MODULE, json!({"uid": "none", "state": "absent"})), "Permission Denied");
}

/// The look after a lost answer may fail too: then the run looks again, and does not take that failure for the end.
#[test]
fn a_folder_whose_making_is_uncertain_is_looked_for_again() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "reset", "after": true, "times": 1}));
    let no = json!({"method": "GET", "path": "/api/folders/", "kind": "status", "status": 403, "body": {"message": "no"}, "times": 1});
    server.fault(no);
    let options = json!({"create_folders": true, "uid": "in", "dashboard": {"title": "In"}, "folder": "Made"});
    assert_eq!(fine(server.run(MODULE, options))["changed"], json!(true));
    assert_eq!(dashboard(&server, "in")["meta"]["folderTitle"], "Made");
}

/// Who sets permissions that leave itself out may no longer read them: what was done is no failure for that.
#[test]
fn permissions_that_may_not_be_read_are_left_alone() {
    for server in [stand_in(sandbox::Config::default()), stand_in_11()] {
        let refused = json!({"method": "GET", "path": "/api/dashboards/uid/mine/permissions", "kind": "status", "status": 403, "body": {"message": "no"}});
        server.fault(refused);
        let grants = json!([{"role": "Viewer", "permission": "View"}, {"role": "Editor", "permission": "Edit"}]);
        let options = |title: &str| json!({"uid": "mine", "dashboard": {"title": title}, "permissions": grants});
        assert_eq!(fine(server.run(MODULE, options("Mine")))["action"], "create");
        assert_eq!(server.writes().iter().filter(|(_, path)| path.ends_with("/permissions")).count(), 1);
        let again = fine(server.run(MODULE, options("Mine")));
        assert_eq!(again["changed"], json!(false), "{again:#}");
        assert!(again["warnings"].to_string().contains("its permissions cannot be looked at"), "{again:#}");
        assert_eq!(fine(server.run(MODULE, options("Yours")))["action"], "update");
        assert_eq!(server.writes().iter().filter(|(_, path)| path.ends_with("/permissions")).count(), 1);
    }
}

/// One of the second schema comes back in it, with its labels and annotations.
#[test]
fn a_rollback_brings_back_the_schema_labels_and_annotations() {
    let server = stand_in(sandbox::Config::default());
    let address = "/apis/dashboard.grafana.app/v2beta1/namespaces/default/dashboards";
    for uid in ["gone", "changed"] {
        server.post(
            address,
            json!({
                "apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard",
                "metadata": {"name": uid, "labels": {"own": "label"}, "annotations": {"own/note": "kept"}},
                "spec": {"title": uid, "elements": {}, "layout": {"kind": "TabsLayout", "spec": {"tabs": []}}}
            }),
        );
    }
    server.post("/api/dashboards/db", json!({"dashboard": {"uid": "last", "title": "last"}}));
    server.fault(json!({"method": "DELETE", "path": "/api/dashboards/uid/last", "kind": "status", "status": 400, "body": {"message": "no"}}));
    let options = json!({"on_error": "rollback", "concurrency": 1, "dashboards": [
        {"uid": "changed", "dashboard": {"title": "changed", "panels": []}},
        {"uid": "gone", "state": "absent"},
        {"uid": "last", "state": "absent"},
    ]});
    let result = failed(server.run(MODULE, options), "failed to delete dashboard `last`");
    assert_eq!(result["changed"], json!(false), "{result:#}");
    for uid in ["gone", "changed"] {
        let back = server.get(&format!("{address}/{uid}"));
        // Only what is converted names the version that it is stored in.
        assert_eq!((&back["status"], &back["spec"]["layout"]["kind"]), (&json!({}), &json!("TabsLayout")), "{back:#}");
        assert_eq!(back["metadata"]["labels"]["own"], "label", "{back:#}");
        assert_eq!(back["metadata"]["annotations"]["own/note"], "kept", "{back:#}");
        assert_eq!(permissions(&server, uid), "", "they had none");
    }
}

/// With `overwrite` a PUT makes what somebody deleted meanwhile, without permissions (facts 31, 42).
#[test]
fn one_that_is_deleted_meanwhile_is_made_anew_with_its_permissions() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/dashboards/db", json!({"dashboard": {"uid": "back", "title": "Back"}}));
    server.fault(json!({"method": "PUT", "path": "/apis/dashboard", "kind": "delay", "ms": 600, "times": 1}));
    let result = std::thread::scope(|scope| {
        let options = json!({"uid": "back", "overwrite": true, "dashboard": {"title": "Back", "n": 1}});
        let ours = scope.spawn(|| fine(server.run(MODULE, options)));
        std::thread::sleep(std::time::Duration::from_millis(300));
        delete(&server, "back");
        ours.join().expect("it does not panic")
    });
    assert!(result["warnings"].to_string().contains("somebody deleted it meanwhile"), "{result:#}");
    assert_eq!(permissions(&server, "back"), "Editor2 Viewer1 admin4");
}

/// What is stored stays to the letter, also where the folder is made on the way.
#[test]
fn a_move_into_a_new_folder_leaves_the_content_as_it_is() {
    let server = stand_in(sandbox::Config::default());
    let stored = json!({"uid": "moved", "title": "Moved", "editable": true, "schemaVersion": 39, "tags": []});
    server.post("/api/dashboards/db", json!({"dashboard": stored}));
    let options = json!({"uid": "moved", "dashboard": {"title": "Moved"}, "folder": "New", "create_folders": true});
    assert_eq!(fine(server.run(MODULE, options))["action"], "move");
    let now = dashboard(&server, "moved");
    assert_eq!((&now["meta"]["folderTitle"], &now["dashboard"]["editable"]), (&json!("New"), &json!(true)));
    assert_eq!(now["dashboard"]["schemaVersion"], json!(39));
}
