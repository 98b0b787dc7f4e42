//! Which role may do what (trap 38).

use serde_json::{Map, Value, json};

use super::check;
use super::errors;
use super::kinds::table;
use super::store::{Object, Store, text};
use crate::call::Call;
use crate::reply::{Answer, Reply, ok};

/// A permission that a role has, everywhere or on one object.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    id: u64,
    role: Value,
    permission: Object,
    /// The object's id.
    object: Option<String>,
}

/// The role that a blueprint makes: it may view everything.
const READ_ONLY: &str = "authentik Read-only";

/// The permissions of `app.codename`, or of a codename alone.
fn named<'a>(store: &'a Store, name: &str) -> Option<&'a Object> {
    let (app, codename) = name.split_once('.')?;
    let fits = |p: &&Object| text(p, "codename") == codename && text(p, "app_label") == app;
    store.of("rbac/permissions").iter().find(fits)
}

/// What a body asks for: permissions, and the object that they are for.
struct Asked {
    names: Vec<String>,
    model: Option<String>,
    /// None also where the object does not exist: then it is everywhere (trap 38).
    object: Option<String>,
}

fn asked(store: &Store, call: &Call) -> Result<Asked, Reply> {
    let body = check::object(call)?;
    let word = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let names = body.get("permissions").and_then(Value::as_array);
    let names = names.ok_or_else(|| errors::field("permissions", "This field is required."))?;
    let names: Vec<String> = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let (model, id) = (word("model"), word("object_pk"));
    if model.is_some() != id.is_some() {
        return Err(errors::object("The fields model, object_pk must be used together."));
    }
    let Some((model, id)) = model.zip(id) else {
        if names.iter().any(|name| !name.contains('.')) {
            let text = "When assigning global permissions, codename must be given as app_label.codename";
            return Err(errors::field("permissions", text));
        }
        return Ok(Asked { names, model: None, object: None });
    };
    let kind = table().kinds.values().find(|kind| kind.model == model);
    let Some(kind) = kind else { return Err(errors::field("model", format!("\"{model}\" is not a valid choice."))) };
    if !kind.numbered && check::uuid(&json!(id)).is_none() {
        return Err(errors::object(format!("“{id}” is not a valid UUID.")));
    }
    let there = store.get(kind, &kind.id, &id).is_some();
    Ok(Asked { names, model: Some(model), object: there.then_some(id) })
}

/// `assign` and `unassign` of a role.
pub(crate) fn change(store: &mut Store, role: &Value, assign: bool, call: &Call) -> Answer {
    let asked = asked(store, call)?;
    let mut answer = Vec::new();
    for name in &asked.names {
        let permission = named(store, name).cloned();
        let fits = |permission: &Object| match (&asked.object, &asked.model) {
            (Some(_), Some(model)) => {
                format!("{}.{}", text(permission, "app_label"), text(permission, "model")) == *model
            }
            _ => true,
        };
        let Some(permission) = permission.filter(fits) else { return Err(errors::crash(&call.method)) };
        let same = |grant: &Grant| {
            grant.role == *role && grant.permission["id"] == permission["id"] && grant.object == asked.object
        };
        if !assign {
            store.grants.retain(|grant| !same(grant));
            continue;
        }
        let known = store.grants.iter().find(|grant| same(grant)).map(|grant| grant.id);
        let id = known.unwrap_or_else(|| {
            let id = store.number();
            store.grants.push(Grant { id, role: role.clone(), permission, object: asked.object.clone() });
            id
        });
        answer.push(json!({ "id": id.to_string() }));
    }
    if assign { ok(answer.into()) } else { Ok(Reply::empty(204)) }
}

/// The permissions that a role has everywhere.
fn global<'a>(store: &'a Store, role: &Object) -> Vec<&'a Object> {
    if text(role, "name") == READ_ONLY {
        return store.of("rbac/permissions").iter().filter(|p| text(p, "codename").starts_with("view_")).collect();
    }
    let own = |grant: &&Grant| grant.role == role["pk"] && grant.object.is_none();
    store.grants.iter().filter(own).map(|grant| &grant.permission).collect()
}

/// Whether a permission is among those that the role of `?role=` has everywhere.
pub(crate) fn of_role(store: &Store, role: &str, permission: &Object) -> bool {
    let role = store.of("rbac/roles").iter().find(|there| text(there, "pk") == role);
    role.is_some_and(|role| global(store, role).iter().any(|there| there["id"] == permission["id"]))
}

/// The permissions of roles on single objects, as rows of `rbac/permissions/roles`.
pub(crate) fn on_objects(store: &Store, uuid: Option<&str>) -> Vec<Value> {
    let mine = |grant: &&Grant| uuid.is_none_or(|uuid| grant.role == uuid) && grant.object.is_some();
    let row = |grant: &Grant| {
        let permission = &grant.permission;
        let model = format!("{}.{}", text(permission, "app_label"), text(permission, "model"));
        let kind = table().kinds.values().find(|kind| kind.model == model);
        let object = kind.and_then(|kind| store.get(kind, &kind.id, grant.object.as_deref().unwrap_or_default()));
        json!({
            "id": grant.id, "codename": permission["codename"], "model": permission["model"],
            "app_label": permission["app_label"], "object_pk": grant.object, "name": permission["name"],
            "app_label_verbose": permission["app_label_verbose"], "model_verbose": permission["model_verbose"],
            "object_description": object.and_then(|object| object.get("name")),
        })
    };
    store.grants.iter().filter(mine).map(row).collect()
}

/// `GET rbac/permissions/assigned_by_roles/?model=…`: the roles that may do something with it.
pub(crate) fn by_role(store: &Store, call: &Call) -> Result<Vec<Value>, Reply> {
    let model = call.query("model").filter(|model| !model.is_empty());
    let model = model.ok_or_else(|| errors::field("model", "This field is required."))?;
    let wanted = call.query("object_pk");
    let is = |permission: &Object| format!("{}.{}", text(permission, "app_label"), text(permission, "model")) == model;
    let short = |permission: &Object, id: &Value| {
        let mut out = Map::new();
        out.insert("id".to_owned(), id.clone());
        for key in ["codename", "model", "app_label"] {
            out.insert(key.to_owned(), permission[key].clone());
        }
        out
    };
    let mut rows = Vec::new();
    for role in store.of("rbac/roles") {
        let everywhere = global(store, role);
        let mine = |grant: &&Grant| {
            grant.role == role["pk"]
                && grant.object.is_some()
                && wanted.is_none_or(|id| grant.object.as_deref() == Some(id))
        };
        let single: Vec<&Grant> = store.grants.iter().filter(mine).filter(|grant| is(&grant.permission)).collect();
        if single.is_empty() && !everywhere.iter().any(|permission| is(permission)) {
            continue;
        }
        let objects: Vec<Value> = single
            .iter()
            .map(|grant| {
                let mut row = short(&grant.permission, &json!(grant.id));
                row.insert("object_pk".to_owned(), json!(grant.object));
                row.insert("name".to_owned(), grant.permission["name"].clone());
                Value::Object(row)
            })
            .collect();
        let models: Vec<Value> = everywhere
            .iter()
            .map(|permission| {
                let mut row = short(permission, &permission["id"]);
                row.insert("name".to_owned(), permission["name"].clone());
                Value::Object(row)
            })
            .collect();
        rows.push(json!({
            "role_pk": role["pk"], "name": role["name"], "object_permissions": objects, "model_permissions": models,
        }));
    }
    Ok(rows)
}
