//! The transport of every API module: one pooled client a run, over reqwest's blocking client.
//!
//! A [`Reader`] can only read. A [`Writer`] can write, and only the harness makes one, when the plan
//! is to be applied: so a module cannot write while it reads or plans.

mod access;
mod breaker;
mod client;
mod download;
mod failure;
mod gate;
mod response;
mod retry;
mod settings;
mod tls;
mod url;
mod visitor;

pub use access::{Reader, Writer};
pub use client::Client;
pub use download::{Download, without_credentials};
pub use gate::{Gate, Place};
pub use response::Response;
pub use retry::pause_before;
pub use settings::{Auth, Settings, Stats};
pub use tls::Tls;
pub use url::{Base, path, with_query};
pub use visitor::Visitor;
