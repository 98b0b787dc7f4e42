//! `grafana_folder`: the twelve steps, and each fact about folders that Grafana surprises with.

use serde_json::{Value, json};

use crate::support::{Server, failed, fine, server, stand_in, stand_in_11, twelve_steps};

const MODULE: &str = "grafana_folder";

fn delete(server: &Server, uid: &str) {
    server.api("DELETE", &format!("/api/folders/{uid}?forceDeleteRules=true"), Value::Null);
}

#[test]
fn twelve_steps_by_uid() {
    for server in [server(), stand_in_11()] {
        let (uid, parent) = (server.name("f"), server.name("p"));
        fine(server.run(MODULE, json!({"name": parent, "uid": parent})));
        twelve_steps(
            &server,
            MODULE,
            json!({"name": server.name("Infra"), "uid": uid}),
            json!({"name": server.name("Infrastructure"), "uid": uid, "parent_uid": parent}),
            json!({"name": server.name("Infrastructure"), "uid": uid, "state": "absent"}),
        );
        delete(&server, &parent);
    }
}

#[test]
fn twelve_steps_of_a_list_with_description_and_permissions() {
    let server = server();
    let (one, two) = (server.name("one"), server.name("two"));
    let grants = |permission: &str| json!([{"role": "Viewer", "permission": permission}, {"role": "Editor", "permission": "Edit"}]);
    let folders = |permission: &str, text: &str| {
        json!({"folders": [
            {"name": two, "uid": two, "parent_uid": one, "description": text},
            {"name": one, "uid": one, "permissions": grants(permission)},
        ]})
    };
    let gone = json!({"state": "absent", "folders": [{"name": one, "uid": one}, {"name": two, "uid": two}]});
    twelve_steps(&server, MODULE, folders("View", "first"), folders("Edit", "second"), gone);
}

#[test]
fn a_single_folder_has_the_keys_of_the_peer() {
    let server = server();
    let uid = server.name("keys");
    let made = fine(server.run(MODULE, json!({"title": "Keys", "uid": uid})));
    assert_eq!((&made["folder"]["uid"], &made["folder"]["title"]), (&json!(uid), &json!("Keys")));
    assert!(made["folder"]["id"].is_i64(), "{made:#}");
    // What the peer returns: the answer to the write, and of an unchanged one what the list tells.
    for key in ["url", "version", "canSave", "createdBy", "updated"] {
        assert!(!made["folder"][key].is_null(), "{key} is missing: {made:#}");
    }
    let again = fine(server.run(MODULE, json!({"title": "Keys", "uid": uid})));
    for key in ["id", "uid", "title"] {
        assert_eq!(again["folder"][key], made["folder"][key], "{key}");
    }
    let gone = fine(server.run(MODULE, json!({"title": "Keys", "uid": uid, "state": "absent"})));
    assert_eq!(gone["message"], json!({"message": "Folder deleted"}));
    let never = fine(server.run(MODULE, json!({"title": "Keys", "uid": uid, "state": "absent"})));
    assert_eq!(never["message"], json!("No folder found"));
}

#[test]
fn a_tree_is_made_in_one_task_and_found_by_its_paths() {
    let server = server();
    let root = server.name("Home");
    let tree = json!({"folders": [
        {"name": "Leaf", "parent": format!("{root}/Mid/Deep"), "create_parents": true},
        {"name": root},
        {"name": "Mid", "parent": root},
    ]});
    let predicted = fine(server.check(MODULE, tree.clone()));
    assert_eq!(predicted["msg"], "would be: 4 created");
    let made = fine(server.run(MODULE, tree.clone()));
    assert_eq!(made["msg"], "4 created");
    let again = fine(server.run(MODULE, tree));
    assert_eq!((&again["changed"], &again["msg"]), (&json!(false), &json!("3 unchanged")));
    let leaf = made["objects"].as_array().and_then(|all| all.iter().find(|one| one["name"] == "Leaf")).cloned();
    let uid = leaf.expect("the leaf is listed")["uid"].clone();
    let parents = server.get(&format!("/api/folders/{}", uid.as_str().expect("a uid")))["parents"].clone();
    let titles: Vec<&Value> = parents.as_array().expect("it has parents").iter().map(|one| &one["title"]).collect();
    assert_eq!(titles, [&json!(root), &json!("Mid"), &json!("Deep")]);
    fine(server.run(MODULE, json!({"name": root, "state": "absent"})));
}

