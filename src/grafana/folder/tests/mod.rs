//! Plans of folders, without a server.

mod absent;

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
    with_context(args, version, |context| plan::plan(context, &snapshot))
}

/// What would be counted for a task.
fn to_count(args: Value, snapshot: &Snapshot) -> Vec<String> {
    let count = |context: &Context<'_, FolderKind>| deletions::to_count(context, snapshot);
    let folders = with_context(args, "12.4.0", count).expect("it can be planned");
    folders.into_iter().map(|folder| folder.uid.clone()).collect()
}

fn with_context<T>(args: Value, version: &str, work: impl FnOnce(&Context<'_, FolderKind>) -> Result<T>) -> Result<T> {
    let mut args = args.as_object().cloned().expect("arguments are a map");
    args.insert("url".into(), json!("http://h"));
    let parsed = task::parse::<FolderKind>(&args, &Internal::default(), &|_| None)?;
    let desired = FolderKind::load(&parsed.task)?;
    let session =
        Session { login: "admin".into(), user_id: 1, org: 1, server_admin: true, version: Version::parse(version) };
    let session = FolderSession { session, made: Mutex::default() };
    work(&Context { task: &parsed.task, desired: &desired, session: &session })
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
fn two_of_one_title_in_one_place_need_uids() {
    let both = |second: Value| json!({"folders": [{"name": "Q", "uid": "q1"}, second]});
    let error = refused(both(json!({"name": "Q"})));
    assert!(error.contains("folders[0] and folders[1] declare a folder `Q` in the same place"), "{error}");
    for other in [json!({"name": "Q", "uid": "q2"}), json!({"name": "Q", "parent": "Infra"})] {
        assert!(plan_of(both(other), home(), "12.4.0").is_ok());
    }
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

/// A snapshot of a tree whose folders hold nothing.
fn holding_nothing(folders: &[(&str, &str, &str)]) -> Snapshot {
    Snapshot {
        tree: tree(folders),
        contents: folders.iter().map(|(uid, _, _)| ((*uid).to_owned(), Contents::default())).collect(),
        ..Snapshot::default()
    }
}

fn three_levels(top: Value) -> Result<Vec<Change<Step>>> {
    let folders = json!({"folders": [top, {"name": "Mid", "parent": "Home"}, {"name": "Leaf", "parent": "Home/Mid"}]});
    plan_of(folders, holding_nothing(&[("h", "Home", ""), ("m", "Mid", "h")]), "12.4.0")
}

#[test]
fn a_tree_by_paths_stands_while_its_top_is_changed() {
    let plan = three_levels(json!({"name": "Home", "description": "new"})).expect("a plan");
    assert_eq!(told(&plan), ["update Home description", "leave Mid ", "create Leaf "]);
    assert_eq!(plan[2].step.place, Place::At("m".into()));
    let making = json!({"name": "Home", "description": "new", "create_parents": true});
    assert_eq!(three_levels(making).expect("a plan").len(), 3, "no second Mid is made");
}

#[test]
fn a_tree_by_paths_stands_while_its_top_is_renamed() {
    let folders = json!({"create_parents": true, "folders": [
        {"name": "Leaf", "parent": "House/Mid"}, {"name": "Mid", "parent": "House"}, {"name": "House", "uid": "h"},
    ]});
    let before = || holding_nothing(&[("h", "Home", ""), ("m", "Mid", "h")]);
    let plan = plan_of(folders.clone(), before(), "12.4.0").expect("a plan");
    assert_eq!(told(&plan), ["create Leaf ", "leave Mid ", "update House title"]);
    assert_eq!(plan[0].step.place, Place::At("m".into()));
    let after = holding_nothing(&[("h", "House", ""), ("m", "Mid", "h"), ("l", "Leaf", "m")]);
    let again = plan_of(folders, after, "12.4.0").expect("a plan");
    assert_eq!(told(&again), ["leave Leaf ", "leave Mid ", "leave House "]);
}

#[test]
fn a_path_leads_through_folders_that_only_uids_name() {
    let folders = json!({"folders": [
        {"name": "X", "parent": "Machines/Nets"}, {"name": "Nets", "uid": "net"}, {"name": "Machines", "uid": "infra"},
    ]});
    let plan = plan_of(folders, home(), "12.4.0").expect("a plan");
    assert_eq!(told(&plan), ["create X ", "update Nets title", "update Machines title"]);
    assert_eq!(plan[0].step.place, Place::At("net".into()));
}

#[test]
fn a_path_that_will_fit_several_is_refused() {
    let folders = json!({"folders": [
        {"name": "Same", "uid": "t1"}, {"name": "Same", "uid": "infra"}, {"name": "X", "parent": "Same"},
    ]});
    let error = refused(folders);
    assert!(error.contains("2 folders have the title `Same`: t1, infra"), "{error}");
}

#[test]
fn a_slash_in_a_title_is_no_step_of_a_path() {
    let folders = json!({"folders": [{"name": "A/B"}, {"name": "A"}, {"name": "B", "parent": "A"}]});
    let plan = plan_of(folders, home(), "12.4.0").expect("a plan");
    assert_eq!(told(&plan), ["create A/B ", "create A ", "create B "]);
    assert_eq!(plan[2].needs, [plan[1].key.clone()]);
}

#[test]
fn a_cycle_through_a_folder_that_is_made_is_refused() {
    let own = json!({"uid": "infra", "name": "Infra", "parent": "Infra/New", "create_parents": true});
    let both = json!({"folders": [
        {"name": "New", "uid": "n", "parent_uid": "infra"}, {"name": "Infra", "uid": "infra", "parent_uid": "n"},
    ]});
    for task in [own, both] {
        let error = refused(task);
        assert!(error.contains("it cannot lie in folder") && error.contains("which lies in it"), "{error}");
    }
}

#[test]
fn a_title_that_another_object_takes_away_is_free() {
    let folders = json!({"folders": [{"uid": "infra", "name": "New"}, {"name": "Infra"}]});
    let plan = plan_of(folders, home(), "12.4.0").expect("a plan");
    assert_eq!(told(&plan), ["update New title", "create Infra "]);
    let absent = json!({"folders": [{"uid": "infra", "name": "New"}, {"name": "Infra", "state": "absent"}]});
    assert_eq!(told(&plan_of(absent, home(), "12.4.0").expect("a plan")), ["update New title", "leave Infra "]);
    let moved = json!({"folders": [
        {"uid": "net", "name": "Network", "parent": "/"}, {"name": "Network", "parent_uid": "infra"},
    ]});
    let plan = plan_of(moved, home(), "12.4.0").expect("a plan");
    assert_eq!(told(&plan), ["move Network parent", "create Network "]);
}

#[test]
fn permissions_that_cannot_be_read_are_not_taken_for_right() {
    let error = refused(json!({"name": "Infra", "permissions": [{"role": "Viewer", "permission": "View"}]}));
    assert!(error.contains("its permissions cannot be read"), "{error}");
}

#[test]
fn a_description_that_is_not_shown_goes_with_a_new_title() {
    let mut snapshot = home();
    snapshot.tree = by_search(snapshot.tree);
    let args = json!({"uid": "infra", "name": "Machines", "description": "all of them"});
    let plan = plan_of(args, snapshot, "11.5.1").expect("a plan");
    assert_eq!(told(&plan), ["update Machines title"]);
    assert_eq!(plan[0].step.description.as_deref(), Some("all of them"));
    assert_eq!(plan[0].sent, ["description"]);
}

/// The cost of a plan grows with the number of folders, not with its square: this took minutes.
#[test]
fn thousands_of_folders_by_their_paths_are_planned_soon() {
    let mut all: Vec<Value> =
        (0..4000).map(|n| json!({"name": format!("F{n}"), "parent": format!("P{}", n % 50)})).collect();
    all.extend((0..50).map(|n| json!({"name": format!("P{n}")})));
    let started = std::time::Instant::now();
    assert_eq!(plan_of(json!({"folders": all}), home(), "12.4.0").expect("a plan").len(), 4050);
    let uids: Vec<String> = (0..4000).map(|n| format!("u{n}")).collect();
    let there: Vec<(&str, &str, &str)> = uids.iter().map(|uid| (uid.as_str(), uid.as_str(), "")).collect();
    let mut keep: Vec<Value> = uids.iter().take(2000).map(|uid| json!({"name": uid, "uid": uid})).collect();
    keep.extend(uids.iter().skip(2000).take(1000).map(|uid| json!({"name": uid, "uid": uid, "state": "absent"})));
    let task = json!({"folders": keep, "prune": {"parent": "/", "limit": 1000}});
    let plan = plan_of(task, holding_nothing(&there), "12.4.0").expect("a plan");
    assert_eq!(plan.iter().filter(|change| change.action == Action::Delete).count(), 2000);
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}
