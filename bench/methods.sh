#!/bin/bash
# usage: bench/methods.sh [PAIRS] [FOLDER]
#
# Compares all methods on the first PAIRS (110) mated pairs of LFW's fold 5, by
# both MobileFaceNets, in FOLDER (build/methods).  Fold 5, for the defaults were
# chosen on fold 1.  Frequency shows no places and is left out.  It writes
#
#   methods.md   tables at the published budgets, where those are below 4000
#                forwards (and MinPlus at 2000); of the white-box methods; then a
#                third of the pairs at thousands of forwards, of methods that
#                contrast the mate with a non-mate, and with the other fills
#   MODEL.png    score against forwards
#   sheet.png    the maps of all methods for two pairs, side by side
#
# All of it takes hours; stop it and start it again: it goes on.
. "$(dirname "$0")/../scripts/lib.sh"
. bench/lfw.sh

case ${1:-} in
-h | --help) usage && exit ;;
esac
[ $# -le 2 ] || { usage >&2 && exit 2; }
pairs=${1:-110}
lfw_open "${2:-build/methods}" mobilefacenet_128 fr_feature
lfw_fold5 "$pairs" >"$out/fold5.csv"
lfw_fold5 $(((pairs + 2) / 3)) >"$out/third.csv"

few=(-x level-sets100=level-sets,masks=100 -x level-sets300=level-sets)
published=(-x s-rise -x paper1000=s-rise,preset=paper,masks=1000
    -x corrrise -x fame=corrrise,preset=fame -x xface -x occlusion -x lime
    -x kernelshap -x sobol -x hsic -x minplus2000=minplus,budget=2000)
long=(-x s-rise5000=s-rise,masks=5000 -x kernelshap5000=kernelshap,budget=5000
    -x rise -x fv-rise -x d-rise -x mfpp5000=mfpp,budget=5000 -x minplus)
white=(-x gradient -x gradient-x-input -x smoothgrad -x ig-grey=integrated-gradients
    -x ig-mean=integrated-gradients,fill=mean
    -x ig-black=integrated-gradients,fill=black
    -x guided-backprop -x cam -x grad-cam -x grad-cam++ -x guided-grad-cam -x lrp
    -x lrp-epsilon=lrp,preset=epsilon -x ebp -x xssab -x fggb
    -x fame100=fame,steps=100 -x perturbation -x patch-similarity)
contrasts=(-x dise -x ebp -x contrastive-ebp
    -x truncated=contrastive-ebp,preset=truncated -x subtree-ebp)

# compare NAME LIST NON-MATES TITLE ARGUMENT...: a database, and its tables in
# methods.md.
compare() {
    local db=$out/$1.db list=$2 nonmate=$3 title=$4
    shift 4
    show "$whyface" bench run "$db" -m mobilefacenet_128 -m fr_feature -d mtcnn \
        --precision bf16 -p "$list" -i "$lfw/images" --nonmate "$nonmate" \
        --controls random,centred "$@"
    {
        printf '## %s\n\n' "$title"
        "$whyface" bench report "$db" --format markdown --baseline level-sets100
    } >>"$out/methods.part"
}

rm -f "$out/methods.part"
compare methods "$out/fold5.csv" none "Published budgets" "${few[@]}" \
    -x level-sets1000=level-sets,masks=1000 -x s-rise100=s-rise,masks=100 \
    "${published[@]}"
for model in mobilefacenet_128 fr_feature; do
    show "$whyface" bench report "$out/methods.db" -q --against forwards \
        -m "$model" --plot "$out/$model.png" >/dev/null
done
compare white "$out/fold5.csv" none "White box" "${few[@]}" -x s-rise \
    -x kernelshap "${white[@]}"
compare long "$out/third.csv" none "Thousands of forwards" "${few[@]}" "${long[@]}"
compare triplets "$out/third.csv" random "Mate against non-mate" "${few[@]}" \
    "${contrasts[@]}"
for fill in blur road black; do
    compare "$fill" "$out/third.csv" none "Fill: $fill" --fill "$fill" \
        "${few[@]}" -x s-rise -x kernelshap -x xface -x lrp -x ebp -x fggb
done
mv "$out/methods.part" "$out/methods.md"

show "$whyface" evaluate -m mobilefacenet_128 -d mtcnn --precision bf16 \
    -p "$out/fold5.csv" -i "$lfw/images" -n 2 --curves-only -q "${few[@]}" \
    "${published[@]}" -x rise -x d-rise -x mfpp "${white[@]}" \
    --sheet "$out/sheet.png"
say "$out/methods.md, $out/*.png"
