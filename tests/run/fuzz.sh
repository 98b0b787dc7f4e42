#!/usr/bin/env bash
# Each fuzz target for FUZZ_SECONDS (60): by cargo-fuzz where that and a nightly toolchain are installed, else
# the same targets under proptest (tests/properties.rs), which `make test` runs for a while.
# Usage: fuzz.sh [target …]
#        fuzz.sh --stable [target …]    under proptest in any case
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_cargo
seconds=${FUZZ_SECONDS:-60}

stable=
if [ "${1-}" = --stable ]; then
    stable=yes
    shift
fi

known=()
for file in fuzz/fuzz_targets/*.rs; do known+=("$(basename "$file" .rs)"); done
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${known[@]}")
for target in "${targets[@]}"; do
    [ -f "fuzz/fuzz_targets/$target.rs" ] || fail "there is no fuzz target $target; there are: ${known[*]}"
done

if [ -z "$stable" ] && cargo +nightly --version >/dev/null 2>&1 && cargo fuzz --version >/dev/null 2>&1; then
    for target in "${targets[@]}"; do
        say "=== $target, $seconds s"
        cargo +nightly fuzz run "$target" -- -max_total_time="$seconds"
    done
    exit
fi

[ -n "$stable" ] || say "cargo-fuzz or a nightly toolchain is missing: the same targets under proptest"
tests=("${targets[@]/%/_never_panic}")
# A name that is no test is left out by cargo without a word.
listed=$(cargo test --quiet --test properties -- --list)
for name in "${tests[@]}"; do
    grep -qx "$name: test" <<<"$listed" || fail "tests/properties.rs has no test $name"
done
HEARTH_FUZZ_SECONDS="$seconds" cargo test --quiet --test properties -- --exact "${tests[@]}"
