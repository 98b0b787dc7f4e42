//! Folders in folders: trees by paths and uids, and what Grafana makes of titles and places.

use serde_json::{Value, json};

use super::{MODULE, delete};
use crate::support::{failed, fine, server, stand_in, stand_in_11};

#[test]
fn a_tree_is_made_in_one_task_and_found_by_its_paths() {
    let server = server();
    let root = server.name("Home");
    let tree = json!({"folders": [
        {"name": "Leaf", "parent": format!("{root}/Mid/Deep"), "create_parents": true},
        {"name": root},
        {"name": "Mid", "parent": root},
    ]});
    let predicted = fine(server.check(MODULE, tree.clone()));
    assert_eq!(predicted["msg"], "would be: 4 created");
    let made = fine(server.run(MODULE, tree.clone()));
    assert_eq!(made["msg"], "4 created");
    let again = fine(server.run(MODULE, tree));
    assert_eq!((&again["changed"], &again["msg"]), (&json!(false), &json!("3 unchanged")));
    let leaf = made["objects"].as_array().and_then(|all| all.iter().find(|one| one["name"] == "Leaf")).cloned();
    let uid = leaf.expect("the leaf is listed")["uid"].clone();
    let parents = server.get(&format!("/api/folders/{}", uid.as_str().expect("a uid")))["parents"].clone();
    let titles: Vec<&Value> = parents.as_array().expect("it has parents").iter().map(|one| &one["title"]).collect();
    assert_eq!(titles, [&json!(root), &json!("Mid"), &json!("Deep")]);
    fine(server.run(MODULE, json!({"name": root, "state": "absent"})));
}

/// Fact 23 again: of two tasks that make a folder without a uid at once, both would succeed and leave two.
#[test]
fn two_who_make_a_folder_at_once_make_one() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "GET", "path": "/apis/folder.grafana.app/*", "kind": "delay", "ms": 300}));
    let make = || fine(server.run(MODULE, json!({"name": "Both"})));
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(make);
        (make(), other.join().expect("it ends"))
    });
    let all = server.get("/api/folders");
    assert_eq!(all.as_array().map(Vec::len), Some(1), "{all}");
    assert_eq!(one["uid"], other["uid"]);
    assert_eq!([&one["changed"], &other["changed"]].iter().filter(|changed| ***changed == json!(true)).count(), 1);
    // One that was made here and renamed since keeps its uid, and a new one gets another.
    let uid = one["uid"].as_str().expect("a uid").to_owned();
    fine(server.run(MODULE, json!({"name": "Renamed", "uid": uid})));
    let anew = fine(server.run(MODULE, json!({"name": "Both"})));
    assert_eq!(anew["action"], "create");
    assert_ne!(anew["uid"], json!(uid));
}

/// Two folders change places: the one inside has to leave first.
#[test]
fn folders_change_places_in_one_task() {
    let server = server();
    let (outer, inner) = (server.name("outer"), server.name("inner"));
    let tree = |top: &str, below: &str| {
        json!({"folders": [
            {"name": below, "uid": below, "parent_uid": top},
            {"name": top, "uid": top, "parent_uid": ""},
        ]})
    };
    fine(server.run(MODULE, tree(&outer, &inner)));
    let turned = fine(server.run(MODULE, tree(&inner, &outer)));
    assert_eq!(turned["msg"], "2 moved", "{turned:#}");
    let moved = turned["objects"].as_array().expect("a list").iter().find(|one| one["uid"] == json!(outer));
    assert_eq!(moved.map(|one| &one["parentUid"]), Some(&json!(inner)), "the result tells where it lies now");
    assert_eq!(server.get(&format!("/api/folders/{outer}"))["parentUid"], json!(inner));
    assert_eq!(fine(server.run(MODULE, tree(&inner, &outer)))["changed"], json!(false));
    delete(&server, &inner);
}

/// Fact 23: titles are not unique.
#[test]
fn a_title_that_fits_several_changes_nothing() {
    let server = server();
    let title = server.name("Twin");
    for uid in ["a", "b"] {
        server.post("/api/folders", json!({"title": title, "uid": server.name(uid)}));
    }
    let result = failed(server.run(MODULE, json!({"name": title, "state": "absent"})), "have the title");
    assert_eq!(result["changed"], json!(false));
    for uid in ["a", "b"] {
        server.get(&format!("/api/folders/{}", server.name(uid)));
        delete(&server, &server.name(uid));
    }
}

