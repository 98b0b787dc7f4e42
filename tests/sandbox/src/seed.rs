//! Objects that are put in place without the API: provisioned ones, and many at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::auth::{Kind, Role, Who};
use crate::call::{Call, Context, sorted};
use crate::dashboards::{Dashboard, Provisioned};
use crate::datasources::DataSource;
use crate::folders::{NewFolder, insert};
use crate::reply::{Answer, message, ok};
use crate::server::{Server, lock};
use crate::text::now;

/// `POST /_sandbox/seed`: `{org?, datasources: [{…, editable?}], dashboards: [{dashboard, folder?, file?,
/// allowUiUpdates?}], folders: n, plain_dashboards: n, plain_datasources: n}`. The first two are provisioned.
pub(crate) fn seed(server: &Server, body: &Value) -> Answer {
    const KEYS: [&str; 7] =
        ["org", "datasources", "dashboards", "folders", "plain_dashboards", "plain_datasources", "alert_rules"];
    let keys = body.as_object().ok_or_else(|| message(400, "a seed is an object"))?;
    if let Some(key) = keys.keys().find(|k| !KEYS.contains(&k.as_str())) {
        return Err(message(400, format!("unknown key {key}")));
    }
    let mut state = lock(&server.state);
    let org = body["org"].as_i64().unwrap_or(1);
    if !state.orgs.contains_key(&org) {
        return Err(message(400, format!("no organisation {org}")));
    }
    let call = Call::new("POST", "/_sandbox/seed", "", Default::default(), Default::default());
    let admin = state.users.get(&1).map_or(String::new(), |u| u.uid.clone());
    let who = Who { kind: Kind::User(1), role: Role::Admin, server_admin: true, login: "admin".to_owned(), uid: admin };
    let mut cx = Context {
        state: &mut state,
        profile: server.config.profile,
        call: &call,
        who,
        org,
        checked: None,
        rights: None,
    };
    for list in ["datasources", "dashboards"] {
        for entry in body[list].as_array().unwrap_or(&Vec::new()) {
            cx.store().provisioned.push((list, entry.clone()));
        }
    }
    provision(&mut cx, "datasources");
    provision(&mut cx, "dashboards");
    let many = |key: &str| body[key].as_u64().unwrap_or(0);
    for n in 0..many("folders") {
        let (uid, title) = (format!("seed-f{n}"), format!("Seed folder {n}"));
        insert(&mut cx, NewFolder { uid, title, description: None, parent: String::new() });
    }
    for n in 0..many("plain_datasources") {
        let entry = json!({ "uid": format!("seed-s{n}"), "name": format!("Seed source {n}"), "type": "prometheus",
            "url": "http://127.0.0.1:9090", "editable": true });
        put_source(&mut cx, &entry);
    }
    for n in 0..many("plain_dashboards") {
        let spec =
            json!({ "title": format!("Seed dashboard {n}"), "tags": ["seed"], "schemaVersion": 42, "panels": [] });
        put_dashboard(&mut cx, format!("seed-d{n}"), &spec, String::new(), None);
    }
    for entry in body["alert_rules"].as_array().unwrap_or(&Vec::new()) {
        let uid = entry["uid"].as_str().map_or_else(|| cx.state.ids.uid(), str::to_owned);
        let mut rule = entry.clone();
        rule["uid"] = json!(uid);
        rule["id"] = json!(cx.state.ids.next("rule"));
        cx.store().rules.insert(uid, rule);
    }
    ok(json!({ "message": "done" }))
}

/// `POST /api/admin/provisioning/<what>/reload`: sets the provisioned ones back (grafana.md fact 22).
pub(crate) fn reload(cx: &mut Context, what: &str) -> Answer {
    provision(cx, what);
    let noun = if what == "dashboards" { "Dashboards" } else { "Datasources" };
    ok(json!({ "message": format!("{noun} config reloaded") }))
}

fn provision(cx: &mut Context, what: &str) {
    let entries: Vec<Value> =
        cx.look().provisioned.iter().filter(|(kind, _)| *kind == what).map(|(_, entry)| entry.clone()).collect();
    for entry in entries {
        if what == "datasources" {
            put_source(cx, &entry);
            continue;
        }
        let uid = entry["dashboard"]["uid"].as_str().map_or_else(|| cx.state.ids.uid(), str::to_owned);
        let folder = match entry["folder"].as_str() {
            None | Some("") => String::new(),
            Some(title) => folder_titled(cx, title),
        };
        let file = entry["file"].as_str().map_or_else(|| format!("{uid}.json"), str::to_owned);
        let ui_updates = entry["allowUiUpdates"].as_bool().unwrap_or(false);
        put_dashboard(cx, uid, &entry["dashboard"], folder, Some(Provisioned { file, ui_updates }));
    }
}

