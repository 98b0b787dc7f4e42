//! Dashboards by /api: reads, history, restore, tags (grafana.md facts 36-38 and 63).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::auth::Role;
use crate::call::{Context, integer, sorted};
use crate::dashboards::{Dashboard, Save, Version, commit, saved};
use crate::reply::{Answer, Reply, forbidden, message, ok};
use crate::text::slug;

/// 404, with a title for those who are no admins [core_transport].
pub(crate) fn absent(cx: &Context) -> Reply {
    if cx.who.role == Role::Admin || cx.old() {
        message(404, "Dashboard not found")
    } else {
        Reply::json(404, json!({ "message": "Dashboard not found", "title": "Not found" }))
    }
}

/// Finds a dashboard that the one who asks may read.
fn find<'a>(cx: &'a Context, uid: &str) -> Result<&'a Dashboard, Reply> {
    let Some(found) = cx.look().dashboards.get(uid) else {
        // 11.5 tells a viewer nothing of what is there (grafana.md fact 62).
        let refused = cx.old() && cx.who.role < Role::Admin;
        return Err(if refused { forbidden("dashboards:read") } else { absent(cx) });
    };
    if cx.dashboard_level(found) < 1 {
        let old = message(403, "Access denied to this dashboard");
        return Err(if cx.old() { old } else { forbidden("dashboards:read") });
    }
    Ok(found)
}

/// `GET /api/dashboards/uid/:uid`.
pub(crate) fn get(cx: &mut Context, uid: &str) -> Answer {
    let d = find(cx, uid)?;
    let level = cx.dashboard_level(d);
    let folder = cx.look().folders.get(&d.folder);
    // Nobody is named until the first update (grafana.md fact 54).
    let (maker, changer) = match &d.updated_by {
        Some(by) => (cx.author(&d.created_by), cx.author(by)),
        None if cx.old() => (cx.author(&d.created_by), cx.author(&d.created_by)),
        None => ("Anonymous".to_owned(), "Anonymous".to_owned()),
    };
    let may = |yes: bool| json!({ "canAdd": yes, "canEdit": yes, "canDelete": yes });
    let provisioned = d.provisioned.as_ref();
    let mut meta = json!({
        "type": "db", "canSave": level >= 2, "canEdit": level >= 2, "canAdmin": level >= 4, "canStar": true,
        "canDelete": level >= 2, "slug": slug(&d.title), "url": d.url(), "expires": "0001-01-01T00:00:00Z",
        "created": d.created, "updated": d.updated, "updatedBy": changer, "createdBy": maker, "version": d.version,
        "hasAcl": false, "isFolder": false, "apiVersion": "v0alpha1",
        "folderId": if cx.old() { folder.map_or(0, |f| f.id) } else { 0 },
        "folderUid": d.folder, "folderTitle": folder.map_or("General", |f| &f.title),
        "folderUrl": folder.map_or(String::new(), |f| f.url()),
        "provisioned": provisioned.is_some_and(|p| !p.ui_updates),
        "provisionedExternalId": provisioned.map_or("", |p| &p.file),
        "annotationsPermissions": { "dashboard": may(level >= 2), "organization": may(cx.who.role >= Role::Editor) },
    });
    if cx.old() {
        meta.as_object_mut().expect("is an object").shift_remove("apiVersion");
    }
    let mut body = crate::k8s::legacy(&d.spec, d.api);
    body["id"] = json!(d.id);
    body["uid"] = json!(d.uid);
    body["version"] = json!(d.version);
    ok(json!({ "meta": meta, "dashboard": sorted(body) }))
}

/// One entry of the history.
fn shown(cx: &Context, d: &Dashboard, version: &Version) -> Value {
    let mut data = crate::k8s::legacy(&version.spec, version.api);
    data["uid"] = json!(d.uid);
    data["version"] = json!(version.version);
    // In 11.5 the first save has no id yet, later ones have [11.5/dashboards_versions].
    if cx.old() && version.version > 1 {
        data["id"] = json!(d.id);
    }
    json!({
        "id": version.version, "dashboardId": d.id, "uid": d.uid, "parentVersion": version.parent,
        "restoredFrom": version.restored_from, "version": version.version, "created": version.created,
        "message": version.message, "data": sorted(data), "createdBy": cx.author(&version.created_by),
    })
}

