//! What every test here needs: a server, and a module run as Ansible runs it.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
};

use reqwest::{Method, blocking::Client};
use serde_json::{Map, Value, json};

/// A Grafana to test against.
pub struct Server {
    /// Its address.
    pub url: String,
    user: String,
    password: String,
    handle: Option<sandbox::Handle>,
    http: Client,
    prefix: String,
}

/// The server that the environment names, else a stand-in of its own for this test.
pub fn server() -> Server {
    match std::env::var("GRAFANA_URL") {
        Ok(url) if !url.is_empty() => {
            let var = |name: &str| std::env::var(name).unwrap_or_else(|_| "admin".to_owned());
            Server::at(url, var("GRAFANA_USER"), var("GRAFANA_PASSWORD"), None)
        }
        _ => stand_in(sandbox::Config::default()),
    }
}

/// A stand-in, whatever the environment says: for faults, counts and what people cannot provoke.
pub fn stand_in(config: sandbox::Config) -> Server {
    let handle = sandbox::start(config).expect("a loopback port is free");
    let url = handle.url().to_string();
    Server::at(url, "admin".to_owned(), "admin".to_owned(), Some(handle))
}

/// A stand-in of Grafana 11.5.
pub fn stand_in_11() -> Server {
    stand_in(sandbox::Config { profile: sandbox::Profile::V11_5, ..sandbox::Config::default() })
}

/// Addresses that Grafana has and its OpenAPI document lacks.
const UNDOCUMENTED: [&str; 1] = [
    // The version where `hide_version` is set, and the least time between refreshes (recordings: core_transport).
    "/api/frontend/settings",
];

/// What the server noted where a module's request departs from Grafana's OpenAPI document fails the test that left it.
impl Drop for Server {
    fn drop(&mut self) {
        // A test that fails already says why.
        let Some(handle) = self.handle.as_ref().filter(|_| !std::thread::panicking()) else { return };
        let Some(mut departures) = handle.departures() else {
            static SAID: Once = Once::new();
            SAID.call_once(|| {
                let _ = writeln!(std::io::stderr(), "skipped: no OpenAPI document to compare requests with");
            });
            return;
        };
        departures.retain(|one| !UNDOCUMENTED.iter().any(|known| one["path"] == *known));
        assert!(departures.is_empty(), "requests depart from the OpenAPI document: {:#}", json!(departures));
    }
}

static COUNT: AtomicU32 = AtomicU32::new(0);

