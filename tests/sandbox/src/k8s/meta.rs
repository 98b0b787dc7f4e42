//! The metadata of resources, what of it a client may set, and the shapes of failures.

use serde_json::{Map, Value, json};

use crate::call::{Context, sorted};
use crate::dashboards::Dashboard;
use crate::folders::Folder;
use crate::reply::Reply;

/// The annotation that names the parent folder.
pub(super) const FOLDER: &str = "grafana.app/folder";
/// Asks for the permissions that /api gives (grafana.md fact 42); it is not kept.
pub(super) const GRANT: &str = "grafana.app/grant-permissions";

/// Annotations and labels that the server sets itself.
const OWN: [&str; 6] = [
    FOLDER,
    GRANT,
    "grafana.app/createdBy",
    "grafana.app/updatedBy",
    "grafana.app/updatedTimestamp",
    "grafana.app/deprecatedInternalID",
];

/// A failure with a reason and details.
pub(super) fn failure(status: u16, text: &str, reason: &str, details: Value) -> Reply {
    Reply::json(
        status,
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": text, "reason": reason,
            "details": details, "code": status,
        }),
    )
}

/// A failure with a message alone.
pub(super) fn bare_failure(status: u16, text: &str) -> Reply {
    Reply::json(
        status,
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": text, "code": status,
        }),
    )
}

/// A failure with message and reason but no details.
pub(super) fn reasoned(status: u16, text: &str, reason: &str) -> Reply {
    Reply::json(
        status,
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": text, "reason": reason,
            "code": status,
        }),
    )
}

/// 403, which has not even a message (grafana.md fact 1).
pub(super) fn forbidden() -> Reply {
    Reply::json(403, json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 403 }))
}

/// 404 of an object.
pub(super) fn absent(group: &str, plural: &str, name: &str) -> Reply {
    let text = format!("{plural}.{group} \"{name}\" not found");
    failure(404, &text, "NotFound", json!({ "name": name, "group": group, "kind": plural }))
}

/// 409 of a stale resourceVersion.
pub(super) fn conflict(group: &str, plural: &str, name: &str) -> Reply {
    let text = format!(
        "Operation cannot be fulfilled on {plural}.{group} \"{name}\": the object has been modified; please apply \
         your changes to the latest version and try again"
    );
    failure(409, &text, "Conflict", json!({ "name": name, "group": group, "kind": plural }))
}

/// The success of a delete.
pub(super) fn deleted(group: &str, plural: &str, name: &str, uuid: &str) -> Reply {
    let details = json!({ "name": name, "group": group, "kind": plural, "uid": uuid });
    Reply::json(
        200,
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
        }),
    )
}

/// What folders and dashboards share.
pub(super) struct Common<'a> {
    pub name: &'a str,
    pub uuid: &'a str,
    pub resource: i64,
    pub version: i64,
    pub created: &'a str,
    pub created_by: &'a str,
    pub updated: &'a str,
    pub updated_by: Option<&'a str>,
    pub id: i64,
    pub folder: &'a str,
    pub labels: &'a Map<String, Value>,
    pub annotations: &'a Map<String, Value>,
    /// The version that it was written in; none: written by v2, which notes no managers.
    pub stored: Option<&'static str>,
}

impl<'a> From<&'a Folder> for Common<'a> {
    fn from(f: &'a Folder) -> Common<'a> {
        Common {
            name: &f.uid,
            uuid: &f.uuid,
            resource: f.resource,
            version: f.version,
            created: &f.created,
            created_by: &f.created_by,
            updated: &f.updated,
            updated_by: f.updated_by.as_deref(),
            id: f.id,
            folder: &f.parent,
            labels: &f.labels,
            annotations: &f.annotations,
            stored: Some("v1beta1"),
        }
    }
}

impl<'a> From<&'a Dashboard> for Common<'a> {
    fn from(d: &'a Dashboard) -> Common<'a> {
        Common {
            name: &d.uid,
            uuid: &d.uuid,
            resource: d.resource,
            version: d.version,
            created: &d.created,
            created_by: &d.created_by,
            updated: &d.updated,
            updated_by: d.updated_by.as_deref(),
            id: d.id,
            folder: &d.folder,
            labels: &d.labels,
            annotations: &d.annotations,
            stored: (!d.unmanaged).then_some(d.api),
        }
    }
}

