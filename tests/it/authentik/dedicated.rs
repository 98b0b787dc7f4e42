//! The twelve steps of each module that is for one kind of object.

use serde_json::{Value, json};

use super::server;

const IMPLICIT: &str = "default-provider-authorization-implicit-consent";
const EXPLICIT: &str = "default-provider-authorization-explicit-consent";
const INVALIDATION: &str = "default-provider-invalidation-flow";

/// `base` with more options.
fn with(base: &Value, more: Value) -> Value {
    let mut all = base.clone();
    let map = all.as_object_mut().expect("options are a map");
    map.extend(more.as_object().cloned().unwrap_or_default());
    all
}

/// The twelve steps with what names the object, and what it is made of, changed to, and deleted with.
fn twelve(module: &str, key: Value, create: Value, change: Value) {
    let server = server();
    server.twelve_steps(
        module,
        &with(&key, create),
        Some(&with(&key, change)),
        &with(&key, json!({"state": "absent"})),
    );
}

fn name(text: &str) -> String {
    format!("hearth-{:x}-{text}", std::process::id())
}

#[test]
fn user() {
    let server = server();
    let group = server.name("user-group");
    let made = server.post("core/groups/", json!({ "name": group }));
    let key = json!({ "username": server.name("ann") });
    let create = json!({ "name": "Ann", "email": "Ann@Example.com", "attributes": { "a": { "b": [1, null] } } });
    let change = json!({ "name": "Ann B.", "groups": [group], "is_active": false });
    server.twelve_steps(
        "authentik_user",
        &with(&key, create),
        Some(&with(&key, change)),
        &with(&key, json!({ "state": "absent" })),
    );
    server.api("DELETE", &format!("core/groups/{}/", made["pk"].as_str().expect("an id")), Value::Null);
}

#[test]
fn group() {
    twelve(
        "authentik_group",
        json!({ "name": name("group") }),
        json!({ "attributes": { "x": 1 } }),
        json!({ "users": ["akadmin"], "attributes": { "x": 2 } }),
    );
}

#[test]
fn token() {
    twelve(
        "authentik_token",
        json!({ "identifier": name("token") }),
        json!({ "intent": "app_password", "expiring": false, "user": "akadmin" }),
        json!({ "intent": "app_password", "expiring": false, "user": "akadmin", "description": "for the backup" }),
    );
}

#[test]
fn application() {
    twelve(
        "authentik_application",
        json!({ "slug": name("app") }),
        json!({ "name": "Wiki", "access": [{ "group": "authentik Admins" }] }),
        json!({ "name": "Wiki 2", "access": [{ "user": "akadmin" }], "entitlements": [{ "name": "editor" }] }),
    );
}

#[test]
fn provider_oauth2() {
    let flows = json!({ "name": name("oauth2"), "authorization_flow": IMPLICIT, "invalidation_flow": INVALIDATION });
    twelve(
        "authentik_provider_oauth2",
        flows,
        json!({ "redirect_uris": [{ "url": "https://a.example/" }], "property_mappings": ["openid", "email"] }),
        json!({ "redirect_uris": [{ "url": "https://b.example/" }], "authorization_flow": EXPLICIT }),
    );
}

#[test]
fn provider_proxy() {
    let flows = json!({ "name": name("proxy"), "authorization_flow": IMPLICIT, "invalidation_flow": INVALIDATION });
    twelve(
        "authentik_provider_proxy",
        flows,
        json!({ "mode": "forward_single", "external_host": "https://a.example" }),
        json!({ "mode": "proxy", "external_host": "https://a.example", "internal_host": "http://10.0.0.2:80" }),
    );
}

#[test]
fn provider_saml() {
    let flows = json!({ "name": name("saml"), "authorization_flow": IMPLICIT, "invalidation_flow": INVALIDATION });
    twelve(
        "authentik_provider_saml",
        flows,
        json!({ "acs_url": "https://a.example/acs" }),
        json!({ "acs_url": "https://a.example/acs", "audience": "https://a.example", "sp_binding": "post" }),
    );
}

#[test]
fn provider_ldap() {
    let flows = json!({ "name": name("ldap"), "authorization_flow": IMPLICIT, "invalidation_flow": INVALIDATION });
    twelve(
        "authentik_provider_ldap",
        flows,
        json!({ "base_dn": "DC=a,DC=example" }),
        json!({ "base_dn": "DC=b,DC=example", "mfa_support": false }),
    );
}

#[test]
fn policy() {
    twelve(
        "authentik_policy",
        json!({ "name": name("policy"), "type": "expression" }),
        json!({ "expression": "return True" }),
        json!({ "expression": "return False", "execution_logging": true }),
    );
}

#[test]
fn flow() {
    let first = "default-authentication-identification";
    let second = "default-authentication-password";
    twelve(
        "authentik_flow",
        json!({ "slug": name("flow"), "name": "Log in", "title": "Welcome", "designation": "authentication" }),
        json!({ "stages": [{ "stage": first }, { "stage": second }] }),
        json!({ "title": "Welcome back", "stages": [{ "stage": second }, { "stage": first }] }),
    );
}

#[test]
fn outpost() {
    let server = server();
    let flow = |slug: &str| {
        let (_, found) = server.api("GET", &format!("flows/instances/?slug={slug}"), Value::Null);
        found["results"][0]["pk"].clone()
    };
    let provider = server.name("outpost-provider");
    let made = server.post(
        "providers/proxy/",
        json!({ "name": provider, "authorization_flow": flow(IMPLICIT), "invalidation_flow": flow(INVALIDATION),
            "mode": "forward_single", "external_host": "https://a.example" }),
    );
    let key = json!({ "name": server.name("outpost") });
    let create = json!({ "type": "proxy", "providers": [provider], "config": { "log_level": "info" } });
    let change = json!({ "type": "proxy", "providers": [provider], "config": { "log_level": "debug" } });
    server.twelve_steps(
        "authentik_outpost",
        &with(&key, create),
        Some(&with(&key, change)),
        &with(&key, json!({ "state": "absent" })),
    );
    server.api("DELETE", &format!("providers/proxy/{}/", made["pk"]), Value::Null);
}

#[test]
fn certificate() {
    let made = |host: &str| {
        let pair = rcgen::generate_simple_self_signed(vec![host.to_owned()]).expect("a certificate can be made");
        json!({ "certificate_data": pair.cert.pem(), "key_data": pair.signing_key.serialize_pem() })
    };
    twelve("authentik_certificate", json!({ "name": name("certificate") }), made("a.example"), made("b.example"));
}

#[test]
fn brand() {
    twelve(
        "authentik_brand",
        json!({ "domain": format!("{}.example", name("brand")) }),
        json!({ "branding_title": "Lab" }),
        json!({ "branding_title": "Home", "flow_authentication": "default-authentication-flow" }),
    );
}

#[test]
fn blueprint() {
    twelve(
        "authentik_blueprint",
        json!({ "name": name("blueprint") }),
        json!({ "path": "default/default-brand.yaml" }),
        json!({ "path": "default/default-brand.yaml", "enabled": false }),
    );
}
