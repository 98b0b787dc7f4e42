//! `POST /api/dashboards/import` (grafana.md fact 38).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::call::{Context, flag, sorted, text};
use crate::dashboards::{commit, read, target};
use crate::reply::{Answer, Reply, forbidden, message, ok};
use crate::text::slug;

/// The values of a dashboard's inputs; a missing one is refused, there are no defaults.
fn inputs(dashboard: &Map<String, Value>, given: &Value) -> Result<BTreeMap<String, String>, Reply> {
    let mut values = BTreeMap::new();
    for wanted in dashboard.get("__inputs").and_then(Value::as_array).unwrap_or(&Vec::new()) {
        let name = wanted["name"].as_str().unwrap_or_default();
        let fits = |input: &&Value| input["name"] == wanted["name"] && input["type"] == wanted["type"];
        let Some(input) = given.as_array().and_then(|all| all.iter().find(fits)) else {
            let text = format!("dashboard import failed: missing dashboard input variable {name}");
            return Err(message(400, text));
        };
        values.insert(format!("${{{name}}}"), input["value"].as_str().unwrap_or_default().to_owned());
    }
    Ok(values)
}

fn filled(value: Value, values: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(values.iter().fold(text, |text, (from, to)| text.replace(from, to))),
        Value::Array(list) => Value::Array(list.into_iter().map(|v| filled(v, values)).collect()),
        Value::Object(map) => Value::Object(map.into_iter().map(|(k, v)| (k, filled(v, values))).collect()),
        other => other,
    }
}

/// Imports a dashboard: fills its inputs, makes its library panels, saves it.
pub(crate) fn import(cx: &mut Context) -> Answer {
    if !cx.edits_something() {
        return Err(forbidden("dashboards:create"));
    }
    let body = cx.call.object()?;
    let Some(dashboard) = body.get("dashboard").and_then(Value::as_object) else {
        return Err(message(422, "Dashboard must be set"));
    };
    let values = inputs(dashboard, body.get("inputs").unwrap_or(&Value::Null))?;
    let mut spec = dashboard.clone();
    let elements = spec.shift_remove("__elements").and_then(|e| e.as_object().cloned()).unwrap_or_default();
    spec.shift_remove("__inputs");
    spec.shift_remove("__requires");
    let spec = filled(Value::Object(spec), &values);
    let folder = target(cx, &body);
    let mut wanted = read(cx, &spec, String::new())?;
    wanted.folder = folder?;
    wanted.overwrite = flag(&body, "overwrite")?;
    // The version inside an export says nothing about what is stored here.
    wanted.version = None;
    for (uid, element) in elements {
        if !cx.look().elements.contains_key(&uid) {
            let name = text(element.as_object().unwrap_or(&Map::new()), "name")?;
            let mut model = filled(element["model"].clone(), &values);
            model["libraryPanel"] = json!({ "uid": uid });
            if model.get("description").is_none() {
                model["description"] = json!("");
            }
            crate::library::insert(cx, uid, name, wanted.folder.clone(), sorted(model));
        }
    }
    let uid = commit(cx, wanted, 0)?;
    let d = &cx.look().dashboards[&uid];
    let slug = slug(&d.title);
    ok(json!({
        "uid": uid, "pluginId": "", "title": d.title, "imported": true, "importedUri": format!("db/{slug}"),
        "importedUrl": d.url(), "slug": slug, "dashboardId": d.id, "folderId": 0, "folderUid": d.folder,
        "description": "", "path": "", "removed": false,
    }))
}
