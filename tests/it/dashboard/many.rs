//! Many dashboards at once: lists, directories, `prune`, and what they cost.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Files, MODULE, both};
use crate::support::{Server, failed, fine, foretold, server, stand_in, stand_in_11, twelve_steps};

fn panels(number: usize) -> Value {
    let panel = |id: usize| {
        json!({
            "id": id, "type": "timeseries", "title": format!("Panel {id}"), "gridPos": {"h": 8, "w": 12, "x": 0, "y": id * 8},
            "targets": [{"refId": "A", "expr": format!("up{{n=\"{number}\"}}")}], "options": {"legend": {"showLegend": true}},
            "fieldConfig": {"defaults": {"custom": {"lineWidth": 1.0}, "unit": "s"}, "overrides": []}
        })
    };
    json!({"title": format!("Many {number}"), "schemaVersion": 39, "panels": (1..=4).map(panel).collect::<Vec<_>>()})
}

fn list(server: &Server, count: usize) -> Value {
    let all = (0..count).map(|number| json!({"uid": server.name(&format!("m{number}")), "dashboard": panels(number)}));
    json!({"dashboards": all.collect::<Vec<_>>()})
}

/// How often each kind of request was sent: ("GET", "/api/user") → 1, uids left out.
fn counted(server: &Server) -> Vec<(String, usize)> {
    let mut counts: std::collections::BTreeMap<String, usize> = Default::default();
    for (method, path) in server.requests() {
        let path = path.split('?').next().unwrap_or_default();
        let known = |part: &str| !part.contains("hearth-") && !part.contains("seed-");
        let path: Vec<&str> = path.split('/').map(|part| if known(part) { part } else { "*" }).collect();
        *counts.entry(format!("{method} {}", path.join("/"))).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// Fact 53: all are read by pages, unchanged ones are not written, and new ones by one request each.
#[test]
fn a_thousand_cost_a_request_each_once_and_a_few_pages_ever_after() {
    let server = stand_in(sandbox::Config::default());
    let dashboards = "/apis/dashboard.grafana.app/v0alpha1/namespaces/default/dashboards";
    let count = 1000;
    let made = fine(server.play(MODULE, list(&server, count), json!({})));
    assert_eq!(made["msg"], "1000 created");
    let writes = server.writes();
    assert_eq!(writes.len(), count);
    assert!(writes.iter().all(|(method, path)| method == "POST" && path == dashboards));
    server.forget_requests();
    let again = fine(server.run(MODULE, list(&server, count)));
    assert_eq!((&again["msg"], &again["unchanged_objects"]), (&json!("1000 unchanged"), &json!(1000)));
    assert_eq!(server.writes(), []);
    let requests = counted(&server);
    assert!(server.requests().len() <= 12, "{requests:?}");
}

#[test]
fn a_few_are_read_one_by_one_whatever_else_is_there() {
    let server = stand_in(sandbox::Config::default());
    server.post("/_sandbox/seed", json!({"plain_dashboards": 500}));
    fine(server.run(MODULE, list(&server, 10)));
    server.forget_requests();
    fine(server.run(MODULE, list(&server, 10)));
    let expected = [
        ("GET /api/health", 1),
        ("GET /api/user", 1),
        ("GET /apis/dashboard.grafana.app/v0alpha1/namespaces/default/dashboards/*", 10),
    ];
    assert_eq!(counted(&server), expected.map(|(kind, count)| (kind.to_owned(), count)));
}

/// After a change only what was changed is read again.
#[test]
fn one_change_of_twenty_is_read_back_alone() {
    let server = stand_in(sandbox::Config::default());
    fine(server.run(MODULE, list(&server, 20)));
    let mut options = list(&server, 20);
    options["dashboards"][7]["dashboard"]["title"] = json!("Another");
    server.forget_requests();
    assert_eq!(fine(server.run(MODULE, options.clone()))["msg"], "1 updated, 19 unchanged");
    let one = "/apis/dashboard.grafana.app/v0alpha1/namespaces/default/dashboards/*";
    let expected = [("GET /api/health", 1), ("GET /api/user", 1)].map(|(kind, count)| (kind.to_owned(), count));
    let expected = [expected.to_vec(), vec![(format!("GET {one}"), 21), (format!("PUT {one}"), 1)]].concat();
    assert_eq!(counted(&server), expected);
    // One that goes and is found by its title only is not taken for one that stayed.
    let title = options["dashboards"][3]["dashboard"]["title"].clone();
    let mut gone = options;
    gone["dashboards"][3] = json!({"dashboard": {"title": title}, "state": "absent"});
    assert_eq!(fine(server.run(MODULE, gone))["msg"], "1 deleted, 19 unchanged");
}

/// Facts 55, 57: before 12 each one is read, and an identical one must not be written: its version moves.
#[test]
fn before_12_only_what_differs_is_written() {
    let server = stand_in_11();
    fine(server.run(MODULE, list(&server, 60)));
    server.forget_requests();
    let mut options = list(&server, 60);
    options["dashboards"][7]["dashboard"]["title"] = json!("Another");
    let changed = fine(server.run(MODULE, options));
    assert_eq!(changed["msg"], "1 updated, 59 unchanged");
    assert_eq!(server.writes().len(), 1);
}

/// Those of the second schema are read by one list in their own version, or each once.
#[test]
fn the_second_schema_is_read_by_a_list_when_there_are_many() {
    let server = stand_in(sandbox::Config::default());
    let one = |number: usize| {
        json!({"uid": server.name(&format!("v{number}")),
               "dashboard": {"title": format!("V {number}"), "elements": {}, "layout": {"kind": "TabsLayout", "spec": {"tabs": []}}}})
    };
    let list = |count: usize| json!({"dashboards": (0..count).map(one).collect::<Vec<_>>()});
    fine(server.run(MODULE, list(50)));
    let second = |server: &Server| {
        let all = server.requests();
        all.iter().filter(|(method, path)| method == "GET" && path.contains("/v2beta1/")).count()
    };
    for (count, expected) in [(50, 1), (10, 10)] {
        server.forget_requests();
        assert_eq!(fine(server.run(MODULE, list(count)))["msg"], format!("{count} unchanged"));
        assert_eq!(second(&server), expected);
    }
    // After a change only what was changed is read again.
    let mut changed = list(10);
    changed["dashboards"][3]["dashboard"]["title"] = json!("Another");
    server.forget_requests();
    assert_eq!(fine(server.run(MODULE, changed))["msg"], "1 updated, 9 unchanged");
    assert_eq!(second(&server), 11);
}

/// Before 12 each dashboard costs a request: `prune` asks for those in its scope.
#[test]
fn before_12_prune_reads_only_its_folder() {
    let server = stand_in_11();
    server.post("/_sandbox/seed", json!({"plain_dashboards": 50}));
    server.post("/api/folders", json!({"uid": "scope", "title": "Scope"}));
    for uid in ["kept", "old"] {
        server.post("/api/dashboards/db", json!({"dashboard": {"uid": uid, "title": uid}, "folderUid": "scope"}));
    }
    server.forget_requests();
    let options =
        json!({"prune": {"folder": "Scope"}, "dashboards": [{"uid": "kept", "dashboard": {"title": "kept"}}]});
    assert_eq!(fine(server.check(MODULE, options))["msg"], "would be: 1 deleted, 1 unchanged");
    let read = server.requests().iter().filter(|(_, path)| path.starts_with("/api/dashboards/uid/")).count();
    assert_eq!(read, 2);
}

/// Fact 49: no failure and no second one, however many write at once.
#[test]
fn however_many_write_at_once_each_is_made_once() {
    for at_once in [4, 16, 32] {
        let server = stand_in(sandbox::Config { sqlite: true, ..sandbox::Config::default() });
        let all = (0..60).map(|number| json!({"dashboard": {"title": format!("D {number}")}, "folder": "Made"}));
        let options = json!({"concurrency": at_once, "create_folders": true, "dashboards": all.collect::<Vec<_>>()});
        assert_eq!(fine(server.run(MODULE, options.clone()))["msg"], "61 created", "{at_once}");
        assert_eq!(fine(server.run(MODULE, options))["msg"], "60 unchanged", "{at_once}");
        let hits = server.get("/api/search?type=dash-db&limit=1000");
        assert_eq!(hits.as_array().map(Vec::len), Some(60), "{at_once}");
    }
}

/// Fact 44: a list is cut at about 2 MB whatever its limit.
#[test]
fn more_than_one_page_is_read() {
    let server = stand_in(sandbox::Config::default());
    let big = |number: usize| json!({"uid": server.name(&format!("big{number}")), "dashboard": {"title": format!("Big {number}"), "text": "x".repeat(60_000)}});
    let options = json!({"dashboards": (0..60).map(big).collect::<Vec<_>>()});
    fine(server.run(MODULE, options.clone()));
    server.forget_requests();
    assert_eq!(fine(server.run(MODULE, options))["msg"], "60 unchanged");
    let pages = server.requests().iter().filter(|(_, path)| path.contains("/apis/")).count();
    assert!((2..10).contains(&pages), "{pages} pages");
}

/// One dashboard at the top level and `prune` beside it: the sentence tells of both.
#[test]
fn a_single_dashboard_does_not_hide_what_prune_deletes() {
    let server = stand_in(sandbox::Config::default());
    for uid in ["kept", "old"] {
        server.post("/api/dashboards/db", json!({"dashboard": {"uid": uid, "title": uid, "tags": ["t"]}}));
    }
    let single = json!({"uid": "kept", "dashboard": {"title": "kept", "tags": ["t"]}, "prune": {"tag": "t"}});
    assert_eq!(fine(server.check(MODULE, single.clone()))["msg"], "would be: 1 deleted, 1 unchanged");
    let result = fine(server.run(MODULE, single.clone()));
    assert_eq!((&result["msg"], &result["uid"]), (&json!("1 deleted, 1 unchanged"), &json!("kept")));
    // What changed is not the object that is declared, so the difference is no map that looks like its own.
    assert_eq!(result["diff"].as_array().map(Vec::len), Some(1), "{:#}", result["diff"]);
    for empty in [json!({"tag": ""}), json!({"folder": ""})] {
        let mut all = single.clone();
        all["prune"] = empty;
        failed(server.run(MODULE, all), "of prune is empty, and so it bounds nothing");
    }
}

#[test]
fn prune_deletes_what_is_not_declared_in_its_scope_only() {
    for server in both() {
        let root = server.name("scope");
        server.post("/api/folders", json!({"uid": root, "title": root}));
        let (inner, tag) = (server.name("inner"), server.name("tag"));
        server.post("/api/folders", json!({"uid": inner, "title": inner, "parentUid": root}));
        let make = |name: &str, folder: &str, tags: Value| {
            let body =
                json!({"dashboard": {"uid": server.name(name), "title": name, "tags": tags}, "folderUid": folder});
            server.post("/api/dashboards/db", body);
        };
        make("kept", &root, json!([tag]));
        make("old", &root, json!([tag]));
        make("deep", &inner, json!([tag]));
        make("untagged", &inner, json!([]));
        make("outside", "", json!([tag]));
        let options = |prune: Value| json!({"dashboards": [{"uid": server.name("kept"), "dashboard": {"title": "kept", "tags": [tag]}}], "prune": prune});
        let both_of = json!({"folder": root, "tag": tag});
        for result in [
            server.check(MODULE, options(json!({"folder": root, "limit": 2}))),
            server.run(MODULE, options(json!({"folder": root, "limit": 2}))),
        ] {
            failed(result, "prune would delete 3 dashboards, more than its limit of 2");
        }
        let predicted = fine(server.check(MODULE, options(both_of.clone())));
        let done = fine(server.run(MODULE, options(both_of.clone())));
        assert_eq!(foretold(&predicted), foretold(&done));
        let names: BTreeSet<&str> = done["objects"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|one| one["action"] == "delete")
            .filter_map(|one| one["name"].as_str())
            .collect();
        assert_eq!(names, BTreeSet::from(["deep", "old"]));
        assert_eq!(fine(server.run(MODULE, options(both_of)))["changed"], json!(false));
        let by_tag = fine(server.run(MODULE, options(json!({"tag": tag}))));
        assert_eq!(by_tag["msg"], "1 deleted, 1 unchanged");
        let by_folder = fine(server.run(MODULE, options(json!({"folder": format!("{root}/{inner}")}))));
        assert_eq!(by_folder["msg"], "1 deleted, 1 unchanged");
        failed(server.run(MODULE, options(json!({"limit": 3}))), "one of the following is required: folder, tag");
        server.api("DELETE", &format!("/api/folders/{root}"), Value::Null);
    }
}

#[test]
fn a_directory_is_a_tree_of_folders() {
    for server in both() {
        let (files, base, tag) = (Files::new(&server), server.name("Base"), server.name("git"));
        let write = |name: &str, content: Value| {
            let mut content = content;
            content["uid"] = json!(server.name(name.rsplit('/').next().unwrap_or(name).trim_end_matches(".json")));
            files.write(name, content)
        };
        write("top.json", json!({"title": "Top"}));
        write("Net/switch.json", json!({"title": "Switch", "tags": ["own"]}));
        let old = write("Net/old.json", json!({"title": "Old"}));
        write("Net/Deep/port.json", json!({"dashboard": {"title": "Port"}}));
        files.write("README.md", "no dashboard");
        let options = json!({
            "from_directory": files.path(""), "folder": base, "create_folders": true, "tags": [tag],
            "prune": {"folder": base, "tag": tag}
        });
        let predicted = fine(server.check(MODULE, options.clone()));
        let made = fine(server.run(MODULE, options.clone()));
        assert_eq!(foretold(&predicted), foretold(&made));
        assert_eq!(made["msg"], "7 created", "{made:#}");
        assert_eq!(fine(server.run(MODULE, options.clone()))["msg"], "4 unchanged");
        let switch = server.get(&format!("/api/dashboards/uid/{}", server.name("switch")));
        assert_eq!(
            (&switch["meta"]["folderTitle"], &switch["dashboard"]["tags"]),
            (&json!("Net"), &json!(["own", tag]))
        );
        // A file that goes takes its dashboard with it, and one that moves is moved.
        std::fs::remove_file(old).expect("it is there");
        std::fs::rename(files.path("top.json"), files.path("Net/top.json")).expect("it is there");
        let predicted = fine(server.check(MODULE, options.clone()));
        let changed = fine(server.run(MODULE, options.clone()));
        assert_eq!(foretold(&predicted), foretold(&changed));
        assert_eq!(changed["msg"], "1 moved, 1 deleted, 2 unchanged", "{changed:#}");
        let broken = files.write("Net/broken.json", "{");
        failed(server.run(MODULE, options.clone()), &broken);
        std::fs::remove_file(broken).expect("it is there");
        let absent = json!({"from_directory": files.path(""), "folder": base, "state": "absent"});
        assert_eq!(fine(server.run(MODULE, absent))["msg"], "3 deleted");
        std::fs::create_dir(files.path("empty")).expect("it can be made");
        let empty = json!({"from_directory": files.path("empty"), "prune": {"tag": tag}});
        failed(server.check(MODULE, empty), "there is no JSON file in");
        failed(server.run(MODULE, json!({"from_directory": files.path("none")})), "failed to read the directory");
        let folders = server.get("/api/folders?limit=5000");
        for one in folders.as_array().expect("a list").iter().filter(|one| one["title"] == json!(base)) {
            server.api("DELETE", &format!("/api/folders/{}", one["uid"].as_str().unwrap_or_default()), Value::Null);
        }
    }
}

#[test]
fn twelve_steps_of_a_directory() {
    let server = server();
    let files = [Files::new(&server), Files::new(&server)];
    let base = server.name("Twelve");
    for (number, files) in files.iter().enumerate() {
        for name in ["a", "Sub/b"] {
            let uid = server.name(name.rsplit('/').next().unwrap_or(name));
            files.write(&format!("{number}/{name}.json"), json!({"title": format!("{name} {number}"), "uid": uid}));
        }
    }
    let directory = |number: usize| json!({"from_directory": files[number].path(&number.to_string()), "folder": base, "create_folders": true});
    let mut gone = directory(1);
    (gone["state"], gone["create_folders"]) = (json!("absent"), json!(false));
    twelve_steps(&server, MODULE, directory(0), directory(1), gone);
}

/// No dashboard is held twice, nor as a tree: 5,000 of 9 kB need 118 MB when they are made and 90 MB when
/// they are unchanged; here it is a fifth of them.
#[test]
fn many_files_fit_into_memory() {
    let server = stand_in(sandbox::Config::default());
    let files = Files::new(&server);
    for number in 0..1000 {
        let mut dashboard = panels(number);
        dashboard["uid"] = json!(format!("f{number}"));
        // As large as those that were measured.
        dashboard["description"] = json!("x".repeat(7000));
        files.write(&format!("{number}.json"), &dashboard);
        // The same with an input.
        dashboard["__inputs"] = json!([{"name": "DS_PROM", "type": "datasource", "pluginId": "prometheus"}]);
        dashboard["uid"] = json!(format!("i{number}"));
        dashboard["panels"][0]["datasource"] = json!({"type": "prometheus", "uid": "${DS_PROM}"});
        files.write(&format!(".inputs/{number}.json"), &dashboard);
    }
    server.post("/api/datasources", json!({"name": "Prom", "uid": "prom", "type": "prometheus", "access": "proxy"}));
    let inputs = json!({
        "url": server.url, "url_username": "admin", "url_password": "admin", "from_directory": files.path(".inputs"),
        "list_unchanged": "never", "inputs": {"DS_PROM": "Prom"}
    });
    let args = json!({
        "url": server.url, "url_username": "admin", "url_password": "admin", "from_directory": files.path(""),
        "list_unchanged": "never"
    });
    // Inline the arguments are there as a tree once, which is the most of it.
    let inline = json!({
        "url": server.url, "url_username": "admin", "url_password": "admin", "list_unchanged": "never",
        "dashboards": (0..1000).map(|number| json!({"uid": format!("f{number}"), "dashboard": panels(number)})).collect::<Vec<_>>()
    });
    let (file, inline) = (files.write(".args", &args), files.write(".inline", &inline));
    let inputs = files.write(".with-inputs", &inputs);
    for (time, file, limit) in [
        ("new", &file, 50_000),
        ("unchanged", &file, 50_000),
        ("inputs, new", &inputs, 64_000),
        ("inputs, unchanged", &inputs, 64_000),
        ("inline", &inline, 90_000),
    ] {
        let child = std::process::Command::new(crate::support::binary(MODULE))
            .arg(file)
            .env_clear()
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("it starts");
        let status = format!("/proc/{}/status", child.id());
        let peak = std::thread::spawn(move || {
            let mut peak = 0;
            while let Ok(text) = std::fs::read_to_string(&status) {
                let line = text.lines().find(|line| line.starts_with("VmHWM:"));
                let now = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|number| number.parse().ok());
                peak = peak.max(now.unwrap_or(0));
                if text.contains("State:\tZ") {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            peak
        });
        let output = child.wait_with_output().expect("it ends");
        let result: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
        fine(result.clone());
        let peak: u64 = peak.join().expect("it does not panic");
        assert!(peak < limit, "{time}: {peak} kB");
    }
}
