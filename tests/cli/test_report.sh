#!/bin/bash
# usage: test_report.sh WHYFACE: 'report' and 'explain --report', their numbers
# against the files they come from, and what they refuse.
. "$(dirname "$0")/lib.sh"

demo=$npm/@vladmandic/face-api/demo
need "$demo/sample3.jpg" WHYFACE_NPM
need "$shared/models/mobilefacenet_arcface_128.onnx" WHYFACE_SHARED
mtcnn=("$shared"/models/mtcnn_{p,r,o}net.onnx)
need "${mtcnn[0]}" WHYFACE_SHARED

run models add "$shared/models/mobilefacenet_arcface_128.onnx" -n small -q
run models add-detector "${mtcnn[@]}" -n mtcnn -q
out=$work/out-folder
cp "$demo/sample3.jpg" "$work/probe & co.jpg"
quick=(--method s-rise --masks 10 --fill mean -q)

# check CODE: d is the report's JSON, page its HTML, r the run's result.json.
check() {
    /usr/bin/python3 - "$1" "$out" <<'PYTHON' || complain "python: $1"
import json, sys
import numpy as np
folder = sys.argv[2]
d, r = (json.load(open(f'{folder}/{n}.json')) for n in ('report', 'result'))
page = open(f'{folder}/report.html').read()
exec(sys.argv[1])
PYTHON
}

# ---- a triplet, all in one go ----
works '' explain --face 2 --face 3 --face 1 "$work/probe & co.jpg" \
    "$demo/sample1.jpg" "$demo/sample4.jpg" -o "$out" --report "${quick[@]}"
check "
assert [p['role'] for p in d['photos']] == ['probe', 'mate', 'non-mate']
assert [p['sha256'] for p in d['photos']] == [r['photos'][k]['sha256'] for k in ('probe', 'mate', 'nonmate')]
assert all(p['found'] and len(p['suitability']) > 8 and len(p['landmarks']) == 5 for p in d['photos'])
assert {f['name']: f['value'] for f in d['photos'][0]['facts']}['format'] == 'JPEG'
for pair, key in zip(d['pairs'], ('mate', 'nonmate')):
    assert abs(pair['similarity'] - r['pairs'][key]['similarity']) < 1e-6
    assert pair['decision'] == r['pairs'][key]['verdict']
    assert len(pair['propositions']) == 2 and 'FMR' in pair['weight']
    for m in pair['maps']:
        values = np.load(f'{folder}/{m[\"file\"]}')
        assert abs(values.max() - m['highest']) < 1e-6 and abs(values.min() - m['lowest']) < 1e-6
        for share in ('area', 'saliency', 'top'):
            assert abs(sum(g[share] for g in m['regions']) - 1) < 2e-3, (m['file'], share)
        assert len(m['regions']) == 8
        f = m['faithfulness']
        for c in f['curves']:
            assert set(c['area']) == {'map', 'random', 'centred'}
            y = np.array(c['similarity']['map'])
            assert abs(np.trapz(y, dx=1 / (len(y) - 1)) - c['area']['map']) < 1e-6
        assert abs(f['curves'][0]['similarity']['map'][0] - pair['similarity']) < 1e-4
        assert abs(f['curves'][1]['similarity']['map'][-1] - pair['similarity']) < 1e-4
