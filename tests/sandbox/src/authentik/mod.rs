//! A stand-in for authentik 2026.5: one store for all kinds of objects, driven by a table of what its API takes and
//! answers, and by hand what no table holds. "Trap" numbers are those of `../shared/reference/authentik.md` (1 to 30)
//! and `authentik-kinds.md` (31 to 49).

use serde_json::Value;

use crate::call::Call;
use crate::reply::{Answer, Reply, ok};

mod actions;
mod certificates;
mod check;
mod effects;
mod errors;
mod fresh;
mod kinds;
mod lists;
mod more;
mod more_rules;
mod permissions;
mod rules;
mod show;
mod store;
mod times;

pub(crate) use errors::crash;
use kinds::{Kind, table};
use store::{Object, Store, text};

/// The token of the administrator.
pub(crate) const TOKEN: &str = "lab-bootstrap-token-0123456789";

/// A server's objects.
pub(crate) struct Authentik {
    store: Store,
}

impl Authentik {
    /// A fresh server.
    pub fn fresh() -> Authentik {
        Authentik { store: fresh::store(TOKEN) }
    }

    /// Answers a request.
    pub fn handle(&mut self, call: &Call) -> Reply {
        self.answer(call).unwrap_or_else(|refusal| refusal)
    }

    /// Puts objects in place past all checks: `{"core/users": [{"username": "akadmin", "last_login": "…"}]}`. One
    /// that is there by its slug, user name, identifier or name is changed.
    pub fn seed(&mut self, body: &Value) -> Answer {
        for (path, objects) in body.as_object().into_iter().flatten() {
            let kind = table().kinds.get(path).ok_or_else(|| errors::detail(400, &format!("no kind {path}")))?;
            for object in objects.as_array().into_iter().flatten().filter_map(Value::as_object) {
                let key = ["slug", "username", "identifier", "name"].into_iter().find(|key| object.contains_key(*key));
                let there = |other: &&Object| key.is_some_and(|key| other.get(key) == object.get(key));
                match self.store.of(path).iter().find(there).map(|there| there[&kind.id].clone()) {
                    Some(id) => effects::update(&mut self.store, kind, &id, object.clone()),
                    None => {
                        effects::create(&mut self.store, kind, object.clone(), &Value::Null);
                    }
                }
            }
        }
        ok(serde_json::json!({ "message": "done" }))
    }

    fn answer(&mut self, call: &Call) -> Answer {
        let method = if call.method == "HEAD" { "GET" } else { call.method.as_str() };
        let Some(path) = call.path.strip_prefix("/api/v3/").and_then(|path| path.strip_suffix('/')) else {
            return match call.path.as_str() {
                "/-/health/live/" | "/-/health/ready/" => Ok(Reply::empty(200)),
                _ => Err(errors::no_page(method)),
            };
        };
        let Some((kind, rest)) = find(path) else {
            if path == "root/config" && method == "GET" {
                return ok(fresh::answer(path).cloned().unwrap_or_default());
            }
            if actions::is_known(path) {
                let caller = self.caller(call)?;
                return actions::outside(&mut self.store, path, method, call, &caller);
            }
            return Err(errors::no_page(method));
        };
        if path == "core/brands/current" && method == "GET" {
            return ok(fresh::answer(path).cloned().unwrap_or_default());
        }
        let caller = self.caller(call)?;
        if call.header("accept").is_some_and(|accept| !accept.contains("json") && !accept.contains("*/*")) {
            return Err(errors::detail(406, "Could not satisfy the request Accept header."));
        }
        let user = self.store.of("core/users").iter().find(|user| user["pk"] == caller).cloned().unwrap_or_default();
        if !show::is_superuser(&self.store, &user) && path != "core/users/me" {
            return Err(errors::detail(403, "You do not have permission to perform this action."));
        }
        self.settle(path);
        match rest.as_slice() {
            [] => self.collection(kind, method, call, &caller),
            [one] if actions::on_collection(kind, one) => {
                actions::collection(&mut self.store, kind, one, method, call, &caller)
            }
            [id] => self.object(kind, id, method, call, &caller),
            [role, what @ ("assign" | "unassign")] if kind.path == "rbac/permissions/assigned_by_roles" => {
                let role = self.one(&table().kinds["rbac/roles"], role)?;
                match (method, *what) {
                    ("POST", "assign") | ("PATCH", "unassign") => {
                        permissions::change(&mut self.store, &role["pk"], *what == "assign", call)
                    }
                    _ => Err(errors::not_allowed(method)),
                }
            }
            [id, action @ ..] if actions::on_object(kind, &action.join("/")) => {
                let object = self.one(kind, id)?;
                actions::object(&mut self.store, kind, &object, &action.join("/"), method, call)
            }
            _ => Err(errors::no_page(method)),
        }
    }

