//! What is waited for, and for how long: pauses that a server asks for, one that starts anew, one that dies.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::{Duration, Instant, SystemTime},
};

use serde_json::{Value, json};

use super::MODULE;
use crate::{
    scripted::{Scripted, reply, silence},
    support::{failed, fine, run},
};

fn many(number: usize) -> Value {
    (0..number).map(|number| json!({"name": format!("F{number}"), "uid": format!("f{number}")})).collect()
}

fn at(port: u16, more: Value) -> Value {
    let mut args = json!({"url": format!("http://127.0.0.1:{port}")});
    args.as_object_mut().expect("a map").extend(more.as_object().cloned().expect("a map"));
    run(MODULE, &args, &[])
}

/// Answers 429 so often, with that header, and then as a quiet Grafana.
fn busy(times: usize, retry_after: String) -> Scripted {
    let seen = AtomicUsize::new(0);
    Scripted::start(None, move |_| {
        let header = format!("Retry-After: {retry_after}\r\n");
        (seen.fetch_add(1, SeqCst) < times).then(|| reply("429 Too Many Requests", &header, "{}")).flatten()
    })
}

#[test]
fn a_pause_may_be_a_date_in_the_past_or_ahead() {
    let date = |time: SystemTime| httpdate::fmt_http_date(time);
    let check = json!({"name": "x", "_ansible_check_mode": true});
    for past in ["0".to_owned(), date(SystemTime::now() - Duration::from_secs(60))] {
        fine(at(busy(2, past).port, check.clone()));
    }
    let server = busy(1, date(SystemTime::now() + Duration::from_secs(3)));
    let started = Instant::now();
    fine(at(server.port, check));
    assert!(started.elapsed() > Duration::from_secs(1), "{:?}", started.elapsed());
}

#[test]
fn a_pause_beyond_the_deadline_is_not_waited_for() {
    for pause in ["3600", "18446744073709551615"] {
        let server = busy(usize::MAX, pause.to_owned());
        let started = Instant::now();
        let result = failed(at(server.port, json!({"name": "x"})), "GET /api/user answered 429");
        assert!(result["msg"].to_string().contains("hint: it is too much for the server"), "{result}");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn a_server_that_starts_anew_is_waited_for() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let port = free.local_addr().expect("it is bound").port();
    drop(free);
    let starting = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(3));
        Scripted::on(TcpListener::bind(("127.0.0.1", port)).expect("it is free again"), None, |_| None)
    });
    let result = fine(at(port, json!({"name": "x", "retries": 30, "_ansible_check_mode": true})));
    assert!(result["stats"]["retries"].as_u64().is_some_and(|number| number > 3), "{result}");
    drop(starting.join());
}

/// Everything that is sent to it after three folders were made stays without an answer.
#[test]
fn a_server_that_dies_ends_a_bulk_run_and_what_was_done_is_told() {
    let made = AtomicUsize::new(0);
    let server = Scripted::start(None, move |request| match request.method.as_str() {
        "POST" if made.fetch_add(1, SeqCst) < 3 => {
            reply("200 OK", "Content-Type: application/json\r\n", r#"{"uid": "made", "id": 1}"#)
        }
        _ if made.load(SeqCst) > 3 => silence(),
        "POST" => silence(),
        _ => None,
    });
    let started = Instant::now();
    let task = json!({"folders": many(60), "on_error": "continue", "retries": 1, "list_unchanged": "always"});
    let result = failed(at(server.port, task), "lost its answer");
    assert_eq!(result["changed"], json!(true), "{result:#}");
    assert!(server.count("POST") < 15, "{} writes", server.count("POST"));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
