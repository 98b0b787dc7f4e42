//! What Grafana's health check says of a data source.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    http::{Reader, Response, path},
    module::{Error, Object, Result, kind::object, signal::interrupted},
};

/// The pause between two tests.
const PAUSE: Duration = Duration::from_millis(500);

/// What one test came to.
#[derive(Debug, PartialEq)]
pub enum Health {
    /// The data source answered as it should.
    Ok(String),
    /// It did not, or Grafana could not ask it.
    Failed(String),
    /// It cannot, and waiting changes nothing.
    Impossible(String),
    /// Its type has no check in the server: nothing is known of it.
    NoCheck(String),
}

/// Tests until it is well or the time is over.
pub fn test(reader: Reader<'_>, uid: &str, within: Duration) -> Health {
    let address = format!("{}/health", path(&["api", "datasources", "uid", uid]));
    let end = Instant::now().checked_add(within);
    let settings = reader.client().settings();
    loop {
        let health =
            reader.get(&address).map(|answer| read(&answer)).unwrap_or_else(|error| Health::Failed(error.to_string()));
        let over = Instant::now() + PAUSE;
        if !matches!(health, Health::Failed(_))
            || end.is_some_and(|end| over >= end)
            || over >= settings.deadline
            || interrupted()
        {
            return health;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Facts 21 and 59: any status but 200 comes with its own shape.
fn read(answer: &Response) -> Health {
    let value = answer.value();
    let word = |key: &str| value[key].as_str().unwrap_or_default();
    let said = match (word("message"), value["details"]["verboseMessage"].as_str()) {
        ("", None) => format!("{} answered {}", answer.path, answer.status),
        (message, Some(details)) if !message.contains(details) => format!("{message}: {details}"),
        (message, _) => message.to_owned(),
    };
    match (answer.status, word("messageId")) {
        (200, _) if word("status") == "OK" => Health::Ok(said),
        (_, "plugin.notRegistered") => Health::Impossible(format!("Grafana has no plugin of its type ({said})")),
        // Types that work in the browser only, such as Alertmanager, and checks that 11.5 has not.
        (_, "plugin.notImplemented" | "plugin.unavailable") => Health::NoCheck(said),
        (401 | 403, _) => Health::Impossible(format!("the caller may not test it ({said})")),
        _ => Health::Failed(said),
    }
}

/// What the result says of it.
pub fn told(name: &str, health: Health, within: Duration) -> Object {
    let entry = |status: &str, message: &str| object([("test", json!({"status": status, "message": message}))]);
    match health {
        Health::Ok(said) => entry("ok", &said),
        Health::NoCheck(said) => {
            let mut out = entry("no_check", &said);
            let why = format!("its connection was not tested: Grafana has no check for its type ({said})");
            out.insert("warnings".into(), json!([why]));
            out
        }
        Health::Failed(ref said) | Health::Impossible(ref said) => {
            let mut out = entry("failed", said);
            let waited = matches!(health, Health::Failed(_)) && !within.is_zero();
            let after = if waited { format!(" for {} s", within.as_secs_f64()) } else { String::new() };
            out.insert("failed".into(), true.into());
            out.insert("error".into(), format!("the test of data source `{name}` failed{after}: {said}").into());
            out
        }
    }
}

/// The time in which a failed test is repeated.
pub fn window(seconds: Option<f64>) -> Result<Duration> {
    let seconds = seconds.unwrap_or(10.0);
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| Error::bad_options(format!("test_timeout is {seconds}, and a number of seconds is needed")))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn answer(status: u16, body: Value) -> Response {
        Response {
            method: "GET".into(),
            path: "/h".into(),
            status,
            headers: Default::default(),
            body: body.to_string().into_bytes(),
        }
    }

    #[test]
    fn each_answer_of_a_health_check_means_what_it_means() {
        let cases = [
            (200, json!({"message": "fine", "status": "OK"}), Health::Ok("fine".into())),
            (400, json!({"message": "no", "status": "ERROR"}), Health::Failed("no".into())),
            (
                400,
                json!({"message": "no", "status": "UNKNOWN", "details": {"verboseMessage": "why"}}),
                Health::Failed("no: why".into()),
            ),
            (
                404,
                json!({"messageId": "plugin.notRegistered", "message": "Plugin not registered"}),
                Health::Impossible("Grafana has no plugin of its type (Plugin not registered)".into()),
            ),
            (404, json!({"messageId": "plugin.notImplemented", "message": "m"}), Health::NoCheck("m".into())),
            (500, json!({"messageId": "plugin.unavailable", "message": "m"}), Health::NoCheck("m".into())),
            (500, json!({"messageId": "plugin.healthCheck", "message": "m"}), Health::Failed("m".into())),
            (
                500,
                json!({"message": "Unable to load datasource metadata"}),
                Health::Failed("Unable to load datasource metadata".into()),
            ),
        ];
        for (status, body, expected) in cases {
            assert_eq!(read(&answer(status, body.clone())), expected, "{status} {body}");
        }
    }

    #[test]
    fn a_type_without_a_check_is_neither_well_nor_a_failure() {
        let told = told("am", Health::NoCheck("Plugin unavailable".into()), Duration::ZERO);
        assert_eq!((told["test"]["status"].as_str(), told.get("failed")), (Some("no_check"), None));
    }
}
