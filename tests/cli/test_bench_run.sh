#!/bin/bash
# usage: test_bench_run.sh WHYFACE: 'bench run' and 'bench report' with a tiny
# model: kills, two processes, bad databases.
. "$(dirname "$0")/lib.sh"

python=/usr/bin/python3
"$python" -c 'import numpy, onnx, sqlite3' 2>/dev/null ||
    skip "python3-numpy and python3-onnx are not installed"
"$python" "$source/tests/cli/tiny_model.py" "$work/tiny.onnx" 1
"$python" "$source/tests/cli/tiny_model.py" "$work/other.onnx" 2
run models add "$work/tiny.onnx" -q
run models add "$work/other.onnx" -q

# Photos of noise, in LFW's layout; b's two are almost the same picture.
"$python" - "$work/lfw" <<'PY'
import os, struct, sys, zlib
import numpy as np
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
rng = np.random.default_rng(3)
for name in 'abcd':
    os.makedirs(f'{sys.argv[1]}/{name}')
    base = rng.integers(0, 256, (14, 14, 3))
    for i in (1, 2):
        p = np.kron((base + rng.integers(-9, 10, base.shape)).clip(0, 255), np.ones((8, 8, 1))).astype('u1')
        rows = b''.join(b'\0' + r.tobytes() for r in p)
        open(f'{sys.argv[1]}/{name}/{name}_000{i}.jpg', 'wb').write(
            b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 112, 112, 8, 2, 0, 0, 0)) +
            chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
PY
printf '1 4\na 1 2\nb 1 2\nc 1 2\nd 1 2\na 1 b 2\n' >"$work/lfw/pairs.txt"
plan=(-m tiny -p "$work/lfw/pairs.txt" --aligned --threshold 0.5 --steps 10
    --curves-only -x s-rise --vary masks=3,6)

