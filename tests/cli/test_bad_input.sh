#!/bin/bash
# usage: test_bad_input.sh WHYFACE: one sentence, a documented exit status,
# nothing half-written.
. "$(dirname "$0")/lib.sh"

demo=$npm/@vladmandic/face-api/demo
fr=$npm/faceplugin-face-recognition-js/model
need "$demo/sample3.jpg" WHYFACE_NPM
/usr/bin/python3 -c 'import onnx, numpy' 2>/dev/null ||
    skip "python3-onnx and python3-numpy are not installed"

# Our engine's own words: ONNX Runtime would take over what it refuses.
export WHYFACE_ORT=/no/such/library
run models add "$fr/fr_feature.onnx" -q
run models add-detector "$fr/fr_detect.onnx" "$fr/fr_landmark.onnx" -q
good=$demo/sample3.jpg
out=$work/result

# refuses_photo TEXT PHOTO: as PROBE of explain, nothing written.
refuses_photo() {
    refuses 1 "$1" explain --face 2 --face 2 "$2" "$good" --masks 5 -o "$out"
    absent "$out/result.json" "$out/figure.png"
    grep -q "$(basename "$2")" "$work/err" || complain "'$2' is not named"
}

# ---- photos ----
: >"$work/empty.jpg"
head -c 30000 "$good" >"$work/cut.jpg"
echo hello >"$work/text.jpg"
/usr/bin/python3 - "$work" <<'PY'
import struct, sys, zlib
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
head = b'\x89PNG\r\n\x1a\n'
def png(w, h, rows):
    return head + chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, 8, 2, 0, 0, 0)) + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')
open(sys.argv[1] + '/huge.png', 'wb').write(png(50000, 50000, b''))
open(sys.argv[1] + '/blank.png', 'wb').write(png(200, 200, (b'\0' + b'\x80' * 600) * 200))
PY
refuses_photo 'No such file' "$work/missing.jpg"
refuses_photo 'is empty' "$work/empty.jpg"
refuses_photo 'truncated or damaged JPEG' "$work/cut.jpg"
refuses_photo 'is not a JPEG, PNG or WebP' "$work/text.jpg"
refuses_photo '50000 x 50000 pixels, over the limit' "$work/huge.png"
refuses_photo 'no face found' "$work/blank.png"
refuses_photo 'it is a folder' "$work"
refuses 1 'shows 3 faces and none stands out' explain "$good" "$good" -o "$out"
refuses 1 'face 9 was asked for' explain --face 9 "$good" "$good" -o "$out"
refuses 1 'no way to choose a face' verify --face middle "$good" "$good"
refuses 1 'an aligned crop for model' verify --aligned "$good" "$good"

# ---- options ----
refuses 2 "expected an integer from 4" explain "$good" "$good" --masks 3k -o "$out"
refuses 2 "has no preset 'papr'; it has none" explain "$good" "$good" --preset papr -o "$out"
refuses 2 'methods that have it: s-rise' explain "$good" "$good" --preset paper -o "$out"
refuses 2 'expected png, svg or pdf' explain "$good" "$good" --format gif -o "$out"
refuses 2 "no colour map 'rainbow'" explain "$good" "$good" --colormap rainbow -o "$out"
refuses 2 "has no threshold 'fmr1e-9'" explain "$good" "$good" --threshold fmr1e-9 -o "$out"
refuses 2 'lies in -1..1' explain "$good" "$good" --threshold 7 -o "$out"
refuses 2 'expected a number from 1' detect "$good" --threads 0

# ---- models ----
/usr/bin/python3 - "$work" <<'PY'
import sys, numpy as np, onnx
from onnx import helper as h, numpy_helper as nh, TensorProto as T
out = sys.argv[1] + '/'
def save(name, nodes, inits, shape=(1, 3, 8, 8), dim=32):
    g = h.make_graph(nodes, 'g', [h.make_tensor_value_info('x', T.FLOAT, shape)],
                     [h.make_tensor_value_info('y', T.FLOAT, (1, dim))], inits)
    m = h.make_model(g, opset_imports=[h.make_opsetid('', 13)])
    onnx.save(m, out + name)
    return m
def dense(value=None):
    w = np.random.RandomState(1).randn(192, 32).astype('f4') * .1 if value is None else np.full((192, 32), value, 'f4')
    return [nh.from_array(w, 'w')]
