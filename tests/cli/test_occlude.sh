#!/bin/bash
# usage: test_occlude.sh WHYFACE: occlusions on real photos.
. "$(dirname "$0")/lib.sh"

demo=$npm/@vladmandic/face-api/demo
fr=$npm/faceplugin-face-recognition-js/model
need "$demo/sample3.jpg" WHYFACE_NPM
need "$fr/fr_detect.onnx" WHYFACE_NPM
detector=(-d "$fr/fr_detect.onnx,$fr/fr_landmark.onnx")
photo=$demo/sample3.jpg
one=("${detector[@]}" --face 2 "$photo")

# ---- photos; no model is needed ----
for kind in mask sunglasses scarf hand; do
    works "sample3-$kind.png: .* % of the photo covered" occlude "${one[@]}" \
        -k $kind --region png -o "$work/all"
    [ -s "$work/all/sample3-$kind-region.png" ] || complain "no region of $kind"
done
[ "$(find "$work/all" -type f | wc -l)" -eq 8 ] || complain "stray files"
# Only the face that was chosen changes: the others are found as before.
works '3 faces' detect "${detector[@]}" "$work/all/sample3-sunglasses.png"
works '' occlude "${one[@]}" -k hand --seed 0 -o "$work/again.png" -q
cmp -s "$work/again.png" "$work/all/sample3-hand.png" || complain "not repeatable"
works '' occlude "${one[@]}" -k hand --seed 5 -o "$work/again.png" -q
! cmp -s "$work/again.png" "$work/all/sample3-hand.png" || complain "--seed has no effect"
works '' occlude "${one[@]}" --colour '#102030' --opacity 0.5 --region npy -o "$work/one.jpg"
[ -s "$work/one.jpg" ] || complain "no one.jpg"
[ -s "$work/one-region.npy" ] || complain "no one-region.npy"

# ---- crops ----
run models add "$fr/fr_feature.onnx" -q
works '' align "${one[@]}" -o "$work" -q
works '% of the crop covered' occlude "${one[@]}" --crop --region npy -o "$work/crop.png"
# On the crop itself, the model's template takes the place of landmarks.
works '% of the crop covered' occlude --aligned "$work/sample3-aligned.png" --crop \
    --region npy -o "$work/aligned.png"
if /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
    /usr/bin/python3 - "$work" <<'PY' || complain "the region does not lie on the mask"
import sys, numpy
folder = sys.argv[1] + '/'
region, template = (numpy.load(folder + n + '-region.npy') for n in ('crop', 'aligned'))
assert region.shape == template.shape and region.dtype == numpy.float32
assert 0 <= region.min() and region.max() == 1
h, w = region.shape
assert region[int(.82 * h), w // 2] == 1 and region[:int(.4 * h)].max() < 1  # mouth, eyes
both = numpy.minimum(region, template).sum() / numpy.maximum(region, template).sum()
assert both > 0.7, both  # landmarks near the template, so regions near each other
PY
fi

# ---- several photos, and what is refused ----
run occlude "${detector[@]}" --face left "$photo" "$work/none.jpg" -o "$work/part"
[ "$status" -eq 3 ] || complain "one bad photo of two: status $status"
[ -s "$work/part/sample3-mask.png" ] || complain "the good photo was not done"
refuses 2 "expected mask, sunglasses, scarf or hand, got 'beard'" occlude "${one[@]}" -k beard -o "$work/x"
refuses 2 "expected #RRGGBB" occlude "${one[@]}" --colour blue -o "$work/x"
refuses 2 "option --opacity" occlude "${one[@]}" --opacity 0 -o "$work/x"
refuses 2 "option --seed: expected an integer" occlude "${one[@]}" --seed 1.5 -o "$work/x"
refuses 2 "expected png or npy, got 'gif'" occlude "${one[@]}" --region gif -o "$work/x"
absent "$work/x"
refuses 1 'shows 3 faces and none stands out' occlude "${detector[@]}" "$photo" -o "$work/y.png"
refuses 1 'an aligned crop for model' occlude --aligned "$photo" -o "$work/y.png"
refuses 1 'cannot write' occlude "${one[@]}" -o "$work/nowhere/y.png"
absent "$work/y.png"
finish
