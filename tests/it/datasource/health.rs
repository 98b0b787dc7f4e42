//! `test: true`: Grafana's own health check of the connection (facts 21, 59).

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use serde_json::{Value, json};

use super::{MODULE, fresh, remove, with};
use crate::support::{failed, fine, server, stand_in_11};

/// A server that answers each request with JSON, as an upstream of Grafana; the port may be taken first
/// and served later.
fn serve(listener: TcpListener) {
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let body =
                r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[0,"2"]}]}}"#;
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
            let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
        }
    });
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let address = listener.local_addr().expect("it has an address");
    (listener, address)
}

fn tested(name: &str, kind: &str, url: &str, more: Value) -> Value {
    let options = json!({"name": name, "uid": name, "ds_type": kind, "ds_url": url, "test": true, "test_timeout": 0});
    with(options, more)
}

#[test]
fn a_connection_is_tested_changed_or_not_and_not_in_check_mode() {
    let server = server();
    let uid = server.name("up");
    let (listener, address) = listener();
    serve(listener);
    let options = tested(&uid, "prometheus", &format!("http://{address}"), json!({}));
    assert!(fine(server.check(MODULE, options.clone())).get("test").is_none());
    for changed in [true, false] {
        let result = fine(server.run(MODULE, options.clone()));
        assert_eq!((&result["changed"], &result["test"]["status"]), (&json!(changed), &json!("ok")), "{result:#}");
    }
    remove(&server, &uid);
}

#[test]
fn a_connection_that_fails_fails_the_task_and_says_why() {
    let server = server();
    let uid = server.name("down");
    let (listener, address) = listener();
    drop(listener);
    let options = tested(&uid, "prometheus", &format!("http://{address}"), json!({}));
    let result = failed(server.run(MODULE, options), "the test of data source");
    assert!(result["msg"].to_string().contains("connection refused"), "{result:#}");
    assert_eq!((&result["changed"], &result["objects"][0]["test"]["status"]), (&json!(true), &json!("failed")));
    // A play that goes on with `failed_when` reads these.
    assert_eq!((&result["test"]["status"], &result["uid"]), (&json!("failed"), &json!(uid)));
    assert_eq!(result["action"], "create");
    remove(&server, &uid);
}

/// Grafana goes on for 5 s with what it knows of a data source that it has tested.
#[test]
fn a_connection_is_tested_as_it_was_just_changed() {
    let server = server();
    let uid = server.name("changed");
    let (up, address) = listener();
    serve(up);
    let (down, nobody) = listener();
    drop(down);
    fine(server.run(MODULE, tested(&uid, "prometheus", &format!("http://{address}"), json!({}))));
    let options = tested(&uid, "prometheus", &format!("http://{nobody}"), json!({}));
    failed(server.run(MODULE, options), "the test of data source");
    fine(server.run(MODULE, tested(&uid, "prometheus", &format!("http://{address}"), json!({}))));
    remove(&server, &uid);
}

#[test]
fn a_time_to_wait_that_nobody_can_wait_is_no_crash() {
    let server = fresh();
    fine(server.run(MODULE, tested("t", "testdata", "", json!({"test_timeout": 1e19}))));
}

#[test]
fn a_server_that_comes_up_late_is_waited_for() {
    let server = server();
    let uid = server.name("late");
    let (first, address) = listener();
    drop(first);
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(1200));
        serve(TcpListener::bind(address).expect("the port is still free"));
    });
    let options = tested(&uid, "prometheus", &format!("http://{address}"), json!({"test_timeout": 20}));
    let result = fine(server.run(MODULE, options));
    assert_eq!(result["test"]["status"], "ok", "{result:#}");
    remove(&server, &uid);
}

#[test]
fn a_type_without_a_check_is_told_as_such() {
    for (server, kinds) in
        [(server(), &["alertmanager"][..]), (stand_in_11(), &["alertmanager", "tempo", "graphite", "jaeger"])]
    {
        for kind in kinds {
            let uid = server.name(kind);
            let result = fine(server.run(MODULE, tested(&uid, kind, "http://127.0.0.1:9", json!({}))));
            assert_eq!(result["test"]["status"], "no_check", "{kind}: {result:#}");
            assert!(result["warnings"].to_string().contains("was not tested"), "{kind}: {result:#}");
            remove(&server, &uid);
        }
    }
}

#[test]
fn a_type_that_grafana_does_not_have_is_not_waited_for() {
    let server = server();
    let uid = server.name("strange");
    let begun = std::time::Instant::now();
    let options = tested(&uid, "no-such-datasource", "", json!({"test_timeout": 30}));
    failed(server.run(MODULE, options), "no plugin of its type");
    assert!(begun.elapsed() < Duration::from_secs(10));
    remove(&server, &uid);
}

#[test]
fn each_of_a_list_has_its_own_test() {
    let server = fresh();
    let (listener, address) = listener();
    serve(listener);
    let list = json!({"test": true, "test_timeout": 0.2, "datasources": [
        {"name": "up", "ds_type": "prometheus", "ds_url": format!("http://{address}")},
        {"name": "down", "ds_type": "prometheus", "ds_url": "http://127.0.0.1:9"},
        {"name": "untested", "ds_type": "prometheus", "ds_url": "http://127.0.0.1:9", "test": false},
    ]});
    let result = failed(server.run(MODULE, list), "the test of data source `down` failed for 0.2 s");
    let status = |at: usize| result["objects"][at]["test"]["status"].clone();
    assert_eq!([status(0), status(1), status(2)], [json!("ok"), json!("failed"), Value::Null], "{result:#}");
}

#[test]
fn a_connection_that_fails_is_rolled_back_when_the_task_says_so() {
    let server = server();
    let uid = server.name("taken-back");
    let (listener, address) = listener();
    drop(listener);
    let options = tested(&uid, "prometheus", &format!("http://{address}"), json!({"on_error": "rollback"}));
    let result = failed(server.run(MODULE, options), "the test of data source");
    assert_eq!((&result["changed"], &result["objects"][0]["rolled_back"]), (&json!(false), &json!(true)), "{result:#}");
    assert_eq!(server.api("GET", &format!("/api/datasources/uid/{uid}"), Value::Null).0, 404);
}
