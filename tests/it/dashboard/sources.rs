//! Where the JSON comes from and goes to, and its two schemas.

use serde_json::{Value, json};

use super::{Files, MODULE, both, dashboard, delete, drop_folder, folder, panels};
use crate::{
    scripted::{Scripted, reply},
    support::{failed, fine, foretold, server, stand_in, stand_in_11, twelve_steps},
};

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
    let secret = format!("http://someone:a-password-of-the-web@127.0.0.1:{}/nope", web.port);
    let refused = failed(server.run(MODULE, json!({"path": secret})), "/nope answered 404");
    assert!(!refused.to_string().contains("a-password"), "{refused:#}");
    let seen: Vec<_> = web.seen().into_iter().filter(|request| request.path != "/nope").collect();
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
        let nowhere = json!({"state": "export", "uid": uid, "path": files.path("no/such/out.json")});
        failed(server.check(MODULE, nowhere.clone()), "Can't write json file");
        failed(server.run(MODULE, nowhere), "Can't write json file");
        delete(&server, &uid);
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

/// Grafana keeps the second schema typed: what a panel leaves out comes back with the zero value of its type.
#[test]
fn a_panel_of_the_second_schema_may_leave_fields_out() {
    let server = server();
    let uid = server.name("minimal");
    let minimal = |title: &str, hidden: bool| {
        let mut query = json!({"query": {"kind": "DataQuery", "group": "prometheus", "spec": {"expr": "up"}}});
        if hidden {
            query["hidden"] = json!(true);
        }
        let panel = json!({
            "id": 1, "title": title,
            "data": {"kind": "QueryGroup", "spec": {"queries": [{"kind": "PanelQuery", "spec": query}]}},
            "vizConfig": {"kind": "VizConfig", "group": "timeseries", "spec": {"options": {"legend": {"showLegend": false}}}}
        });
        json!({"dashboard": {
            "apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard", "metadata": {"name": uid},
            "spec": {"title": "Minimal", "elements": {"panel-1": {"kind": "Panel", "spec": panel}}}
        }})
    };
    twelve_steps(&server, MODULE, minimal("P", false), minimal("P", true), json!({"uid": uid, "state": "absent"}));
}

/// A file that is gone already, or a host that cannot be reached, is no reason to keep the dashboard.
#[test]
fn one_that_is_to_go_needs_no_file() {
    for server in both() {
        let uid = server.name("nofile");
        for source in [json!({"path": "/nowhere/a.json"}), json!({"path": "http://127.0.0.1:9/a.json"})] {
            fine(server.run(MODULE, json!({"uid": uid, "dashboard": {"title": "Goes"}})));
            let mut options = json!({"uid": uid, "state": "absent", "retries": 0});
            options.as_object_mut().expect("a map").extend(source.as_object().expect("a map").clone());
            assert_eq!(fine(server.run(MODULE, options))["action"], "delete");
        }
    }
}

#[test]
fn two_exports_to_one_file_are_refused() {
    let server = stand_in(sandbox::Config::default());
    let two = json!({"state": "export", "path": "/tmp/hearth-twice.json", "dashboards": [{"uid": "a"}, {"uid": "b"}]});
    failed(server.run(MODULE, two), "dashboards[0] and dashboards[1] are both exported to");
}

/// Fact 35, with the least of this server.
#[test]
fn a_refresh_is_that_of_the_server() {
    let server = stand_in(sandbox::Config::default());
    let options = |refresh: &str| json!({"uid": "often", "dashboard": {"title": "Often", "refresh": refresh}});
    let result = fine(server.run(MODULE, options("1s")));
    assert!(result["warnings"].to_string().contains("became 5s"), "{result:#}");
    assert_eq!(dashboard(&server, "often")["dashboard"]["refresh"], "5s");
    assert_eq!(fine(server.run(MODULE, options("1s")))["changed"], json!(false));
    let settings = json!({"minRefreshInterval": "1s"});
    server.fault(
        json!({"method": "GET", "path": "/api/frontend/settings", "kind": "status", "status": 200, "body": settings}),
    );
    let result = fine(server.run(MODULE, options("1s")));
    assert_eq!((&result["changed"], result["warnings"].as_array().map_or(0, Vec::len)), (&json!(true), 0));
    assert_eq!(dashboard(&server, "often")["dashboard"]["refresh"], "1s");
    server.forget_requests();
    fine(server.run(MODULE, options("1m")));
    assert!(server.requests().iter().all(|(_, path)| !path.contains("settings")));
}

/// What stands above a list is given to each of its dashboards, and not each has every input.
#[test]
fn an_input_that_only_some_dashboards_have_is_fine_and_one_that_none_has_is_not() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/datasources", json!({"name": "Prom", "uid": "prom", "type": "prometheus", "access": "proxy"}));
    let asks = json!({
        "uid": "asks", "title": "Asks", "panels": [{"type": "graph", "datasource": "${DS_PROM}"}],
        "__inputs": [{"name": "DS_PROM", "type": "datasource", "pluginId": "prometheus"}],
    });
    let plain = json!({"uid": "plain", "title": "Plain"});
    let task = json!({"inputs": {"DS_PROM": "Prom"}, "dashboards": [{"dashboard": asks}, {"dashboard": plain}]});
    assert_eq!(fine(server.run(MODULE, task))["msg"], "2 created");
    let task = json!({"inputs": {"DS_PROM": "Prom", "DS_NONE": "x"}, "dashboards": [{"dashboard": asks}]});
    failed(server.run(MODULE, task), "inputs.DS_NONE: no dashboard of the list has such input");
}
