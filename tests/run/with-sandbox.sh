#!/usr/bin/env bash
# Runs a command with the stand-in server up and GRAFANA_URL, GRAFANA_USER and GRAFANA_PASSWORD set to it.
# Usage: with-sandbox.sh [sandbox options …] -- command …
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

options=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    options+=("$1")
    shift
done
[ $# -gt 1 ] || fail "usage: with-sandbox.sh [sandbox options …] -- command …"
shift

sandbox=${HEARTH_SANDBOX:-$CARGO_TARGET_DIR/debug/sandbox}
[ -x "$sandbox" ] || fail "$sandbox is not built; run: make build"

place=$(mktemp -d)
"$sandbox" --port 0 --quiet --ready-file "$place/url" ${options[@]+"${options[@]}"} >/dev/null &
server=$!
# shellcheck disable=SC2329 # run by the trap
stop() {
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    rm -rf "$place"
}
trap stop EXIT

for _ in $(seq 100); do
    [ -s "$place/url" ] && break
    kill -0 "$server" 2>/dev/null || fail "the stand-in server has ended at once"
    sleep 0.1
done
[ -s "$place/url" ] || fail "the stand-in server is not ready after 10 seconds"

GRAFANA_URL=$(cat "$place/url")
export GRAFANA_URL GRAFANA_USER=admin GRAFANA_PASSWORD=admin
unset GRAFANA_TOKEN
"$@"
