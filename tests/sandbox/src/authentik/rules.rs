//! The checks that authentik writes by hand: of single fields, and of an object as a whole. The latter see only the
//! body, not the object that is changed (trap 15).

use serde_json::{Value, json};

use super::errors;
use super::kinds::{Field, Kind, table};
use super::store::{Object, Store, text};
use super::times;
use crate::reply::Reply;

/// What needs a licence, which the stand-in never has.
const ENTERPRISE: [&str; 10] = [
    "policies/unique_password",
    "providers/google_workspace",
    "providers/microsoft_entra",
    "providers/ssf",
    "providers/wsfed",
    "stages/authenticator/endpoint_gdtc",
    "stages/mtls",
    "stages/source",
    "endpoints/fleet/connectors",
    "endpoints/google_chrome/connectors",
];

/// Slugs that applications may not have.
const RESERVED: [&str; 5] = ["authorize", "token", "device", "userinfo", "introspect"];

/// One field more closely; an error is the list of messages.
pub(crate) fn field(
    store: &Store,
    kind: &Kind,
    field: &Field,
    value: &Value,
    there: Option<&Object>,
) -> Result<(), Value> {
    let say = |text: &str| Err(json!([text]));
    let words = value.as_str().unwrap_or_default();
    match (kind.path.as_str(), field.name.as_str()) {
        ("core/users", "path") if words.starts_with('/') || words.ends_with('/') => {
            say("No leading or trailing slashes allowed.")
        }
        ("core/users", "path") if words.contains("//") => say("No empty segments in user path allowed."),
        ("core/users", "type") if words == "internal_service_account" && there.is_none() => {
            say("Setting a user to internal service account is not allowed.")
        }
        ("core/tokens", "user") if there.is_some_and(|token| token["user"] != *value) => say("User cannot be changed"),
        ("core/applications", "slug") if RESERVED.contains(&words) => {
            say(&format!("The slug '{words}' is reserved and cannot be used for applications."))
        }
        ("outposts/instances", "config") => match value["refresh_interval"].as_str().map(times::duration) {
            Some(None) => say("seconds=nope is not in the correct format of 'hours=3;minutes=1'."),
            _ => match ["log_level", "authentik_host", "object_naming_template"]
                .iter()
                .find(|key| value.get(**key).is_some_and(|value| !value.is_string()))
            {
                Some(key) => say(&format!("Failed to validate config: wrong value type for field \"{key}\"")),
                None => Ok(()),
            },
        },
        ("outposts/instances", "name")
            if there.is_some_and(|o| !o["managed"].is_null() && text(o, "name") != words) =>
        {
            say("Embedded outpost's name cannot be changed")
        }
        ("crypto/certificatekeypairs", "certificate_data") if super::certificates::read(words).is_none() => {
            say("Unable to load certificate.")
        }
        ("crypto/certificatekeypairs", "key_data") if !words.is_empty() && !super::certificates::is_key(words) => {
            say("Unable to load private key (possibly encrypted?).")
        }
        ("managed/blueprints", "path") if !words.is_empty() && !words.starts_with("oci://") => {
            let known = super::fresh::answer("managed/blueprints/available");
            let there = known.and_then(Value::as_array).into_iter().flatten().any(|file| file["path"] == words);
            if there { Ok(()) } else { say("Blueprint file does not exist") }
        }
        ("managed/blueprints", "content") => {
            let models = words.lines().filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("model:"));
            let known = |model: &str| table().kinds.values().any(|kind| kind.model == model.trim());
            match models.into_iter().find(|model| !known(model)) {
                None => Ok(()),
                Some(_) => Err(json!([
                    "Failed to validate blueprint",
                    "- App or Model does not exist",
                    "- Blueprint validation failed",
                ])),
            }
        }
        ("providers/oauth2", "redirect_uris") => {
            let uris = value.as_array().into_iter().flatten();
            let broken =
                |uri: &&Value| uri["matching_mode"] == "regex" && !balanced(uri["url"].as_str().unwrap_or_default());
            match uris.into_iter().find(broken) {
                Some(uri) => say(&format!("Invalid Regex Pattern: {}", uri["url"].as_str().unwrap_or_default())),
                None => Ok(()),
            }
        }
        ("stages/email", "template") => {
            let known = super::fresh::answer("stages/email/templates");
            let there = known.and_then(Value::as_array).into_iter().flatten().any(|t| t["name"] == words);
            if there { Ok(()) } else { say(&format!("Invalid template '{words}' specified.")) }
        }
        (path, "expression")
            if path.starts_with("propertymappings/p")
                || path.starts_with("propertymappings/s")
                || path == "policies/expression" =>
        {
            if balanced(words) {
                Ok(())
            } else {
                say("invalid syntax (<string>, line 1)")
            }
        }
        ("providers/radius", "certificate") if !value.is_null() => say("Enterprise is required to use EAP-TLS."),
        ("providers/scim", "auth_mode") if words == "oauth" => say("Enterprise is required to use the OAuth mode."),
        ("sources/ldap", "sync_users_password") if *value == true => {
            let others = store.of("sources/ldap").iter().filter(|s| there.is_none_or(|t| t["~n"] != s["~n"]));
            match others.into_iter().any(|s| s["sync_users_password"] == true) {
                true => say("Only a single LDAP Source with password synchronization is allowed"),
                false => Ok(()),
            }
        }
        (_, name) if is_duration(kind, name) && !words.is_empty() && times::duration(words).is_none() => {
            say(&format!("{words} is not in the correct format of 'hours=3;minutes=1'."))
        }
        _ => Ok(()),
    }
}

