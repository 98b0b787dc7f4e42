//! Secrets where none belong: in the address, and among the settings that everybody may read. They are there
//! all the same (community.grafana keeps Zabbix's password so), and no result is to repeat them.

use serde_json::Value;

use super::{DatasourceOptions, compare::FINGERPRINT};
use crate::{
    http::Base,
    module::{
        Object, secret,
        sounding::{collect, is_secret, plain},
    },
};

/// From now on no output shows these.
pub fn hide(values: impl IntoIterator<Item = String>) {
    let all: Vec<String> = values.into_iter().collect();
    secret::hide(all.iter().map(String::as_str));
}

/// Those that a task has in options that are not for them.
pub fn given(options: &DatasourceOptions) -> Vec<String> {
    found(options.ds_url.as_deref(), options.additional_json_data.as_ref())
}

/// Those of a data source that is there.
pub fn stored(stored: &Value) -> Vec<String> {
    found(stored["url"].as_str(), stored["jsonData"].as_object())
}

fn found(url: Option<&str>, json: Option<&Object>) -> Vec<String> {
    let mut all = url.map(Base::passwords_in).unwrap_or_default();
    // A value that only repeats its key holds no secret: Azure's `clientsecret` says "clientsecret".
    let repeats = |key: &str, value: &Value| value.as_str().is_some_and(|text| plain(text) == plain(key));
    for (key, value) in json.into_iter().flatten().filter(|(key, value)| *key != FINGERPRINT && !repeats(key, value)) {
        collect(value, is_secret(key), &mut all);
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_sounds_like_a_secret_is_found_at_every_depth() {
        let one = json!({"url": "http://u:in-the-url@h", "jsonData": {
            "password": "a", "api_key": "b", "apiToken": "c", "nested": [{"client-secret": "d", "x": "no"}],
            "pwd": 4711, "token": {"value": "e", "type": "no"}, "secret": true,
            "tokenUri": "no", "secretName": "no", "accessKeyId": "no", "tlsAuth": true, "username": "no",
            FINGERPRINT: "no", "tokenType": "no", "oauthPassThru": true,
        }});
        let mut all = stored(&one);
        all.sort();
        assert_eq!(all, ["4711", "a", "b", "c", "d", "e", "in-the-url"]);
    }
}
