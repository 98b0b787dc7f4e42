//! What a task says about the connection, and what a run cost.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{tls::Tls, url::Base};
use crate::module::secret::Secret;

/// How the caller proves who it is.
#[derive(Clone, Debug)]
pub enum Auth {
    /// No credentials.
    None,
    /// A user's name and password.
    Basic(String, Secret),
    /// A token in the `Authorization` header.
    Bearer(Secret),
}

/// Everything that the task says about the connection.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The service's address.
    pub base: Base,
    /// Credentials.
    pub auth: Auth,
    /// TLS.
    pub tls: Tls,
    /// Whether the proxy that the environment names is used.
    pub use_proxy: bool,
    /// Headers sent with every request.
    pub headers: Vec<(String, String)>,
    /// The time for one request, the connection included.
    pub timeout: Duration,
    /// How often a request that may be repeated is repeated.
    pub retries: u32,
    /// The most requests under way at once.
    pub concurrency: usize,
    /// The most writes under way at once at the beginning; the gate adapts.
    pub writers: usize,
    /// The most requests a second, if limited.
    pub rate_limit: Option<f64>,
    /// When the run has to be over.
    pub deadline: Instant,
    /// Whether an answer (status, text) is a fault that passes by itself, beyond 429, 502, 503, 504.
    pub passing: fn(u16, &str) -> bool,
}

/// What a run cost.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Stats {
    /// Requests sent, repetitions included.
    pub requests: u64,
    /// Repetitions among them.
    pub retries: u64,
}
