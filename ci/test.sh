#!/bin/sh
# Every test of the workspace, in the release profile. `faulty-engine` is the engine that crashes
# and hangs on demand; only tests build it. The test runner's summary comes last.
set -eu
cd "$(dirname "$0")/.."

features='--features rightsize/faulty-engine'

# shellcheck disable=SC2086  # two words
if command -v cargo-nextest >/dev/null 2>&1; then
    # nextest does not run the examples in the documentation.
    cargo test --release --locked --workspace --doc --quiet $features
    cargo nextest run --release --locked --workspace --no-fail-fast $features "$@"
else
    echo "test: cargo-nextest is not installed: using cargo test"
    cargo test --release --locked --workspace --no-fail-fast $features "$@"
fi
