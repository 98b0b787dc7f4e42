//! What is not sent any more once it is known that it is no use, and what is known of what was sent.

use std::{
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use serde_json::{Value, json};

use super::MODULE;
use crate::{
    scripted::{Scripted, reply, silence},
    support::{Server, binary, failed, run, stand_in},
};

fn many(number: usize) -> Value {
    (0..number).map(|number| json!({"name": format!("F{number}"), "uid": format!("f{number}")})).collect()
}

fn posts(server: &Server) -> usize {
    server.writes().iter().filter(|(method, path)| method == "POST" && path == "/api/folders").count()
}

/// Those that wait for their turn at the gate do not write after the first failure.
#[test]
fn the_first_failure_stops_those_that_wait_for_their_turn() {
    let server = stand_in(sandbox::Config { latency: Duration::from_millis(50), ..sandbox::Config::default() });
    let refused = json!({"kind": "status", "status": 400, "body": {"message": "no"}});
    let mut fault = refused.clone();
    (fault["method"], fault["path"]) = (json!("POST"), json!("/api/folders"));
    server.fault(fault);
    server.forget_requests();
    failed(server.run(MODULE, json!({"folders": many(40), "concurrency": 16})), "answered 400: no");
    assert!(posts(&server) <= 6, "{} were sent", posts(&server));
}

#[test]
fn a_signal_stops_those_that_wait_for_their_turn() {
    let server = stand_in(sandbox::Config { latency: Duration::from_millis(250), ..sandbox::Config::default() });
    let file = std::env::temp_dir().join(format!("hearth-signal-gate-{}", std::process::id()));
    std::fs::write(&file, json!({"url": server.url, "folders": many(40), "concurrency": 32}).to_string())
        .expect("written");
    let child = Command::new(binary(MODULE)).arg(&file).stdout(Stdio::piped()).spawn().expect("it starts");
    while posts(&server) == 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let before = posts(&server);
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill is there");
    assert!(killed.success());
    let output = child.wait_with_output().expect("it ends");
    let result: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    let after = posts(&server);
    assert!(after <= before + 6, "{before}, then {after}: {result:#}");
    let told = result["objects"].as_array().expect("a list");
    let there = server.get("/api/folders").as_array().map_or(0, Vec::len);
    assert_eq!(told.iter().filter(|one| one["changed"] == json!(true)).count(), there, "{result:#}");
    std::fs::remove_file(&file).expect("removed");
}

#[test]
fn a_server_that_answers_each_write_with_an_error_is_not_flooded() {
    for on_error in ["stop", "continue"] {
        let server = stand_in(sandbox::Config::default());
        server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "status", "status": 500, "body": {"message": "disk full"}}));
        server.forget_requests();
        let task = json!({"folders": many(50), "on_error": on_error, "list_unchanged": "always"});
        let result = failed(server.run(MODULE, task), "answered 500: disk full");
        assert!(posts(&server) <= 40, "{on_error}: {} were sent", posts(&server));
        assert_eq!(result["changed"], json!(false), "{result:#}");
        let all = result["objects"].as_array().expect("a list");
        assert!(all.iter().all(|one| one["failed"] == json!(true)), "{result:#}");
    }
}

/// What always fails must not keep the others from their turn.
#[test]
fn a_few_objects_that_always_fail_do_not_hold_up_the_others() {
    let server = stand_in(sandbox::Config::default());
    for uid in ["f0", "f1", "f2", "f3"] {
        server.post("/api/folders", json!({"title": format!("before {uid}"), "uid": uid}));
        server.fault(json!({"method": "PUT", "path": format!("/api/folders/{uid}"), "kind": "status", "status": 500, "body": {"message": "broken"}}));
    }
    let result = failed(server.run(MODULE, json!({"folders": many(30), "on_error": "continue"})), "broken");
    assert!(result["msg"].to_string().contains("26 created"), "{result:#}");
}

#[test]
fn a_refused_password_is_not_sent_again_by_those_that_wait() {
    let grants = json!([{"role": "Viewer", "permission": "View"}]);
    let folders: Vec<Value> = (0..20)
        .map(|number| json!({"name": format!("F{number}"), "uid": format!("f{number}"), "permissions": grants}))
        .collect();
    let refused = |method: &str, path: &str, skip: u64| json!({"method": method, "path": path, "skip": skip, "kind": "status", "status": 401, "body": {"message": "no"}});
    let server = stand_in(sandbox::Config::default());
    server.fault(refused("POST", "/api/folders$", 5));
    server.forget_requests();
    let result = failed(server.run(MODULE, json!({"folders": many(20), "concurrency": 16})), "answered 401");
    assert_eq!(result["changed"], json!(true), "{result:#}");
    assert!(posts(&server) <= 5 + 3, "{} were sent", posts(&server));

    // The turn that `rate_limit` gives is waited for, too.
    let server = stand_in(sandbox::Config::default());
    for folder in &folders {
        server.post("/api/folders", json!({"title": folder["name"], "uid": folder["uid"]}));
    }
    server.fault(refused("GET", "/api/folders/*/permissions", 0));
    server.forget_requests();
    failed(server.run(MODULE, json!({"folders": folders, "concurrency": 8, "rate_limit": 10})), "answered 401");
    let sent = server.requests().iter().filter(|(_, path)| path.ends_with("/permissions")).count();
    assert!(sent <= 2, "{sent} were sent");
}

