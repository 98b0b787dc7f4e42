//! `grafana_dashboard`: the twelve steps, each source, and each fact about dashboards that Grafana
//! surprises with. Many dashboards at once: `dashboard_many`.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::{
    scripted::{Scripted, reply},
    support::{Server, failed, fine, foretold, server, stand_in, stand_in_11, twelve_steps},
};

const MODULE: &str = "grafana_dashboard";

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

fn panels(title: &str, threshold: f64) -> Value {
    json!({
        "title": title,
        "tags": ["b", "a", "a"],
        "schemaVersion": 39,
        "panels": [{"id": 1, "type": "text", "title": "P", "options": {"value": threshold, "none": null}}],
    })
}

fn dashboard(server: &Server, uid: &str) -> Value {
    server.get(&format!("/api/dashboards/uid/{uid}"))
}

fn is_gone(server: &Server, uid: &str) -> bool {
    server.api("GET", &format!("/api/dashboards/uid/{uid}"), Value::Null).0 == 404
}

fn delete(server: &Server, uid: &str) {
    server.api("DELETE", &format!("/api/dashboards/uid/{uid}"), Value::Null);
}

fn folder(server: &Server, name: &str, parent: &str) -> String {
    let uid = server.name(name);
    server.post("/api/folders", json!({"uid": uid, "title": uid, "parentUid": parent}));
    uid
}

fn drop_folder(server: &Server, uid: &str) {
    server.api("DELETE", &format!("/api/folders/{uid}?forceDeleteRules=true"), Value::Null);
}