# ask DATABASE SQL EXPECTED
ask() {
    local found
    found=$("$python" -c 'import sqlite3, sys
for r in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(*r)' "$1" "$2" 2>&1)
    [ "$found" = "$3" ] || complain "$2: expected '$3', got '$found'"
}

# ---- a whole run ----
db=$work/a.db
works '24 of 24 items are done, 4 triplets' bench run "$db" "${plan[@]}" --save-maps "$work/maps"
ask "$db" 'SELECT kind, count(*), total(state = 2) FROM items GROUP BY kind' \
    $'0 8 8.0\n1 8 8.0\n2 4 4.0\n3 4 4.0'
ask "$db" 'SELECT count(*) FROM scores' 96
ask "$db" 'SELECT count(*) FROM maps' 0
ask "$db" "SELECT count(*) FROM triplets WHERE substr(probe, -10, 1) = substr(nonmate, -10, 1)" 0
ask "$db" 'SELECT length(sha256), name FROM models' '64 tiny'
[ "$(find "$work/maps/tiny" -name '*.npy' | wc -l)" -eq 32 ] || complain "maps were not kept"
works '24 of 24' bench run "$db"
ask "$db" 'SELECT count(DISTINCT run) FROM items' 1
works '24 of 24' bench run "$db" "${plan[@]}" --save-maps "$work/maps" --threads 1
refuses 1 'holds another benchmark: its --vary is "masks=3,6", here it is "masks=3"' \
    bench run "$db" "${plan[@]/masks=3,6/masks=3}" --save-maps "$work/maps"

# ---- the same from a plan file, by the hardest rule and for two models ----
cat >"$work/plan.json" <<JSON
{"model": ["tiny", "other"], "protocol": "$work/lfw/pairs.txt", "aligned": true,
 "nonmate": "hardest", "steps": 10, "threshold": 0.5, "explain": "few=s-rise,masks=3"}
JSON
works '16 of 16 items are done, 2 triplets' bench run "$work/h.db" --plan "$work/plan.json" \
    -n 2 --save-maps "$work/kept"
ask "$work/h.db" 'SELECT count(*), count(DISTINCT model) FROM items' '16 2'
ask "$work/h.db" 'SELECT count(*) FROM scores WHERE deletion_state = 0' 0

# The same numbers as evaluate's, for the map that was kept.
works '' evaluate --aligned "$work/lfw/a/a_0001.jpg" "$work/lfw/a/a_0002.jpg" -m tiny --steps 10 \
    --threshold 0.5 --map "$work/kept/tiny/few/0001-mate-probe.npy" --csv "$work/e.csv" -q
"$python" - "$work/e.csv" "$work/h.db" <<'PY' || complain "not evaluate's numbers"
import csv, sqlite3, sys
db = sqlite3.connect(sys.argv[2])
db.row_factory = sqlite3.Row
r = db.execute('SELECT * FROM scores WHERE item = 1 AND pair = 0 AND side = 0').fetchone()
own, inverted = list(csv.DictReader(open(sys.argv[1])))[:2]
states = ['', 'crossed', 'at once', 'never']
for line, prefix in (own, ''), (inverted, 'inverted_'):
    for key in 'deletion', 'insertion', 'deletion_auc', 'insertion_auc':
        assert abs(float(line[key]) - r[prefix + key]) < 2e-6, (prefix, key)
    for key in 'deletion_state', 'insertion_state':
        assert line[key] == states[r[prefix + key]], (prefix, key)
PY

# ---- killed, and two at once ----
"$source/bench/kill_test.sh" "$whyface" 3 "$work/kills" "${plan[@]}" >"$work/out" 2>"$work/err" ||
    complain "kill_test.sh"
grep -q '^3 kills, .* 0 lost, 0 done again' "$work/out" || complain "killed three times"
"$whyface" bench run "$work/two.db" "${plan[@]}" -q 2>"$work/err2" &
run bench run "$work/two.db" "${plan[@]}" -q
[ "$status" -eq 0 ] || complain "the one of two: status $status"
wait $! || complain "the other of two: $(cat "$work/err2")"
ask "$work/two.db" 'SELECT count(*), total(state = 2) FROM items' '24 24.0'
# Whoever did it and however often it was stopped: the same scores.
scores='SELECT group_concat(deletion_auc), group_concat(insertion_auc), count(*) FROM
    (SELECT round(deletion_auc, 4) AS deletion_auc, round(insertion_auc, 4) AS
    insertion_auc FROM scores JOIN items ON item = id ORDER BY item, pair, side)'
expected=$("$python" -c 'import sqlite3, sys
print(*sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone())' "$db" "$scores")
ask "$work/two.db" "$scores" "$expected"
ask "$work/kills/1.db" "$scores" "$expected"

# ---- pairs alone, then one method more ----
works '16 of 16 items are done, 4 triplets' bench run "$work/pairs.db" "${plan[@]}" --nonmate none \
    --controls random,centred
ask "$work/pairs.db" 'SELECT count(*), max(pair) FROM scores' '32 0'
works '24 of 24 items are done' bench run "$work/pairs.db" -x more=s-rise,seed=2
works '24 of 24 items are done' bench run "$work/pairs.db" "${plan[@]}" --nonmate none \
    --controls random,centred -x more=s-rise,seed=2
ask "$work/pairs.db" 'SELECT m.name, count(*), total(state = 2), max(forwards) FROM items JOIN
    methods m ON method = m.id WHERE kind = 0 GROUP BY m.id' \
    $'s-rise,masks=3 4 4.0 8\ns-rise,masks=6 4 4.0 14\nmore,masks=3 4 4.0 8\nmore,masks=6 4 4.0 14'
works '' bench report "$work/pairs.db"
grep -q '^more,masks=6 ' "$work/out" || complain "no line of the added method"
! grep -q 'mean of other pairs\|impostor' "$work/out" || complain "lines of nothing"
grep -q '^explaining  *32  *176 ' "$work/out" || complain "what it took, of pairs"
refuses 2 "no method 'nothing'" bench run "$work/pairs.db" -x nothing
refuses 2 'expected others, random, centred or none' bench run "$work/n.db" "${plan[@]}" --controls all

# ---- reports ----
works '^== tiny: genuine, accepted, 4 pairs: means' bench report "$db"
for line in 's-rise,masks=3 ' 's-rise,masks=6, inverted ' \
    's-rise,masks=6, mean of other pairs' 'random ' 'centred Gaussian ' \
    '== tiny: .* minus s-rise,masks=3, pair by pair' '== tiny: impostor'; do
    grep -q "^$line" "$work/out" || complain "no line '$line'"
done
# 8 explanations of 3 x 3 + 3 or 3 x 6 + 3 forwards; 24 items of 4 maps.
works 'what it took' bench report "$db"
grep -q '^explaining  *32  *132 ' "$work/out" && grep -q '^judging, with controls  *96 ' "$work/out" ||
    complain "what it took"
works '^| few |' bench report "$work/h.db" --format markdown --baseline random
grep -q '^### other: ' "$work/out" || complain "no second model"
works 'begin{tabular}' bench report "$db" --format latex
works '^model,pairs,map,measure,mean' bench report "$db" --format csv
cp "$work/out" "$work/report.csv"
# A mean of the report is the mean of the database's rows.
"$python" - "$work/report.csv" "$db" <<'PY' || complain "CSV of bench report"
import csv, sqlite3, sys
rows = [r for r in csv.DictReader(open(sys.argv[1])) if r['map'] == 's-rise,masks=6'
        and r['measure'] == 'insertion_auc']
db = sqlite3.connect(sys.argv[2])
for r in rows:
    pair = 0 if r['pairs'].startswith('genuine') else 1
    accepted = int(r['pairs'].endswith(', accepted'))
    mean, n = db.execute('''SELECT avg(insertion_auc), count(*) FROM scores JOIN items
        ON item = id WHERE kind = 0 AND method = 1 AND pair = ? AND
        (similarity >= 0.5) = ?''', (pair, accepted)).fetchone()
    assert n == 2 * int(r['n']) and abs(mean - float(r['mean'])) < 1e-6
    assert float(r['low']) <= float(r['mean']) <= float(r['high'])
assert len(rows) >= 2
PY
# Quotes in a name are doubled.
works '' bench run "$work/quoted.db" "${plan[@]:0:9}" -x 'a "b"=s-rise,masks=3' -n 2 -q
works '^"tiny","genuine, accepted","a ""b""",deletion_auc,' bench report "$work/quoted.db" --format csv
for ending in png svg pdf; do
    works '' bench report "$db" --plot "$work/plot.$ending" --measure insertion_auc -q
    [ -s "$work/plot.$ending" ] || complain "no plot.$ending"
done
works '' bench report "$db" --plot "$work/forwards.svg" --against forwards --measure deletion_auc

works '' bench report "$work/h.db" --plot "$work/other.svg" -m other --measure insertion_auc
grep -q 'few' "$work/out" || complain "no table beside a plot"
refuses 2 "has no model 'third'" bench report "$work/h.db" --plot "$work/other.svg" -m third

refuses 1 'has no value of average to draw' bench report "$db" --plot "$work/none.svg" -q

# ---- bad usage and bad files ----
refuses 2 'holds no benchmark yet' bench run "$work/new.db"
refuses 2 'expected random, hardest or none' bench run "$work/n.db" "${plan[@]}" --nonmate near
refuses 2 "expected OPTION=VALUE,VALUE" bench run "$work/n.db" "${plan[@]}" --vary masks
refuses 2 'its maps show frequencies, not places' bench run "$work/n.db" "${plan[@]/masks=3,6/budget=30,60}" -x frequency
refuses 2 "two methods are called 's-rise" bench run "$work/n.db" "${plan[@]}" -x s-rise
echo '{"protocoll": "x"}' >"$work/bad.json"
refuses 1 '"protocoll" is no option of a benchmark' bench run "$work/n.db" --plan "$work/bad.json"
echo '{"steps": ' >"$work/bad.json"
refuses 1 "bad.json', line" bench run "$work/n.db" --plan "$work/bad.json"
absent "$work/n.db"
refuses 1 'No such file' bench report "$work/none.db"
refuses 2 'expected text, markdown, csv or latex' bench report "$db" --format html
refuses 2 "'x' is none of deletion" bench report "$db" --plot p.png --measure x
refuses 1 'must end in .png, .svg or .pdf' bench report "$db" --plot "$work/p.gif" \
    --measure insertion_auc -q
head -c 9000 /dev/urandom >"$work/noise.db"
refuses 1 'is no SQLite database' bench run "$work/noise.db" "${plan[@]}"
"$python" -c 'import sqlite3, sys
sqlite3.connect(sys.argv[1]).execute("CREATE TABLE t (x)")' "$work/foreign.db"
refuses 1 "is no database of 'whyface bench run'" bench run "$work/foreign.db" "${plan[@]}"
cp "$db" "$work/newer.db"
"$python" -c 'import sqlite3, sys
sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version = 9")' "$work/newer.db"
refuses 1 'has format 9, this version of whyface has 1' bench report "$work/newer.db"
cp "$db" "$work/broken.db"
"$python" - "$work/broken.db" <<'PY'
import sys
with open(sys.argv[1], 'r+b') as f:
    f.seek(4096 * 3)
    f.write(b'\xff' * 4096 * 12)
PY
refuses 1 'is damaged' bench report "$work/broken.db"
mkfifo "$work/go"
"$python" -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = DELETE")
db.execute("BEGIN EXCLUSIVE")
open(sys.argv[2], "w").write("locked\n")
open(sys.argv[2]).read()' "$work/newer.db" "$work/go" &
read -r _ <"$work/go"
refuses 1 'is locked by another program' bench report "$work/newer.db"
echo >"$work/go"
wait
# No room: what was finished stays.
(
    ulimit -f 300
    "$whyface" bench run "$work/full.db" "${plan[@]}" -q >"$work/out" 2>"$work/err"
)
status=$?
[ "$status" -eq 1 ] && [ "$(grep -c ^whyface "$work/err")" -eq 1 ] ||
    complain "a full disk: status $status"
works '24 of 24' bench run "$work/full.db"
ask "$work/full.db" "$scores" "$expected"

# ---- photos and models that change or are missing ----
mv "$work/lfw/d/d_0002.jpg" "$work/d2"
refuses 1 "1 of the protocol's 8 photos are missing, the first is '.*d_0002.jpg'" \
    bench run "$work/m.db" "${plan[@]}"
works '18 of 18 items are done, 3 triplets' bench run "$work/s.db" "${plan[@]}" --skip-missing
"$python" -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("DELETE FROM scores WHERE item = 1")
db.execute("UPDATE items SET state = 0 WHERE id = 1")
db.commit()' "$work/s.db"
run models add "$work/other.onnx" --name tiny --replace -q
refuses 1 "model 'tiny' has changed since" bench run "$work/s.db"
finish
