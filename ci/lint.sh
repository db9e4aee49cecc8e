#!/bin/sh
# Formatting, clippy and documentation; every warning is an error. The release profile, as
# everywhere: a second profile would compile llama.cpp a second time.
set -eu
cd "$(dirname "$0")/.."

cargo fmt --all --check
cargo clippy --release --locked --workspace --all-targets --features rightsize/faulty-engine -- -D warnings
RUSTDOCFLAGS="${RUSTDOCFLAGS:-} -D warnings" cargo doc --release --locked --workspace --no-deps
