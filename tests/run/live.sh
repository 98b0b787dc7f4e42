#!/usr/bin/env bash
# The acceptance tests on the server that GRAFANA_URL, GRAFANA_USER and GRAFANA_PASSWORD name.
# See tests/live/README.md.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_cargo
[ -n "${GRAFANA_URL-}" ] || fail "GRAFANA_URL is not set.
hint: tests/live/README.md says how to start a Grafana for it"
unset GRAFANA_TOKEN
# One server stands behind all tests, and SQLite bears few writers.
cargo test --workspace --test it -- --test-threads=2
