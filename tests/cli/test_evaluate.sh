#!/bin/bash
# usage: test_evaluate.sh WHYFACE: 'evaluate' on folders, own maps, protocols,
# and what it refuses.
. "$(dirname "$0")/lib.sh"

demo=$npm/@vladmandic/face-api/demo
fr=$npm/faceplugin-face-recognition-js/model
need "$demo/sample3.jpg" WHYFACE_NPM
/usr/bin/python3 -c 'import numpy' 2>/dev/null ||
    skip "python3-numpy is not installed"

run models add "$fr/fr_feature.onnx" -q
run models add-detector "$fr/fr_detect.onnx" "$fr/fr_landmark.onnx" -q
triplet=(--face 2 --face 3 --face 1 "$demo/sample3.jpg" "$demo/sample1.jpg" "$demo/sample4.jpg")
works '' explain "${triplet[@]}" --method s-rise --masks 30 --threshold 0.3 -o "$work/x" -q
crops=(--aligned "$work/x/crop-probe.png" "$work/x/crop-mate.png")
map=$work/x/map-mate-probe.npy
quick=(--steps 10 --curves-only -q)

# prints TEXT...: each begins a line of the last output.
prints() {
    local text
    for text in "$@"; do
        grep -q "^$text" "$work/out" || complain "no line '$text'"
    done
}

# python CODE ARGUMENTS...: CODE must not raise.
python() {
    /usr/bin/python3 - "${@:2}" <<<"import csv, json, sys, numpy as np
$1" || complain "python: $1"
}

# ---- a folder of explain: its pairs, its model, its threshold ----
works 'threshold 0.3000 (given)' evaluate "$work/x" --csv "$work/a.csv" --curves "$work/c.csv"
prints '== genuine, accepted: 1 pair ==' '== impostor, rejected: 1 pair ==' \
    's-rise ' '  inverted' '  mean of other pairs' 'random' 'centred Gaussian' \
    'crossing ' 'score AUC ' 'accuracy AUC ' 'minus s-rise'
python "
rows = list(csv.DictReader(open(sys.argv[1])))
assert len(rows) == 2 * 2 * 5, len(rows)
own = {(r['pair'], r['side']): r for r in rows if r['map'] == 's-rise'}
for r in rows:
    assert r['label'] == ('genuine' if r['pair'] == 'x/mate' else 'impostor')
    assert r['decision'] == ('accepted' if r['label'] == 'genuine' else 'rejected')
    if r['map'] == 's-rise, inverted':
        o = own[r['pair'], r['side']]
        assert r['deletion_auc'] == o['insertion_auc']
        assert float(r['deletion']) >= float(o['deletion'])
    if r['label'] == 'impostor':
        assert r['insertion_state'] == 'at once'
curves = list(csv.DictReader(open(sys.argv[2])))
assert len(curves) == 20 * 51
" "$work/a.csv" "$work/c.csv"
works '' evaluate "$work/x" "${quick[@]}" --plot "$work/d.svg" --plot insertion="$work/i.png" \
    --plot deletion-accuracy="$work/a.pdf"
[ -s "$work/d.svg" ] && [ -s "$work/i.png" ] && [ -s "$work/a.pdf" ] || complain "no plots"
works '' evaluate "$work/x" "${quick[@]}" --sheet "$work/sheet.png" --side probe
[ -s "$work/sheet.png" ] || complain "no sheet"
refuses 2 "ends in .png, .svg or .pdf, got '$work/s.jpg'" evaluate "$work/x" --sheet "$work/s.jpg"
refuses 2 "expected deletion=FILE, insertion=FILE" evaluate "$work/x" --plot x="$work/d.svg"
refuses 2 "ends in .png, .svg or .pdf, got '$work/d.jpg'" evaluate "$work/x" --plot "$work/d.jpg"
refuses 1 'cannot write' evaluate "$work/x" --plot "$work/none/d.png"
refuses 1 "cannot open map '$work/none.npy'" evaluate "${crops[@]}" --map "$work/none.npy" --map "$map"
refuses 1 'accuracy needs a threshold and several pairs' evaluate "${crops[@]}" --map "$map" \
    "${quick[@]}" --plot deletion-accuracy="$work/a.svg"
