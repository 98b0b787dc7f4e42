//! Plans that delete.

use super::*;

#[test]
fn a_folder_that_holds_something_is_deleted_only_by_force() {
    let mut snapshot = home();
    snapshot.contents.insert("infra".into(), Contents { dashboards: 2, alert_rules: 1, ..Contents::default() });
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
fn a_folder_that_something_else_manages_is_not_deleted() {
    let mut snapshot = home();
    let managed = |folder: &Folder| Folder { managed_by: Some("repo".to_owned()), ..folder.clone() };
    snapshot.tree = snapshot.tree.all().map(managed).collect::<Vec<_>>().into();
    let gone = json!({"name": "Infra", "state": "absent", "force": true});
    let error = plan_of(gone, snapshot, "12.4.0").expect_err("it is managed").to_string();
    assert!(error.contains("it is managed by repo"), "{error}");
}

#[test]
fn what_was_not_counted_is_not_taken_for_empty() {
    let mut snapshot = home();
    snapshot.contents.clear();
    assert!(plan_of(json!({"name": "Infra", "state": "absent"}), snapshot, "12.4.0").is_err());
}

#[test]
fn prune_looks_into_a_scope_where_this_task_puts_it() {
    let folders = [("h", "Home", ""), ("x", "Extra", "h"), ("k", "Kept", "h"), ("o", "Other", "")];
    let task = json!({"folders": [{"uid": "h", "name": "House"}, {"name": "Kept", "parent": "House"}],
        "prune": {"parent": "House"}});
    let plan = plan_of(task.clone(), holding_nothing(&folders), "12.4.0").expect("a plan");
    assert_eq!(told(&plan), ["update House title", "leave Kept ", "delete Extra "]);
    assert_eq!(to_count(task, &holding_nothing(&folders)), ["x"]);
}

#[test]
fn prune_takes_the_deepest_first_and_then_what_held_it() {
    let mut snapshot =
        holding_nothing(&[("o", "old", ""), ("c", "old-child", "o"), ("f", "old-full", ""), ("i", "old-in", "f")]);
    snapshot.contents.insert("f".into(), Contents { dashboards: 1, ..Contents::default() });
    let task = json!({"folders": [{"name": "New"}], "prune": {"name_prefix": "old"}});
    let plan = plan_of(task, snapshot, "12.4.0").expect("a plan");
    let deleted: Vec<&str> =
        plan.iter().filter(|change| change.action == Action::Delete).map(|change| change.name.as_str()).collect();
    assert_eq!(deleted, ["old-child", "old-in", "old"]);
    let rank = |name: &str| plan.iter().find(|change| change.name == name).map(|change| change.rank);
    assert!(rank("old-child") < rank("old"));
    assert_eq!(plan.iter().find(|change| change.name == "old").expect("it is pruned").needs, ["uid:c"]);
}

#[test]
fn prune_and_a_deletion_in_the_same_folder_come_out_in_one_run() {
    let snapshot = holding_nothing(&[("o", "old", ""), ("c", "child", "o")]);
    let task = json!({"folders": [{"uid": "c", "name": "child", "state": "absent"}], "prune": {"name_prefix": "old"}});
    let plan = plan_of(task, snapshot, "12.4.0").expect("a plan");
    assert_eq!(told(&plan), ["delete child ", "delete old "]);
}

#[test]
fn only_what_may_be_deleted_is_counted() {
    let snapshot = home();
    assert_eq!(to_count(json!({"name": "Twin", "parent": "Infra"}), &snapshot), Vec::<String>::new());
    let new = json!({"folders": [{"name": "Fresh"}], "prune": {"parent": "Fresh"}});
    assert_eq!(to_count(new, &snapshot), Vec::<String>::new(), "what is made holds nothing");
    let below = json!({"folders": [{"name": "Infra"}], "prune": {"parent": "Infra"}});
    assert_eq!(to_count(below, &snapshot), ["net"]);
}
