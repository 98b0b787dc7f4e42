//! What the harness keeps for every module, shown with `grafana_folder`.

mod faults;
mod patience;
mod protocol;
mod secrets;
mod stopping;
mod tls;
mod transport;

/// The module that shows it.
const MODULE: &str = "grafana_folder";
