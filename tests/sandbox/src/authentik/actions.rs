//! What is no plain reading or writing of objects: `me`, `set_password`, `used_by`, `types`, …

use serde_json::{Map, Value, json};

use super::check;
use super::effects::{self, set_member};
use super::errors;
use super::kinds::{Kind, table};
use super::show::{self, Wishes};
use super::store::{Object, Store, holds, text};
use super::{fresh, times};
use crate::call::Call;
use crate::reply::{Answer, Reply, ok};

/// Addresses that belong to no kind.
const OUTSIDE: [&str; 6] = [
    "admin/version",
    "admin/settings",
    "admin/system",
    "root/config",
    "core/transactional/applications",
    "srv/authentik",
];

/// Whether an address without a kind exists.
pub(crate) fn is_known(path: &str) -> bool {
    OUTSIDE.contains(&path)
}

/// Whether a kind has such a part after its path.
pub(crate) fn on_collection(kind: &Kind, name: &str) -> bool {
    kind.extra.iter().any(|extra| extra.split(' ').skip(1).eq([name]))
}

/// Whether a kind has such a part after an id.
pub(crate) fn on_object(kind: &Kind, name: &str) -> bool {
    kind.extra.iter().any(|extra| extra.split(' ').skip(1).eq([name, "detail"]))
}

fn allowed(kind: &Kind, method: &str, name: &str) -> Result<(), Reply> {
    let verb = method.to_lowercase();
    let fits = |extra: &&String| extra.split(' ').take(2).eq([verb.as_str(), name]);
    if kind.extra.iter().any(|extra| fits(&extra)) { Ok(()) } else { Err(errors::not_allowed(method)) }
}

/// Addresses that belong to no kind.
pub(crate) fn outside(store: &mut Store, path: &str, method: &str, call: &Call, caller: &Value) -> Answer {
    match (method, path) {
        ("GET", "admin/settings") => ok(settings(store)),
        ("PATCH" | "PUT", "admin/settings") => {
            let body = check::object(call)?;
            if method == "PUT" && !body.contains_key("flags") {
                return Err(errors::field("flags", "This field is required."));
            }
            let retention = body.get("event_retention").and_then(Value::as_str);
            if let Some(bad) = retention.filter(|text| times::duration(text).is_none()) {
                let text = format!("{bad} is not in the correct format of 'hours=3;minutes=1'.");
                return Err(errors::field("event_retention", text));
            }
            let mut all = settings(store);
            for (key, value) in body {
                if all.get(&key).is_some() {
                    all[key.as_str()] = value;
                }
            }
            store.cached.insert("~settings".to_owned(), all.clone());
            ok(all)
        }
        ("PUT", "core/transactional/applications") => transactional(store, call, caller),
        ("GET", "admin/system") => {
            let mut system = fresh::answer(path).cloned().unwrap_or_default();
            if let Some(accept) = call.header("accept") {
                system["http_headers"]["HTTP_ACCEPT"] = json!(accept);
            }
            ok(system)
        }
        ("GET", path) => match fresh::answer(path) {
            Some(answer) => ok(answer.clone()),
            None => Err(errors::unsupported(&format!("GET {path}"))),
        },
        _ => Err(errors::not_allowed(method)),
    }
}

fn settings(store: &Store) -> Value {
    store.cached.get("~settings").or_else(|| fresh::answer("admin/settings")).cloned().unwrap_or_default()
}

/// An application and its provider at once.
fn transactional(store: &mut Store, call: &Call, caller: &Value) -> Answer {
    let body = check::object(call)?;
    let model = body.get("provider_model").and_then(Value::as_str).unwrap_or_default();
    let kinds = &table().kinds;
    let found = kinds.values().find(|kind| kind.model == model && kind.path.starts_with("providers/"));
    let Some(kind) = found else { return Err(errors::field("provider_model", "Invalid provider model")) };
    let part = |key: &str| body.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
    let (provider, mut app) = (part("provider"), part("app"));
    let mut attrs = check::fields(store, kind, &provider, None, false)?;
    super::rules::object(store, kind, &mut attrs, &provider, None, caller, "POST")?;
    app.shift_remove("provider");
    let apps = &kinds["core/applications"];
    let mut application = check::fields(store, apps, &app, None, false)?;
    let id = effects::create(store, kind, attrs, caller);
    application.insert("provider".to_owned(), id);
    effects::create(store, apps, application, caller);
    store.cached.retain(|key, _| key.starts_with('~'));
    ok(json!({ "applied": true, "logs": [] }))
}

