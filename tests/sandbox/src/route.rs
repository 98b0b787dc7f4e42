//! Which handler answers which path. Wrong methods and unknown paths are 404, never 405 (grafana.md fact 4); what
//! exists in Grafana but not here is 501.

use serde_json::json;

use crate::auth::Role;
use crate::call::Context;
use crate::datasources::By;
use crate::permissions::Of;
use crate::reply::{Answer, message, not_found, ok, unsupported};
use crate::{
    dashboard_reads, dashboards, datasources, folder_tree, folders, library, orgs, permissions, rules, search, server,
    service_accounts, teams, users,
};

/// Paths of the real one that are not imitated.
const MISSING: [&str; 34] = [
    "alert-notifiers",
    "alertmanager",
    "alerts",
    "annotations",
    "anonymous",
    "auth",
    "avatar",
    "cloudmigration",
    "convert",
    "dashboard",
    "ds",
    "email",
    "gnet",
    "licensing",
    "live",
    "login",
    "metrics",
    "playlists",
    "plugin-proxy",
    "plugins",
    "prometheus",
    "public",
    "query-history",
    "recording-rules",
    "reports",
    "ruler",
    "saml",
    "short-urls",
    "signing-keys",
    "snapshot",
    "snapshots",
    "snapshots-delete",
    "user-preferences",
    "v1",
];

/// Answers a request of someone who is known.
pub(crate) fn route(cx: &mut Context) -> Answer {
    let call = cx.call;
    let path: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match path.first() {
        Some(&"api") => api(cx, &path[1..]),
        Some(&"apis") => crate::k8s::route(cx, &path[1..]),
        _ => Err(not_found()),
    }
}

fn api(cx: &mut Context, path: &[&str]) -> Answer {
    let method = cx.method().to_owned();
    let method = method.as_str();
    match path.first().copied().unwrap_or_default() {
        "datasources" => source_paths(cx, method, &path[1..]),
        "folders" => folder_paths(cx, method, &path[1..]),
        "dashboards" => dashboard_paths(cx, method, &path[1..]),
        "library-elements" => match (method, &path[1..]) {
            ("GET", []) => library::list(cx),
            ("POST", []) => library::create(cx),
            ("GET", ["name", name]) => library::get_by_name(cx, name),
            ("GET", [uid, "connections"]) => library::connections(cx, uid),
            ("GET", [uid]) => library::get(cx, uid),
            ("PATCH", [uid]) => library::update(cx, uid),
            ("DELETE", [uid]) => library::delete(cx, uid),
            _ => Err(not_found()),
        },
        "access-control" => access_paths(cx, method, &path[1..]),
        _ => people_paths(cx, method, path),
    }
}

fn source_paths(cx: &mut Context, method: &str, path: &[&str]) -> Answer {
    match (method, path) {
        ("GET", []) => datasources::list(cx),
        ("POST", []) => datasources::create(cx),
        ("GET", ["uid", uid]) => datasources::get(cx, By::Uid(uid)),
        ("PUT", ["uid", uid]) => datasources::update(cx, By::Uid(uid)),
        ("DELETE", ["uid", uid]) => datasources::delete(cx, By::Uid(uid)),
        ("GET", ["uid", uid, "health"]) => datasources::health(cx, uid),
        ("GET", ["name", name]) => datasources::get(cx, By::Name(name)),
        ("DELETE", ["name", name]) => datasources::delete(cx, By::Name(name)),
        ("GET", ["id", name]) => datasources::id_by_name(cx, name),
        ("GET", [id]) => datasources::get(cx, By::Id(id)),
        ("PUT", [id]) => datasources::update(cx, By::Id(id)),
        ("DELETE", [id]) => datasources::delete(cx, By::Id(id)),
        (_, ["proxy", ..]) => Err(unsupported("the proxy to data sources")),
        (_, ["correlations", ..] | ["uid", _, "correlations" | "resources", ..]) => {
            Err(unsupported("correlations and resources of data sources"))
        }
        // By number, which 12.4 has still; modules name data sources by uid.
        ("GET", [_, "health"] | [_, "resources", ..]) => Err(unsupported("health and resources by number")),
        _ => Err(not_found()),
    }
}

fn folder_paths(cx: &mut Context, method: &str, path: &[&str]) -> Answer {
    match (method, path) {
        ("GET", []) => folders::list(cx),
        ("POST", []) => folders::create(cx),
        ("GET", ["id", id]) => folders::get_by_id(cx, id),
        ("GET", [uid]) => folders::get(cx, uid),
        ("PUT", [uid]) => folders::update(cx, uid),
        ("DELETE", [uid]) => folder_tree::delete(cx, uid),
        ("POST", [uid, "move"]) => folder_tree::move_to(cx, uid),
        ("GET", [uid, "counts"]) => folder_tree::counts(cx, uid),
        ("GET", [uid, "permissions"]) => permissions::get(cx, Of::Folders, uid),
        ("POST", [uid, "permissions"]) => permissions::set(cx, Of::Folders, uid),
        _ => Err(not_found()),
    }
}

