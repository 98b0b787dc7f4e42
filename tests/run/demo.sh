#!/usr/bin/env bash
# The demo from nothing: environment, modules, stand-in server, and then tests/demo/demo.py.
# With GRAFANA_URL set it runs on that server.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

tests/run/environment.sh
tests/run/modules.sh
if [ -z "${GRAFANA_URL-}" ]; then
    cargo build --quiet --package sandbox
fi
exec "$venv/bin/python" tests/demo/demo.py --sandbox "$CARGO_TARGET_DIR/debug/sandbox"
