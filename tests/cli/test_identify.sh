#!/bin/bash
# usage: test_identify.sh WHYFACE: 'enrol' and 'identify' on a gallery of noise
# with a tiny model, and on a few photos.
. "$(dirname "$0")/lib.sh"

python=/usr/bin/python3
"$python" -c 'import numpy, onnx, sqlite3' 2>/dev/null ||
    skip "python3-numpy and python3-onnx are not installed"
"$python" "$source/tests/cli/tiny_model.py" "$work/tiny.onnx" 1
"$python" "$source/tests/cli/tiny_model.py" "$work/other.onnx" 2
run models add "$work/tiny.onnx" -q
run models add "$work/other.onnx" -q

# make FOLDER COUNT: aligned crops NNN.png of noise; the second half are almost
# the same pictures as the first.
make() {
    "$python" - "$1" "$2" <<'PY'
import os, struct, sys, zlib
import numpy as np
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
folder, n = sys.argv[1], int(sys.argv[2])
os.makedirs(folder, exist_ok=True)
for i in range(n):
    base = np.random.default_rng(i % (n // 2)).integers(0, 256, (4, 4, 3))
    base = (base + np.random.default_rng(n + i).integers(-9, 10, base.shape)).clip(0, 255)
    p = np.kron(base, np.ones((28, 28, 1))).astype('u1')
    rows = b''.join(b'\0' + r.tobytes() for r in p)
    open(f'{folder}/{i:03}.png', 'wb').write(
        b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 112, 112, 8, 2, 0, 0, 0)) +
        chunk(b'IDAT', zlib.compress(rows, 1)) + chunk(b'IEND', b''))
PY
}

