//! The audit log as rows.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    lists,
    time::{self, moment},
};
use crate::{
    http::Reader,
    module::{Error, Object, Result},
};

/// Which events are read.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Events {
    /// The earliest: a time such as `2026-11-25` or `2026-11-25T18:00:00Z`, or how long ago, such as `24h`.
    #[schemars(extend("x-default" = "24h"))]
    pub since: Option<String>,
    /// The latest, written in the same way; by default now.
    pub until: Option<String>,
    /// The user, by name: who did it, or with whose name a login failed.
    pub user: Option<String>,
    /// What happened, such as `login`, `login_failed`, `authorize_application`, `model_updated` or `secret_view`:
    /// one of these.
    pub action: Option<Vec<String>>,
    /// The most events; the newest are given.
    #[schemars(extend("x-default" = 1000))]
    pub limit: Option<usize>,
}

/// The same, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    since: i64,
    until: i64,
    user: Option<String>,
    actions: Vec<String>,
    limit: usize,
}

impl Events {
    /// Checks it.
    pub fn wanted(&self, now: i64) -> Result<Wanted> {
        let since = time::moment_or_ago(self.since.as_deref().unwrap_or("24h"), "since", now)?;
        let until = self.until.as_deref().map_or(Ok(i64::MAX), |text| time::moment_or_ago(text, "until", now))?;
        if since > until {
            return Err(Error::bad_options("events: `since` is later than `until`"));
        }
        let limit = self.limit.unwrap_or(1000);
        Ok(Wanted { since, until, user: self.user.clone(), actions: self.action.clone().unwrap_or_default(), limit })
    }
}

/// Reads them, newest first, and says whether there are more. The list has no filter by time, so it is read until it
/// comes to what is too old.
pub fn read(wanted: &Wanted, reader: Reader<'_>) -> Result<(Vec<Value>, bool)> {
    let mut query = vec![("ordering", "-created")];
    query.extend(wanted.user.iter().map(|user| ("username", user.as_str())));
    query.extend(wanted.actions.iter().map(|action| ("actions", action.as_str())));
    let (mut rows, mut more) = (Vec::new(), false);
    lists::until(reader, "events/events", &query, usize::MAX, |event| {
        match wanted.takes(&event) {
            Taken::Yes if rows.len() >= wanted.limit => more = true,
            Taken::Yes => rows.push(row(&event)),
            Taken::No => {}
            Taken::TooOld => return false,
        }
        !more
    })?;
    Ok((rows, more))
}

#[derive(Debug, PartialEq)]
enum Taken {
    Yes,
    No,
    TooOld,
}

impl Wanted {
    /// Unknown filters give everything (trap 8), so what came is looked at.
    fn takes(&self, event: &Value) -> Taken {
        let created = event["created"].as_str().and_then(moment).unwrap_or_default();
        if created < self.since {
            return Taken::TooOld;
        }
        let named = |user: &String| event["user"]["username"] == *user || event["context"]["username"] == *user;
        let by = self.user.as_ref().is_none_or(named);
        let did = self.actions.is_empty() || self.actions.iter().any(|action| event["action"] == *action);
        if created <= self.until && by && did { Taken::Yes } else { Taken::No }
    }
}

/// One event in a row: what is about the request itself is left out.
pub fn row(event: &Value) -> Value {
    let context = &event["context"];
    let model = &context["model"];
    let what = match (model["model_name"].as_str(), model["name"].as_str()) {
        (Some(kind), Some(name)) if !name.is_empty() => json!(format!("{kind} {name}")),
        (Some(kind), _) => json!(kind),
        _ => context["authorized_application"]["name"]
            .as_str()
            .or(context["message"].as_str())
            .or(context["secret"]["name"].as_str())
            .or(context["username"].as_str())
            .map_or(Value::Null, |text| json!(text)),
    };
    let rest = context.as_object().map(|map| {
        map.iter().filter(|(name, _)| *name != "http_request").map(|(name, value)| (name.clone(), value.clone()))
    });
    json!({
        "created": event["created"],
        "action": event["action"],
        "user": event["user"]["username"],
        // While somebody is impersonated the two differ.
        "on_behalf_of": event["user"]["on_behalf_of"]["username"],
        "what": what,
        "app": event["app"],
        "client_ip": event["client_ip"],
        "request": context["http_request"]["path"],
        "context": Value::Object(rest.into_iter().flatten().collect::<Object>()),
        "pk": event["pk"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(created: &str, action: &str, user: &str) -> Value {
        json!({
            "pk": "e", "created": created, "action": action, "app": "authentik.core.signals", "client_ip": "10.0.0.1",
            "user": {"pk": 6, "username": user},
            "context": {
                "model": {"pk": "x", "app": "authentik_core", "name": "wiki", "model_name": "application"},
                "http_request": {"path": "/api/v3/core/applications/", "method": "POST"},
            },
        })
    }

    #[test]
    fn events_are_taken_by_time_user_and_action_whatever_the_server_gives() {
        let now = moment("2026-11-25T12:00:00Z").expect("a time");
        let options = Events { user: Some("ann".into()), action: Some(vec!["login".into()]), ..Events::default() };
        let wanted = options.wanted(now).expect("events");
        let takes = |created, action, user| wanted.takes(&event(created, action, user));
        assert_eq!(takes("2026-11-25T11:00:00Z", "login", "ann"), Taken::Yes);
        assert_eq!(takes("2026-11-25T11:00:00Z", "login_failed", "ann"), Taken::No);
        assert_eq!(takes("2026-11-25T11:00:00Z", "login", "bob"), Taken::No);
        assert_eq!(takes("2026-11-24T11:00:00Z", "login", "ann"), Taken::TooOld);
        let options = Events { since: Some("2026-11-01".into()), until: Some("7d".into()), ..Events::default() };
        let wanted = options.wanted(now).expect("events");
        assert_eq!(wanted.takes(&event("2026-11-25T11:00:00Z", "x", "y")), Taken::No);
        assert_eq!(wanted.takes(&event("2026-11-10T11:00:00Z", "x", "y")), Taken::Yes);
        let wrong = Events { since: Some("1h".into()), until: Some("2h".into()), ..Events::default() };
        assert!(wrong.wanted(now).is_err());
    }

    #[test]
    fn a_failed_login_is_of_the_name_that_was_tried() {
        let options = Events { user: Some("ann".into()), ..Events::default() };
        let mut failed = event("2026-11-25T11:00:00Z", "login_failed", "AnonymousUser");
        failed["context"] = json!({"username": "ann"});
        let wanted = options.wanted(moment("2026-11-25T12:00:00Z").expect("a time")).expect("events");
        assert_eq!(wanted.takes(&failed), Taken::Yes);
        assert_eq!(row(&failed)["what"], "ann");
    }

    #[test]
    fn a_row_says_what_was_touched_and_leaves_the_request_out() {
        let row = row(&event("2026-11-25T11:00:00Z", "model_created", "ann"));
        assert_eq!(row["what"], "application wiki");
        assert_eq!(row["request"], "/api/v3/core/applications/");
        assert!(row["context"].get("http_request").is_none() && row["context"]["model"]["name"] == "wiki");
    }
}
