#!/bin/bash
# usage: bench/results.sh [--short|--quick] [FILE]
#
# Measures everything and writes the page of results to FILE
# (bench/results.md): a forward pass of IResNet-50 with random weights and of
# both MobileFaceNets, and a triplet with 500 masks, against ONNX Runtime and
# PyTorch.  Takes an hour or two on two processors; leave the machine alone
# meanwhile.  --short: five rounds of the forward passes and one of the triplets,
# a quarter of an hour.  --quick: two small batches and 20 masks, to see that all
# of it works.  The JSON files and build/release lie in build/.
. "$(dirname "$0")/../scripts/lib.sh"

engine=() explain=(--masks 500)
how=
case ${1:-} in
-h | --help) usage && exit ;;
--short)
    how=' --short' engine=(--repeat 5) explain=(--masks 500 --repeat 1)
    shift
    ;;
--quick)
    how=' --quick' engine=(--batches 1,4 --repeat 2)
    explain=(--masks 20 --repeat 1)
    shift
    ;;
-*) usage >&2 && exit 2 ;;
esac
page=${1:-bench/results.md}

need_debian_packages "${WF_BUILD_PACKAGES[@]}" "${WF_BENCH_PACKAGES[@]}"
need_npm tests
build release release
whyface=build/release/bin/whyface
out=build/bench
mkdir -p "$out"

demo=$WHYFACE_NPM/@vladmandic/face-api/demo
fr=$WHYFACE_NPM/faceplugin-face-recognition-js/model
detector=$fr/fr_landmark.onnx,$fr/fr_detect.onnx
photos=(--face 2 --face 3 --face 1
    "$demo/sample3.jpg" "$demo/sample1.jpg" "$demo/sample4.jpg")
models=("$fr/fr_feature.onnx")
for model in "$WHYFACE_SHARED"/models/mobilefacenet_arcface_128.onnx; do
    [ ! -f "$model" ] || models+=("$model")
done
maker=$WHYFACE_SHARED/tools/make_iresnet_onnx.py
if [ -f "$maker" ]; then
    [ -f "$out/iresnet50.onnx" ] ||
        /usr/bin/python3 "$maker" "$out/iresnet50.onnx"
    models=("$out/iresnet50.onnx" "${models[@]}")
fi

results=()
# measure NAME ARGUMENTS...: JSON to build/bench/NAME.json.
measure() {
    local name=$1
    shift
    say "$name"
    "$whyface" bench "$@" --json >"$out/$name.json.tmp"
    mv "$out/$name.json.tmp" "$out/$name.json"
    results+=("$out/$name.json")
}

for model in "${models[@]}"; do
    name=$(basename "$model" .onnx)
    measure "engine-$name" engine -m "$model" --profile "${engine[@]}"
done
for model in "${models[@]}"; do
    name=$(basename "$model" .onnx)
    measure "explain-$name" explain -m "$model" -d "$detector" \
        "${explain[@]}" "${photos[@]}"
done

{
    echo "# Results"
    echo
    echo "Written by \`bench/results.sh$how\` on" \
        "$(date -u +%Y-%m-%d), commit $(git rev-parse --short HEAD 2>/dev/null ||
            echo unknown), $(uname -sr). [What is measured, and how](README.md)."
    echo
    /usr/bin/python3 -B bench/tables.py "${results[@]}"
} >"$page.tmp"
mv "$page.tmp" "$page"
say "written: $page"
