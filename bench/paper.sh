#!/bin/bash
# usage: bench/paper.sh WHAT [FOLDER]
#
# Regenerates a table or figure of Lu and Ebrahimi, 2023, in FOLDER
# (build/paper), by LFW, MTCNN and mobilefacenet_arcface_128.onnx below
# WHYFACE_SHARED (default: shared beside the checkout).  WHAT is
#   table1  Deletion and Insertion of 50 triplets, N = 10, 100, 500, 1000: about
#           an hour on two processors; started again, it goes on
#   mean    what the literal method's maps owe to the masks alone
#   fig2    sanity check: the model with random weights
#   fig3    matching and non-matching pairs
#   fig4    a false match: the impostor pair with the largest similarity
#   fig5    a mask and sunglasses on the probe
#   fig6    convergence, N = 10, 100, 500, 1000
#   all     all of it
# Figures are drawn for the method as published (--preset paper) and for the
# defaults of S-RISE.  doc/paper.md says what came out.
. "$(dirname "$0")/../scripts/lib.sh"

case ${1:-} in
-h | --help) usage && exit ;;
table1 | mean | fig[2-6] | all) what=$1 ;;
*) usage >&2 && exit 2 ;;
esac
[ $# -le 2 ] || { usage >&2 && exit 2; }
mkdir -p "${2:-build/paper}"
out=$(realpath "${2:-build/paper}")

# ---- what everything needs ----

lfw=$WHYFACE_SHARED/data/lfw
model=$WHYFACE_SHARED/models/mobilefacenet_arcface_128.onnx
mtcnn=("$WHYFACE_SHARED"/models/mtcnn_{p,r,o}net.onnx)
for path in "$lfw/pairs.txt" "$lfw/images" "$model" "${mtcnn[@]}"; do
    [ -e "$path" ] || die "'$path' is not there, so nothing of the paper can be" \
        "regenerated; set WHYFACE_SHARED to the folder with models/ and data/lfw/"
done
need_debian_packages "${WF_BUILD_PACKAGES[@]}"
build release release
whyface=build/release/bin/whyface

# Models and thresholds of their own; the user's are left alone.
export WHYFACE_HOME=$out/home
[ -f "$WHYFACE_HOME/models/mobilefacenet_128.json" ] ||
    show "$whyface" models add "$model" -n mobilefacenet_128 -q
[ -d "$WHYFACE_HOME/models/mtcnn" ] ||
    show "$whyface" models add-detector "${mtcnn[@]}" -n mtcnn -q
use=(-m mobilefacenet_128 -d mtcnn)
centre=(--face centre --face centre --face centre)

# The threshold, and the similarities of all pairs.
if [ ! -f "$out/scores.csv" ]; then
    show "$whyface" calibrate "${use[@]}" "$lfw/pairs.txt" -i "$lfw/images" \
        --store --csv "$out/scores.csv"
fi

# mated K: both photos of the K-th mated pair of the list, one a line.
mated() {
    awk -v k="$1" -v images="$lfw/images" '
        NR > 1 && NF == 3 && ++n == k {
            printf "%s/%s/%s_%04d.jpg\n", images, $1, $1, $2
            printf "%s/%s/%s_%04d.jpg\n", images, $1, $1, $3 }' "$lfw/pairs.txt"
}

# both COMMAND...: S-RISE with --preset paper and with its defaults, 500 masks; %s in an
# argument is the name of the one.
both() {
    local name preset
    for name in paper default; do
        preset=(--method s-rise)
        [ "$name" = default ] || preset+=(--preset paper)
        show "${@//%s/$name}" "${preset[@]}" --masks 500
    done
}

# ---- tables ----

# The methods compared over 50 triplets of LFW.
table1() {
    say "Table 1: Deletion and Insertion"
    show "$whyface" bench run "$out/table1.db" "${use[@]}" -p "$lfw/pairs.txt" \
        -i "$lfw/images" -n 50 -x default=s-rise -x paper=s-rise,preset=paper \
        --vary masks=10,100,500,1000 --save-maps "$out/maps"
    show "$whyface" bench report "$out/table1.db" --format markdown \
        --plot "$out/table1.png" | tee "$out/table1.md"
}

mean() {
    say "the mean mask in the plain sum"
    show build/release/bin/mean_mask "$lfw" mobilefacenet_128 \
        "$(IFS=, && echo "${mtcnn[*]}")" 10 | tee "$out/mean.md"
}

# ---- figures ----

fig2() {
    local pair
    say "Figure 2: random weights"
    mapfile -t pair < <(mated 51)
    both "$whyface" sanity "${use[@]}" "${centre[@]}" "${pair[@]}" --stages 3 \
        --figure "$out/fig2-%s.png" | tee "$out/fig2.txt"
}

fig3() {
    local k pair other
    say "Figure 3: matching and non-matching pairs"
    for k in 1 51 301; do
        mapfile -t pair < <(mated "$k")
        mapfile -t other < <(mated $((k + 20)))
        both "$whyface" explain "${use[@]}" "${centre[@]}" "${pair[@]}" \
            "${other[0]}" -o "$out/fig3-$k-%s"
    done
}

# Impostor pairs that are accepted, the most similar first: "similarity photo
# photo".
false_matches() {
    local threshold
    threshold=$("$whyface" models show mobilefacenet_128 |
        awk '$1 == "threshold" && $2 == "accuracy" { print $3 }')
    tr -d '"' <"$out/scores.csv" | awk -F, -v t="$threshold" '
        $3 == "impostor" && $5 >= t { print $5, $1, $2 }' | sort -rg
}

# The first of them with a second photo of one of the two persons: that one is
# the probe.
fig4() {
    local probe other mate='' photo
    say "Figure 4: a false match"
    echo "accepted impostor pairs of the list:"
    false_matches | sed "s|$lfw/images/||g"
    while read -r _ probe other && [ -z "$mate" ]; do
        for _ in 1 2; do
            for photo in "$(dirname "$probe")"/*.jpg; do
                [ "$photo" = "$probe" ] || { mate=$photo && break 2; }
            done
            photo=$probe probe=$other other=$photo
        done
        triplet=("$probe" "$mate" "$other")
    done < <(false_matches)
    [ -n "$mate" ] || die "no accepted impostor has a mate among the photos"
    both "$whyface" explain "${use[@]}" "${centre[@]}" "${triplet[@]}" \
        -o "$out/fig4-%s"
}

# Aligned by the landmarks that were found before the occlusion was drawn.
fig5() {
    local k kind pair crop
    say "Figure 5: occluded faces"
    for k in 51 301; do
        mapfile -t pair < <(mated "$k")
        "$whyface" align "${use[@]}" --face centre "${pair[1]}" -o "$out/fig5" -q
        for kind in mask sunglasses; do
            show "$whyface" occlude "${use[@]}" --face centre "${pair[0]}" -k "$kind" \
                --crop -o "$out/fig5"
            crop=$out/fig5/$(basename "${pair[0]}" .jpg)-$kind.png
            both "$whyface" explain "${use[@]:0:2}" --aligned "$crop" \
                "$out/fig5/$(basename "${pair[1]}" .jpg)-aligned.png" \
                -o "$out/fig5-$k-$kind-%s"
        done
    done
    # The same with the maps before it, and how much of them lies there.
    mapfile -t pair < <(mated 51)
    both "$whyface" sanity "${use[@]}" "${centre[@]}" "${pair[@]}" \
        --test occlusion --figure "$out/fig5-%s.png" | tee "$out/fig5.txt"
}

fig6() {
    local pair
    say "Figure 6: convergence"
    mapfile -t pair < <(mated 51)
    both "$whyface" sanity "${use[@]}" "${centre[@]}" "${pair[@]}" \
        --test stability --counts 10,100,500,1000 --seeds 2 \
        --figure "$out/fig6-%s.png" | tee "$out/fig6.txt"
}

if [ "$what" = all ]; then
    for what in fig2 fig3 fig4 fig5 fig6 mean table1; do
        "$what"
    done
else
    "$what"
fi
say "written: $out"
