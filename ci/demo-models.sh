#!/bin/sh
# Trains the two bundled models again and writes the test data of the three shipped suites.
# Seeds are fixed; 80 minutes for both on 2 cores with AVX-512, 140 without. The files in
# the repository are replaced only when a training has ended.
set -eu
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-target}"
cargo build --release --locked --package rightsize-trainer
trainer="$target/release/rightsize-trainer"
# Two threads train, a half of each batch each. Candle's own second thread would only wait beside
# them, at the cost of a third of the speed.
export RAYON_NUM_THREADS=1

"$trainer" data
for size in 1m 5m; do
    new="$target/specialist-$size.gguf"
    "$trainer" train --size "$size" --out "$new"
    if [ "$size" = 5m ]; then
        "$trainer" train --size "$size" --from "$new" --out "$new"
    fi
    "$trainer" eval --model "$new"
    mv "$new" "providers/demo-models/specialist-$size.gguf"
done
