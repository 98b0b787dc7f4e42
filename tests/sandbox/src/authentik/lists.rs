//! Lists: search, filters, order and pages (traps 8, 9, 24 and 26).

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::check::{loose, uuid};
use super::errors;
use super::kinds::{Filter, Kind};
use super::show::{self, Wishes};
use super::store::{Object, Store, id_for};
use crate::call::Call;
use crate::reply::{Answer, Reply, ok};

type Found<'a> = (&'static Kind, &'a Object);

/// `GET` of a collection.
pub(crate) fn list(store: &Store, kind: &'static Kind, call: &Call, completion: Option<&Value>) -> Answer {
    let mut found = all(store, kind);
    if let Some(words) = call.query("search").filter(|words| !words.is_empty()) {
        for word in words.split_whitespace() {
            let word = word.to_lowercase();
            found.retain(|(of, object)| {
                kind.search.iter().any(|field| {
                    let values = values(store, of, object, field);
                    values.iter().any(|value| loose(value).to_lowercase().contains(&word))
                })
            });
        }
    }
    for (name, _) in &call.query {
        if let Some(filter) = kind.filters.get(name) {
            apply(store, kind, filter, name, &call.queries(name), &mut found)?;
        }
    }
    if let Some(role) = call.query("role").filter(|_| kind.path == "rbac/permissions") {
        found.retain(|(_, permission)| super::permissions::of_role(store, role, permission));
    }
    sort(store, kind, call, &mut found);
    let (page, part) = page(call, &found)?;
    let wishes = show::wishes(call);
    let one = |(of, object): &Found| show_one(store, kind, of, object, &wishes);
    let results: Vec<Value> = part.iter().map(one).collect();
    let completion = completion.cloned().unwrap_or_else(|| json!({}));
    ok(json!({ "pagination": page, "results": results, "autocomplete": completion }))
}

/// The objects of a collection; those over several kinds take all that stand on the base.
pub(crate) fn all<'a>(store: &'a Store, kind: &'static Kind) -> Vec<Found<'a>> {
    if kind.is_union() {
        let mut found: Vec<Found> = store.with_model(&kind.model).collect();
        found.sort_by_key(|(_, object)| object["~n"].as_u64());
        return found;
    }
    store.of(&kind.path).iter().map(|object| (kind, object)).collect()
}

/// An object as a collection shows it: one over several kinds has only what they share (trap 25).
pub(crate) fn show_one(store: &Store, list: &Kind, of: &Kind, object: &Object, wishes: &Wishes) -> Value {
    show::by_shape(store, of, object, &list.shape, wishes)
}

/// Rows that are no objects, by pages.
pub(crate) fn rows(rows: Vec<Value>, call: &Call) -> Answer {
    let (page, part) = page(call, &rows)?;
    ok(json!({ "pagination": page, "results": part, "autocomplete": {} }))
}

fn page<'f, T>(call: &Call, found: &'f [T]) -> Result<(Value, &'f [T]), Reply> {
    let asked = call.number("page_size").filter(|size| *size > 0).unwrap_or(20);
    let size = asked.min(100) as usize;
    let pages = found.len().div_ceil(size).max(1);
    let number = match call.query("page") {
        None | Some("") => 1,
        Some("last") => pages,
        Some(text) => {
            let number = text.parse::<usize>().ok().filter(|number| (1..=pages).contains(number));
            number.ok_or_else(|| errors::detail(404, "Invalid page."))?
        }
    };
    let begin = (number - 1) * size;
    let end = (begin + size).min(found.len());
    let page = json!({
        "next": if number < pages { number + 1 } else { 0 }, "previous": number - 1, "count": found.len(),
        "current": number, "total_pages": pages, "start_index": if found.is_empty() { 0 } else { begin + 1 },
        "end_index": end,
    });
    Ok((page, &found[begin..end]))
}

