#!/usr/bin/env bash
# Packs a built binary: strips it, checks that it needs the C library only, adds the licences,
# writes NAME.tar.gz and NAME.tar.gz.sha256. Builds nothing and opens no socket.
#
# usage: ci/pack.sh --binary FILE --name NAME --out DIR --max-mb N [--no-engines]
set -eu

fail() { printf '%s\n' "pack: $*" >&2; exit 1; }

binary='' name='' out='' max_mb='' engines=yes
while [ $# -gt 0 ]; do
    case "$1" in
        --binary) binary="$2"; shift 2 ;;
        --name) name="$2"; shift 2 ;;
        --out) out="$2"; shift 2 ;;
        --max-mb) max_mb="$2"; shift 2 ;;
        --no-engines) engines=no; shift ;;
        *) fail "unknown argument: $1" ;;
    esac
done
[ -n "$binary" ] && [ -n "$name" ] && [ -n "$out" ] && [ -n "$max_mb" ] ||
    fail "--binary, --name, --out and --max-mb are needed"
[ -f "$binary" ] || fail "no such file: $binary"

root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder="$work/$name"
mkdir "$folder"

strip -o "$folder/rightsize" "$binary"
chmod 755 "$folder/rightsize"

# Everything but the C library and its loader has to be inside the binary.
if command -v readelf >/dev/null; then
    readelf -d "$folder/rightsize" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >"$work/needed"
    while read -r library; do
        case "$library" in
            libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | ld-linux*.so.*) ;;
            *) fail "$binary needs $library at run time; only the C library may be needed (harness/build.rs, feature static-native)" ;;
        esac
    done <"$work/needed"
fi

cp "$root/README.md" "$root/CHANGELOG.md" "$root/LICENSE-MIT" "$root/LICENSE-APACHE" "$folder/"
if [ "$engines" = yes ]; then
    cp "$root/providers/demo-models/README.md" "$folder/DEMO-MODELS.md"
    python3 "$root/ci/licences.py" "$root" >"$folder/THIRD-PARTY-LICENSES"
else
    python3 "$root/ci/licences.py" "$root" --no-default-features >"$folder/THIRD-PARTY-LICENSES"
fi

if tar --version 2>/dev/null | grep -q GNU; then
    # The same binary gives the same archive.
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-0}" \
        -C "$work" -cf "$work/archive.tar" "$name"
else
    tar -C "$work" -cf "$work/archive.tar" "$name"
fi
gzip -9 -n "$work/archive.tar"
bytes=$(wc -c <"$work/archive.tar.gz" | tr -d ' ')
[ "$bytes" -le $((max_mb * 1000000)) ] || fail "$name.tar.gz has $bytes bytes, more than $max_mb MB"

mv "$work/archive.tar.gz" "$out/$name.tar.gz"
cd "$out"
if command -v sha256sum >/dev/null; then sha256sum "$name.tar.gz"; else shasum -a 256 "$name.tar.gz"; fi >"$name.tar.gz.sha256"
printf '%s\n' "pack: $out/$name.tar.gz ($bytes bytes)"
