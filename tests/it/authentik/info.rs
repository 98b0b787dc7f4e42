//! `authentik_info` reads what the server holds, and says of access what the server itself decides.

use serde_json::{Value, json};

use super::{Server, server};
use crate::support::fine;

/// What a test made, deleted at its end, the newest first.
struct Made<'s> {
    server: &'s Server,
    addresses: Vec<String>,
}

impl Made<'_> {
    fn one(&mut self, path: &str, id: &str, body: Value) -> Value {
        let made = self.server.post(path, body);
        let name = made[id].as_str().map_or_else(|| made[id].to_string(), str::to_owned);
        self.addresses.push(format!("{path}{name}/"));
        made
    }
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        for address in self.addresses.iter().rev() {
            self.server.api("DELETE", address, Value::Null);
        }
    }
}

/// The same in check mode and without: nothing changes, and nothing is written.
fn ask(server: &Server, options: Value) -> Value {
    server.writes();
    let checked = fine(server.play("authentik_info", &options, true));
    let read = fine(server.play("authentik_info", &options, false));
    assert_eq!((&checked["changed"], &read["changed"]), (&json!(false), &json!(false)), "{read:#}");
    assert_eq!(server.writes(), Vec::<String>::new(), "a query wrote");
    read
}

#[test]
fn access_is_what_the_server_decides() {
    let server = server();
    if !server.is_real("who may open an application") {
        return;
    }
    let mut made = Made { server: &server, addresses: Vec::new() };
    let staff = made.one("core/groups/", "pk", json!({"name": server.name("staff")}))["pk"].clone();
    let night = json!({"name": server.name("night"), "parents": [staff]});
    let night = made.one("core/groups/", "pk", night)["pk"].clone();
    let mut people = Vec::new();
    for (name, groups) in [("ann", json!([staff])), ("bob", json!([night])), ("cay", json!([]))] {
        let name = server.name(&format!("info-{name}"));
        let user = made.one("core/users/", "pk", json!({"username": name, "name": name, "groups": groups}));
        people.push((name, user["pk"].clone()));
    }
    let bob = people[1].1.clone();
    let cases = [
        ("open", "any", json!([])),
        ("group", "any", json!([{"group": staff}])),
        ("child", "any", json!([{"group": night}])),
        ("negated", "any", json!([{"group": staff, "negate": true}])),
        ("all", "all", json!([{"group": staff}, {"user": bob}])),
        ("but-one", "all", json!([{"group": staff}, {"user": bob, "negate": true}])),
        ("disabled", "any", json!([{"group": staff, "enabled": false}])),
    ];
    for (name, mode, bindings) in cases {
        let slug = server.name(&format!("info-{name}"));
        let body = json!({"slug": slug, "name": slug, "policy_engine_mode": mode});
        let application = made.one("core/applications/", "slug", body)["pk"].clone();
        for (order, binding) in bindings.as_array().into_iter().flatten().enumerate() {
            let mut binding = binding.clone();
            binding["target"] = application.clone();
            binding["order"] = json!(order);
            made.one("policies/bindings/", "pk", binding);
        }
        let told = ask(&server, json!({"access": true, "applications": [slug]}));
        let rows = told["access"].as_array().expect("rows");
        for (user, id) in &people {
            let path = format!("core/applications/{slug}/check_access/?for_user={id}");
            let (_, decided) = server.api("GET", &path, Value::Null);
            let open = rows.iter().any(|row| row["user"] == *user || row["user"] == "*");
            assert_eq!(decided["passing"], json!(open), "{name}, {user}: {rows:#?}");
        }
    }
}

#[test]
fn objects_are_found_by_filters_and_without_their_secrets() {
    let server = server();
    let mut made = Made { server: &server, addresses: Vec::new() };
    let (_, flows) = server.api("GET", "flows/instances/?page_size=100", Value::Null);
    let flow = |slug: &str| {
        let all = flows["results"].as_array().expect("flows");
        all.iter().find(|flow| flow["slug"] == slug).expect("a flow of every authentik")["pk"].clone()
    };
    let name = server.name("info-provider");
    let body = json!({
        "name": name, "client_type": "public", "client_secret": "not-for-anybody-to-see",
        "redirect_uris": [{"matching_mode": "regex", "url": "https://.*"}],
        "authorization_flow": flow("default-provider-authorization-implicit-consent"),
        "invalidation_flow": flow("default-provider-invalidation-flow"),
    });
    made.one("providers/oauth2/", "pk", body);
    let told = ask(&server, json!({"kind": "provider_oauth2", "filters": {"name": name}}));
    let found = told["found"].as_array().expect("objects");
    assert_eq!(found.len(), 1, "{told:#}");
    assert_eq!(found[0]["names"]["invalidation_flow"], "default-provider-invalidation-flow");
    assert_eq!(found[0]["access_token_validity"], "hours=1");
    assert!(!told.to_string().contains("not-for-anybody-to-see"), "{told:#}");
    // What the server would ignore, and give everything for.
    let wrong = json!({"kind": "providers/oauth2", "filters": {"nmae": name}});
    let refused = server.play("authentik_info", &wrong, false);
    assert_eq!(refused["failed"], json!(true), "{refused:#}");
    assert!(refused["msg"].as_str().is_some_and(|msg| msg.contains("Did you mean `name`?")), "{refused:#}");
    // Its findings, each with the way out.
    let told = ask(&server, json!({"weak": true}));
    let mine =
        told["findings"].as_array().expect("findings").iter().filter(|finding| finding["object"] == name.as_str());
    let ids: Vec<&str> = mine.clone().filter_map(|finding| finding["id"].as_str()).collect();
    assert_eq!(ids, ["oauth2-hs256", "oauth2-redirect-wildcard", "oauth2-public-pkce"]);
    assert!(mine.clone().all(|finding| finding["fix"].as_str().is_some_and(|fix| fix.contains(&name))));
}

#[test]
fn events_are_read_by_time_user_and_action() {
    let server = server();
    if !server.is_real("the log of events") {
        return;
    }
    let mut made = Made { server: &server, addresses: Vec::new() };
    let name = server.name("info-event");
    made.one("core/groups/", "pk", json!({ "name": name }));
    let told = ask(&server, json!({"events": {"since": "1h", "user": "akadmin", "action": ["model_created"]}}));
    let rows = told["events"].as_array().expect("rows");
    assert!(rows.iter().any(|row| row["what"] == format!("group {name}")), "{told:#}");
    assert!(rows.iter().all(|row| row["action"] == "model_created" && row["user"] == "akadmin"), "{told:#}");
    let told = ask(&server, json!({"events": {"since": "2000-01-01", "until": "2000-01-02"}}));
    assert_eq!(told["events"], json!([]));
}