# ask INDEX SQL EXPECTED
ask() {
    local found
    found=$("$python" -c 'import sqlite3, sys
for r in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(*r)' "$1" "$2" 2>&1)
    [ "$found" = "$3" ] || complain "$2: expected '$3', got '$found'"
}

# partly TEXT ARGUMENTS...: exit status 3 and TEXT in the output.
partly() {
    local text=$1
    shift
    run "$@"
    [ "$status" -eq 3 ] && grep -qe "$text" "$work/out" ||
        complain "whyface $*: status $status, expected 3 and '$text'"
}

g=$work/g
make "$g" 40
tiny=(-m tiny --aligned)
index=$work/g.index

# ---- enrolling, and bringing up to date ----
works '40 photos, 40 of them enrolled; 40 new or changed, 0 as before$' enrol "${tiny[@]}" "$g" -o "$index"
ask "$index" 'SELECT count(*), min(length(embedding)), max(fault), min(path) FROM photos' \
    '40 64 0 000.png'
works '0 new or changed, 40 as before$' enrol "${tiny[@]}" "$g" -o "$index"
mkdir -p "$g/more/deeper"
cp "$g/001.png" "$g/more/deeper/odd 'name' \"x\" $(printf '\xff\xc3\xa4\n')é.PNG"
rm "$g/039.png"
cp "$g/000.png" "$g/002.png"
touch "$g/003.png"
echo "no picture" >"$g/broken.jpg"
echo "a list" >"$g/list.txt"
ln -s nowhere "$g/dangling.png"
ln -s .. "$g/more/loop"
mkfifo "$g/pipe.png"
partly '43 photos, 40 of them enrolled; 5 new or changed, 38 as before, 1 gone; 3 could not be enrolled; 1 other files' \
    enrol "${tiny[@]}" "$g" -o "$index"
grep -q "broken.jpg' is not a JPEG, PNG or WebP image" "$work/err" || complain "broken.jpg is not named"
grep -q "dangling.png': No such file" "$work/err" || complain "dangling.png is not named"
partly '"forgotten": 0' enrol "${tiny[@]}" "$g" -o "$index" --json
grep -q '"faulty": 3' "$work/out" || complain "faults of before are not counted"
rm "$g"/broken.jpg "$g"/dangling.png "$g"/pipe.png
works '40 photos, 40 of them enrolled; 0 new or changed, 40 as before, 3 gone' enrol "${tiny[@]}" "$g" -o "$index"
run enrol "${tiny[@]}" "$g" -o "$index" --json --verbose
"$python" -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/out" || complain "no JSON"

# ---- searching ----
works '^   1 .* 025.png$' identify "${tiny[@]}" "$g/005.png" "$index" -k 3
grep -q "own file is in the gallery ('005.png')" "$work/out" || complain "the own file is not named"
[ "$(grep -c 'png$' "$work/out")" -eq 3 ] || complain "not 3 candidates"
works '"kind": "identification"' identify "${tiny[@]}" "$g/005.png" "$index" -k 1000 --json --threshold 0.9
"$python" - "$work/out" "$index" <<'PY' || complain "not the order of a plain search"
import json, sqlite3, sys
import numpy as np
r = json.load(open(sys.argv[1]))
db = sqlite3.connect(sys.argv[2])
db.text_factory = lambda b: b.decode('utf-8', 'replace')
rows = db.execute('SELECT path, embedding FROM photos ORDER BY path').fetchall()
e = np.array([np.frombuffer(x[1], 'f4') for x in rows], 'f8')
assert np.allclose((e * e).sum(1), 1, atol=1e-6)
probe = [x[0] for x in rows].index('005.png')
s = e @ e[probe]
order = sorted((i for i in range(len(rows)) if i != probe), key=lambda i: (-s[i], i))
assert len(r['candidates']) == len(rows) - 1 and r['gallery']['enrolled'] == len(rows)
for c, i in zip(r['candidates'], order):
    if rows[i][0].isascii():
        assert c['photo'] == rows[i][0], (c['photo'], rows[i][0])
    assert abs(c['similarity'] - s[i]) < 1e-6
    assert c['verdict'] == ('match' if c['similarity'] >= 0.9 else 'no match')
assert r['threshold']['fmr'] is None
PY
works '40 photos, 40 of them enrolled' identify "${tiny[@]}" "$g/005.png" "$g" --csv "$work/c.csv"
[ "$(find "$WHYFACE_HOME/galleries" -name 'g-tiny-*.index' | wc -l)" -eq 1 ] || complain "no default index"
"$python" -c 'import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], errors="replace")))
assert len(rows) == 10 and rows[0]["photo"] == "025.png", rows' "$work/c.csv" || complain "not the CSV"

# ---- explaining: the cost of a pair, whatever the number ----
for n in 1 7; do
    works 'result.json' identify "${tiny[@]}" "$g/005.png" "$index" -o "$work/out$n" --explain $n --masks 20
done
"$python" - "$work" <<'PY' || complain "not the files of an identification"
import json, os, sys
import numpy as np
work = sys.argv[1]
r = {n: json.load(open(f'{work}/out{n}/result.json')) for n in (1, 7)}
for n in r:
    assert r[n]['forwards'] == 2 * 20 + 1 + n and r[n]['explained'] == n, r[n]['forwards']
    for name in r[n]['files']:
        assert os.path.getsize(f'{work}/out{n}/{name}'), name
c = r[7]['candidates']
maps = [np.load(f"{work}/out7/{x['map']}") for x in c[:7]]
for i in range(1, 7):
    assert np.array_equal(np.load(f"{work}/out7/{c[i]['difference']}"), maps[0] - maps[i])
assert 'own_map' in c[0] and 'own_map' not in c[1] and 'map' not in c[7]
PY
works '1 candidates explained\|written to' identify "${tiny[@]}" "$g/005.png" "$index" -o "$work/none" --explain 0
absent "$work/none/figure.png"

# ---- killed at some moment, and gone on with ----
make "$work/many" 1200
k=$work/many.index
"$whyface" enrol "${tiny[@]}" "$work/many" -o "$k" -q 2>"$work/err2" &
enrolling=$!
# The empty index has about 20 kB, each batch of 32 adds 10.
while kill -0 $enrolling 2>/dev/null && [ "$(stat -c %s "$k" 2>/dev/null || echo 0)" -lt 60000 ]; do
    :
done
kill -9 $enrolling
wait $enrolling 2>/dev/null
before=$("$python" -c 'import sqlite3, sys
print(*sqlite3.connect(sys.argv[1]).execute("SELECT count(*), total(id) FROM photos").fetchone())' "$k")
count=${before% *}
[ "$count" -gt 0 ] && [ "$count" -lt 1200 ] || complain "killed too early or too late: $count stored"
works "1200 of them enrolled; $((1200 - count)) new or changed, $count as before" enrol "${tiny[@]}" "$work/many" -o "$k"
ask "$k" "SELECT count(*), count(DISTINCT path) FROM photos" '1200 1200'
ask "$k" "SELECT count(*), total(id) FROM (SELECT id FROM photos ORDER BY id LIMIT $count)" "$before"
"$whyface" enrol "${tiny[@]}" "$work/many" -o "$work/i.index" -q 2>"$work/err2" &
enrolling=$!
while kill -0 $enrolling 2>/dev/null && [ "$(stat -c %s "$work/i.index" 2>/dev/null || echo 0)" -lt 60000 ]; do
    :
done
kill -INT $enrolling
wait $enrolling
[ $? -eq 130 ] || complain "interrupted: not status 130"
grep -q 'interrupted; [0-9]* of 1200 photos are in the index' "$work/err2" || complain "not how many are stored"
works '1200 of them enrolled' enrol "${tiny[@]}" "$work/many" -o "$work/i.index"
# A second process must not do the same work: this shell, for example.
"$python" -c 'import sqlite3, sys
start = open(f"/proc/{sys.argv[2]}/stat").read().rsplit(")", 1)[1].split()[19]
db = sqlite3.connect(sys.argv[1])
db.execute("INSERT INTO made_with VALUES (\x27owner\x27, ?)", [f"{sys.argv[2]} {start}"])
db.commit()' "$work/i.index" $$
refuses 1 "another whyface (process $$) is enrolling" enrol "${tiny[@]}" "$work/many" -o "$work/i.index"

# ---- what does not belong together, and bad input ----
refuses 1 "made with another model: 'tiny', now it is 'other'" identify -m other --aligned "$g/005.png" "$index"
refuses 1 "made with another model" enrol -m other --aligned "$g" -o "$index"
refuses 1 "belongs to the folder '$g'" enrol "${tiny[@]}" "$work/many" -o "$index"
refuses 1 "'$g/005.png' is no SQLite database" identify "${tiny[@]}" "$g/005.png" "$g/005.png"
refuses 1 "cannot open '$work/nothing'" identify "${tiny[@]}" "$g/005.png" "$work/nothing"
"$python" -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("CREATE TABLE t (x)")' "$work/x.db"
refuses 1 "'$work/x.db' is no index of a gallery" identify "${tiny[@]}" "$g/005.png" "$work/x.db"
refuses 1 "'$work/x.db' is no index of a gallery" enrol "${tiny[@]}" "$g" -o "$work/x.db"
mkdir "$work/empty"
refuses 1 "the folder '$work/empty' holds no photos" enrol "${tiny[@]}" "$work/empty"
refuses 1 "holds no photos" identify "${tiny[@]}" "$g/005.png" "$work/empty"
refuses 1 "is not a folder" enrol "${tiny[@]}" "$g/005.png"
refuses 1 "cannot open photo" identify "${tiny[@]}" "$work/nobody.png" "$index"
run verify "${tiny[@]}" --precision int8 "$g/000.png" "$g/001.png" --json
! grep -q '"precision": "int8"' "$work/out" || # machines without it compute in f32
    refuses 2 "int8 takes its scales" enrol "${tiny[@]}" --precision int8 "$g"
refuses 2 "needs a folder to write to" identify "${tiny[@]}" "$g/005.png" "$index" --explain 3
refuses 2 "expected a number from 0 to 64" identify "${tiny[@]}" "$g/005.png" "$index" -o "$work/o" --explain 65
refuses 2 "expected a number from 1" identify "${tiny[@]}" "$g/005.png" "$index" -k 0
refuses 2 "names the index of a folder" identify "${tiny[@]}" "$g/005.png" "$index" --index "$work/i"
refuses 1 "explains two candidates at most, not 5" identify "${tiny[@]}" "$g/005.png" "$index" -o "$work/o" --method minplus
absent "$work/o/result.json"
cp "$g/004.png" "$g/025.png"
refuses 1 "025.png' has changed since it was enrolled" identify "${tiny[@]}" "$g/005.png" "$index" -o "$work/o"
"$python" -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1]); db.execute("UPDATE photos SET embedding = x\x2700\x27 WHERE path = \x27000.png\x27"); db.commit()' "$index"
refuses 1 "is damaged: the embedding of '000.png'" identify "${tiny[@]}" "$g/005.png" "$index"
works '64 candidates explained: 73 model calls' identify "${tiny[@]}" "$g/005.png" "$k" -o "$work/most" \
    --explain 64 --masks 4
