//! Checks of whole objects, of the kinds that fewer people use.

use serde_json::{Value, json};

use super::errors;
use super::kinds::Kind;
use super::store::{Object, Store};
use crate::reply::Reply;

/// As `rules` asks for it.
pub(crate) fn object(
    store: &Store,
    kind: &Kind,
    attrs: &mut Object,
    there: Option<&Object>,
    method: &str,
) -> Result<(), Reply> {
    let set = |key: &str| attrs.get(key).is_some_and(|value| !value.is_null() && *value != "");
    match kind.path.as_str() {
        "sources/ldap" => {
            for (what, list) in [("users", "user_property_mappings"), ("groups", "group_property_mappings")] {
                let none = attrs.get(list).and_then(Value::as_array).is_none_or(Vec::is_empty);
                if none && attrs.get(&format!("sync_{what}")) == Some(&json!(true)) {
                    let text = format!("When 'Sync {what}' is enabled, '{what} property mappings' cannot be empty.");
                    return Err(errors::field(list, text));
                }
            }
            Ok(())
        }
        "sources/oauth" => oauth(attrs, there),
        "sources/saml" if set("verification_kp") => {
            let on = |key: &str| attrs.get(key) == Some(&json!(true));
            if on("signed_assertion") || on("signed_response") {
                return if there.is_none() && !set("issuer") { Err(errors::crash(method)) } else { Ok(()) };
            }
            let text = "With a Verification Certificate selected, at least one of 'Verify Assertion Signature' or 'Verify Response Signature' must be selected.";
            Err(errors::object(text))
        }
        // Read without a look whether it was sent (trap 32).
        "sources/saml" if there.is_none() && !set("issuer") => Err(errors::crash(method)),
        "outposts/service_connections/kubernetes" => {
            let empty = attrs.get("kubeconfig").and_then(Value::as_object).is_some_and(serde_json::Map::is_empty);
            match attrs.get("local") {
                // Trap 33.
                None if empty => Err(errors::crash(method)),
                Some(local) if *local == false && empty => {
                    let text = "You can only use an empty kubeconfig when connecting to a local cluster.";
                    Err(errors::field("kubeconfig", text))
                }
                _ if attrs.get("kubeconfig").is_some_and(|config| !empty && config.get("clusters").is_none()) => {
                    Err(errors::field("kubeconfig", "Invalid kubeconfig"))
                }
                _ => Ok(()),
            }
        }
        "lifecycle/rules" => lifecycle(store, attrs, there, method),
        "tasks/schedules" => {
            let crontab = attrs.get("crontab").and_then(Value::as_str).unwrap_or("* * * * *");
            if crontab.split_whitespace().count() == 5 {
                return Ok(());
            }
            Err(errors::field("crontab", format!("{crontab} is not a valid crontab")))
        }
        // Every PATCH of a device binding makes the server fail (trap 34).
        "endpoints/device_bindings" if method == "PATCH" => Err(errors::crash(method)),
        "endpoints/device_bindings" => {
            let count = ["policy", "group", "user"].iter().filter(|key| set(key)).count();
            match count {
                0 => Err(errors::object("One of 'group', 'policy', 'user' must be set.")),
                1 => Ok(()),
                _ => Err(errors::object("Only one of 'group', 'policy', 'user' can be set.")),
            }
        }
        _ => Ok(()),
    }
}

/// The addresses that the type does not bring along must be in the same body (trap 15).
fn oauth(attrs: &Object, there: Option<&Object>) -> Result<(), Reply> {
    let wanted = attrs.get("provider_type").or_else(|| there.and_then(|there| there.get("provider_type")));
    let Some(kind) = source_type(wanted.and_then(Value::as_str).unwrap_or_default()) else { return Ok(()) };
    if !kind["oidc_well_known_url"].is_null() && kind["oidc_well_known_url"] != "" {
        let text = "the well-known address was not reached: the sandbox has no internet";
        return Err(errors::field("oidc_well_known_url", text));
    }
    for url in ["authorization_url", "access_token_url", "profile_url"] {
        if kind[url].is_null() && !attrs.contains_key(url) {
            let name = kind["verbose_name"].as_str().unwrap_or_default();
            return Err(errors::object(format!("{url} is required for provider {name}")));
        }
    }
    Ok(())
}

/// What a type of OAuth source brings along.
pub(crate) fn source_type(name: &str) -> Option<&'static Value> {
    let all = super::fresh::answer("sources/oauth/source_types")?.as_array()?;
    all.iter().find(|kind| kind["name"] == name)
}

/// A rule about the life of objects: its object is looked up in the type of the same body (trap 36).
fn lifecycle(store: &Store, attrs: &Object, there: Option<&Object>, method: &str) -> Result<(), Reply> {
    if let Some(id) = attrs.get("object_id").and_then(Value::as_str).filter(|id| !id.is_empty()) {
        let Some(model) = attrs.get("content_type").and_then(Value::as_str) else { return Err(errors::crash(method)) };
        if !store.with_model(model).any(|(kind, object)| super::store::is(object, &kind.id, id)) {
            return Err(errors::field("object_id", "Object does not exist"));
        }
    }
    let now = |key: &str| attrs.get(key).or_else(|| there.and_then(|there| there.get(key)));
    let none = |key: &str| now(key).and_then(Value::as_array).is_none_or(Vec::is_empty);
    let sent = |keys: [&str; 2]| keys.iter().any(|key| attrs.contains_key(*key));
    if sent(["reviewers", "reviewer_groups"]) && none("reviewers") && none("reviewer_groups") {
        return Err(errors::object("Either a reviewer group or a reviewer must be set."));
    }
    let seconds = |key: &str| now(key).and_then(Value::as_str).and_then(super::times::duration);
    if sent(["grace_period", "interval"]) && seconds("grace_period") > seconds("interval") {
        return Err(errors::field("grace_period", "Grace period must be shorter than the interval."));
    }
    Ok(())
}
