//! Checks passwords by logging in, as far as the stage that asks for them (trap 27). The last step, which would make a
//! session and move the date of the last log-in, is not taken.
//!
//! A refused try counts: it is in the log of events, and in the reputation of user and address. So there is one try for
//! each user and run, never another.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Session,
    engine::{Send, Snapshot, Verdict, Wanted, candidates},
};
use crate::{
    http::{Reader, Response, Visitor, path},
    module::{Result, parallel},
};

/// So many stages may come before the one that asks for the password.
const STAGES: usize = 5;
/// Checking a password keeps the server's processor busy.
const AT_ONCE: usize = 4;

/// Checks the passwords that are to be set only where they are wrong.
pub fn check(
    wanted: &[Wanted],
    snapshot: &Snapshot,
    session: &Session,
    reader: Reader<'_>,
) -> Result<BTreeMap<String, Verdict>> {
    let (mut all, mut asked) = (BTreeMap::new(), Vec::new());
    for one in wanted.iter().filter(|one| one.present) {
        let Some(call) = one.calls.iter().find(|call| call.send == Send::WhenWrong) else { continue };
        let key = one.change_key();
        if let Some(verdict) = session.memory.verdict(&key) {
            all.insert(key, verdict);
        } else if let [found] = candidates(snapshot, one, wanted)?.as_slice() {
            asked.push((key, *found, call.body.get("password").and_then(Value::as_str).unwrap_or_default()));
        }
    }
    if asked.is_empty() {
        return Ok(all);
    }
    let brand = Visitor::new(reader)?.get("/api/v3/core/brands/current/")?.value();
    let flow = brand["flow_authentication"].as_str().filter(|flow| !flow.is_empty());
    let verdicts = parallel::each(&asked, AT_ONCE, |(_, user, password)| match flow {
        Some(flow) => try_once(flow, user, password, reader),
        None => Ok(Verdict::Unknown("the brand names no flow to log in by".to_owned())),
    });
    for ((key, ..), verdict) in asked.into_iter().zip(verdicts) {
        // A failed request says nothing of the password, and is no reason to send it again.
        let verdict = verdict.unwrap_or_else(|error| Verdict::Unknown(error.to_string()));
        session.memory.learn(&key, verdict.clone());
        all.insert(key, verdict);
    }
    Ok(all)
}

fn try_once(flow: &str, user: &Value, password: &str, reader: Reader<'_>) -> Result<Verdict> {
    if user["is_active"] == false {
        return Ok(Verdict::Unknown("the user is deactivated, and then every password is refused".to_owned()));
    }
    let address = format!("{}/?query=next%3D%252F", path(&["api", "v3", "flows", "executor", flow]));
    let mut visitor = Visitor::new(reader)?;
    let mut answer = visitor.get(&address)?;
    for _ in 0..STAGES {
        // Between two stages it leads to itself.
        if leads_to_itself(&answer) {
            answer = visitor.get(&address)?;
            continue;
        }
        match next(&answer.value(), user, password) {
            Next::Send(body) => answer = visitor.post(&address, &body)?,
            Next::SendPassword(body) => {
                let answer = visitor.post(&address, &body)?;
                let asked = body["component"].as_str().unwrap_or_default();
                return Ok(judge(leads_to_itself(&answer), &answer.value(), asked));
            }
            Next::Stop(why) => return Ok(Verdict::Unknown(why)),
        }
    }
    Ok(Verdict::Unknown(format!("the flow `{flow}` did not come to ask for a password")))
}

fn leads_to_itself(answer: &Response) -> bool {
    let location = answer.headers.get("location").and_then(|location| location.to_str().ok()).unwrap_or_default();
    (300..400).contains(&answer.status) && location.contains("/api/v3/flows/executor/")
}

/// What to do about a stage.
#[derive(Debug, PartialEq)]
enum Next {
    /// Answer it.
    Send(Value),
    /// Answer it with the password.
    SendPassword(Value),
    /// It asks for something else.
    Stop(String),
}

