//! What is fuzzed: functions that take any bytes and must not panic. `fuzz_targets/` gives them to libFuzzer, and
//! `tests/properties.rs` to proptest, on stable; both run these same bodies.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use hearth::{
    authentik::{
        application::ApplicationKind, blueprint::BlueprintKind, brand::BrandKind, certificate::CertificateKind,
        flow::FlowKind, group::GroupKind, info::InfoKind, object::ObjectKind, outpost::OutpostKind, policy::PolicyKind,
        provider_ldap::LdapKind, provider_oauth2::Oauth2Kind, provider_proxy::ProxyKind, provider_saml::SamlKind,
        token::TokenKind, user::UserKind,
    },
    grafana::{
        self, Version, dashboard::DashboardKind, datasource::DatasourceKind, folder::FolderKind, folder_tree::titles,
    },
    http::{Base, Response, path, with_query},
    module::{Kind, Object, diff, run, secret, task},
};
use serde_json::{Value, json};

/// What is fuzzed of a kind.
pub struct Fuzzed {
    /// The module's name.
    pub name: &'static str,
    /// The option that takes a list.
    pub plural: &'static str,
    parse: fn(Object),
    run: fn(Object) -> Value,
}

impl Fuzzed {
    const fn of<K: Kind>() -> Fuzzed {
        Fuzzed { name: K::NAME, plural: K::PLURAL, parse: parsed::<K>, run: run::run::<K> }
    }
}

/// Every module, in the registry's order: a test compares both lists.
pub const FUZZED: [Fuzzed; 19] = [
    Fuzzed::of::<ApplicationKind>(),
    Fuzzed::of::<BlueprintKind>(),
    Fuzzed::of::<BrandKind>(),
    Fuzzed::of::<CertificateKind>(),
    Fuzzed::of::<FlowKind>(),
    Fuzzed::of::<GroupKind>(),
    Fuzzed::of::<InfoKind>(),
    Fuzzed::of::<ObjectKind>(),
    Fuzzed::of::<OutpostKind>(),
    Fuzzed::of::<PolicyKind>(),
    Fuzzed::of::<LdapKind>(),
    Fuzzed::of::<Oauth2Kind>(),
    Fuzzed::of::<ProxyKind>(),
    Fuzzed::of::<SamlKind>(),
    Fuzzed::of::<TokenKind>(),
    Fuzzed::of::<UserKind>(),
    Fuzzed::of::<DashboardKind>(),
    Fuzzed::of::<DatasourceKind>(),
    Fuzzed::of::<FolderKind>(),
];

/// The first byte chooses one of so many; the rest is what it is given.
fn choice(data: &[u8], of: usize) -> Option<(usize, &[u8])> {
    data.split_first().map(|(first, rest)| (usize::from(*first) % of, rest))
}

/// Options: a byte for the module, and what Ansible sends as JSON.
pub fn args(data: &[u8]) {
    let Some((which, json)) = choice(data, FUZZED.len()) else { return };
    let Ok(args) = serde_json::from_slice::<Object>(json) else { return };
    (FUZZED[which].parse)(args);
}

/// Brings options to their types, and makes the settings of the connection of them.
fn parsed<K: Kind>(mut args: Object) {
    let Ok(internal) = task::Internal::take(&mut args) else { return };
    let env = |name: &str| (name == "HOME").then(|| "/home/someone".to_owned());
    match task::parse::<K>(&args, &internal, &env) {
        Ok(parsed) => {
            // An address, a number of seconds or a file may be wrong, and that is told.
            let _ = K::client(&parsed.task);
            assert!(parsed.task.single || args.contains_key(K::PLURAL), "a list came from nowhere");
        }
        Err(error) => assert!(!error.to_string().is_empty(), "an error says nothing"),
    }
}

/// A dashboard: any text where its JSON belongs, and the same as a value. If it is a map with a map `inputs`, then
/// these are given for its inputs.
pub fn dashboards(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let value: Option<Value> = serde_json::from_str(text).ok();
    let inputs = value.as_ref().and_then(|value| value.get("inputs")).filter(|inputs| inputs.is_object()).cloned();
    let loaded = |dashboard: Value| {
        let mut args = json!({"url": "http://127.0.0.1:9", "dashboard": dashboard});
        if let Some(inputs) = &inputs {
            args["inputs"] = inputs.clone();
        }
        let args = args.as_object().cloned().unwrap_or_default();
        let parsed = task::parse::<DashboardKind>(&args, &task::Internal::default(), &|_| None)?;
        DashboardKind::load(&parsed.task).map(|desired| desired.len())
    };
    let by_text = loaded(Value::String(text.to_owned()));
    if let Some(value) = value.filter(Value::is_object) {
        let by_value = loaded(value);
        assert_eq!(by_text.is_ok(), by_value.is_ok(), "{by_text:?} as text, {by_value:?} as a map");
    }
}

