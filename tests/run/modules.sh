#!/usr/bin/env bash
# Builds the modules.
# Usage: modules.sh         release build of the modules into library/, as shipped
#        modules.sh dev     development build into $CARGO_TARGET_DIR/library, which the tests use, and all else
#                           that they start: cargo builds these anyway, and library/ is left alone
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
need_cargo

if [ "${1-}" != dev ]; then
    say "Building the modules (the first time takes some minutes)"
    cargo build --quiet --package xtask
    "$CARGO_TARGET_DIR/debug/xtask" dist
    exit
fi

cargo build --quiet --workspace --bins
library="$CARGO_TARGET_DIR/library"
rm -rf "$library"
mkdir -p "$library"
for source in src/bin/*.rs; do
    module=$(basename "$source" .rs)
    ln "$CARGO_TARGET_DIR/debug/$module" "$library/$module" 2>/dev/null ||
        cp "$CARGO_TARGET_DIR/debug/$module" "$library/$module"
done
