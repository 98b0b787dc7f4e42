# shellcheck shell=bash
# What the scripts beside this one share: where things are, and how to say what is wrong.
# Sourced, never run.

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"

# One target folder for everything, so that nothing is compiled twice.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}"

# Ansible as installed by environment.sh, whatever else is on the machine.
venv="$root/.venv"
export PATH="$venv/bin:$PATH"
# A variable left over in the shell must not turn the tests to another configuration.
export ANSIBLE_CONFIG="$root/ansible.cfg"
# Ansible refuses to start in a locale that is not UTF-8 or not installed. Every Linux has this one; others
# have one in UTF-8 by themselves.
if [ "$(uname)" = Linux ]; then
    export LC_ALL=C.UTF-8
fi

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}

need_cargo() {
    command -v cargo >/dev/null 2>&1 ||
        fail "cargo is not on PATH. Rust 1.90 or newer is needed: https://rustup.rs"
}
