#!/bin/bash
# usage: test_library.sh SOURCE-FOLDER BUILD-FOLDER
#
# The C of the documents: every ```c block compiles as it stands, and the
# program of doc/library.md, built against an installed library, does what the
# page shows.
set -euo pipefail

source=$1 build=$2
export WHYFACE_NPM=${WHYFACE_NPM:-$source/node_modules}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/root" >"$work/log"
pc=$(find "$work/root" -name whyface.pc)
export PKG_CONFIG_PATH=${pc%/*}
export LD_LIBRARY_PATH=$(pkg-config --variable=libdir whyface)

blocks=0
for page in "$source"/README.md "$source"/doc/*.md "$source"/doc/*/*.md; do
    rm -f "$work"/block-*.c
    awk -v base="$work/block-" '
        /^```c$/ { on = 1; file = base (n += 1) ".c"; printf "" >file; next }
        /^```/ { on = 0 }
        on { print >file }' "$page"
    for block in "$work"/block-*.c; do
        [ -e "$block" ] || continue
        # shellcheck disable=SC2046
        cc -std=c11 -Wall -Wextra -Werror -c -o "$work/block.o" "$block" \
            $(pkg-config --cflags whyface) ||
            { echo "${page#"$source"/}: a block does not compile" && exit 1; }
        blocks=$((blocks + 1))
    done
done
echo "$blocks blocks of C: ok"
[ "$blocks" -gt 0 ]

models=$WHYFACE_NPM/faceplugin-face-recognition-js/model
if [ ! -e "$models/fr_feature.onnx" ]; then
    echo "SKIPPED: '$models' is not there; set WHYFACE_NPM" >&2
    exit 77
fi
export WHYFACE_HOME=$work/home
PATH=$work/root/bin:$PATH
mkdir -p "$WHYFACE_HOME/models/rfb"
cp "$models/fr_feature.onnx" "$WHYFACE_HOME/models/mobilefacenet.onnx"
cp "$models"/fr_{detect,landmark}.onnx "$WHYFACE_HOME/models/rfb"
python3 "$here/console.py" "$source/doc/library.md" "$work/root/bin"
