//! What goes wrong between a module and a server: nothing is done twice, nothing is left unsaid.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use super::MODULE;
use crate::support::{Server, binary, failed, fine, stand_in};

fn many(number: usize) -> Value {
    (0..number).map(|number| json!({"name": format!("F{number}"), "uid": format!("f{number}")})).collect()
}

fn count(server: &Server) -> usize {
    server.get("/api/folders?limit=5000").as_array().map_or(0, Vec::len)
}

#[test]
fn retry_after_is_respected() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "rate-limit", "seconds": 1, "times": 1}));
    let started = std::time::Instant::now();
    let result = fine(server.run(MODULE, json!({"name": "x", "uid": "x"})));
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(result["stats"]["retries"], json!(1));
}

#[test]
fn reads_are_repeated_on_passing_faults_only() {
    for (fault, passes) in [
        (json!({"kind": "status", "status": 503, "body": {"message": "starting"}}), true),
        (json!({"kind": "status", "status": 500, "body": {"message": "database is locked (5) (SQLITE_BUSY)"}}), true),
        (json!({"kind": "reset"}), true),
        (json!({"kind": "cut", "bytes": 4}), true),
        (json!({"kind": "status", "status": 500, "body": {"message": "a plain mistake"}}), false),
        (json!({"kind": "status", "status": 404, "body": {"message": "Not found"}}), false),
    ] {
        let server = stand_in(sandbox::Config::default());
        let mut fault = fault;
        fault.as_object_mut().expect("a map").extend([
            ("method".to_owned(), json!("GET")),
            ("path".to_owned(), json!("/api/user")),
            ("times".to_owned(), json!(2)),
        ]);
        server.fault(fault.clone());
        let result = server.check(MODULE, json!({"name": "x"}));
        assert_eq!(result["failed"] != json!(true), passes, "{fault}: {result:#}");
    }
}

#[test]
fn every_writer_adapts_and_nothing_fails_or_is_made_twice() {
    for concurrency in [4, 16, 32] {
        let server = stand_in(sandbox::Config { sqlite: true, ..sandbox::Config::default() });
        let result = fine(server.run(MODULE, json!({"folders": many(150), "concurrency": concurrency})));
        assert_eq!(result["msg"], "150 created", "{result:#}");
        assert_eq!(count(&server), 150);
        let bare: Vec<Value> = (0..150)
            .filter(|number| server.get(&format!("/api/folders/f{number}/permissions")) == json!([]))
            .map(|number| json!(number))
            .collect();
        assert!(bare.is_empty(), "without permissions: {bare:?}");
    }
}

#[test]
fn what_stays_broken_is_given_up_with_the_servers_words() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "status", "status": 500, "body": {"message": "disk full"}}));
    let result = failed(
        server.run(MODULE, json!({"name": "x", "uid": "x"})),
        "failed to create folder `x`: POST /api/folders answered 500: disk full",
    );
    assert_eq!(result["objects"][0]["action"], "create");
}

#[test]
fn the_audit_log_has_a_line_before_and_one_after_each_change() {
    let server = stand_in(sandbox::Config::default());
    let log = std::env::temp_dir().join(format!("hearth-audit-it-{}", std::process::id()));
    let path = log.to_str().expect("a path");
    fine(server.check(MODULE, json!({"folders": many(2), "audit_log": path})));
    assert!(!log.exists(), "check mode writes nothing, the log included");
    fine(server.run(MODULE, json!({"folders": many(2), "audit_log": path})));
    let lines: Vec<Value> = std::fs::read_to_string(&log)
        .expect("it is there")
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let events: Vec<&Value> = lines.iter().map(|line| &line["event"]).collect();
    assert_eq!(events.iter().filter(|event| ***event == json!("intent")).count(), 2, "{lines:#?}");
    assert_eq!(events.len(), 4);
    assert!(
        lines
            .iter()
            .all(|line| line["module"] == MODULE && line["server"] == server.url.as_str() && line["time"].is_string())
    );
    let before = count(&server);
    let refused = failed(
        server.run(MODULE, json!({"name": "New", "audit_log": "/nonexistent/audit"})),
        "failed to open the audit log",
    );
    assert_eq!((count(&server), &refused["changed"]), (before, &json!(false)));
    // A dry run that says all is well must not be followed by a run that fails here.
    for (path, why) in
        [("/nonexistent/audit", "there is no folder `/nonexistent`"), ("/tmp", "could not be opened: Is a directory")]
    {
        failed(server.check(MODULE, json!({"name": "New", "audit_log": path})), why);
    }
    std::fs::remove_file(&log).expect("removed");
}

