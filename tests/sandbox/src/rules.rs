//! Alert rules, enough to lie in folders and hold them (grafana.md fact 28, grafana-access.md facts 27-30).

use serde_json::{Value, json};

use crate::auth::Role;
use crate::call::{Context, text};
use crate::reply::{Answer, Reply, message, ok};
use crate::text::now_nanos;

const READ: &str = "any of alert.provisioning:read, alert.rules.provisioning:read, alert.provisioning.secrets:read, \
                    all of alert.rules:read, folders:read";
const WRITE: &str = "any of alert.provisioning:write, alert.rules.provisioning:write, all of alert.rules:";

/// `GET /api/v1/provisioning/alert-rules`.
pub(crate) fn list(cx: &mut Context) -> Answer {
    cx.need(Role::Viewer, READ)?;
    let mut all: Vec<&Value> = cx.look().rules.values().collect();
    all.sort_by_key(|r| r["id"].as_i64());
    ok(all.into_iter().cloned().collect())
}

/// `GET /api/v1/provisioning/alert-rules/:uid`; an unknown one is a 404 without a body.
pub(crate) fn get(cx: &mut Context, uid: &str) -> Answer {
    cx.need(Role::Viewer, READ)?;
    cx.look().rules.get(uid).map(|rule| Reply::json(200, rule.clone())).ok_or_else(|| Reply::empty(404))
}

/// `POST /api/v1/provisioning/alert-rules` and `PUT …/:uid`.
pub(crate) fn save(cx: &mut Context, known: Option<&str>) -> Answer {
    let verb = if known.is_some() { "write" } else { "create" };
    cx.need(Role::Editor, &format!("{WRITE}{verb}, alert.provisioning.provenance:write"))?;
    let body = cx.call.object()?;
    let bad = |what: &str| message(400, format!("invalid alert rule: {what}"));
    let (title, group, folder) = (text(&body, "title")?, text(&body, "ruleGroup")?, text(&body, "folderUID")?);
    if title.is_empty() {
        return Err(bad("title is empty"));
    }
    let states = (text(&body, "noDataState")?, text(&body, "execErrState")?);
    if !matches!(states.0.as_str(), "NoData" | "OK" | "Alerting" | "KeepLast") {
        return Err(bad(&format!("unknown NoData state option {}", states.0)));
    }
    if !matches!(states.1.as_str(), "Error" | "OK" | "Alerting" | "KeepLast") {
        return Err(bad(&format!("unknown Error state option {}", states.1)));
    }
    if group.is_empty() && !cx.old() {
        return Err(bad("interval (0s) should be non-zero and divided exactly by scheduler interval: 10"));
    }
    if !cx.look().folders.contains_key(&folder) {
        return Err(bad("folder does not exist"));
    }
    let wanted = text(&body, "uid")?;
    let (uid, id) = match known {
        Some(uid) => {
            let there = cx.look().rules.get(uid).ok_or_else(|| Reply::empty(404))?;
            (uid.to_owned(), there["id"].as_i64().unwrap_or(0))
        }
        None => {
            if cx.look().rules.contains_key(&wanted) {
                return Err(conflict(cx.org, &wanted));
            }
            // An id in the body is honoured (grafana-access.md fact 28).
            let id = body.get("id").and_then(Value::as_i64).filter(|id| *id > 0);
            let uid = if wanted.is_empty() { cx.state.ids.uid() } else { wanted };
            (uid, id.unwrap_or_else(|| cx.state.ids.next("rule")))
        }
    };
    let word = |key: &str, default: &str| body.get(key).and_then(Value::as_str).unwrap_or(default).to_owned();
    let mut rule = json!({
        "id": id, "uid": uid, "orgID": cx.org, "folderUID": folder, "ruleGroup": group, "title": title,
        "condition": word("condition", ""), "data": queries(body.get("data"), cx.old()), "updated": now_nanos(),
        "noDataState": states.0, "execErrState": states.1, "for": word("for", "0s"),
    });
    if !cx.old() {
        rule["keep_firing_for"] = json!(word("keep_firing_for", "0s"));
    }
    for key in ["annotations", "labels"] {
        if let Some(map) = body.get(key).filter(|m| m.as_object().is_some_and(|m| !m.is_empty())) {
            rule[key] = map.clone();
        }
    }
    rule["provenance"] = json!("api");
    rule["isPaused"] = json!(body.get("isPaused").and_then(Value::as_bool).unwrap_or(false));
    rule["notification_settings"] = body.get("notification_settings").cloned().unwrap_or(Value::Null);
    rule["record"] = body.get("record").cloned().unwrap_or(Value::Null);
    cx.store().rules.insert(uid, rule.clone());
    Ok(Reply::json(if known.is_some() { 200 } else { 201 }, rule))
}

fn conflict(org: i64, uid: &str) -> Reply {
    let cause = "UNIQUE constraint failed: alert_rule.org_id, alert_rule.uid";
    let text = format!("Failed to save alert rule '{uid}' in organization {org} due to conflict: {cause}");
    let extra = json!({ "Error": cause, "OrgID": org, "RuleUID": uid });
    Reply::json(
        409,
        json!({ "statusCode": 409, "messageId": "alerting.alert-rule.conflict", "message": text, "extra": extra }),
    )
}

/// Queries with what Grafana adds to them.
fn queries(data: Option<&Value>, old: bool) -> Value {
    let one = |query: &Value| {
        let mut model = query["model"].as_object().cloned().unwrap_or_default();
        // 11.5 leaves the model without it.
        if !old {
            model.insert("refId".to_owned(), query["refId"].clone());
        }
        model.entry("intervalMs").or_insert(json!(1000));
        model.entry("maxDataPoints").or_insert(json!(43200));
        let range = query.get("relativeTimeRange").cloned().unwrap_or(json!({ "from": 0, "to": 0 }));
        json!({
            "refId": query["refId"], "queryType": query["queryType"].as_str().unwrap_or_default(),
            "relativeTimeRange": range, "datasourceUid": query["datasourceUid"],
            "model": crate::call::sorted(Value::Object(model)),
        })
    };
    data.and_then(Value::as_array).map_or(json!([]), |list| list.iter().map(one).collect())
}

/// `DELETE /api/v1/provisioning/alert-rules/:uid`: always 204.
pub(crate) fn delete(cx: &mut Context, uid: &str) -> Answer {
    cx.need(Role::Editor, &format!("{WRITE}delete, alert.provisioning.provenance:write"))?;
    cx.store().rules.remove(uid);
    Ok(Reply::empty(204))
}
