#!/bin/sh
# Installs what a build (and, with the argument `test`, the tests) needs and this machine lacks.
# Says what it is about to do; does nothing where nothing is missing.
#
# usage: ci/install-tools.sh build [test]
set -eu

say() { printf '%s\n' "tools: $*"; }
fail() { printf '%s\n' "tools: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# bindgen loads libclang at build time; it need not be on the linker's path.
have_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    for file in /usr/lib/llvm-*/lib/libclang.so* /usr/lib/llvm-*/lib/libclang-*.so* \
        /usr/lib/*/libclang.so* /usr/lib/*/libclang-*.so* /usr/lib/libclang.so* \
        /usr/lib64/libclang.so* /usr/local/lib/libclang.so* \
        /Library/Developer/CommandLineTools/usr/lib/libclang.dylib \
        /opt/homebrew/opt/llvm/lib/libclang.dylib /usr/local/opt/llvm/lib/libclang.dylib; do
        [ -e "$file" ] && return 0
    done
    return 1
}

have_chromium() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        have "$name" && return 0
    done
    [ -e "/Applications/Chromium.app" ] || [ -e "/Applications/Google Chrome.app" ]
}

# The packages that are missing, by the names that the system's package manager has for them:
# `missing COMPILER CLANG LIBCLANG`.
missing() {
    { have c++ && have make; } || printf '%s ' "$1"
    have cmake || printf 'cmake '
    have clang || printf '%s ' "$2"
    have_libclang || printf '%s ' "$3"
    case " $wanted " in
        *" test "*) have_chromium || printf 'chromium ' ;;
    esac
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        fail "not root and no sudo: run as root: $*"
    fi
}

wanted="$*"
have cargo || fail "no cargo on the path: install Rust 1.95 or newer with rustup, then run this again"

case "$(uname -s)" in
    Linux)
        packages=$(missing build-essential clang libclang-dev)
        [ -n "$packages" ] || { say "nothing is missing"; exit 0; }
        have apt-get || fail "missing: $packages(Debian's names); install them with this system's package manager"
        say "apt-get update, then apt-get install $packages"
        as_root apt-get update -q
        # shellcheck disable=SC2086  # a list of package names
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages
        ;;
    Darwin)
        xcode-select -p >/dev/null 2>&1 || fail "no compiler: run xcode-select --install, then this again"
        packages=$(missing llvm llvm llvm)
        [ -n "$packages" ] || { say "nothing is missing"; exit 0; }
        have brew || fail "missing: $packages; install Homebrew, or these by hand"
        say "brew install $packages"
        for package in $packages; do
            # Chromium is an application, the others are formulae.
            if [ "$package" = chromium ]; then brew install --cask chromium; else brew install "$package"; fi
        done
        ;;
    *)
        packages=$(missing build-essential clang libclang-dev)
        [ -n "$packages" ] || { say "nothing is missing"; exit 0; }
        fail "missing: $packages(Debian's names); this script knows Debian, Ubuntu and macOS only"
        ;;
esac
