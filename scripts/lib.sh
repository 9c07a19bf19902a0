# Shell functions that the scripts of this folder share; sourced, never run.
# After sourcing it, the current folder is the checkout's root.
# shellcheck shell=bash disable=SC2034

set -euo pipefail

WF_SCRIPT=$(realpath "$0")
WF_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$WF_ROOT"
: "${WHYFACE_SHARED:=$WF_ROOT/../shared}"
: "${WHYFACE_NPM:=$WF_ROOT/node_modules}"
export WHYFACE_SHARED WHYFACE_NPM

# What the library, the command and the demo need ...
WF_BUILD_PACKAGES=(
    build-essential cmake ninja-build pkg-config
    libdnnl-dev libonnx-dev libprotobuf-c-dev protobuf-c-compiler
    libjpeg-dev libpng-dev libwebp-dev libexif-dev libcairo2-dev
    libjansson-dev libmicrohttpd-dev libsqlite3-dev librandom123-dev
    libssl-dev
    fonts-dejavu-core
)
# ... and what the tests and the style checks need besides.
WF_TEST_PACKAGES=(
    libcmocka-dev libonnx-testdata python3-numpy python3-onnx python3-torch
    python3-pip python3-setuptools python3-wheel mypy black
    clang-format pmccabe universal-ctags
    librsvg2-bin libxml2-utils poppler-utils chromium mandoc zsh python3-yaml
)
# What scripts/package and scripts/check-package need besides.
WF_PACKAGE_PACKAGES=(dpkg-dev file gzip)
WF_ROOT_PACKAGES=(mmdebstrap)
# What bench/results.sh compares with; tests use it where it is.
WF_BENCH_PACKAGES=(python3-torch python3-onnx python3-numpy)

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    WF_BOLD=$'\e[1m' WF_PLAIN=$'\e[0m'
else
    WF_BOLD='' WF_PLAIN=''
fi

# A heading.
say() {
    printf '%s== %s%s\n' "$WF_BOLD" "$*" "$WF_PLAIN"
}

# Shows a command, then runs it.
show() {
    printf '%s$' "$WF_BOLD"
    printf ' %q' "$@"
    printf '%s\n' "$WF_PLAIN"
    "$@"
}

# The comment at the head of the script, as its help.
usage() {
    awk 'NR == 1 { next } !/^#/ { exit } { sub(/^# ?/, ""); print }' "$WF_SCRIPT"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# quietly LOG COMMAND...: the output goes to the file LOG, and to the terminal
# only if the command fails.
quietly() {
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 60 "$log" >&2
        die "'$*' failed; its whole output is in $log"
    fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Up to three tries: mirrors and networks have bad moments.
try_thrice() {
    local try
    for try in 1 2 3; do
        "$@" && return
        [ "$try" -eq 3 ] || sleep $((5 * try))
    done
    return 1
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        -o DPkg::Lock::Timeout=120 "$@"
}

# need_debian_packages NAME...: installs those that are not there.
need_debian_packages() {
    local missing=() name
    command -v dpkg-query >/dev/null ||
        die "this is no Debian system; install what Debian calls $*," \
            "then run the steps of 'Building' in README.md"
    for name in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" \
            = installed ] || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        die "Debian packages are missing and neither root's rights nor sudo" \
            "are at hand; run as root: apt-get install ${missing[*]}"
    fi
    say "installing Debian packages: ${missing[*]}"
    quietly build/log/apt-update.log try_thrice apt_get update
    quietly build/log/apt-install.log try_thrice \
        apt_get install --no-install-recommends "${missing[@]}"
}

# need_npm demo|tests: the pinned packages of package-lock.json; the demo does
# without ONNX Runtime (290 MB).  With WHYFACE_NPM set to another folder, that
# one is used as it is.
need_npm() {
    local omit=() lock stamp=$WF_ROOT/node_modules/.whyface
    [ "$WHYFACE_NPM" = "$WF_ROOT/node_modules" ] || return 0
    lock=$(sha256sum package-lock.json)
    if [ -f "$stamp" ]; then
        case $(cat "$stamp") in
        "tests ${lock%% *}" | "$1 ${lock%% *}") return 0 ;;
        esac
    fi
    if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
        need_debian_packages ca-certificates nodejs npm
    fi
    [ "$1" = tests ] || omit=(--omit=dev)
    say "installing npm packages: models, photos$(
        [ "$1" = demo ] || echo ', ONNX Runtime')"
    quietly build/log/npm.log try_thrice \
        npm ci --ignore-scripts --no-audit --no-fund "${omit[@]}"
    printf '%s %s\n' "$1" "${lock%% *}" >"$stamp"
}

# build NAME PRESET [CMAKE-OPTION...]: configures and builds in build/NAME.
build() {
    local name=$1 preset=$2
    shift 2
    say "building build/$name"
    quietly "build/log/$name-configure.log" \
        cmake --preset "$preset" -B "build/$name" "$@"
    quietly "build/log/$name-build.log" \
        cmake --build "build/$name" --parallel "$(nproc)"
}
