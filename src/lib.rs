//! Hearth.
pub mod grafana;
pub mod http;
pub mod module;
pub mod registry;
