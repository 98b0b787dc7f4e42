//! The connection: redirects, base paths, time, dead servers, credentials.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::MODULE;
use crate::{
    scripted::{Scripted, reply},
    support::{failed, fine, run, stand_in},
};

fn at(server: &Scripted, more: Value) -> Value {
    let mut args = json!({"url": format!("http://127.0.0.1:{}", server.port), "name": "x"});
    args.as_object_mut().expect("a map").extend(more.as_object().cloned().expect("a map"));
    run(MODULE, &args, &[])
}

#[test]
fn a_write_is_never_redirected() {
    let server = Scripted::start(None, |request| {
        (request.method == "POST")
            .then(|| reply("301 Moved Permanently", "Location: https://127.0.0.1/api/folders\r\n", ""))
            .flatten()
    });
    let result =
        failed(at(&server, json!({})), "POST /api/folders answered 301: it points to https://127.0.0.1/api/folders");
    assert!(result["msg"].to_string().contains("hint: use the address https://127.0.0.1"), "{result}");
    assert_eq!(server.seen().iter().filter(|request| request.method == "POST").count(), 1);
}

#[test]
fn a_read_is_redirected_within_its_origin_only() {
    let server = Scripted::start(None, |request| {
        (request.path == "/api/user")
            .then(|| reply("307 Temporary Redirect", "Location: /moved/api/user\r\n", ""))
            .flatten()
    });
    fine(at(&server, json!({"_ansible_check_mode": true})));
    let away = Scripted::start(None, |_| reply("302 Found", "Location: http://127.0.0.2:1/api/user\r\n", ""));
    failed(at(&away, json!({})), "it points to http://127.0.0.2:1/api/user");
}

#[test]
fn a_path_in_the_address_is_kept() {
    let server = Scripted::start(None, |_| None);
    for url in ["grafana", "grafana/"] {
        let url = format!("http://127.0.0.1:{}/{url}", server.port);
        fine(run(MODULE, &json!({"url": url, "name": "x", "_ansible_check_mode": true}), &[]));
    }
    assert!(server.seen().iter().all(|request| request.path.starts_with("/grafana/api")), "{:?}", server.seen());
}

/// Fact 3: five wrong passwords lock the account.
#[test]
fn a_wrong_password_is_sent_once() {
    let server = stand_in(sandbox::Config::default());
    server.forget_requests();
    let folders: Vec<Value> = (0..50).map(|number| json!({"name": format!("F{number}")})).collect();
    let result = failed(
        server.play(MODULE, json!({"url_password": "wrong-one", "folders": folders}), json!({})),
        "answered 401",
    );
    assert!(result["msg"].to_string().contains("five wrong"), "{result}");
    assert_eq!(server.requests().len(), 1);
}

/// The status is told before the body, which may break.
#[test]
fn a_wrong_password_is_sent_once_also_when_its_answer_breaks_off() {
    let server = Scripted::start(None, |_| {
        Some("HTTP/1.1 401 Unauthorized\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n{".to_owned())
    });
    failed(at(&server, json!({})), "GET /api/user answered 401");
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn an_answer_that_says_nothing_is_no_proof() {
    let empty = |path: &'static str| {
        Scripted::start(None, move |request| {
            request
                .path
                .starts_with(path)
                .then(|| reply("200 OK", "Content-Type: application/json\r\n", "{}"))
                .flatten()
        })
    };
    failed(at(&empty("/api/user"), json!({})), "GET /api/user answered 200 without a login");
    failed(at(&empty("/apis/"), json!({})), "answered 200 with no list of resources");
}

#[test]
fn a_redirect_to_nowhere_is_followed_to_nowhere() {
    let server = Scripted::start(None, |_| reply("302 Found", "", ""));
    failed(at(&server, json!({})), "hint: it is a redirect that does not say where to");
    assert_eq!(server.seen().len(), 1);
}

/// With anonymous access on, a wrong token counts as anonymous, and a Viewer sees no folder: a plan
/// made from that would be wrong.
#[test]
fn a_wrong_token_is_not_taken_for_anonymous() {
    let server = stand_in(sandbox::Config { anonymous: true, ..sandbox::Config::default() });
    failed(server.check(MODULE, json!({"token": "glsa_wrong", "name": "x"})), "GET /api/user answered 401");
}