/// A part after a kind's path.
pub(crate) fn collection(
    store: &mut Store,
    kind: &'static Kind,
    name: &str,
    method: &str,
    call: &Call,
    caller: &Value,
) -> Answer {
    allowed(kind, method, name)?;
    let path = format!("{}/{name}", kind.path);
    if method == "GET"
        && let Some(answer) = fresh::answer(&path)
    {
        return ok(answer.clone());
    }
    match (path.as_str(), name) {
        ("core/users/me", _) => me(store, kind, caller),
        ("core/users/paths", _) => {
            let mut paths: Vec<&str> = store.of("core/users").iter().map(|user| text(user, "path")).collect();
            paths.sort_unstable();
            paths.dedup();
            ok(json!({ "paths": paths }))
        }
        ("core/users/service_account", _) => service_account(store, kind, call, caller),
        ("crypto/certificatekeypairs/generate", _) => generate(store, kind, call),
        (_, "cache_clear") => Ok(Reply::empty(204)),
        _ => Err(errors::unsupported(&path)),
    }
}

fn me(store: &Store, kind: &Kind, caller: &Value) -> Answer {
    let user = store.of("core/users").iter().find(|user| user["pk"] == *caller).cloned().unwrap_or_default();
    let mut shown = show::by_shape(store, kind, &user, "UserSelf", &Wishes::default());
    let groups = user["groups"].as_array().cloned().unwrap_or_default();
    let named = |id: &Value| {
        let group = store.of("core/groups").iter().find(|group| group["pk"] == *id);
        group.map(|group| json!({ "name": group["name"], "pk": group["pk"] }))
    };
    shown["groups"] = groups.iter().filter_map(named).collect();
    shown["roles"] = json!([]);
    shown["settings"] = user["attributes"].get("settings").cloned().unwrap_or_else(|| json!({}));
    shown["system_permissions"] = json!([]);
    ok(json!({ "user": shown }))
}

fn service_account(store: &mut Store, kind: &'static Kind, call: &Call, caller: &Value) -> Answer {
    let body = check::object(call)?;
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
    if name.is_empty() {
        return Err(errors::field("name", "This field is required."));
    }
    let on = |key: &str, default: bool| body.get(key).and_then(Value::as_bool).unwrap_or(default);
    let groups = &table().kinds["core/groups"];
    if store.of("core/users").iter().any(|user| text(user, "username") == name) {
        return Err(errors::field("name", "This field must be unique."));
    }
    let mut user = Object::new();
    let fields = [("username", name.as_str()), ("name", name.as_str()), ("type", "service_account")];
    for (key, value) in fields.into_iter().chain([("path", "goauthentik.io/service-accounts")]) {
        user.insert(key.to_owned(), json!(value));
    }
    user.insert("attributes".to_owned(), json!({ "goauthentik.io/user/token-expires": on("expiring", true) }));
    let id = effects::create(store, kind, user, caller);
    let mut answer = json!({ "username": name });
    let found = store.of("core/users").iter().find(|user| user["pk"] == id);
    answer["user_uid"] = found.map_or(Value::Null, |user| user["uid"].clone());
    answer["user_pk"] = id.clone();
    if on("create_group", false) {
        let mut group = Object::new();
        group.insert("name".to_owned(), json!(name));
        group.insert("users".to_owned(), json!([id]));
        answer["group_pk"] = effects::create(store, groups, group, caller);
    }
    let mut token = Object::new();
    for (key, value) in [
        ("identifier", json!(format!("service-account-{name}-password"))),
        ("user", id),
        ("intent", json!("app_password")),
        ("expiring", json!(on("expiring", true))),
        ("expires", body.get("expires").cloned().unwrap_or_else(|| json!(times::later(360 * 86_400)))),
    ] {
        token.insert(key.to_owned(), value);
    }
    let token = effects::create(store, &table().kinds["core/tokens"], token, caller);
    let made = store.of("core/tokens").iter().find(|there| there["pk"] == token);
    answer["token"] = made.map_or(Value::Null, |token| token["~key"].clone());
    ok(answer)
}

