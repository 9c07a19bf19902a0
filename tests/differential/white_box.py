"""White-box methods against PyTorch and NumPy, from the definitions that the
files of src/method quote.

usage: white_box.py WHYFACE DUMP_GRADIENT

The maps are those of `whyface explain`.  For relevances, what the rules carry
back comes from dump_gradient (relevance.py has a reference of the rules), and
what a method makes of it is done again here.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

from torch_graph import Graph, np, onnx, torch
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

SOURCE = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WHYFACE_SHARED", SOURCE / ".." / "shared"))
WHYFACE, DUMP_GRADIENT = sys.argv[1:]
SIDE = 112
ACTIVATIONS = ["Relu", "PRelu", "Clip"]
ROLES = ["probe", "mate", "nonmate"]
failures = 0


def write_png(path, pixels):
    """pixels: SIDE x SIDE x 3 bytes."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + \
            struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    Path(path).write_bytes(
        b"\x89PNG\r\n\x1a\n" +
        chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)) +
        chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def pictures():
    """Three smooth ones, alike to a degree."""
    random = np.random.default_rng(4)
    draw = lambda n: F.interpolate(
        torch.from_numpy(random.standard_normal((1, 3, n, n))), (SIDE, SIDE),
        mode="bilinear", align_corners=False)[0].numpy()
    common = draw(7) + draw(20)
    return [np.uint8(np.clip(128 + 40 * (common + draw(9) + draw(30) / 2),
                             0, 255).transpose(1, 2, 0)) for _ in ROLES]


def blur_matrix(n, sd, radius):
    """Rows of a Gaussian, cut off and scaled to 1."""
    apart = np.abs(np.arange(n)[:, None] - np.arange(n))
    rows = np.where(apart <= radius, np.exp(-apart**2 / (2 * sd**2)), 0)
    return rows / rows.sum(axis=1, keepdims=True)


def blur(plane, sd, radius):
    b = blur_matrix(plane.shape[-1], sd, radius)
    return b @ plane @ b.T


def enlarge(grid):
    grid = torch.as_tensor(np.float64(grid))
    return F.interpolate(grid[None, None], (SIDE, SIDE), mode="bilinear",
                         align_corners=False)[0, 0].numpy()


class Model(Graph):
    """A model with its pre-processing: value = (pixel - mean) / divisor."""

    def __init__(self, path, mean, divisor, threshold, bgr=False):
        super().__init__(path)
        self.path, self.threshold, self.bgr = path, threshold, bgr
        shape = (3, 1, 1)
        self.black = -(np.float64(mean) / divisor).reshape(shape)
        self.units = (255 / np.float64(divisor)).reshape(shape)

    def input(self, pixels):
        planes = pixels.transpose(2, 0, 1)[::-1 if self.bgr else 1]
        return torch.from_numpy(
            np.float32(self.black + planes / 255 * self.units))[None]

    def look(self, x, guided=False):
        """(x that has gradients, every value, unit embeddings)."""
        x = x.detach().requires_grad_()
        values = self.guided_values(x) if guided else self.values(x)
        return x, values, F.normalize(
            values[self.result].reshape(len(x), -1))

    def guided_values(self, x):
        """Activations let only what is positive back."""
        values = {**self.constants, self.source: x}
        for run, attrs, inputs, output, _ in self.steps:
            self.put(values, output, run(attrs, *(
                values[n] if n else None for n in inputs)))
            if self.nodes[output].op_type in ACTIVATIONS:
                values[output].register_hook(lambda g: g.clamp(min=0))
        return values

    def gradient(self, x, r, guided=False):
        """Of the cosine with unit r, for each row of x."""
        x, _, u = self.look(x, guided)
        return torch.autograd.grad((u @ r).sum(), x)[0]

    def layers(self):
        """Names of the feature maps with more than one place; a convolution
        and its normalisation are one."""
        _, values, _ = self.look(self.images[0])
        norms = [s[2][0] for s in self.steps if
                 self.nodes[s[3]].op_type == "BatchNormalization"]
        return [s[3] for s in self.steps if values[s[3]].dim() == 4 and
                values[s[3]].shape[2:].numel() > 1 and s[3] not in norms]

    def show(self, pixels):
        self.pixels = pixels
        self.images = [self.input(p) for p in pixels]
        with torch.no_grad():
            self.raw = [self.embed(x.numpy())[0] for x in self.images]
            self.units_of = [F.normalize(torch.from_numpy(e), dim=0)
                             for e in self.raw]

    def dump(self, i, rules, seed, to, start="embedding"):
        """What arrives at `to` of a seed at `start` of image i."""
        with tempfile.TemporaryDirectory() as folder:
            self.images[i].numpy().tofile(f"{folder}/inputs")
            np.float32(seed).tofile(f"{folder}/seeds")
            subprocess.run([DUMP_GRADIENT, self.path, "3", str(SIDE),
                            str(SIDE), rules, start, to, folder],
                           check=True)
            return np.fromfile(f"{folder}/out", np.float32)


