//! A stateful stand-in for Grafana, for tests and the demo only.
