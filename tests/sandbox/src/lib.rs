//! Stateful stand-ins for Grafana and (in `authentik`) for authentik, for tests and the demo. Of Grafana: data
//! sources, folders, dashboards and what they need, as a real 12.4.0 (or 11.5.1) answers them, traps included. Comments name the facts of
//! `../shared/reference/grafana.md` that are imitated; `tests/recordings.rs` compares with recordings of a real one.
//!
//! ```no_run
//! let server = sandbox::start(sandbox::Config::default()).expect("a loopback port is free");
//! println!("{}", server.url());
//! ```
//! It stops when the handle is dropped. What it does not imitate answers 501.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use serde_json::Value;
use tokio::sync::oneshot;

mod admin;
mod auth;
mod authentik;
mod call;
mod dashboard_reads;
mod dashboards;
mod datasources;
mod faults;
mod folder_tree;
mod folders;
mod import;
mod journal;
mod k8s;
mod library;
mod openapi;
mod orgs;
mod permissions;
mod plugins;
mod reply;
mod rights;
mod route;
mod rules;
mod search;
mod seed;
mod server;
mod service_accounts;
mod speed;
mod state;
mod teams;
mod text;
mod users;
mod wire;

/// What is imitated: a Grafana, or authentik.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Profile {
    /// 12.4.0.
    #[default]
    V12_4,
    /// 11.5.1, where it differs (grafana.md facts 55-65).
    V11_5,
    /// No Grafana but authentik 2026.5.
    Authentik,
}

impl Profile {
    /// The name as the command line takes it.
    pub fn name(self) -> &'static str {
        match self {
            Profile::V12_4 => "12.4",
            Profile::V11_5 => "11.5",
            Profile::Authentik => "authentik",
        }
    }

    /// The OpenAPI document of the real one.
    pub(crate) fn document(self) -> &'static str {
        match self {
            Profile::V12_4 => "grafana-12.4.json",
            Profile::V11_5 => "grafana-11.5.json",
            Profile::Authentik => "authentik-2026.5.json",
        }
    }

    /// The full version number that the server claims.
    pub fn number(self) -> &'static str {
        match self {
            Profile::V12_4 => "12.4.0",
            Profile::V11_5 => "11.5.1",
            Profile::Authentik => "2026.5.0-rc1",
        }
    }
}

/// How to start a server.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Which Grafana is imitated.
    pub profile: Profile,
    /// The port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// `[auth.anonymous]` is on: whoever is not known counts as a Viewer of organisation 1.
    pub anonymous: bool,
    /// `hide_version`: /api/health tells no version.
    pub hide_version: bool,
    /// Time that every request takes more.
    pub latency: Duration,
    /// Each kind of request takes the time that a real server was measured to take.
    pub real_times: bool,
    /// Writes fail when more than two come at once, as on SQLite (grafana.md fact 49).
    pub sqlite: bool,
    /// How long the rights of those who are no admins are cached; the real one does it for 60 s (grafana.md fact 8).
    pub rights_cache: Duration,
    /// The OpenAPI document to compare requests with; else the one in `../shared`, where it is there.
    pub openapi: Option<PathBuf>,
    /// Write a line per request to standard error.
    pub log: bool,
}

/// The token of authentik's administrator `akadmin`.
pub const AUTHENTIK_TOKEN: &str = authentik::TOKEN;

/// A running server; it stops when this is dropped.
pub struct Handle {
    address: SocketAddr,
    server: Arc<server::Server>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts a server on its own thread.
///
/// # Errors
/// Where the port is taken or the thread cannot be made.
pub fn start(config: Config) -> io::Result<Handle> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, config.port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let server = Arc::new(server::Server::new(config));
    let shared = Arc::clone(&server);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("sandbox".to_owned()).spawn(move || {
        runtime.block_on(async move {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            let router = Router::new().fallback(server::serve).with_state(shared);
            let service = router.into_make_service_with_connect_info::<wire::Valve>();
            tokio::select! {
                _ = async { axum::serve(wire::Doors(listener), service).await } => {}
                _ = stopped => {}
            }
        });
        // Requests that still wait (a delay, say) do not hold up whoever drops the handle.
        runtime.shutdown_background();
    })?;
    Ok(Handle { address, server, stop: Some(stop), thread: Some(thread) })
}

impl Handle {
    /// Its address, such as `http://127.0.0.1:40001`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Forgets everything, as a fresh server.
    pub fn reset(&self) {
        self.server.reset();
    }

    /// One of the calls under `/_sandbox/` (`"POST"`, `"faults"`, …) without HTTP; gives the answer's body.
    ///
    /// # Panics
    /// Where the call is refused: a test that asks for nonsense must not go on.
    pub fn admin(&self, method: &str, what: &str, body: &Value) -> Value {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let call = call::Call::new(method, &format!("/_sandbox/{what}"), "", Default::default(), bytes.into());
        let reply = admin::answer(&self.server, &call);
        match reply.body {
            reply::Content::Json(body) if reply.status == 200 => body,
            other => panic!("{method} {what}: {} {other:?}", reply.status),
        }
    }

    /// Switches faults on: one entry or a list, see the README.
    ///
    /// # Panics
    /// Where an entry is not understood.
    pub fn faults(&self, list: &Value) {
        self.admin("POST", "faults", list);
    }

    /// How many requests of a kind came since the last reset: `"GET /api/folders/{}"`.
    pub fn count(&self, kind: &str) -> u64 {
        self.admin("GET", "requests", &Value::Null)["counts"][kind].as_u64().unwrap_or(0)
    }

    /// Where requests of modules departed from the OpenAPI document; nothing where there is none to compare with.
    pub fn departures(&self) -> Option<Vec<Value>> {
        let mut shown = self.admin("GET", "departures", &Value::Null);
        let list = shown["departures"].as_array_mut().map(std::mem::take).unwrap_or_default();
        (shown["compared"] == true).then_some(list)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The server may be gone already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