flat = [h.make_node('Flatten', ['x'], ['f']), h.make_node('MatMul', ['f', 'w'], ['y'])]
m = save('good.onnx', flat, dense())
save('zero.onnx', flat, dense(0))
save('nan.onnx', flat, dense(np.nan))
save('cos.onnx', [h.make_node('Cos', ['x'], ['c'], name='my_cos')] + [h.make_node('Flatten', ['c'], ['f']), flat[1]], dense())
save('shape.onnx', flat, dense(), (1, 5, 8, 8))
save('cycle.onnx', [h.make_node('Add', ['x', 'b'], ['a'], name='one'), h.make_node('Relu', ['a'], ['b'])] + [h.make_node('Flatten', ['b'], ['f']), flat[1]], dense())
open(out + 'cut.onnx', 'wb').write(open(out + 'good.onnx', 'rb').read()[:-100])
onnx.save_model(m, out + 'external.onnx', save_as_external_data=True, size_threshold=0, location='weights.bin')
big = h.make_model(h.make_graph(flat, 'g', [h.make_tensor_value_info('x', T.FLOAT, (1, 3, 8, 8))], [h.make_tensor_value_info('y', T.FLOAT, (1, 32))], []), opset_imports=[h.make_opsetid('', 13)])
t = big.graph.initializer.add(); t.name = 'w'; t.data_type = 1; t.dims.extend([1 << 40, 1 << 40])
open(out + 'overflow.onnx', 'wb').write(big.SerializeToString())
nodes = onnx.ModelProto(); nodes.ir_version = 8; nodes.opset_import.add().version = 13
for i in range(1000000): nodes.graph.node.add()
open(out + 'million.onnx', 'wb').write(nodes.SerializeToString())
PY
for c in 'cut.onnx|not a whole ONNX file' \
    "cos.onnx|node 'my_cos': operator 'Cos' (opset 13) is not supported" \
    'shape.onnx|takes an input of 1x5x8x8' \
    "cycle.onnx|node 'one' (Add) is part of a cycle" \
    'external.onnx|keeps weights' \
    'overflow.onnx|over the limit' \
    'million.onnx|1000000 nodes, over the limit' \
    'text.jpg|is not' \
    'missing.onnx|No such file'; do
    file=${c%%|*}
    refuses 1 "${c#*|}" verify -m "$work/$file" "$good" "$good"
    grep -q "$file" "$work/err" || complain "'$file' is not named"
    refuses 1 "${c#*|}" models add "$work/$file"
done
[ "$(find "$WHYFACE_HOME/models" -type f | wc -l)" -eq 4 ] || complain "refused models were stored"
works '' models add "$work/good.onnx" -q
rm -f "$WHYFACE_HOME"/models/good.*
for c in 'zero|all zero' 'nan|not finite'; do
    refuses 1 "${c#*|}" verify -q -m "$work/${c%%|*}.onnx" --face 2 --face 2 "$good" "$good"
    refuses 1 "${c#*|}" models add "$work/${c%%|*}.onnx"
done
refuses 1 'no model is registered as' verify -m nonesuch "$good" "$good"
refuses 1 'no detector is registered as' detect -d nonesuch "$good"

# ---- places that cannot be written ----
pair=(--face 2 --face 2 "$good" "$good" --masks 5)
: >"$work/file"
refuses 1 "cannot make the folder" explain "${pair[@]}" -o "$work/file/x"
refuses 1 "is not a folder\|cannot" explain "${pair[@]}" -o "$work/file"
refuses 1 "cannot write" detect "$good" -o "$work/none/faces.png"
if [ "$(id -u)" -ne 0 ]; then
    mkdir "$work/locked"
    chmod 555 "$work/locked"
    refuses 1 'cannot write to the folder' explain "${pair[@]}" -o "$work/locked"
fi

# ---- a full disk: files may grow to 16 KiB and no further ----
(
    failures=0
    ulimit -f 16
    refuses 1 'cannot write\|File too large\|No space' explain "${pair[@]}" -o "$work/full"
    [ "$failures" -eq 0 ]
) || failures=$((failures + 1))
absent "$work/full/result.json" "$work"/full/*.tmp-*
if mkdir -p "$work/tiny" && mount -t tmpfs -o size=64k tmpfs "$work/tiny" 2>/dev/null; then
    refuses 1 'No space left' explain "${pair[@]}" -o "$work/tiny/x"
    absent "$work/tiny/x/result.json" "$work"/tiny/x/*.tmp-*
    umount "$work/tiny"
fi

# ---- an older result does not pass for a new one ----
works '' explain "${pair[@]}" -o "$work/old" -q
refuses 1 'no face found' explain --face 2 --face 1 "$good" "$work/blank.png" -o "$work/old"
absent "$work/old/result.json"

# ---- Ctrl-C ----
"$whyface" explain --face 2 --face 2 "$good" "$good" --masks 1000000 -o "$work/stopped" >"$work/out" 2>"$work/err" &
pid=$!
sleep 2
kill -TERM $pid
status=0
wait $pid || status=$?
[ "$status" -eq 130 ] || complain "interrupted: status $status"
grep -q interrupted "$work/err" || complain "no word of the interruption"
[ "$(find "$work/stopped" -type f | wc -l)" -eq 0 ] || complain "files left after an interruption"
finish
