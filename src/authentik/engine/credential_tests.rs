//! Plans about credentials, without a server.

use serde_json::{Value, json};

use super::{
    after::After,
    credentials::{SecretFile, Secrets, Source, Verdict, check},
    plan::{Planning, Step},
    read::Snapshot,
    rotation::{self, Due, KEY_OF, Noted, Rotation, WORKS_UNTIL, What, due},
    tests::{map, session, wanted},
    wanted::{Call, Prune, Send, Wanted},
};
use crate::{
    authentik::{Session, table::row},
    module::{Action, Change, Object, Result},
};

const DAY: u64 = 86_400;
/// 2026-11-25T00:00:00Z.
const NOW: u64 = 1_795_564_800;

fn rotation(noted: Noted) -> Rotation {
    Rotation { what: What::Key, after: Some(90 * DAY), now: false, overlap: None, noted }
}

fn token(description: &str) -> Value {
    json!({"pk": "a", "identifier": "t", "user": 24, "intent": "api", "description": description})
}

fn rotated(fields: Value) -> Wanted {
    let mut wanted = wanted("core/tokens", fields);
    wanted.rotation = Some(rotation(Noted::Field("description")));
    wanted.previous = Some("t-previous".to_owned());
    wanted
}

fn there(path: &'static str, objects: Value) -> Snapshot {
    let objects = objects.as_array().cloned().expect("a list");
    let mut snapshot = Snapshot { now: NOW, server: "https://a".to_owned(), ..Snapshot::default() };
    snapshot.names.learn(path, objects.clone());
    snapshot.stored.insert(path, objects);
    snapshot
}

fn planned(wanted: Wanted, snapshot: &Snapshot, session: &Session) -> Result<Change<Step>> {
    Planning { wanted: &[wanted], snapshot, session }.change(0)
}

fn plan(wanted: Wanted, snapshot: &Snapshot) -> Change<Step> {
    planned(wanted, snapshot, &session()).expect("a plan")
}

/// What follows, in words.
fn steps(change: &Change<Step>) -> Vec<String> {
    let told = |after: &After| match after {
        After::Drop { found, .. } => format!("drop {}", found["identifier"].as_str().unwrap_or_default()),
        After::Keep { name, there, description } => format!("keep {name} {} {description}", there.is_some()),
        After::Reserve { .. } => "reserve".to_owned(),
        After::Renew(what) => format!("renew {}", what.label()),
        After::Renewed => "renewed".to_owned(),
        After::Patch(body) => format!("patch {}", json!(body)),
        After::Note { entry, .. } => format!("note {entry}"),
        After::Deliver(delivery) => format!("deliver {}", delivery.file),
    };
    change.step.after.iter().map(told).collect()
}

#[test]
fn times_stand_behind_texts_and_go_without_a_trace() {
    let day = "2026-11-25T00:00:00Z";
    for (text, plain) in [("For the backup", "For the backup"), ("", ""), ("with [brackets]", "with [brackets]")] {
        let dated = rotation::with(text, KEY_OF, NOW);
        assert_eq!(dated, format!("{text} [key of {day}]").trim_start());
        assert_eq!(rotation::split(&dated, KEY_OF), (plain, Some(NOW)));
        assert_eq!(rotation::with(&dated, KEY_OF, NOW), dated, "the date is replaced");
    }
    for text in ["[key of nobody]", "x [key of 2026]", "a [key of 2026-11-25T00:00:00Z] b"] {
        assert_eq!(rotation::split(text, KEY_OF), (text, None));
    }
    assert_eq!(rotation::split("x [works until 2026-11-25T00:00:00Z]", WORKS_UNTIL), ("x", Some(NOW)));
}

#[test]
fn what_is_old_is_made_anew_once() {
    let rotation = rotation(Noted::Nowhere);
    let old = Some(NOW - 90 * DAY);
    assert_eq!(due(&rotation, None, NOW, false), Due::Note);
    assert_eq!(due(&rotation, Some(NOW - 90 * DAY + 1), NOW, false), Due::No);
    assert_eq!(due(&rotation, old, NOW, false), Due::Renew);
    assert_eq!(due(&rotation, old, NOW, true), Due::No, "this run did it already");
    let now = Rotation { now: true, after: None, ..rotation };
    assert_eq!((due(&now, None, NOW, false), due(&now, None, NOW, true)), (Due::Renew, Due::No));
}

#[test]
fn a_token_of_unknown_age_is_dated_and_an_old_one_is_renewed_before_it_is_dated() {
    let fields = json!({"identifier": "t", "description": "For reports"});
    let change = plan(rotated(fields.clone()), &there("core/tokens", json!([token("For reports")])));
    assert_eq!((change.action, change.step.body.is_none()), (Action::Update, true));
    let dated = r#"patch {"description":"For reports [key of 2026-11-25T00:00:00Z]","user":24,"intent":"api"}"#;
    assert_eq!(steps(&change), [dated]);

    let fresh = there("core/tokens", json!([token("For reports [key of 2026-11-24T00:00:00Z]")]));
    assert_eq!(plan(rotated(fields.clone()), &fresh).action, Action::Unchanged);

    let old = there("core/tokens", json!([token("For reports [key of 2026-01-01T00:00:00Z]")]));
    let change = plan(rotated(fields.clone()), &old);
    assert_eq!(steps(&change), ["renew key", dated]);
    assert_eq!((&change.before["key"], &change.after["key"]), (&json!("of 2026-01-01T00:00:00Z"), &json!("a new one")));
    let session = session();
    session.memory.renew("core/tokens:t");
    let again = planned(rotated(fields), &old, &session).expect("a plan");
    assert_eq!(again.action, Action::Unchanged, "this run renewed it");
}

