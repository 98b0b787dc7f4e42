//! Dashboards between the versions of /apis: what v1beta1 fills in and migrates, and a plain conversion to v2 and
//! back (grafana.md facts 41 and 45). Panels, queries and query variables are converted; rows are not.

use serde_json::{Map, Value, json};

use crate::call::sorted;

/// What v1beta1 lists as the first annotation.
fn built_in() -> Value {
    json!({
        "builtIn": 1, "datasource": { "type": "grafana", "uid": "-- Grafana --" }, "enable": true, "hide": true,
        "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts", "type": "dashboard",
    })
}

/// A spec as /api shows it: a v2 one is converted, all others stay as they were sent.
pub(crate) fn legacy(spec: &Value, stored: &str) -> Value {
    if stored.starts_with("v2") { down(spec) } else { spec.clone() }
}

/// A spec as a version of /apis shows it.
pub(super) fn view(spec: &Value, stored: &str, wanted: &str) -> Value {
    match (stored.starts_with("v2"), wanted) {
        (true, "v0alpha1" | "v1beta1") => down(spec),
        (true, _) => spec.clone(),
        (false, "v2alpha1") => up(&filled(spec), false),
        (false, "v2beta1") => up(&filled(spec), true),
        (false, "v1beta1") if stored != "v1beta1" => filled(spec),
        _ => spec.clone(),
    }
}

/// v1beta1: defaults are filled in, wrong types replaced, the schema raised to 42 (grafana.md fact 41).
pub(super) fn filled(spec: &Value) -> Value {
    let mut map = spec.as_object().cloned().unwrap_or_default();
    let migrated = map.get("schemaVersion").and_then(Value::as_i64).unwrap_or(0) < 42;
    for own in ["id", "uid", "version"] {
        map.shift_remove(own);
    }
    if migrated {
        map.shift_remove("hideControls");
        if map.get("gnetId").is_some_and(Value::is_null) {
            map.shift_remove("gnetId");
        }
        map.entry("refresh").or_insert(json!(""));
        migrate_rows(&mut map);
    }
    map.insert("schemaVersion".to_owned(), json!(42));
    let mut annotations = map.get("annotations").and_then(|a| a["list"].as_array().cloned()).unwrap_or_default();
    if !annotations.iter().any(|a| a["builtIn"] == 1) {
        annotations.insert(0, built_in());
    }
    map.insert("annotations".to_owned(), json!({ "list": annotations }));
    for list in ["links", "panels", "tags"] {
        if !map.get(list).is_some_and(Value::is_array) {
            map.insert(list.to_owned(), json!([]));
        }
    }
    let defaults = [
        ("editable", json!(true)),
        ("fiscalYearStartMonth", json!(0)),
        ("graphTooltip", json!(0)),
        ("templating", json!({ "list": [] })),
        ("time", json!({ "from": "now-6h", "to": "now" })),
        ("timepicker", json!({})),
        ("timezone", json!("")),
        ("title", json!("No Title")),
        ("weekStart", json!("")),
    ];
    for (key, value) in defaults {
        map.entry(key).or_insert(value);
    }
    number_panels(map["panels"].as_array_mut().expect("was made a list"));
    if let Some(Value::Array(list)) = map["templating"].get_mut("list") {
        for variable in list.iter_mut().filter_map(Value::as_object_mut) {
            variable.entry("options").or_insert(json!([]));
        }
    }
    sorted(Value::Object(map))
}

/// Panels without an id or with a taken one get the next number.
fn number_panels(panels: &mut [Value]) {
    let mut next = panels.iter().filter_map(|p| p["id"].as_i64()).max().unwrap_or(0);
    let mut taken = std::collections::BTreeSet::new();
    for panel in panels.iter_mut().filter_map(Value::as_object_mut) {
        let id = panel.get("id").and_then(Value::as_i64);
        if !id.is_some_and(|id| taken.insert(id)) {
            next += 1;
            panel.insert("id".to_owned(), json!(next));
        }
    }
}

