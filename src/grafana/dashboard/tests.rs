//! Planning, without a server.

use super::*;
use crate::{
    grafana::{Version, folder_tree::tests::tree},
    module::{
        Result,
        task::{self, Internal},
    },
};

fn context_of(args: Value, version: &str) -> Result<(Task<DashboardKind>, Vec<Desired>, DashboardSession)> {
    let mut args = args.as_object().cloned().expect("a map");
    args.insert("url".into(), json!("http://h/"));
    let mut parsed = task::parse::<DashboardKind>(&args, &Internal::default(), &|_| None)?;
    DashboardKind::expand(&mut parsed.task)?;
    let desired = DashboardKind::load(&parsed.task)?;
    let version = Version::parse(version);
    let session = Session { login: "admin".into(), user_id: 1, org: 1, server_admin: true, version };
    Ok((parsed.task, desired, DashboardSession::new(session)))
}

fn plan_of(args: Value, snapshot: &Snapshot) -> Result<Vec<Change<Step>>> {
    let (task, desired, session) = context_of(args, "12.4.0")?;
    plan::plan(&Context { task: &task, desired: &desired, session: &session }, snapshot)
}

fn found(uid: &str, folder: &str, spec: Value) -> Found {
    let metadata =
        json!({"name": uid, "resourceVersion": "7", "generation": 3, "annotations": {"grafana.app/folder": folder}});
    Found::of_resource(spec::PLAIN, json!({"metadata": metadata, "spec": spec})).expect("it is one")
}

fn snapshot(all: Vec<Found>) -> Snapshot {
    Snapshot {
        tree: tree(&[("f", "F", ""), ("g", "G", "f"), ("t1", "Twin", ""), ("t2", "Twin", "")]),
        found: all.into_iter().map(|found| (found.uid.clone(), Arc::new(found))).collect(),
        ..Snapshot::default()
    }
}

/// (action, name, fields) of each change.
fn shown(changes: &[Change<Step>]) -> Vec<(Action, &str, String)> {
    changes.iter().map(|change| (change.action, change.name.as_str(), change.fields.join(" "))).collect()
}

#[test]
fn each_difference_has_its_action() {
    let there =
        || snapshot(vec![found("d", "f", json!({"title": "T", "panels": [{"id": 1, "title": "P"}], "tags": []}))]);
    let panels = |title: &str| json!([{"id": 1, "title": title}]);
    for (options, expected) in [
        (json!({"folder": "F", "dashboard": {"title": "T", "panels": panels("P")}}), (Action::Unchanged, "")),
        (json!({"folder": "F/G", "dashboard": {"title": "T", "panels": panels("P")}}), (Action::Move, "folder")),
        (json!({"dashboard": {"title": "T", "panels": panels("P")}}), (Action::Move, "folder")),
        (
            json!({"folder": "F", "dashboard": {"title": "U", "panels": panels("Q")}}),
            (Action::Update, "dashboard.panels[0].title dashboard.title"),
        ),
        (
            json!({"folder": "G", "parent_folder": "F", "dashboard": {"title": "T"}}),
            (Action::Update, "dashboard.panels folder"),
        ),
    ] {
        let mut options = options;
        options["uid"] = json!("d");
        let changes = plan_of(options.clone(), &there()).expect("a plan");
        assert_eq!((changes[0].action, changes[0].fields.join(" ").as_str()), expected, "{options}");
        assert_eq!(changes[0].ids["uid"], "d");
    }
}

#[test]
fn folders_are_made_once_and_before_what_lies_in_them() {
    let dashboard = |title: &str, folder: &str| json!({"uid": title, "dashboard": {"title": title}, "folder": folder});
    let changes = plan_of(
        json!({"create_folders": true, "dashboards": [dashboard("a", "F/X/Y"), dashboard("b", "F/X"), dashboard("c", "F")]}),
        &snapshot(Vec::new()),
    )
    .expect("a plan");
    let order: Vec<(&str, u32, Option<&str>)> =
        changes.iter().map(|change| (change.name.as_str(), change.rank, change.noun)).collect();
    assert_eq!(
        order,
        [("a", 2, None), ("b", 1, None), ("c", 0, None), ("F/X", 0, Some("folder")), ("F/X/Y", 1, Some("folder"))]
    );
    assert_eq!(changes[0].needs, [changes[4].key.clone()]);
    assert_eq!(changes[4].needs, [changes[3].key.clone()]);
    assert_eq!(changes[0].after["folder"], "F/X/Y");
}

