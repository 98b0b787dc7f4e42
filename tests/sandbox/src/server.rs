//! The way of a request: noted, faults, who asks, the handler under the lock, the answer onto the wire.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State as Shared};
use axum::http::{HeaderValue, Response, header};
use serde_json::json;

use crate::auth::{Role, identify};
use crate::authentik::Authentik;
use crate::call::{Call, Context};
use crate::faults::{Fault, Kind, is_write, locked, made, strike};
use crate::journal::Journal;
use crate::openapi::Document;
use crate::reply::{Answer, Content, Reply, message, ok, unsupported};
use crate::speed::Speed;
use crate::state::State;
use crate::wire::Valve;
use crate::{Config, Profile, admin, route};

/// The largest body that is read at all.
const LIMIT: usize = 64 << 20;

/// All that requests share.
pub(crate) struct Server {
    pub config: Config,
    pub state: Mutex<State>,
    /// Made when it is first asked: a Grafana needs none, and it takes a while.
    pub authentik: Mutex<Option<Authentik>>,
    pub journal: Mutex<Journal>,
    pub faults: Mutex<Vec<Fault>>,
    pub switches: Mutex<Switches>,
    pub document: Document,
    speed: Speed,
    at_once: AtomicU64,
    writers: AtomicU64,
}

/// What may be changed while it runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Switches {
    /// Time per request.
    pub latency: Duration,
    /// Whether writes fail as they do on SQLite when more than two come at once (grafana.md fact 49).
    pub sqlite: bool,
    /// Whether each kind of request takes its real time.
    pub real_times: bool,
    /// How long the rights of a user are cached; not at all as a rule (grafana.md fact 8: 60 s).
    pub rights_cache: Duration,
}

impl Switches {
    /// As the config has them.
    fn of(config: &Config) -> Switches {
        Switches {
            latency: config.latency,
            sqlite: config.sqlite,
            rights_cache: config.rights_cache,
            real_times: config.real_times,
        }
    }
}

/// A lock that a panicking handler does not spoil for the others.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts itself while it lives.
struct Counted<'a>(&'a AtomicU64, u64);