/// What is undone is told as fully as what was done.
#[test]
fn the_audit_log_tells_what_a_rollback_puts_back() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/folders", json!({"title": "Before", "uid": "old"}));
    server.fault(
        json!({"method": "POST", "path": "/api/folders", "kind": "status", "status": 403, "body": {"message": "no"}}),
    );
    let log = std::env::temp_dir().join(format!("hearth-audit-undo-{}", std::process::id()));
    let path = log.to_str().expect("a path");
    let task = json!({"on_error": "rollback", "audit_log": path, "folders": [
        {"name": "After", "uid": "old"}, {"name": "New", "parent_uid": "old"},
    ]});
    failed(server.run(MODULE, task), "no");
    let text = std::fs::read_to_string(&log).expect("it is there");
    let undo: Value = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .find(|line| line["action"] == "undo" && line["event"] == "intent")
        .expect("the undoing is told");
    assert_eq!((&undo["undoes"], &undo["ids"]["uid"]), (&json!("update"), &json!("old")), "{undo:#}");
    assert_eq!(undo["fields"], json!({"title": "Before"}));
    std::fs::remove_file(&log).expect("removed");
}

#[test]
fn a_signal_ends_the_run_with_the_result_of_what_was_done() {
    let server = stand_in(sandbox::Config { latency: Duration::from_millis(30), ..sandbox::Config::default() });
    let file = std::env::temp_dir().join(format!("hearth-signal-{}", std::process::id()));
    let args = json!({"url": server.url, "folders": many(400), "on_error": "continue", "list_unchanged": "always"});
    std::fs::write(&file, args.to_string()).expect("written");
    let child = Command::new(binary(MODULE))
        .arg(&file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    while count(&server) < 5 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill is there");
    assert!(killed.success());
    let output = child.wait_with_output().expect("it ends");
    let result: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let done = result["objects"].as_array().expect("a list").iter().filter(|one| one["changed"] == json!(true)).count();
    assert_eq!(done, count(&server), "what is told is what is there");
    assert!(done < 400 && result["failed"] == json!(true) && result["changed"] == json!(true), "{done}");
    std::fs::remove_file(&file).expect("removed");
}

/// A change of several requests that fails after the first one has changed something.
#[test]
fn a_change_that_is_half_done_counts_and_is_undone() {
    let refused = json!({"kind": "status", "status": 403, "body": {"message": "no"}});
    let fault = |method: &str, path: &str| {
        let mut fault = refused.clone();
        (fault["method"], fault["path"]) = (json!(method), json!(path));
        fault
    };
    let task = |on_error: &str| json!({"name": "Half", "on_error": on_error, "permissions": [{"role": "Viewer", "permission": "View"}]});
    let server = stand_in(sandbox::Config::default());
    server.fault(fault("POST", "/api/folders/*/permissions"));
    let result = failed(server.run(MODULE, task("rollback")), "failed to create folder `Half`");
    assert_eq!((&result["changed"], count(&server)), (&json!(false), 0), "{result:#}");
    let result = failed(server.run(MODULE, task("stop")), "failed to create folder `Half`");
    assert_eq!((&result["changed"], count(&server)), (&json!(true), 1), "{result:#}");

    let server = stand_in(sandbox::Config::default());
    server.post("/api/folders", json!({"title": "Parent", "uid": "p"}));
    server.post("/api/folders", json!({"title": "Before", "uid": "f"}));
    server.fault(fault("POST", "/api/folders/f/move"));
    let both = |on_error: &str| json!({"name": "After", "uid": "f", "parent_uid": "p", "on_error": on_error});
    let result = failed(server.run(MODULE, both("stop")), "failed to update folder `After`");
    assert_eq!((&result["changed"], &server.get("/api/folders/f")["title"]), (&json!(true), &json!("After")));
    server.post("/_sandbox/reset", Value::Null);
}

/// What was done before a passing fault belongs to the change as much as what was done after it.
#[test]
fn a_change_that_took_two_looks_is_undone_as_a_whole() {
    let server = stand_in(sandbox::Config::default());
    for uid in ["t1", "t2"] {
        server.post("/api/folders", json!({"title": uid, "uid": uid}));
    }
    server.fault(json!({"method": "POST", "path": "/api/folders/t2/move", "kind": "locked-before", "times": 1}));
    server.fault(
        json!({"method": "POST", "path": "/api/folders$", "kind": "status", "status": 403, "body": {"message": "no"}}),
    );
    let task = json!({"on_error": "rollback", "folders": [
        {"name": "T2 renamed", "uid": "t2", "parent_uid": "t1"}, {"name": "Z", "parent_uid": "t2"},
    ]});
    let result = failed(server.run(MODULE, task), "failed to create folder `Z`");
    let now = server.get("/api/folders/t2");
    assert_eq!((&now["title"], now["parentUid"].as_str().unwrap_or_default()), (&json!("t2"), ""), "{result:#}");
    assert_eq!(result["changed"], json!(false), "{result:#}");
    assert_eq!(result["objects"][0]["fields"], json!(["parent", "title"]), "{result:#}");
}
