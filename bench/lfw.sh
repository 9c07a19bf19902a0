# What benchmarks on LFW share; sourced after scripts/lib.sh.
# shellcheck shell=bash

lfw=$WHYFACE_SHARED/data/lfw

# lfw_open FOLDER MODEL...: FOLDER becomes $out, the command $whyface is built,
# and models and the detector are registered in a home of the folder's own.
lfw_open() {
    local models=$WHYFACE_SHARED/models path name
    mkdir -p "$1"
    out=$(realpath "$1")
    shift
    for path in "$lfw/pairs.txt" "$lfw/images" "$models"/m*.onnx; do
        [ -e "$path" ] || die "'$path' is not there; set WHYFACE_SHARED to the" \
            "folder with models/ and data/lfw/"
    done
    need_debian_packages "${WF_BUILD_PACKAGES[@]}"
    need_npm demo
    build release release
    whyface=build/release/bin/whyface
    export WHYFACE_HOME=$out/home
    [ ! -d "$WHYFACE_HOME/models/mtcnn" ] || return 0
    for name; do
        path=$models/mobilefacenet_arcface_128.onnx
        [ "$name" != fr_feature ] ||
            path=$WHYFACE_NPM/faceplugin-face-recognition-js/model/$name.onnx
        show "$whyface" models add "$path" -n "$name" --replace -q
    done
    show "$whyface" models add-detector "$models"/mtcnn_{p,r,o}net.onnx \
        -n mtcnn --replace -q
}

# lfw_fold5 N: the first N mated pairs of fold 5, as photo,photo,same.  The list
# has, fold by fold, 300 mated pairs and as many others.
lfw_fold5() {
    awk -v most="$1" 'NR > 1 && NF == 3 && ++n > 1200 && n <= 1200 + most &&
        n <= 1500 {
        printf "%s/%s_%04d.jpg,%s/%s_%04d.jpg,Yes\n", $1, $1, $2, $1, $1, $3
    }' "$lfw/pairs.txt"
}