#[test]
fn another_description_keeps_the_date() {
    let stored = there("core/tokens", json!([token("Old [key of 2026-11-24T00:00:00Z]")]));
    let change = plan(rotated(json!({"identifier": "t", "description": "New"})), &stored);
    assert_eq!(change.fields, ["description"]);
    let body = json!({"description": "New [key of 2026-11-24T00:00:00Z]", "user": 24, "intent": "api"});
    assert_eq!(json!(change.step.body), body);
    let new = plan(rotated(json!({"identifier": "t"})), &there("core/tokens", json!([])));
    assert_eq!(json!(new.step.body)["description"], "[key of 2026-11-25T00:00:00Z]");
}

#[test]
fn a_former_key_works_until_its_time_is_over() {
    let previous =
        |until: &str| json!({"pk": "b", "identifier": "t-previous", "user": 24, "intent": "api", "description": until});
    let old = token("[key of 2026-01-01T00:00:00Z]");
    let with_overlap = || {
        let mut wanted = rotated(json!({"identifier": "t"}));
        wanted.rotation.as_mut().expect("a rotation").overlap = Some(DAY);
        wanted
    };
    let kept = "keep t-previous false The former key of t [works until 2026-11-26T00:00:00Z]";
    let change = plan(with_overlap(), &there("core/tokens", json!([old])));
    assert_eq!(steps(&change)[..2], [kept, "renew key"]);
    // Of one whose time is over the token is used again.
    let both = there("core/tokens", json!([old, previous("x [works until 2026-01-01T00:00:00Z]")]));
    assert_eq!(steps(&plan(with_overlap(), &both))[..2], [kept.replace("false", "true").as_str(), "renew key"]);
    let foreign = there("core/tokens", json!([old, previous("of somebody else")]));
    let told = planned(with_overlap(), &foreign, &session()).expect_err("to be refused").to_string();
    assert!(told.contains("`t-previous`, and that is there and of somebody else"), "{told}");

    let plain = || {
        let mut wanted = rotated(json!({"identifier": "t"}));
        wanted.rotation = None;
        wanted
    };
    for (until, left) in [("2026-11-25T00:00:00Z", vec!["drop t-previous"]), ("2026-11-25T00:00:01Z", vec![])] {
        let stored = there("core/tokens", json!([token("x"), previous(&format!("x [works until {until}]"))]));
        assert_eq!(steps(&plan(plain(), &stored)), left, "{until}");
        let session = session();
        let all = [plain()];
        let planning = Planning { wanted: &all, snapshot: &stored, session: &session };
        let prune =
            Prune { row: row("core/tokens").expect("a row"), fields: Object::new(), prefix: "t".to_owned(), limit: 9 };
        let change = planning.change(0).expect("a plan");
        assert!(planning.pruned(&prune, &[change]).expect("a plan").is_empty(), "it is declared with its owner");
        let gone = || Wanted { present: false, ..plain() };
        assert_eq!(steps(&plan(gone(), &stored)), ["drop t-previous"], "it goes with its owner");
        let alone = there("core/tokens", json!([previous(&format!("x [works until {until}]"))]));
        assert_eq!(plan(gone(), &alone).action, Action::Delete, "and also when that is gone");
    }
}

#[test]
fn the_callers_own_token_is_renewed_only_with_an_overlap() {
    let own = json!({"pk": "a", "identifier": "t", "user": 1, "intent": "api", "description": "[key of 2026-01-01T00:00:00Z]"});
    let stored = there("core/tokens", json!([own]));
    let mut wanted = rotated(json!({"identifier": "t"}));
    let told = planned(wanted.clone(), &stored, &session()).expect_err("to be refused").to_string();
    assert!(told.contains("overlap: 24h"), "{told}");
    wanted.rotation.as_mut().expect("a rotation").overlap = Some(60);
    assert!(planned(wanted.clone(), &stored, &session()).is_ok());
    wanted.rotation.as_mut().expect("a rotation").overlap = None;
    wanted.force = true;
    assert!(planned(wanted, &stored, &session()).is_ok());
}