mv "$work/many" "$work/moved"
works '1200 as before' enrol "${tiny[@]}" "$work/moved" -o "$k"

# ---- photos with several faces, and one without ----
demo=$npm/@vladmandic/face-api/demo
fr=$npm/faceplugin-face-recognition-js/model
need "$demo/sample3.jpg" WHYFACE_NPM
run models add-detector "$fr/fr_detect.onnx" "$fr/fr_landmark.onnx" -q
mkdir "$work/photos"
cp "$demo"/sample[134].jpg "$demo/facemesh.png" "$work/photos"
cp "$g/000.png" "$work/photos/noise.png"
run enrol -m tiny "$work/photos" -o "$work/p.index"
[ "$status" -eq 3 ] || complain "a photo without a face: status $status"
grep -q "no face found in .*noise.png'" "$work/err" || complain "the photo without a face is not named"
ask "$work/p.index" "SELECT faces > 1, face > 0, width > 20, length(landmarks), fault FROM photos WHERE path = 'sample3.jpg'" '1 1 1 40 0'
works '^   1 ' identify -m tiny --face 2 "$demo/sample3.jpg" "$work/p.index" -o "$work/faces" --masks 10
refuses 1 "made with another search for faces" identify -m tiny --min-face 40 --face 2 "$demo/sample3.jpg" "$work/p.index"
refuses 1 "made with another detector" identify "${tiny[@]}" "$g/005.png" "$work/p.index"
finish
