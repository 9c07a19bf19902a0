#!/bin/bash
# usage: test_bench.sh WHYFACE: 'bench' on small runs.  Nothing here looks at how
# long anything took.
. "$(dirname "$0")/lib.sh"

demo=$npm/@vladmandic/face-api/demo
fr=$npm/faceplugin-face-recognition-js/model
python=/usr/bin/python3
need "$demo/sample3.jpg" WHYFACE_NPM
model=$fr/fr_feature.onnx
mkdir "$work/tmp"
export TMPDIR=$work/tmp

# ---- help and wrong usage ----
works 'engine .*ms an image' help bench
works '^Example:' bench --help
for part in engine explain; do
    works '^Example:' help bench "$part"
    works "^usage: whyface bench $part" bench "$part" --help
done
refuses 2 'a sub-command is missing' bench
refuses 2 "'engines' is none of its sub-commands" bench engines
refuses 2 "unknown option '--batch'" bench engine --batch 3
grep -q 'did you mean --batches' "$work/err" || complain "no suggestion"
refuses 2 'option --batches: expected' bench engine -m "$model" --batches 1,0
refuses 2 'option --batches: expected' bench engine -m "$model" --batches 4,4
refuses 2 'option --batches: expected' bench engine -m "$model" --batches 4,x
refuses 2 "'cuda' in 'native,cuda' is none of native, ort, torch" \
    bench engine -m "$model" --backends native,cuda
refuses 2 "'f32' stands twice" bench engine -m "$model" --precisions f32,f32
refuses 2 'option --repeat: expected a number' bench engine -m "$model" --repeat 0
refuses 1 'cannot open model' bench engine -m "$work/none.onnx"
refuses 2 'the native engine is not among the backends' bench engine -q \
    -m "$model" --backends torch --profile
refuses 2 'too few arguments' bench explain -m "$model" a.jpg b.jpg
refuses 2 "'x' in 'x' is none of native" bench explain -m "$model" \
    --contenders x a.jpg b.jpg c.jpg
WHYFACE_BENCH=$work refuses 1 'plain_loop.py is not there; looked for' bench \
    explain -m "$model" --contenders ort-loop --aligned a.png b.png c.png
absent "$TMPDIR"/whyface-bench-*

# ---- engine ----
engine=(bench engine -q -m "$model" --precisions f32 --repeat 1)
works '^native f32 .* 3 ' "${engine[@]}" --backends native --batches 3
works 'all of kind: convolution' "${engine[@]}" --backends native --batches 1 \
    --profile
works 'not measured: cannot run' "${engine[@]}" --backends native,torch \
    --batches 1 --python "$work/no-python"
works '"bench": "engine"' "${engine[@]}" --batches 1,3 --repeat 2 --json --profile
cp "$work/out" "$work/engine.json"
"$python" -c '' 2>/dev/null || skip "$python is not there to read JSON"
"$python" - "$work/engine.json" <<'PY' || complain "JSON of bench engine"
import json, sys
r = json.load(open(sys.argv[1]))
assert r['format'] == 1 and r['rounds'] == 2 and r['macs'] == 221161984
assert r['model']['name'] == 'fr_feature' and len(r['model']['sha256']) == 64
m = r['machine']
assert m['cpu'] and m['threads'] >= 1 and m['engine'].startswith('oneDNN')
assert m['peak']['f32_gflops'] > 0 and m['peak']['memory_gb_s'] > 0
by_name = {c['name']: c for c in r['contenders']}
assert list(by_name) == ['native f32', 'ort f32', 'torch f32']
for c in r['contenders']:
    if c['absent']:
        assert c['batches'] == [] and c['name'] != 'native f32'
        print(c['name'], 'is absent:', c['absent'])
        continue
    assert c['cosine'] > 0.9999 and c['engine'] and c['fault'] is None, c
    assert [b['batch'] for b in c['batches']] == [1, 3]
    assert c['best_batch'] in (1, 3)
    for b in c['batches']:
        low, high = b['ms_an_image']['quartiles']
        assert 0 < low <= b['ms_an_image']['median'] <= high
        assert b['gflops'] > 0 and b['share_of_peak'] > 0
ort = by_name['ort f32']
for c in r['contenders']:
    assert (c['ratio_best_batch']['median'] is None) == bool(
        ort['absent'] or c['absent'])
if not ort['absent']:
    assert ort['ratio_best_batch']['median'] == 1
steps = r['profile']['steps']
assert r['profile']['contender'] == 'native f32' and len(steps) >= 20
assert sum(s['macs'] for s in steps) == r['macs'] * r['profile']['batch']
assert all(s['node'] and s['kind'] and s['seconds'] >= 0 for s in steps)
PY
absent "$TMPDIR"/whyface-bench-*

# ---- explain ----
works '' align --face 2 -m "$model" -d "$fr/fr_landmark.onnx,$fr/fr_detect.onnx" \
    "$demo/sample3.jpg" -o "$work" -q
works '' align --face 1 -m "$model" -d "$fr/fr_landmark.onnx,$fr/fr_detect.onnx" \
    "$demo/sample1.jpg" "$demo/sample4.jpg" -o "$work" -q
explain=(bench explain -q -m "$model" --aligned --masks 3 --repeat 1)
crops=("$work"/sample{3,1,4}-aligned.png)
works '^native .*oneDNN' "${explain[@]}" --contenders native "${crops[@]}"
works 'not measured: cannot run' "${explain[@]}" --contenders native,torch-loop \
    --python "$work/no-python" "${crops[@]}"
works '"bench": "explain"' "${explain[@]}" --json "${crops[@]}"
cp "$work/out" "$work/explain.json"
"$python" - "$work/explain.json" <<'PY' || complain "JSON of bench explain"
import json, sys
r = json.load(open(sys.argv[1]))
assert r['format'] == 1 and r['masks'] == 3 and r['rounds'] == 1
names = [c['name'] for c in r['contenders']]
assert names == ['native', 'native-bf16', 'native-int8', 'ort', 'torch-loop',
                 'ort-loop']
for c in r['contenders']:
    if c['absent']:
        assert c['name'] != 'native' and c['seconds']['median'] is None
        print(c['name'], 'is absent:', c['absent'])
        continue
    assert c['cosine'] > (0.9999 if c['precision'] == 'f32' else 0.9), c
    assert c['engine'] and c['seconds']['median'] > 0
    assert c['seconds']['median'] >= c['seconds_explain']['median'] > 0
    assert c['peak_memory_mib']['median'] > 10
    for loop in ('torch', 'ort'):
        other = r['contenders'][names.index(loop + '-loop')]
        ratio = c[f'ratio_{loop}_loop']['median']
        assert (ratio is None) == bool(other['absent'])
PY
absent "$TMPDIR"/whyface-bench-*

# ---- the page ----
"$python" -B "$source/bench/tables.py" "$work/engine.json" "$work/explain.json" \
    >"$work/out" 2>"$work/err" || complain "tables.py"
for line in '^### fr_feature: a forward pass' '^| native f32 (.*oneDNN' \
    '^| convolution |' '^### fr_feature: a triplet, 3 masks' '^| native (.*oneDNN'; do
    grep -q "$line" "$work/out" || complain "tables.py: no '$line'"
done
finish