# ---- references: (model, image, reference image, the third one) to a map -----

def gradient(m, i, r, _, guided=False):
    g = m.gradient(m.images[i], m.units_of[r], guided)[0]
    return g.abs().amax(0).numpy()


def guided(m, i, r, _):
    return gradient(m, i, r, _, True)


def times_input(m, i, r, _):
    x = m.images[i]
    return (m.gradient(x, m.units_of[r]) * x)[0].sum(0).numpy()


def integrated(m, i, r, _, steps):
    at, weights = np.polynomial.legendre.leggauss(steps)
    black = torch.from_numpy(np.float32(m.black))
    way = m.images[i] - black
    sums = sum(w / 2 * m.gradient(black + (1 + a) / 2 * way, m.units_of[r])
               for a, w in zip(at, weights))
    return (sums * way)[0].sum(0).numpy()


def maps_and_slopes(m, i, r, held=False):
    """Feature maps and derivatives of the cosine; held: not of the length."""
    _, values, u = m.look(m.images[i])
    a = values[m.last]
    e = values[m.result].reshape(-1)
    y = e @ m.units_of[r] / e.norm().detach() if held else u[0] @ m.units_of[r]
    [g] = torch.autograd.grad(y, a)
    return a[0].detach().double().numpy(), g[0].double().numpy()


def cam(m, i, r, _):
    a, g = maps_and_slopes(m, i, r, True)
    return enlarge((a * g).sum(0))


def grad_cam(m, i, r, _):
    a, g = maps_and_slopes(m, i, r)
    weights = g.mean((1, 2), keepdims=True)
    return enlarge(np.maximum((weights * a).sum(0), 0))


def grad_cam_plus_plus(m, i, r, _):
    a, g = maps_and_slopes(m, i, r)
    all_ = a.sum((1, 2), keepdims=True)
    under = 2 * g**2 + all_ * g**3
    alpha = np.divide(g**2, under, out=np.zeros_like(g), where=under != 0)
    weights = (alpha * np.maximum(g, 0)).sum((1, 2), keepdims=True)
    return enlarge(np.maximum((weights * a).sum(0), 0))


def guided_grad_cam(m, i, r, _):
    return grad_cam(m, i, r, _) * guided(m, i, r, _)


def xssab(m, i, r, _):
    x, _, u = m.look(m.images[i])
    v = m.units_of[r]
    match = u[0].detach() * v >= m.threshold / len(v)
    part = []
    for side in (match, ~match):
        [g] = torch.autograd.grad((u[0] * v * side).sum(), x, retain_graph=True)
        part.append(np.abs(g[0].numpy() * m.units).mean(0))
    return part[0] - part[1]


def fggb(m, i, r, _, sd=5):
    x, _, u = m.look(m.images[i])
    v = m.units_of[r].double().numpy()
    dim, total = len(v), 0
    for k in range(dim):
        [g] = torch.autograd.grad(u[0, k], x, retain_graph=True)
        j = np.abs(g[0].numpy() * m.units).mean(0)
        weight = u[0, k].item() * v[k] - m.threshold / dim
        total = total + weight * j / (np.linalg.norm(j) + 1e-8)
    return blur(total, sd, 12)


def fame(m, i, r, _, steps):
    x = m.images[i]
    units = torch.from_numpy(np.float32(m.units))
    for _ in range(steps):
        g = m.gradient(x, m.units_of[r]) * units
        x = x - g / g.abs().max() / 255 * units
    change = ((x - m.images[i]) / units)[0].numpy()[::-1 if m.bgr else 1]
    grey = np.abs(np.tensordot([0.2989, 0.587, 0.114], change, 1))
    return blur(grey / grey.max(), 7.7, 24)


def patches(m, i, r, _):
    a, b = ([m.look(m.images[k])[1][m.last][0].detach().double().numpy()
             for k in (i, r)])
    lengths = np.sqrt((a**2).sum(0) * (b**2).sum(0))
    return enlarge((a * b).sum(0) / lengths.sum())


