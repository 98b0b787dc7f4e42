//! What is read goes to the result without its secrets and without what is only for pages.

use serde_json::Value;

use crate::{
    authentik::{fields, table},
    http::Base,
    module::{
        secret::{self, STARS},
        sounding,
    },
};

/// What is shown for people on pages and helps nobody in a play.
const NOISE: [&str; 4] = ["avatar", "component", "verbose_name", "verbose_name_plural"];

/// Values that hold secrets under names that do not sound so: of any kind, or of one.
const SECRETS: [(&str, &str); 6] = [
    ("", "kubeconfig"),
    ("", "credentials"),
    ("", "webhook_url"),
    ("", "headers"),
    ("stages/authenticator/sms", "auth"),
    ("enterprise/license", "key"),
];

/// Takes the noise out of an object of that kind and puts stars in the place of its secrets.
pub fn conceal(path: &str, object: &mut Value) {
    match object {
        Value::Object(entries) => {
            entries.retain(|name, _| !NOISE.contains(&name.as_str()));
            for (name, value) in entries {
                let known = SECRETS.iter().any(|(of, field)| *field == name && (of.is_empty() || *of == path));
                match known {
                    true => stars(value),
                    false if is_reference(path, name) => {}
                    false => below(path, name, value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| conceal(path, item)),
        Value::String(text) if text.contains("://") => {
            secret::hide(Base::passwords_in(text).iter().map(String::as_str));
        }
        _ => {}
    }
}

fn below(path: &str, name: &str, value: &mut Value) {
    let secret = sounding::is_secret(name);
    match value {
        // Only texts: numbers under such names are lengths and counts.
        Value::String(text) if secret && !text.is_empty() => stars(value),
        Value::Array(items) if secret && items.iter().all(Value::is_string) => items.iter_mut().for_each(stars),
        other => conceal(path, other),
    }
}

/// Whether a field holds the id of another object: `password_stage` is no password.
fn is_reference(path: &str, name: &str) -> bool {
    let Some(row) = table::row(path) else { return false };
    fields::find(path, name).is_some_and(|field| table::target(row, field).is_some())
}

/// Each text in it as stars; it is also hidden wherever else it stands.
fn stars(value: &mut Value) {
    match value {
        Value::String(text) if !text.is_empty() => {
            secret::hide([text.as_str()]);
            *text = STARS.to_owned();
        }
        Value::Array(items) => items.iter_mut().for_each(stars),
        Value::Object(entries) => entries.iter_mut().for_each(|(_, value)| stars(value)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn concealed(path: &str, mut object: Value) -> Value {
        conceal(path, &mut object);
        object
    }

    #[test]
    fn secrets_become_stars_and_what_is_about_them_stays() {
        let provider = json!({
            "name": "wiki", "client_id": "an-id", "client_secret": "a-client-secret", "avatar": "data:",
            "access_token_validity": "minutes=5", "refresh_token_threshold": "seconds=0", "password_change_date": "2026",
        });
        let shown = concealed("providers/oauth2", provider);
        let stay = json!({
            "name": "wiki", "client_id": "an-id", "client_secret": STARS,
            "access_token_validity": "minutes=5", "refresh_token_threshold": "seconds=0", "password_change_date": "2026",
        });
        assert_eq!(shown, stay);
        let reference = json!({"password_stage": "0ba1f8b5-8a5e-4a3c-9d43-5f1a3c1f1f0e"});
        assert_eq!(concealed("stages/identification", reference.clone()), reference);
        let settings = json!({"default_token_duration": "minutes=30", "default_token_length": 60});
        assert_eq!(concealed("admin/settings", settings.clone()), settings);
    }

    #[test]
    fn secrets_under_other_names_and_deep_below_are_found() {
        let shown =
            concealed("outposts/service_connections/kubernetes", json!({"kubeconfig": {"users": [{"t": "abcd1234"}]}}));
        assert_eq!(shown["kubeconfig"]["users"][0]["t"], STARS);
        let shown =
            concealed("core/users", json!({"attributes": {"wifi": {"password": "of-the-wifi"}, "phone": "555"}}));
        assert_eq!(shown["attributes"], json!({"wifi": {"password": STARS}, "phone": "555"}));
        assert_eq!(concealed("stages/authenticator/sms", json!({"auth": "twilio-token"}))["auth"], STARS);
        assert_eq!(concealed("stages/captcha", json!({"auth": "something"}))["auth"], "something");
        assert_eq!(concealed("providers/scim", json!({"token": ""}))["token"], "");
    }
}