/// Fact 23 again: of two tasks that make a folder without a uid at once, both would succeed and leave two.
#[test]
fn two_who_make_a_folder_at_once_make_one() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "GET", "path": "/apis/folder.grafana.app/*", "kind": "delay", "ms": 300}));
    let make = || fine(server.run(MODULE, json!({"name": "Both"})));
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(make);
        (make(), other.join().expect("it ends"))
    });
    let all = server.get("/api/folders");
    assert_eq!(all.as_array().map(Vec::len), Some(1), "{all}");
    assert_eq!(one["uid"], other["uid"]);
    assert_eq!([&one["changed"], &other["changed"]].iter().filter(|changed| ***changed == json!(true)).count(), 1);
    // One that was made here and renamed since keeps its uid, and a new one gets another.
    let uid = one["uid"].as_str().expect("a uid").to_owned();
    fine(server.run(MODULE, json!({"name": "Renamed", "uid": uid})));
    let anew = fine(server.run(MODULE, json!({"name": "Both"})));
    assert_eq!(anew["action"], "create");
    assert_ne!(anew["uid"], json!(uid));
}

/// Two folders change places: the one inside has to leave first.
#[test]
fn folders_change_places_in_one_task() {
    let server = server();
    let (outer, inner) = (server.name("outer"), server.name("inner"));
    let tree = |top: &str, below: &str| {
        json!({"folders": [
            {"name": below, "uid": below, "parent_uid": top},
            {"name": top, "uid": top, "parent_uid": ""},
        ]})
    };
    fine(server.run(MODULE, tree(&outer, &inner)));
    let turned = fine(server.run(MODULE, tree(&inner, &outer)));
    assert_eq!(turned["msg"], "2 moved", "{turned:#}");
    let moved = turned["objects"].as_array().expect("a list").iter().find(|one| one["uid"] == json!(outer));
    assert_eq!(moved.map(|one| &one["parentUid"]), Some(&json!(inner)), "the result tells where it lies now");
    assert_eq!(server.get(&format!("/api/folders/{outer}"))["parentUid"], json!(inner));
    assert_eq!(fine(server.run(MODULE, tree(&inner, &outer)))["changed"], json!(false));
    delete(&server, &inner);
}

/// Fact 60: before 12 there is a folder of that name.
#[test]
fn a_folder_called_general_is_refused_before_12_and_made_since() {
    let old = stand_in_11();
    for result in [old.check(MODULE, json!({"name": "General"})), old.run(MODULE, json!({"name": "General"}))] {
        failed(result, "has a folder of this name itself");
    }
    assert_eq!(old.writes(), []);
    fine(stand_in(sandbox::Config::default()).run(MODULE, json!({"name": "General"})));
}

/// Fact 23: titles are not unique.
#[test]
fn a_title_that_fits_several_changes_nothing() {
    let server = server();
    let title = server.name("Twin");
    for uid in ["a", "b"] {
        server.post("/api/folders", json!({"title": title, "uid": server.name(uid)}));
    }
    let result = failed(server.run(MODULE, json!({"name": title, "state": "absent"})), "have the title");
    assert_eq!(result["changed"], json!(false));
    for uid in ["a", "b"] {
        server.get(&format!("/api/folders/{}", server.name(uid)));
        delete(&server, &server.name(uid));
    }
}

/// Fact 24: an unknown parent is accepted by 12.4, and the folder is in no list.
#[test]
fn an_orphan_is_not_made_and_an_existing_one_is_brought_home() {
    let server = server();
    let uid = server.name("orphan");
    failed(
        server.run(MODULE, json!({"name": uid, "uid": uid, "parent_uid": "nowhere"})),
        "no folder with the uid `nowhere`",
    );
    let (status, _) = server.api("GET", &format!("/api/folders/{uid}"), Value::Null);
    assert_eq!(status, 404);
    let (status, _) = server.api("POST", "/api/folders", json!({"title": uid, "uid": uid, "parentUid": "nowhere"}));
    if status == 200 {
        let moved = fine(server.run(MODULE, json!({"name": uid, "uid": uid, "parent_uid": ""})));
        assert_eq!(moved["action"], "move");
        let listed = server.get("/api/folders?limit=5000");
        assert!(listed.as_array().is_some_and(|all| all.iter().any(|one| one["uid"] == json!(uid))));
        delete(&server, &uid);
    }
}