fn sort(store: &Store, kind: &Kind, call: &Call, found: &mut [Found]) {
    let asked = call.query("ordering").unwrap_or_default();
    let known = |name: &str| {
        let name = name.trim_start_matches('-').split("__").next().unwrap_or_default();
        kind.field(name).is_some() || name == "pk"
    };
    let mut keys: Vec<&str> = asked.split(',').filter(|name| !name.is_empty() && known(name)).collect();
    if keys.is_empty() {
        keys = kind.order.iter().map(String::as_str).collect();
    }
    found.sort_by(|a, b| {
        for key in &keys {
            let name = key.trim_start_matches('-');
            let of = |(kind, object): &Found| values(store, kind, object, name).into_iter().next().unwrap_or_default();
            let order = compare(&of(a), &of(b));
            if order != Ordering::Equal {
                return if key.starts_with('-') { order.reverse() } else { order };
            }
        }
        a.1["~n"].as_u64().cmp(&b.1["~n"].as_u64())
    });
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        // PostgreSQL puts null last, and here compares byte by byte.
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Greater,
        (_, Value::Null) => Ordering::Less,
        (a, b) => loose(a).cmp(&loose(b)),
    }
}

/// The values at the end of a path such as `user__username`.
fn values(store: &Store, kind: &Kind, object: &Object, path: &str) -> Vec<Value> {
    let (first, rest) = path.split_once("__").map_or((path, None), |(first, rest)| (first, Some(rest)));
    if first == "pk" || Some(first) == own_id(kind) {
        return object.get(&kind.id).cloned().into_iter().collect();
    }
    if kind.path == "core/groups" && first == "users" {
        return show::whole(store, kind, object, &Wishes::default())["users"].as_array().cloned().unwrap_or_default();
    }
    let stored = object.get(first).cloned().or_else(|| kind.field(first).and_then(|field| field.default.clone()));
    let listed = match stored {
        None => return Vec::new(),
        Some(Value::Array(list)) => list,
        Some(one) => vec![one],
    };
    let (Some(rest), Some(model)) = (rest, kind.field(first).and_then(|field| field.to.as_deref())) else {
        return listed;
    };
    let follow = |id: &Value| match store.refer(model, id) {
        Some((of, target)) => values(store, of, target, rest),
        None => Vec::new(),
    };
    listed.iter().flat_map(follow).collect()
}

/// The name that Django's filters give to the id.
fn own_id(kind: &Kind) -> Option<&'static str> {
    Some(match kind.path.split('/').next()? {
        "stages" => "stage_uuid",
        "policies" => "policy_uuid",
        "propertymappings" => "pm_uuid",
        "flows" if kind.path == "flows/instances" => "flow_uuid",
        "flows" => "fsb_uuid",
        "crypto" => "kp_uuid",
        "core" if kind.path == "core/groups" => "group_uuid",
        _ => return None,
    })
}