#[test]
fn a_dead_server_ends_a_bulk_run_early_and_says_so_once() {
    let folders: Vec<Value> = (0..200).map(|number| json!({"name": format!("F{number}")})).collect();
    let started = Instant::now();
    let result = failed(
        run(MODULE, &json!({"url": "http://127.0.0.1:9", "folders": folders, "on_error": "continue"}), &[]),
        "failed to connect to http://127.0.0.1:9",
    );
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    assert!(result["msg"].to_string().len() < 400, "{result}");
}

#[test]
fn a_request_has_a_time_and_a_run_a_deadline() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "GET", "path": "/api/user", "kind": "delay", "ms": 3000}));
    let started = Instant::now();
    failed(server.run(MODULE, json!({"name": "x", "timeout": 0.3, "retries": 1})), "no answer within 0.3 s");
    failed(
        server.run(MODULE, json!({"name": "x", "deadline": 0.5})),
        "GET /api/user had no answer before the deadline of the run; hint: raise `deadline`",
    );
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    failed(server.run(MODULE, json!({"name": "x", "timeout": 0})), "above zero");
}

/// What was sent before the deadline is waited for: cut off, nobody would know what became of it.
#[test]
fn a_write_under_way_outlasts_the_deadline_and_nothing_follows_it() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders$", "kind": "delay", "ms": 3500}));
    let task = json!({"name": "Half", "deadline": 3, "permissions": [{"role": "Viewer", "permission": "View"}]});
    let result = failed(server.run(MODULE, task), "failed to create folder `Half`: the rest of it: ");
    assert!(result["msg"].to_string().contains("not tried, since the deadline of the run is over"), "{result}");
    assert_eq!((&result["changed"], server.get("/api/folders").as_array().map(Vec::len)), (&json!(true), Some(1)));
}

#[test]
fn what_cannot_be_reached_is_told_from_what_does_not_answer() {
    // It takes connections, and never says a word of TLS.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let url = format!("https://{}", listener.local_addr().expect("it is bound"));
    failed(run(MODULE, &json!({"url": url, "name": "x", "timeout": 1, "retries": 0}), &[]), "failed to connect to");
}

#[test]
fn ansibles_own_timeout_bounds_the_run() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "GET", "path": "/api/user", "kind": "delay", "ms": 8000}));
    let args = json!({"url": server.url, "name": "x"});
    let started = Instant::now();
    run(MODULE, &args, &[("ANSIBLE_TASK_TIMEOUT", "3")]);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[test]
fn a_rate_limit_is_kept() {
    let server = stand_in(sandbox::Config::default());
    let folders: Vec<Value> = (0..10).map(|number| json!({"name": format!("F{number}")})).collect();
    let started = Instant::now();
    let result = fine(server.run(MODULE, json!({"folders": folders, "rate_limit": 20})));
    let least = Duration::from_secs_f64((result["stats"]["requests"].as_f64().expect("a number") - 1.0) / 20.0);
    assert!(started.elapsed() >= least, "{:?} for {least:?}", started.elapsed());
}

#[test]
fn addresses_that_cannot_be_meant_are_refused() {
    for url in ["grafana", "ftp://h", "http://user:pass@h"] {
        let result = failed(run(MODULE, &json!({"url": url, "name": "x"}), &[]), "url ");
        assert!(!result.to_string().contains("pass@"), "{result}");
    }
}

#[test]
fn the_environments_proxy_is_used_unless_the_task_says_otherwise() {
    let proxy = Scripted::start(None, |_| None);
    let address = format!("http://127.0.0.1:{}", proxy.port);
    let args = json!({"url": "http://grafana.invalid", "name": "x", "retries": 0, "_ansible_check_mode": true});
    fine(run(MODULE, &args, &[("HTTP_PROXY", &address), ("http_proxy", &address)]));
    assert!(proxy.seen()[0].path.starts_with("http://grafana.invalid/api/user"), "{:?}", proxy.seen()[0]);
    let direct = json!({"url": "http://127.0.0.1:9", "name": "x", "retries": 0, "use_proxy": false});
    let before = proxy.seen().len();
    failed(run(MODULE, &direct, &[("HTTP_PROXY", &address), ("http_proxy", &address)]), "failed to connect");
    assert_eq!(proxy.seen().len(), before);
}

#[test]
fn an_answer_that_is_no_grafanas_is_quoted() {
    let server = Scripted::start(None, |_| {
        reply("200 OK", "Content-Type: text/html\r\n", "<html><title>My router</title></html>")
    });
    let result = failed(at(&server, json!({})), "My router");
    assert!(result["msg"].to_string().contains("sub-path"), "{result}");
}
