//! What nobody can read: set, kept, sent, removed, and in no output (fact 17).

use serde_json::{Value, json};

use super::{MODULE, as_documented, fresh, prometheus, read, remove, with};
use crate::support::{Server, failed, fine, server, stand_in_11};

/// What the stand-in really keeps of a data source.
fn kept(server: &Server, uid: &str) -> Value {
    let all = server.get("/_sandbox/secrets");
    find(&all, uid).unwrap_or_else(|| panic!("{uid} is not in {all}"))
}

fn find(value: &Value, key: &str) -> Option<Value> {
    let map = value.as_object()?;
    map.get(key).cloned().or_else(|| map.values().find_map(|inner| find(inner, key)))
}

#[test]
fn a_secret_is_set_once_kept_and_sent_when_asked_for() {
    for server in [fresh(), stand_in_11()] {
        let options = |password: &str, more: Value| {
            prometheus("s", with(json!({"basic_auth_user": "u", "basic_auth_password": password}), more))
        };
        fine(server.run(MODULE, options("first-secret", json!({}))));
        assert_eq!(kept(&server, "s")["basicAuthPassword"], "first-secret");
        let other = fine(server.run(MODULE, options("second-secret", json!({}))));
        assert_eq!(
            (&other["changed"], &kept(&server, "s")["basicAuthPassword"]),
            (&json!(false), &json!("first-secret"))
        );
        // Nobody can tell whether they differ, so `always` sends them each time and says so.
        for more in [json!({"enforce_secure_data": true}), json!({"update_secrets": "always"})] {
            let sent = fine(server.run(MODULE, options("second-secret", more)));
            assert_eq!((&sent["changed"], &sent["sent"]), (&json!(true), &json!(["secureJsonData.basicAuthPassword"])));
            assert!(sent.get("fields").is_none(), "{sent:#}");
            assert_eq!(kept(&server, "s")["basicAuthPassword"], "second-secret");
        }
        // A change of something else leaves it, and one that is missing is always set.
        let more = json!({"ds_url": "http://q", "secure_json_data": {"httpHeaderValue1": "third-secret"}});
        let on_create = with(more.clone(), json!({"update_secrets": "on_create"}));
        let changed = fine(server.run(MODULE, options("unsent-secret", on_create)));
        assert_eq!(changed["fields"], json!(["secureJsonFields.httpHeaderValue1", "url"]));
        assert_eq!(
            kept(&server, "s"),
            json!({"basicAuthPassword": "second-secret", "httpHeaderValue1": "third-secret"})
        );
        // Where the task does not say so, a change of something else brings them, as with the peer.
        let brings = with(more, json!({"ds_url": "http://r"}));
        let changed = fine(server.run(MODULE, options("brought-secret", brings.clone())));
        assert_eq!((&changed["fields"], changed["sent"].as_array().map(Vec::len)), (&json!(["url"]), Some(2)));
        assert_eq!(kept(&server, "s")["basicAuthPassword"], "brought-secret");
        assert_eq!(fine(server.run(MODULE, options("another-secret", brings)))["changed"], json!(false));
        assert_eq!(kept(&server, "s")["basicAuthPassword"], "brought-secret");
        let removed = json!({"datasources": [{"name": "s", "secure_json_data": {"httpHeaderValue1": ""}}]});
        for changed in [true, false] {
            assert_eq!(fine(server.run(MODULE, removed.clone()))["changed"], json!(changed));
        }
        assert_eq!(kept(&server, "s"), json!({"basicAuthPassword": "brought-secret"}));
    }
}