fn next(stage: &Value, user: &Value, password: &str) -> Next {
    let component = stage["component"].as_str().unwrap_or_default();
    let said = |errors: &Value| !errors.is_null() && *errors != json!({});
    if said(&stage["response_errors"]) {
        return Next::Stop(format!("the flow refused what it was told before the password, at `{component}`"));
    }
    match component {
        "ak-stage-identification" => {
            if !stage["captcha_stage"].is_null() {
                return Next::Stop("the flow asks for a captcha".to_owned());
            }
            let takes = |field: &str| {
                stage["user_fields"].as_array().is_some_and(|fields| fields.iter().any(|one| one == field))
            };
            let value = |name: &str| user[name].as_str().filter(|text| !text.is_empty());
            let name = value("username").filter(|_| takes("username"));
            let Some(name) = name.or(value("email").filter(|_| takes("email"))) else {
                return Next::Stop("the flow takes neither the user's name nor its e-mail address".to_owned());
            };
            match stage["password_fields"] == true {
                true => Next::SendPassword(json!({"component": component, "uid_field": name, "password": password})),
                false => Next::Send(json!({"component": component, "uid_field": name})),
            }
        }
        "ak-stage-password" => {
            let same = |one: &str| one.eq_ignore_ascii_case(user["username"].as_str().unwrap_or_default());
            match stage["pending_user"].as_str().is_some_and(same) {
                true => Next::SendPassword(json!({"component": component, "password": password})),
                false => Next::Stop("the flow asks for the password of somebody else".to_owned()),
            }
        }
        "" => Next::Stop("the flow answered without a stage".to_owned()),
        other => Next::Stop(format!("the flow asks for something else first: `{other}`")),
    }
}

/// What the answer to a password says. Only what is sure counts: passed, or refused for the password.
fn judge(went_on: bool, answer: &Value, asked: &str) -> Verdict {
    if went_on {
        return Verdict::Right;
    }
    let component = answer["component"].as_str().unwrap_or_default();
    let errors = answer["response_errors"].as_object().filter(|errors| !errors.is_empty());
    match errors {
        Some(errors) if component == asked => {
            let about = |name: &String| matches!(name.as_str(), "password" | "non_field_errors");
            let invalid = |said: &Value| {
                said.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(|one| one["code"] == "invalid"))
            };
            match errors.iter().all(|(name, said)| about(name) && invalid(said)) {
                true => Verdict::Wrong,
                false => Verdict::Unknown(format!("the flow refused something at `{component}`")),
            }
        }
        // Asked for a second factor, or done: the password was passed.
        None if component == "xak-flow-redirect" || component.starts_with("ak-stage-authenticator") => Verdict::Right,
        _ => {
            let said = answer["error_message"].as_str().map_or(String::new(), |said| format!(": {said}"));
            Verdict::Unknown(format!("the flow went on to `{component}`{said}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_right_or_wrong_only_where_that_is_sure() {
        let password = "ak-stage-password";
        let refused = |errors: Value| json!({"component": password, "response_errors": errors, "pending_user": "ann"});
        let invalid = json!([{"string": "Invalid password", "code": "invalid"}]);
        let blank = json!([{"string": "This field may not be blank.", "code": "blank"}]);
        assert_eq!(judge(true, &Value::Null, password), Verdict::Right);
        assert_eq!(judge(false, &refused(json!({"password": invalid})), password), Verdict::Wrong);
        for stage in ["ak-stage-authenticator-validate", "ak-stage-authenticator-totp", "xak-flow-redirect"] {
            assert_eq!(judge(false, &json!({"component": stage}), password), Verdict::Right, "{stage}");
        }
        let unsure = [
            refused(json!({"password": blank})),
            refused(json!({"captcha": invalid})),
            refused(json!({})),
            json!({"component": "ak-stage-access-denied", "error_message": "Invalid password"}),
            json!({"component": "ak-stage-flow-error"}),
            // The session was lost, and the flow begins anew.
            json!({"component": "ak-stage-identification", "response_errors": {"non_field_errors": invalid}}),
            Value::Null,
        ];
        for answer in unsure {
            assert!(matches!(judge(false, &answer, password), Verdict::Unknown(_)), "{answer}");
        }
    }

    #[test]
    fn nothing_is_told_to_a_flow_that_asks_for_more() {
        let user = json!({"username": "ann", "email": "ann@x"});
        let stage = |more: Value| {
            let mut stage = json!({"component": "ak-stage-identification", "user_fields": ["username", "email"]});
            for (name, value) in more.as_object().into_iter().flatten() {
                stage[name.as_str()] = value.clone();
            }
            stage
        };
        let component = "ak-stage-identification";
        assert_eq!(
            next(&stage(json!({})), &user, "p"),
            Next::Send(json!({"component": component, "uid_field": "ann"}))
        );
        assert_eq!(
            next(&stage(json!({"user_fields": ["email"], "password_fields": true})), &user, "p"),
            Next::SendPassword(json!({"component": component, "uid_field": "ann@x", "password": "p"}))
        );
        let asks = json!({"component": "ak-stage-password", "pending_user": "Ann"});
        assert!(matches!(next(&asks, &user, "p"), Next::SendPassword(_)));
        let others = [
            stage(json!({"captcha_stage": {}})),
            stage(json!({"user_fields": ["upn"]})),
            stage(json!({"response_errors": {"uid_field": []}})),
            json!({"component": "ak-stage-password", "pending_user": "bob"}),
            json!({"component": "ak-stage-captcha"}),
            Value::Null,
        ];
        for other in others {
            assert!(matches!(next(&other, &user, "p"), Next::Stop(_)), "{other}");
        }
    }
}
