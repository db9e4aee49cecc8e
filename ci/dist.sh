#!/usr/bin/env bash
# Writes the release archives to dist/:
#   rightsize-<version>-<arch>.tar.gz         engines and models inside, at most 100 MB
#   rightsize-<version>-<arch>-remote.tar.gz  without native engines, at most 25 MB
# each with a .sha256 file beside it.
set -eu
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-target}"
out="${DIST_DIR:-dist}"
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
arch=$(uname -m)
[ "$(uname -s)" = Linux ] || arch="$arch-$(uname -s | tr '[:upper:]' '[:lower:]')"

# The full binary comes last, so that target/release/rightsize is the usual one afterwards.
cargo build --release --locked --package rightsize --no-default-features
bash ci/pack.sh --binary "$target/release/rightsize" --name "rightsize-$version-$arch-remote" \
    --out "$out" --max-mb 25 --no-engines
cargo build --release --locked --package rightsize
bash ci/pack.sh --binary "$target/release/rightsize" --name "rightsize-$version-$arch" \
    --out "$out" --max-mb 100
