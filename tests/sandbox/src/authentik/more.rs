//! Fields that are worked out, of the kinds that fewer people use.

use serde_json::{Value, json};

use super::kinds::Kind;
use super::store::{Object, Store, text};

/// As `show` asks for it.
pub(crate) fn worked_out(store: &Store, kind: &Kind, object: &Object, name: &str) -> Option<Value> {
    let path = kind.path.as_str();
    Some(match (path, name) {
        (path, "icon_url") if path.starts_with("sources/") => {
            let name = match path.trim_start_matches("sources/") {
                "oauth" => text(object, "provider_type"),
                other => other,
            };
            let ending = if ["ldap", "kerberos", "saml", "scim"].contains(&name) { "png" } else { "svg" };
            let icon = text(object, "icon");
            if icon.is_empty() { json!(format!("/static/authentik/sources/{name}.{ending}")) } else { json!(icon) }
        }
        ("sources/scim", "token_obj") => {
            let kind = &super::kinds::table().kinds["core/tokens"];
            let token = store.of("core/tokens").iter().find(|token| token.get("pk") == object.get("~token"));
            token.map_or(Value::Null, |token| super::show::whole(store, kind, token, &Default::default()))
        }
        ("sources/oauth", "type") => {
            super::more_rules::source_type(text(object, "provider_type")).cloned().unwrap_or(Value::Null)
        }
        ("sources/oauth", "callback_url") => {
            json!(format!("http://127.0.0.1:9000/source/oauth/callback/{}/", text(object, "slug")))
        }
        ("sources/scim", "root_url") => {
            json!(format!("http://127.0.0.1:9000/source/scim/{}/v2", text(object, "slug")))
        }
        ("sources/ldap" | "sources/kerberos", "connectivity") => Value::Null,
        ("policies/geoip", "countries_obj") => object
            .get("countries")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|code| json!({ "code": code, "name": code }))
            .collect(),
        _ => return None,
    })
}