/// "Editor2 Viewer1 admin4", sorted.
fn permissions(server: &Server, uid: &str) -> String {
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
fn each_form_of_the_json_is_the_same_dashboard() {
    let server = server();
    let (files, uid) = (Files::new(&server), server.name("forms"));
    let mut bare = panels("Forms", 1.0);
    bare["uid"] = json!(uid);
    (bare["id"], bare["version"]) = (json!(4711), json!(12));
    fine(server.run(MODULE, json!({"dashboard": bare})));
    let wrapped = json!({"dashboard": bare, "meta": {"slug": "x"}});
    let resource = json!({
        "apiVersion": "dashboard.grafana.app/v1beta1", "kind": "Dashboard", "metadata": {"name": uid}, "spec": panels("Forms", 1.0)
    });
    for options in [
        json!({"dashboard": bare.to_string()}),
        json!({"dashboard": wrapped}),
        json!({"dashboard": resource}),
        json!({"path": files.write("bare.json", format!("\u{feff}{bare:#}"))}),
        json!({"path": files.write("wrapped.json", &wrapped)}),
        json!({"dashboard_url": files.write("resource.json", &resource)}),
    ] {
        let result = fine(server.run(MODULE, options.clone()));
        assert_eq!(result["changed"], json!(false), "{options}: {:#}", result["diff"]);
    }
    // What stands beside a dashboard that is wrapped for the API counts, as it does with the peer.
    let place = folder(&server, "beside", "");
    let beside = files.write("beside.json", json!({"dashboard": bare, "folderUid": place, "message": "from the file"}));
    let moved = fine(server.run(MODULE, json!({"path": beside})));
    assert_eq!((&moved["action"], &moved["folder_uid"]), (&json!("move"), &json!(place)));
    drop_folder(&server, &place);
}

#[test]
fn an_address_is_read_without_grafanas_credentials() {
    let server = server();
    let uid = server.name("web");
    let body = json!({"title": "Web", "uid": uid}).to_string();
    let web = Scripted::start(None, move |request| match request.path.as_str() {
        "/a.json?raw=1" | "/api/dashboards/1860/revisions/37/download" => reply("200 OK", "", &body),
        "/moved" => reply("302 Found", "Location: /a.json?raw=1\r\n", ""),
        _ => reply("404 Not Found", "", "no"),
    });
    let base = format!("http://127.0.0.1:{}", web.port);
    let by_id = json!({"dashboard_id": 1860, "dashboard_revision": 37, "dashboard_source_url": format!("{base}/")});
    for options in [json!({"path": format!("{base}/a.json?raw=1")}), json!({"path": format!("{base}/moved")}), by_id] {
        assert_eq!(fine(server.run(MODULE, options))["uid"], json!(uid));
    }
    let seen = web.seen();
    assert!(
        seen.iter().all(|request| !request.headers.iter().any(|line| line.to_lowercase().starts_with("authorization")))
    );
    failed(server.run(MODULE, json!({"path": format!("{base}/nope")})), "/nope answered 404");
    failed(
        server.run(MODULE, json!({"path": "http://127.0.0.1:9/x", "retries": 0})),
        "Unable to download grafana dashboard",
    );
    delete(&server, &uid);
}

#[test]
fn what_is_no_dashboard_is_told_before_anything_is_sent() {
    let server = stand_in(sandbox::Config::default());
    let files = Files::new(&server);
    let broken = files.write("broken.json", "{\n  \"title\": \"T\",\n  \"panels\": [,]\n}");
    for (options, says) in [
        (json!({"path": broken}), "line 3 column 14"),
        (json!({"dashboard": "{\"title\": "}), "line 1 column 10"),
        (json!({"path": files.write("list.json", "[1]")}), "it is a list"),
        (json!({"path": files.write("text.json", "\"x\"")}), "it is a text"),
        (json!({"path": files.path("none.json")}), "Can't load json file"),
        (json!({"dashboard": {"uid": "x"}}), "has no `title`"),
        (json!({"dashboard": {"title": "T", "uid": "a b"}}), "letters, digits"),
        (json!({"dashboard": {"title": "T"}, "uid": "u".repeat(41)}), "at most 40"),
        (json!({"dashboard": {"title": "T"}, "commit_message": "m".repeat(501)}), "500 characters"),
        (json!({}), "nothing says what the dashboard is"),
        (json!({"state": "absent"}), "Can't delete dashboard : No uid specified"),
        (json!({"state": "export", "path": "/tmp/x"}), "Can't export dashboard : No uid specified"),
        (json!({"state": "export", "uid": "x"}), "state is export but all of the following are missing: path"),
        (json!({"state": "export", "uid": "x", "path": "http://h/x"}), "goes to a file"),
        (json!({"path": broken, "dashboard_id": 1}), "mutually exclusive: path|dashboard_id"),
        (json!({"uid": "x", "slug": "y", "path": broken}), "mutually exclusive: uid|slug"),
        (
            json!({"dashboards": [{"uid": "x", "dashboard": {"title": "A"}}, {"uid": "x", "dashboard": {"title": "B"}}]}),
            "dashboards[0] and dashboards[1] both",
        ),
        (json!({"dashboards": [{"uid": "x", "dashboard": {"title": "A"}}, {"path": broken}]}), "dashboards[1]: "),
    ] {
        failed(server.run(MODULE, options), says);
    }
    assert_eq!(server.requests(), [], "something was sent");
}

/// Fact 38: a save keeps inputs as they are, and an import has no defaults and checks nothing.
#[test]
fn inputs_are_filled_in_by_the_name_or_uid_of_a_data_source() {
    for server in both() {
        let (uid, source, name) = (server.name("inputs"), server.name("p"), server.name("Prometheus"));
        server.post(
            "/api/datasources",
            json!({"uid": source, "name": name, "type": "prometheus", "access": "proxy", "url": "http://h"}),
        );
        let shared = json!({
            "__inputs": [
                {"name": "DS_PROM", "type": "datasource", "pluginId": "prometheus"},
                {"name": "VAR_X", "type": "constant", "value": "dflt"}
            ],
            "__requires": [], "__elements": {}, "uid": uid, "title": "Shared",
            "panels": [{"id": 1, "datasource": {"type": "prometheus", "uid": "${DS_PROM}"}, "title": "${VAR_X} $other"}]
        });
        for wanted in [&name, &source] {
            fine(server.run(MODULE, json!({"dashboard": shared, "inputs": {"DS_PROM": wanted}})));
            let kept = dashboard(&server, &uid)["dashboard"].clone();
            assert_eq!(kept["panels"][0]["datasource"]["uid"], json!(source));
            assert_eq!(kept["panels"][0]["title"], "dflt $other");
            assert!(kept.get("__inputs").is_none() && kept["version"] == 1, "{kept}");
        }
        failed(server.check(MODULE, json!({"dashboard": shared, "inputs": {}})), "inputs lacks DS_PROM");
        failed(
            server.check(MODULE, json!({"dashboard": shared, "inputs": {"DS_PROM": "nowhere"}})),
            "no data source with the name or uid `nowhere`",
        );
        // Without the option it is taken as the peer takes it, and said.
        let plain = fine(server.check(MODULE, json!({"dashboard": shared})));
        assert!(plain["warnings"].to_string().contains("DS_PROM, VAR_X"), "{plain:#}");
        delete(&server, &uid);
        server.api("DELETE", &format!("/api/datasources/uid/{source}"), Value::Null);
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
    }
}

#[test]
fn permissions_that_the_server_lost_are_set() {
    let old = stand_in_11();
    old.fault(json!({"method": "POST", "path": "/api/dashboards/db", "kind": "lost-permissions", "times": 1}));
    let result = fine(old.run(MODULE, json!({"uid": "lost", "dashboard": {"title": "Lost"}})));
    assert!(result["warnings"].to_string().contains("lost its permissions"), "{result:#}");
    assert_eq!(permissions(&old, "lost"), "Editor2 Viewer1 admin4");
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

fn second(title: &str) -> Value {
    json!({
        "title": title, "annotations": [], "cursorSync": "Off", "editable": true,
        "elements": {"panel-1": {"kind": "Panel", "spec": {
            "id": 1, "title": "P", "description": "", "links": [],
            "data": {"kind": "QueryGroup", "spec": {"queries": [], "transformations": [], "queryOptions": {}}},
            "vizConfig": {"kind": "VizConfig", "group": "text", "version": "12.4.0", "spec": {
                "options": {"content": "x"}, "fieldConfig": {"defaults": {}, "overrides": []}}}
        }}},
        "layout": {"kind": "GridLayout", "spec": {"items": [{"kind": "GridLayoutItem", "spec": {
            "x": 0, "y": 0, "width": 12, "height": 8, "element": {"kind": "ElementReference", "name": "panel-1"}}}]}},
        "links": [], "liveNow": false, "preload": false, "tags": ["v2"], "variables": [],
        "timeSettings": {"timezone": "browser", "from": "now-6h", "to": "now", "autoRefresh": "", "autoRefreshIntervals": ["5s"],
            "hideTimepicker": false, "fiscalYearStartMonth": 0}
    })
}

/// Fact 45: a bare dashboard of the second schema saved by /api/dashboards/db is kept broken.
#[test]
fn the_second_schema_is_kept_as_it_is() {
    let server = server();
    let (files, uid) = (Files::new(&server), server.name("v2"));
    let whole = |title: &str| {
        json!({"dashboard": {
            "apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard", "metadata": {"name": uid}, "spec": second(title)
        }})
    };
    let absent = json!({"uid": uid, "state": "absent"});
    twelve_steps(&server, MODULE, whole("V2"), whole("V2 changed"), absent.clone());
    fine(server.run(MODULE, json!({"uid": uid, "dashboard": second("V2")})));
    let stored = server.get(&format!("/apis/dashboard.grafana.app/v1beta1/namespaces/default/dashboards/{uid}"));
    assert_eq!(stored["status"]["conversion"]["storedVersion"], "v2beta1", "{stored:#}");
    assert_eq!(fine(server.run(MODULE, whole("V2")))["changed"], json!(false));
    // It is exported in its own schema, and what was exported is the same dashboard.
    let file = files.path("v2.json");
    fine(server.run(MODULE, json!({"uid": uid, "state": "export", "path": file})));
    assert_eq!(fine(server.run(MODULE, json!({"path": file})))["changed"], json!(false));
    let exported: Value = serde_json::from_slice(&std::fs::read(&file).expect("it is there")).expect("JSON");
    assert_eq!(
        (&exported["apiVersion"], &exported["spec"]["layout"]["kind"]),
        (&json!("dashboard.grafana.app/v2beta1"), &json!("GridLayout"))
    );
    // One of the first schema may take its place, and the other way round.
    assert_eq!(fine(server.run(MODULE, json!({"uid": uid, "dashboard": panels("V1", 1.0)})))["changed"], json!(true));
    assert_eq!(fine(server.run(MODULE, json!({"uid": uid, "dashboard": panels("V1", 1.0)})))["changed"], json!(false));
    assert_eq!(fine(server.run(MODULE, whole("V2")))["changed"], json!(true));
    fine(server.run(MODULE, absent));
    let unknown = json!({"dashboard": {"apiVersion": "dashboard.grafana.app/v2nope", "kind": "Dashboard", "metadata": {"name": uid}, "spec": second("X")}});
    failed(server.check(MODULE, unknown), "is in the schema v2nope, and this Grafana");
    let old = stand_in_11();
    failed(
        old.check(MODULE, json!({"dashboard": second("X")})),
        "is in the schema v2beta1, and this Grafana (11.5.1) does not have it",
    );
    assert_eq!(old.writes(), []);
}

#[test]
fn an_export_is_written_once_and_is_the_same_dashboard() {
    for server in both() {
        let (files, uid) = (Files::new(&server), server.name("export"));
        fine(server.run(MODULE, json!({"uid": uid, "dashboard": panels("Exported ä", 1.0)})));
        let file = files.path("out.json");
        let export = json!({"state": "export", "uid": uid, "path": file});
        let predicted = fine(server.check(MODULE, export.clone()));
        assert!(!std::path::Path::new(&file).exists(), "check mode wrote the file");
        let done = fine(server.run(MODULE, export.clone()));
        assert_eq!(foretold(&predicted), foretold(&done));
        let text = std::fs::read_to_string(&file).expect("it is there");
        let held: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&held["dashboard"]["title"], &held["meta"]["type"]), (&json!("Exported ä"), &json!("db")));
        assert!(text.starts_with("{\n  \"") && text.ends_with("}\n"));
        assert_eq!(fine(server.run(MODULE, export.clone()))["changed"], json!(false));
        assert_eq!(fine(server.run(MODULE, json!({"path": file})))["changed"], json!(false));
        delete(&server, &uid);
        assert_eq!(fine(server.run(MODULE, json!({"path": file})))["action"], "create");
        fine(server.run(MODULE, json!({"uid": uid, "dashboard": panels("Other", 1.0)})));
        assert_eq!(fine(server.run(MODULE, export.clone()))["action"], "export");
        failed(
            server.run(MODULE, json!({"state": "export", "uid": uid, "path": files.path("no/such/out.json")})),
            "Can't write json file",
        );
        delete(&server, &uid);
    }
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
    ] {
        assert_eq!(fine(server.run(MODULE, options))["changed"], json!(changed));
    }
    server.api("DELETE", &format!("/api/serviceaccounts/{id}"), Value::Null);
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
