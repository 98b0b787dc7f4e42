#!/usr/bin/env bash
# Runs the tests, part by part, and says how long each took. All parts are run even when one fails.
# Usage: all.sh            all parts, in this order
#        all.sh PART …     those parts
#        all.sh --list     what there is
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# What runs, in order: name and one line. A part is the function of its name.
parts=(
    "format         rustfmt leaves every file as it is"
    "clippy         no warning in any Rust code"
    "unit           tests of the libraries and tools, without a server"
    "integration    the module binaries against the stand-in, and the stand-in against recordings of Grafana"
    "fuzz           each fuzz target for HEARTH_FUZZ_SECONDS (15) under proptest, and that libFuzzer's compile"
    "ship           the modules as shipped: static, small, and they start"
    "docs           the pages and sidecars are what the code says"
    "arguments      the table of argument sets is what AnsibleModule says"
    "differential   the same tasks by community.grafana and by ours"
    "yaml           yamllint"
    "ansible        ansible-lint at its production profile"
    "shell          shellcheck"
    "molecule       the roles: check, converge, idempotence, drift, removal"
    "demo           what make demo shows, on the development build, and that it leaves nothing behind"
)

part_format() { cargo fmt --all --check; }
part_clippy() { cargo clippy --quiet --workspace --all-targets -- -D warnings; }
part_unit() { cargo test --quiet --workspace --lib --bins; }
part_integration() { cargo test --quiet --workspace --test '*'; }
part_fuzz() {
    FUZZ_SECONDS=${HEARTH_FUZZ_SECONDS:-15} tests/run/fuzz.sh --stable
    # Without libFuzzer itself, which takes nightly and a C++ compiler.
    cargo check --quiet --manifest-path fuzz/Cargo.toml --no-default-features
}
part_ship() { "$CARGO_TARGET_DIR/debug/xtask" dist --into "$CARGO_TARGET_DIR/shipped"; }
# The program that the build has just made: by `cargo xtask` it would be compiled once more.
part_docs() { "$CARGO_TARGET_DIR/debug/xtask" docs --check; }
part_arguments() { python tests/python/argument_table.py --check; }
part_differential() {
    local profile log failed=0
    mkdir -p "$root/.cache"
    for profile in 12.4 11.5; do
        log=".cache/differential-$profile.md"
        say "Grafana $profile"
        if python tests/python/differential.py --library "$library" \
            --server-cmd "$sandbox --quiet --port {port} --profile $profile" >"$log"; then
            tail -n 2 "$log"
        else
            failed=1
            sed -n '/^Differences that are not/,$p' "$log"
            say "the whole comparison: $log"
        fi
    done
    return "$failed"
}
part_yaml() { yamllint --strict .; }
part_ansible() { ansible-lint -q; }
part_shell() { shellcheck --external-sources --source-path SCRIPTDIR .ci/run tests/run/*.sh; }
part_molecule() {
    local scenario log
    mkdir -p "$root/.cache"
    for scenario in authentik grafana; do
        log="$root/.cache/molecule-$scenario.log"
        NO_COLOR=1 molecule test --scenario-name "$scenario" >"$log" 2>&1 || {
            cat "$log"
            return 1
        }
        sed -n '/^DETAILS/,$p' "$log"
    done
}
part_demo() {
    python tests/demo/demo.py --sandbox "$sandbox"
    python tests/demo/interrupted.py "$sandbox"
}

name_of() { echo "${1%% *}"; }

# What is in the shell of the person must not reach the tests: they bring a server of their own.
unset GRAFANA_URL GRAFANA_DASHBOARD_SOURCE_URL GRAFANA_USER GRAFANA_PASSWORD GRAFANA_TOKEN
unset AUTHENTIK_URL AUTHENTIK_TOKEN HEARTH_AUDIT_LOG "${!ANSIBLE_TASK_@}"

sandbox="$CARGO_TARGET_DIR/debug/sandbox"
library="$CARGO_TARGET_DIR/library"
export HEARTH_SANDBOX="$sandbox" ANSIBLE_LIBRARY="$library" HEARTH_LIBRARY="$library"

case ${1-} in
--list)
    printf '%s\n' "${parts[@]}"
    exit
    ;;
--only)
    # One part in a shell of its own, so that `set -e` holds in it.
    "part_$2"
    exit
    ;;
esac

chosen=("$@")
if [ ${#chosen[@]} -eq 0 ]; then
    for part in "${parts[@]}"; do chosen+=("$(name_of "$part")"); done
fi
for name in "${chosen[@]}"; do
    declare -F "part_$name" >/dev/null || fail "there is no part $name; see: $0 --list"
done

need_cargo
failed=0
report=
timed() { # timed <name> <command …>: runs it and adds a line to the report
    local name=$1 start=$SECONDS came=ok
    shift
    printf '\n=== %s\n' "$name"
    if ! "$@" </dev/null; then
        came=FAILED
        failed=1
    fi
    report+=$(printf '%-14s %5d s   %s' "$name" $((SECONDS - start)) "$came")$'\n'
}

timed environment tests/run/environment.sh
timed build tests/run/modules.sh dev
[ "$failed" = 0 ] || fail "Nothing can be tested before this works."
for name in "${chosen[@]}"; do
    timed "$name" bash "${BASH_SOURCE[0]}" --only "$name"
done
printf '\n%s%-14s %5d s\n' "$report" together "$SECONDS"
[ "$failed" = 0 ] || fail "Some parts failed."
