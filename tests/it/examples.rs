//! The examples of each module's documentation: what people copy has to run.
//!
//! They are run in the order in which they stand, against one stand-in: each in check mode, for real, and once more,
//! when nothing may change any more. Addresses, credentials, templates and paths are those of the test. They are
//! read by serde-saphyr: YAML for serde in safe Rust, and kept up, which serde_yaml no longer is.

use std::{fs, path::Path};

use hearth::registry;
use serde_json::{Map, Value, json};

use crate::{
    authentik,
    scripted::{Scripted, reply},
    support::{Server, fine, stand_in},
};

/// A dashboard as it is exported for sharing.
fn shared(title: &str) -> Value {
    json!({
        "__inputs": [{"name": "DS_PROMETHEUS", "label": "Prometheus", "type": "datasource", "pluginId": "prometheus"}],
        "title": title,
        "panels": [{"id": 1, "type": "timeseries", "datasource": {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}}],
    })
}

/// What the examples find: their files, a server for the rest of the world, what else they take for granted.
struct World {
    place: String,
    outside: String,
    token: String,
}

impl World {
    fn of(server: &Server, module: &str) -> World {
        let place = std::env::temp_dir().join(format!("hearth-examples-{}-{module}", std::process::id()));
        let dashboards = place.join("srv/dashboards");
        fs::create_dir_all(dashboards.join("Machines")).expect("a temporary directory can be made");
        fs::create_dir_all(place.join("tmp")).expect("a temporary directory can be made");
        let write = |file: &Path, value: Value| fs::write(file, value.to_string()).expect("a file can be written");
        write(&dashboards.join("node-exporter.json"), shared("Node exporter"));
        write(&dashboards.join("Machines/disk.json"), json!({"title": "Disk", "uid": "example-disk"}));
        let outside = Scripted::start(None, |request| {
            let body =
                if request.path.ends_with("/download") { shared("Mirrored") } else { json!({"status": "success"}) };
            reply("200 OK", "Content-Type: application/json\r\n", &body.to_string())
        });
        if module != "grafana_datasource" {
            let body = json!({"name": "Prometheus", "uid": "prometheus", "type": "prometheus", "access": "proxy"});
            server.post("/api/datasources", body);
        }
        let account = server.post("/api/serviceaccounts", json!({"name": "examples", "role": "Admin"}));
        let token = server.post(&format!("/api/serviceaccounts/{}/tokens", account["id"]), json!({"name": "examples"}));
        World {
            place: place.display().to_string(),
            outside: format!("http://127.0.0.1:{}", outside.port),
            token: token["key"].as_str().expect("the token's key is shown once").to_owned(),
        }
    }

    /// An option as it stands in the example, with what is of this test.
    fn fitted(&self, key: &str, value: &Value) -> Value {
        match value {
            Value::Object(entries) => {
                entries.iter().map(|(key, value)| (key.clone(), self.fitted(key, value))).collect()
            }
            Value::Array(items) => items.iter().map(|item| self.fitted(key, item)).collect(),
            Value::String(text) if text == "{{ grafana_token }}" => json!(self.token),
            Value::String(text) if text == "{{ grafana_password }}" => json!("admin"),
            Value::String(text) if text == "{{ authentik_token }}" => json!(sandbox::AUTHENTIK_TOKEN),
            Value::String(text) if text.contains("{{") => json!(format!("the value of {key}")),
            Value::String(text) if text.starts_with("/srv/") || text.starts_with("/tmp/") => {
                json!(format!("{}{text}", self.place))
            }
            Value::String(text) if text.starts_with("http") && text.contains(".example.com") => {
                let path = text.split_once(".example.com").map_or("", |(_, rest)| rest);
                let path = path.trim_start_matches(|character: char| character == ':' || character.is_ascii_digit());
                json!(format!("{}{path}", self.outside))
            }
            other => other.clone(),
        }
    }
}

/// The module that a task calls: in an example there may be one of another that it needs.
fn called(task: &Map<String, Value>) -> &'static str {
    let is_called = |module: &&registry::Module| task.contains_key(module.name);
    let all = registry::modules();
    all.iter().find(is_called).map(|module| module.name).unwrap_or_else(|| panic!("no module is called by {task:?}"))
}

#[test]
fn examples_of_authentik_run_and_a_second_run_changes_nothing() {
    for module in registry::modules().into_iter().filter(|module| module.name.starts_with("authentik_")) {
        let server = authentik::server();
        let grafana = stand_in(sandbox::Config::default());
        let world = World::of(&grafana, module.name);
        let tasks: Vec<Map<String, Value>> = serde_saphyr::from_str((module.about)().examples)
            .unwrap_or_else(|error| panic!("{}: the examples are no list of tasks: {error}", module.name));
        assert!(tasks.iter().any(|task| called(task) == module.name), "{} has no example", module.name);
        for task in &tasks {
            let (name, called) = (task["name"].as_str().expect("each task has a name"), called(task));
            let options = world.fitted("", &task[called]);
            assert!(options["authentik_url"].is_string(), "`{name}` does not say where authentik is");
            let told = |how: &str, result: Value| {
                assert_ne!(result["failed"], json!(true), "{}, `{name}`, {how}: {result:#}", module.name);
                fine(result)
            };
            let predicted = told("in check mode", server.play(called, &options, true));
            let done = told("for real", server.play(called, &options, false));
            assert_eq!(predicted["changed"], done["changed"], "{}, `{name}`: {predicted:#}\n{done:#}", module.name);
            let again = told("again", server.play(called, &options, false));
            assert_eq!(again["changed"], json!(false), "{}, `{name}`, again: {again:#}", module.name);
        }
        fs::remove_dir_all(&world.place).expect("the directory is still there");
    }
}

#[test]
fn examples_run_and_a_second_run_changes_nothing() {
    for module in registry::modules().into_iter().filter(|module| module.name.starts_with("grafana_")) {
        let server = stand_in(sandbox::Config::default());
        let world = World::of(&server, module.name);
        let tasks: Vec<Map<String, Value>> = serde_saphyr::from_str((module.about)().examples)
            .unwrap_or_else(|error| panic!("{}: the examples are no list of tasks: {error}", module.name));
        assert!(!tasks.is_empty(), "{} has no example", module.name);
        for task in &tasks {
            let name = task["name"].as_str().expect("each task has a name");
            let options = task.get(module.name).unwrap_or_else(|| panic!("`{name}` is no task of {}", module.name));
            let mut options = world.fitted("", options);
            assert!(options["url"].is_string(), "`{name}` does not say where Grafana is");
            options["url"] = json!(server.url);
            // One task after the other, each with what it is told in check mode first.
            let told = |how: &str, result: Value| {
                assert_ne!(result["failed"], json!(true), "{}, `{name}`, {how}: {result:#}", module.name);
                fine(result)
            };
            let predicted = told("in check mode", server.check(module.name, options.clone()));
            let done = told("for real", server.run(module.name, options.clone()));
            assert_eq!(predicted["changed"], done["changed"], "{}, `{name}`: {predicted:#}\n{done:#}", module.name);
            let again = told("again", server.run(module.name, options));
            assert_eq!(again["changed"], json!(false), "{}, `{name}`, again: {again:#}", module.name);
        }
        fs::remove_dir_all(&world.place).expect("the directory is still there");
    }
}
