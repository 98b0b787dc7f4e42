//! How objects are shown: stored fields, and those that are worked out from others.

use serde_json::{Map, Value, json};

use super::kinds::{BOUND, Kind, table};
use super::store::{Object, Store, holds, id_for, text};
use super::times;

/// Which nested fields a request wants (`include_users=false`, …).
#[derive(Debug, Default, Clone)]
pub(crate) struct Wishes {
    pub without: Vec<&'static str>,
    pub with: Vec<&'static str>,
    /// It answers a write: some nested objects are shown otherwise (trap 18).
    pub written: bool,
}

/// The nested fields that a query leaves out or asks for.
pub(crate) fn wishes(call: &crate::call::Call) -> Wishes {
    const DEFAULT: [(&str, &str); 3] =
        [("include_users", "users_obj"), ("include_groups", "groups_obj"), ("include_roles", "roles_obj")];
    const EXTRA: [(&str, &str); 3] = [
        ("include_parents", "parents_obj"),
        ("include_children", "children_obj"),
        ("include_inherited_roles", "inherited_roles_obj"),
    ];
    let says = |key: &str, wanted: &str| call.query(key).is_some_and(|value| value.eq_ignore_ascii_case(wanted));
    Wishes {
        without: DEFAULT.iter().filter(|(key, _)| says(key, "false")).map(|(_, field)| *field).collect(),
        with: EXTRA.iter().filter(|(key, _)| says(key, "true")).map(|(_, field)| *field).collect(),
        written: false,
    }
}

/// An object as its own endpoint shows it.
pub(crate) fn whole(store: &Store, kind: &Kind, object: &Object, wishes: &Wishes) -> Value {
    by_shape(store, kind, object, &kind.shape, wishes)
}

/// An object with the fields of a schema.
pub(crate) fn by_shape(store: &Store, kind: &Kind, object: &Object, shape: &str, wishes: &Wishes) -> Value {
    // Policies are shown with the fields of their kind everywhere.
    let shape = if shape == "Policy" { &kind.shape } else { shape };
    let mut out = Map::new();
    for (name, of) in table().shapes.get(shape).into_iter().flatten() {
        // Written in the serializer, but never shown.
        let hidden = match name.as_str() {
            "source_obj" => kind.path.starts_with("sources/group_connections/"),
            "rel_obj_app_label" | "rel_obj_model" => kind.path == "tasks/schedules" && object["rel_obj_id"].is_null(),
            _ => false,
        };
        if hidden {
            continue;
        }
        out.insert(name.clone(), value(store, kind, object, name, of, wishes));
    }
    Value::Object(out)
}

/// The kind that shows itself as its base: outposts and bindings do not look which kind a provider or stage is.
fn as_base(kind: &Kind, object: &Object, shape: &str) -> Value {
    let mut out = Map::new();
    let verbose = shape.to_lowercase();
    for (name, _) in table().shapes.get(shape).into_iter().flatten() {
        let value = match name.as_str() {
            "component" => json!(""),
            "verbose_name" => json!(verbose),
            "verbose_name_plural" => json!(format!("{verbose}s")),
            "meta_model_name" => json!(kind.bases.last().unwrap_or(&kind.model)),
            name if name.starts_with("assigned_") => Value::Null,
            "flow_set" => json!([]),
            "icon_url" | "icon_themed_urls" => Value::Null,
            name => object.get(name).cloned().unwrap_or(Value::Null),
        };
        out.insert(name.clone(), value);
    }
    Value::Object(out)
}