/// Answers of a server: a byte for the task, then lines, each with a byte for the status and a body. The first half
/// of this looks at each answer alone, the second runs a whole task that is answered so.
pub fn answers(data: &[u8]) {
    const STATUSES: [u16; 12] = [200, 200, 200, 201, 400, 401, 403, 404, 409, 412, 429, 500];
    let Some((which, rest)) = choice(data, TASKS.len() * FUZZED.len() * 2) else { return };
    let script: Vec<(u16, Vec<u8>)> = rest
        .split(|byte| *byte == b'\n')
        .filter_map(|line| choice(line, STATUSES.len()))
        .map(|(status, body)| (STATUSES[status], body.to_vec()))
        .take(24)
        .collect();
    for (status, body) in &script {
        let response = Response {
            method: "GET".into(),
            path: "/api/x".into(),
            status: *status,
            headers: Default::default(),
            body: body.clone(),
        };
        assert!(!grafana::explained(&response).to_string().is_empty(), "an error says nothing");
        assert_eq!(grafana::ok(response.clone()).is_ok(), response.is_success());
        let text = String::from_utf8_lossy(body);
        grafana::passing(*status, &text);
        let _ = (Version::parse(&text), response.json::<Vec<Object>>(), Base::new(&text, "url"));
        assert!(titles(&text).iter().all(|title| !title.is_empty()), "a title is empty");
        let encoded = with_query(&path(&["api", &text]), &[("query", &text)]);
        assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic()), "{encoded} cannot be sent");
    }
    let (module, rest) = (which % FUZZED.len(), which / FUZZED.len());
    let mut args: Object = serde_json::from_str(TASKS[rest / 2]).unwrap_or_default();
    args.insert("_ansible_check_mode".into(), json!(rest % 2 == 1));
    args.insert("_ansible_diff".into(), json!(true));
    let result = answered(script, |address| {
        for (option, value) in [("url", address), ("authentik_url", address), ("authentik_token", "a-token")] {
            args.insert(option.into(), json!(value));
        }
        (FUZZED[module].run)(args)
    });
    assert!(result["changed"].is_boolean() && result["msg"].is_string(), "{result}");
}

/// Tasks of any module; what one does not know is left out.
const TASKS: [&str; 4] = [
    r#"{"name": "a", "uid": "a", "retries": 0, "timeout": 2, "use_proxy": false, "_ansible_ignore_unknown_opts": true,
        "dashboard": {"title": "a"}, "ds_type": "prometheus", "ds_url": "http://a", "description": "a",
        "permissions": [{"role": "Viewer", "permission": "View"}, {"team": "t", "permission": "Edit"}]}"#,
    r#"{"name": "a", "retries": 0, "timeout": 2, "use_proxy": false, "_ansible_ignore_unknown_opts": true,
        "dashboard": {"title": "a"}, "folder": "a/b", "parent": "a/b", "create_parents": true, "create_folders": true,
        "ds_type": "prometheus", "ds_url": "http://a", "org_name": "Main Org.", "on_error": "rollback"}"#,
    r#"{"name": "a", "uid": "a", "retries": 0, "timeout": 2, "use_proxy": false, "_ansible_ignore_unknown_opts": true,
        "state": "absent", "force": true}"#,
    r#"{"retries": 0, "timeout": 2, "use_proxy": false, "_ansible_ignore_unknown_opts": true, "on_error": "continue",
        "folders": [{"name": "a", "uid": "a"}, {"name": "b", "parent": "a"}],
        "dashboards": [{"uid": "a", "dashboard": {"title": "a"}}, {"dashboard": {"title": "b"}, "folder": "a"}],
        "datasources": [{"name": "a", "uid": "a", "ds_type": "loki", "ds_url": "http://a"}, {"name": "b"}],
        "prune": {"parent": "/", "folder": "General", "name_prefix": "a", "limit": 2}}"#,
];

/// The script of the server; one run at a time follows it.
static SCRIPT: Mutex<Vec<(u16, Vec<u8>)>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Does something with a server at that address that gives these answers, and then 404.
fn answered<T>(mut script: Vec<(u16, Vec<u8>)>, what: impl FnOnce(&str) -> T) -> T {
    static SERVER: OnceLock<String> = OnceLock::new();
    static ONE: Mutex<()> = Mutex::new(());
    let _one = lock(&ONE);
    let address = SERVER.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
        let address = format!("http://{}", listener.local_addr().expect("it is bound"));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || while serve(&stream).is_some() {});
            }
        });
        address
    });
    script.reverse();
    *lock(&SCRIPT) = script;
    what(address)
}

/// Answers one request. A write gets no answer after which the module waits before it looks again.
fn serve(stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (mut status, body) = lock(&SCRIPT).pop().unwrap_or((404, b"{}".to_vec()));
    if !first.starts_with("GET ") && (status == 409 || status == 412 || status >= 429) {
        status = 400;
    }
    let mut answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    answer.extend(body);
    let mut stream = stream;
    stream.write_all(&answer).ok()
}

/// Results: three lines, a secret and two values that are compared, shown and masked.
pub fn results(data: &[u8]) {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let mut next = || lines.next().unwrap_or_default();
    let secret = String::from_utf8_lossy(next()).into_owned();
    let mut value = || serde_json::from_slice::<Value>(next()).unwrap_or_default();
    let (before, after) = (value(), value());
    assert_eq!(diff::differing(&before, &before), Vec::<String>::new(), "a value differs from itself");
    assert_eq!(diff::differing(&before, &after), diff::differing(&after, &before), "order changes what differs");
    let entry = diff::entry("folder", &secret, &before, &after);
    let mut shown = Value::Array(diff::bounded(vec![entry.clone(), entry, json!([secret]), after]));
    // Secrets are kept for the process: only so many, that later runs are not slower.
    static HIDDEN: Mutex<usize> = Mutex::new(0);
    let mut hidden = lock(&HIDDEN);
    if *hidden < 200 {
        secret::hide([secret.as_str()]);
        *hidden += 1;
        secret::mask_value(&mut shown);
        // Shorter ones are hidden only where they stand alone, and stars hide in stars.
        let must_go = secret.chars().count() >= 4 && !secret.contains('*');
        assert!(!must_go || !holds(&shown, &secret), "{secret:?} is in {shown}");
    } else {
        secret::mask_value(&mut shown);
    }
}

/// Whether a text of the value, keys apart, holds another one.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own.contains(text),
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(entries) => entries.values().any(|entry| holds(entry, text)),
        _ => false,
    }
}