fn unique() -> String {
    format!("{:x}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

impl Server {
    fn at(url: String, user: String, password: String, handle: Option<sandbox::Handle>) -> Server {
        // reqwest was built without a provider; a second installation is refused and does no harm.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().no_proxy().build().expect("an HTTP client can be made");
        Server { url, user, password, handle, http, prefix: format!("hearth-{}", unique()) }
    }

    /// A name that no other test uses, so that tests can share a real server.
    pub fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// A request with the administrator's credentials, past the modules.
    pub fn api(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request =
            self.http.request(method, format!("{}{path}", self.url)).basic_auth(&self.user, Some(&self.password));
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().expect("the server answers");
        let status = answer.status().as_u16();
        let text = answer.text().expect("the answer is text");
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Reads something that is there.
    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.api("GET", path, Value::Null);
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// Does something that succeeds.
    pub fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.api("POST", path, body);
        assert!((200..300).contains(&status), "POST {path} answered {status}: {answer}");
        answer
    }

    /// Switches faults on (stand-in only); see tests/sandbox/README.md.
    pub fn fault(&self, fault: Value) {
        self.post("/_sandbox/faults", json!([fault]));
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.api("DELETE", "/_sandbox/requests", Value::Null);
    }

    /// The requests since then as ("GET", "/api/folders"), without those of the tests' own calls.
    pub fn requests(&self) -> Vec<(String, String)> {
        let journal = self.get("/_sandbox/requests");
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        journal["requests"]
            .as_array()
            .unwrap_or_else(|| panic!("the journal has no list: {journal}"))
            .iter()
            .map(|entry| (text(entry, "method"), text(entry, "path")))
            .filter(|(_, path)| !path.starts_with("/_sandbox/"))
            .collect()
    }

    /// The writes among them.
    pub fn writes(&self) -> Vec<(String, String)> {
        self.requests().into_iter().filter(|(method, _)| method != "GET").collect()
    }

    /// Whether this is the stand-in.
    pub fn is_stand_in(&self) -> bool {
        self.handle.is_some()
    }

    /// Runs a module for real, with `--diff`.
    pub fn run(&self, module: &str, options: Value) -> Value {
        self.play(module, options, json!({"_ansible_diff": true}))
    }

    /// Runs it with `--check --diff`.
    pub fn check(&self, module: &str, options: Value) -> Value {
        self.play(module, options, json!({"_ansible_check_mode": true, "_ansible_diff": true}))
    }

    /// Runs it with the address and credentials of this server beside the options.
    pub fn play(&self, module: &str, options: Value, internal: Value) -> Value {
        let mut args = json!({"url": self.url, "url_username": self.user, "url_password": self.password});
        let all = args.as_object_mut().expect("a map");
        if options.get("token").is_some() {
            all.remove("url_username");
            all.remove("url_password");
        }
        for part in [options, internal] {
            all.extend(part.as_object().cloned().unwrap_or_default());
        }
        run(module, &args, &[])
    }
}

/// The binary of a module.
pub fn binary(module: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_grafana_folder")).with_file_name(module)
}

/// Runs a module with these arguments as Ansible does, and holds it to what every module keeps: one
/// line of JSON on stdout, nothing on stderr, the exit code that fits.
pub fn run(module: &str, args: &Value, env: &[(&str, &str)]) -> Value {
    let file = std::env::temp_dir().join(format!("hearth-it-{}.json", unique()));
    std::fs::write(&file, args.to_string()).expect("a temporary file can be written");
    let output = Command::new(binary(module))
        .arg(&file)
        .envs(env.iter().copied())
        .env_remove("GRAFANA_URL")
        .env_remove("GRAFANA_USER")
        .env_remove("GRAFANA_PASSWORD")
        .env_remove("GRAFANA_TOKEN")
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("the module starts");
    std::fs::remove_file(&file).expect("the file is still there");
    let stdout = String::from_utf8(output.stdout).expect("stdout is UTF-8");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "stderr of {module}");
    assert_eq!(stdout.lines().count(), 1, "stdout of {module}: {stdout}");
    let result: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}"));
    let failed = result["failed"] == json!(true);
    assert_eq!(output.status.code(), Some(i32::from(failed)), "{result}");
    assert!(result["changed"].is_boolean() && (failed || result.get("failed").is_none()), "{result}");
    for reserved in ["started", "finished", "ansible_job_id", "results"] {
        assert!(result.get(reserved).is_none(), "`{reserved}` is Ansible's: {result}");
    }
    result
}

/// Asserts that a result did not fail, and returns it.
pub fn fine(result: Value) -> Value {
    assert_ne!(result["failed"], json!(true), "{result:#}");
    result
}

/// Asserts that a result failed with a text, and returns it.
pub fn failed(result: Value, part: &str) -> Value {
    assert_eq!(result["failed"], json!(true), "{result:#}");
    let message = result["msg"].as_str().unwrap_or_default();
    assert!(message.contains(part), "`{part}` is not in: {message}");
    result
}

/// The twelve steps: create, again, change, again, delete, again; each in check mode, then for real.
/// What check mode says must be what the run then does, and it must write nothing.
pub fn twelve_steps(server: &Server, module: &str, create: Value, change: Value, delete: Value) {
    for (step, options) in [("create", &create), ("change", &change), ("delete", &delete)] {
        for (time, expected) in [("first", true), ("again", false)] {
            if server.is_stand_in() {
                server.forget_requests();
            }
            let predicted = fine(server.check(module, options.clone()));
            if server.is_stand_in() {
                assert_eq!(server.writes(), [], "{step}, {time}: check mode wrote");
            }
            let done = fine(server.run(module, options.clone()));
            assert_eq!(predicted["changed"], json!(expected), "{step}, {time}, check mode: {predicted:#}");
            assert_eq!(done["changed"], json!(expected), "{step}, {time}: {done:#}");
            assert_eq!(foretold(&predicted), foretold(&done), "{step}, {time}: the prediction and the run differ");
            if server.is_stand_in() && !expected {
                assert_eq!(server.writes(), [], "{step}, {time}: nothing changed and yet it wrote");
            }
        }
    }
}

/// What check mode must foretell of a run: each object's name, action and fields, and the difference.
pub fn foretold(result: &Value) -> Value {
    let objects: Vec<Value> = result["objects"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|object| {
            let known: Map<String, Value> = ["name", "action", "changed", "fields", "sent"]
                .iter()
                .filter_map(|key| object.get(*key).map(|value| ((*key).to_owned(), value.clone())))
                .collect();
            Value::Object(known)
        })
        .collect();
    json!({"changed": result["changed"], "objects": objects, "diff": result["diff"]})
}