fn value(store: &Store, kind: &Kind, object: &Object, name: &str, of: &str, wishes: &Wishes) -> Value {
    if wishes.without.contains(&name) {
        return Value::Null;
    }
    match name {
        "component" => return json!(kind.component),
        "verbose_name" if !kind.component.is_empty() || object.get(name).is_none() => return json!(kind.verbose[0]),
        "verbose_name_plural" => return json!(kind.verbose[1]),
        "meta_model_name" => return json!(kind.model),
        _ => {}
    }
    if let Some(value) = worked_out(store, kind, object, name, wishes) {
        return value;
    }
    if let Some(value) = object.get(name) {
        return value.clone();
    }
    let nested = of.trim_end_matches('?').trim_matches(['[', ']']).trim_end_matches('?');
    if table().shapes.contains_key(nested) {
        return related(store, kind, object, name, of, nested, wishes);
    }
    let field = kind.field(name);
    if let Some(default) = field.and_then(|field| field.default.clone()) {
        return default;
    }
    match of {
        of if of.starts_with('[') && !of.ends_with('?') => json!([]),
        "json" => json!({}),
        "str" => json!(""),
        "bool" => json!(false),
        "int" => json!(0),
        _ => Value::Null,
    }
}

/// The objects behind `*_obj`.
fn related(store: &Store, kind: &Kind, object: &Object, name: &str, of: &str, shape: &str, wishes: &Wishes) -> Value {
    let source = match kind.field(name).and_then(|field| field.source.as_deref()) {
        Some(source) if source != "*" && kind.field(source).is_some() => source,
        _ => name.trim_end_matches("_obj"),
    };
    let model = kind.field(source).and_then(|field| field.to.clone()).unwrap_or_default();
    let inner = Wishes { written: wishes.written, ..Wishes::default() };
    let shown = |id: &Value| {
        store.refer(&model, id).map(|(target, found)| match (kind.path.as_str(), shape) {
            ("outposts/instances", "Provider") => as_base(target, found, shape),
            (_, "Connector" | "Source") => as_base(target, found, shape),
            ("flows/bindings", "Stage") if wishes.written => as_base(target, found, shape),
            _ => by_shape(store, target, found, shape, &inner),
        })
    };
    match object.get(source) {
        Some(Value::Array(ids)) => ids.iter().filter_map(shown).collect(),
        Some(Value::Null) | None if of.starts_with('[') => json!([]),
        Some(Value::Null) | None => Value::Null,
        Some(id) => shown(id).unwrap_or(Value::Null),
    }
}

