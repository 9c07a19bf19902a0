#!/bin/bash
# usage: bench/sanity.sh [PAIRS] [FOLDER]
#
# Which methods show the model: the likeness of their maps to those of the same
# model with the weights of its last layers, then of all, drawn anew (Adebayo et
# al., NeurIPS 2018), over the first PAIRS (10) mated pairs of LFW's fold 5, by
# MobileFaceNet-128.  A method whose maps stay alike does not.  Writes
# FOLDER/sanity.md (build/sanity) and keeps each method's JSON.
. "$(dirname "$0")/../scripts/lib.sh"
. bench/lfw.sh

case ${1:-} in
-h | --help) usage && exit ;;
esac
[ $# -le 2 ] || { usage >&2 && exit 2; }
lfw_open "${2:-build/sanity}" mobilefacenet_128
lfw_fold5 "${1:-10}" >"$out/pairs.csv"

# sanity NAME OPTION...: unless it has been done.
sanity() {
    local json=$out/$1.json
    shift
    [ -e "$json" ] && return
    say "sanity $*"
    "$whyface" sanity -m mobilefacenet_128 -d mtcnn -p "$out/pairs.csv" \
        -i "$lfw/images" --stages 3 --json -q "$@" >"$json.part"
    mv "$json.part" "$json"
}

sanity level-sets-100 --method level-sets --masks 100
sanity s-rise-100 --method s-rise --masks 100
sanity literal-s-rise-100 --method s-rise --preset paper --masks 100
for method in gradient gradient-x-input smoothgrad integrated-gradients \
    guided-backprop cam grad-cam grad-cam++ guided-grad-cam lrp ebp xssab fggb \
    patch-similarity; do
    sanity $method --method $method
done
sanity lrp-epsilon --method lrp --preset epsilon
sanity fame-50 --method fame --steps 50
sanity perturbation-100 --method perturbation --steps 100

python3 - "$out" <<'END' | tee "$out/sanity.md"
import json
import pathlib
import sys

print('| method | drawn anew: the last layer | the last half | all |')
print('|---|---|---|---|')
rows = []
for path in pathlib.Path(sys.argv[1]).glob('*.json'):
    stages = json.loads(path.read_text())['tests']['model']['cascading']
    rows.append((path.stem, [s['likeness']['pearson'] for s in stages]))
for name, stages in sorted(rows, key=lambda r: r[1][-1]['mean']):
    cells = [f"{p['mean']:.2f} [{p['low']:.2f}, {p['high']:.2f}]"
             if p['low'] is not None else f"{p['mean']:.2f}" for p in stages]
    print('|', name, '|', ' | '.join(cells), '|')
END