/// Fields that hold a duration and are checked to be one (not all are, see authentik-kinds.md trap 42).
fn is_duration(kind: &Kind, name: &str) -> bool {
    kind.field(name).is_some_and(|field| field.checks.iter().any(|check| check == "timedelta_string_validator"))
}

/// Whether brackets and quotes of an expression close: the little of Python that is understood here.
fn balanced(code: &str) -> bool {
    let mut open = Vec::new();
    let mut quote = None;
    for line in code.lines() {
        let mut escaped = false;
        for c in line.chars() {
            match (quote, c) {
                _ if escaped => escaped = false,
                (Some(_), '\\') => escaped = true,
                (Some(q), c) if q == c => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => quote = Some(c),
                (None, '#') => break,
                (None, '(' | '[' | '{') => open.push(c),
                (None, ')' | ']' | '}') => {
                    let wanted = if c == ')' {
                        '('
                    } else if c == ']' {
                        '['
                    } else {
                        '{'
                    };
                    if open.pop() != Some(wanted) {
                        return false;
                    }
                }
                _ => {}
            }
        }
    }
    open.is_empty()
}

/// The object as a whole, with the fields of the body alone; it may fill in fields.
pub(crate) fn object(
    store: &Store,
    kind: &Kind,
    attrs: &mut Object,
    body: &Object,
    there: Option<&Object>,
    caller: &Value,
    method: &str,
) -> Result<(), Reply> {
    let word = |attrs: &Object, key: &str| attrs.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let set = |attrs: &Object, key: &str| attrs.get(key).is_some_and(|value| !value.is_null() && *value != "");
    if ENTERPRISE.contains(&kind.path.as_str()) {
        return Err(errors::object("Enterprise is required to create/update this object."));
    }
    match kind.path.as_str() {
        "core/users" if there.is_some_and(|user| user["type"] == "internal_service_account") => {
            return Err(errors::object("Can't modify internal service account users"));
        }
        "core/tokens" => token(attrs, caller)?,
        "core/brands" if attrs.get("default") == Some(&json!(true)) => {
            let others = store.of("core/brands").iter().filter(|b| there.is_none_or(|t| t["~n"] != b["~n"]));
            if others.into_iter().any(|brand| brand["default"] == true) {
                return Err(errors::field("default", "Only a single brand can be set as default."));
            }
        }
        "flows/bindings" => {
            let plan = attrs.get("evaluate_on_plan").is_some_and(|v| *v == true);
            let run = attrs.get("re_evaluate_policies").is_none_or(|v| *v == true);
            if !plan && !run {
                return Err(errors::object("Either evaluation on plan or evaluation on run must be enabled"));
            }
        }
        "policies/bindings" => binding(store, attrs, method)?,
        "policies/event_matcher" => {
            // They are compared with "" one after the other, without a look whether they were sent: the server fails
            // unless the first one is there and not empty (trap 31).
            for key in ["action", "client_ip", "app", "model", "query"] {
                match attrs.get(key) {
                    None => return Err(errors::crash(method)),
                    Some(value) if value == "" => {}
                    Some(_) => break,
                }
            }
        }
        "policies/reputation" => {
            let on = |key: &str| attrs.get(key) == Some(&json!(true));

            if !on("check_ip") && !on("check_username") {
                return Err(errors::object("Either IP or Username must be checked"));
            }
        }
        "providers/proxy" => {
            let basic = attrs.get("basic_auth_enabled") == Some(&json!(true));
            let named = |key: &str| body.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
            if basic && !(named("basic_auth_password_attribute") && named("basic_auth_user_attribute")) {
                let text = "User and password attributes must be set when basic auth is enabled.";
                return Err(errors::field("basic_auth_enabled", text));
            }
            let mode = attrs.get("mode").and_then(Value::as_str).unwrap_or("proxy");
            if mode == "proxy" && word(attrs, "internal_host").is_empty() {
                let text = "Internal host cannot be empty when forward auth is disabled.";
                return Err(errors::field("internal_host", text));
            }
        }
        "providers/saml" => {
            let on = |key: &str| attrs.get(key) == Some(&json!(true));
            if set(attrs, "signing_kp") && !on("sign_assertion") && !on("sign_response") {
                let text = "With a signing keypair selected, at least one of 'Sign assertion' and 'Sign Response' must be selected.";
                return Err(errors::object(text));
            }
            if word(attrs, "logout_method") == "backchannel" && word(attrs, "sls_binding") == "redirect" {
                attrs.insert("logout_method".to_owned(), json!("frontchannel_iframe"));
            }
        }
        "managed/blueprints" if !set(attrs, "path") && !set(attrs, "content") => {
            return Err(errors::object("Either path or content must be set."));
        }
        "stages/identification" => {
            let none = |key: &str| attrs.get(key).and_then(Value::as_array).is_none_or(Vec::is_empty);
            if none("user_fields") && none("sources") {
                return Err(errors::object("When no user fields are selected, at least one source must be selected"));
            }
        }
        "stages/redirect" => {
            let mode = word(attrs, "mode");
            if mode == "static" && !set(attrs, "target_static") {
                return Err(errors::object("Target URL should be present when mode is Static."));
            }
            if mode == "flow" && !set(attrs, "target_flow") {
                return Err(errors::object("Target Flow should be present when mode is Flow."));
            }
        }
        "stages/authenticator/validate" if word(attrs, "not_configured_action") == "configure" => {
            if body.get("configuration_stages").and_then(Value::as_array).is_none_or(Vec::is_empty) {
                let text =
                    "When \"Not configured action\" is set to \"Configure\", you must set a configuration stage.";
                return Err(errors::field("not_configured_action", text));
            }
        }
        "outposts/instances" => outpost(store, attrs, body, there, method)?,
        _ => super::more_rules::object(store, kind, attrs, there, method)?,
    }
    Ok(())
}