/// What is not stored with the object.
fn worked_out(store: &Store, kind: &Kind, object: &Object, name: &str, wishes: &Wishes) -> Option<Value> {
    let own = object.get(&kind.id).cloned().unwrap_or(Value::Null);
    let path = kind.path.as_str();
    Some(match (path, name) {
        ("core/users", "is_superuser") => json!(is_superuser(store, object)),
        ("core/users", "avatar") => json!(avatar(text(object, "name"))),
        ("core/groups", "users") => members(store, &own).map(|user| user["pk"].clone()).collect(),
        ("core/groups", "users_obj") => {
            let kind = &table().kinds["core/users"];
            let one = |user: &Object| by_shape(store, kind, user, "PartialUser", &Wishes::default());
            members(store, &own).map(one).collect()
        }
        ("core/groups", "children") => children(store, &own).iter().map(|g| g["pk"].clone()).collect(),
        ("core/groups", "children_obj" | "parents_obj" | "inherited_roles_obj") if !wishes.with.contains(&name) => {
            Value::Null
        }
        ("core/groups", "children_obj") => {
            let one = |g: &Object| by_shape(store, kind, g, "RelatedGroup", &Wishes::default());
            children(store, &own).into_iter().map(one).collect()
        }
        ("core/groups", "inherited_roles_obj") => json!([]),
        ("core/groups", "group_uuid") => own,
        ("providers/oauth2", "redirect_uris") if !wishes.written => {
            let mut uris = object.get(name).cloned().unwrap_or_else(|| json!([]));
            // A PATCH stores them without what a PUT fills in; only its own answer shows that (trap 17).
            for uri in uris.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
                uri.entry("redirect_uri_type").or_insert_with(|| json!("authorization"));
            }
            uris
        }
        ("core/applications", "launch_url") => launch_url(store, object),
        ("core/applications", "meta_icon_url") => {
            let icon = text(object, "meta_icon");
            if icon.is_empty() { Value::Null } else { json!(icon) }
        }
        ("flows/instances", "background_url") => json!(background(text(object, "background"))),
        (_, "meta_icon_themed_urls" | "background_themed_urls" | "icon_themed_urls") => Value::Null,
        ("flows/instances", "export_url") => {
            json!(format!("/api/v3/flows/instances/{}/export/", text(object, "slug")))
        }
        ("flows/instances", "cache_count") => json!(0),
        ("flows/instances", "stages") => stage_bindings(store, &own).iter().map(|b| b["stage"].clone()).collect(),
        ("flows/instances", "policies") => {
            let target = id_for(kind, object, BOUND);
            let bound = store.of("policies/bindings").iter().filter(|b| b["target"] == target);
            bound.map(|b| b["policy"].clone()).filter(|id| !id.is_null()).collect()
        }
        (_, "flow_set") => {
            let flows = &table().kinds["flows/instances"];
            let within = |flow: &&Object| stage_bindings(store, &flow["pk"]).iter().any(|b| b["stage"] == own);
            let one = |flow: &Object| by_shape(store, flows, flow, "FlowSet", &Wishes::default());
            store.of("flows/instances").iter().filter(within).map(one).collect()
        }
        (_, "promptstage_set" | "prompt_stages_obj") if path == "stages/prompt/prompts" => {
            let stages = &table().kinds["stages/prompt/stages"];
            let one = |stage: &Object| by_shape(store, stages, stage, "PromptStage", &Wishes::default());
            store.of("stages/prompt/stages").iter().filter(|s| holds(s, "fields", &own)).map(one).collect()
        }
        (_, "bound_to") => json!(store.of("policies/bindings").iter().filter(|b| b["policy"] == own).count()),
        (_, "assigned_application_slug") => assigned(store, &own, "provider", "slug"),
        (_, "assigned_application_name") => assigned(store, &own, "provider", "name"),
        (_, "assigned_backchannel_application_slug") => assigned(store, &own, "backchannel_providers", "slug"),
        (_, "assigned_backchannel_application_name") => assigned(store, &own, "backchannel_providers", "name"),
        (_, "outpost_set") => {
            let outposts = store.of("outposts/instances").iter();
            outposts
                .filter(|o| holds(o, "providers", &own))
                .map(|o| json!(format!("Outpost {}", text(o, "name"))))
                .collect()
        }
        ("outposts/instances", "refresh_interval_s") => {
            let interval = object["config"]["refresh_interval"].as_str().unwrap_or("minutes=5");
            json!(times::duration(interval).unwrap_or(300))
        }
        ("outposts/instances", "token_identifier") => {
            json!(format!("ak-outpost-{}-api", own.as_str().unwrap_or_default()))
        }
        ("providers/saml" | "providers/wsfed", "url_download_metadata") => {
            json!(match assigned(store, &own, "provider", "slug") {
                Value::String(slug) => format!("http://127.0.0.1:9000/application/saml/{slug}/metadata/"),
                _ => format!("http://127.0.0.1:9000/api/v3/{path}/{own}/metadata/?download"),
            })
        }
        ("providers/saml", url) if url.starts_with("url_") => {
            let end = match url {
                "url_sso_post" => "sso/binding/post/",
                "url_sso_redirect" => "sso/binding/redirect/",
                "url_sso_init" => "sso/binding/init/",
                "url_slo_post" => "slo/binding/post/",
                _ => "slo/binding/redirect/",
            };
            json!(match assigned(store, &own, "provider", "slug") {
                Value::String(slug) => format!("http://127.0.0.1:9000/application/saml/{slug}/{end}"),
                _ => "-".to_owned(),
            })
        }
        ("crypto/certificatekeypairs", "private_key_available") => json!(!text(object, "key_data").is_empty()),
        ("crypto/certificatekeypairs", "certificate_download_url") => {
            json!(format!("/api/v3/{path}/{}/view_certificate/?download", own.as_str().unwrap_or_default()))
        }
        ("crypto/certificatekeypairs", "private_key_download_url") => {
            json!(format!("/api/v3/{path}/{}/view_private_key/?download", own.as_str().unwrap_or_default()))
        }
        ("events/transports", "mode_verbose") => json!(match text(object, "mode") {
            "webhook" => "Generic Webhook",
            "webhook_slack" => "Slack Webhook (Slack/Discord)",
            "email" => "Email",
            _ => "authentik inbuilt notifications",
        }),
        _ => return super::more::worked_out(store, kind, object, name),
    })
}

