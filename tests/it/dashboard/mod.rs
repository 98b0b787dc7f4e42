//! `grafana_dashboard`: the twelve steps, each source, and each fact about dashboards that Grafana
//! surprises with.

mod faults;
mod many;
mod sources;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Server, failed, fine, foretold, server, stand_in, stand_in_11, twelve_steps};

pub const MODULE: &str = "grafana_dashboard";

/// The server that is tested, and a stand-in of 11.5, where only `/api` is there.
pub fn both() -> [Server; 2] {
    [server(), stand_in_11()]
}

/// A folder for files, removed at the end.
pub struct Files(PathBuf);

impl Files {
    pub fn new(server: &Server) -> Files {
        let root = std::env::temp_dir().join(server.name("files"));
        std::fs::create_dir_all(&root).expect("it can be made");
        Files(root)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    pub fn write(&self, name: &str, content: impl ToString) -> String {
        let file = self.0.join(name);
        std::fs::create_dir_all(file.parent().expect("it lies in one")).expect("it can be made");
        std::fs::write(&file, content.to_string()).expect("it can be written");
        file.display().to_string()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn panels(title: &str, threshold: f64) -> Value {
    json!({
        "title": title,
        "tags": ["b", "a", "a"],
        "schemaVersion": 39,
        "panels": [{"id": 1, "type": "text", "title": "P", "options": {"value": threshold, "none": null}}],
    })
}

pub fn dashboard(server: &Server, uid: &str) -> Value {
    server.get(&format!("/api/dashboards/uid/{uid}"))
}

pub fn is_gone(server: &Server, uid: &str) -> bool {
    server.api("GET", &format!("/api/dashboards/uid/{uid}"), Value::Null).0 == 404
}

pub fn delete(server: &Server, uid: &str) {
    server.api("DELETE", &format!("/api/dashboards/uid/{uid}"), Value::Null);
}

pub fn folder(server: &Server, name: &str, parent: &str) -> String {
    let uid = server.name(name);
    server.post("/api/folders", json!({"uid": uid, "title": uid, "parentUid": parent}));
    uid
}

pub fn drop_folder(server: &Server, uid: &str) {
    server.api("DELETE", &format!("/api/folders/{uid}?forceDeleteRules=true"), Value::Null);
}

/// "Editor2 Viewer1 admin4", sorted.
pub fn permissions(server: &Server, uid: &str) -> String {
    let held = server.get(&format!("/api/dashboards/uid/{uid}/permissions"));
    let who = |one: &Value| match one["role"].as_str() {
        Some(role) if !role.is_empty() => role.to_owned(),
        _ => one["userLogin"].as_str().unwrap_or_default().to_owned(),
    };
    let all = held.as_array().expect("a list").iter();
    let mut all: Vec<String> = all.map(|one| format!("{}{}", who(one), one["permission"])).collect();
    all.sort();
    all.join(" ")
}

#[test]
fn twelve_steps_by_uid() {
    for server in both() {
        let uid = server.name("d");
        twelve_steps(
            &server,
            MODULE,
            json!({"uid": uid, "dashboard": panels("One", 1.0)}),
            // A new title is an update like any other: the version is sent, so no 412 (peer's bug).
            json!({"uid": uid, "dashboard": panels("Another title", 2.5)}),
            json!({"uid": uid, "state": "absent"}),
        );
    }
}

#[test]
fn twelve_steps_of_a_list_with_folders_and_permissions() {
    for server in both() {
        let parent = folder(&server, "parent", "");
        let (one, two) = (server.name("one"), server.name("two"));
        let grants = |level: &str| json!([{"role": "Viewer", "permission": level}]);
        let list = |level: &str, name: &str| {
            json!({"create_folders": true, "dashboards": [
                {"uid": one, "dashboard": panels("One", 1.0), "permissions": grants(level)},
                {"uid": two, "dashboard": panels("Two", 1.0), "folder": format!("{parent}/{name}")},
            ]})
        };
        let gone = json!({"state": "absent", "dashboards": [{"uid": one}, {"uid": two}]});
        twelve_steps(&server, MODULE, list("View", "New/Deep"), list("Edit", "New/Other"), gone);
        drop_folder(&server, &parent);
    }
}

#[test]
fn a_single_dashboard_has_the_keys_and_the_words_of_the_peer() {
    for server in both() {
        let (files, uid) = (Files::new(&server), server.name("keys"));
        let file = files.write("a.json", json!({"title": "Some title", "uid": uid}));
        let (present, out) = (json!({"path": file}), files.path("out.json"));
        let export = json!({"state": "export", "uid": uid, "path": out});
        let absent = json!({"state": "absent", "uid": uid});
        let missing = format!("Dashboard {uid} does not exist.");
        for (check, options, changed, msg) in [
            (false, &absent, false, missing.clone()),
            (false, &export, false, missing.clone()),
            (true, &present, true, "Dashboard Some title will be created".to_owned()),
            (false, &present, true, "Dashboard Some title created".to_owned()),
            (false, &present, false, "Dashboard Some title unchanged.".to_owned()),
            (true, &json!({"path": file, "tags": ["x"]}), true, "Dashboard Some title will be updated".to_owned()),
            (false, &json!({"path": file, "tags": ["x"]}), true, "Dashboard Some title updated".to_owned()),
            (true, &export, true, format!("Dashboard {uid} will be exported to {out}")),
            (false, &export, true, format!("Dashboard {uid} exported to {out}")),
            (false, &export, false, format!("Dashboard {uid} is in {out} already.")),
            (true, &absent, true, format!("Dashboard {uid} will be deleted")),
            (false, &absent, true, format!("Dashboard {uid} deleted")),
        ] {
            let result =
                fine(if check { server.check(MODULE, options.clone()) } else { server.run(MODULE, options.clone()) });
            assert_eq!((&result["msg"], &result["changed"]), (&json!(msg), &json!(changed)));
            assert_eq!(result["uid"], json!(uid), "{msg}");
            assert!(result["diff"].is_object() == changed, "{msg}: {:#}", result["diff"]);
            if options == &present {
                assert_eq!(result["slug"], "some-title");
                assert_eq!(result["url"], json!(format!("{}/d/{uid}/some-title", server.url)));
            }
        }
    }
}

/// Fact 32: without a uid the server makes one; the title in the folder finds it again.
#[test]
fn without_a_uid_the_title_in_the_folder_finds_it() {
    for server in both() {
        let place = folder(&server, "titled", "");
        let title = server.name("\"Odd\" * title");
        let (here, there) =
            (json!({"dashboard": {"title": title}}), json!({"dashboard": {"title": title}, "folder": place}));
        let first = fine(server.run(MODULE, here.clone()));
        let second = fine(server.run(MODULE, there.clone()));
        assert_eq!((&first["action"], &second["action"]), (&json!("create"), &json!("create")));
        assert_ne!(first["uid"], second["uid"]);
        for (options, made) in [(&here, &first), (&there, &second)] {
            let again = fine(server.run(MODULE, options.clone()));
            assert_eq!((&again["changed"], &again["uid"]), (&json!(false), &made["uid"]));
        }
        let changed = json!({"dashboard": {"title": title, "editable": false}, "folder": place});
        assert_eq!(fine(server.run(MODULE, changed))["uid"], second["uid"]);
        // Same titles are allowed: then only a uid says which.
        server.post("/api/dashboards/db", json!({"dashboard": {"title": title}, "folderUid": place}));
        failed(server.run(MODULE, there), "2 dashboards in");
        delete(&server, first["uid"].as_str().expect("a uid"));
        drop_folder(&server, &place);
    }
}

#[test]
fn a_dashboard_is_moved_when_only_its_folder_differs() {
    for server in both() {
        let uid = server.name("moved");
        let (top, other) = (folder(&server, "top", ""), folder(&server, "other", ""));
        let inner = folder(&server, "inner", &top);
        let in_folder = |options: Value| {
            let mut all = json!({"uid": uid, "dashboard": {"title": "Moved", "zzz": 1.5}});
            all.as_object_mut().expect("a map").extend(options.as_object().cloned().unwrap_or_default());
            all
        };
        fine(server.run(MODULE, in_folder(json!({}))));
        for (options, expected) in [
            (json!({"folder": top}), &top),
            (json!({"folder": inner, "parent_folder": top}), &inner),
            (json!({"folder": format!("{top}/{inner}")}), &inner),
            (json!({"folder_uid": other}), &other),
            (json!({"folder": format!("/{top}/{inner}/")}), &inner),
            (json!({"folder": "General"}), &String::new()),
            (json!({"folder_uid": inner}), &inner),
        ] {
            let before = dashboard(&server, &uid)["meta"]["folderUid"].clone();
            let predicted = fine(server.check(MODULE, in_folder(options.clone())));
            let done = fine(server.run(MODULE, in_folder(options.clone())));
            let action = if before == json!(expected) { "unchanged" } else { "move" };
            assert_eq!(done["action"], json!(action), "{options}");
            assert_eq!(foretold(&predicted), foretold(&done));
            let now = dashboard(&server, &uid);
            assert_eq!((&now["meta"]["folderUid"], &now["dashboard"]["zzz"]), (&json!(expected), &json!(1.5)));
        }
        // In a list only what is written counts: it stays where it is. For a single one `General` counts.
        let list = json!({"dashboards": [{"uid": uid, "dashboard": {"title": "Moved", "zzz": 1.5}}]});
        assert_eq!(fine(server.run(MODULE, list))["changed"], json!(false));
        assert_eq!(fine(server.run(MODULE, in_folder(json!({}))))["action"], "move");
        assert_eq!(dashboard(&server, &uid)["meta"]["folderUid"], "");
        delete(&server, &uid);
        drop_folder(&server, &top);
        drop_folder(&server, &other);
    }
}

#[test]
fn a_folder_that_is_not_there_is_refused_or_made() {
    for server in both() {
        let (uid, top) = (server.name("placed"), server.name("Place"));
        let options = |folder: String, more: Value| {
            let mut all = json!({"uid": uid, "dashboard": {"title": "Placed"}, "folder": folder});
            all.as_object_mut().expect("a map").extend(more.as_object().cloned().unwrap_or_default());
            all
        };
        let result = failed(server.check(MODULE, options(top.clone(), json!({}))), "does not exist");
        assert_eq!(result["changed"], json!(false));
        failed(server.run(MODULE, options(top.clone(), json!({"parent_folder": "nowhere"}))), "does not exist");
        assert!(is_gone(&server, &uid));
        let make = options(format!("{top}/Deep"), json!({"create_folders": true}));
        let predicted = fine(server.check(MODULE, make.clone()));
        let made = fine(server.run(MODULE, make.clone()));
        assert_eq!(foretold(&predicted), foretold(&made));
        assert_eq!(made["msg"], "Dashboard Placed created");
        assert_eq!(made["objects"].as_array().map(Vec::len), Some(3), "{made:#}");
        let parents = server.get(&format!("/api/folders/{}", made["folder_uid"].as_str().expect("a uid")));
        assert_eq!((&parents["title"], &parents["parents"][0]["title"]), (&json!("Deep"), &json!(top)));
        assert_eq!(fine(server.run(MODULE, make))["changed"], json!(false));
        let near = failed(server.check(MODULE, options(format!("{top}s"), json!({}))), "does not exist");
        assert!(near["msg"].as_str().is_some_and(|msg| msg.contains(&format!("did you mean `{top}`"))), "{near:#}");
        drop_folder(&server, parents["parents"][0]["uid"].as_str().expect("a uid"));
    }
}

#[test]
fn the_message_is_in_the_history_and_own_annotations_stay() {
    let server = server();
    let uid = server.name("history");
    for (number, message) in [(1, "first"), (2, "second")] {
        fine(
            server
                .run(MODULE, json!({"uid": uid, "dashboard": {"title": "H", "n": number}, "commit_message": message})),
        );
    }
    let versions = server.get(&format!("/api/dashboards/uid/{uid}/versions"));
    let messages: Vec<&Value> =
        versions["versions"].as_array().expect("a list").iter().map(|one| &one["message"]).collect();
    assert_eq!(messages[0], "second", "{versions:#}");
    delete(&server, &uid);
}

/// Fact 43: a PUT drops labels, annotations and the folder that it does not name.
#[test]
fn labels_annotations_and_the_folder_outlive_a_change() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/folders", json!({"uid": "f", "title": "F"}));
    let address = "/apis/dashboard.grafana.app/v0alpha1/namespaces/default/dashboards";
    server.post(address, json!({
        "metadata": {"name": "own", "labels": {"hearth": "yes"}, "annotations": {"own/note": "kept", "grafana.app/folder": "f"}},
        "spec": {"title": "Own"}
    }));
    let list = json!({"dashboards": [{"uid": "own", "dashboard": {"title": "Own 2"}}]});
    assert_eq!(fine(server.run(MODULE, list))["changed"], json!(true));
    let meta = server.get(&format!("{address}/own"))["metadata"].clone();
    assert_eq!((&meta["labels"]["hearth"], &meta["annotations"]["own/note"]), (&json!("yes"), &json!("kept")));
    assert_eq!(meta["annotations"]["grafana.app/folder"], "f");
}

/// Facts 38, 42, 51: whoever makes a dashboard at the root, its permissions are there.
#[test]
fn a_dashboard_at_the_root_has_its_permissions() {
    for server in both() {
        let uid = server.name("root");
        fine(server.run(MODULE, json!({"uid": uid, "dashboard": {"title": "Root"}})));
        assert_eq!(permissions(&server, &uid), "Editor2 Viewer1 admin4");
        delete(&server, &uid);
        let place = folder(&server, "own", "");
        fine(server.run(MODULE, json!({"uid": uid, "dashboard": {"title": "Root"}, "folder": place})));
        // In a folder the folder's count; whether its maker has some of its own depends on the version.
        assert!(["", "admin4"].contains(&permissions(&server, &uid).as_str()));
        drop_folder(&server, &place);
    }
}

/// One that `allowUiUpdates` opens is managed for `/apis` all the same; `meta.provisioned` tells (recording
/// dashboards_provisioned). Before 12 it may be changed, and not deleted.
#[test]
fn provisioned_dashboards_that_may_be_changed_are_changed() {
    for server in [stand_in(sandbox::Config::default()), stand_in_11()] {
        let seed = json!({"dashboard": {"uid": "p", "title": "P"}, "file": "p.json", "allowUiUpdates": true});
        server.post("/_sandbox/seed", json!({"dashboards": [seed]}));
        let changed = json!({"uid": "p", "dashboard": {"title": "Q"}});
        let predicted = fine(server.check(MODULE, changed.clone()));
        let done = fine(server.run(MODULE, changed.clone()));
        assert_eq!(foretold(&predicted), foretold(&done));
        assert_eq!((&done["changed"], &done["objects"][0]["action"]), (&json!(true), &json!("update")));
        assert_eq!(fine(server.run(MODULE, changed))["changed"], json!(false));
    }
}

/// Fact 39: the API lets provisioned dashboards be changed by /apis, and the next reload takes it back.
#[test]
fn provisioned_dashboards_are_left_alone() {
    for server in [stand_in(sandbox::Config::default()), stand_in_11()] {
        server.post(
            "/_sandbox/seed",
            json!({"dashboards": [{"dashboard": {"uid": "p", "title": "P"}, "file": "p.json"}]}),
        );
        server.post("/api/dashboards/db", json!({"dashboard": {"uid": "mine", "title": "Mine"}}));
        let same = json!({"uid": "p", "dashboard": {"title": "P"}});
        for (options, says) in [
            (json!({"uid": "p", "dashboard": {"title": "Q"}}), "is managed by classic-file-provisioning"),
            (json!({"uid": "p", "state": "absent"}), "is managed by classic-file-provisioning"),
        ] {
            failed(server.check(MODULE, options.clone()), says);
            failed(server.run(MODULE, options), says);
        }
        let list = json!({"dashboards": [same], "prune": {"folder": "General"}});
        let pruned = fine(server.run(MODULE, list));
        assert_eq!(pruned["msg"], "1 deleted, 1 unchanged");
        let all = fine(server.run(
            MODULE,
            json!({"dashboards": [{"uid": "x", "dashboard": {"title": "X"}}], "prune": {"folder": "General"}}),
        ));
        assert_eq!(all["msg"], "1 created", "{all:#}");
        assert_eq!(dashboard(&server, "p")["dashboard"]["title"], "P");
    }
}

#[test]
fn an_editor_may_use_it() {
    let server = server();
    let (uid, name) = (server.name("editor"), server.name("sa"));
    let account = server.post("/api/serviceaccounts", json!({"name": name, "role": "Editor"}));
    let id = account["id"].clone();
    let token = server.post(&format!("/api/serviceaccounts/{id}/tokens"), json!({"name": name}))["key"].clone();
    for (options, changed) in [
        (json!({"token": token, "uid": uid, "dashboard": {"title": "E"}}), true),
        (json!({"token": token, "uid": uid, "dashboard": {"title": "E"}}), false),
        (json!({"token": token, "uid": uid, "dashboard": {"title": "E 2"}}), true),
        (json!({"token": token, "uid": uid, "state": "absent"}), true),
        // Its maker may say who else may do what with it.
        (
            json!({"token": token, "uid": uid, "dashboard": {"title": "E"}, "permissions": [{"role": "Editor", "permission": "Admin"}]}),
            true,
        ),
        (json!({"token": token, "uid": uid, "state": "absent"}), true),
    ] {
        assert_eq!(fine(server.run(MODULE, options))["changed"], json!(changed));
    }
    server.api("DELETE", &format!("/api/serviceaccounts/{id}"), Value::Null);
}

/// Facts 32, 34: no numeric folder ids, which Grafana 13 does not have, and no numeric ids at all.
#[test]
fn no_request_departs_from_the_api() {
    for server in [stand_in(sandbox::Config::default()), stand_in_11()] {
        server.post("/api/folders", json!({"uid": "f", "title": "F"}));
        fine(server.run(MODULE, json!({"uid": "d", "dashboard": {"title": "D", "id": 17}, "folder": "f"})));
        fine(server.run(MODULE, json!({"uid": "d", "dashboard": {"title": "D 2"}, "folder": "General"})));
        fine(server.run(MODULE, json!({"uid": "d", "state": "absent"})));
        let shown = server.get("/_sandbox/departures");
        assert_eq!(shown["departures"], json!([]));
    }
}

/// Fact 6: `/api/user` answers in any organisation, and in an unknown one nothing is found.
#[test]
fn an_organisation_that_is_not_there_is_told_in_check_mode_too() {
    for server in both() {
        let uid = server.name("x");
        let options = json!({"org_id": 987_654, "uid": uid, "dashboard": {"title": "X"}});
        for result in [server.check(MODULE, options.clone()), server.run(MODULE, options)] {
            failed(result, "Current user isn't member of organization: 987654; it is in 1 (Main Org.)");
        }
        let org = server.post("/api/orgs", json!({"name": server.name("org")}))["orgId"].clone();
        let options = json!({"org_id": org, "uid": uid, "dashboard": {"title": "X"}});
        assert_eq!(fine(server.run(MODULE, options.clone()))["changed"], json!(true));
        assert_eq!(fine(server.run(MODULE, options))["changed"], json!(false));
        assert!(is_gone(&server, &uid), "it was made in the main organisation");
        server.api("DELETE", &format!("/api/orgs/{org}"), Value::Null);
    }
}
