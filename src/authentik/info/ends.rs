//! Credentials that end soon, and tokens that never do.

use serde_json::{Value, json};

use super::time::{DAY, moment};

/// Rows of what ends by then, soonest first, and then of tokens without an end:
/// `{kind, name, user, expires, days, never, managed, fix}`.
pub fn rows(tokens: &[Value], certificates: &[Value], now: i64, within: i64) -> Vec<Value> {
    let mut rows: Vec<(i64, Value)> = Vec::new();
    for token in tokens {
        let kind = match token["intent"].as_str().unwrap_or_default() {
            "api" => "API token",
            "app_password" => "app password",
            "recovery" => "recovery link",
            "verification" => "verification token",
            other => other,
        };
        let name = token["identifier"].as_str().unwrap_or_default();
        // A token that does not expire keeps the date of its making all the same.
        let ends = token["expires"].as_str().filter(|_| token["expiring"] != false);
        let made_by_service = !token["managed"].is_null();
        let fix = match (ends, made_by_service) {
            (_, true) => "nothing: authentik made it for an outpost or a source, and deletes it with that".to_owned(),
            // A date is no way out for all: authentik ends a token for the API half an hour after each change (trap 14).
            (None, _) => format!(
                "`authentik_token` with `identifier: {name}` and a new `key` from time to time; `state: absent` if \
                 nothing uses it"
            ),
            (Some(_), _) => format!(
                "make a new one before with `authentik_token` and give it to what uses it; `state: absent` with \
                 `identifier: {name}` if nothing does"
            ),
        };
        let row = json!({
            "kind": kind, "name": name, "user": token["user_obj"]["username"], "managed": token["managed"], "fix": fix,
        });
        rows.extend(placed(row, ends, now, within));
    }
    for certificate in certificates {
        let name = certificate["name"].as_str().unwrap_or_default();
        let made_by_service = !certificate["managed"].is_null();
        let fix = match made_by_service {
            true => "nothing: authentik makes and renews it itself, or finds it as files".to_owned(),
            false => format!(
                "`authentik_certificate` with `name: {name}` and a new certificate: what refers to it by name keeps \
                 doing so"
            ),
        };
        let row =
            json!({"kind": "certificate", "name": name, "user": null, "managed": certificate["managed"], "fix": fix});
        // A pair without a date that can be read is no token: it is not said to live for ever.
        if let Some(ends) = certificate["cert_expiry"].as_str() {
            rows.extend(placed(row, Some(ends), now, within));
        }
    }
    rows.sort_by_key(|(ends, row)| (*ends, row["name"].as_str().map(str::to_owned)));
    rows.into_iter().map(|(_, row)| row).collect()
}

/// A row with its dates, if it ends by then or never.
fn placed(mut row: Value, ends: Option<&str>, now: i64, within: i64) -> Option<(i64, Value)> {
    let at = match ends {
        Some(text) => moment(text)?,
        None => i64::MAX,
    };
    if ends.is_some() && at.saturating_sub(now) > within {
        return None;
    }
    row["expires"] = json!(ends);
    // What ended an hour ago ended a day ago, and not today.
    row["days"] = ends.map_or(Value::Null, |_| json!((at - now).div_euclid(DAY)));
    row["never"] = json!(ends.is_none());
    Some((at, row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_within_the_span_and_what_never_ends_is_told() {
        let now = moment("2026-11-25T00:00:00Z").expect("a time");
        let token = |name: &str, expires: Value, expiring: bool| {
            json!({
                "identifier": name, "intent": "app_password", "expires": expires, "expiring": expiring,
                "user_obj": {"username": "ann"}, "managed": null,
            })
        };
        let tokens = [
            token("later", json!("2027-03-01T00:00:00Z"), true),
            // The date is that of its making, and means nothing.
            token("never", json!("2026-11-25T00:30:00Z"), false),
            token("soon", json!("2026-12-01T12:00:00Z"), true),
            token("gone", json!("2026-11-24T23:00:00Z"), true),
        ];
        let certificates = [
            json!({"name": "web", "cert_expiry": "2026-11-30T00:00:00Z", "managed": null}),
            json!({"name": "far", "cert_expiry": "2028-01-01T00:00:00Z", "managed": null}),
            json!({"name": "unreadable", "cert_expiry": null, "managed": null}),
        ];
        let rows = rows(&tokens, &certificates, now, 30 * DAY);
        let told: Vec<(&str, &Value, &Value)> =
            rows.iter().map(|row| (row["name"].as_str().unwrap_or_default(), &row["days"], &row["never"])).collect();
        let (no, yes) = (json!(false), json!(true));
        let expected = [
            ("gone", &json!(-1), &no),
            ("web", &json!(5), &no),
            ("soon", &json!(6), &no),
            ("never", &Value::Null, &yes),
        ];
        assert_eq!(told, expected);
        assert_eq!(rows[0]["kind"], "app password");
        assert_eq!(rows[0]["user"], "ann");
        assert!(rows[3]["fix"].as_str().is_some_and(|fix| fix.contains("a new `key`")));
    }
}