/// Fingerprints of generated ones are random: nobody has the key.
fn generate(store: &mut Store, kind: &'static Kind, call: &Call) -> Answer {
    let body = check::object(call)?;
    let mut wrong = Map::new();
    let name = body.get("common_name").and_then(Value::as_str).unwrap_or_default().to_owned();
    for key in ["common_name", "validity_days"] {
        if body.get(key).is_none() {
            wrong.insert(key.to_owned(), json!(["This field is required."]));
        }
    }
    if store.of(&kind.path).iter().any(|pair| text(pair, "name") == name) {
        wrong.insert("common_name".to_owned(), json!(["This field must be unique."]));
    }
    if !wrong.is_empty() {
        return Err(errors::fields(wrong));
    }
    let colons = |hex: String| hex.as_bytes().chunks(2).map(String::from_utf8_lossy).collect::<Vec<_>>().join(":");
    let days = body["validity_days"].as_i64().unwrap_or(365);
    let mut pair = Object::new();
    let algorithm = body.get("alg").and_then(Value::as_str).unwrap_or("rsa");
    for (key, value) in [
        ("name", json!(name)),
        ("certificate_data", json!("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")),
        ("key_data", json!("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n")),
        ("fingerprint_sha256", json!(colons(store.hex(64)))),
        ("fingerprint_sha1", json!(colons(store.hex(40)))),
        ("cert_expiry", json!(format!("{}Z", &times::later(days * 86_400)[..19]))),
        ("cert_subject", json!(format!("OU=Self-signed,O=authentik,CN={name}"))),
        ("key_type", json!(if algorithm == "ecdsa" { "ec" } else { algorithm })),
    ] {
        pair.insert(key.to_owned(), value);
    }
    let id = effects::create(store, kind, pair, &Value::Null);
    let made = store.of(&kind.path).iter().find(|pair| pair[&kind.id] == id);
    ok(made.map_or(Value::Null, |pair| show::whole(store, kind, pair, &Wishes::default())))
}

