//! What the harness keeps for every module, shown with `grafana_folder`.

mod faults;
mod protocol;
mod secrets;
mod tls;
mod transport;

/// The module that shows it.
const MODULE: &str = "grafana_folder";
