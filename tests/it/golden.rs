//! Whole results, kept in files: `golden/<name>.json`. A difference is printed; `BLESS=1` writes the files anew.
//!
//! Numbers that the server or the clock chooses are replaced, and keys are sorted.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::support::{Server, fine, stand_in};

/// Compares some results with those in the file.
fn compare(name: &str, mut results: Value) {
    normalise(&mut results);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden").join(name).with_extension("json");
    let text = format!("{results:#}\n");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &text).expect("the file can be written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    if kept == text {
        return;
    }
    let (mut was, mut is) = (kept.lines().collect::<Vec<_>>(), text.lines().collect::<Vec<_>>());
    // What is equal at the begin and at the end is not shown.
    let equal = was.iter().zip(&is).take_while(|(one, other)| one == other).count();
    (was, is) = (was.split_off(equal), is.split_off(equal));
    while was.last().is_some_and(|line| Some(line) == is.last()) {
        was.pop();
        is.pop();
    }
    let shown = |sign: &str, lines: &[&str]| lines.iter().map(|line| format!("{sign} {line}\n")).collect::<String>();
    panic!("{name}, from line {}:\n{}{}BLESS=1 writes it anew", equal + 1, shown("-", &was), shown("+", &is));
}

fn normalise(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            for (key, entry) in entries.iter_mut() {
                match key.as_str() {
                    "id" if entry.is_number() => *entry = json!("<id>"),
                    "created" | "updated" if entry.is_string() => *entry = json!("<time>"),
                    "seconds" => *entry = json!("<seconds>"),
                    _ => normalise(entry),
                }
            }
            let mut sorted: Vec<(String, Value)> = std::mem::take(entries).into_iter().collect();
            sorted.sort_by(|one, other| one.0.cmp(&other.0));
            *entries = Map::from_iter(sorted);
        }
        Value::Array(items) => items.iter_mut().for_each(normalise),
        _ => {}
    }
}

/// Runs one step after the other, each in check mode and for real, and compares the results.
fn steps(name: &str, server: &Server, module: &str, steps: &[(&str, Value)]) {
    let mut results = json!({});
    for (step, options) in steps {
        let check = fine(server.check(module, options.clone()));
        results[*step] = json!({"check": check, "run": fine(server.run(module, options.clone()))});
    }
    let told = results.to_string().replace(server.url.trim_end_matches('/'), "http://grafana");
    compare(name, serde_json::from_str(&told).expect("it is JSON still"));
}

#[test]
fn a_folder() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/folders", json!({"uid": "home", "title": "Home"}));
    let first = json!({"name": "Infra", "uid": "infra"});
    let second = json!({
        "name": "Infrastructure", "uid": "infra", "parent": "Home", "description": "Machines and networks",
        "permissions": [{"role": "Viewer", "permission": "View"}],
    });
    let gone = json!({"name": "Infrastructure", "uid": "infra", "state": "absent"});
    let all = [("create", first.clone()), ("unchanged", first), ("update", second), ("delete", gone)];
    steps("folder", &server, "grafana_folder", &all);
}

#[test]
fn folders() {
    let server = stand_in(sandbox::Config::default());
    let first = json!({"folders": [
        {"name": "Network", "uid": "network", "parent": "Infra"}, {"name": "Infra", "uid": "infra"},
        {"name": "Home", "uid": "home", "description": "Rooms"},
    ]});
    let second = json!({"folders": [
        {"name": "Networks", "uid": "network", "parent": "Home"}, {"name": "Infra", "uid": "infra"},
        {"name": "Home", "uid": "home", "description": "Rooms and more"},
    ]});
    let gone = json!({"state": "absent", "folders": [
        {"name": "Home", "uid": "home"}, {"name": "Infra", "uid": "infra"}, {"name": "Networks", "uid": "network"},
    ]});
    let all = [("create", first.clone()), ("unchanged", first), ("update", second), ("delete", gone)];
    steps("folders", &server, "grafana_folder", &all);
}

#[test]
fn a_data_source() {
    let server = stand_in(sandbox::Config::default());
    let first = json!({
        "name": "Metrics", "uid": "metrics", "ds_type": "prometheus", "ds_url": "http://metrics.example.com:9090",
        "basic_auth_user": "grafana", "basic_auth_password": "a-password-for-metrics", "is_default": true,
    });
    let with = |key: &str, value: &str, from: &Value| {
        let mut options = from.clone();
        options[key] = json!(value);
        options
    };
    let second = with("ds_url", "https://metrics.example.com", &first);
    // Grafana 12 changes no uid.
    let third = with("uid", "metrics-2", &second);
    let gone = json!({"name": "Metrics", "state": "absent"});
    let all =
        [("create", first.clone()), ("unchanged", first), ("update", second), ("replace", third), ("delete", gone)];
    steps("datasource", &server, "grafana_datasource", &all);
}

#[test]
fn a_dashboard() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/folders", json!({"uid": "home", "title": "Home"}));
    let panel = |title: &str| json!([{"id": 1, "type": "text", "title": title}]);
    let first = json!({"uid": "disks", "dashboard": {"title": "Disks", "panels": panel("Free"), "tags": ["storage"]}});
    let second = json!({
        "uid": "disks", "folder": "Home", "commit_message": "Named anew",
        "dashboard": {"title": "Disks and pools", "panels": panel("Used"), "tags": ["storage"]},
        "permissions": [{"role": "Viewer", "permission": "View"}],
    });
    let gone = json!({"uid": "disks", "state": "absent"});
    let all = [("create", first.clone()), ("unchanged", first), ("update", second), ("delete", gone)];
    steps("dashboard", &server, "grafana_dashboard", &all);
}

#[test]
fn dashboards() {
    let server = stand_in(sandbox::Config::default());
    let one = |uid: &str, title: &str| json!({"uid": uid, "dashboard": {"title": title}});
    let first = json!({"folder": "Infra/Hosts", "create_folders": true, "dashboards": [one("a", "A"), one("b", "B")]});
    let second = json!({"folder": "General", "dashboards": [one("a", "A"), one("b", "B and more")]});
    let gone = json!({"state": "absent", "dashboards": [{"uid": "a"}, {"uid": "b"}]});
    let all = [("create", first.clone()), ("unchanged", first), ("update", second), ("delete", gone)];
    steps("dashboards", &server, "grafana_dashboard", &all);
}
