//! Plans, without a server.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    order,
    parts::PartStep,
    plan::{Planning, Step},
    read::Snapshot,
    wanted::{Part, Prune, Send, Wanted},
};
use crate::{
    authentik::{
        Session,
        table::{self, Row},
    },
    module::{Action, Change, Object, Result},
};

const GROUP: &str = "11111111-1111-4111-8111-111111111111";
const STAFF: &str = "22222222-2222-4222-8222-222222222222";
const FLOW: &str = "33333333-3333-4333-8333-333333333333";
const APPLICATION: &str = "44444444-4444-4444-8444-444444444444";

fn row(path: &str) -> &'static Row {
    table::row(path).expect("a row")
}

pub(super) fn map(value: Value) -> Object {
    value.as_object().cloned().expect("a map")
}

pub(super) fn session() -> Session {
    Session {
        me: json!({"pk": 1, "username": "akadmin", "groups": []}),
        made: Default::default(),
        memory: Default::default(),
    }
}

/// A declared object: its key is what the table says.
pub(super) fn wanted(path: &str, fields: Value) -> Wanted {
    let row = row(path);
    let fields = map(fields);
    let key = fields.iter().filter(|(name, _)| row.key.contains(&name.as_str()));
    let mut wanted = Wanted::new(row, "", key.map(|(name, value)| (name.clone(), value.clone())).collect());
    wanted.fields = fields;
    wanted.check().expect("good options");
    wanted
}