fn apply(
    store: &Store,
    kind: &Kind,
    filter: &Filter,
    name: &str,
    given: &[&str],
    found: &mut Vec<Found>,
) -> Result<(), Reply> {
    let wanted: Vec<&str> = given.iter().copied().filter(|value| !value.is_empty()).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let refuse = |text: String| Err(errors::field(name, text));
    if filter.special && name == "attributes" && serde_json::from_str::<Value>(wanted[0]).is_err() {
        return Err(Reply::json(400, json!(["filter: failed to parse JSON"])));
    }
    match filter.kind.as_str() {
        "Boolean" => {
            let yes = match wanted[0].to_lowercase().as_str() {
                "true" => true,
                "false" => false,
                _ => return Ok(()),
            };
            found.retain(|(of, object)| match (kind.path.as_str(), name) {
                ("core/users", "is_superuser") => show::is_superuser(store, object) == yes,
                ("crypto/certificatekeypairs", "has_key") => !yes || !super::store::text(object, "key_data").is_empty(),
                (_, "application__isnull" | "application_isnull") => {
                    let own = json!(object.get("pk"));
                    store.of("core/applications").iter().any(|app| app.get("provider") == Some(&own)) != yes
                }
                (_, _) if filter.special => true,
                _ if filter.lookup == "isnull" => {
                    let values = values(store, of, object, &filter.field);
                    values.iter().all(Value::is_null) == yes
                }
                _ => values(store, of, object, &filter.field).contains(&json!(yes)),
            });
            return Ok(());
        }
        "UUID" if uuid(&json!(wanted[0])).is_none() => return refuse("Enter a valid UUID.".to_owned()),
        "Number" if wanted[0].parse::<f64>().is_err() => return refuse("Enter a number.".to_owned()),
        "ModelChoice" | "ModelMultipleChoice" => {
            for value in &wanted {
                check_reference(store, kind, filter, name, value)?;
            }
        }
        "Choice" | "MultipleChoice" => {
            let choices = kind.field(&filter.field).map(|field| &field.choices[..]).unwrap_or_default();
            let bad = wanted.iter().find(|value| !choices.is_empty() && !choices.iter().any(|c| loose(c) == **value));
            if let Some(bad) = bad {
                return refuse(format!("Select a valid choice. {bad} is not one of the available choices."));
            }
        }
        "AllValuesMultiple" => {
            let there =
                |value: &&&str| all_of(store, kind).any(|(_, object)| super::store::is(object, &filter.field, value));
            if let Some(bad) = wanted.iter().find(|value| !there(value)) {
                return refuse(format!("Select a valid choice. {bad} is not one of the available choices."));
            }
        }
        _ => {}
    }
    found.retain(|(of, object)| {
        let values = match (kind.path.as_str(), name) {
            ("core/groups", "members_by_username") => values(store, of, object, "users")
                .iter()
                .filter_map(|id| store.of("core/users").iter().find(|user| user["pk"] == *id))
                .map(|user| user["username"].clone())
                .collect(),
            (_, "attributes") if filter.special => return attributes(object, wanted[0]),
            ("policies/bindings" | "flows/bindings" | "endpoints/device_bindings", "target" | "target_in") => {
                vec![object["target"].clone()]
            }
            (_, "user__id") => values(store, of, object, "user"),
            (_, "provider__id") => values(store, of, object, "provider"),
            (_, "group__group_uuid") => values(store, of, object, "group"),
            (_, "source__slug") => values(store, of, object, "source__slug"),
            _ if filter.special => return true,
            _ => values(store, of, object, &filter.field),
        };
        let fits = |value: &Value, wanted: &str| {
            let value = loose(value);
            match filter.lookup.as_str() {
                "iexact" => value.to_lowercase() == wanted.to_lowercase(),
                "icontains" => value.to_lowercase().contains(&wanted.to_lowercase()),
                "contains" => value.contains(wanted),
                "startswith" => value.starts_with(wanted),
                "istartswith" => value.to_lowercase().starts_with(&wanted.to_lowercase()),
                "lt" => value.as_str() < wanted && value != "None",
                "gt" => value.as_str() > wanted && value != "None",
                _ => value == wanted || uuid(&json!(wanted)).is_some_and(|id| id == value),
            }
        };
        wanted.iter().any(|wanted| values.iter().any(|value| fits(value, wanted)))
    });
    Ok(())
}

fn all_of<'a>(store: &'a Store, kind: &'a Kind) -> impl Iterator<Item = Found<'a>> {
    store.with_model(&kind.model)
}

/// Attributes as JSON in the filter: each key must have that value.
fn attributes(object: &Object, wanted: &str) -> bool {
    let Ok(Value::Object(wanted)) = serde_json::from_str::<Value>(wanted) else { return true };
    let empty = Map::new();
    let there = object.get("attributes").and_then(Value::as_object).unwrap_or(&empty);
    wanted.iter().all(|(key, value)| there.get(key) == Some(value))
}

fn check_reference(store: &Store, kind: &Kind, filter: &Filter, name: &str, value: &str) -> Result<(), Reply> {
    let mut parts = filter.field.split("__");
    let first = parts.next().unwrap_or_default();
    let last = parts.next();
    let model = match (kind.field(first).and_then(|field| field.to.as_deref()), kind.path.as_str(), first) {
        (Some(model), _, _) => model,
        (None, "core/groups", "users") => "authentik_core.user",
        _ => return Ok(()),
    };
    let exists = match last {
        Some(by) if by != "pk" && !by.ends_with("uuid") => {
            store.with_model(model).any(|(_, object)| super::store::is(object, by, value))
        }
        _ => store.with_model(model).any(|(of, object)| {
            let id = id_for(of, object, model);
            loose(&id) == value || uuid(&json!(value)).is_some_and(|wanted| id == json!(wanted))
        }),
    };
    if exists {
        return Ok(());
    }
    let text = match filter.kind.as_str() {
        "ModelChoice" => "Select a valid choice. That choice is not one of the available choices.".to_owned(),
        _ if uuid(&json!(value)).is_none() && value.parse::<i64>().is_err() && last.is_none() => {
            format!("“{value}” is not a valid value.")
        }
        _ => format!("Select a valid choice. {value} is not one of the available choices."),
    };
    Err(errors::field(name, text))
}
