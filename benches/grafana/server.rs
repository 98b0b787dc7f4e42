//! The server that is measured against: a real Grafana, or the stand-in.

use std::time::Duration;

use reqwest::{Method, blocking::Client};
use serde_json::{Value, json};

use crate::subject::{Kind, Objects, Step};

/// What was asked of a server during a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Asked {
    pub reads: u64,
    pub writes: u64,
}

/// A Grafana, with an administrator's credentials.
pub struct Server {
    pub url: String,
    pub user: String,
    pub password: String,
    /// What it is, for the report.
    pub story: String,
    http: Client,
    handle: Option<sandbox::Handle>,
}

impl Server {
    /// The one that `GRAFANA_URL` names, else the stand-in at the speed of a real one.
    pub fn chosen() -> Result<Server, String> {
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let Some(url) = var("GRAFANA_URL") else { return Server::stand_in(true) };
        let login = |name: &str| var(name).unwrap_or_else(|| "admin".to_owned());
        let url = url.trim_end_matches('/').to_owned();
        let mut server = Server::at(url, login("GRAFANA_USER"), login("GRAFANA_PASSWORD"), None)?;
        let health = server.ask(&Method::GET, "/api/health", None)?;
        let counted = if server.requests()?.is_some() { "/metrics" } else { "nothing: it has no /metrics" };
        server.story =
            format!("Grafana {} at {}, its requests counted by {counted}", told(&health["version"]), server.url);
        Ok(server)
    }

    /// A stand-in in this process; at the measured speed, or as fast as it can.
    pub fn stand_in(real_times: bool) -> Result<Server, String> {
        let config = sandbox::Config { real_times, sqlite: real_times, ..sandbox::Config::default() };
        let handle = sandbox::start(config).map_err(|error| format!("the stand-in did not start: {error}"))?;
        let mut server = Server::at(handle.url(), "admin".into(), "admin".into(), Some(handle))?;
        server.story = "the stand-in, which waits for each request as long as a Grafana 12.4.0 with SQLite on two \
                        cores was measured to take, and fails with three writers or more as that does; unlike a \
                        real one it leaves the processor to whoever is measured"
            .to_owned();
        Ok(server)
    }

    fn at(url: String, user: String, password: String, handle: Option<sandbox::Handle>) -> Result<Server, String> {
        // Refused when it is installed already, and that is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .no_proxy()
            .gzip(true)
            .tcp_nodelay(true)
            .timeout(Duration::from_secs(120))
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Server { url, user, password, story: String::new(), http, handle })
    }

    /// One request that has to succeed.
    pub fn ask(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let mut request = self
            .http
            .request(method.clone(), format!("{}{path}", self.url))
            .basic_auth(&self.user, Some(&self.password));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().map_err(|error| format!("{method} {path}: {error}"))?;
        let status = answer.status();
        let text = answer.text().map_err(|error| format!("{method} {path}: {error}"))?;
        if !status.is_success() {
            return Err(format!("{method} {path} answered {status}: {text}"));
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Requests since the start, or `None` where the server does not count them.
    pub fn requests(&self) -> Result<Option<Asked>, String> {
        if let Some(handle) = &self.handle {
            let counts = handle.admin("GET", "requests", &Value::Null)["counts"].clone();
            let lines = counts.as_object().cloned().unwrap_or_default();
            return Ok(Some(sum(lines.iter().map(|(kind, count)| (kind.starts_with("GET "), count.as_u64())))));
        }
        // `grafana_http_request_duration_seconds_count{handler="…",method="GET",…} 12`
        let Ok(Value::String(text)) = self.ask(&Method::GET, "/metrics", None) else { return Ok(None) };
        let mine = |line: &&str| {
            line.starts_with("grafana_http_request_duration_seconds_count{") && !line.contains("handler=\"/metrics\"")
        };
        let count = |line: &str| line.rsplit(' ').next()?.parse::<f64>().ok().map(|count| count as u64);
        Ok(Some(sum(text.lines().filter(mine).map(|line| (line.contains("method=\"GET\""), count(line))))))
    }

    /// How many of the objects are there, and how many of them are changed.
    fn there(&self, objects: &Objects) -> Result<(usize, usize), String> {
        let (path, changed) = match objects.kind {
            Kind::Datasource => ("/api/datasources", "url"),
            Kind::Folder => ("/api/search?type=dash-folder&limit=5000", "title"),
            Kind::Dashboard => ("/api/search?type=dash-db&limit=5000", "title"),
        };
        let all = self.ask(&Method::GET, path, None)?;
        let mine: Vec<&Value> =
            all.as_array().into_iter().flatten().filter(|one| told(&one["uid"]).starts_with(&objects.prefix)).collect();
        let changed = mine.iter().filter(|one| told(&one[changed]).contains("changed")).count();
        Ok((mine.len(), changed))
    }

    /// Whether a step left behind what it should; nothing of this is counted or takes its time.
    pub fn check(&self, objects: &Objects, step: Step) -> Result<(), String> {
        let found = self.at_once(|| self.there(objects))?;
        let expected = step.leaves(objects.n);
        if found == expected {
            return Ok(());
        }
        Err(format!("(there, changed) is {found:?} after {}, and {expected:?} was expected", step.name()))
    }

    /// Deletes what is left of the objects.
    pub fn clear(&self, objects: &Objects) -> Result<(), String> {
        self.at_once(|| {
            if let Some(handle) = &self.handle {
                handle.reset();
                return Ok(());
            }
            if self.there(objects)?.0 > 0 {
                for number in 0..objects.n {
                    // Those that are not there answer 404.
                    let _ = self.ask(&Method::DELETE, &address(objects, number), None);
                }
            }
            Ok(())
        })
    }

    /// Does something while the stand-in answers as fast as it can.
    fn at_once<T>(&self, what: impl FnOnce() -> T) -> T {
        let switch = |on: bool| {
            if let Some(handle) = &self.handle {
                handle.admin("POST", "switches", &json!({"real_times": on, "sqlite": on}));
            }
        };
        switch(false);
        let result = what();
        switch(true);
        result
    }
}

/// The address of an object.
pub fn address(objects: &Objects, number: usize) -> String {
    let uid = objects.uid(number);
    match objects.kind {
        Kind::Datasource => format!("/api/datasources/uid/{uid}"),
        Kind::Folder => format!("/api/folders/{uid}"),
        Kind::Dashboard => format!("/api/dashboards/uid/{uid}"),
    }
}

fn sum(counts: impl Iterator<Item = (bool, Option<u64>)>) -> Asked {
    let mut asked = Asked::default();
    for (is_read, count) in counts {
        *(if is_read { &mut asked.reads } else { &mut asked.writes }) += count.unwrap_or(0);
    }
    asked
}

fn told(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