def perturbation(m, i, r, _, steps, l1=1e-4, tv=0.01, beta=3):
    x = m.images[i]
    behind = torch.from_numpy(np.float32(blur(x[0].double().numpy(), 5, 15)))
    mask = torch.ones(28, 28, requires_grad=True)
    large = lambda: F.interpolate(mask[None, None], (SIDE, SIDE),
                                  mode="bilinear", align_corners=False)[0, 0]
    adam = torch.optim.Adam([mask], lr=0.1)
    for _ in range(steps):
        dx = F.pad(mask[:, 1:] - mask[:, :-1], (0, 1))
        dy = F.pad(mask[1:] - mask[:-1], (0, 0, 0, 1))
        e = m.values(behind + large() * (x - behind))[m.result].reshape(-1)
        loss = F.normalize(e, dim=0) @ m.units_of[r] + \
            l1 * (1 - mask).abs().sum() + \
            tv * ((dx**2 + dy**2) ** (beta / 2)).sum()
        adam.zero_grad()
        loss.backward()
        adam.step()
        with torch.no_grad():
            mask.clamp_(0, 1)
    return 1 - large().detach().numpy()


def lrp(m, i, r, _, rules):
    seed = m.units_of[i] * m.units_of[r]
    return m.dump(i, rules, seed, "input").reshape(3, SIDE, SIDE).sum(0)


def excitation(m, i, seed, start="embedding", to=None):
    """At a layer, or the first convolution: channels x places."""
    _, values, _ = m.look(m.images[i])
    to = to or m.layers()[0]
    return np.float64(m.dump(i, "excitation", seed, to,
                             start)).reshape(values[to].shape[1:])


def excitation_of_pair(m, i, r, to=None):
    seed = np.maximum(m.raw[i], 0) * np.maximum(m.units_of[r].numpy(), 0)
    return excitation(m, i, seed / seed.sum(), to=to)


def shown(grid):
    grid = blur(grid, 2, 6)
    return enlarge(grid / grid.sum())


def ebp(m, i, r, _):
    return shown(excitation_of_pair(m, i, r).sum(0))


def contrastive(m, i, r, other, percentile=0):
    p, q = (excitation_of_pair(m, i, k) for k in (r, other))
    p, q = p / p.sum(), q / q.sum()
    order = np.argsort(p.ravel(), kind="stable")
    keep = np.zeros(p.size, bool)
    keep[order] = p.ravel()[order].cumsum() >= percentile / 100
    return shown((np.maximum(p - q, 0) * keep.reshape(p.shape)).sum(0))


def subtree(m, i, r, other, subtrees):
    _, values, u = m.look(m.images[i])
    names = m.layers()[1:]
    own, theirs = (torch.autograd.grad(u[0] @ m.units_of[k],
                                       [values[n] for n in names],
                                       retain_graph=True) for k in (r, other))
    roots = []
    for name, a, b in zip(names, own, theirs):
        score = torch.where(b < a, -b, torch.zeros(()))[0].numpy()
        reached = excitation_of_pair(m, i, r, name) > 0
        score = np.where(reached, score, -np.inf).ravel()
        roots.append((score.max(), name, score.argmax()))
    grids = []
    for weight, name, neuron in sorted(roots, key=lambda k: -k[0]):
        seed = np.zeros(values[name].numel())
        seed[neuron] = 1
        grid = excitation(m, i, seed, name).sum(0)
        if grid.max() > 0:
            grids.append((weight, grid / grid.max()))
        if len(grids) == subtrees:
            break
    least, span = grids[-1][0], grids[0][0] - grids[-1][0]
    return shown(sum((w - least) / span * grid for w, grid in grids))


METHODS = [  # name, options, reference, its arguments
    ("gradient", [], gradient, {}),
    ("gradient-x-input", [], times_input, {}),
    ("smoothgrad", ["--noise", "0", "--samples", "2"], gradient, {}),
    ("integrated-gradients", ["--steps", "8", "--fill", "black"], integrated, {"steps": 8}),
    ("guided-backprop", [], guided, {}),
    ("cam", [], cam, {}),
    ("grad-cam", [], grad_cam, {}),
    ("grad-cam++", [], grad_cam_plus_plus, {}),
    ("guided-grad-cam", [], guided_grad_cam, {}),
    ("lrp", [], lrp, {"rules": "composite"}),
    ("lrp", ["--rules", "epsilon"], lrp, {"rules": "epsilon"}),
    ("ebp", [], ebp, {}),
    ("contrastive-ebp", [], contrastive, {}),
    ("contrastive-ebp", ["--preset", "truncated"], contrastive,
     {"percentile": 20}),
    ("subtree-ebp", ["--subtrees", "4"], subtree, {"subtrees": 4}),
    ("xssab", [], xssab, {}),
    ("fggb", [], fggb, {}),
    ("fame", ["--steps", "5"], fame, {"steps": 5}),
    ("perturbation", ["--steps", "5"], perturbation, {"steps": 5}),
    ("patch-similarity", [], patches, {}),
]


def compare(what, ours, theirs):
    global failures
    a, b = np.float64(ours).ravel(), np.float64(theirs).ravel()
    same = np.corrcoef(a, b)[0, 1]
    scale = a @ b / (b @ b)
    # FAME divides by one pixel's change, after steps that rounding may turn.
    good = same >= 0.999 and abs(scale - 1) <= 0.01
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what}: correlation {same:.6f}, "
          f"scale {scale:.5f}", flush=True)