maps = [np.load(f'{folder}/{m[\"file\"]}') for p in d['pairs'] for m in p['maps']]
assert abs(d['scale']['lowest'] - min(m.min() for m in maps)) < 1e-6
assert d['random_weights']['correlation'] < d['another_seed']['correlation'] <= 1
assert d['method']['name'] == 's-rise' and {o['name']: o['value'] for o in d['method']['options']}['masks'] == '10'
assert '--masks 10' in d['repeat']['command'] and \"'\" in d['repeat']['command']
assert not any(k.startswith('_') for k in d)
"
# What the page says of itself: whole, its own, nothing left of the template.
check "
import html.parser
open_tags, faults, images = [], [], 0
void = {'meta', 'img', 'input', 'path', 'line', 'rect', 'polyline', 'circle', 'link', 'br'}
class Reader(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        global images
        a = dict(attributes)
        for k in ('src', 'href'):
            if k in a and not a[k].startswith(('data:', '#')):
                faults.append(a[k])
        if tag == 'img':
            images += 1
            if not a.get('alt'):
                faults.append('no alt text')
        if tag not in void:
            open_tags.append(tag)
    def handle_startendtag(self, tag, attributes):
        pass
    def handle_endtag(self, tag):
        if not open_tags or open_tags.pop() != tag:
            faults.append('</%s>' % tag)
Reader().feed(page)
assert not faults and not open_tags, (faults[:5], open_tags)
# Crops and maps of four sides, crops of three photos, the difference, two scales.
assert images == 4 * 2 + 3 + 2 + 2, images
assert '{{' not in page and 'probe &amp; co.jpg' in page
assert all('id=\"%s\"' % i in page for i in ('summary', 'result', 'maps', 'worth', 'photos', 'method', 'limits', 'review', 'repeat'))
"
[ "$(stat -c %a "$out/report.html")" = "$(stat -c %a "$out/figure.png")" ] ||
    complain "report.html has other permissions than figure.png"

# ---- the same again from the folder; words that are no markup ----
cp "$out/report.json" "$work/first.json"
works 'report.html' report "$out" --threads 1 --evidence stability \
    --case '<script>alert(1)</script>' --examiner 'M. "Q" {{x}}' \
    --notes "$(printf 'tab\tand \377 byte')"
check "
first = json.load(open('$work/first.json'))
assert d['photos'] == first['photos'] and d['scale'] == first['scale']
assert abs(d['another_seed']['correlation'] - first['another_seed']['correlation']) < 1e-3
assert 'random_weights' not in d and 'not measured' in page
assert d['case']['id'] == '<script>alert(1)</script>'
assert '<script>alert' not in page and '&lt;script&gt;alert(1)' in page
assert 'M. &quot;Q&quot; {{x}}' in page
"

# ---- less evidence; a photo that is gone; one that has changed ----
rm "$work/probe & co.jpg"
works '' report "$out" --evidence none -q
check "
assert 'random_weights' not in d and 'faithfulness' not in d['pairs'][0]['maps'][0]
assert 'not measured' in page
assert not d['photos'][0]['found'] and d['photos'][1]['found'] and not d['photos'][0]['facts']
assert any('probe was not found' in l for l in d['limits'])
assert any(s['level'] == 'unknown' and s['value'] is None for s in d['photos'][0]['suitability'])
"
cp "$demo/sample1.jpg" "$work/probe & co.jpg"
works '' report "$out" --evidence none -q
check "assert not d['photos'][0]['found']"

# ---- its areas are those of 'evaluate' ----
pair=("$out/crop-probe.png" "$out/crop-mate.png")
works '' explain --aligned "${pair[@]}" -o "$work/areas" "${quick[@]}"
works 'other.html' report "$work/areas" --evidence curves -o "$work/other.html"
works '' evaluate "$work/areas" --steps 20 --curves-only --csv "$work/areas.csv" -q
/usr/bin/python3 - "$work" <<'PYTHON' || complain "areas differ from evaluate's"
import csv, json, sys
report = json.load(open(sys.argv[1] + '/other.json'))
rows = list(csv.DictReader(open(sys.argv[1] + '/areas.csv')))
for side, entry in zip(('probe', 'mate'), report['pairs'][0]['maps']):
    deletion, insertion = (c['area'] for c in entry['faithfulness']['curves'])
    found = 0
    for row in rows:
        kind = {'s-rise': 'map', 'centred Gaussian': 'centred'}.get(row['map'])
        if kind and row['side'] == ('probe' if side == 'probe' else 'other'):
            assert abs(float(row['deletion_auc']) - deletion[kind]) < 1e-4, row
            assert abs(float(row['insertion_auc']) - insertion[kind]) < 1e-4, row
            found += 1
    assert found == 2, [row['map'] for row in rows]
PYTHON

# ---- aligned crops, a pair, a method without a seed and with frequencies ----
works '' explain --aligned "${pair[@]}" -o "$work/pair" --report \
    --method occlusion --budget 30 -q
grep -q 'draws nothing at random' "$work/pair/report.json" || complain "occlusion's seed"
grep -q '"detector": null' "$work/pair/report.json" || complain "detector of crops"
works '' explain --aligned "${pair[@]}" -o "$work/frequency" --report \
    --method frequency --budget 30 -q
grep -q 'frequencies, not places' "$work/frequency/report.html" ||
    complain "nothing says that the maps show frequencies"

# ---- what is refused ----
refuses 1 'has no result.json' report "$work"
refuses 1 "no such\|'nowhere' is not a folder" report nowhere
refuses 2 'too few arguments' report
refuses 2 "option --evidence: expected curves, weights, stability, all or none, got 'bogus'" \
    report "$out" --evidence curves,bogus
refuses 1 'cannot write' report "$out" --evidence none -o /nonexistent/x
/usr/bin/python3 "$source/tests/cli/tiny_model.py" "$work/tiny.onnx" 1
run models add "$work/tiny.onnx" -n tiny -q
refuses 1 "are of model 'small'" report "$out" -m tiny -q
cp -r "$out" "$work/broken"
head -c 300 "$out/result.json" >"$work/broken/result.json"
refuses 1 "is no result of 'whyface explain'" report "$work/broken"
cp "$out/result.json" "$work/broken/"
rm "$work/broken/map-mate-mate.npy" "$work/broken/report.html"
refuses 1 'map-mate-mate.npy' report "$work/broken" --evidence none
absent "$work/broken/report.html"
WHYFACE_BROWSER=/bin/false run report "$out" --evidence none --pdf -q
if [ "$status" -ne 1 ] || ! grep -q "cannot write '.*report.pdf': /bin/false failed" "$work/err"; then
    complain "a browser that fails"
fi
absent "$out/report.pdf" "$out"/*.tmp*

finish