fn dashboard_paths(cx: &mut Context, method: &str, path: &[&str]) -> Answer {
    match (method, path) {
        ("POST", ["db"]) => dashboards::save(cx),
        ("POST", ["import"]) => crate::import::import(cx),
        ("GET", ["tags"]) => dashboard_reads::tags(cx),
        ("GET", ["home"]) => Err(unsupported("the home dashboard")),
        ("GET", ["uid", uid]) => dashboard_reads::get(cx, uid),
        ("DELETE", ["uid", uid]) => dashboards::delete(cx, uid),
        ("GET", ["uid", uid, "versions"]) => dashboard_reads::versions(cx, uid),
        ("GET", ["uid", uid, "versions", version]) => dashboard_reads::version(cx, uid, version),
        ("POST", ["uid", uid, "restore"]) => dashboard_reads::restore(cx, uid),
        ("GET", ["uid", uid, "permissions"]) => permissions::get(cx, Of::Dashboards, uid),
        ("POST", ["uid", uid, "permissions"]) => permissions::set(cx, Of::Dashboards, uid),
        (_, ["id", ..]) if cx.old() => Err(unsupported("dashboards by number")),
        ("POST", ["calculate-diff"]) if cx.old() => Err(message(404, "Dashboard version not found")),
        (_, ["public-dashboards", ..] | ["uid", _, "public-dashboards", ..]) => Err(unsupported("public dashboards")),
        _ => Err(not_found()),
    }
}

fn access_paths(cx: &mut Context, method: &str, path: &[&str]) -> Answer {
    let of = match path.first() {
        Some(&"folders") => Of::Folders,
        Some(&"dashboards") => Of::Dashboards,
        // Data sources have none in the OSS edition; the Enterprise roles are unknown paths, too.
        Some(&("teams" | "serviceaccounts" | "user" | "users" | "receivers")) => {
            return Err(unsupported("this access control"));
        }
        _ => return Err(not_found()),
    };
    match (method, &path[1..]) {
        ("GET", ["description"]) => permissions::describe(),
        ("GET", [_]) => Err(unsupported("lists of access control; read …/permissions")),
        ("POST", [uid]) => permissions::set_many(cx, of, uid),
        ("POST", [uid, kind @ ("users" | "teams" | "builtInRoles"), id]) => permissions::set_one(cx, of, uid, kind, id),
        _ => Err(not_found()),
    }
}