/// Fact 28: a deletion takes everything in the folder with it, and asks nobody.
#[test]
fn a_folder_that_holds_a_dashboard_is_deleted_only_by_force() {
    let server = server();
    let (uid, dashboard) = (server.name("full"), server.name("d"));
    server.post("/api/folders", json!({"title": uid, "uid": uid}));
    server.post("/api/dashboards/db", json!({"dashboard": {"uid": dashboard, "title": "D"}, "folderUid": uid}));
    let absent = json!({"name": uid, "uid": uid, "state": "absent"});
    for result in [server.check(MODULE, absent.clone()), server.run(MODULE, absent)] {
        failed(result, "it holds 1 dashboard");
    }
    server.get(&format!("/api/dashboards/uid/{dashboard}"));
    fine(server.run(MODULE, json!({"name": uid, "uid": uid, "state": "absent", "force": true})));
    assert_eq!(server.api("GET", &format!("/api/dashboards/uid/{dashboard}"), Value::Null).0, 404);
}

/// Fact 26: the version must fit, so a change that somebody makes meanwhile is not lost but seen.
#[test]
fn a_change_made_meanwhile_is_planned_again() {
    for server in [stand_in(sandbox::Config::default()), stand_in_11()] {
        server.post("/api/folders", json!({"title": "Old", "uid": "f"}));
        let conflict = json!({"message": "The dashboard has been changed by someone else"});
        server.fault(json!({"method": "PUT", "path": "/api/folders/f", "kind": "status", "status": 412, "body": conflict, "times": 1}));
        let result = fine(server.run(MODULE, json!({"name": "New", "uid": "f"})));
        assert_eq!(result["changed"], json!(true));
        assert_eq!(server.get("/api/folders/f")["title"], "New");
    }
}

/// Fact 50: the folder of a "database is locked" is there, without any permission.
#[test]
fn a_folder_made_despite_an_error_has_its_permissions() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "locked-after", "times": 1}));
    let result = fine(server.run(MODULE, json!({"name": "Locked", "uid": "locked"})));
    assert_eq!(result["changed"], json!(true));
    assert!(result["warnings"].to_string().contains("made the folder all the same"), "{result:#}");
    let held = server.get("/api/folders/locked/permissions");
    let mut roles: Vec<String> = held
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| format!("{}{}", one["role"].as_str().unwrap_or("admin"), one["permission"]))
        .collect();
    roles.sort();
    assert_eq!(roles, ["Editor2", "Viewer1", "admin4"]);
}

/// The same when its permissions meet a lock of their own.
#[test]
fn a_folder_made_despite_an_error_gets_its_permissions_at_the_second_try() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders$", "kind": "locked-after", "times": 1}));
    server.fault(json!({"method": "POST", "path": "/api/folders/*/permissions", "kind": "locked-before", "times": 1}));
    fine(server.run(MODULE, json!({"name": "Locked", "uid": "locked", "deadline": 1e19})));
    assert_eq!(server.get("/api/folders/locked/permissions").as_array().map(Vec::len), Some(3));
}

#[test]
fn a_folder_that_was_not_made_is_made_after_another_look() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "locked-before", "times": 2}));
    let result = fine(server.run(MODULE, json!({"folders": [{"name": "A", "uid": "a"}, {"name": "B", "uid": "b"}]})));
    assert_eq!(result["msg"], "2 created");
    let all = server.get("/api/folders");
    assert_eq!(all.as_array().map(Vec::len), Some(2), "{all}");
}