/// The metadata block.
pub(super) fn metadata(cx: &Context, of: &Common, api: &str) -> Value {
    let mut labels = of.labels.clone();
    labels.insert("grafana.app/deprecatedInternalID".to_owned(), json!(of.id.to_string()));
    let mut annotations = of.annotations.clone();
    annotations.insert("grafana.app/createdBy".to_owned(), json!(of.created_by));
    if !of.folder.is_empty() {
        annotations.insert(FOLDER.to_owned(), json!(of.folder));
    }
    if let Some(by) = of.updated_by {
        annotations.insert("grafana.app/updatedBy".to_owned(), json!(by));
        annotations.insert("grafana.app/updatedTimestamp".to_owned(), json!(of.updated));
    }
    let namespace = if cx.org == 1 { "default".to_owned() } else { format!("org-{}", cx.org) };
    let mut body = json!({
        "name": of.name, "namespace": namespace, "uid": of.uuid, "resourceVersion": of.resource.to_string(),
        "generation": of.version, "creationTimestamp": of.created, "labels": sorted(Value::Object(labels)),
        "annotations": sorted(Value::Object(annotations)),
    });
    if let Some(stored) = of.stored {
        // Only /api writes v0alpha1 as a rule, and calls itself grafana.
        let manager = if stored == "v0alpha1" { "grafana" } else { "unknown" };
        let group = api.split('/').next().unwrap_or_default();
        body["managedFields"] = json!([{
            "manager": manager, "operation": "Update", "apiVersion": format!("{group}/{stored}"), "time": of.updated,
            "fieldsType": "FieldsV1", "fieldsV1": { "f:spec": { "f:title": {} } },
        }]);
    }
    body
}

/// What a client set: labels and annotations of its own, and the folder.
pub(super) struct Wanted {
    pub name: String,
    pub labels: Map<String, Value>,
    pub annotations: Map<String, Value>,
    pub folder: String,
    pub grant: bool,
    pub resource: Option<String>,
}

impl Wanted {
    /// Reads it from a whole object.
    pub fn read(object: &Value) -> Wanted {
        let meta = &object["metadata"];
        let own = |key: &str| -> Map<String, Value> {
            let map = meta[key].as_object().cloned().unwrap_or_default();
            map.into_iter().filter(|(k, _)| !OWN.contains(&k.as_str())).collect()
        };
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Wanted {
            name: word(&meta["name"]),
            labels: own("labels"),
            annotations: own("annotations"),
            folder: word(&meta["annotations"][FOLDER]),
            grant: meta["annotations"][GRANT] == "default",
            resource: meta["resourceVersion"].as_str().filter(|r| !r.is_empty()).map(str::to_owned),
        }
    }
}

/// The body of a write as JSON.
pub(super) fn object(cx: &Context, kind: &str) -> Result<Value, Reply> {
    serde_json::from_slice(&cx.call.body).map_err(|_| {
        let text = format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse \
             error: unexpected end of JSON input ({})",
            String::from_utf8_lossy(&cx.call.body)
        );
        reasoned(400, &text, "BadRequest")
    })
}

/// Whether a write is only tried; another value than All is refused.
pub(super) fn dry_run(cx: &Context) -> Result<bool, Reply> {
    match cx.call.query("dryRun") {
        None | Some("") => Ok(false),
        Some("All") => Ok(true),
        Some(other) => {
            let text = format!("Unsupported value: [\"{other}\"]: supported values: \"All\"");
            let cause = json!({ "reason": "FieldValueNotSupported", "message": text, "field": "dryRun" });
            let details = json!({ "group": "meta.k8s.io", "kind": "CreateOptions", "causes": [cause] });
            let text = format!("CreateOptions.meta.k8s.io \"\" is invalid: dryRun: {text}");
            Err(failure(422, &text, "Invalid", details))
        }
    }
}

/// A name made of a given start.
pub(super) fn generated(cx: &mut Context, object: &Value) -> Option<String> {
    let start = object["metadata"]["generateName"].as_str().filter(|s| !s.is_empty())?.to_owned();
    let end: String = cx.state.ids.uid().chars().skip(1).take(5).collect();
    Some(format!("{start}{end}"))
}
