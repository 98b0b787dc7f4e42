//! Permissions of folders: names in place of numbers, and callers that may not do everything.

use serde_json::{Value, json};

use super::{MODULE, delete};
use crate::support::{Server, failed, fine, server, stand_in};

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

/// An administrator of the organisation may not look users up on the server, and lists its members instead.
#[test]
fn an_administrator_of_the_organisation_names_people_by_e_mail_address() {
    let server = stand_in(sandbox::Config::default());
    let person = |login: &str| {
        let body = json!({"login": login, "password": "a-long-password-1", "email": format!("{login}.x@lab.test")});
        server.post("/api/admin/users", body)["id"].clone()
    };
    let (boss, anna, bert) = (person("boss"), person("anna"), person("bert"));
    server.api("PATCH", &format!("/api/org/users/{boss}"), json!({"role": "Admin"}));
    let task = |users: &[&str]| {
        let grants: Vec<Value> = users.iter().map(|user| json!({"user": user, "permission": "View"})).collect();
        let args = json!({
            "url": server.url, "url_username": "boss", "url_password": "a-long-password-1",
            "name": "Mail", "uid": "mail", "permissions": grants,
        });
        crate::support::run(MODULE, &args, &[])
    };
    server.forget_requests();
    fine(task(&["Anna.X@lab.test", "bert.x@lab.test"]));
    let asked = server.requests().into_iter().filter(|(_, path)| path == "/api/org/users").count();
    assert_eq!(asked, 1, "the members are listed once for all");
    let held = server.get("/api/folders/mail/permissions");
    let mut ids: Vec<&Value> = held.as_array().expect("a list").iter().map(|one| &one["userId"]).collect();
    ids.sort_by_key(|id| id.as_i64());
    assert_eq!(ids, [&anna, &bert]);
    assert_eq!(fine(task(&["anna.x@lab.test", "bert"]))["changed"], json!(false));
    failed(task(&["nobody@lab.test"]), "there is no user `nobody@lab.test` in this organisation");
}

/// Somebody else's folder of the same title is no business of an editor, who may not read its permissions.
#[test]
fn a_folder_of_the_same_title_elsewhere_does_no_harm() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/folders", json!({"title": "Theirs", "uid": "theirs"}));
    server.post("/api/folders", json!({"title": "Same", "uid": "same", "parentUid": "theirs"}));
    let token = editor(&server);
    let grants = json!([{"role": "Viewer", "permission": "View"}, {"user": "deploy", "permission": "Admin"}]);
    let mut mine = json!({"name": "Same", "permissions": grants, "token": token.0});
    mine["permissions"][1]["user"] = json!(token.1);
    assert_eq!(fine(server.run(MODULE, mine.clone()))["action"], "create");
    assert_eq!(fine(server.run(MODULE, mine.clone()))["changed"], json!(false));
    mine["parent"] = json!("Theirs");
    failed(server.run(MODULE, mine), "its permissions cannot be read by the caller");
}

/// Fact 30: whoever leaves itself out may not even see the folder any more, and that is as declared.
#[test]
fn an_editor_that_locks_itself_out_wholly_is_told_that_it_did() {
    let server = stand_in(sandbox::Config::default());
    let token = editor(&server);
    let locked = json!({"name": "Mine", "uid": "mine", "permissions": [], "token": token.0});
    let result = fine(server.run(MODULE, locked));
    assert!(result["warnings"].to_string().contains("leave out the caller"), "{result:#}");
    assert_eq!(result["folder"]["title"], "Mine");
    assert_eq!(server.get("/api/folders/mine/permissions"), json!([]));
}

/// After one change of many folders, only that one is looked at again.
#[test]
fn what_was_not_written_is_not_read_back() {
    let server = stand_in(sandbox::Config::default());
    server.post("/api/teams", json!({"name": "ops"}));
    let task = |of_first: &str| {
        let folder = |number: usize| {
            let permission = if number == 0 { of_first } else { "View" };
            json!({"name": format!("F{number}"), "uid": format!("f{number}"),
                "permissions": [{"team": "ops", "permission": permission}]})
        };
        json!({"folders": (0..20).map(folder).collect::<Vec<Value>>()})
    };
    fine(server.run(MODULE, task("View")));
    server.forget_requests();
    assert_eq!(fine(server.run(MODULE, task("Edit")))["msg"], "1 updated, 19 unchanged");
    let asked =
        |part: &str| server.requests().iter().filter(|(method, path)| method == "GET" && path.contains(part)).count();
    assert_eq!((asked("/permissions"), asked("/api/teams")), (21, 1));
}

/// A token of an editor, and its login.
fn editor(server: &Server) -> (Value, Value) {
    let account = server.post("/api/serviceaccounts", json!({"name": "deploy", "role": "Editor"}));
    let token = server.post(&format!("/api/serviceaccounts/{}/tokens", account["id"]), json!({"name": "t"}));
    (token["key"].clone(), account["login"].clone())
}
