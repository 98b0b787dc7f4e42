//! How Ansible starts a module and what it gets back.

use std::{path::Path, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::MODULE;
use crate::{
    scripted::{Scripted, reply},
    support::{binary, failed, fine, run, stand_in},
};

fn output(path: &Path, args: &[&str]) -> (String, Option<i32>) {
    let output = Command::new(path).args(args).output().expect("it starts");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (String::from_utf8(output.stdout).expect("UTF-8"), output.status.code())
}

#[test]
fn run_by_hand_it_tells_what_it_is() {
    let binary = binary(MODULE);
    let (usage, code) = output(&binary, &[]);
    assert!(usage.contains("usage: grafana_folder") && usage.contains(env!("CARGO_PKG_VERSION")) && code == Some(0));
    let (version, _) = output(&binary, &["--version"]);
    assert_eq!(version, format!("grafana_folder {}\n", env!("CARGO_PKG_VERSION")));
    let (schema, _) = output(&binary, &["--schema"]);
    let schema: Value = serde_json::from_str(&schema).expect("the schema is JSON");
    assert_eq!(schema["properties"]["folders"]["items"]["properties"]["uid"]["type"][0], "string");
    let (doc, _) = output(&binary, &["--doc"]);
    assert!(doc.contains("DOCUMENTATION:") && doc.contains("EXAMPLES:") && doc.contains("RETURN:"));
}

#[test]
fn a_link_with_ansibles_name_works() {
    let folder = std::env::temp_dir().join(format!("hearth-link-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder can be made");
    let (link, args) = (folder.join("AnsiballZ_grafana_folder"), folder.join("args"));
    std::os::unix::fs::symlink(binary(MODULE), &link).expect("a link can be made");
    std::fs::write(&args, r#"{"name": "x", "url": "http://127.0.0.1:9", "retries": 0}"#).expect("written");
    let (line, code) = output(&link, &[args.to_str().expect("a path")]);
    let result: Value = serde_json::from_str(&line).expect("one line of JSON");
    assert!(result["msg"].to_string().contains("failed to connect") && code == Some(1), "{line}");
    std::fs::remove_dir_all(&folder).expect("it can be removed");
}

#[test]
fn arguments_that_are_no_json_object_are_a_failed_result() {
    let file = std::env::temp_dir().join(format!("hearth-bad-args-{}", std::process::id()));
    for text in ["", "{", "[1]", "\u{0}", r#"{"name": }"#] {
        std::fs::write(&file, text).expect("written");
        let (line, code) = output(&binary(MODULE), &[file.to_str().expect("a path")]);
        let result: Value = serde_json::from_str(&line).expect("one line of JSON");
        assert_eq!((&result["failed"], &result["changed"], code), (&json!(true), &json!(false), Some(1)), "{line}");
    }
    std::fs::remove_file(&file).expect("removed");
    let (line, _) = output(&binary(MODULE), &["/nonexistent/args"]);
    assert!(line.contains("failed to read the options from `/nonexistent/args`"), "{line}");
}

#[test]
fn a_result_is_one_line_for_python_too() {
    let file = std::env::temp_dir().join(format!("hearth-lines-{}", std::process::id()));
    let name = "a\u{2028}b\u{2029}c\u{85}d\u{b}e\u{1c}f";
    std::fs::write(&file, json!({"url": "http://127.0.0.1:9", "name": "x", name: 1}).to_string()).expect("written");
    let (line, _) = output(&binary(MODULE), &[file.to_str().expect("a path")]);
    std::fs::remove_file(&file).expect("removed");
    // Ansible looks for the JSON with `str.splitlines`, which splits at all of these.
    assert!(!line.trim_end().contains(['\u{2028}', '\u{2029}', '\u{85}', '\u{b}', '\u{1c}', '\n']), "{line}");
    let result: Value = serde_json::from_str(&line).expect("JSON");
    assert!(result["msg"].as_str().is_some_and(|text| text.contains(name)), "{line}");
}

#[test]
fn half_a_surrogate_in_the_options_is_taken() {
    let file = std::env::temp_dir().join(format!("hearth-surrogate-{}", std::process::id()));
    std::fs::write(&file, r#"{"url": "http://127.0.0.1:9", "retries": 0, "name": "x\udc80"}"#).expect("written");
    let (line, _) = output(&binary(MODULE), &[file.to_str().expect("a path")]);
    std::fs::remove_file(&file).expect("removed");
    assert!(line.contains("failed to connect"), "{line}");
}

#[test]
fn check_mode_counts_however_it_is_written() {
    let server = stand_in(sandbox::Config::default());
    let planned = fine(server.play(MODULE, json!({"name": "x"}), json!({"_ansible_check_mode": "yes"})));
    assert_eq!((&planned["changed"], server.get("/api/folders")), (&json!(true), json!([])));
    let args = json!({"_ansible_check_mode": "perhaps"});
    failed(
        server.play(MODULE, json!({"name": "x"}), args),
        "`_ansible_check_mode` cannot be used: The value 'perhaps'",
    );
    assert_eq!(server.get("/api/folders"), json!([]));
}

#[test]
fn a_single_object_that_failed_says_what_is_known_of_it() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "status", "status": 400, "times": 1}));
    let result = failed(server.run(MODULE, json!({"name": "x", "uid": "its-uid"})), "failed to create folder `x`");
    assert_eq!(
        (&result["name"], &result["action"], &result["changed"]),
        (&json!("x"), &json!("create"), &json!(false))
    );
}