#[test]
fn a_lost_answer_is_looked_up_before_it_is_repeated() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "reset", "after": true, "times": 1}));
    let result = fine(server.run(MODULE, json!({"name": "Once"})));
    assert_eq!(result["changed"], json!(true), "{result:#}");
    let all = server.get("/api/folders");
    assert_eq!(all.as_array().map(Vec::len), Some(1), "it was made twice: {all}");
}

/// Fact 25: five levels, and the sixth is answered by a 500 (12.4) or a 400 (11.5).
#[test]
fn a_folder_too_deep_is_told_at_once() {
    for server in [stand_in(sandbox::Config::default()), stand_in_11()] {
        let task = json!({"folders": [{"name": "7", "parent": "1/2/3/4/5/6", "create_parents": true}]});
        let started = std::time::Instant::now();
        let result = failed(server.run(MODULE, task), "failed to create folder `6`");
        assert!(result["msg"].to_string().to_lowercase().contains("depth"), "{result:#}");
        assert!(started.elapsed().as_millis() < 1500, "{:?}", started.elapsed());
    }
}

#[test]
fn names_stand_for_teams_and_users_in_permissions() {
    let server = server();
    let (uid, team, user) = (server.name("perm"), server.name("team"), server.name("user"));
    let made = server.post("/api/teams", json!({"name": team}));
    let person = server.post(
        "/api/admin/users",
        json!({"login": user, "password": "a-long-password-1", "email": format!("{user}@lab.test")}),
    );
    let options = json!({"name": uid, "uid": uid, "permissions": [
        {"team": team, "permission": "Admin"}, {"user": user.to_uppercase(), "permission": "edit"},
    ]});
    // Choices are exact, as in AnsibleModule.
    failed(server.run(MODULE, options.clone()), "must be one of: View, Edit, Admin");
    let options = json!({"name": uid, "uid": uid, "permissions": [
        {"team": team, "permission": "Admin"}, {"user": user.to_uppercase(), "permission": "Edit"},
    ]});
    assert_eq!(fine(server.run(MODULE, options.clone()))["changed"], json!(true));
    assert_eq!(fine(server.run(MODULE, options))["changed"], json!(false));
    let unknown = json!({"name": uid, "uid": uid, "permissions": [{"team": "nobody", "permission": "View"}]});
    failed(server.run(MODULE, unknown), "there is no team `nobody`");
    let none = json!({"name": uid, "uid": uid, "permissions": []});
    assert_eq!(fine(server.run(MODULE, none.clone()))["changed"], json!(true));
    assert_eq!(fine(server.run(MODULE, none))["changed"], json!(false));
    assert_eq!(server.get(&format!("/api/folders/{uid}/permissions")), json!([]));
    delete(&server, &uid);
    server.api("DELETE", &format!("/api/teams/{}", made["teamId"]), Value::Null);
    server.api("DELETE", &format!("/api/admin/users/{}", person["id"]), Value::Null);
}

#[test]
fn one_subject_has_one_permission() {
    let server = server();
    let uid = server.name("twice");
    let login = server.get("/api/user")["login"].clone();
    let twice = |first: Value, second: Value| json!({"name": uid, "uid": uid, "permissions": [first, second]});
    let roles = twice(json!({"role": "Viewer", "permission": "View"}), json!({"role": "Viewer", "permission": "Edit"}));
    failed(server.run(MODULE, roles), "`permissions` names the role `Viewer` twice");
    let user = login.as_str().expect("a login");
    let users =
        twice(json!({"user": user, "permission": "View"}), json!({"user": user.to_uppercase(), "permission": "Edit"}));
    // The login is the default password too, and so stands as stars.
    failed(server.check(MODULE, users), "`permissions` names the user `");
    assert_eq!(server.api("GET", &format!("/api/folders/{uid}"), Value::Null).0, 404, "nothing was made");
}