#[test]
fn a_fingerprint_finds_the_rotated_secret() {
    let server = server();
    let uid = server.name("mark");
    let options = |password: &str| prometheus(&uid, json!({"password": password, "secret_fingerprint": true}));
    fine(server.run(MODULE, options("a-long-first-secret")));
    let mark = read(&server, &uid)["jsonData"]["hearthSecretFingerprint"].clone();
    assert!(mark.as_str().is_some_and(|mark| mark.starts_with("argon2id$")), "{mark}");
    assert_eq!(fine(server.run(MODULE, options("a-long-first-secret")))["changed"], json!(false));
    let predicted = fine(server.check(MODULE, options("a-long-second-secret")));
    let rotated = fine(server.run(MODULE, options("a-long-second-secret")));
    assert_eq!(
        (&predicted["sent"], &rotated["sent"]),
        (&json!(["secureJsonData.password"]), &json!(["secureJsonData.password"]))
    );
    if server.is_stand_in() {
        assert_eq!(kept(&server, &uid)["password"], "a-long-second-secret");
    }
    assert_eq!(fine(server.run(MODULE, options("a-long-second-secret")))["changed"], json!(false));
    // Without the option it is no difference, and it goes when it would not be true any more.
    let plain = |more: Value| prometheus(&uid, with(json!({"password": "a-long-third-secret"}), more));
    assert_eq!(fine(server.run(MODULE, plain(json!({}))))["changed"], json!(false));
    fine(server.run(MODULE, plain(json!({"update_secrets": "always"}))));
    assert!(read(&server, &uid)["jsonData"].get("hearthSecretFingerprint").is_none());
    assert_eq!(fine(server.run(MODULE, options("a-long-second-secret")))["changed"], json!(true));
    remove(&server, &uid);
}

/// After a rollback the new secret is still there, and the old fingerprint would say that it is the old one.
#[test]
fn a_fingerprint_does_not_outlive_its_secrets_by_a_rollback() {
    let server = fresh();
    let options = |password: &str, more: Value| {
        json!({"secret_fingerprint": true, "concurrency": 1, "on_error": "rollback", "datasources": [
            prometheus("s", json!({"password": password})), with(json!({"name": "t", "ds_type": "prometheus"}), more),
        ]})
    };
    fine(server.run(MODULE, options("a-long-first-secret", json!({"ds_url": "http://p"}))));
    failed(server.run(MODULE, options("a-long-second-secret", json!({"ds_url": "::nope"}))), "invalid URL");
    assert_eq!(kept(&server, "s")["password"], "a-long-second-secret");
    fine(server.run(MODULE, options("a-long-first-secret", json!({"ds_url": "http://p"}))));
    assert_eq!(kept(&server, "s")["password"], "a-long-first-secret");
}

