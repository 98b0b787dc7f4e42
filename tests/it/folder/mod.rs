//! `grafana_folder`: the twelve steps, and each fact about folders that Grafana surprises with.

mod deletions;
mod failures;
mod permissions;
mod trees;

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
