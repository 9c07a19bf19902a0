#!/bin/bash
# usage: layers_can_fail.sh CHECK-LAYERS: each kind of forbidden include is found.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/src/base "$work"/src/model "$work"/cli
try() {
    printf '#include %s\n' "$2" >"$work/$1"
    if [ "$("$check" "$work" | wc -l)" -ne "$3" ]; then
        echo "$1 with $2: expected $3 faults"
        exit 1
    fi
    rm "$work/$1"
}
check=$1
try src/model/a.c '"base/base.h"' 0
try src/base/a.c '"model/model.h"' 1
try src/model/a.h '<jansson.h>' 0
try src/base/a.c '<jansson.h>' 1
try src/model/a.c '<oneapi/dnnl/dnnl.h>' 1
try cli/a.c '"base/base.h"' 1
try cli/a.c '"app/args.h"' 0
mkdir "$work/src/new"
try src/new/a.c '"base/base.h"' 1
