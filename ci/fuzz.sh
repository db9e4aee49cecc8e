#!/bin/sh
# Fuzzes the readers of answers and of data files: `ci/fuzz.sh [RUNS] [answers|data]`.
# RUNS inputs (1,000,000 unless told) for each; at most one second and 512 MiB for each input.
set -eu
cd "$(dirname "$0")/../fuzz"

runs="${1:-1000000}"
targets="${2:-answers data}"
triple="$(rustc -vV | sed -n 's/^host: //p')"
target="${CARGO_TARGET_DIR:-target}"

# The counters that libFuzzer is guided by. A target is named, so that build scripts go without them.
RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares" \
    cargo build --release --target "$triple" --target-dir "$target"

for name in $targets; do
    more=
    case "$name" in
        answers) kinds="classification classification-json classification-axes extraction \
            extraction-lists pii faq faq-citations summarization reasoning reasoning-regex \
            tool_use" ;;
        data) more=../suites/tests/inputs/data; kinds="csv tsv jsonl json conll parquet jsonl.gz jsonl.zst" ;;
        *) echo "fuzz: there is no target $name" >&2; exit 2 ;;
    esac
    for kind in $kinds; do
        corpus="$target/corpus/$name-$kind"
        mkdir -p "$corpus" "$target/findings"
        echo "fuzz: $name, $kind"
        # shellcheck disable=SC2086  # a folder or nothing
        KIND="$kind" "$target/$triple/release/$name" "$corpus" "seeds/$name" $more \
            -runs="$runs" -max_len=16384 -timeout=1 -rss_limit_mb=512 -seed=7 -verbosity=0 \
            -print_final_stats=1 -artifact_prefix="$target/findings/$name-$kind-"
    done
done