#[test]
fn the_audit_logs_path_counts_where_there_is_something_to_write() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/folders", json!({"title": "There", "uid": "there"}));
    for (name, changes) in [("There", false), ("New", true)] {
        let task = |path: &str| json!({"name": name, "audit_log": path});
        for check in [true, false] {
            let internal = json!({"_ansible_check_mode": check});
            let result = server.play(MODULE, task("/nonexistent/audit.jsonl"), internal);
            assert_eq!(result["failed"] == json!(true), changes, "{name}, check mode {check}: {result:#}");
        }
        fine(server.check(MODULE, task("")));
    }
}

#[test]
fn an_unknown_option_fails_with_the_nearest_name() {
    let result = run(MODULE, &json!({"url": "http://127.0.0.1:9", "name": "x", "parent_uuid": "y"}), &[]);
    failed(result.clone(), "Unsupported parameters for (grafana_folder) module: parent_uuid");
    failed(result, "parent_uid");
    let item = json!({"url": "http://127.0.0.1:9", "folders": [{"name": "a"}, {"nam": "b"}]});
    failed(run(MODULE, &item, &[]), "folders[1]");
}

#[test]
fn an_option_and_its_alias_warn_and_the_alias_wins() {
    let server = stand_in(sandbox::Config::default());
    let result = fine(server.check(MODULE, json!({"name": "By name", "title": "By alias"})));
    assert_eq!(result["name"], "By alias");
    assert!(result["warnings"].to_string().contains("title"), "{result:#}");
    // It may well be why the task is refused.
    let result = failed(server.check(MODULE, json!({"name": "a", "title": "b", "state": "neither"})), "state must be");
    assert_eq!(result["warnings"], json!(["Both option name and its alias title are set."]));
}

