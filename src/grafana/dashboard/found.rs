//! A dashboard as the server has it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::spec::{Mark, PLAIN, Spec};

/// A dashboard as it was read: what is needed to compare it, to change it and to put it back.
#[derive(Clone, Debug)]
pub struct Found {
    /// What identifies it.
    pub uid: String,
    /// Its title.
    pub title: String,
    /// The uid of its folder; empty at the root.
    pub folder: String,
    /// Its version: the same number that `/apis` calls generation.
    pub version: i64,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whose it is, where the API is not to change it.
    pub managed: Option<String>,
    /// The file that it is provisioned from with `allowUiUpdates`, as `/api` tells it: it may be changed, and
    /// before 12 not deleted (fact 62).
    pub file: Option<String>,
    /// The API version that its content was read in.
    pub api: Arc<str>,
    /// The API version that it was stored in.
    pub stored: String,
    /// What it is compared by.
    pub mark: Mark,
    /// Its content, where it may be needed again: to show a difference, to move it, to put it back.
    pub text: Option<Arc<str>>,
    /// What `/apis` needs for a change; `None` where it was read by `/api`.
    pub revision: Option<Revision>,
}

/// The metadata of a resource.
#[derive(Clone, Debug)]
pub struct Revision {
    /// Its `resourceVersion`: a change that names it is refused when somebody was faster (fact 52).
    pub resource: String,
    /// Its labels; those left out of a change are lost.
    pub labels: Value,
    /// Its annotations, without those that the server writes itself; those left out are lost too (fact 43).
    pub annotations: Map<String, Value>,
}

/// The annotation that names the folder.
pub const FOLDER: &str = "grafana.app/folder";
/// The annotation with the message for the history.
pub const MESSAGE: &str = "grafana.app/message";
/// The annotation by which a new dashboard gets Grafana's own permissions; it is never kept.
pub const GRANT: &str = "grafana.app/grant-permissions";
/// Annotations of a resource that are not sent back: the server's own, and those that each change has anew.
const NOT_KEPT: [&str; 6] =
    [FOLDER, MESSAGE, "grafana.app/createdBy", "grafana.app/updatedBy", "grafana.app/updatedTimestamp", GRANT];

impl Found {
    /// From a resource of `/apis`, read in that version.
    pub fn of_resource(api: &str, mut item: Value) -> Option<Found> {
        let spec = match item.get_mut("spec").map(Value::take) {
            Some(Value::Object(spec)) => spec,
            _ => Map::new(),
        };
        let tags = texts(spec.get("tags"));
        let spec = Spec::stored(api, spec);
        let stored = item["status"]["conversion"]["storedVersion"].as_str().unwrap_or(api).to_owned();
        let meta = item.get_mut("metadata")?.as_object_mut()?;
        let mut annotations = match meta.remove("annotations") {
            Some(Value::Object(all)) => all,
            _ => Map::new(),
        };
        let text = |key: &str| annotations.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let folder = text(FOLDER);
        let by = text("grafana.app/managedBy");
        let editable = text("grafana.app/managerAllowsEdits") == "true";
        let from = text("grafana.app/sourcePath");
        // A PUT or DELETE of a provisioned one goes through, and the next reload undoes it (fact 39).
        let locked = matches!(by.as_str(), "classic-file-provisioning" | "repo" | "plugin") && !editable;
        annotations.retain(|key, _| !NOT_KEPT.contains(&key.as_str()));
        Some(Found {
            uid: meta.get("name")?.as_str()?.to_owned(),
            title: spec.title.clone(),
            folder,
            version: meta.get("generation").and_then(Value::as_i64).unwrap_or(1),
            tags,
            managed: locked.then(|| if from.is_empty() { by } else { format!("{by} ({from})") }),
            file: None,
            api: spec.api,
            stored,
            mark: spec.mark,
            text: Some(spec.text),
            revision: Some(Revision {
                resource: meta.get("resourceVersion").and_then(Value::as_str).unwrap_or_default().to_owned(),
                labels: meta.remove("labels").unwrap_or_default(),
                annotations,
            }),
        })
    }