#[test]
fn what_cannot_be_told_apart_is_refused() {
    let twins = || snapshot(vec![found("a", "", json!({"title": "T"})), found("b", "", json!({"title": "T"}))]);
    let two = json!({"dashboards": [{"dashboard": {"title": "U"}}, {"dashboard": {"title": "U"}}]});
    let one = || snapshot(vec![found("u", "", json!({"title": "U"}))]);
    for (options, snapshot, says) in [
        (json!({"dashboard": {"title": "T"}}), twins(), "2 dashboards in General have the title `T`: a, b"),
        (json!({"dashboard": {"title": "T"}, "state": "absent"}), twins(), "2 dashboards in General"),
        (
            json!({"uid": "x", "dashboard": {"title": "T"}, "folder": "Twin"}),
            twins(),
            "2 folders in the root have the title",
        ),
        (two.clone(), snapshot(Vec::new()), "dashboards[0] and dashboards[1] have the same title `U`"),
        (
            json!({"dashboards": [{"uid": "u", "dashboard": {"title": "N"}}, {"dashboard": {"title": "N"}}]}),
            one(),
            "have the same title `N`",
        ),
        (
            json!({"dashboards": [{"uid": "u", "state": "absent"}], "prune": {"folder": "F/Gx"}}),
            one(),
            "prune.folder: Dashboard folder 'F/Gx' does not exist; hint: did you mean `F/G`?",
        ),
        (two, one(), "dashboards[0] and dashboards[1] are the same dashboard"),
        (
            json!({"uid": "x", "dashboard": {"title": "T"}, "folder": "Fx"}),
            one(),
            "Dashboard folder 'Fx' does not exist",
        ),
        (json!({"uid": "x", "dashboard": {"title": "T"}, "folder_uid": "nope"}), one(), "it is the uid of no folder"),
    ] {
        let error = plan_of(options.clone(), &snapshot).expect_err("it is refused").to_string();
        assert!(error.contains(says), "{options}: {error}");
    }
}

#[test]
fn prune_spares_the_declared_and_the_provisioned() {
    let mut provisioned = found("p", "g", json!({"title": "P", "tags": ["x"]}));
    provisioned.managed = Some("classic-file-provisioning".into());
    let all = || {
        vec![
            found("kept", "f", json!({"title": "K", "tags": ["x"]})),
            found("deep", "g", json!({"title": "D", "tags": ["x"]})),
            found("bare", "f", json!({"title": "B"})),
            found("root", "", json!({"title": "R", "tags": ["x"]})),
            provisioned.clone(),
        ]
    };
    for (prune, expected) in [
        (json!({"folder": "F"}), "bare deep"),
        (json!({"folder": "F", "tag": "x"}), "deep"),
        (json!({"tag": "x"}), "deep root"),
        (json!({"folder": "General"}), "root"),
    ] {
        let options = json!({"dashboards": [{"uid": "kept", "state": "absent"}], "prune": prune});
        let changes = plan_of(options, &snapshot(all())).expect("a plan");
        let pruned: Vec<&str> = changes
            .iter()
            .filter(|change| change.index.is_none())
            .filter_map(|change| change.ids["uid"].as_str())
            .collect();
        assert_eq!(pruned.join(" "), expected, "{prune}");
    }
}

