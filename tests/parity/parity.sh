#!/bin/bash
# usage: parity.sh TEST_PARITY MODEL-KIND
#
# Our embeddings against ONNX Runtime's; exit status 77 where something that is
# needed is not there.
set -euo pipefail

skip() {
    echo "SKIPPED: $*" >&2
    exit 77
}

modules=$(realpath -m "${WHYFACE_NPM:-$WF_SOURCE_DIR/node_modules}")
shared=${WHYFACE_SHARED:-$WF_SOURCE_DIR/../shared}
export WHYFACE_NPM=$modules
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

case $2 in
fr_feature) model=$modules/faceplugin-face-recognition-js/model/fr_feature.onnx ;;
mobilefacenet) model=$shared/models/mobilefacenet_arcface_128.onnx ;;
iresnet50)
    tool=$shared/tools/make_iresnet_onnx.py
    [ -f "$tool" ] || skip "'$tool' is not there"
    /usr/bin/python3 -c 'import onnx' 2>/dev/null ||
        skip "python3-onnx is not installed"
    model=$work/iresnet50.onnx
    /usr/bin/python3 "$tool" "$model" >/dev/null
    ;;
esac
[ -f "$model" ] || skip "'$model' is not there"
photos=()
[ -d "$shared/data/lfw/images" ] && photos=("$shared/data/lfw/images")
"$1" "$model" "${photos[@]}"
