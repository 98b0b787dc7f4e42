#!/usr/bin/env bash
# Each fuzz target for SECONDS (60): by cargo-fuzz where that and a nightly toolchain are installed, else
# the same targets under proptest (tests/properties.rs), which `make test` runs for a moment.
# Usage: fuzz.sh [target …]
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_cargo
seconds=${FUZZ_SECONDS:-60}

if cargo +nightly --version >/dev/null 2>&1 && cargo fuzz --version >/dev/null 2>&1; then
    targets=("$@")
    if [ ${#targets[@]} -eq 0 ]; then
        mapfile -t targets < <(cargo +nightly fuzz list)
    fi
    for target in "${targets[@]}"; do
        say "=== $target, $seconds s"
        cargo +nightly fuzz run "$target" -- -max_total_time="$seconds"
    done
else
    say "cargo-fuzz or a nightly toolchain is missing: the same targets under proptest"
    HEARTH_FUZZ_SECONDS="$seconds" cargo test --workspace --test properties -- "$@"
fi