fn people_paths(cx: &mut Context, method: &str, path: &[&str]) -> Answer {
    match (method, path) {
        ("GET", ["search"]) => search::search(cx),
        ("GET", ["search", "sorting"]) => search::sorting(),
        ("GET", ["frontend", "settings"]) => server::frontend_settings(cx),
        ("GET", ["user"]) => users::current(cx),
        ("PUT", ["user"]) if cx.who.kind == crate::auth::Kind::Anonymous => Err(crate::auth::no_user()),
        ("GET", ["user", "orgs"]) => users::own_orgs(cx),
        ("POST", ["user", "using", org]) => users::switch(cx, org),
        ("GET", ["users"]) => users::list(cx),
        ("GET", ["users", id, "orgs"]) => users::orgs_by_id(cx, id),
        ("POST", ["users", id, "using", org]) => users::switch_other(cx, id, org),
        ("GET", ["users", id]) => users::get(cx, id),
        ("POST", ["admin", "users"]) => users::create(cx),
        ("DELETE", ["admin", "users", id]) => users::delete(cx, id),
        ("PUT", ["admin", "users", id, "password"]) => users::set_password(cx, id),
        ("POST", ["admin", "users", id, "disable"]) => users::set_disabled(cx, id, true),
        ("POST", ["admin", "users", id, "enable"]) => users::set_disabled(cx, id, false),
        ("POST", ["admin", "provisioning", what @ ("dashboards" | "datasources"), "reload"]) => {
            cx.need_server("provisioning:reload")?;
            crate::seed::reload(cx, what)
        }
        ("GET", ["org"]) => orgs::current(cx),
        ("PUT", ["org"]) => orgs::rename(cx, None),
        ("GET", ["org", "users"]) => orgs::members(cx, None, false),
        ("GET", ["org", "users", "lookup"]) => orgs::members(cx, None, true),
        ("POST", ["org", "users"]) => orgs::add_member(cx, None),
        ("PATCH", ["org", "users", id]) => orgs::set_role(cx, None, id),
        ("GET", ["orgs"]) => orgs::list(cx),
        ("POST", ["orgs"]) => orgs::create(cx),
        ("GET", ["orgs", "name", name]) => orgs::get_by_name(cx, name),
        ("GET", ["orgs", id]) => orgs::get(cx, id),
        ("PUT", ["orgs", id]) => orgs::rename(cx, Some(id)),
        ("DELETE", ["orgs", id]) => orgs::delete(cx, id),
        ("GET", ["orgs", id, "users"]) => orgs::members(cx, Some(id), false),
        ("POST", ["orgs", id, "users"]) => orgs::add_member(cx, Some(id)),
        ("PATCH", ["orgs", org, "users", id]) => orgs::set_role(cx, Some(org), id),
        ("POST", ["teams"]) => teams::create(cx),
        ("GET", ["teams", "search"]) => teams::search(cx),
        ("GET", ["teams", id]) => teams::get(cx, id),
        ("DELETE", ["teams", id]) => teams::delete(cx, id),
        ("GET", ["teams", id, "members"]) => teams::members(cx, id),
        ("POST", ["teams", id, "members"]) => teams::add_member(cx, id),
        ("POST", ["serviceaccounts"]) => service_accounts::create(cx),
        ("GET", ["serviceaccounts", "search"]) => service_accounts::search(cx),
        ("GET", ["serviceaccounts", id]) => service_accounts::get(cx, id),
        ("PATCH", ["serviceaccounts", id]) => service_accounts::update(cx, id),
        ("DELETE", ["serviceaccounts", id]) => service_accounts::delete(cx, id),
        ("GET", ["serviceaccounts", id, "tokens"]) => service_accounts::tokens(cx, id),
        ("POST", ["serviceaccounts", id, "tokens"]) => service_accounts::add_token(cx, id),
        ("DELETE", ["serviceaccounts", id, "tokens", token]) => service_accounts::delete_token(cx, id, token),
        ("GET", ["v1", "provisioning", "alert-rules"]) => rules::list(cx),
        ("POST", ["v1", "provisioning", "alert-rules"]) => rules::save(cx, None),
        (_, ["v1", "provisioning", "alert-rules", "export"]) => Err(unsupported("exports")),
        ("GET", ["v1", "provisioning", "alert-rules", uid]) => rules::get(cx, uid),
        ("PUT", ["v1", "provisioning", "alert-rules", uid]) => rules::save(cx, Some(uid)),
        ("DELETE", ["v1", "provisioning", "alert-rules", uid]) => rules::delete(cx, uid),
        _ => missing(cx, method, path),
    }
}

/// What is refused by role is refused here as well; what would be carried out is 501.
fn missing(cx: &mut Context, method: &str, path: &[&str]) -> Answer {
    let verb = if method == "GET" { "read" } else { "write" };
    match path {
        ["org", "preferences"] => cx.need(Role::Admin, &format!("orgs.preferences:{verb}"))?,
        ["admin", "stats"] => cx.need_server("server.stats:read")?,
        ["admin", "settings", ..] => cx.need_server("settings:read")?,
        ["admin", ..] => cx.need_server(&format!("users:{verb}"))?,
        ["user"] | ["org" | "orgs" | "user" | "users" | "teams" | "serviceaccounts", _, ..] => {}
        [first, ..] if MISSING.contains(first) => {}
        _ => return Err(not_found()),
    }
    Err(unsupported(&format!("{method} /api/{}", path.join("/"))))
}

/// `GET /version` of the /apis side.
pub(crate) fn version(cx: &Context) -> Answer {
    let (number, minor) = (cx.profile.number(), if cx.old() { "31" } else { "35" });
    let git = if cx.old() { format!("{number}+grafana") } else { format!("1.{minor}.0+grafana-v{number}") };
    let mut body = json!({
        "major": "1", "minor": minor, "gitVersion": git, "gitCommit": "main@NA",
        "gitTreeState": format!("grafana v{number}"), "buildDate": "2026-11-23T01:53:47Z", "goVersion": "go1.26.8",
        "compiler": "gc", "platform": "linux/amd64",
    });
    for key in ["emulationMajor", "emulationMinor", "minCompatibilityMajor", "minCompatibilityMinor"] {
        let compatible = if key.starts_with("min") && !cx.old() { "34" } else { minor };
        body[key] = json!(if key.ends_with("Major") { "1" } else { compatible });
    }
    ok(body)
}