/// Fact 24: an unknown parent is accepted by 12.4, and the folder is in no list.
#[test]
fn an_orphan_is_not_made_and_an_existing_one_is_brought_home() {
    let server = server();
    let uid = server.name("orphan");
    failed(
        server.run(MODULE, json!({"name": uid, "uid": uid, "parent_uid": "nowhere"})),
        "no folder with the uid `nowhere`",
    );
    let (status, _) = server.api("GET", &format!("/api/folders/{uid}"), Value::Null);
    assert_eq!(status, 404);
    let (status, _) = server.api("POST", "/api/folders", json!({"title": uid, "uid": uid, "parentUid": "nowhere"}));
    if status == 200 {
        let moved = fine(server.run(MODULE, json!({"name": uid, "uid": uid, "parent_uid": ""})));
        assert_eq!(moved["action"], "move");
        let listed = server.get("/api/folders?limit=5000");
        assert!(listed.as_array().is_some_and(|all| all.iter().any(|one| one["uid"] == json!(uid))));
        delete(&server, &uid);
    }
}

/// Fact 25: five levels, and the sixth is answered by a 500 (12.4) or a 400 (11.5).
#[test]
fn a_folder_too_deep_is_told_at_once() {
    for server in [stand_in(sandbox::Config::default()), stand_in_11()] {
        let task = json!({"folders": [{"name": "7", "parent": "1/2/3/4/5/6", "create_parents": true}]});
        let started = std::time::Instant::now();
        let result = failed(server.run(MODULE, task), "failed to create folder `6`");
        assert!(result["msg"].to_string().to_lowercase().contains("depth"), "{result:#}");
        assert!(started.elapsed().as_millis() < 1500, "{:?}", started.elapsed());
    }
}

/// The one that comes second finds the parent made, and goes on below it.
#[test]
fn two_who_make_a_tree_at_once_make_one() {
    for uids in [false, true] {
        let server = stand_in(sandbox::Config::default());
        server.fault(json!({"method": "GET", "path": "/apis/folder.grafana.app/*", "kind": "delay", "ms": 300}));
        let mut folders =
            json!([{"name": "Infra"}, {"name": "Net", "parent": "Infra"}, {"name": "Deep", "parent": "Infra/Net"}]);
        if uids {
            ["infra", "net", "deep"].iter().enumerate().for_each(|(at, uid)| folders[at]["uid"] = json!(uid));
        }
        let make = || fine(server.run(MODULE, json!({"folders": folders})));
        std::thread::scope(|scope| {
            let other = scope.spawn(make);
            make();
            other.join().expect("it ends")
        });
        let all = server.get("/api/search?type=dash-folder");
        assert_eq!(all.as_array().map(Vec::len), Some(3), "{all}");
    }
}

/// What check mode shows of a single folder is what it will be.
#[test]
fn check_mode_shows_the_folder_as_it_will_be() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/folders", json!({"title": "Home", "uid": "home"}));
    let created = json!({"name": "New", "uid": "new", "parent": "Home", "description": "first"});
    let changed = json!({"name": "Newer", "uid": "new", "parent": "/", "description": "second"});
    for task in [created, changed] {
        let predicted = fine(server.check(MODULE, task.clone()))["folder"].clone();
        let done = fine(server.run(MODULE, task))["folder"].clone();
        for key in ["title", "uid", "parentUid", "description"] {
            assert_eq!(predicted.get(key), done.get(key), "{key}: {predicted} is not {done}");
        }
    }
}

/// The same depth is answered in other words when a tree moves.
#[test]
fn a_tree_that_would_come_too_deep_gets_a_hint() {
    for server in [stand_in(sandbox::Config::default()), stand_in_11()] {
        fine(server.run(MODULE, json!({"name": "4", "parent": "1/2/3", "create_parents": true})));
        fine(server.run(MODULE, json!({"name": "b", "uid": "b", "parent": "a", "create_parents": true})));
        fine(server.run(MODULE, json!({"name": "c", "parent": "a/b"})));
        let result = failed(server.run(MODULE, json!({"name": "b", "uid": "b", "parent": "1/2/3/4"})), "depth");
        assert!(result["msg"].to_string().contains("put it somewhere above"), "{result:#}");
    }
}

/// A later Grafana may serve folders as `v1` only; one that serves none of them has the search.
#[test]
fn folders_are_read_in_the_version_that_is_there() {
    let server = stand_in_11();
    fine(server.run(MODULE, json!({"name": "Old"})));
    let list = |version: &str| format!("/apis/folder.grafana.app/{version}/namespaces/default/folders");
    let asked: Vec<String> = server.requests().into_iter().map(|(_, path)| path).collect();
    let at = |start: &str| asked.iter().position(|path| path.starts_with(start)).expect("it was asked");
    assert!(at(&list("v1beta1")) < at(&list("v1")) && at(&list("v1")) < at("/api/search"), "{asked:?}");
}