/// A last look tells that nothing happened, so that `changed` is not claimed.
#[test]
fn what_never_happened_is_not_called_changed() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "reset"}));
    let result = failed(server.run(MODULE, json!({"name": "x", "uid": "x"})), "lost its answer");
    assert_eq!(result["changed"], json!(false), "{result:#}");
}

/// The answer comes after the deadline, and so late that the connection is given up before: only the rollback
/// can look what became of it.
#[test]
fn a_rollback_undoes_what_turns_out_to_have_happened() {
    let made = AtomicBool::new(false);
    let server = Scripted::start(None, move |request| {
        let json = |body: &str| reply("200 OK", "Content-Type: application/json\r\n", body);
        match request.method.as_str() {
            "POST" => {
                std::thread::sleep(Duration::from_millis(3500));
                made.store(true, SeqCst);
                silence()
            }
            "DELETE" => json("{}"),
            _ if made.load(SeqCst) && request.path.contains("/folder.grafana.app/") => json(
                r#"{"kind": "FolderList", "metadata": {}, "items": [
                    {"metadata": {"name": "x", "annotations": {}, "generation": 1}, "spec": {"title": "x"}}]}"#,
            ),
            _ => None,
        }
    });
    let url = format!("http://127.0.0.1:{}", server.port);
    let task = json!({"url": url, "name": "x", "uid": "x", "on_error": "rollback", "deadline": 3});
    let result = failed(run(MODULE, &task, &[]), "failed to create folder `x`");
    assert_eq!(server.count("DELETE"), 1, "{result:#}");
    let told = &result["objects"][0];
    assert_eq!((&result["changed"], &told["rolled_back"]), (&json!(false), &json!(true)), "{result:#}");
}

#[test]
fn what_nobody_can_find_out_is_told_by_the_rollback() {
    let gone = AtomicBool::new(false);
    let dead = Scripted::start(None, move |request| {
        gone.fetch_or(request.method == "POST", SeqCst);
        gone.load(SeqCst).then(silence).flatten()
    });
    let url = format!("http://127.0.0.1:{}", dead.port);
    let task = json!({"url": url, "name": "x", "uid": "x", "on_error": "rollback", "retries": 0});
    let result = failed(run(MODULE, &task, &[]), "lost its answer");
    let told = result["objects"][0]["rollback_error"].to_string();
    assert!(told.contains("it is not known whether it happened"), "{result:#}");
    assert_eq!(result["changed"], json!(true), "{result:#}");
}

/// An undoing whose answer was lost is tried again.
#[test]
fn a_rollback_tries_again_where_an_answer_was_lost() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "DELETE", "path": "/api/folders/f0", "kind": "reset", "after": true, "times": 2}));
    server.fault(json!({"method": "POST", "path": "/api/folders", "skip": 1, "kind": "status", "status": 400, "body": {"message": "no"}}));
    let task = json!({"folders": many(2), "on_error": "rollback", "concurrency": 1});
    let result = failed(server.run(MODULE, task), "answered 400: no");
    assert_eq!((&result["changed"], &result["objects"][0]["rolled_back"]), (&json!(false), &json!(true)), "{result:#}");
}

/// A service that says "deleted" and keeps it.
#[test]
fn what_prune_deletes_is_read_back() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/folders", json!({"title": "old", "uid": "old"}));
    server.fault(json!({"method": "DELETE", "path": "/api/folders/old", "kind": "status", "status": 200, "body": {}}));
    let task = json!({"folders": many(1), "prune": {"parent": "/"}});
    failed(server.run(MODULE, task), "the service accepted the change of folder `old` and did not keep it");
}

/// The disk is full between the two lines: what was done is told all the same.
#[test]
fn a_change_whose_outcome_cannot_be_logged_counts() {
    let server = stand_in(sandbox::Config::default());
    let path = |name: &str| std::env::temp_dir().join(format!("hearth-audit-{name}-{}", std::process::id()));
    let (log, file) = (path("full"), path("full-args"));
    let args = |name: &str| json!({"url": server.url, "name": name, "uid": name, "audit_log": log}).to_string();
    std::fs::write(&file, args("aa")).expect("written");
    assert!(Command::new(binary(MODULE)).arg(&file).output().expect("it starts").status.success());
    let text = std::fs::read_to_string(&log).expect("it is there");
    let lengths: Vec<usize> = text.lines().map(|line| line.len() + 1).collect();
    // A block of 1024 bytes, into which all but the half of the last line fits.
    let room = lengths[0] + lengths[1] / 2;
    std::fs::write(&log, " ".repeat(1024 - room - 1) + "\n").expect("written");
    std::fs::write(&file, args("bb")).expect("written");
    let limited = "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$1\"";
    let output =
        Command::new("bash").args(["-c", limited]).arg(binary(MODULE)).arg(&file).output().expect("bash is there");
    let result: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    failed(result.clone(), "folder `bb` was created: failed to write to the audit log");
    assert_eq!((&result["changed"], &server.get("/api/folders/bb")["title"]), (&json!(true), &json!("bb")));
    for path in [log, file] {
        std::fs::remove_file(path).expect("removed");
    }
}
