//! Plans of folders, without a server.

use serde_json::{Value, json};

use super::*;
use crate::{
    grafana::{
        Version,
        folder_tree::tests::{by_search, tree},
    },
    module::task::{self, Internal},
};

/// Plans a task against a tree, as the harness would.
fn plan_of(args: Value, snapshot: Snapshot, version: &str) -> Result<Vec<Change<Step>>> {
    let mut args = args.as_object().cloned().expect("arguments are a map");
    args.insert("url".into(), json!("http://h"));
    let parsed = task::parse::<FolderKind>(&args, &Internal::default(), &|_| None)?;
    let desired = FolderKind::load(&parsed.task)?;
    let session =
        Session { login: "admin".into(), user_id: 1, org: 1, server_admin: true, version: Version::parse(version) };
    let session = FolderSession { session, made: Mutex::default() };
    plan::plan(&Context { task: &parsed.task, desired: &desired, session: &session }, &snapshot)
}

fn home() -> Snapshot {
    Snapshot {
        tree: tree(&[("infra", "Infra", ""), ("net", "Network", "infra"), ("t1", "Twin", ""), ("t2", "Twin", "")]),
        contents: ["infra", "net", "t1", "t2"].map(|uid| (uid.to_owned(), Contents::default())).into(),
        ..Snapshot::default()
    }
}

fn told(changes: &[Change<Step>]) -> Vec<String> {
    changes.iter().map(|change| format!("{} {} {}", change.action, change.name, change.fields.join(","))).collect()
}

fn refused(args: Value) -> String {
    plan_of(args, home(), "12.4.0").expect_err("to be refused").to_string()
}

#[test]
fn a_folder_that_is_there_is_unchanged() {
    let plan = plan_of(json!({"name": "Infra"}), home(), "12.4.0").expect("a plan");
    assert_eq!(told(&plan), ["leave Infra "]);
    assert_eq!(plan[0].ids["uid"], "infra");
}

#[test]
fn a_uid_finds_the_folder_wherever_it_is_and_renames_and_moves_it() {
    let plan = plan_of(json!({"uid": "net", "name": "Net", "parent": "/"}), home(), "12.4.0").expect("a plan");
    assert_eq!(told(&plan), ["update Net parent,title"]);
    let plan = plan_of(json!({"uid": "net", "name": "Network", "parent_uid": ""}), home(), "12.4.0").expect("a plan");
    assert_eq!(told(&plan), ["move Network parent"]);
    let plan = plan_of(json!({"uid": "net", "name": " Network "}), home(), "12.4.0").expect("a plan");
    assert_eq!(told(&plan), ["leave  Network  "].map(|text| text.replace(" Network ", "Network")));
}

#[test]
fn a_title_that_fits_several_is_refused_with_their_uids() {
    let error = refused(json!({"name": "Twin"}));
    assert!(error.contains("t1, t2") && error.contains("`uid`"), "{error}");
}

#[test]
fn an_unknown_parent_is_refused_with_the_nearest_name() {
    let error = refused(json!({"name": "X", "parent_uid": "nope"}));
    assert!(error.contains("no folder with the uid `nope`"), "{error}");
    let error = refused(json!({"name": "X", "parent": "Infa"}));
    assert!(error.contains("did you mean `Infra`?") && error.contains("create_parents"), "{error}");
}

#[test]
fn parents_are_made_once_and_before_their_children_whatever_the_order() {
    let folders = json!({"folders": [
        {"name": "C", "parent": "A/B"},
        {"name": "D", "parent": "A/B/C"},
        {"name": "E", "parent": "A/New", "create_parents": true},
        {"name": "B", "parent": "A"},
        {"name": "A"},
    ]});
    let plan = plan_of(folders, home(), "12.4.0").expect("a plan");
    let rank = |name: &str| plan.iter().find(|change| change.name == name).map(|change| change.rank);
    assert_eq!(["A", "B", "C", "D", "New", "E"].map(rank), [0, 1, 2, 3, 1, 2].map(Some), "{:?}", told(&plan));
    assert_eq!(plan.len(), 6);
    assert_eq!(plan.iter().filter(|change| change.index.is_none()).count(), 1, "New is made beside the declared ones");
}

