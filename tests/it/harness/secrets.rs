//! Secrets appear in nothing that leaves the process, in none of their forms.

use std::process::Command;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::MODULE;
use crate::{
    scripted::{Scripted, reply},
    support::{failed, run},
};

const STRONG: &str = "kV9/\"ü &%+$zQ";

/// The forms in which a server, a library or a person may repeat a password.
fn forms(user: &str, secret: &str) -> Vec<String> {
    let json = Value::String(secret.to_owned()).to_string();
    vec![
        secret.to_owned(),
        json[1..json.len() - 1].to_owned(),
        STANDARD.encode(secret),
        STANDARD.encode(format!("{user}:{secret}")),
        percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string(),
    ]
}

#[test]
fn what_a_server_echoes_back_is_masked() {
    for secret in [STRONG, "admin", "hunter22"] {
        let echo = forms("someone", secret).join(" | ");
        let body = json!({"message": echo, "headers": forms("someone", secret)}).to_string();
        let server = Scripted::start(None, move |_| reply("400 Bad Request", "", &body));
        let args = json!({
            "url": format!("http://127.0.0.1:{}", server.port), "url_username": "someone", "url_password": secret,
            "name": "x", "_ansible_inject_invocation": true, "_ansible_diff": true,
        });
        let result = failed(run(MODULE, &args, &[]), "answered 400").to_string();
        for form in forms("someone", secret) {
            assert!(!result.contains(&form), "{form} is in {result}");
        }
        // Masking must not eat the keys or the words that a play branches on.
        assert!(result.contains("\"failed\":true") && result.contains("url_password"), "{result}");
    }
}

#[test]
fn a_secret_of_two_letters_leaves_other_words_alone() {
    let body = r#"{"message":"it is ab, about abba and (ab)"}"#;
    let server = Scripted::start(None, move |_| reply("400 Bad Request", "", body));
    let args = json!({"url": format!("http://127.0.0.1:{}", server.port), "url_password": "ab", "name": "x"});
    failed(run(MODULE, &args, &[]), "it is ********, about abba and (********)");
}

#[test]
fn a_wrong_option_does_not_tell_the_secret() {
    let args = json!({"url": "http://h", "url_password": STRONG, "token": STRONG, "url_username": STRONG, "name": "x"});
    let result = run(MODULE, &args, &[]).to_string();
    assert!(!result.contains("kV9"), "{result}");
    let args = json!({"url": format!("http://u:{STRONG}@h"), "url_password": STRONG, "name": ["x"]});
    let result = run(MODULE, &args, &[]).to_string();
    assert!(!result.contains("kV9"), "{result}");
}

#[test]
fn a_header_of_the_task_is_a_secret() {
    let server = Scripted::start(None, |request| {
        reply("400 Bad Request", "", &json!({"message": request.headers.join(", ")}).to_string())
    });
    let args = json!({
        "url": format!("http://127.0.0.1:{}", server.port), "name": "x", "headers": {"X-Proxy-Key": "proxy-key-value"},
    });
    let result = failed(run(MODULE, &args, &[]), "answered 400").to_string();
    assert!(!result.contains("proxy-key-value"), "{result}");
    assert!(
        server.seen()[0].headers.iter().any(|line| line.to_ascii_lowercase().contains("x-proxy-key: proxy-key-value"))
    );
}

#[test]
fn a_header_s_scheme_is_no_part_of_its_secret() {
    let server = Scripted::start(None, |_| {
        let said = "the token t-0ken-value is unknown, the password of the-pr0xy too";
        reply("400 Bad Request", "", &json!({"message": said}).to_string())
    });
    let args = json!({
        "url": format!("http://127.0.0.1:{}", server.port), "name": "x",
        "headers": {"X-A": "Bearer t-0ken-value", "X-B": format!("Basic {}", STANDARD.encode("me:the-pr0xy"))},
    });
    failed(run(MODULE, &args, &[]), "the token ******** is unknown, the password of ******** too");
}

#[test]
fn a_short_password_is_hidden_in_its_header() {
    let server = Scripted::start(None, |request| {
        reply("400 Bad Request", "", &json!({"message": request.headers.join(", ")}).to_string())
    });
    let url = format!("http://127.0.0.1:{}", server.port);
    let args = json!({"url": url, "url_username": "bob", "url_password": "abc", "name": "x"});
    let result = failed(run(MODULE, &args, &[]), "Basic ********").to_string();
    assert!(!result.contains(STANDARD.encode("bob:abc").trim_end_matches('=')), "{result}");
}

#[test]
fn the_default_password_is_a_secret_only_where_it_is_used() {
    for (option, said) in [("token", "sysadmin"), ("url_username", "sys********")] {
        let server = Scripted::start(None, |_| reply("400 Bad Request", "", r#"{"message": "ask the sysadmin"}"#));
        let args = json!({"url": format!("http://127.0.0.1:{}", server.port), option: "a-value", "name": "x"});
        failed(run(MODULE, &args, &[]), &format!("answered 400: ask the {said}"));
    }
}

#[test]
fn a_misspelt_option_does_not_tell_its_secret() {
    let args = json!({
        "url": "http://h", "name": "x", "url_pasword": "hunter2x", "folders": null, "_ansible_inject_invocation": true,
    });
    let result = failed(run(MODULE, &args, &[]), "Did you mean `url_password`?").to_string();
    assert!(result.contains("\"url_pasword\":\"********\"") && !result.contains("hunter2x"), "{result}");
}

/// The other half of the next test: a process that panics as a module would.
#[test]
fn panics_when_asked_to() {
    if std::env::var_os("HEARTH_TEST_PANIC").is_some() {
        hearth::module::secret::hide([STRONG]);
        hearth::module::output::latch_panics("grafana_folder");
        panic!("the password {STRONG} was not expected here");
    }
}

#[test]
fn a_panic_is_one_masked_line_of_json() {
    let output = Command::new(std::env::current_exe().expect("this test has a path"))
        .args(["--exact", "harness::secrets::panics_when_asked_to", "--nocapture"])
        .env("HEARTH_TEST_PANIC", "1")
        .output()
        .expect("it starts");
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    let line = stdout.lines().find_map(|line| line.find('{').map(|at| &line[at..])).expect("a line of JSON");
    let result: Value = serde_json::from_str(line).expect("JSON");
    failed(result.clone(), "the password ******** was not expected here");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(1), ""));
}
