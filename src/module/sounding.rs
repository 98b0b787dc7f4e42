//! Keys that sound as if their values were secrets. Where an option takes any map nobody says which of them are,
//! and no result is to repeat one.

use serde_json::Value;

use super::{
    coerce::nearest,
    spec::{Object, Spec},
};
use crate::http::Base;

/// The values in what a task sent that sound like secrets, and passwords in addresses. The module's own options
/// are not guessed at: they say themselves whether they are secret.
pub fn sent(args: &Object, spec: &Spec) -> Vec<String> {
    let mut all = Vec::new();
    for (key, value) in args {
        below(key, value, spec, &mut all);
    }
    all
}

fn below(key: &str, value: &Value, spec: &Spec, all: &mut Vec<String>) {
    let known = spec.find(key);
    // A misspelt option holds what the right one would.
    let misspelt = || nearest(spec, key).is_some_and(|(option, _)| option.no_log);
    let secret = known.is_none() && (is_secret(key) || misspelt());
    match value {
        Value::Object(entries) => match known.and_then(|option| option.options.as_ref()) {
            Some(inside) => entries.iter().for_each(|(key, value)| below(key, value, inside, all)),
            None => collect(value, secret, all),
        },
        Value::Array(items) => items.iter().for_each(|item| below(key, item, spec, all)),
        value => {
            if let Some(text) = value.as_str().filter(|text| text.contains("://")) {
                all.extend(Base::passwords_in(text));
            }
            collect(value, secret, all);
        }
    }
}

/// Takes up the values below `value` that sound like secrets; `secret` says whether its own key does.
pub fn collect(value: &Value, secret: bool, all: &mut Vec<String>) {
    match value {
        Value::String(text) if secret => all.push(text.clone()),
        Value::Number(number) if secret => all.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, secret, all)),
        Value::Object(entries) => {
            entries.iter().for_each(|(key, value)| collect(value, is_secret(key) || secret && !is_about(key), all));
        }
        _ => {}
    }
}

/// Whether a key sounds as if its value were a secret.
pub fn is_secret(key: &str) -> bool {
    const SOUNDS: [&str; 9] =
        ["password", "passwd", "passphrase", "pwd", "secret", "token", "apikey", "privatekey", "accesskey"];
    let key = plain(key);
    let short = key.ends_with("pass") && !key.ends_with("bypass") && !key.ends_with("compass");
    (short || SOUNDS.iter().any(|sound| key.contains(sound))) && !is_about(&key)
}

/// Whether a key is about a secret and does not hold it: `tokenUri`, `secretName`, `accessTokenValidity`.
fn is_about(key: &str) -> bool {
    const ABOUT: [&str; 23] = [
        "url",
        "uri",
        "name",
        "type",
        "id",
        "path",
        "file",
        "field",
        "method",
        "mode",
        "audience",
        "scope",
        "endpoint",
        "expiration",
        "ttl",
        "version",
        "validity",
        "duration",
        "threshold",
        "expiry",
        "date",
        "identifier",
        "length",
    ];
    let key = plain(key);
    ABOUT.iter().any(|about| key.ends_with(about))
}

/// A key without its case and its separators.
pub fn plain(key: &str) -> String {
    key.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::grafana::datasource::DatasourceKind;

    #[test]
    fn what_is_about_a_secret_is_none() {
        for key in ["access_token_validity", "default_token_duration", "password_change_date", "tokenIdentifier"] {
            assert!(!is_secret(key), "{key}");
        }
        for key in ["client_secret", "access_token", "bind_password", "updateToken"] {
            assert!(is_secret(key), "{key}");
        }
    }

    #[test]
    fn what_a_refused_task_holds_is_guessed_and_options_are_not() {
        let args = json!({
            "ds_url": "https://me:in-the-address@h", "update_secrets": "always", "nmae": "no",
            "additional_json_data": {"password": "a-password", "tlsAuth": true},
            "datasources": [{"additional_json_data": {"apiToken": "a-token"}, "update_secrets": "on_create"}],
            "passwrod_secret": "mistyped", "url_pasword": "one-s", "basic_auth_pasword": 47_110, "tokn": ["in-a-list"],
            "db_pass": "short", "bypass": "no", "compass": "no", "secure_json_dat": {"x": "in-a-map"},
        });
        let mut all = sent(args.as_object().expect("a map"), &crate::module::task::spec::<DatasourceKind>());
        all.sort();
        let misspelt = ["47110", "in-a-list", "in-a-map", "mistyped", "one-s", "short"];
        let mut expected = [["a-password", "a-token", "in-the-address"].as_slice(), &misspelt].concat();
        expected.sort_unstable();
        assert_eq!(all, expected);
    }
}