#[test]
fn no_secret_is_in_any_result() {
    let server = fresh();
    let secrets =
        ["pw-basic-7c1", "pw-user-7c2", "key-pem-7c3\nsecond-line-of-the-key-7c4", "header-value-7c5", "4711471147"];
    let options = prometheus(
        "s",
        json!({
            "basic_auth_user": "u", "basic_auth_password": secrets[0], "password": secrets[1],
            "tls_client_cert": "cert-pem-7c6", "tls_client_key": secrets[2],
            "secure_json_data": {"httpHeaderValue1": secrets[3], "pin": 4_711_471_147_i64, "file": {"private": "inner-7c7"}},
            "enforce_secure_data": true,
        }),
    );
    let mut results = vec![server.check(MODULE, options.clone())];
    for _ in 0..2 {
        results.push(fine(server.run(MODULE, options.clone())));
    }
    assert_eq!(kept(&server, "s")["pin"], "4711471147");
    assert_eq!(kept(&server, "s")["file"], r#"{"private":"inner-7c7"}"#);
    // The server repeats them in its error.
    let body = json!({"message": format!("cannot use {secrets:?}"), "data": secrets});
    server.fault(json!({"method": "PUT", "path": "/api/datasources/", "kind": "status", "status": 400, "body": body, "times": 1}));
    results.push(failed(server.run(MODULE, options.clone()), "cannot use"));
    let internal = json!({"_ansible_diff": true, "_ansible_inject_invocation": true});
    results.push(fine(server.play(MODULE, options, internal)));
    for result in results {
        let text = result.to_string();
        for secret in secrets.iter().flat_map(|secret| secret.lines()).chain(["cert-pem-7c6", "inner-7c7"]) {
            assert!(!text.contains(secret), "{secret} is in {result:#}");
        }
    }
}

/// What community.grafana left readable for everybody, and what somebody writes where it does not belong.
#[test]
fn a_secret_where_none_belongs_is_not_shown_either() {
    let server = fresh();
    let secrets = ["left-by-the-peer-8c1", "in-stored-url-8c2", "in-json-data-8c3", "in-given-url-8c4", "p@ss/8c5"];
    server.post(
        "/api/datasources",
        json!({"name": "z", "uid": "z", "type": "testdata", "access": "proxy", "url": format!("http://u:{}@x", secrets[1]),
               "jsonData": {"username": "u", "password": secrets[0]}}),
    );
    let log = std::env::temp_dir().join(format!("hearth-sensitive-{}", std::process::id()));
    let options = json!({
        "name": "z", "ds_type": "testdata", "ds_url": format!("http://u:{}@x", secrets[3]), "audit_log": log,
        "json_data": {"password": secrets[2], "username": "u"},
    });
    let internal = json!({"_ansible_diff": true, "_ansible_inject_invocation": true});
    let changed = fine(server.play(MODULE, options.clone(), internal.clone()));
    let again = fine(server.play(MODULE, options, internal.clone()));
    assert_eq!((&changed["changed"], &again["changed"]), (&json!(true), &json!(false)));
    assert_eq!(read(&server, "z")["jsonData"]["password"], secrets[2]);
    let connection = json!({"name": "z", "state": "absent", "url": "http://u:p%40ss%2F8c5@x"});
    let refused = failed(server.play(MODULE, connection, internal), "user name or a password");
    let logged = std::fs::read_to_string(&log).expect("the audit log is there");
    std::fs::remove_file(&log).expect("it can be removed");
    for text in [changed.to_string(), again.to_string(), refused.to_string(), logged] {
        for secret in secrets.iter().chain([&"p%40ss%2F8c5"]) {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
}

/// Facts 18, 59: 12.4 changes no uid, 11.5 does.
#[test]
fn a_uid_is_changed_with_all_secrets_at_hand() {
    let server = fresh();
    let old = prometheus(
        "old",
        json!({"name": "P", "is_default": true, "password": "first-secret", "json_data": {"kept": 1}}),
    );
    fine(server.run(MODULE, old));
    let new = |more: Value| json!({"datasources": [with(json!({"name": "P", "uid": "new"}), more)]});
    for result in [server.check(MODULE, new(json!({}))), server.run(MODULE, new(json!({})))] {
        failed(result, "secrets cannot be read: password");
    }
    assert_eq!(read(&server, "old")["name"], "P");
    let given = new(json!({"password": "second-secret"}));
    let predicted = fine(server.check(MODULE, given.clone()));
    let replaced = fine(server.run(MODULE, given.clone()));
    assert_eq!((&predicted["msg"], &replaced["msg"]), (&json!("would be: 1 replaced"), &json!("1 replaced")));
    let entry = &replaced["objects"][0];
    assert_eq!(
        (&entry["action"], &entry["uid"], &entry["fields"]),
        (&json!("replace"), &json!("new"), &json!(["uid"]))
    );
    assert!(entry["warnings"].to_string().contains("old uid `old`"), "{entry:#}");
    let now = read(&server, "new");
    assert_eq!((&now["name"], &now["isDefault"], &now["jsonData"]["kept"]), (&json!("P"), &json!(true), &json!(1)));
    assert_eq!(kept(&server, "new")["password"], "second-secret");
    assert_eq!(server.get("/api/datasources").as_array().map(Vec::len), Some(1));
    assert_eq!(fine(server.run(MODULE, given))["changed"], json!(false));
    as_documented(&server);

    let server = stand_in_11();
    fine(server.run(MODULE, prometheus("old", json!({"name": "P", "password": "first-secret"}))));
    let id = read(&server, "old")["id"].clone();
    let changed = fine(server.run(MODULE, new(json!({}))));
    assert_eq!((&changed["objects"][0]["action"], &read(&server, "new")["id"]), (&json!("update"), &id));
    assert_eq!(kept(&server, "new")["password"], "first-secret");
}
