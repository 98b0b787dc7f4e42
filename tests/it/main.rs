//! The real module binaries against a server: one named by the environment, or the stand-in.
//!
//! `GRAFANA_URL`, `GRAFANA_USER`, `GRAFANA_PASSWORD` name a server of your own (tests/live/README.md);
//! tests that need a fault, a provisioned object or a count of requests run on the stand-in only.

mod arguments;
mod authentik;
mod dashboard;
mod datasource;
mod examples;
mod folder;
mod golden;
mod harness;
mod registry;
mod roles;
mod scripted;
mod support;
