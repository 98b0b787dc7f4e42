//! Hearth: Ansible modules for people who host their own services.
//!
//! Where a thing goes:
//! - [`module`]: the harness. Arguments, plan and apply, check mode, masking, audit, result.
//! - [`http`]: the client. Credentials, TLS, timeouts, repetitions, limits.
//! - [`files`]: files of this host, written whole or not at all.
//! - [`registry`]: the table of all modules; tests and documentation run over it.
//! - [`grafana`], …: a folder a service. `mod.rs` is what its kinds share, `<kind>.rs` or `<kind>/` is
//!   one kind of object: its options, and read, plan and apply.
//!
//! `src/bin/<service>_<kind>.rs` is one line: it gives a kind to [`module::run::main`].
pub mod authentik;
pub mod files;
pub mod grafana;
pub mod http;
pub mod module;
pub mod registry;