/// The panels of open rows get defaults in place; rows do not become panels in this version.
fn migrate_rows(map: &mut Map<String, Value>) {
    let Some(Value::Array(rows)) = map.get_mut("rows") else { return };
    for row in rows.iter_mut().filter(|r| r["collapse"] != true) {
        let Some(Value::Array(panels)) = row.get_mut("panels") else { continue };
        for panel in panels.iter_mut().filter_map(Value::as_object_mut) {
            for (key, value) in [
                ("cachedPluginOptions", json!({})),
                ("fieldConfig", json!({ "defaults": {}, "overrides": [] })),
                ("gridPos", json!({ "h": 3, "w": 6, "x": 0, "y": 0 })),
                ("links", json!([])),
                ("options", json!({})),
                ("transparent", json!(false)),
            ] {
                panel.entry(key).or_insert(value);
            }
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A query in the form of v2alpha1 (datasource beside it) or v2beta1 (inside).
fn query(datasource: &Value, spec: Value, beta: bool) -> Map<String, Value> {
    let kind = datasource["type"].as_str().unwrap_or("grafana");
    let mut made = Map::new();
    if beta {
        let mut query = json!({ "kind": "DataQuery", "group": kind, "version": "v0", "spec": spec });
        if let Some(uid) = datasource["uid"].as_str() {
            query["datasource"] = json!({ "name": uid });
        }
        made.insert("query".to_owned(), query);
    } else {
        if datasource.is_object() {
            made.insert("datasource".to_owned(), datasource.clone());
        }
        made.insert("query".to_owned(), json!({ "kind": kind, "spec": spec }));
    }
    made
}

/// v1 to v2.
fn up(spec: &Value, beta: bool) -> Value {
    let annotations: Vec<Value> = list(&spec["annotations"]["list"])
        .iter()
        .map(|a| {
            let mut made = query(&a["datasource"], json!({}), beta);
            for key in ["enable", "hide", "iconColor", "name"] {
                made.insert(key.to_owned(), a[key].clone());
            }
            made.insert("builtIn".to_owned(), json!(a["builtIn"] == 1));
            made.insert("legacyOptions".to_owned(), json!({ "type": a["type"] }));
            json!({ "kind": "AnnotationQuery", "spec": made })
        })
        .collect();
    let panels: Vec<&Value> = list(&spec["panels"]).iter().filter(|p| p["type"] != "row").collect();
    let elements: Map<String, Value> =
        panels.iter().map(|p| (format!("panel-{}", p["id"]), element(p, beta))).collect();
    let items: Vec<Value> = panels
        .iter()
        .map(|p| {
            let size = |key: &str, default: i64| p["gridPos"][key].as_i64().unwrap_or(default);
            let element = json!({ "kind": "ElementReference", "name": format!("panel-{}", p["id"]) });
            json!({ "kind": "GridLayoutItem", "spec": {
                "x": size("x", 0), "y": size("y", 0), "width": size("w", 6), "height": size("h", 3),
                "element": element,
            } })
        })
        .collect();
    let cursor = ["Off", "Crosshair", "Tooltip"];
    let cursor = cursor[spec["graphTooltip"].as_u64().unwrap_or(0).min(2) as usize];
    let intervals = match &spec["timepicker"]["refresh_intervals"] {
        Value::Null => json!(["5s", "10s", "30s", "1m", "5m", "15m", "30m", "1h", "2h", "1d"]),
        given => given.clone(),
    };
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    json!({
        "annotations": annotations, "cursorSync": cursor, "editable": spec["editable"],
        "elements": sorted(Value::Object(elements)), "layout": { "kind": "GridLayout", "spec": { "items": items } },
        "links": spec["links"], "liveNow": spec["liveNow"] == true, "preload": spec["preload"] == true,
        "tags": spec["tags"], "timeSettings": {
            "timezone": word(&spec["timezone"]), "from": spec["time"]["from"], "to": spec["time"]["to"],
            "autoRefresh": word(&spec["refresh"]), "autoRefreshIntervals": intervals,
            "hideTimepicker": spec["timepicker"]["hidden"] == true,
            "fiscalYearStartMonth": spec["fiscalYearStartMonth"],
        },
        "title": spec["title"],
        "variables": list(&spec["templating"]["list"]).iter().map(|v| variable(v, beta)).collect::<Vec<_>>(),
    })
}

fn element(panel: &Value, beta: bool) -> Value {
    let queries: Vec<Value> = list(&panel["targets"])
        .iter()
        .map(|target| {
            let mut rest = target.as_object().cloned().unwrap_or_default();
            for key in ["refId", "hide", "datasource"] {
                rest.shift_remove(key);
            }
            let datasource =
                if target["datasource"].is_object() { &target["datasource"] } else { &panel["datasource"] };
            let mut made = query(datasource, Value::Object(rest), beta);
            made.insert("refId".to_owned(), target["refId"].clone());
            made.insert("hidden".to_owned(), json!(target["hide"] == true));
            json!({ "kind": "PanelQuery", "spec": made })
        })
        .collect();
    let object = |key: &str| panel[key].as_object().cloned().unwrap_or_default();
    let mut config = object("fieldConfig");
    config.entry("defaults").or_insert(json!({}));
    config.entry("overrides").or_insert(json!([]));
    let (kind, version) =
        (panel["type"].as_str().unwrap_or("timeseries"), panel["pluginVersion"].as_str().unwrap_or(""));
    let options = object("options");
    let viz = if beta {
        json!({ "kind": "VizConfig", "group": kind, "version": version,
            "spec": { "options": options, "fieldConfig": config } })
    } else {
        json!({ "kind": kind, "spec": { "pluginVersion": version, "options": options, "fieldConfig": config } })
    };
    json!({ "kind": "Panel", "spec": {
        "id": panel["id"], "title": panel["title"].as_str().unwrap_or_default(),
        "description": panel["description"].as_str().unwrap_or_default(), "links": list(&panel["links"]),
        "data": { "kind": "QueryGroup", "spec": {
            "queries": queries, "transformations": list(&panel["transformations"]), "queryOptions": {},
        } },
        "vizConfig": viz,
    } })
}

fn variable(v: &Value, beta: bool) -> Value {
    let kind = match v["type"].as_str().unwrap_or_default() {
        "custom" => "CustomVariable",
        "constant" => "ConstantVariable",
        "textbox" => "TextVariable",
        "interval" => "IntervalVariable",
        "datasource" => "DatasourceVariable",
        "adhoc" => "AdhocVariable",
        _ => "QueryVariable",
    };
    let text = match &v["query"] {
        Value::String(text) => json!({ "__legacyStringValue": text }),
        other => other.clone(),
    };
    let mut made = query(&v["datasource"], text, beta);
    let refresh = ["never", "onDashboardLoad", "onTimeRangeChanged"];
    let hide = ["dontHide", "hideLabel", "hideVariable"];
    let pick = |names: [&'static str; 3], key: &str| names[v[key].as_u64().unwrap_or(0).min(2) as usize];
    let rest = json!({
        "name": v["name"], "current": { "text": "", "value": "" }, "hide": pick(hide, "hide"),
        "refresh": pick(refresh, "refresh"), "skipUrlSync": v["skipUrlSync"] == true,
        "regex": v["regex"].as_str().unwrap_or_default(), "sort": "disabled", "options": list(&v["options"]),
        "multi": v["multi"] == true, "includeAll": v["includeAll"] == true, "allowCustomValue": true,
    });
    made.extend(rest.as_object().expect("is an object").clone());
    json!({ "kind": kind, "spec": made })
}

/// v2 to v1.
fn down(spec: &Value) -> Value {
    let time = &spec["timeSettings"];
    let panels: Vec<Value> = list(&spec["layout"]["spec"]["items"])
        .iter()
        .filter_map(|item| {
            let (place, name) = (&item["spec"], item["spec"]["element"]["name"].as_str()?);
            let element = &spec["elements"][name]["spec"];
            let viz = &element["vizConfig"];
            let kind = if viz["group"].is_string() { &viz["group"] } else { &viz["kind"] };
            let version = if viz["version"].is_string() { &viz["version"] } else { &viz["spec"]["pluginVersion"] };
            let targets: Vec<Value> = list(&element["data"]["spec"]["queries"])
                .iter()
                .map(|q| {
                    let mut target = q["spec"]["query"]["spec"].as_object().cloned().unwrap_or_default();
                    target.insert("refId".to_owned(), q["spec"]["refId"].clone());
                    Value::Object(target)
                })
                .collect();
            Some(json!({
                "gridPos": { "h": place["height"], "w": place["width"], "x": place["x"], "y": place["y"] },
                "id": element["id"], "options": viz["spec"]["options"], "pluginVersion": version, "targets": targets,
                "title": element["title"], "type": kind,
            }))
        })
        .collect();
    let tooltip = match spec["cursorSync"].as_str() {
        Some("Crosshair") => 1,
        Some("Tooltip") => 2,
        _ => 0,
    };
    json!({
        "annotations": { "list": [] }, "editable": spec["editable"] != false,
        "fiscalYearStartMonth": time["fiscalYearStartMonth"].as_i64().unwrap_or(0), "graphTooltip": tooltip,
        "liveNow": spec["liveNow"] == true, "panels": panels, "preload": spec["preload"] == true,
        "refresh": time["autoRefresh"].as_str().unwrap_or_default(), "schemaVersion": 42, "tags": list(&spec["tags"]),
        "time": { "from": time["from"], "to": time["to"] },
        "timepicker": { "refresh_intervals": list(&time["autoRefreshIntervals"]) },
        "timezone": time["timezone"].as_str().unwrap_or_default(), "title": spec["title"],
    })
}

/// A v2 spec as it is stored: typed, so that what is missing is null or empty, and what is unknown is dropped;
/// also gives the first unknown field.
pub(super) fn typed_v2(spec: &Value) -> (Value, Option<String>) {
    const KNOWN: [&str; 14] = [
        "annotations",
        "cursorSync",
        "description",
        "editable",
        "elements",
        "layout",
        "links",
        "liveNow",
        "preload",
        "revision",
        "tags",
        "timeSettings",
        "title",
        "variables",
    ];
    let mut map = spec.as_object().cloned().unwrap_or_default();
    let unknown = map.keys().find(|k| !KNOWN.contains(&k.as_str())).cloned();
    map.retain(|key, _| KNOWN.contains(&key.as_str()));
    let time = json!({
        "from": "", "to": "", "autoRefresh": "", "autoRefreshIntervals": null, "hideTimepicker": false,
        "fiscalYearStartMonth": 0,
    });
    for (key, value) in [
        ("annotations", Value::Null),
        ("cursorSync", json!("")),
        ("elements", json!({})),
        ("layout", json!({ "kind": "GridLayout", "spec": { "items": null } })),
        ("links", Value::Null),
        ("preload", json!(false)),
        ("tags", Value::Null),
        ("timeSettings", time.clone()),
        ("title", json!("")),
        ("variables", Value::Null),
    ] {
        map.entry(key).or_insert(value);
    }
    for (key, value) in time.as_object().expect("is an object") {
        if let Some(Value::Object(given)) = map.get_mut("timeSettings") {
            given.entry(key).or_insert(value.clone());
        }
    }
    for panel in map.get_mut("elements").and_then(Value::as_object_mut).into_iter().flat_map(|all| all.values_mut()) {
        if panel["kind"] == "Panel" {
            typed_panel(&mut panel["spec"]);
        }
    }
    (sorted(Value::Object(map)), unknown)
}

/// Puts what is missing into a map.
fn complete(value: &mut Value, zero: Value) {
    if !value.is_object() {
        *value = json!({});
    }
    if let (Value::Object(map), Value::Object(zero)) = (value, zero) {
        for (key, zero) in zero {
            map.entry(key).or_insert(zero);
        }
    }
}

/// A panel as it is stored: the fields without `omitempty` in Grafana's Go types [known from its source, not recorded].
fn typed_panel(spec: &mut Value) {
    complete(spec, json!({ "id": 0, "title": "", "description": "", "links": null }));
    complete(&mut spec["data"], json!({ "kind": "QueryGroup" }));
    let group = &mut spec["data"]["spec"];
    complete(group, json!({ "queries": null, "transformations": null, "queryOptions": {} }));
    for query in group["queries"].as_array_mut().into_iter().flatten() {
        complete(&mut query["spec"], json!({ "refId": "", "hidden": false }));
        complete(&mut query["spec"]["query"], json!({ "kind": "", "spec": null }));
    }
    complete(&mut spec["vizConfig"], json!({ "kind": "VizConfig" }));
    // v2alpha1 has the plugin as the kind, and its version further in.
    if spec["vizConfig"]["kind"] == "VizConfig" {
        complete(&mut spec["vizConfig"], json!({ "group": "", "version": "" }));
    }
    let viz = &mut spec["vizConfig"]["spec"];
    complete(viz, json!({ "options": null }));
    complete(&mut viz["fieldConfig"], json!({ "defaults": {}, "overrides": null }));
}