#[test]
fn of_very_many_only_the_fields_that_differ_are_held() {
    let text = "x".repeat(200_000);
    let spec = |n: usize, value: &str| json!({"title": format!("T{n}"), "text": text, "x": value});
    let there = (0..20).map(|n| found(&format!("d{n}"), "", spec(n, "old"))).collect();
    let declared: Vec<Value> = (0..20).map(|n| json!({"uid": format!("d{n}"), "dashboard": spec(n, "new")})).collect();
    let changes = plan_of(json!({"dashboards": declared}), &snapshot(there)).expect("a plan");
    assert!(changes.iter().all(|change| change.fields == ["dashboard.x"]));
    assert!(changes[0].after["dashboard"]["text"].is_string());
    assert_eq!(
        (&changes[19].before, &changes[19].after),
        (&json!({"dashboard.x": "old"}), &json!({"dashboard.x": "new"}))
    );
    let held: usize =
        changes.iter().map(|change| change.before.to_string().len() + change.after.to_string().len()).sum();
    assert!(held < 2_000_000, "{held}");
}

#[test]
fn a_single_dashboard_has_the_peers_defaults_and_a_list_has_not() {
    let there = snapshot(vec![found("d", "f", json!({"title": "T"}))]);
    let single = plan_of(json!({"uid": "d", "dashboard": {"title": "T"}}), &there).expect("a plan");
    assert_eq!(shown(&single), [(Action::Move, "T", "folder".to_owned())]);
    let list = plan_of(json!({"dashboards": [{"uid": "d", "dashboard": {"title": "T"}}]}), &there).expect("a plan");
    assert_eq!(shown(&list), [(Action::Unchanged, "T", String::new())]);
    let above =
        plan_of(json!({"folder": "General", "dashboards": [{"uid": "d", "dashboard": {"title": "T"}}]}), &there);
    assert_eq!(above.expect("a plan")[0].action, Action::Move);
}

/// The options of the peer are all there, with its defaults and aliases.
#[test]
fn every_option_of_the_peer_is_taken() {
    let spec = task::spec::<DashboardKind>();
    for (name, default) in [
        ("state", json!("present")),
        ("org_id", json!(1)),
        ("org_name", Value::Null),
        ("folder", json!("General")),
        ("parent_folder", Value::Null),
        ("uid", Value::Null),
        ("slug", Value::Null),
        ("path", Value::Null),
        ("dashboard_url", Value::Null),
        ("dashboard_id", Value::Null),
        ("dashboard_revision", json!("1")),
        ("overwrite", json!(false)),
        ("commit_message", Value::Null),
        ("grafana_url", Value::Null),
        ("grafana_user", json!("admin")),
        ("grafana_password", json!("admin")),
        ("grafana_api_key", Value::Null),
        ("url_username", json!("admin")),
        ("use_proxy", json!(true)),
        ("validate_certs", json!(true)),
        ("client_cert", Value::Null),
        ("client_key", Value::Null),
    ] {
        let option = spec.find(name).unwrap_or_else(|| panic!("{name} is not taken"));
        assert_eq!(option.default.clone().unwrap_or_default(), default, "{name}");
    }
}

#[test]
fn an_export_comes_to_the_folder_that_it_was_in() {
    let export = |folder: &str| json!({"dashboard": {"uid": "d", "title": "T"}, "meta": {"folderUid": folder}});
    let whole = |folder: &str| {
        json!({"apiVersion": "dashboard.grafana.app/v1beta1", "kind": "Dashboard", "spec": {"title": "T"},
               "metadata": {"name": "d", "annotations": {"grafana.app/folder": folder}}})
    };
    for (options, folder, warned) in [
        (json!({"dashboard": export("g")}), "g", false),
        (json!({"dashboard": whole("g")}), "g", false),
        (json!({"dashboards": [{"dashboard": export("g")}]}), "g", false),
        (json!({"dashboard": export("g"), "folder": "F"}), "f", false),
        (json!({"dashboard": export("g"), "folder_uid": ""}), "", false),
        (json!({"dashboard": export("gone")}), "", true),
        (json!({"dashboard": export("")}), "", false),
    ] {
        let changes = plan_of(options.clone(), &snapshot(Vec::new())).expect("a plan");
        assert_eq!(
            (&changes[0].ids["folder_uid"], changes[0].warnings.len()),
            (&json!(folder), usize::from(warned)),
            "{options}"
        );
    }
}
