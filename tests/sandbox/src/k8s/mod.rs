//! The /apis side of folders and dashboards (grafana.md facts 31, 41-45, 55).

use serde_json::{Value, json};

use crate::call::Context;
use crate::reply::{Answer, Reply, ok, unsupported};

mod convert;
mod dashboards;
mod folders;
mod list;
mod meta;
mod patch;

pub(crate) use convert::legacy;

/// The group of dashboards.
const DASHBOARDS: &str = "dashboard.grafana.app";
/// The group of folders.
const FOLDERS: &str = "folder.grafana.app";

/// The groups that a real one has beside them, as its discovery lists them [core_transport].
fn is_other(cx: &Context, group: &str) -> bool {
    match group.strip_suffix(".grafana.app") {
        Some("iam" | "notifications.alerting" | "playlist" | "userstorage") => true,
        Some("featuretoggle") => cx.old(),
        Some("collections" | "example" | "features" | "plugins" | "preferences") => !cx.old(),
        _ => false,
    }
}

/// A version of the dashboard API that is known.
pub(crate) fn known_version(name: &str) -> Option<&'static str> {
    ["v0alpha1", "v1beta1", "v2alpha1", "v2beta1"].into_iter().find(|v| *v == name)
}

/// The versions that a profile serves (grafana.md fact 55), the preferred one first.
fn served(cx: &Context, group: &str) -> &'static [&'static str] {
    match (group, cx.old()) {
        (DASHBOARDS, false) => &["v1beta1", "v0alpha1", "v2beta1", "v2alpha1"],
        (FOLDERS, false) => &["v1beta1"],
        (DASHBOARDS, true) => &["v1alpha1", "v0alpha1", "v2alpha1"],
        _ => &[],
    }
}

/// Answers a path below /apis.
pub(crate) fn route(cx: &mut Context, path: &[&str]) -> Answer {
    match path {
        [] => discovery(cx),
        [group, ..] if is_other(cx, group) => Err(unsupported("this group of /apis")),
        [group, ..] if served(cx, group).is_empty() => Err(unknown_group(cx)),
        [group] => ok(described(cx, group)),
        // A viewer learns by 403 that it may not write, before the version is looked at [11.5/core_transport].
        [group, ..] if cx.old() && cx.call.method == "POST" && cx.who.role < crate::auth::Role::Editor => {
            let text = format!("dashboards.{group} is forbidden: Grafana org role didn't allow create access");
            let details = json!({ "group": group, "kind": "dashboards" });
            Err(meta::failure(403, &text, "Forbidden", details))
        }
        [group, version, ..] if !served(cx, group).contains(version) => {
            let text = "the server could not find the requested resource";
            Err(meta::failure(404, text, "NotFound", json!({})))
        }
        [group, version] => ok(resources(group, version)),
        [group, version, "namespaces", namespace, rest @ ..] => {
            let own = if cx.org == 1 { "default".to_owned() } else { format!("org-{}", cx.org) };
            if *namespace != own {
                return Err(meta::bare_failure(500, "namespace mismatch"));
            }
            match (*group, rest) {
                (FOLDERS, ["folders", rest @ ..]) => folders::route(cx, rest),
                (DASHBOARDS, ["dashboards", rest @ ..]) => dashboards::route(cx, version, rest),
                (DASHBOARDS, ["search"]) if cx.old() => Err(Reply::json(
                    500,
                    json!({
                        "metadata": {}, "status": "Failure", "message": "InternalError", "reason": "InternalError",
                        "details": { "uid": "core.MalformedError" }, "code": 500,
                    }),
                )),
                (DASHBOARDS, ["search"]) => list::search(cx),
                _ => Err(unsupported("this resource of /apis")),
            }
        }
        _ => Err(unsupported("this path of /apis")),
    }
}

/// 12.4 answers an unknown group by text, 11.5 by the paths that it has.
fn unknown_group(cx: &Context) -> Reply {
    if cx.old() {
        let paths = ["/apis", "/apis/dashboard.grafana.app", "/apis/dashboard.grafana.app/v0alpha1"];
        return Reply::json(404, json!({ "paths": paths }));
    }
    Reply::text(404, "text/plain; charset=utf-8", "404 page not found\n")
}

fn described(cx: &Context, group: &str) -> Value {
    let entry = |v: &&str| json!({ "groupVersion": format!("{group}/{v}"), "version": v });
    let versions: Vec<Value> = served(cx, group).iter().map(entry).collect();
    json!({
        "name": group, "preferredVersion": versions[0], "versions": versions,
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:3000" }],
    })
}

/// `GET /apis`.
fn discovery(cx: &Context) -> Answer {
    let groups = [DASHBOARDS, FOLDERS].into_iter().filter(|g| !served(cx, g).is_empty());
    let groups: Vec<Value> = groups.map(|g| described(cx, g)).collect();
    ok(json!({ "kind": "APIGroupList", "groups": groups }))
}

/// `GET /apis/<group>/<version>`.
fn resources(group: &str, version: &str) -> Value {
    let verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update"];
    let main = |name: &str, single: &str, kind: &str| json!({ "name": name, "singularName": single, "namespaced": true, "kind": kind, "verbs": verbs });
    let sub = |name: &str, kind: &str| json!({ "name": name, "singularName": "", "namespaced": true, "kind": kind, "verbs": ["get"] });
    let list = if group == FOLDERS {
        vec![
            main("folders", "folder", "Folder"),
            sub("folders/access", "FolderAccessInfo"),
            sub("folders/children", "FolderList"),
            sub("folders/counts", "DescendantCounts"),
            sub("folders/parents", "FolderInfoList"),
        ]
    } else {
        vec![main("dashboards", "dashboard", "Dashboard"), sub("dashboards/dto", "DashboardWithAccessInfo")]
    };
    json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/{version}"), "resources": list,
    })
}
