#!/bin/bash
# usage: test_commands.sh WHYFACE: every command on real photos.
. "$(dirname "$0")/lib.sh"

demo=$npm/@vladmandic/face-api/demo
fr=$npm/faceplugin-face-recognition-js/model
need "$demo/sample3.jpg" WHYFACE_NPM

# ---- help ----
works 'usage: whyface COMMAND' help
works 'whyface 0.1.0' --help
works 'engine: oneDNN' version
for command in explain evaluate sanity verify detect align embed models \
    calibrate methods serve bench occlude version; do
    works '^Example:' help "$command"
    works '^usage: whyface '"$command" "$command" --help
done
works 'Lu and Ebrahimi' methods
works 'fill=black' methods s-rise
refuses 2 "'explian' is not a whyface command" explian
grep -q "did you mean 'explain'" "$work/err" || complain "no suggestion"
refuses 2 "unknown option '--treads'" detect x.jpg --treads 2
grep -q 'did you mean --threads' "$work/err" || complain "no suggestion"
refuses 2 'too few arguments' explain one.jpg
refuses 2 'too many arguments' verify a b c
refuses 2 "needs a value" detect x.jpg --threads
refuses 2 "there is no method 'x'" methods x

# ---- models ----
works 'nothing is registered' models
refuses 2 'no model is registered' verify "$demo/sample1.jpg" "$demo/sample3.jpg"
works "registered as 'fr_feature'" models add "$fr/fr_feature.onnx"
works 'detector  rfb' models add-detector "$fr/fr_landmark.onnx" "$fr/fr_detect.onnx"
works 'model     fr_feature' models list
works 'npm faceplugin' models show fr_feature
refuses 1 'is registered already' models add "$fr/fr_feature.onnx"
refuses 1 'the detector of the face detector rfb' models add "$fr/fr_detect.onnx"
refuses 1 'is no face detector that is known' models add-detector "$fr/fr_feature.onnx" -n x
works "registered as 'copy'" models add "$fr/fr_feature.onnx" -n copy --mean 127 --divisor 128 --licence MIT
refuses 2 'several models are registered (copy, fr_feature)' verify a b
rm "$WHYFACE_HOME"/models/copy.*

# ---- detect, align, verify, embed ----
works '3 faces' detect "$demo/sample3.jpg" -o "$work/faces.png"
[ -s "$work/faces.png" ] || complain "no picture of faces"
works '"landmarks"' detect "$demo/sample3.jpg" --json
works '  match$' verify --face 2 --face 3 "$demo/sample3.jpg" "$demo/sample1.jpg" --threshold 0.25
works '"verdict": "no match"' verify --face 2 --face 1 "$demo/sample3.jpg" "$demo/sample4.jpg" --threshold 0.25 --json
works 'sample3-aligned.png' align --face 2 "$demo/sample3.jpg" -o "$work/crops"
works 'similarity 1.0000' verify --aligned "$work"/crops/sample3-aligned.png "$work"/crops/sample3-aligned.png
works '' embed --face left "$demo/sample3.jpg" "$demo/sample1.jpg" -o "$work/e.npy"
[ "$(wc -l <"$work/e.npy.txt")" -eq 2 ] || complain "e.npy.txt"
[ "$(stat -c %s "$work/e.npy")" -eq $((128 + 2 * 512 * 4)) ] || complain "e.npy"
works '' embed --face left "$demo/sample3.jpg" -o "$work/e.csv"
[ "$(tr , '\n' <"$work/e.csv" | wc -l)" -eq 513 ] || complain "e.csv"
works '"embedding"' embed --face left "$demo/sample3.jpg"
run embed --face left "$demo/sample3.jpg" "$work/none.jpg" -o "$work/part.json"
[ "$status" -eq 3 ] || complain "embed with one bad photo: status $status"
[ -s "$work/part.json" ] || complain "part.json"

