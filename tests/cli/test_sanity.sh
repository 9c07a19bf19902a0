#!/bin/bash
# usage: test_sanity.sh WHYFACE: 'sanity' on a triplet, and what it refuses.
. "$(dirname "$0")/lib.sh"

demo=$npm/@vladmandic/face-api/demo
need "$demo/sample3.jpg" WHYFACE_NPM
need "$shared/models/mobilefacenet_arcface_128.onnx" WHYFACE_SHARED
mtcnn=("$shared"/models/mtcnn_{p,r,o}net.onnx)
need "${mtcnn[0]}" WHYFACE_SHARED

run models add "$shared/models/mobilefacenet_arcface_128.onnx" -n small -q
run models add-detector "${mtcnn[@]}" -n mtcnn -q
works '' align --face 2 "$demo/sample3.jpg" -o "$work" -q
works '' align --face 3 "$demo/sample1.jpg" -o "$work" -q
works '' align --face 1 "$demo/sample4.jpg" -o "$work" -q
pair=(--aligned "$work/sample3-aligned.png" "$work/sample1-aligned.png")
triplet=("${pair[@]}" "$work/sample4-aligned.png")
quick=(--masks 10 -q)

# check CODE: d is the last output's JSON.
check() {
    /usr/bin/python3 -c "import json, sys
d = json.load(open(sys.argv[1]))
$1" "$work/out" || complain "python: $1"
}

# ---- the model: first and last stage, the controls that are known ----
works '"cascading"' sanity "${pair[@]}" --stages 2 --json --figure "$work/a.svg" "${quick[@]}"
check "
m = d['tests']['model']
assert d['method']['options']['masks'] == '10'
assert [len(m[k]) for k in ('cascading', 'independent', 'controls')] == [2, 2, 3]
a, b = m['cascading'], m['independent']
assert a[0]['line'].strip() == 'last 1 of 51 layers' and 'last 51' in a[1]['line']
assert a[0]['likeness'] == b[0]['likeness'] and a[1]['likeness'] != b[1]['likeness']
assert all(l['likeness']['spearman'] < 0.999 for l in a + b)
seed, random, centred = (l['likeness'] for l in m['controls'])
assert seed['spearman'] < 1 and abs(random['spearman']) < 0.05
assert all(abs(v - 1) < 1e-9 for v in centred.values())
"
grep -q '<svg' "$work/a.svg" || complain "no figure"
cp "$work/out" "$work/first"
works '' sanity "${pair[@]}" --stages 2 --json --threads 1 --batch 3 "${quick[@]}"
check "
e = json.load(open('$work/first'))
for k in ('cascading', 'independent', 'controls'):
    for x, y in zip(d['tests']['model'][k], e['tests']['model'][k]):
        assert all(abs(x['likeness'][n] - y['likeness'][n]) < 0.01 for n in x['likeness']), (x, y)
"
works 'with shuffled weights' sanity "${pair[@]}" --stages 1 --weights shuffled "${quick[@]}"
grep -q 'last 51 of 51 layers' "$work/out" || complain "one stage is not all layers"

# ---- the others ----
works 'spearman' sanity "${pair[@]}" --test stability --seeds 3 --counts 5,40 --json "${quick[@]}"
check "
s = d['tests']['stability']
few, many, random, centred = (l['likeness']['spearman'] for l in s['lines'])
assert s['seeds'] == 3 and few < many and abs(random) < 0.05 and centred > 0.999
"
works '"hiding"' sanity "${triplet[@]}" --test hiding --threshold 0.3 --json "${quick[@]}"
check "
h = d['tests']['hiding']
assert len(h) == 4 * 3 and [a['percent'] for a in h[0]['at']] == [50, 70, 80, 90, 95]
assert all(l['hidden'] is None or 0 <= l['hidden'] <= 1 for l in h)
"
works '== occlusion' sanity "${triplet[@]}" --test all --stages 1 --seeds 2 \
    --region 10,20,30,40 --kind hand --threshold 0.3 --figure "$work/a.png" "${quick[@]}"
for text in '== model' '== stability' '== hiding' '== patch' '30 x 40 at 10, 20: similarity' 'hand: similarity'; do
    grep -q -- "$text" "$work/out" || complain "no '$text'"
done
[ -s "$work/a.png" ] || complain "no figure"
works '"patch"' sanity "${triplet[@]}" --test patch,occlusion --region mouth --json "${quick[@]}"
check "
for l in d['tests']['patch'] + d['tests']['occlusion']:
    own, random, centred = l['lines']
    assert 0 < own['before']['area'] == own['after']['area'] < 0.5
    assert own['before'] != own['after'] and random['before'] == random['after']
    assert abs(random['after']['mass'] - random['after']['area']) < 0.02
assert [o['region'] for o in d['tests']['occlusion']] == ['mask', 'sunglasses']
"
# The probe's photo is read again to draw on it; its crop stays where it was.
works '^mask: similarity' sanity --face 2 --face 3 "$demo/sample3.jpg" "$demo/sample1.jpg" \
    --test occlusion --kind mask "${quick[@]}"