#[test]
fn the_age_of_a_clients_secret_stands_in_a_file() {
    let provider = json!([{"pk": 7, "name": "wiki", "client_id": "i", "client_secret": "s"}]);
    let declared = || {
        let mut wanted = wanted("providers/oauth2", json!({"name": "wiki"}));
        let file = Noted::File("/state".to_owned());
        wanted.rotation = Some(Rotation { what: What::Field("client_secret"), ..rotation(file) });
        wanted
    };
    let note = r#"note {"name":"wiki","rotated":"2026-11-25T00:00:00Z"}"#;
    let mut stored = there("providers/oauth2", provider);
    let mut steps_with = |dates: Value| {
        stored.dates.insert("/state".to_owned(), dates);
        steps(&plan(declared(), &stored))
    };
    let of = |id: &str, date: &str| json!({"https://a": {"providers/oauth2": {id: {"rotated": date}}}});
    assert_eq!(steps_with(json!({})), [note]);
    assert_eq!(steps_with(of("8", "2026-11-24T00:00:00Z")), [note], "another one of that name, made anew");
    assert!(steps_with(of("7", "2026-11-24T00:00:00Z")).is_empty());
    assert_eq!(steps_with(of("7", "2026-01-01T00:00:00Z")), ["reserve", "renew client_secret", note]);
}

#[test]
fn a_file_is_written_when_it_is_missing_open_or_of_something_else() {
    let token_of = Source::Token { identifier: "identifier", name: "key" };
    let client = Source::Fields(&["client_id", "client_secret"]);
    let provider = json!({"pk": 7, "name": "t", "client_id": "i", "client_secret": "s"});
    let cases = [
        ("core/tokens", token_of, json!({"name": "t", "pk": "a", "key": "k"}), false, false),
        ("core/tokens", token_of, json!({"name": "t", "pk": "a", "key": "k"}), true, true),
        ("core/tokens", token_of, json!({"name": "t", "pk": "b", "key": "k"}), false, true),
        ("core/tokens", token_of, json!({"name": "t", "pk": "a", "key": ""}), false, true),
        ("core/tokens", token_of, Value::Null, false, true),
        (
            "providers/oauth2",
            client,
            json!({"name": "t", "pk": 7, "client_id": "i", "client_secret": "s"}),
            false,
            false,
        ),
        (
            "providers/oauth2",
            client,
            json!({"name": "t", "pk": 7, "client_id": "i", "client_secret": "x"}),
            false,
            true,
        ),
    ];
    for (path, source, content, open, is_written) in cases {
        let key = if path == "core/tokens" { "identifier" } else { "name" };
        let mut wanted = wanted(path, json!({key: "t"}));
        wanted.secrets = Some(Secrets { source, returned: false, file: Some("/f".to_owned()) });
        let mut stored =
            there(row(path).expect("a row").path, json!([if key == "name" { provider.clone() } else { token("x") }]));
        stored.files.insert("/f".to_owned(), SecretFile { content: content.clone(), open });
        assert_eq!(steps(&plan(wanted, &stored)) == ["deliver /f"], is_written, "{path} {content} {open}");
    }
}

#[test]
fn a_secret_is_returned_only_where_nothing_is_logged_and_files_are_not_shared() {
    let declared = |returned, file: Option<&str>| {
        let mut wanted = wanted("core/tokens", json!({"identifier": "t"}));
        let source = Source::Token { identifier: "identifier", name: "key" };
        wanted.secrets = Some(Secrets { source, returned, file: file.map(str::to_owned) });
        wanted
    };
    let told = check(&[declared(true, None)], false).expect_err("to be refused").to_string();
    assert!(told.contains("hint: write `no_log: true` at the task, or use `secret_file`"), "{told}");
    assert!(check(&[declared(true, None)], true).is_ok());
    assert!(check(&[declared(false, Some("/f"))], false).is_ok());
    assert!(check(&[declared(false, Some("/f")), declared(false, Some("/f"))], false).is_err());
    let mut absent = declared(true, None);
    absent.present = false;
    assert!(check(&[absent], false).is_ok());
}

#[test]
fn a_password_is_set_only_where_it_was_refused() {
    let declared = || {
        let mut wanted = wanted("core/users", json!({"username": "ann"}));
        wanted.fresh = map(json!({"name": ""}));
        wanted.calls.push(Call {
            label: "password",
            action: "set_password",
            body: map(json!({"password": "p"})),
            send: Send::WhenWrong,
            shown_by: None,
        });
        wanted
    };
    let mut stored = there("core/users", json!([{"pk": 5, "username": "ann"}]));
    let mut with = |verdict: Verdict| {
        stored.logins.insert("core/users:ann".to_owned(), verdict);
        plan(declared(), &stored)
    };
    assert_eq!(with(Verdict::Right).action, Action::Unchanged);
    let wrong = with(Verdict::Wrong);
    assert_eq!((wrong.action, wrong.fields, wrong.step.calls.len()), (Action::Update, vec!["password".to_owned()], 1));
    let unsure = with(Verdict::Unknown("a captcha".to_owned()));
    assert_eq!((unsure.action, unsure.step.calls.len()), (Action::Unchanged, 0));
    assert_eq!(unsure.warnings, ["its password was not checked, and not set: a captcha"]);
    let new = plan(declared(), &there("core/users", json!([{"pk": 6, "username": "bob"}])));
    assert_eq!((new.action, new.step.calls.len()), (Action::Create, 1));
}
