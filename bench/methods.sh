#!/bin/bash
# usage: bench/methods.sh [PAIRS] [FOLDER]
#
# Compares the methods at their published budgets (MinPlus, which takes 17,551
# forwards, at 2000), and level-sets at 100 and 300, on the first PAIRS (100)
# mated pairs of LFW's fold 5, by both MobileFaceNets, in FOLDER (build/methods):
# methods.md and methods.png, the score against forwards.  Fold 5, for the
# defaults were chosen on folds 1 to 4.  All of it takes many hours; stop it and
# start it again: it goes on.
. "$(dirname "$0")/../scripts/lib.sh"

case ${1:-} in
-h | --help) usage && exit ;;
esac
[ $# -le 2 ] || { usage >&2 && exit 2; }
pairs=${1:-100}
mkdir -p "${2:-build/methods}"
out=$(realpath "${2:-build/methods}")

lfw=$WHYFACE_SHARED/data/lfw
models=$WHYFACE_SHARED/models
for path in "$lfw/pairs.txt" "$lfw/images" "$models"/m*.onnx; do
    [ -e "$path" ] || die "'$path' is not there; set WHYFACE_SHARED to the" \
        "folder with models/ and data/lfw/"
done
need_debian_packages "${WF_BUILD_PACKAGES[@]}"
need_npm demo
build release release
whyface=build/release/bin/whyface
export WHYFACE_HOME=$out/home
if [ ! -d "$WHYFACE_HOME/models/mtcnn" ]; then
    show "$whyface" models add "$models/mobilefacenet_arcface_128.onnx" \
        -n mobilefacenet_128 --replace -q
    show "$whyface" models add \
        "$WHYFACE_NPM/faceplugin-face-recognition-js/model/fr_feature.onnx" \
        -n fr_feature --replace -q
    show "$whyface" models add-detector "$models"/mtcnn_{p,r,o}net.onnx \
        -n mtcnn --replace -q
fi

# Of LFW's list fold by fold 300 mated pairs and as many others: the mated ones
# of fold 5 as photo,photo,same.
awk 'NR > 1 && NF == 3 && ++n > 1200 && n <= 1500 {
    printf "%s/%s_%04d.jpg,%s/%s_%04d.jpg,Yes\n", $1, $1, $2, $1, $1, $3 }' \
    "$lfw/pairs.txt" | head -n "$pairs" >"$out/fold5.csv"

methods=(-x level-sets100=level-sets,masks=100 -x level-sets300=level-sets
    -x s-rise -x paper1000=s-rise,preset=paper,masks=1000
    -x corrrise -x fame=corrrise,preset=fame -x xface -x minplus2000=minplus,budget=2000 -x occlusion
    -x lime -x kernelshap -x sobol -x hsic -x rise -x d-rise)
show "$whyface" bench run "$out/methods.db" -m mobilefacenet_128 -m fr_feature \
    -d mtcnn --precision bf16 -p "$out/fold5.csv" -i "$lfw/images" \
    "${methods[@]}"
show "$whyface" bench report "$out/methods.db" --format markdown \
    --baseline level-sets100 --plot "$out/methods.png" --against forwards \
    >"$out/methods.md"
say "$out/methods.md, $out/methods.png"