/// Fact 30: an editor that leaves itself out of the list has no right to its own folder any more.
#[test]
fn an_editor_names_itself_in_permissions_or_is_warned() {
    let server = stand_in(sandbox::Config::default());
    let account = server.post("/api/serviceaccounts", json!({"name": "deploy", "role": "Editor"}));
    let token = server.post(&format!("/api/serviceaccounts/{}/tokens", account["id"]), json!({"name": "t"}));
    let by_token = |options: Value| {
        let mut options = options;
        options["url"] = json!(server.url);
        options["token"] = token["key"].clone();
        crate::support::run(MODULE, &options, &[])
    };
    let grants = |user: Option<&str>| {
        let mut all = vec![json!({"role": "Viewer", "permission": "View"})];
        all.extend(user.map(|user| json!({"user": user, "permission": "Admin"})));
        json!(all)
    };
    let login = account["login"].as_str().expect("a login");
    let named = |user| json!({"name": "Mine", "uid": "mine", "permissions": grants(user)});
    let made = fine(by_token(named(Some(login))));
    assert!(made.get("warnings").is_none(), "{made:#}");
    assert_eq!(fine(by_token(named(Some(login))))["changed"], json!(false));
    let locked = fine(by_token(named(None)));
    assert!(locked["warnings"].to_string().contains("leave out the caller"), "{locked:#}");
    // An administrator names the account by its name or its login.
    for user in ["deploy", login] {
        let again = fine(server.run(MODULE, named(Some(user))));
        assert_eq!(again["changed"], json!(user == "deploy"), "{again:#}");
    }
}

#[test]
fn prune_of_a_scope_that_is_nowhere_is_refused() {
    let server = server();
    let title = server.name("kept");
    for scope in [json!({"parent": "no/where"}), json!({"parent_uid": "nowhere"})] {
        let task = json!({"folders": [{"name": title}], "prune": scope});
        failed(server.run(MODULE, task), "prune: ");
    }
    let listed = server.get("/api/folders?limit=5000");
    assert!(listed.as_array().is_some_and(|all| all.iter().all(|one| one["title"] != json!(title))));
    // What this task makes is known.
    let new = json!({"folders": [{"name": title}], "prune": {"parent": title}});
    assert_eq!(fine(server.run(MODULE, new))["msg"], "1 created");
    fine(server.run(MODULE, json!({"name": title, "state": "absent"})));
}

#[test]
fn prune_removes_what_is_not_declared_within_its_scope_and_limit() {
    let server = server();
    let home = server.name("home");
    let mut folders = vec![json!({"name": home, "uid": home})];
    folders.extend(["a", "b", "c"].map(|name| json!({"name": name, "parent_uid": home})));
    fine(server.run(MODULE, json!({"folders": folders})));
    let keep = |limit: u32| json!({"folders": [{"name": home, "uid": home}, {"name": "a", "parent_uid": home}], "prune": {"parent_uid": home, "limit": limit}});
    let refused = failed(server.run(MODULE, keep(1)), "would delete 2 folders, more than its limit of 1");
    assert_eq!(refused["changed"], json!(false));
    assert_eq!(fine(server.run(MODULE, keep(2)))["msg"], "2 deleted, 2 unchanged");
    assert_eq!(fine(server.run(MODULE, keep(2)))["changed"], json!(false));
    delete(&server, &home);
}

#[test]
fn rollback_takes_back_what_was_done_newest_first() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/folders", json!({"title": "Before", "uid": "old"}));
    server.fault(json!({"method": "POST", "path": "/api/folders/old/move", "kind": "status", "status": 403, "body": {"message": "no"}}));
    let task = json!({"on_error": "rollback", "folders": [
        {"name": "New", "uid": "new"},
        {"name": "Other", "uid": "old", "parent_uid": "new"},
    ]});
    let result = failed(server.run(MODULE, task), "failed to update folder `Other`");
    assert_eq!(server.api("GET", "/api/folders/new", Value::Null).0, 404, "{result:#}");
    assert_eq!(result["changed"], json!(false), "{result:#}");
}

#[test]
fn with_continue_the_rest_is_done_and_children_of_the_failed_wait() {
    let server = stand_in(sandbox::Config::default());
    server.fault(json!({"method": "POST", "path": "/api/folders", "kind": "status", "status": 400, "body": {"message": "no"}, "times": 1}));
    let task = json!({"on_error": "continue", "concurrency": 1, "folders": [
        {"name": "Bad", "uid": "bad"}, {"name": "Child", "uid": "child", "parent_uid": "bad"}, {"name": "Good", "uid": "good"},
    ]});
    let result = failed(server.run(MODULE, task), "failed to create folder `Bad`");
    assert!(result["objects"][1]["error"].to_string().contains("`Bad`, which it needs, failed"), "{result:#}");
    assert_eq!(result["objects"][2]["changed"], json!(true));
    server.get("/api/folders/good");
}