# ---- explain ----
triplet=(--face 2 --face 3 --face 1 "$demo/sample3.jpg" "$demo/sample1.jpg" "$demo/sample4.jpg")
works '123 model calls' explain "${triplet[@]}" --masks 40 --format png,svg,pdf -o "$work/a"
for file in figure.png figure.svg figure.pdf result.json map-difference.npy \
    map-mate-probe.npy map-mate-mate.npy map-nonmate-probe.npy \
    map-nonmate-nonmate.npy error-mate-probe.npy error-mate-mate.npy \
    error-nonmate-probe.npy error-nonmate-nonmate.npy crop-probe.png crop-mate.png \
    crop-nonmate.png; do
    [ -s "$work/a/$file" ] || complain "explain wrote no $file"
done
[ "$(find "$work/a" -type f | wc -l)" -eq 16 ] || complain "stray files in a/"
for key in whyface sha256 landmarks seed similarity verdict threshold seconds forwards support; do
    grep -q "\"$key\"" "$work/a/result.json" || complain "result.json has no $key"
done
# The same inputs, options and seed give the same maps ...
works '' explain "${triplet[@]}" --masks 40 -o "$work/b" -q
cmp -s "$work/a/map-mate-probe.npy" "$work/b/map-mate-probe.npy" || complain "not repeatable"
# ... another seed gives others ...
works '' explain "${triplet[@]}" --masks 40 --seed 2 -o "$work/b" -q
! cmp -s "$work/a/map-mate-probe.npy" "$work/b/map-mate-probe.npy" || complain "seed has no effect"
# ... and batches and threads change them by rounding only.
for how in '--threads 1' '--batch 1' '--batch 7 --threads 2'; do
    # shellcheck disable=SC2086
    works '' explain "${triplet[@]}" --masks 40 $how -o "$work/b" -q
    if /usr/bin/python3 -c 'import numpy' 2>/dev/null; then
        /usr/bin/python3 - "$work/a" "$work/b" <<'PY' || complain "maps differ with $how"
import sys, glob, os, numpy
for a in glob.glob(sys.argv[1] + '/*.npy'):
    x, y = numpy.load(a), numpy.load(os.path.join(sys.argv[2], os.path.basename(a)))
    assert abs(x - y).max() <= 1e-4 * abs(x).max(), (a, abs(x - y).max() / abs(x).max())
PY
    fi
done
works 'are the same picture' explain --face 2 --face 2 "$demo/sample3.jpg" "$demo/sample3.jpg" --masks 5 -o "$work/same"
works 'sum-over-max' methods s-rise
works '' explain --aligned "$work/a/crop-probe.png" "$work/a/crop-mate.png" --method s-rise --masks 5 --preset paper -o "$work/paper" -q
grep -q '"fill": "black"' "$work/paper/result.json" || complain "--preset paper"

# ---- calibrate ----
mkdir -p "$work/people"
for i in 1 2 3; do
    cp "$work/a/crop-probe.png" "$work/people/p$i.png"
    cp "$work/a/crop-nonmate.png" "$work/people/n$i.png"
done
printf 'a,b,same\np1.png,p2.png,Yes\np1.png,n1.png,No\nn2.png,n3.png,Yes\np3.png,n2.png,No\n' >"$work/people/pairs.csv"
works 'accuracy 100.00 %' calibrate "$work/people/pairs.csv" --aligned --store
works 'threshold  accuracy' models show fr_feature
works '"eer": 0.0' calibrate "$work/people/pairs.csv" --aligned --json --csv "$work/scores.csv"
[ "$(wc -l <"$work/scores.csv")" -eq 5 ] && grep -q '^"[^"]*/p1.png","[^"]*/p2.png",genuine,[0-9]*,1.000000$' \
    "$work/scores.csv" && grep -q 'n1.png",impostor,' "$work/scores.csv" || complain "calibrate --csv"
# A list without a heading loses no pair.
tail -n +2 "$work/people/pairs.csv" >"$work/people/bare.csv"
works '"eer": 0.0' calibrate "$work/people/bare.csv" --aligned --json --csv "$work/bare.csv"
cmp -s "$work/scores.csv" "$work/bare.csv" || complain "a CSV without a heading"
refuses 1 'cannot write' calibrate "$work/people/pairs.csv" --aligned --csv "$work/none/a.csv"
printf '2 1\nAnna 1 x\n' >"$work/people/pairs.txt"
refuses 1 'line 2: expected' calibrate "$work/people/pairs.txt"
refuses 1 'cannot be opened' calibrate "$work/none.txt"
finish