def explain(m, folder, method, options):
    """Maps by (image, reference)."""
    crops = [f"{folder}/{role}.png" for role in ROLES]
    for path, pixels in zip(crops, m.pixels):
        write_png(path, pixels)
    subprocess.run([WHYFACE, "explain", *crops, "--aligned", "-q", "-m",
                    m.path, "--backend", "native", "--precision", "f32",
                    "-t", "2", "-o", f"{folder}/out", "--method", method,
                    *options], check=True)
    return {(i, r): np.load(f"{folder}/out/map-{pair}-{side}.npy")
            for pair, side, i, r in (("mate", "probe", 0, 1),
                                     ("mate", "mate", 1, 0),
                                     ("nonmate", "probe", 0, 2),
                                     ("nonmate", "nonmate", 2, 0))}


def compare_all(name, m, folder, which):
    m.show(pictures())
    m.last = m.layers()[-1]
    for method, options, reference, arguments in METHODS:
        if method == "subtree-ebp" and len(m.layers()) > 20:
            continue  # a run of dump_gradient for each layer
        maps = explain(m, folder, method, options)
        for i, r in which:
            other = 3 - i - r
            compare(f"{name}: {' '.join([method, *options])}, {ROLES[i]} for "
                    f"{ROLES[r]}", maps[i, r],
                    reference(m, i, r, other, **arguments))


def write_small(path):
    """What face models have, in two blocks; takes BGR and has a threshold."""
    random = np.random.default_rng(2)
    nodes, constants = [], []

    def add(op, inputs, output, *values, **attrs):
        for value in values:
            constants.append(numpy_helper.from_array(
                np.float32(value), f"{output}{len(constants)}"))
            inputs = [*inputs, constants[-1].name]
        nodes.append(helper.make_node(op, inputs, [output], output, **attrs))
        return output

    def conv(x, name, n, deep, k, **attrs):
        """Convolution, normalisation, PReLU."""
        w = random.standard_normal((n, deep, k, k)) / (deep * k * k) ** 0.5
        y = add("Conv", [x], name + "c", w, **attrs)
        y = add("BatchNormalization", [y], name + "b",
                random.uniform(0.5, 1.5, n), random.normal(0, 0.3, n),
                random.normal(0, 0.3, n), random.uniform(0.5, 1.5, n))
        return add("PRelu", [y], name, random.uniform(0, 0.4, (n, 1, 1)))

    x = conv("x", "p", 8, 3, 3, strides=[4, 4], pads=[1] * 4)
    y = conv(x, "q", 8, 1, 3, group=8, pads=[1] * 4)
    x = add("Add", [conv(y, "r", 8, 8, 3, pads=[1] * 4), x], "s")
    x = conv(x, "t", 16, 8, 3, strides=[4, 4], pads=[1] * 4)
    x = add("Conv", [x], "u", random.standard_normal((16, 1, 7, 7)) / 7,
            random.normal(0, 0.3, 16), group=16)
    x = add("Flatten", [x], "v")
    add("Gemm", [x], "y", random.standard_normal((32, 16)) / 4,
        random.normal(0, 0.3, 32), transB=1)
    float_value = lambda n, s: helper.make_tensor_value_info(
        n, TensorProto.FLOAT, s)
    graph = helper.make_graph(
        nodes, "g", [float_value("x", [1, 3, SIDE, SIDE])],
        [float_value("y", [1, 32])], constants)
    onnx.save(helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7), path)
    Path(path).with_suffix(".json").write_text(json.dumps(
        {"whyface": 1, "name": "small", "width": SIDE, "height": SIDE,
         "dim": 32, "colour": "BGR", "mean": [120, 110, 100],
         "scale": [1 / 64, 1 / 100, 1 / 80],
         "thresholds": [{"name": "accuracy", "value": 0.5}]}))


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WHYFACE_HOME"] = folder
        small = f"{folder}/small.onnx"
        write_small(small)
        compare_all("small", Model(small, [120, 110, 100], [64, 100, 80], 0.5,
                                   bgr=True), folder,
                    [(0, 1), (1, 0), (0, 2), (2, 0)])
        real = SHARED / "models" / "mobilefacenet_arcface_128.onnx"
        if real.exists():
            compare_all("MobileFaceNet-128",
                        Model(str(real), [123.675, 116.28, 103.53],
                              [58.395, 57.12, 57.375], 0.270997), folder,
                        [(0, 1)])
        else:
            print(f"SKIPPED: '{real}' is not there", file=sys.stderr)
    sys.exit(failures > 0)


main()