works '^accuracy with  *50 %' evaluate "$work/x" "${quick[@]}"
sed -n '/hiding game/,$p' "$work/out" >"$work/hiding"
works '"insertion_accuracy_auc"' evaluate "$work/x" --json "${quick[@]}"
python "
d = json.load(open(sys.argv[1]))
assert [g['pairs'] for g in d['groups']] == ['genuine, accepted', 'impostor, rejected']
line = d['accuracy'][0]
assert len(line['deletion']) == 11 and line['deletion'][0] == 1
assert line['insertion'][-1] == 1
area = np.trapz(line['deletion']) / 10
assert abs(area - line['deletion_accuracy_auc']['mean']) < 1e-9
# Hiding 50, 60 .. 90 % is inserting 50, 40 .. 10 %.
row = next(l for l in open(sys.argv[2]) if l.startswith('s-rise')).split()[1:]
assert row == ['%.3f' % line['insertion'][j] for j in (5, 4, 3, 2, 1)], row
" "$work/out" "$work/hiding"
works 'genuine, rejected' evaluate "$work/x" --threshold 0.99 "${quick[@]}"

# ---- maps of one's own, from .npy of other types and PNG ----
python "
m = np.load(sys.argv[1]); out = sys.argv[2]
np.save(out + '/f8.npy', np.asfortranarray(m.astype('f8')))
bad = m.copy(); bad[3, 5] = np.nan; np.save(out + '/nan.npy', bad)
np.save(out + '/constant.npy', np.ones_like(m))
np.save(out + '/u1.npy', np.zeros(m.shape, 'u1'))
np.save(out + '/photo.npy', np.zeros((960, 640), 'f4'))
open(out + '/cut.npy', 'wb').write(open(sys.argv[1], 'rb').read()[:5000])
import struct, zlib
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
g = ((m - m.min()) / (m.max() - m.min()) * 255).round().astype('u1')
rows = b''.join(b'\0' + r.tobytes() for r in g)
open(out + '/grey.png', 'wb').write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', m.shape[1], m.shape[0], 8, 0, 0, 0, 0)) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
" "$map" "$work"
works 'pairs of unknown label, accepted: 1 pair' evaluate "${crops[@]}" --threshold 0.3 \
    --map "$map" --map "$work/f8.npy" --map "$work/grey.png" --csv "$work/b.csv" --side probe
python "
a = {(r['pair'], r['side'], r['map']): r for r in csv.DictReader(open(sys.argv[1]))}
b = {r['map']: r for r in csv.DictReader(open(sys.argv[2])) if r['side'] == 'probe'}
for key in 'similarity', 'deletion', 'insertion', 'deletion_auc', 'insertion_auc':
    x = a['x/mate', 'probe', 's-rise'][key]
    assert x == b['map-mate-probe.npy'][key] == b['f8.npy'][key], key
    assert abs(float(x) - float(b['grey.png'][key])) < 0.1, key
" "$work/a.csv" "$work/b.csv"
works 'genuine, accepted: 1 pair' evaluate "${crops[@]}" --other-map "$map" --label genuine "${quick[@]}"
for fill in black blur road; do
    works "fill $fill" evaluate "${crops[@]}" --map "$map" --fill $fill "${quick[@]}"
done
works '' evaluate "${crops[@]}" --map "$work/constant.npy" --steps 10 --curves-only
grep -q "constant.npy' has the same value everywhere" "$work/err" || complain "no warning"

# ---- a protocol: maps made, stored, read again ----
mkdir "$work/people"
for i in 1 2; do
    cp "$work/x/crop-probe.png" "$work/people/p$i.png"
    cp "$work/x/crop-mate.png" "$work/people/m$i.png"
    cp "$work/x/crop-nonmate.png" "$work/people/n$i.png"
done
printf 'a,b,same\np1.png,m1.png,Yes\np1.png,n1.png,No\nn2.png,m2.png,No\np2.png,m2.png,Yes\n' >"$work/people/pairs.csv"
protocol=(-p "$work/people/pairs.csv" --aligned --threshold 0.3)
works 'genuine, accepted: 2 pairs' evaluate "${protocol[@]}" -x few=s-rise,masks=10 \
    -x s-rise,preset=paper,masks=10 --save-maps "$work/maps" --csv "$work/made.csv" "${quick[@]}"