/// A part after an object's id.
pub(crate) fn object(
    store: &mut Store,
    kind: &'static Kind,
    object: &Object,
    name: &str,
    method: &str,
    call: &Call,
) -> Answer {
    allowed(kind, method, name)?;
    let id = object.get(&kind.id).cloned().unwrap_or_default();
    match (kind.path.as_str(), name) {
        // A stage with both of them cannot say what it is (trap 43).
        ("stages/authenticator/email", "used_by") if object["use_tls"] == true && object["use_ssl"] == true => {
            Err(errors::crash(method))
        }
        (_, "used_by") => ok(used_by(store, kind, object)),
        ("core/users", "set_password") => {
            let body = check::object(call)?;
            match body.get("password").and_then(Value::as_str) {
                None => Err(errors::field("password", "This field is required.")),
                Some("") => Err(errors::field("password", "This field may not be blank.")),
                Some(password) => {
                    if let Some(user) = store.get_mut("core/users", "pk", &id) {
                        user.insert("~password".to_owned(), json!(password));
                        user.insert("password_change_date".to_owned(), json!(times::now()));
                    }
                    Ok(Reply::empty(204))
                }
            }
        }
        ("core/users", "recovery") => Err(Reply::json(400, json!({ "non_field_errors": "No recovery flow set." }))),
        ("core/groups" | "rbac/roles", "add_user" | "remove_user") => {
            let body = check::object(call)?;
            let wanted = body.get("pk").cloned().unwrap_or_default();
            let field = if kind.path == "core/groups" { "groups" } else { "roles" };
            match store.get_mut("core/users", "pk", &wanted) {
                None => Err(errors::no_object("User")),
                Some(user) => {
                    set_member(user, field, &id, name == "add_user");
                    Ok(Reply::empty(204))
                }
            }
        }
        ("core/tokens" | "endpoints/agents/enrollment_tokens", "view_key") => ok(json!({ "key": object["~key"] })),
        ("core/tokens", "set_key") => {
            let body = check::object(call)?;
            match body.get("key").and_then(Value::as_str) {
                None => Err(errors::field("key", "This field is required.")),
                Some(key) => {
                    if let Some(token) = store.get_mut("core/tokens", "pk", &id) {
                        token.insert("~key".to_owned(), json!(key));
                    }
                    Ok(Reply::empty(204))
                }
            }
        }
        ("core/applications", "check_access") => ok(json!({ "passing": true, "messages": [], "log_messages": [] })),
        ("crypto/certificatekeypairs", "view_certificate") => ok(json!({ "data": text(object, "certificate_data") })),
        ("crypto/certificatekeypairs", "view_private_key") => ok(json!({ "data": text(object, "key_data") })),
        ("managed/blueprints", "apply") => {
            if let Some(blueprint) = store.get_mut(&kind.path, &kind.id, &id) {
                blueprint.insert("~due".to_owned(), json!(0));
            }
            ok(show::whole(store, kind, object, &Wishes::default()))
        }
        ("outposts/instances", "health") => ok(json!([])),
        ("outposts/service_connections/all", "state") => ok(json!({ "version": "", "healthy": false })),
        ("providers/scim", "sync/status") => ok(json!({ "is_running": false })),
        ("providers/oauth2", "setup_urls") => ok(setup_urls(store, &id)),
        _ => Err(errors::unsupported(&format!("{}/…/{name}", kind.path))),
    }
}

fn setup_urls(store: &Store, id: &Value) -> Value {
    let app = store.of("core/applications").iter().find(|app| app.get("provider") == Some(id));
    let base = "http://127.0.0.1:9000/application/o";
    let provider = store.of("providers/oauth2").iter().find(|provider| provider["pk"] == *id);
    let global = provider.is_some_and(|provider| text(provider, "issuer_mode") == "global");
    let issuer = if global { json!("http://127.0.0.1:9000/") } else { Value::Null };
    let Some(_) = app else {
        return json!({
            "issuer": issuer, "authorize": format!("{base}/authorize/"),
            "token": format!("{base}/token/"), "user_info": format!("{base}/userinfo/"), "provider_info": null,
            "logout": null,
        });
    };
    let own = |end: &str| app.map_or(Value::Null, |app| json!(format!("{base}/{}/{end}", text(app, "slug"))));
    json!({
        "issuer": if global { issuer } else { own("") }, "authorize": format!("{base}/authorize/"), "token": format!("{base}/token/"),
        "user_info": format!("{base}/userinfo/"), "provider_info": own(".well-known/openid-configuration"),
        "logout": own("end-session/"), "jwks": own("jwks/"),
    })
}

/// The objects that refer to one.
fn used_by(store: &Store, kind: &Kind, object: &Object) -> Value {
    let mut out = Vec::new();
    for (other, field, target) in effects::references_to(kind, object) {
        for one in store.of(&other.path).iter().filter(|o| o.get(field) == Some(&target) || holds(o, field, &target)) {
            let list = one[field].is_array();
            let action = match other.field(field).and_then(|field| field.gone.as_deref()) {
                _ if list => "cascade_many",
                Some("CASCADE") => "cascade",
                Some("SET_DEFAULT") => "set_default",
                _ => "set_null",
            };
            let (app, _) = other.model.split_once('.').unwrap_or_default();
            let name = ["name", "username", "identifier", "domain"].iter().find_map(|key| one.get(*key)?.as_str());
            out.push(json!({
                "app": app, "model_name": other.object.to_lowercase(), "pk": check::loose(&one[&other.id]),
                "name": name.unwrap_or(&other.verbose[0]), "action": action,
            }));
        }
    }
    Value::Array(out)
}
