# Shell functions of the command's tests; sourced.
# shellcheck shell=bash

set -uo pipefail

whyface=$1
source=$WF_SOURCE_DIR
shared=${WHYFACE_SHARED:-$source/../shared}
npm=${WHYFACE_NPM:-$source/node_modules}
failures=0

skip() {
    echo "SKIPPED: $*" >&2
    exit 77
}

need() {
    [ -e "$1" ] || skip "'$1' is not there; set $2 to the folder that has it"
}

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
export WHYFACE_HOME=$work/home
unset WHYFACE_MODEL WHYFACE_DETECTOR

# run ARGUMENTS...: runs whyface; sets status, and leaves $work/out, $work/err.
run() {
    status=0
    "$whyface" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
}

complain() {
    failures=$((failures + 1))
    echo "FAILED: $*"
    sed 's/^/    out: /' "$work/out" | head -5
    sed 's/^/    err: /' "$work/err" | head -5
}

# works TEXT ARGUMENTS...: exit status 0 and TEXT in the output.
works() {
    local text=$1
    shift
    run "$@"
    if [ "$status" -ne 0 ] ||
        { [ -n "$text" ] && ! grep -qe "$text" "$work/out"; }; then
        complain "whyface $*: status $status, expected 0 and '$text'"
    fi
}

# refuses STATUS TEXT ARGUMENTS...: that status and one message with TEXT (a
# hint may follow), nothing on standard output.
refuses() {
    local expected=$1 text=$2 messages
    shift 2
    run "$@"
    messages=$(grep -c '^whyface' "$work/err")
    if [ "$status" -ne "$expected" ] || [ "$messages" -ne 1 ] ||
        ! grep -qe "$text" "$work/err" || [ -s "$work/out" ]; then
        complain "whyface $*: status $status and $messages messages," \
            "expected $expected and one with '$text'"
    fi
}

# absent PATH...: none of them exists.
absent() {
    local path
    for path in "$@"; do
        [ ! -e "$path" ] || complain "'$path' was left behind"
    done
}

finish() {
    [ "$failures" -eq 0 ] || {
        echo "$failures failures"
        exit 1
    }
    echo "all passed"
}