/// Without a user it is the caller's, without an intent it is for the API (trap 13), whose end is never taken (trap 14).
fn token(attrs: &mut Object, caller: &Value) -> Result<(), Reply> {
    attrs.entry("user").or_insert_with(|| caller.clone());
    let intent = attrs.entry("intent").or_insert_with(|| json!("api")).as_str().unwrap_or_default().to_owned();
    match intent.as_str() {
        "api" => {
            attrs.insert("expires".to_owned(), json!(times::later(1800)));
        }
        "app_password" => {
            let until = attrs.get("expires").and_then(Value::as_str).and_then(times::read);
            let most = times::later(1800);
            if until > times::read(&most) {
                let text = format!("Token expires exceeds maximum lifetime ({most} UTC).");
                return Err(errors::field("expires", text));
            }
        }
        other => return Err(errors::field("intent", format!("Invalid intent {other}"))),
    }
    Ok(())
}

/// A binding without a target makes the server fail (trap 2).
fn binding(store: &Store, attrs: &Object, method: &str) -> Result<(), Reply> {
    let Some(target) = attrs.get("target") else { return Err(errors::crash(method)) };
    let entitlement = store.of("core/application_entitlements").iter().any(|e| e["pbm_uuid"] == *target);
    let supported: &[&str] = if entitlement { &["group", "user"] } else { &["group", "policy", "user"] };
    let count = supported.iter().filter(|key| attrs.get(**key).is_some_and(|value| !value.is_null())).count();
    let names = supported.iter().map(|key| format!("'{key}'")).collect::<Vec<_>>().join(", ");
    match count {
        0 => Err(errors::object(format!("One of {names} must be set."))),
        1 => Ok(()),
        _ => Err(errors::object(format!("Only one of {names} can be set."))),
    }
}

/// Providers must suit the type of the same body; an unknown type makes the server fail (traps 2 and 15).
fn outpost(store: &Store, attrs: &Object, body: &Object, there: Option<&Object>, _method: &str) -> Result<(), Reply> {
    let Some(providers) = attrs.get("providers").and_then(Value::as_array) else { return Ok(()) };
    let wanted = body.get("type").and_then(Value::as_str);
    for id in providers {
        let Some((kind, _)) = store.refer("authentik_core.provider", id) else { continue };
        if let Some(wanted) = wanted.filter(|wanted| kind.path != format!("providers/{wanted}")) {
            let text = format!("Outpost type {wanted} can't be used with {} providers.", kind.object);
            return Err(errors::field("providers", text));
        }
    }
    let embedded = there.is_some_and(|outpost| !outpost["managed"].is_null());
    if providers.is_empty() && !embedded {
        return Err(errors::field("providers", "This list may not be empty."));
    }
    Ok(())
}

/// Whether a body would make the server fail before the fields are told (trap 2).
pub(crate) fn fails_early(kind: &Kind, body: &Object) -> bool {
    // What is no blueprint at all cannot even be refused.
    let content = body.get("content").and_then(Value::as_str).unwrap_or_default();
    if kind.path == "managed/blueprints" && !content.trim().is_empty() && !content.contains("entries:") {
        return true;
    }
    let known = |model: &str| table().kinds.values().any(|kind| kind.model == model);
    if kind.path == "lifecycle/rules" && body.get("content_type").and_then(Value::as_str).is_some_and(|m| !known(m)) {
        return true;
    }
    let types = table().kinds.get("outposts/instances").and_then(|kind| kind.field("type"));
    kind.path == "outposts/instances"
        && body.get("providers").and_then(Value::as_array).is_some_and(|list| !list.is_empty())
        && body.get("type").is_some_and(|wanted| types.is_some_and(|field| !field.choices.contains(wanted)))
}