/// `GET /api/dashboards/uid/:uid/versions`: newest first, a bare list in 11.5.
pub(crate) fn versions(cx: &mut Context, uid: &str) -> Answer {
    let d = find(cx, uid)?;
    let limit = cx.call.number("limit").filter(|n| *n > 0).unwrap_or(1000) as usize;
    let token = cx.call.query("continueToken").filter(|t| !t.is_empty() && !cx.old());
    let start = match token {
        Some(token) => offset(token).ok_or_else(|| message(500, "error decoding continue token"))?,
        None if cx.old() => cx.call.number("start").unwrap_or(0).max(0) as usize,
        None => 0,
    };
    let list: Vec<Value> = d.history.iter().rev().skip(start).take(limit).map(|v| shown(cx, d, v)).collect();
    if cx.old() {
        return ok(Value::Array(list));
    }
    let more = start + list.len() < d.history.len();
    let token = if more { token_for(start + list.len(), d.resource) } else { String::new() };
    ok(json!({ "continueToken": token, "versions": list }))
}

/// The token that goes on at an offset.
pub(crate) fn token_for(offset: usize, resource: i64) -> String {
    STANDARD.encode(format!("{{\"o\":{offset},\"v\":{resource},\"s\":false}}"))
}

/// The offset of such a token.
pub(crate) fn offset(token: &str) -> Option<usize> {
    let decoded: Value = serde_json::from_slice(&STANDARD.decode(token).ok()?).ok()?;
    decoded["o"].as_u64().map(|o| o as usize)
}

/// `GET /api/dashboards/uid/:uid/versions/:version`; an unknown one is a 500 (grafana.md fact 37).
pub(crate) fn version(cx: &mut Context, uid: &str, version: &str) -> Answer {
    let d = find(cx, uid)?;
    let found = version.parse().ok().and_then(|n: i64| d.history.iter().find(|v| v.version == n));
    match found {
        Some(found) => ok(shown(cx, d, found)),
        None => Err(message(500, format!("Dashboard version {version} not found for dashboardId {}", d.id))),
    }
}

/// `POST /api/dashboards/uid/:uid/restore`.
pub(crate) fn restore(cx: &mut Context, uid: &str) -> Answer {
    let wanted = integer(&cx.call.object()?, "version")?;
    let d = find(cx, uid)?;
    let Some(version) = d.history.iter().find(|v| v.version == wanted) else {
        return Err(message(404, if cx.old() { "Dashboard version not found" } else { "Dashboard not found" }));
    };
    if version.spec == d.spec && !cx.old() {
        return Err(message(400, "Current dashboard is identical to the specified version"));
    }
    let save = Save {
        id: None,
        uid: uid.to_owned(),
        title: version.title.clone(),
        version: None,
        spec: (*version.spec).clone(),
        api: version.api,
        folder: d.folder.clone(),
        overwrite: true,
        message: format!("Restored from version {wanted}"),
    };
    commit(cx, save, wanted)?;
    ok(saved(cx, uid))
}

/// `GET /api/dashboards/tags`: most used first.
pub(crate) fn tags(cx: &mut Context) -> Answer {
    let mut counts: std::collections::BTreeMap<&str, usize> = Default::default();
    for d in cx.look().dashboards.values().filter(|d| cx.dashboard_level(d) >= 1) {
        let mut own = d.tags();
        own.sort_unstable();
        own.dedup();
        own.into_iter().for_each(|tag| *counts.entry(tag).or_default() += 1);
    }
    let mut list: Vec<_> = counts.into_iter().collect();
    list.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    ok(list.into_iter().map(|(term, count)| json!({ "term": term, "count": count })).collect())
}
