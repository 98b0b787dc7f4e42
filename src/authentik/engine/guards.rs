//! What is protected: what the service manages itself, and what the caller stands on. `force` lifts it.

use serde_json::Value;

use super::{
    read::Snapshot,
    wanted::{Prune, Wanted},
};
use crate::{
    authentik::{self, Session, table::Row},
    http::Reader,
    module::{Error, Object, Result},
};

const HINT: &str = "set `force: true` if that is what you want";

/// Reads what the guards look at, where something may need them.
pub fn read(wanted: &[Wanted], prune: Option<&Prune>, snapshot: &mut Snapshot, reader: Reader<'_>) -> Result<()> {
    let goes = |path: &str| {
        wanted.iter().any(|one| one.row.path == path && !one.present)
            || prune.is_some_and(|prune| prune.row.path == path)
    };
    if goes("flows/instances") {
        snapshot.brands = authentik::list(reader, "core/brands", &[])?;
    }
    let loses = |one: &Wanted| match one.row.path {
        "core/users" => one.fields.contains_key("is_active") || one.fields.contains_key("groups"),
        "core/groups" => one.fields.contains_key("is_superuser") || one.fields.contains_key("users"),
        _ => false,
    };
    if goes("core/users") || goes("core/groups") || wanted.iter().any(loses) {
        // An unknown filter would give all users; each says itself what it is (trap 8).
        let found = authentik::list(reader, "core/users", &[("is_superuser", "true")])?;
        snapshot.superusers = found.into_iter().filter(|user| user["is_superuser"] == true).collect();
    }
    Ok(())
}

/// Whether an object may be deleted without `force`.
pub fn may_be_deleted(row: &Row, found: &Value, snapshot: &Snapshot, session: &Session) -> Result<()> {
    managed(found)?;
    match row.path {
        "core/users" => {
            if found["type"] == "internal_service_account" {
                return refuse("it belongs to an outpost, and authentik makes it itself");
            }
            own_user(found, session)?;
            last_superuser(found, snapshot)
        }
        "core/groups" => own_group(found, session),
        "core/tokens" if found["user"].as_i64() == session.my_id() && found["intent"] == "api" => {
            refuse("it is a token of the caller's own user, perhaps the one that this task uses")
        }
        "core/brands" if found["default"] == true => refuse("it is the default brand"),
        "flows/instances" => {
            let uses = |brand: &&Value| {
                brand.as_object().is_some_and(|brand| {
                    brand.iter().any(|(name, flow)| name.starts_with("flow_") && *flow == found["pk"])
                })
            };
            match snapshot.brands.iter().find(uses) {
                Some(brand) => refuse(format!("the brand `{}` uses it", brand["domain"].as_str().unwrap_or_default())),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// Whether these fields of an object may be written without `force`.
pub fn may_be_changed(row: &Row, found: &Value, body: &Object, snapshot: &Snapshot, session: &Session) -> Result<()> {
    match row.path {
        "core/users" if body.get("is_active") == Some(&Value::Bool(false)) => {
            own_user(found, session)?;
            last_superuser(found, snapshot)
        }
        "core/users" => match body.get("groups").and_then(Value::as_array) {
            Some(groups) if found["is_superuser"] == true && !keeps_superuser(found, groups) => {
                own_user(found, session)?;
                last_superuser(found, snapshot)
            }
            _ => Ok(()),
        },
        "core/groups" if body.get("is_superuser") == Some(&Value::Bool(false)) => own_group(found, session),
        "core/groups" => match body.get("users").and_then(Value::as_array) {
            Some(users) if found["is_superuser"] == true => {
                let stays = |user: &Value| users.contains(&user["pk"]);
                let am_in = found["users"].as_array().is_some_and(|all| all.contains(&session.me["pk"]));
                if am_in && !users.contains(&session.me["pk"]) {
                    return refuse("the caller's own user would lose what makes it a superuser");
                }
                match snapshot.superusers.iter().any(stays) || users.iter().any(|user| !user.is_null()) {
                    true => Ok(()),
                    false => refuse("no superuser would be left"),
                }
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Whether the groups that a user would be in make it a superuser still, as far as its present ones tell.
fn keeps_superuser(found: &Value, groups: &[Value]) -> bool {
    let of = found["groups_obj"].as_array().map(Vec::as_slice).unwrap_or_default();
    of.iter().any(|group| group["is_superuser"] == true && groups.contains(&group["pk"]))
}

fn managed(found: &Value) -> Result<()> {
    match found["managed"].as_str().filter(|by| !by.is_empty()) {
        Some(by) => refuse(format!("authentik manages it itself, as `{by}`")),
        None => Ok(()),
    }
}

fn own_user(found: &Value, session: &Session) -> Result<()> {
    match session.my_id().is_some() && found["pk"].as_i64() == session.my_id() {
        true => refuse("it is the caller's own user"),
        false => Ok(()),
    }
}

fn last_superuser(found: &Value, snapshot: &Snapshot) -> Result<()> {
    let others = snapshot.superusers.iter().filter(|user| user["pk"] != found["pk"] && user["is_active"] != false);
    match found["is_superuser"] == true && others.count() == 0 {
        true => refuse("it is the last superuser"),
        false => Ok(()),
    }
}

fn own_group(found: &Value, session: &Session) -> Result<()> {
    let mine = session.me["groups"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_mine = mine.iter().any(|group| group["pk"] == found["pk"]);
    match is_mine && found["is_superuser"] == true {
        true => refuse("the caller's own user is a superuser by it"),
        false => Ok(()),
    }
}

fn refuse(why: impl std::fmt::Display) -> Result<()> {
    Err(Error::bad_options(format!("it is not changed or deleted, since {why}")).hint(HINT))
}
