//! Checks of whole objects, of the kinds that fewer people use.

use serde_json::{Value, json};

use super::errors;
use super::kinds::Kind;
use super::store::{Object, Store};
use crate::reply::Reply;

/// As `rules` asks for it.
pub(crate) fn object(
    _store: &Store,
    kind: &Kind,
    attrs: &mut Object,
    there: Option<&Object>,
    method: &str,
) -> Result<(), Reply> {
    let set = |key: &str| attrs.get(key).is_some_and(|value| !value.is_null() && *value != "");
    match kind.path.as_str() {
        // Read without a look whether it was sent (trap 32).
        "sources/saml" if there.is_none() && !set("issuer") => Err(errors::crash(method)),
        "sources/saml" if set("verification_kp") => {
            let on = |key: &str| attrs.get(key) == Some(&json!(true));
            if on("signed_assertion") || on("signed_response") {
                return Ok(());
            }
            let text = "With a verification certificate selected, at least one of 'Verify Assertion Signature' or 'Verify Response Signature' must be selected.";
            Err(errors::object(text))
        }
        "outposts/service_connections/kubernetes" => {
            let empty = attrs.get("kubeconfig").and_then(Value::as_object).is_some_and(serde_json::Map::is_empty);
            match attrs.get("local") {
                // Trap 33.
                None if empty => Err(errors::crash(method)),
                Some(local) if *local == false && empty => {
                    let text = "You can only use an empty kubeconfig when connecting to a local cluster.";
                    Err(errors::field("kubeconfig", text))
                }
                _ => Ok(()),
            }
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