#[test]
fn a_parent_declared_by_uid_in_the_same_list_is_known() {
    let folders = json!({"folders": [{"name": "Child", "parent_uid": "p"}, {"name": "Parent", "uid": "p"}]});
    let plan = plan_of(folders, home(), "12.4.0").expect("a plan");
    assert_eq!((plan[0].rank, plan[1].rank), (1, 0));
    assert_eq!(plan[0].needs, [plan[1].key.clone()]);
}

#[test]
fn a_parent_can_be_named_by_where_this_task_puts_it() {
    let folders = json!({"folders": [
        {"name": "Child", "parent": "Machines/Nets"},
        {"name": "Nets", "uid": "net", "parent": "Machines"},
        {"name": "Machines", "uid": "infra"},
    ]});
    let plan = plan_of(folders, home(), "12.4.0").expect("a plan");
    assert_eq!(told(&plan), ["create Child ", "update Nets title", "update Machines title"]);
    assert_eq!(plan.iter().map(|change| change.rank).collect::<Vec<_>>(), [2, 1, 0]);
    assert_eq!(plan[0].step.place, Place::At("net".into()));
}

#[test]
fn a_cycle_is_refused() {
    let error = refused(json!({"uid": "infra", "name": "Infra", "parent": "Infra/Network"}));
    assert!(error.contains("which lies in it"), "{error}");
    assert!(refused(json!({"uid": "infra", "name": "Infra", "parent_uid": "infra"})).contains("in itself"));
}