prints 'few' 's-rise,preset=paper' '== impostor, rejected: 2 pairs =='
[ -s "$work/maps/few/0004-other.npy" ] || complain "maps were not stored"
works 'random' evaluate "${protocol[@]}" --maps "$work/maps/few" \
    --maps "paper=$work/maps/s-rise,preset=paper,masks=10" --csv "$work/read.csv" "${quick[@]}"
python "
def rows(path):
    return [{k: v for k, v in r.items() if k not in ('map', 'seconds')} for r in csv.DictReader(open(path))]
a, b = rows(sys.argv[1]), rows(sys.argv[2])
assert len(a) == 4 * 2 * 8 and a == b
" "$work/made.csv" "$work/read.csv"
works '^2 pairs' evaluate "${protocol[@]}" --maps "$work/maps/few" -n 2 --side probe "${quick[@]}"

# ---- what is missing is counted and named ----
rm "$work/maps/few/0003-probe.npy" "$work/people/n1.png"
refuses 1 "2 of 4 pairs lack a file; the first missing is '.*n1.png'" evaluate "${protocol[@]}" --maps "$work/maps/few"
grep -q 'hint: --skip-missing' "$work/err" || complain "no hint"
works '^2 pairs' evaluate "${protocol[@]}" --maps "$work/maps/few" --skip-missing --steps 10 --curves-only
grep -q 'warning: 2 of 4 pairs lack a file' "$work/err" || complain "no warning"
refuses 1 '4 of 4 pairs lack a file' evaluate "${protocol[@]}" --maps "$work/maps" --skip-missing

# ---- bad maps ----
for c in "nan.npy|nan.npy': 1 of the map's 12544 values are not finite, the first at x = 5, y = 3" \
    "photo.npy|is a map of 640 x 960, but model 'fr_feature' sees crops of 112 x 112" \
    "u1.npy|has elements of type '|u1" \
    'cut.npy|is truncated' \
    'none.npy|No such file' \
    'people/pairs.csv|is neither a NumPy .npy file nor a PNG' \
    'x/figure.png|is a coloured picture'; do
    refuses 1 "${c#*|}" evaluate "${crops[@]}" --map "$work/${c%%|*}"
done

# ---- bad usage, bad folders ----
refuses 2 'nothing to judge' evaluate
refuses 2 'needs the photos of one pair' evaluate --map "$map"
refuses 2 'no photos are named' evaluate "${protocol[@]}" a.jpg
refuses 2 "expected genuine or impostor, got 'mate'" evaluate "${crops[@]}" --map "$map" --label mate
refuses 2 "expected probe, other or both, got 'mate'" evaluate "${crops[@]}" --map "$map" --side mate
refuses 2 "there is no fill 'white'" evaluate "${crops[@]}" --map "$map" --fill white
refuses 2 'expected a multiple of 10' evaluate "${crops[@]}" --map "$map" --steps 15
refuses 2 "there is no method 'x'" evaluate "${crops[@]}" -x x
refuses 2 "expected NAME=VALUE, got 'masks'" evaluate "${crops[@]}" -x s-rise,masks
refuses 2 'its maps show frequencies, not places' evaluate "${crops[@]}" -x frequency
cp -r "$work/x" "$work/plane"
sed -i 's/"name": "s-rise"/"name": "frequency"/' "$work/plane/result.json"
refuses 2 'its maps show frequencies, not places' evaluate "$work/plane" "${quick[@]}"
refuses 1 'it has no result.json' evaluate "$work/people"
mkdir "$work/broken"
echo '{"photos": {' >"$work/broken/result.json"
refuses 1 "is no result of 'whyface explain'" evaluate "$work/broken"
cp -r "$work/x" "$work/other"
sed -i 's/"sha256": "[0-9a-f]*",\(.*\)/"sha256": "00000000000000",/' "$work/other/result.json"
refuses 1 "are of model 'fr_feature' (sha256 000000000000...), not of 'fr_feature'" evaluate "$work/other" "${quick[@]}"
cp -r "$work/x" "$work/gone"
rm "$work/gone/map-mate-probe.npy"
refuses 1 'No such file' evaluate "$work/gone"
refuses 1 'cannot write' evaluate "$work/x" --csv "$work/none/a.csv"
[ -z "$(find "$work" -name '*.tmp-*')" ] || complain "temporary files were left"
finish
