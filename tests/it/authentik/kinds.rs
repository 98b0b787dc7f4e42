//! The twelve steps of `authentik_object`, for each kind of which a body is recorded.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use super::{Server, server};

/// A kind, the attributes that make one, and those that change it.
struct Case {
    kind: &'static str,
    create: Value,
    change: Value,
}

fn case(kind: &'static str, create: Value, change: Value) -> Case {
    Case { kind, create, change }
}

/// Kinds whose objects have a name and nothing that another object must be there for.
fn cases() -> Vec<Case> {
    let expression =
        |kind| case(kind, json!({ "expression": "return {}" }), json!({ "expression": "return {'a': 1}" }));
    let flows = json!({
        "authorization_flow": "default-provider-authorization-implicit-consent",
        "invalidation_flow": "default-provider-invalidation-flow",
    });
    let with = |more: Value| {
        let mut all = flows.clone();
        all.as_object_mut().expect("a map").extend(more.as_object().cloned().unwrap_or_default());
        all
    };
    let mut all = vec![
        case("policies/dummy", json!({ "result": true }), json!({ "result": false })),
        case("policies/expression", json!({ "expression": "return True" }), json!({ "expression": "return False" })),
        case("policies/password", json!({ "length_min": 8 }), json!({ "length_min": 12 })),
        case("policies/password_expiry", json!({ "days": 30 }), json!({ "days": 60 })),
        case("policies/geoip", json!({ "countries": ["DE"] }), json!({ "countries": ["DE", "AT"] })),
        case(
            "policies/reputation",
            json!({ "check_ip": true, "threshold": -5 }),
            json!({ "check_ip": true, "threshold": -7 }),
        ),
        case("policies/event_matcher", json!({ "action": "login" }), json!({ "action": "logout" })),
        case(
            "propertymappings/provider/scope",
            json!({ "scope_name": "lab", "expression": "return {}" }),
            json!({ "scope_name": "lab2" }),
        ),
        case(
            "propertymappings/provider/saml",
            json!({ "saml_name": "lab", "expression": "return 1" }),
            json!({ "friendly_name": "Lab" }),
        ),
        case(
            "propertymappings/provider/rac",
            json!({ "static_settings": { "a": "b" } }),
            json!({ "static_settings": { "a": "c" } }),
        ),
        case("providers/radius", with(json!({ "shared_secret": "abcd" })), json!({ "mfa_support": false })),
        case(
            "providers/rac",
            json!({ "authorization_flow": "default-provider-authorization-implicit-consent" }),
            json!({ "connection_expiry": "hours=9" }),
        ),
        case("providers/scim", json!({ "url": "https://a.example" }), json!({ "url": "https://b.example" })),
        case("stages/authenticator/static", json!({}), json!({ "token_count": 8 })),
        case("stages/authenticator/totp", json!({ "digits": "6" }), json!({ "digits": "8" })),
        case("stages/authenticator/validate", json!({}), json!({ "device_classes": ["totp"] })),
        case("stages/authenticator/webauthn", json!({}), json!({ "user_verification": "required" })),
        case("stages/authenticator/email", json!({}), json!({ "subject": "Your code" })),
        case("stages/captcha", json!({ "public_key": "a", "private_key": "b" }), json!({ "public_key": "c" })),
        case("stages/consent", json!({}), json!({ "mode": "permanent" })),
        case("stages/deny", json!({}), json!({ "deny_message": "no" })),
        case("stages/dummy", json!({}), json!({ "throw_error": true })),
        case("stages/email", json!({}), json!({ "subject": "Hello" })),
        case("stages/identification", json!({ "user_fields": ["username"] }), json!({ "user_fields": ["email"] })),
        case("stages/invitation/stages", json!({}), json!({ "continue_flow_without_invitation": true })),
        case(
            "stages/password",
            json!({ "backends": ["authentik.core.auth.InbuiltBackend"] }),
            json!({ "failed_attempts_before_cancel": 3 }),
        ),
        case(
            "stages/prompt/prompts",
            json!({ "field_key": "lab", "label": "Lab", "type": "text" }),
            json!({ "label": "Laboratory" }),
        ),
        case(
            "stages/redirect",
            json!({ "mode": "static", "target_static": "https://a.example" }),
            json!({ "mode": "static", "target_static": "https://b.example" }),
        ),
        case("stages/user_login", json!({}), json!({ "session_duration": "hours=3" })),
        case("stages/user_write", json!({}), json!({ "user_type": "internal" })),
        case(
            "outposts/service_connections/docker",
            json!({ "url": "http://127.0.0.1:1" }),
            json!({ "url": "http://127.0.0.1:2" }),
        ),
        case(
            "outposts/service_connections/kubernetes",
            json!({ "local": true, "kubeconfig": {} }),
            json!({ "local": true, "kubeconfig": {}, "verify_ssl": false }),
        ),
        case("events/rules", json!({ "severity": "notice" }), json!({ "severity": "alert" })),
        case("events/transports", json!({ "mode": "local" }), json!({ "mode": "local", "send_once": true })),
        case("endpoints/device_access_groups", json!({}), json!({ "attributes": { "a": 1 } })),
    ];
    for kind in [
        "propertymappings/notification",
        "propertymappings/source/kerberos",
        "propertymappings/source/ldap",
        "propertymappings/source/oauth",
        "propertymappings/source/plex",
        "propertymappings/source/saml",
        "propertymappings/source/scim",
        "propertymappings/source/telegram",
        "propertymappings/provider/radius",
        "propertymappings/provider/scim",
        "propertymappings/provider/google_workspace",
        "propertymappings/provider/microsoft_entra",
    ] {
        all.push(expression(kind));
    }
    all
}

