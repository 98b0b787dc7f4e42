//! Secrets: set, sent, removed, and their fingerprint.

use serde_json::{Value, json};

use super::*;

/// Fact 17: nobody can read them, so what counts is whether they are set.
#[test]
fn secrets_are_set_when_missing_and_sent_again_only_when_asked_for() {
    let set = as_the_peer_made_it(json!({"secureJsonFields": {"password": true}}));
    let plan = planned(single(json!({"password": "secret-1"})), &set);
    assert_eq!((told(&plan), plan[0].sent.len()), (vec!["leave P ".to_owned()], 0));
    for always in [json!({"update_secrets": "always"}), json!({"enforce_secure_data": true})] {
        let mut options = single(json!({"password": "secret-1"}));
        options.as_object_mut().expect("a map").extend(always.as_object().cloned().expect("a map"));
        let plan = planned(options, &set);
        assert_eq!(told(&plan), ["update P "]);
        assert_eq!(plan[0].sent, ["secureJsonData.password"]);
        assert_eq!(plan[0].step.secrets["password"].expose(), "secret-1");
    }
    let plan = planned(single(json!({"password": "secret-1", "secure_json_data": {"token": "secret-2"}})), &set);
    assert_eq!(told(&plan), ["update P secureJsonFields.token"]);
    assert_eq!(plan[0].step.secrets.keys().collect::<Vec<_>>(), ["password", "token"]);
    assert!(!format!("{:?}{}{}", plan[0], plan[0].before, plan[0].after).contains("secret-2"));
}

/// The peer sends all of them with every PUT.
#[test]
fn a_change_of_something_else_brings_the_secrets_of_a_single_one() {
    let set = as_the_peer_made_it(json!({"secureJsonFields": {"password": true}}));
    let sent = |options: Value| {
        let plan = planned(options, &set);
        assert_eq!(told(&plan), ["update P url"]);
        assert_eq!(plan[0].sent.len(), plan[0].step.secrets.len());
        plan[0].sent.clone()
    };
    let changed = |more: Value| {
        let mut options = single(json!({"ds_url": "http://q", "password": "secret-1"}));
        options.as_object_mut().expect("a map").extend(more.as_object().cloned().expect("a map"));
        options
    };
    assert_eq!(sent(changed(json!({}))), ["secureJsonData.password"]);
    assert_eq!(sent(changed(json!({"update_secrets": "on_create"}))), [""; 0]);
    let list = json!({"datasources": [{"name": "P", "ds_url": "http://q", "password": "secret-1"}]});
    assert_eq!(sent(list), [""; 0]);
}

#[test]
fn an_empty_secret_is_removed() {
    let set = as_the_peer_made_it(json!({"secureJsonFields": {"token": true, "other": true}}));
    for empty in [json!(""), Value::Null] {
        let plan = planned(single(json!({"secure_json_data": {"token": empty, "never": ""}})), &set);
        assert_eq!(told(&plan), ["update P secureJsonFields.token"]);
        assert_eq!(plan[0].step.secrets["token"].expose(), "");
        assert_eq!(plan[0].step.secrets.len(), 1);
        assert_eq!(plan[0].after["secureJsonFields"], json!({"other": "set"}));
    }
}

#[test]
fn a_fingerprint_tells_a_rotated_secret_from_the_same_one() {
    let options = |password: &str| single(json!({"password": password, "secret_fingerprint": true}));
    let made = planned(options("secret-1"), &Snapshot::default());
    let mark = made[0].step.body["jsonData"][compare::FINGERPRINT].clone();
    assert!(mark.as_str().is_some_and(|mark| mark.starts_with("argon2id$")), "{mark}");
    assert!(!made[0].after.to_string().contains("argon2id"), "it is no difference that anyone wants to see");
    let json = json!({"tlsAuth": false, "tlsAuthWithCACert": false, compare::FINGERPRINT: mark});
    let kept = as_the_peer_made_it(json!({"jsonData": json, "secureJsonFields": {"password": true}}));
    assert_eq!(told(&planned(options("secret-1"), &kept)), ["leave P "]);
    let rotated = planned(options("secret-2"), &kept);
    assert_eq!(
        (told(&rotated), &rotated[0].sent[..]),
        (vec!["update P ".to_owned()], &["secureJsonData.password".to_owned()][..])
    );
    assert_ne!(rotated[0].step.body["jsonData"][compare::FINGERPRINT], mark);
    // Without the option it is left alone, until it would tell what is not so any more.
    let other = json!({"password": "secret-2", "time_interval": "9s", "update_secrets": "on_create"});
    let plan = planned(single(other), &kept);
    assert_eq!(plan[0].step.body["jsonData"][compare::FINGERPRINT], mark);
    let plan = planned(single(json!({"password": "secret-2", "update_secrets": "always"})), &kept);
    assert!(plan[0].step.body["jsonData"].get(compare::FINGERPRINT).is_none());
    // Switched on later: what is set may be anything, so it is sent.
    let never = as_the_peer_made_it(json!({"secureJsonFields": {"password": true}}));
    assert_eq!(planned(options("secret-1"), &never)[0].sent, ["secureJsonData.password"]);
}