#[test]
fn with_continue_an_object_that_cannot_be_planned_is_its_own_failure() {
    let server = stand_in(sandbox::Config::default());
    let folders = json!([{"name": "Bad", "parent_uid": "nowhere"}, {"name": "Good", "uid": "good"}]);
    let result = failed(server.run(MODULE, json!({"folders": folders})), "no folder with the uid `nowhere`");
    assert_eq!(result["changed"], json!(false), "by default nothing is done");
    let task = json!({"folders": folders, "on_error": "continue"});
    let predicted = failed(server.check(MODULE, task.clone()), "no folder with the uid `nowhere`");
    let result = failed(server.run(MODULE, task), "no folder with the uid `nowhere`");
    assert_eq!(result["objects"][1]["changed"], json!(true), "{result:#}");
    assert_eq!(predicted["objects"][1]["action"], "create");
    server.get("/api/folders/good");
    let pruning = json!({"folders": folders, "on_error": "continue", "prune": {"parent": "/"}});
    assert_eq!(failed(server.run(MODULE, pruning), "nowhere")["changed"], json!(false));
}

#[test]
fn a_thousand_unchanged_folders_cost_a_few_reads_and_no_write() {
    let server = stand_in(sandbox::Config::default());
    let folders: Vec<Value> =
        (0..1000).map(|number| json!({"name": format!("F{number}"), "uid": format!("f{number}")})).collect();
    let task = json!({"folders": folders});
    assert_eq!(fine(server.run(MODULE, task.clone()))["msg"], "1000 created");
    server.forget_requests();
    let again = fine(server.run(MODULE, task));
    assert_eq!(again["unchanged_objects"], json!(1000));
    let requests = server.requests();
    assert!(requests.len() <= 6, "{requests:?}");
    assert_eq!(server.writes(), []);
}

#[test]
fn an_organisation_is_chosen_without_switching_the_user() {
    let server = stand_in(sandbox::Config::default());
    let org = server.post("/api/orgs", json!({"name": "Second"}))["orgId"].clone();
    for choice in [json!({"org_name": "Second"}), json!({"org_id": org})] {
        let mut task = json!({"name": "Only there", "uid": "there"});
        task.as_object_mut().expect("a map").extend(choice.as_object().cloned().expect("a map"));
        fine(server.run(MODULE, task));
    }
    assert_eq!(server.get("/api/folders"), json!([]));
    assert_eq!(server.get("/api/user")["orgId"], json!(1));
    let stranger = "Current user isn't member of organization: ";
    failed(
        server.run(MODULE, json!({"name": "x", "org_name": "Third"})),
        &format!("{stranger}Third; it is in Main Org."),
    );
    // Also in check mode: a plan for an organisation that is not there would say that everything is to be made.
    failed(
        server.check(MODULE, json!({"name": "x", "org_id": 987})),
        &format!("{stranger}987; it is in 1 (Main Org.)"),
    );
}

#[test]
fn no_request_departs_from_the_api_document() {
    let server = stand_in(sandbox::Config::default());
    let uid = "doc";
    fine(server.run(MODULE, json!({"name": "Doc", "uid": uid, "description": "x", "permissions": [{"role": "Viewer", "permission": "View"}]})));
    fine(server.run(MODULE, json!({"name": "Doc 2", "uid": uid, "description": "y"})));
    fine(
        server
            .run(MODULE, json!({"folders": [{"name": "P", "uid": "p"}, {"name": "Doc 2", "uid": uid, "parent": "P"}]})),
    );
    fine(server.run(MODULE, json!({"name": "P", "uid": "p", "state": "absent", "force": true})));
    let seen = server.get("/_sandbox/departures");
    let list = seen["departures"].as_array().cloned().unwrap_or_default();
    assert!(list.is_empty(), "{list:#?}");
}