# A patch of the non-mate's own pixels changes nothing.
works '' sanity --aligned "$work"/sample{3,4,4}-aligned.png --test patch --json "${quick[@]}"
check "
l, = d['tests']['patch']
assert l['similarity'][0] == l['similarity'][1]
assert l['lines'][0]['before'] == l['lines'][0]['after']
"

# ---- means over a list of pairs ----
cat >"$work/pairs.csv" <<CSV
first,second,same
sample3-aligned.png,sample1-aligned.png,Yes
sample3-aligned.png,sample4-aligned.png,No
sample1-aligned.png,sample3-aligned.png,Yes
sample3-aligned.png,none.png,Yes
CSV
some=(--test stability,patch --seeds 2 --counts 5,20 "${quick[@]}" --json)
works '' sanity "${triplet[@]}" "${some[@]}"
cp "$work/out" "$work/first"
works '' sanity --aligned "$work"/sample{1,3,4}-aligned.png "${some[@]}"
cp "$work/out" "$work/second"
run sanity --aligned -p "$work/pairs.csv" "${some[@]}"
[ "$status" -eq 3 ] || complain "status $status with a pair that lacks a photo"
grep -q 'warning: 1 of 3 pairs are left out' "$work/err" || complain "no warning of a left-out pair"
check "
a, b = (json.load(open(f'$work/{n}')) for n in ('first', 'second'))
seen = 0
def walk(m, x, y, path):
    global seen
    if isinstance(m, dict) and 'mean' in m:
        # Pairs have random maps of their own.
        if x is not None and 'random' not in path:
            seen += 1
            assert abs(m['mean'] - (x + y) / 2) < 1e-6 and m['n'] == 2, (path, m, x, y)
            assert m['low'] - 1e-9 <= min(x, y) and max(x, y) <= m['high'] + 1e-9
    elif isinstance(m, dict):
        assert m.keys() == x.keys() == y.keys()
        for k in m:
            walk(m[k], x[k], y[k], path + str(m.get('line', '')))
    elif isinstance(m, list):
        assert len(m) == len(x) == len(y)
        for i, v in enumerate(m):
            walk(v, x[i], y[i], path)
    else:
        assert m == x == y, (path, m)
walk(d['tests'], a['tests'], b['tests'], '')
assert d['pairs'] == 2 and seen > 20, seen
"
works '' sanity --aligned -p "$work/pairs.csv" -n 1 --test all --stages 1 --seeds 2 --format markdown "${quick[@]}"
for text in '1 pairs with a non-mate each' '### model, cascading' '### stability' '### hiding' \
    '### patch, ' '### occlusion, mask: similarity' '| random map |' '| probe for the mate: random map |'; do
    grep -q -- "$text" "$work/out" || complain "no '$text'"
done

# ---- bad usage ----
refuses 2 'name the photos PROBE and MATE, or a list of pairs' sanity
refuses 2 'name the photos PROBE and MATE' sanity --aligned "$work/sample3-aligned.png"
refuses 2 'with --protocol no photos are named' sanity "${pair[@]}" -p "$work/pairs.csv"
refuses 2 'with --protocol no --figure' sanity --aligned -p "$work/pairs.csv" --figure "$work/a.png"
refuses 2 "expected text, markdown or latex, got 'csv'" sanity -p "$work/pairs.csv" --format csv
refuses 1 'No such file' sanity --aligned -p "$work/none.csv"
printf 'a,b,same\nsample3-aligned.png,sample4-aligned.png,No\n' >"$work/none.csv"
refuses 1 'there is no mated pair' sanity --aligned -p "$work/none.csv"
rm "$work/none.csv"
refuses 2 "expected model, stability, hiding, patch, occlusion or all, got 'x'" sanity "${pair[@]}" --test x
refuses 2 "the test 'patch' needs a NONMATE" sanity "${pair[@]}" --test patch
refuses 2 'option --stages: expected' sanity "${pair[@]}" --stages 0
refuses 2 'option --seeds: expected' sanity "${pair[@]}" --seeds 1
refuses 2 "expected normal or shuffled, got 'zero'" sanity "${pair[@]}" --weights zero
for counts in 5,x 0 1.5 ''; do
    refuses 2 'option --counts: expected' sanity "${pair[@]}" --test stability --counts "$counts"
done
refuses 2 "expected mask, sunglasses, scarf or hand, got 'hat'" sanity "${pair[@]}" --kind hat
refuses 2 'ends in .png, .svg or .pdf' sanity "${pair[@]}" --figure a.jpg
refuses 1 'cannot write' sanity "${pair[@]}" --figure "$work/none/a.png"
for region in 100,100,20,10 1,2,3 -1,0,5,5 0,0,0,5 ears; do
    refuses 2 'WIDTH,HEIGHT within 112 x 112 pixels' sanity "${triplet[@]}" --test patch --region=$region
done
refuses 2 'its maps show frequencies, not places' sanity "${pair[@]}" --method frequency
refuses 2 "there is no method 'x'" sanity "${pair[@]}" --method x
refuses 1 'No such file' sanity --aligned "$work/none.png" "$work/none.png"
absent "$work"/none
[ -z "$(find "$work" -name '*.tmp-*')" ] || complain "temporary files were left"
finish