    /// The user who asks (trap 1).
    fn caller(&self, call: &Call) -> Result<Value, Reply> {
        let given = call.header("authorization").unwrap_or_default();
        let key = given.strip_prefix("Bearer ").map(str::trim).filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| errors::detail(403, "Authentication credentials were not provided."))?;
        let now = times::now();
        let good = |token: &&Object| {
            let ended = token["expiring"] == true && token["expires"].as_str().is_some_and(|end| end < now.as_str());
            text(token, "~key") == key && text(token, "intent") == "api" && !ended
        };
        let token = self.store.of("core/tokens").iter().find(good);
        let active = |id: &Value| self.store.of("core/users").iter().any(|u| u["pk"] == *id && u["is_active"] == true);
        let user = token.map(|token| token["user"].clone()).filter(active);
        user.ok_or_else(|| errors::detail(403, "Token invalid/expired"))
    }

    /// Blueprints are carried out some time after they were written (trap 23).
    fn settle(&mut self, path: &str) {
        if !path.starts_with("managed/blueprints") {
            return;
        }
        let (hash, now) = (self.store.hex(128), crate::text::micros());
        let due = |b: &&mut Object| text(b, "status") == "unknown" && b.get("~due").and_then(Value::as_i64) < Some(now);
        for blueprint in self.store.all_mut("managed/blueprints").filter(due) {
            let named =
                text(blueprint, "content").split("metadata:").nth(1).and_then(|rest| rest.split("name:").nth(1));
            let name = named.and_then(|rest| rest.lines().next()).unwrap_or(text(blueprint, "name")).trim().to_owned();
            blueprint.insert("metadata".to_owned(), serde_json::json!({ "name": name, "labels": {} }));
            blueprint.insert("status".to_owned(), Value::from("successful"));
            blueprint.insert("last_applied".to_owned(), Value::from(times::now()));
            blueprint.insert("last_applied_hash".to_owned(), Value::from(hash.clone()));
        }
    }

    fn collection(&mut self, kind: &'static Kind, method: &str, call: &Call, caller: &Value) -> Answer {
        match method {
            "GET" if kind.path == "rbac/permissions/roles" => {
                lists::rows(permissions::on_objects(&self.store, call.query("uuid")), call)
            }
            "GET" if kind.path == "rbac/permissions/assigned_by_roles" => {
                lists::rows(permissions::by_role(&self.store, call)?, call)
            }
            "GET" if kind.has("list") => {
                let cached = kind.path == "core/applications"
                    && call.query("superuser_full_list").is_none_or(|v| v != "true")
                    && call.query("search").is_none_or(str::is_empty);
                let key = format!("{caller} {}", call.query("page").unwrap_or("1"));
                if let Some(answer) = self.store.cached.get(&key).filter(|_| cached) {
                    return ok(answer.clone());
                }
                let reply = lists::list(&self.store, kind, call, fresh::completion(&kind.path))?;
                if let (true, crate::reply::Content::Json(body)) = (cached, &reply.body) {
                    self.store.cached.insert(key, body.clone());
                }
                Ok(reply)
            }
            "POST" if kind.has("create") && kind.http.iter().any(|m| m == "post") => {
                self.create(kind, &check::object(call)?, caller)
            }
            _ => Err(errors::not_allowed(method)),
        }
    }

    fn create(&mut self, kind: &'static Kind, body: &Object, caller: &Value) -> Answer {
        if rules::fails_early(kind, body) {
            return Err(errors::crash("POST"));
        }
        let mut attrs = check::fields(&self.store, kind, body, None, false)?;
        rules::object(&self.store, kind, &mut attrs, body, None, caller, "POST")?;
        let id = effects::create(&mut self.store, kind, attrs, caller);
        self.changed(kind);
        Ok(Reply::json(201, self.shown(kind, &id, true)))
    }

    /// The object of an address, or how it is not found (trap 5).
    fn one(&self, kind: &'static Kind, wanted: &str) -> Result<Object, Reply> {
        let by_id = kind.lookup == "pk" || kind.lookup == kind.id;
        let form = match by_id {
            true if kind.numbered => wanted.parse::<i64>().is_ok(),
            true if kind.by_uuid => check::uuid(&Value::from(wanted)).is_some(),
            _ => true,
        };
        if !form {
            return Err(errors::detail(404, "Not found."));
        }
        let field = if by_id { kind.id.as_str() } else { kind.lookup.as_str() };
        let found = if kind.is_union() {
            lists::all(&self.store, kind)
                .into_iter()
                .find(|(of, object)| store::is(object, &of.id, wanted))
                .map(|f| f.1)
        } else {
            self.store.get(kind, field, wanted)
        };
        found.cloned().ok_or_else(|| errors::no_object(&kind.object))
    }

    fn object(&mut self, kind: &'static Kind, wanted: &str, method: &str, call: &Call, caller: &Value) -> Answer {
        let allowed = match method {
            "GET" => kind.has("retrieve"),
            "PUT" => kind.has("update") && kind.http.iter().any(|m| m == "put"),
            "PATCH" => kind.has("partial_update") && kind.http.iter().any(|m| m == "patch"),
            "DELETE" => kind.has("destroy") && kind.http.iter().any(|m| m == "delete"),
            _ => false,
        };
        if !allowed {
            return Err(errors::not_allowed(method));
        }
        let there = self.one(kind, wanted)?;
        let of = self.kind_of(kind, &there);
        let id = there[&of.id].clone();
        match method {
            "GET" => ok(lists::show_one(&self.store, kind, of, &there, &show::wishes(call))),
            "DELETE" => {
                effects::delete(&mut self.store, of, &id);
                self.changed(of);
                Ok(Reply::empty(204))
            }
            _ => {
                let body = check::object(call)?;
                if kind.path == "lifecycle/rules" && rules::fails_early(kind, &body) {
                    return Err(errors::crash(method));
                }
                let mut attrs = check::fields(&self.store, kind, &body, Some(&there), method == "PATCH")?;
                rules::object(&self.store, kind, &mut attrs, &body, Some(&there), caller, method)?;
                // The provider is looked up before the application is written: it still shows the old slug.
                let before = (kind.path == "core/applications" && !attrs.contains_key("provider"))
                    .then(|| self.shown(kind, &id, true)["provider_obj"].take());
                effects::update(&mut self.store, kind, &id, attrs);
                self.changed(kind);
                let mut shown = self.shown(kind, &id, true);
                if let Some(provider) = before {
                    shown["provider_obj"] = provider;
                }
                ok(shown)
            }
        }
    }

    /// The kind of an object that was found in a list over several kinds.
    fn kind_of(&self, kind: &'static Kind, object: &Object) -> &'static Kind {
        let same = |(_, other): &(&'static Kind, &Object)| other["~n"] == object["~n"];
        match kind.is_union() {
            true => lists::all(&self.store, kind).into_iter().find(same).map_or(kind, |(of, _)| of),
            false => kind,
        }
    }

    fn shown(&self, kind: &'static Kind, id: &Value, written: bool) -> Value {
        let object = self.store.of(&kind.path).iter().find(|object| object.get(&kind.id) == Some(id));
        let wishes = show::Wishes { written, ..Default::default() };
        object.map_or(Value::Null, |object| show::whole(&self.store, kind, object, &wishes))
    }

    /// Writing an application empties the cache of their lists.
    fn changed(&mut self, kind: &Kind) {
        if kind.path == "core/applications" {
            self.store.cached.clear();
        }
    }
}

/// The kind whose path begins an address, and the parts after it.
fn find(path: &str) -> Option<(&'static Kind, Vec<&str>)> {
    let parts: Vec<&str> = path.split('/').collect();
    (1..=parts.len()).rev().find_map(|count| {
        let kind = table().kinds.get(&parts[..count].join("/"))?;
        Some((kind, parts[count..].to_vec()))
    })
}

/// An address with `{}` where an id stands, for counts.
pub(crate) fn template(call: &Call) -> String {
    let path = call.path.trim_start_matches("/api/v3/").trim_matches('/');
    let Some((kind, rest)) = find(path) else { return format!("/api/v3/{path}/") };
    let mut out = format!("/api/v3/{}/", kind.path);
    for (index, part) in rest.iter().enumerate() {
        let id = index == 0 && !actions::on_collection(kind, part);
        out.push_str(if id { "{}" } else { part });
        out.push('/');
    }
    out
}