fn snapshot(lists: &[(&'static str, Value)]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let mut families: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
    for (path, objects) in lists {
        let objects = objects.as_array().cloned().expect("a list");
        snapshot.names.learn(path, objects.clone());
        for family in ["stages/all", "providers/all", "policies/all", "sources/all", "propertymappings/all"] {
            if row(path).is_in(family) {
                families.entry(family).or_default().extend(objects.clone());
            }
        }
        snapshot.stored.insert(path, objects);
    }
    for (family, objects) in families {
        snapshot.names.learn(family, objects);
    }
    snapshot
}

fn changes(wanted: &[Wanted], snapshot: &Snapshot) -> Result<Vec<Change<Step>>> {
    let session = session();
    let planning = Planning { wanted, snapshot, session: &session };
    let mut changes = (0..wanted.len()).map(|index| planning.change(index)).collect::<Result<Vec<_>>>()?;
    order::order(&mut changes);
    Ok(changes)
}

fn one(wanted: Wanted, snapshot: &Snapshot) -> Change<Step> {
    changes(&[wanted], snapshot).expect("a plan").remove(0)
}

fn body(change: &Change<Step>) -> Value {
    json!(change.step.body)
}

#[test]
fn only_declared_fields_are_compared_and_names_stand_for_ids() {
    let there = snapshot(&[
        ("core/groups", json!([{"pk": GROUP, "name": "readers"}, {"pk": STAFF, "name": "staff"}])),
        (
            "core/users",
            json!([{"pk": 5, "username": "ann", "name": "Ann", "email": "a@x", "groups": [STAFF, GROUP], "attributes": {"a": 1, "b": 2}}]),
        ),
    ]);
    let declared =
        json!({"username": "ann", "groups": ["readers", "staff", "staff"], "attributes": {"a": 1}, "name": " Ann "});
    assert_eq!(one(wanted("core/users", declared), &there).action, Action::Unchanged);
    let change = one(
        wanted("core/users", json!({"username": "ann", "groups": ["readers"], "attributes": {"a": null, "c": 3}})),
        &there,
    );
    assert_eq!(change.fields, ["attributes.a", "attributes.c", "groups"]);
    assert_eq!(body(&change), json!({"groups": [GROUP], "attributes": {"b": 2, "c": 3}}));
    assert_eq!(change.before["groups"], json!(["readers", "staff"]));
}

#[test]
fn lists_may_be_added_to() {
    let there = snapshot(&[
        ("core/groups", json!([{"pk": GROUP, "name": "readers"}, {"pk": STAFF, "name": "staff"}])),
        ("core/users", json!([{"pk": 5, "username": "ann", "groups": [STAFF]}])),
    ]);
    let mut more = wanted("core/users", json!({"username": "ann", "groups": ["readers"]}));
    more.appended = vec!["groups"];
    assert_eq!(body(&one(more.clone(), &there)), json!({"groups": [GROUP, STAFF]}));
    more.fields = map(json!({"username": "ann", "groups": ["staff"]}));
    assert_eq!(one(more, &there).action, Action::Unchanged);
}

#[test]
fn what_is_referred_to_is_made_first_and_deleted_last() {
    let there = snapshot(&[("flows/instances", json!([])), ("flows/bindings", json!([])), ("stages/deny", json!([]))]);
    let all = [
        wanted("flows/bindings", json!({"target": "out", "stage": "no", "order": 0})),
        wanted("stages/deny", json!({"name": "no"})),
        wanted("flows/instances", json!({"slug": "out", "name": "Out", "title": "Out", "designation": "invalidation"})),
    ];
    let planned = changes(&all, &there).expect("a plan");
    assert_eq!(planned.iter().map(|change| change.rank).collect::<Vec<_>>(), [1, 0, 0]);
    assert_eq!(planned[0].needs, ["flows/instances:out", "stages/deny:no"]);
    assert_eq!(planned[0].after["stage"], "no");

    let there = snapshot(&[
        ("flows/instances", json!([{"pk": FLOW, "slug": "out", "name": "Out"}])),
        ("providers/saml", json!([{"pk": 7, "name": "s", "authorization_flow": FLOW, "property_mappings": []}])),
    ]);
    let mut all = [wanted("flows/instances", json!({"slug": "out"})), wanted("providers/saml", json!({"name": "s"}))];
    all.iter_mut().for_each(|one| one.present = false);
    let planned = changes(&all, &there).expect("a plan");
    assert!(planned.iter().all(|change| change.action == Action::Delete));
    assert!(planned[0].rank > planned[1].rank, "the flow goes after the provider that refers to it");
}

#[test]
fn a_token_keeps_its_owner_and_its_kind() {
    let there = snapshot(&[(
        "core/tokens",
        json!([{"pk": "x", "identifier": "t", "user": 24, "intent": "app_password", "description": "old", "expires": "2026-01-01T00:00:00Z"}]),
    )]);
    let change = one(wanted("core/tokens", json!({"identifier": "t", "description": "new"})), &there);
    assert_eq!(body(&change), json!({"description": "new", "user": 24, "intent": "app_password"}));
}

#[test]
fn validators_that_see_only_the_body_get_what_belongs_together() {
    let event = json!({"pk": "x", "name": "e", "action": "login", "client_ip": null, "app": null, "model": null, "query": null, "execution_logging": false});
    let there = snapshot(&[
        ("policies/event_matcher", json!([event])),
        (
            "providers/proxy",
            json!([{"pk": 3, "name": "p", "mode": "forward_single", "internal_host": "", "external_host": "https://a", "basic_auth_enabled": false}]),
        ),
        (
            "policies/reputation",
            json!([{"pk": "r", "name": "r", "check_ip": true, "check_username": false, "threshold": -5}]),
        ),
    ]);
    let change = one(wanted("policies/event_matcher", json!({"name": "e", "execution_logging": true})), &there);
    assert_eq!(
        body(&change),
        json!({"execution_logging": true, "action": "login", "client_ip": null, "app": null, "model": null, "query": null})
    );
    let change = one(wanted("providers/proxy", json!({"name": "p", "basic_auth_enabled": true})), &there);
    let sent = body(&change);
    assert_eq!((&sent["mode"], &sent["external_host"]), (&json!("forward_single"), &json!("https://a")));
    let change = one(wanted("policies/reputation", json!({"name": "r", "threshold": -9})), &there);
    assert_eq!(body(&change)["check_ip"], true);
    let new = one(wanted("policies/event_matcher", json!({"name": "new", "action": "logout"})), &there);
    assert_eq!(body(&new)["query"], Value::Null, "those that are not used are sent as null");
    assert!(body(&new).as_object().is_some_and(|body| body.contains_key("client_ip")));
}

#[test]
fn write_only_fields_are_sent_with_a_new_object_or_always() {
    let there = snapshot(&[("sources/ldap", json!([{"pk": "x", "slug": "l", "name": "L", "server_uri": "ldap://a"}]))]);
    let declared = json!({"slug": "l", "bind_password": "s3cret-Passw0rd"});
    let mut same = wanted("sources/ldap", declared);
    assert_eq!(one(same.clone(), &there).action, Action::Unchanged);
    same.send = Send::Always;
    let change = one(same, &there);
    assert_eq!(change.sent, ["bind_password"]);
    assert!(change.fields.is_empty() && change.before == change.after);
}

#[test]
fn the_key_of_a_binding_is_what_it_binds_to_what() {
    let application = json!([{"pk": APPLICATION, "slug": "wiki", "name": "Wiki"}]);
    let bindings = json!([
        {"pk": "b1", "target": APPLICATION, "group": GROUP, "policy": null, "user": null, "order": 0, "enabled": true},
        {"pk": "b2", "target": APPLICATION, "group": null, "policy": null, "user": 5, "order": 0, "enabled": true},
    ]);
    let there = snapshot(&[
        ("core/applications", application),
        ("core/groups", json!([{"pk": GROUP, "name": "readers"}])),
        ("core/users", json!([{"pk": 5, "username": "ann"}])),
        ("policies/bindings", bindings),
    ]);
    let declared = json!({"target": {"application": "wiki"}, "group": "readers", "order": 3});
    let change = one(wanted("policies/bindings", declared), &there);
    assert_eq!(change.action, Action::Update);
    assert_eq!(change.ids["pk"], "b1");
    // The same again makes a second one, and PATCH without target makes the server fail (traps 15, 21).
    let sent = body(&change);
    assert_eq!((&sent["target"], &sent["group"], &sent["order"]), (&json!(APPLICATION), &json!(GROUP), &json!(3)));
}

#[test]
fn what_is_in_something_that_is_gone_is_gone_too() {
    let there = snapshot(&[("flows/instances", json!([])), ("flows/bindings", json!([])), ("stages/deny", json!([]))]);
    let declared = json!({"target": "lab-login", "stage": "lab-deny", "order": 10});
    let mut binding = wanted("flows/bindings", declared.clone());
    binding.present = false;
    assert_eq!(one(binding, &there).action, Action::Unchanged);
    let error = changes(&[wanted("flows/bindings", declared)], &there).expect_err("it cannot be made");
    assert!(error.message.contains("is not among"), "{error:?}");
}

#[test]
fn parts_are_a_complete_list() {
    let mut there = snapshot(&[
        ("flows/instances", json!([{"pk": FLOW, "slug": "out", "name": "Out"}])),
        ("stages/deny", json!([{"pk": GROUP, "name": "no"}, {"pk": STAFF, "name": "never"}])),
    ]);
    let binding = |pk: &str, stage: &str, order: i64| json!({"pk": pk, "target": FLOW, "stage": stage, "order": order});
    there.parts.insert(("flows/bindings", FLOW.to_owned()), vec![binding("b1", GROUP, 10), binding("b2", STAFF, 20)]);
    let mut flow = wanted("flows/instances", json!({"slug": "out"}));
    let part = |items: &[Value]| Part {
        label: "stages",
        row: row("flows/bindings"),
        owner: "target",
        owner_id: "pk",
        key: &["stage"],
        items: items.iter().cloned().map(map).collect(),
    };
    flow.parts = vec![part(&[json!({"stage": "no", "order": 10}), json!({"stage": "never", "order": 20})])];
    assert_eq!(one(flow.clone(), &there).action, Action::Unchanged);
    flow.parts = vec![part(&[json!({"stage": "never", "order": 30})])];
    let change = one(flow, &there);
    assert_eq!(change.step.parts.len(), 2);
    assert!(matches!(&change.step.parts[0], PartStep::Delete { found, .. } if found["pk"] == "b1"));
    assert!(matches!(&change.step.parts[1], PartStep::Update { body, .. } if body["order"] == 30));
    assert_eq!(change.after["stages"], json!([{"stage": "never", "order": 30}]));
}

#[test]
fn what_the_caller_stands_on_stays() {
    let mut there = snapshot(&[(
        "core/users",
        json!([
            {"pk": 1, "username": "akadmin", "is_superuser": true, "is_active": true},
            {"pk": 2, "username": "ak-outpost-1", "type": "internal_service_account"},
            {"pk": 3, "username": "other"},
        ]),
    )]);
    there.superusers = vec![json!({"pk": 1, "username": "akadmin", "is_superuser": true, "is_active": true})];
    for (name, goes) in [("akadmin", false), ("ak-outpost-1", false), ("other", true)] {
        let mut gone = wanted("core/users", json!({"username": name}));
        gone.present = false;
        assert_eq!(changes(&[gone.clone()], &there).is_ok(), goes, "{name}");
        gone.force = true;
        assert!(changes(&[gone], &there).is_ok(), "{name} with force");
    }
    assert!(changes(&[wanted("core/users", json!({"username": "akadmin", "is_active": false}))], &there).is_err());
    let prune = Prune { row: row("core/users"), fields: Object::new(), prefix: "a".into(), limit: 9 };
    let session = session();
    let planning = Planning { wanted: &[], snapshot: &there, session: &session };
    assert!(planning.pruned(&prune, &[]).expect("a plan").is_empty());
}

#[test]
fn mistakes_are_told_before_anything_is_sent() {
    let there = snapshot(&[("core/groups", json!([{"pk": GROUP, "name": "same"}, {"pk": STAFF, "name": "same"}]))]);
    let told = |wanted: Wanted| changes(&[wanted], &there).expect_err("to be refused").to_string();
    let ambiguous = told(wanted("core/users", json!({"username": "x", "name": "", "groups": ["same"]})));
    assert!(ambiguous.contains(GROUP) && ambiguous.contains(STAFF), "{ambiguous}");
    let unknown = told(wanted("core/users", json!({"username": "x", "name": "", "groups": ["sane"]})));
    assert!(unknown.contains("`sane`") && unknown.contains("Did you mean `same`?"), "{unknown}");
    let missing = told(wanted("core/users", json!({"username": "x"})));
    assert!(missing.contains("needs the following too: name"), "{missing}");
    let mut wrong = Wanted::new(row("core/groups"), "groups[1]", map(json!({"name": "g"})));
    wrong.fields = map(json!({"name": "g", "is_superusr": true}));
    let told = wrong.check().expect_err("an unknown field").to_string();
    assert!(
        told.starts_with("groups[1]: group `g`: there is no field `is_superusr`. Did you mean `is_superuser`?"),
        "{told}"
    );
    wrong.fields = map(json!({"name": "g", "is_superuser": "perhaps"}));
    assert!(wrong.check().is_err());
}
