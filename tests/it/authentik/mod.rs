//! The modules of authentik, against a server that `AUTHENTIK_URL` and `AUTHENTIK_TOKEN` name, or the stand-in.

mod dedicated;
mod info;
mod kinds;

use std::io::Write;

use reqwest::{Method, blocking::Client};
use serde_json::{Value, json};

use crate::support::{fine, foretold, run};

/// An authentik to test against.
pub struct Server {
    url: String,
    token: String,
    handle: Option<sandbox::Handle>,
    http: Client,
}

/// The server that the environment names, else a stand-in of its own for this test.
pub fn server() -> Server {
    let http = || {
        // reqwest was built without a provider; a second installation is refused and does no harm.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Client::builder().no_proxy().build().expect("an HTTP client can be made")
    };
    match (std::env::var("AUTHENTIK_URL"), std::env::var("AUTHENTIK_TOKEN")) {
        (Ok(url), Ok(token)) if !url.is_empty() => Server { url, token, handle: None, http: http() },
        _ => {
            let config = sandbox::Config { profile: sandbox::Profile::Authentik, ..sandbox::Config::default() };
            let handle = sandbox::start(config).expect("a loopback port is free");
            let token = sandbox::AUTHENTIK_TOKEN.to_owned();
            Server { url: handle.url(), token, handle: Some(handle), http: http() }
        }
    }
}

impl Server {
    /// Whether it is a real authentik; of a test that the stand-in cannot serve it is said that it was left out.
    pub fn is_real(&self, test: &str) -> bool {
        if self.handle.is_some() {
            let _ = writeln!(std::io::stderr(), "skipped: {test} needs a real authentik, by AUTHENTIK_URL");
        }
        self.handle.is_none()
    }

    /// A name that no other test uses, so that tests can share a real server.
    pub fn name(&self, name: &str) -> String {
        format!("hearth-{:x}-{name}", std::process::id())
    }

    /// A request past the modules.
    pub fn api(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.http.request(method, format!("{}/api/v3/{path}", self.url)).bearer_auth(&self.token);
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().expect("the server answers");
        let status = answer.status().as_u16();
        let text = answer.text().expect("the answer is text");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Does something that succeeds.
    pub fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.api("POST", path, body);
        assert!((200..300).contains(&status), "POST {path} answered {status}: {answer}");
        answer
    }

    /// Runs a module, with what Ansible says to it.
    pub fn play(&self, module: &str, options: &Value, check: bool) -> Value {
        let mut args = options.clone();
        args["authentik_url"] = json!(self.url);
        args["authentik_token"] = json!(self.token);
        args["_ansible_check_mode"] = json!(check);
        args["_ansible_diff"] = json!(true);
        run(module, &args, &[])
    }

    /// The requests since the last look that write, of the stand-in.
    pub fn writes(&self) -> Vec<String> {
        let Some(handle) = &self.handle else { return Vec::new() };
        let journal = handle.admin("GET", "requests", &Value::Null);
        handle.admin("DELETE", "requests", &Value::Null);
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let all = journal["requests"].as_array().cloned().unwrap_or_default();
        all.iter()
            .filter(|e| e["method"] != "GET")
            .map(|e| format!("{} {}", text(e, "method"), text(e, "path")))
            .collect()
    }

    /// The twelve steps: create, again, change, again, delete, again; each in check mode, then for real. What check
    /// mode says must be what the run then does, and it must write nothing. Without a change there are eight.
    pub fn twelve_steps(&self, module: &str, create: &Value, change: Option<&Value>, delete: &Value) {
        let steps = [("create", Some(create)), ("change", change), ("delete", Some(delete))];
        for (step, options) in steps.into_iter().filter_map(|(step, options)| Some((step, options?))) {
            for (time, expected) in [("first", true), ("again", false)] {
                self.writes();
                let predicted = fine(self.play(module, options, true));
                assert_eq!(self.writes(), Vec::<String>::new(), "{step}, {time}: check mode wrote");
                let done = fine(self.play(module, options, false));
                let writes = self.writes();
                assert_eq!(predicted["changed"], json!(expected), "{step}, {time}, check mode: {predicted:#}");
                assert_eq!(done["changed"], json!(expected), "{step}, {time}: {done:#}");
                assert_eq!(foretold(&predicted), foretold(&done), "{step}, {time}: the prediction and the run differ");
                assert!(expected || writes.is_empty(), "{step}, {time}: nothing changed and yet it wrote {writes:?}");
            }
        }
        if let Some(handle) = &self.handle {
            let departures = handle.departures().unwrap_or_default();
            assert_eq!(departures, Vec::<Value>::new(), "requests depart from the OpenAPI document");
        }
    }
}