impl<'a> Counted<'a> {
    fn new(counter: &'a AtomicU64) -> Counted<'a> {
        Counted(counter, counter.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Server {
    /// A fresh server.
    pub fn new(config: Config) -> Server {
        let switches = Switches::of(&config);
        Server {
            state: Mutex::new(State::fresh(config.profile == Profile::V11_5, 0x9E37_79B9_7F4A_7C15)),
            authentik: Mutex::default(),
            journal: Mutex::default(),
            faults: Mutex::default(),
            switches: Mutex::new(switches),
            document: Document::load(&config),
            speed: Speed::new(),
            at_once: AtomicU64::new(0),
            writers: AtomicU64::new(0),
            config,
        }
    }

    /// Forgets everything: objects, journal, faults, departures, switches.
    pub fn reset(&self) {
        let mut state = lock(&self.state);
        let seed = state.ids.seed();
        *state = State::fresh(self.config.profile == Profile::V11_5, seed);
        *lock(&self.authentik) = None;
        *lock(&self.journal) = Journal::default();
        lock(&self.faults).clear();
        self.document.clear();
        *lock(&self.switches) = Switches::of(&self.config);
    }
}

/// Takes one request.
pub(crate) async fn serve(
    Shared(server): Shared<Arc<Server>>,
    ConnectInfo(valve): ConnectInfo<Valve>,
    request: Request,
) -> Response<Body> {
    let begun = Instant::now();
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LIMIT).await.unwrap_or_default();
    let query = parts.uri.query().unwrap_or_default();
    let call = Call::new(parts.method.as_str(), parts.uri.path(), query, parts.headers, body);
    if call.path.starts_with("/_sandbox/") {
        return write(&call, admin::answer(&server, &call), false);
    }
    let at_once = Counted::new(&server.at_once);
    server.document.check(&call);
    let reply = with_faults(&server, &valve, &call).await;
    let real_times = lock(&server.switches).real_times;
    if real_times && !is_write(&call) {
        server.speed.read(&call, &reply).await;
    }
    let took = begun.elapsed().as_micros();
    lock(&server.journal).note(&call, reply.status, took, at_once.1);
    if server.config.log {
        let _ = writeln!(
            std::io::stderr(),
            "{} {}{}{} {}",
            call.method,
            call.path,
            if query.is_empty() { "" } else { "?" },
            query,
            reply.status
        );
    }
    write(&call, reply, call.segments.first().is_some_and(|s| s == "apis"))
}

async fn with_faults(server: &Server, valve: &Valve, call: &Call) -> Reply {
    let fault = match call.header("x-sandbox-fault").map(Fault::from_header) {
        Some(Ok(fault)) => Some(fault.kind),
        Some(Err(text)) => return message(501, format!("X-Sandbox-Fault: {text}")),
        None => strike(&mut lock(&server.faults), call),
    };
    let switches = lock(&server.switches).clone();
    if !switches.latency.is_zero() {
        tokio::time::sleep(switches.latency).await;
    }
    // A fault that was asked for comes also in a crowd.
    if fault.is_none() && switches.sqlite && is_write(call) {
        return crowded(server, call, switches.real_times).await;
    }
    if switches.real_times && is_write(call) {
        server.speed.write(call).await;
    }
    match fault {
        None => handle(server, call, None),
        Some(Kind::Delay(time)) => {
            tokio::time::sleep(time).await;
            handle(server, call, None)
        }
        Some(Kind::Reset(after)) => {
            let reply = if after { handle(server, call, None) } else { Reply::empty(500) };
            valve.reset();
            reply
        }
        Some(Kind::Cut(bytes)) => {
            let reply = handle(server, call, None);
            valve.cut_after(bytes.max(1));
            reply
        }
        Some(Kind::Status(status, body)) => match body {
            serde_json::Value::Null => Reply::empty(status),
            serde_json::Value::String(text) => Reply::text(status, "text/html; charset=UTF-8", text),
            body => Reply::json(status, body),
        },
        Some(Kind::Race) => crate::authentik::crash(&call.method),
        Some(Kind::RateLimit(seconds)) => message(429, "Too many requests").with("retry-after", seconds.to_string()),
        Some(Kind::LockedBefore) => locked(call),
        Some(Kind::LockedAfter) => spoil(server, call, true),
        Some(Kind::LostPermissions) => spoil(server, call, false),
        Some(Kind::SlowSave(time)) => slow_save(server, call, time).await,
    }
}

/// Does the write but loses the permissions of what it makes; with `fails` it answers 500 as well (facts 50, 51).
fn spoil(server: &Server, call: &Call, fails: bool) -> Reply {
    let reply = handle(server, call, None);
    if let Some((kind, uid)) = made(call, &reply) {
        let mut state = lock(&server.state);
        let found = identify(&mut state, &server.config, call);
        if let Some(org) = found.ok().and_then(|(_, org)| state.orgs.get_mut(&org)) {
            let store = &mut org.store;
            match kind {
                "folder" => store.folders.entry(uid).and_modify(|f| f.grants.clear()),
                _ => return finish(store.dashboards.get_mut(&uid).map(|d| &mut d.grants), reply, call, fails),
            };
        }
    }
    finish(None, reply, call, fails)
}

fn finish(grants: Option<&mut Vec<crate::rights::Grant>>, reply: Reply, call: &Call, fails: bool) -> Reply {
    if let Some(grants) = grants {
        grants.clear();
    }
    if fails && reply.is_ok() { locked(call) } else { reply }
}

/// A save whose version is checked now and which is written later, whatever came between (grafana.md fact 52).
async fn slow_save(server: &Server, call: &Call, time: Duration) -> Reply {
    let checked = {
        let mut state = lock(&server.state);
        let trial = crate::dashboards::trial(&mut state, server, call);
        trial.is_none_or(|reply| reply.is_ok())
    };
    if !checked {
        return handle(server, call, None);
    }
    tokio::time::sleep(time).await;
    handle(server, call, Some(()))
}

/// Part of the writes fail while more than two are under way: the shares of grafana.md fact 49, by a fixed row of
/// random numbers. A write takes some time here, else none would meet.
async fn crowded(server: &Server, call: &Call, real_times: bool) -> Reply {
    let counted = Counted::new(&server.writers);
    match real_times {
        true => server.speed.write(call).await,
        false => tokio::time::sleep(Duration::from_millis(15)).await,
    }
    let writers = server.writers.load(Ordering::SeqCst).max(counted.1);
    let kind = call.kind();
    // Per mille that fail by 4, 8, 16 and 32 writers.
    let shares: [u64; 4] = match kind {
        "datasources" => [85, 335, 660, 815],
        "folders" => [5, 100, 475, 725],
        _ => [0; 4],
    };
    let share = match writers {
        0..=2 => 0,
        3..=4 => shares[0],
        5..=8 => shares[1],
        9..=16 => shares[2],
        _ => shares[3],
    };
    // Root dashboards lose their permissions instead (fact 51: 56 of 200 by 16 clients).
    let lost = kind == "dashboards" && writers > 2;
    let drawn = lock(&server.state).ids.random() % 1000;
    if drawn < share {
        return if kind == "folders" { spoil(server, call, true) } else { locked(call) };
    }
    if lost && drawn < 280 { spoil(server, call, false) } else { handle(server, call, None) }
}

/// Answers a request under the lock.
pub(crate) fn handle(server: &Server, call: &Call, checked: Option<()>) -> Reply {
    let config = &server.config;
    if config.profile == Profile::Authentik {
        return lock(&server.authentik).get_or_insert_with(Authentik::fresh).handle(call);
    }
    match (call.method.as_str(), call.path.as_str()) {
        ("GET" | "HEAD", "/api/health") => return health(config),
        ("GET" | "HEAD", "/healthz") => return Reply::text(200, "text/plain; charset=utf-8", "Ok"),
        _ => {}
    }
    let mut state = lock(&server.state);
    if call.path == "/login" && call.method == "POST" {
        // A session would have to let its cookie in; modules never use one.
        return unsupported("logins by the form");
    }
    let outside = !call.path.starts_with("/api/") && !call.path.starts_with("/apis") && call.path != "/version";
    if outside {
        // No front end is served, as on the measured server (grafana.md fact 4).
        return Reply::text(500, "text/html; charset=UTF-8", "<!DOCTYPE html>\n<title>Grafana - Error</title>\n");
    }
    if call.body.len() > 16 << 20 && config.profile == Profile::V12_4 {
        let dashboard = call.path == "/api/dashboards/db";
        let limit = "Request entity too large: limit is 16777216";
        return message(413, if dashboard { "Dashboard is too large, max is 16 MB" } else { limit });
    }
    let (who, org) = match identify(&mut state, config, call) {
        Ok(found) => found,
        Err(reply) => return reply,
    };
    let absent = !state.orgs.contains_key(&org);
    if absent {
        // Looked at with no rights in an organisation that is empty for the moment of this request.
        state.orgs.insert(org, Default::default());
    }
    let mut cx = Context { state: &mut state, profile: config.profile, call, who, org, checked, rights: None };
    let age = lock(&server.switches).rights_cache;
    if !age.is_zero() && cx.who.role < Role::Admin {
        cx.cache_rights(age);
    }
    let answer = if call.path == "/version" { route::version(&cx) } else { route::route(&mut cx) };
    if absent {
        state.orgs.remove(&org);
    }
    answer.unwrap_or_else(|refusal| refusal)
}

fn health(config: &Config) -> Reply {
    if config.hide_version {
        return Reply::json(200, json!({ "database": "ok" }));
    }
    Reply::json(200, json!({ "database": "ok", "version": config.profile.number(), "commit": "NA" }))
}

/// `GET /api/frontend/settings`: what modules read of it; shows the version even when it is hidden elsewhere (fact 7).
pub(crate) fn frontend_settings(cx: &Context) -> Answer {
    let version = cx.profile.number();
    let names = cx.look().datasources.values();
    let default = names.clone().find(|d| d.is_default).map_or("-- Grafana --", |d| &d.name);
    ok(json!({
        "buildInfo": {
            "hideVersion": false, "version": version, "versionString": format!("Grafana v{version} (NA)"),
            "commit": "NA", "commitShort": "NA", "buildstamp": 1_795_398_827, "edition": "Open Source",
            "latestVersion": "", "hasUpdate": false, "env": "production",
        },
        "appUrl": "http://localhost:3000/", "appSubUrl": "", "defaultDatasource": default, "featureToggles": {},
        "datasources": names.map(|d| (d.name.clone(), d.full(cx.org))).collect::<serde_json::Map<_, _>>(),
    }))
}

/// Turns an answer into bytes; gzip is only for /apis (grafana.md fact 10b).
fn write(call: &Call, reply: Reply, may_zip: bool) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = axum::http::StatusCode::from_u16(reply.status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let (kind, mut bytes) = match reply.body {
        Content::Empty => ("", Vec::new()),
        Content::Json(value) => ("application/json", serde_json::to_vec(&value).expect("JSON values can be written")),
        Content::Text(kind, text) => (kind, text.into_bytes()),
    };
    if !kind.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in reply.headers {
        let name = axum::http::HeaderName::from_bytes(name.as_bytes()).expect("names of headers are constants");
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.append(name, value);
        }
    }
    let zip = may_zip && bytes.len() > 1024 && call.header("accept-encoding").is_some_and(|a| a.contains("gzip"));
    if zip {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&bytes).expect("writing to memory");
        bytes = encoder.finish().expect("writing to memory");
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if call.method != "HEAD" && reply.status != 304 && reply.status != 204 {
        *response.body_mut() = Body::from(bytes);
    }
    response
}