fn folder_titled(cx: &mut Context, title: &str) -> String {
    if let Some(found) = cx.look().folders.values().find(|f| f.title == title && f.managed_by.is_some()) {
        return found.uid.clone();
    }
    let wanted = NewFolder { uid: String::new(), title: title.to_owned(), description: None, parent: String::new() };
    let uid = insert(cx, wanted);
    let folder = cx.store().folders.get_mut(&uid).expect("was just made");
    folder.managed_by = Some("classic-file-provisioning".to_owned());
    folder.created_by = "access-policy:service".to_owned();
    uid
}

fn put_source(cx: &mut Context, entry: &Value) {
    let word = |key: &str, default: &str| entry[key].as_str().unwrap_or(default).to_owned();
    let name = word("name", "seed");
    let uid = entry["uid"].as_str().map_or_else(|| cx.state.ids.uid(), str::to_owned);
    let known = cx.look().datasources.get(&uid).map(|d| d.id);
    let first = cx.look().datasources.is_empty();
    let source = DataSource {
        id: known.unwrap_or_else(|| cx.state.ids.next("datasource")),
        uid: uid.clone(),
        name,
        kind: crate::plugins::canonical(&word("type", "prometheus")).to_owned(),
        access: word("access", "proxy"),
        url: word("url", ""),
        user: word("user", ""),
        database: word("database", ""),
        basic_auth: false,
        basic_auth_user: String::new(),
        with_credentials: false,
        is_default: entry["isDefault"].as_bool().unwrap_or(first),
        json_data: sorted(entry["jsonData"].as_object().cloned().unwrap_or_default().into()),
        secrets: BTreeMap::new(),
        version: 1,
        read_only: !entry["editable"].as_bool().unwrap_or(false),
    };
    cx.store().datasources.insert(uid, source);
}

fn put_dashboard(cx: &mut Context, uid: String, spec: &Value, folder: String, provisioned: Option<Provisioned>) {
    let mut spec = spec.as_object().cloned().unwrap_or_default();
    for own in ["id", "uid", "version"] {
        spec.shift_remove(own);
    }
    let spec = Arc::new(crate::dashboards::numbers(sorted(Value::Object(spec))));
    let title = spec["title"].as_str().unwrap_or("No Title").to_owned();
    let known = cx.look().dashboards.get(&uid).cloned();
    if let Some(there) = known {
        let same = there.spec == spec && there.folder == folder && there.provisioned.is_some();
        let (resource, place) = (cx.state.ids.version(), cx.store().dashboards.get_mut(&uid).expect("was just read"));
        place.provisioned = provisioned;
        if !same {
            (place.spec, place.title, place.folder) = (spec, title, folder);
            (place.version, place.resource, place.updated) = (place.version + 1, resource, now());
            place.updated_by = Some("access-policy:service".to_owned());
            place.remember(String::new(), 0);
        }
        return;
    }
    let (author, grants) = match provisioned {
        Some(_) => ("access-policy:service".to_owned(), Vec::new()),
        None => (cx.who.actor(), cx.root_grants()),
    };
    let mut made = Dashboard {
        id: cx.state.ids.object(),
        uid: uid.clone(),
        uuid: cx.state.ids.uuid(),
        title,
        spec,
        api: "v0alpha1",
        folder,
        created: now(),
        created_by: author,
        updated: now(),
        updated_by: None,
        version: 1,
        resource: cx.state.ids.version(),
        labels: Map::new(),
        annotations: Map::new(),
        grants,
        history: Vec::new(),
        provisioned,
        odd_version: false,
        unmanaged: false,
    };
    if let Some(provisioned) = &made.provisioned {
        let path = format!("/etc/grafana/dashboards/{}", provisioned.file);
        for (key, value) in [
            ("managedBy", "classic-file-provisioning"),
            ("managerId", "sandbox"),
            ("sourceChecksum", "e83fd4f65ecf57889324ec1aa70266f1"),
            ("sourcePath", &path),
            ("sourceTimestamp", "1795399588000"),
        ] {
            made.annotations.insert(format!("grafana.app/{key}"), json!(value));
        }
    }
    made.remember("Initial save".to_owned(), 0);
    cx.store().dashboards.insert(uid, made);
}