/// The bindings of a flow in their order.
pub(crate) fn stage_bindings<'a>(store: &'a Store, flow: &Value) -> Vec<&'a Object> {
    let mut all: Vec<&Object> = store.of("flows/bindings").iter().filter(|b| b["target"] == *flow).collect();
    all.sort_by_key(|binding| binding["order"].as_i64());
    all
}

fn members<'a>(store: &'a Store, group: &'a Value) -> impl Iterator<Item = &'a Object> {
    store.of("core/users").iter().filter(move |user| holds(user, "groups", group))
}

/// The groups below one, in the order in which they came to be there.
fn children<'a>(store: &'a Store, parent: &Value) -> Vec<&'a Object> {
    let mut all: Vec<&Object> =
        store.of("core/groups").iter().filter(|group| holds(group, "parents", parent)).collect();
    all.sort_by_key(|group| group.get("~linked").and_then(Value::as_u64));
    all
}

/// Whether a user is in a group of superusers, or in one below such a group.
pub(crate) fn is_superuser(store: &Store, user: &Object) -> bool {
    let mut open: Vec<Value> = user["groups"].as_array().cloned().unwrap_or_default();
    let mut seen: Vec<Value> = Vec::new();
    while let Some(id) = open.pop() {
        if seen.contains(&id) {
            continue;
        }
        if let Some(group) = store.of("core/groups").iter().find(|group| group["pk"] == id) {
            if group.get("is_superuser") == Some(&json!(true)) {
                return true;
            }
            open.extend(group.get("parents").and_then(Value::as_array).cloned().unwrap_or_default());
        }
        seen.push(id);
    }
    false
}

fn assigned(store: &Store, provider: &Value, field: &str, wanted: &str) -> Value {
    let found = store.of("core/applications").iter().find(|app| match app.get(field) {
        Some(Value::Array(list)) => list.contains(provider),
        Some(one) => one == provider,
        None => false,
    });
    found.map_or(Value::Null, |app| app[wanted].clone())
}

fn launch_url(store: &Store, app: &Object) -> Value {
    let own = text(app, "meta_launch_url");
    if !own.is_empty() {
        return json!(own);
    }
    match app.get("provider").and_then(|id| store.refer("authentik_core.provider", id)) {
        Some((kind, provider)) if kind.path == "providers/proxy" => provider["external_host"].clone(),
        Some((kind, provider)) if kind.path == "providers/oauth2" => {
            let first = provider["redirect_uris"][0]["url"].as_str().unwrap_or_default();
            let end = first.find("://").and_then(|at| first[at + 3..].find('/').map(|slash| at + 3 + slash));
            if first.is_empty() { Value::Null } else { json!(&first[..end.unwrap_or(first.len())]) }
        }
        _ => Value::Null,
    }
}

fn background(stored: &str) -> String {
    if stored.is_empty() { "/static/dist/assets/images/flow_background.jpg".to_owned() } else { stored.to_owned() }
}

fn avatar(name: &str) -> String {
    let svg = format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><text>{name}</text></svg>");
    format!("data:image/svg+xml;base64,{}", base64::Engine::encode(&base64::prelude::BASE64_STANDARD, svg))
}