#[test]
fn ansibles_own_keys_are_taken_and_unknown_ones_ignored() {
    let server = stand_in(sandbox::Config::default());
    let internal = json!({
        "_ansible_check_mode": true, "_ansible_diff": false, "_ansible_verbosity": 3, "_ansible_no_log": false,
        "_ansible_module_name": "hearth.core.grafana_folder", "_ansible_something_new": {"a": 1},
        "_ansible_tmpdir": null, "_ansible_inject_invocation": true,
    });
    let result = fine(server.play(MODULE, json!({"name": "Only planned"}), internal));
    assert_eq!(result["changed"], json!(true));
    assert!(result.get("diff").is_none(), "no diff was asked for");
    assert_eq!(result["invocation"]["module_args"]["name"], "Only planned");
    assert_eq!(result["invocation"]["module_args"]["url_password"], "********");
    assert_eq!(server.get("/api/folders"), json!([]));
    for (version, there) in [("2.19.14", true), ("2.21.5", false)] {
        let result = fine(server.play(
            MODULE,
            json!({"name": "x"}),
            json!({"_ansible_version": version, "_ansible_check_mode": true}),
        ));
        assert_eq!(result.get("invocation").is_some(), there, "{version}");
    }
    let unknown = server.play(
        MODULE,
        json!({"name": "x", "other": 1}),
        json!({"_ansible_ignore_unknown_opts": true, "_ansible_check_mode": true}),
    );
    fine(unknown);
}

#[test]
fn the_environment_stands_in_for_the_connection() {
    let server = stand_in(sandbox::Config::default());
    let env = [("GRAFANA_URL", server.url.as_str()), ("GRAFANA_USER", "admin"), ("GRAFANA_PASSWORD", "admin")];
    fine(run(MODULE, &json!({"name": "From the environment"}), &env));
    let made = server.post("/api/serviceaccounts", json!({"name": "deploy", "role": "Admin"}));
    let token = server.post(&format!("/api/serviceaccounts/{}/tokens", made["id"]), json!({"name": "t"}));
    let key = token["key"].as_str().expect("a key");
    let env = [("GRAFANA_URL", server.url.as_str()), ("GRAFANA_TOKEN", key)];
    fine(run(MODULE, &json!({"name": "By token"}), &env));
    let both = [env[0], env[1], ("GRAFANA_USER", "admin"), ("GRAFANA_PASSWORD", "wrong")];
    fine(run(MODULE, &json!({"name": "By token too"}), &both));
    // What the task writes is nearer than the environment.
    let args = json!({"name": "By password", "url_username": "admin", "url_password": "wrong"});
    failed(run(MODULE, &args, &env), "answered 401");
    let args = json!({"name": "By password, too", "grafana_password": "admin"});
    let wrong = [env[0], ("GRAFANA_TOKEN", "glsa_nobody_knows_this_one")];
    fine(run(MODULE, &args, &wrong));
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let server = Scripted::start(None, |_| reply("400 Bad Request", "", "{}"));
    let url = format!("http://127.0.0.1:{}", server.port);
    let env = [
        ("GRAFANA_URL", url.as_str()),
        ("GRAFANA_TOKEN", ""),
        ("GRAFANA_USER", "deploy"),
        ("GRAFANA_PASSWORD", "a-password"),
        ("HEARTH_AUDIT_LOG", ""),
    ];
    failed(run(MODULE, &json!({"name": "x"}), &env), "answered 400");
    let header = format!("basic {}", STANDARD.encode("deploy:a-password"));
    let headers = &server.seen()[0].headers;
    assert!(headers.iter().any(|line| line.to_lowercase().ends_with(&header.to_lowercase())), "{headers:?}");
}

#[test]
fn an_empty_list_declares_nothing() {
    let server = stand_in(sandbox::Config::default());
    let result = fine(server.run(MODULE, json!({"folders": []})));
    assert_eq!((&result["changed"], &result["msg"]), (&json!(false), &json!("nothing is declared")));
}

#[test]
fn what_stands_above_a_list_is_the_default_of_each_item() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/folders", json!({"title": "Home", "uid": "home"}));
    let task = json!({"parent_uid": "home", "description": "from above", "folders": [{"name": "A"}, {"name": "B", "description": "own"}]});
    fine(server.run(MODULE, task));
    let inside = server.get("/api/folders?parentUid=home");
    assert_eq!(inside.as_array().map(Vec::len), Some(2));
}
