//! The transport of every API module: one pooled client a run, over reqwest's blocking client.
//!
//! A [`Reader`] can only read. A [`Writer`] can write, and only the harness makes one, when the plan
//! is to be applied: so a module cannot write while it reads or plans.

mod client;
mod download;
mod gate;
mod response;
mod retry;
mod tls;
mod url;

pub use client::{Auth, Client, Reader, Settings, Stats, Writer};
pub use download::{Download, without_credentials};
pub use gate::Gate;
pub use response::Response;
pub use retry::pause_before;
pub use tls::Tls;
pub use url::{Base, path, with_query};