/// Sources are known by their slug.
fn sources() -> Vec<Case> {
    let flow = "default-source-pre-authentication";
    let off = json!({ "enabled": false });
    vec![
        case("sources/kerberos", json!({ "realm": "LAB.EXAMPLE" }), off.clone()),
        case(
            "sources/ldap",
            json!({ "server_uri": "ldap://127.0.0.1:3899", "base_dn": "dc=x", "sync_users": false,
                "sync_groups": false, "sync_users_password": false }),
            off.clone(),
        ),
        case("sources/plex", json!({ "plex_token": "t" }), off.clone()),
        case(
            "sources/saml",
            json!({ "pre_authentication_flow": flow, "sso_url": "https://a.example/sso", "issuer": "lab" }),
            off.clone(),
        ),
        case("sources/scim", json!({}), off.clone()),
        case(
            "sources/telegram",
            json!({ "bot_username": "b", "bot_token": "t", "pre_authentication_flow": flow }),
            off.clone(),
        ),
        case(
            "sources/oauth",
            json!({ "provider_type": "openidconnect", "consumer_key": "k", "consumer_secret": "s",
                "authorization_url": "http://127.0.0.1:1/a", "access_token_url": "http://127.0.0.1:1/t",
                "profile_url": "http://127.0.0.1:1/p" }),
            off,
        ),
    ]
}

/// Runs the twelve steps of all cases; fails with all that went wrong at once.
fn all(server: &Server, cases: &[Case], key: &str) {
    let mut wrong = Vec::new();
    for Case { kind, create, change } in cases {
        let name = server.name(&kind.replace('/', "-"));
        let mut identifiers = json!({});
        identifiers[key] = json!(name);
        let mut create = create.clone();
        if key == "slug" {
            create["name"] = json!(name);
        }
        let task = |attrs: &Value| json!({ "kind": kind, "identifiers": identifiers, "attrs": attrs });
        let gone = json!({ "kind": kind, "identifiers": identifiers, "state": "absent" });
        let run = || server.twelve_steps("authentik_object", &task(&create), Some(&task(change)), &gone);
        if let Err(failure) = catch_unwind(AssertUnwindSafe(run)) {
            let text = failure.downcast_ref::<String>().cloned().unwrap_or_default();
            wrong.push(format!("{kind}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} kinds:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn kinds_with_a_name() {
    all(&server(), &cases(), "name");
}

#[test]
fn sources_by_slug() {
    all(&server(), &sources(), "slug");
}