#[test]
fn what_grafana_would_refuse_is_refused_before_anything_is_sent() {
    for (args, part) in [
        (json!({"name": "  "}), "name is empty"),
        (json!({"name": "x", "uid": "a b"}), "letters"),
        (json!({"name": "x", "uid": "u".repeat(41)}), "at most 40"),
        (json!({"name": "x", "uid": "general"}), "Grafana's own"),
        (json!({"folders": [{"name": "A", "uid": "a"}, {"name": "B", "uid": "a"}]}), "declare the same folder"),
        (json!({"folders": [{"name": "A"}, {"name": "A"}]}), "folders[0] and folders[1]"),
    ] {
        let error = refused(args);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_folder_that_holds_something_is_deleted_only_by_force() {
    let mut snapshot = home();
    snapshot.contents.insert("infra".into(), Contents { dashboards: 2, alert_rules: 1, library_panels: 0 });
    let gone = json!({"name": "Infra", "state": "absent"});
    let error = plan_of(gone, snapshot, "12.4.0").expect_err("it holds something").to_string();
    assert!(error.contains("2 dashboards, 1 alert rule") && error.contains("force: true"), "{error}");
    let mut snapshot = home();
    snapshot.contents.insert("infra".into(), Contents { dashboards: 1, ..Contents::default() });
    let plan = plan_of(json!({"name": "Infra", "state": "absent", "force": true}), snapshot, "12.4.0").expect("forced");
    assert_eq!(plan[0].action, Action::Delete);
    assert_eq!(plan[0].before["folders"], json!(["Network"]));
}

#[test]
fn children_are_deleted_before_their_parents_and_after_everything_else() {
    let folders = json!({"folders": [
        {"name": "Infra", "state": "absent"}, {"name": "Network", "parent": "Infra", "state": "absent"}, {"name": "New"},
    ]});
    let plan = plan_of(folders, home(), "12.4.0").expect("a plan");
    assert!(plan[1].rank < plan[0].rank && plan[2].rank < plan[1].rank);
}

#[test]
fn a_deletion_does_not_take_a_declared_folder_with_it() {
    let gone = json!({"name": "Infra", "uid": "infra", "state": "absent"});
    for network in [json!({"name": "Network", "uid": "net"}), json!({"name": "New", "parent_uid": "net"})] {
        let error = refused(json!({"folders": [gone, network]}));
        assert!(error.contains("folder `Infra` is not deleted") && error.contains("folders[1]"), "{error}");
    }
    let moved = json!({"folders": [gone, {"name": "Network", "uid": "net", "parent": "/"}]});
    let plan = plan_of(moved, home(), "12.4.0").expect("it is moved out");
    assert_eq!(told(&plan), ["delete Infra ", "move Network parent"]);
    assert_eq!(plan[0].needs, [plan[1].key.clone()]);
    let mut snapshot = home();
    snapshot.tree = tree(&[("infra", "Infra", ""), ("net", "Network", "infra"), ("deep", "Deep", "net")]);
    let along = json!({"folders": [
        gone, {"name": "Network", "uid": "net", "parent": "/"}, {"name": "Deep", "uid": "deep"},
    ]});
    assert!(plan_of(along, snapshot, "12.4.0").is_ok(), "it goes along with its parent");
    let continued = json!({"on_error": "continue", "folders": [gone, {"name": "Network", "uid": "net"}]});
    let plan = plan_of(continued, home(), "12.4.0").expect("the rest");
    assert!(plan[0].refused.is_some() && !plan[0].is_change());
}

#[test]
fn two_of_one_title_in_one_place_need_uids() {
    let both = |second: Value| json!({"folders": [{"name": "Q", "uid": "q1"}, second]});
    let error = refused(both(json!({"name": "Q"})));
    assert!(error.contains("folders[0] and folders[1] declare a folder `Q` in the same place"), "{error}");
    for other in [json!({"name": "Q", "uid": "q2"}), json!({"name": "Q", "parent": "Infra"})] {
        assert!(plan_of(both(other), home(), "12.4.0").is_ok());
    }
}

#[test]
fn prune_keeps_what_is_declared_managed_or_not_empty() {
    let mut snapshot = home();
    let mut folders: Vec<Folder> = snapshot.tree.all().cloned().collect();
    let extra = |uid: &str, managed: Option<&str>| Folder {
        uid: uid.into(),
        title: format!("Old {uid}"),
        managed_by: managed.map(str::to_owned),
        ..folders[0].clone()
    };
    let more = [extra("o1", None), extra("o2", Some("classic-file-provisioning")), extra("o3", None)];
    folders.extend(more);
    snapshot.tree = folders.into();
    for uid in ["o1", "o2"] {
        snapshot.contents.insert(uid.into(), Contents::default());
    }
    snapshot.contents.insert("o3".into(), Contents { dashboards: 1, ..Contents::default() });
    let task = json!({"folders": [{"name": "Network", "parent": "Infra"}], "prune": {"parent": "/"}});
    let plan = plan_of(task, snapshot, "12.4.0").expect("a plan");
    assert_eq!(told(&plan), ["leave Network ", "delete Old o1 ", "delete Twin ", "delete Twin "]);
}

#[test]
fn descriptions_are_compared_where_the_server_shows_them() {
    let args = json!({"name": "Infra", "description": "machines"});
    let plan = plan_of(args.clone(), home(), "12.4.0").expect("a plan");
    assert_eq!(told(&plan), ["update Infra description"]);
    let mut snapshot = home();
    snapshot.tree = by_search(snapshot.tree);
    let plan = plan_of(args, snapshot, "11.5.1").expect("a plan");
    assert_eq!(told(&plan), ["leave Infra "]);
    assert!(plan[0].warnings[0].contains("does not show descriptions"));
}

#[test]
fn permissions_are_compared_as_a_set() {
    let held = |roles: &[(&str, &str)]| Held {
        compared: roles.iter().map(|(role, permission)| json!({"permission": permission, "role": role})).collect(),
        body: json!({"items": []}),
    };
    let args = json!({"name": "Infra", "permissions": [
        {"role": "Viewer", "permission": "View"}, {"role": "Editor", "permission": "Edit"},
    ]});
    let mut snapshot = home();
    let mut same = held(&[("Editor", "Edit"), ("Viewer", "View")]);
    if let Value::Array(items) = &mut same.compared {
        items.sort_by_key(Value::to_string);
    }
    snapshot.permissions.insert("infra".into(), same);
    assert_eq!(told(&plan_of(args.clone(), snapshot, "12.4.0").expect("a plan")), ["leave Infra "]);
    let mut snapshot = home();
    snapshot.permissions.insert("infra".into(), held(&[("Viewer", "View")]));
    let plan = plan_of(args, snapshot, "12.4.0").expect("a plan");
    assert_eq!(plan[0].action, Action::Update);
    assert!(plan[0].step.permissions.is_some());
}