    /// From the answer of `/api/dashboards/uid/…`.
    pub fn of_answer(mut answer: Value) -> Option<Found> {
        let Value::Object(dashboard) = answer.get_mut("dashboard")?.take() else { return None };
        let meta = &answer["meta"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let provisioned = meta["provisioned"] == true;
        let from = text(&meta["provisionedExternalId"]);
        let uid = dashboard.get("uid").map(text)?;
        let tags = texts(dashboard.get("tags"));
        let spec = Spec::stored(PLAIN, dashboard);
        Some(Found {
            uid,
            title: spec.title.clone(),
            folder: text(&meta["folderUid"]),
            version: meta["version"].as_i64().unwrap_or(1),
            tags,
            managed: provisioned.then(|| format!("classic-file-provisioning ({from})")),
            file: (!provisioned && !from.is_empty()).then_some(from),
            api: spec.api,
            stored: meta["apiVersion"].as_str().unwrap_or(PLAIN).to_owned(),
            mark: spec.mark,
            text: Some(spec.text),
            revision: None,
        })
    }

    /// The same without its content.
    pub fn without_text(mut self) -> Found {
        self.text = None;
        self
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The part of a dashboard's address that Grafana makes of its title; `None` where it takes a hash.
pub fn slug(title: &str) -> Option<String> {
    let mut out = String::new();
    let dash = |out: &mut String| {
        if !out.ends_with('-') {
            out.push('-');
        }
    };
    for character in title.trim().to_lowercase().chars() {
        match character {
            'a'..='z' | '0'..='9' => out.push(character),
            'ä' => out.push_str("ae"),
            'ö' => out.push_str("oe"),
            'ü' => out.push_str("ue"),
            'ß' => out.push_str("ss"),
            '&' => out.push_str("and"),
            ' ' | '-' | '_' | '.' | '/' | ',' | ':' | ';' | '(' | ')' | '[' | ']' | '|' | '\'' | '"' => dash(&mut out),
            other if other.is_ascii() => {
                out.push_str(&format!("{:x}", u32::from(other)));
                dash(&mut out);
            }
            _ => return None,
        }
    }
    let made = out.trim_matches('-');
    (!made.is_empty() && made.len() <= 50).then(|| made.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_resource_is_read_with_what_a_change_has_to_send_back() {
        let found = Found::of_resource(
            PLAIN,
            json!({
                "metadata": {
                    "name": "k", "resourceVersion": "17", "generation": 9, "labels": {"hearth": "yes"},
                    "annotations": {
                        "grafana.app/folder": "f", "grafana.app/createdBy": "user:a", "grafana.app/message": "old",
                        "own/one": "kept"
                    }
                },
                "spec": {"title": "T", "tags": ["a"]},
                "status": {"conversion": {"failed": false, "storedVersion": "v2beta1"}}
            }),
        )
        .expect("it is one");
        assert_eq!((found.uid.as_str(), found.folder.as_str(), found.version), ("k", "f", 9));
        assert_eq!((found.stored.as_str(), found.tags), ("v2beta1", vec!["a".to_owned()]));
        let revision = found.revision.expect("it came by /apis");
        assert_eq!(revision.resource, "17");
        assert_eq!(Value::Object(revision.annotations), json!({"own/one": "kept"}));
        assert_eq!(revision.labels, json!({"hearth": "yes"}));
    }

    #[test]
    fn a_provisioned_one_is_told() {
        let resource = |annotations: Value| {
            Found::of_resource(PLAIN, json!({"metadata": {"name": "p", "annotations": annotations}, "spec": {}}))
                .expect("it is one")
                .managed
        };
        let by = "grafana.app/managedBy";
        assert!(resource(json!({by: "classic-file-provisioning"})).is_some());
        assert_eq!(resource(json!({by: "classic-file-provisioning", "grafana.app/managerAllowsEdits": "true"})), None);
        assert_eq!(resource(json!({by: "terraform"})), None);
        let answer =
            json!({"dashboard": {"uid": "p"}, "meta": {"provisioned": true, "provisionedExternalId": "p.json"}});
        assert_eq!(
            Found::of_answer(answer).expect("it is one").managed.as_deref(),
            Some("classic-file-provisioning (p.json)")
        );
    }

    #[test]
    fn slugs_are_grafanas() {
        for (title, made) in [
            ("Beta (prod) [x] *", Some("beta-prod-x-2a")),
            ("Gamma-Delta_eps.zeta", Some("gamma-delta-eps-zeta")),
            ("", None),
        ] {
            assert_eq!(slug(title).as_deref(), made);
        }
        assert_eq!(slug(&"t".repeat(51)), None);
    }
}
