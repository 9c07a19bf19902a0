"""Guided backpropagation and the rules of relevance against a walk back over the
nodes in float64, from their definitions: excitation backprop (Zhang et al. 2016,
eq. 10), LRP's epsilon rule (Bach et al. 2015, eq. 58) and the composite of
epsilon, z+ and flat (Montavon et al. 2019)."""
import tempfile

from backward import constant, cosine, dump, helper, models, operators, \
    write_model
from torch_graph import F, Graph, np, torch, torch_model

ACTIVATIONS = ("Clip", "Elu", "HardSigmoid", "HardSwish", "LeakyRelu", "PRelu",
               "Relu", "Sigmoid", "Tanh")
RULES = ("guided", "excitation", "epsilon", "composite")
LINEAR = ("Conv", "Gemm", "MatMul")
POOLS = ("AveragePool", "GlobalAveragePool")
BINARY = ("Add", "Sub", "Mul", "Div", "Max", "Min")
MOVES = ("Concat", "DepthToSpace", "Expand", "Flatten", "Gather", "MaxPool",
         "GlobalMaxPool", "Pad", "Reshape", "Slice", "Split", "Squeeze", "Tile",
         "Transpose", "Unsqueeze")


def conv(attrs, x, w, b=None):
    """PyTorch takes seconds for a depthwise one in float64: tap by tap."""
    if not attrs.get("group", 1) == x.shape[1] == len(w) > 1:
        return torch_model.conv(attrs, x, w, b)
    pads, extra = torch_model.spatial_pads(attrs, x, w.shape[2:])
    x = F.pad(x, extra or [pads[1], pads[1], pads[0], pads[0]])
    (sy, sx), (dy, dx) = (attrs.get(k, [1, 1]) for k in ("strides", "dilations"))
    h, v = ((x.shape[2 + k] - d * (w.shape[2 + k] - 1) - 1) // s + 1
            for k, d, s in ((0, dy, sy), (1, dx, sx)))
    y = 0 if b is None else b.reshape(-1, 1, 1)
    for j in range(w.shape[2]):
        for i in range(w.shape[3]):
            y = y + w[:, :, j, i, None] * x[
                :, :, j * dy:j * dy + (h - 1) * sy + 1:sy,
                i * dx:i * dx + (v - 1) * sx + 1:sx]
    return y


torch_model.OPERATORS["Conv"] = conv


def stable(z):
    """z, kept away from 0."""
    return torch.where(z.abs() >= 1e-6, z, z + torch.where(z < 0, -1e-6, 1e-6))


def carry(f, inputs, share):
    """share(z), for the results z = f(*inputs), through the transpose of f's
    Jacobian to each of the inputs."""
    with torch.enable_grad():
        inputs = [a.detach().requires_grad_() for a in inputs]
        z = f(*inputs)
        return torch.autograd.grad(z, inputs, share(z.detach()))


def fitted(r, like):
    """Sums over what broadcasting had repeated."""
    return r.sum_to_size(like.shape) if r.shape != like.shape else r


class Reference(Graph):
    """A graph in float64 with its normalisations in the weights next to them."""

    def __init__(self, path):
        super().__init__(path)
        self.constants = {k: v.double() if v.is_floating_point() else v
                          for k, v in self.constants.items()}
        for step in list(self.steps):
            if step in self.steps and self.kind(step) in ("Conv", "Gemm"):
                self.fold(step)

    def kind(self, step):
        return self.nodes[step[3]].op_type

    def maker(self, name):
        """The step of a value that nothing else reads, or None."""
        readers = sum(s[2].count(name) for s in self.steps) + \
            (name == self.result)
        made = [s for s in self.steps if s[3] == name]
        return made[0] if readers == 1 and made else None

    def affine(self, norm):
        scale, shift, mean, variance = (self.constants[n] for n in norm[2][1:])
        scale = scale / (variance + norm[1].get("epsilon", 1e-5)).sqrt()
        return scale, shift - mean * scale

    def fold(self, step):
        """Takes in the BatchNormalization before a Conv that pads nothing or a
        flattened Gemm, and those behind, where nothing else reads between."""
        run, attrs, inputs, output, _ = step
        conv = self.kind(step) == "Conv"
        rows = conv or attrs.get("transB", 0)
        w = self.constants[inputs[1]]
        w = w.clone() if rows else w.t().clone()  # outputs first
        b = self.constants[inputs[2]].clone() if len(inputs) > 2 else \
            torch.zeros(len(w), dtype=w.dtype)
        first = step  # what reads the picture
        if not conv and (flat := self.maker(inputs[0])) and \
                self.kind(flat) == "Flatten":
            first = flat
        norm = self.maker(first[2][0])
        if norm and self.kind(norm) == "BatchNormalization" and \
                (not conv or not any(attrs.get("pads", [0]))) and \
                attrs.get("group", 1) == 1 and (conv or first is not step):
            scale, shift = self.affine(norm)
            per_channel = w.reshape(len(w), len(scale), -1)
            b += (per_channel * shift[:, None]).sum((1, 2))
            w = (per_channel * scale[:, None]).reshape(w.shape)
            first[2][0] = norm[2][0]
            self.steps.remove(norm)
        while (norm := next((s for s in self.steps if output in s[2]), None)) \
                and self.kind(norm) == "BatchNormalization" and \
                self.maker(output):
            scale, shift = self.affine(norm)
            w *= scale.reshape(-1, *[1] * (w.dim() - 1))
            b = b * scale + shift
            self.steps.remove(norm)
            self.nodes[norm[3]] = self.nodes.pop(output)
            output = norm[3]
        self.constants[output + " w"] = w if rows else w.t()
        self.constants[output + " b"] = b
        self.steps[self.steps.index(step)] = (
            run, attrs, [inputs[0], output + " w", output + " b"], output, None)
        self.nodes[output].output[0] = output

    def run_forward(self, x):
        with torch.no_grad():
            self.known = self.values(torch.from_numpy(np.float64(x)))

    def back(self, rules, seeds, start, to):
        """What arrives at the value `to` of seeds at `start`, a row for each
        image."""
        self.rules, v = rules, self.known
        arrived = {start: torch.from_numpy(np.float64(seeds)).reshape(
            v[start].shape)}
        for step in reversed(self.steps):
            outputs = list(self.nodes[step[3]].output)
            if to in outputs:
                break
            if not any(o in arrived for o in outputs):
                continue
            r = [arrived.get(o, torch.zeros_like(v[o])) for o in outputs]
            for name, share in self.shares(step, v, r):
                if name and name not in self.constants:
                    arrived[name] = arrived.get(name, 0) + share
        return arrived.get(to, torch.zeros_like(v[to])).numpy()

    def shares(self, step, v, r):
        """(input, what it gets) of what arrived at the step's results."""
        run, attrs, inputs, output, _ = step
        kind = self.kind(step)
        a, z, g = v[inputs[0]], v[output], r[0]
        rest = [v[n] if n else None for n in inputs[1:]]
        if kind in MOVES or self.rules == "guided":
            if self.rules == "guided" and kind in ACTIVATIONS:
                g = g.clamp(min=0)
            yield from self.gradients_of(step, v, [g, *r[1:]])
        elif kind in LINEAR or kind in POOLS:
            yield inputs[0], self.linear(step, a, rest, g)
        elif kind in BINARY:
            yield from self.binary(kind, inputs, v, g)
        elif kind in ("ReduceSum", "ReduceMean"):
            if self.rules == "excitation":
                a = a.clamp(min=0)
            n = a.numel() / z.numel() if kind == "ReduceMean" else 1
            yield inputs[0], a * carry(lambda x: n * run(attrs, x, *rest), [a],
                                       lambda z: g / stable(z))[0]
        elif kind == "ReduceL2":
            yield inputs[0], torch.zeros_like(a)
        else:
            assert self.unary(kind) or kind in (
                "BatchNormalization", "LpNormalization"), kind
            yield inputs[0], g

    @staticmethod
    def unary(kind):
        return kind in ACTIVATIONS or kind in (
            "Abs", "Exp", "Log", "Neg", "Pow", "Reciprocal", "Sqrt")

    def gradients_of(self, step, v, r):
        run, attrs, inputs, output, _ = step
        live = [k for k, n in enumerate(inputs) if n not in self.constants]
        with torch.enable_grad():
            x = [v[n] if n else None for n in inputs]
            for k in live:
                x[k] = x[k].detach().requires_grad_()
            y = run(attrs, *x)
            y = y if isinstance(y, tuple) else [y]
            got = torch.autograd.grad(y, [x[k] for k in live], r)
        yield from ((inputs[k], g) for k, g in zip(live, got))

    def linear(self, step, a, rest, r):
        run, attrs, inputs, _, _ = step
        kind = self.kind(step)
        w = rest[:1] if kind in LINEAR else []  # none: all are positive
        part = lambda **bounds: lambda x: run(
            attrs, x, *(k.clamp(**bounds) for k in w))
        positive, negative = part(min=0), part(max=0)
        if self.rules == "excitation":
            a = a.clamp(min=0)
            return a * carry(positive, [a], lambda z: torch.where(
                z >= 1e-12, r / z, 0))[0]
        if self.rules == "epsilon" or kind != "Conv":
            return a * carry(lambda x: run(attrs, x, *rest), [a],
                             lambda z: r / stable(z))[0]
        if step is next(s for s in self.steps if self.kind(s) == "Conv"):
            ones = lambda x: run(attrs, x, torch.ones_like(rest[0]))
            return carry(ones, [torch.ones_like(a)],
                         lambda z: r / stable(z))[0]
        up, down = a.clamp(min=0), a.clamp(max=0)
        b = rest[1].clamp(min=0).reshape(-1, 1, 1)
        c, d = carry(lambda x, y: positive(x) + negative(y) + b, [up, down],
                     lambda z: r / stable(z))
        return up * c + down * d

    def binary(self, kind, inputs, v, r):
        a, b = (v[n] for n in inputs)
        live = [n not in self.constants for n in inputs]
        if not all(live):
            for k in range(2):
                if live[k]:
                    yield inputs[k], fitted(r, v[inputs[k]])
            return
        if kind in ("Add", "Sub"):
            own, other = a, -b if kind == "Sub" else b
            if self.rules == "excitation":
                own, other = own.clamp(min=0), other.clamp(min=0)
            z = own + other
            share = [own / stable(z), other / stable(z)]
        elif kind in ("Max", "Min"):
            first = (a >= b if kind == "Max" else a <= b).double()
            share = [first, 1 - first]
        else:
            first = 1.0 if kind == "Div" else \
                0.5 if a.numel() == b.numel() else float(a.numel() > b.numel())
            share = [first, 1 - first]
        for k in range(2):
            yield inputs[k], fitted(share[k] * r, v[inputs[k]])


def compare(what, reference, model, rules, inputs, start=None, to=None,
            least=0.99999):
    """Cosine and length, for one seed for each image."""
    start, to = start or reference.result, to or reference.source
    random = np.random.default_rng(7)
    seeds = np.float32(random.standard_normal(reference.known[start].shape))
    name = lambda v: {reference.result: "embedding",
                      reference.source: "input"}.get(v, v)
    _, ours, _ = dump(model, inputs, seeds.reshape(len(inputs), -1), rules,
                      name(start), name(to))
    theirs = reference.back(rules, seeds, start, to).reshape(ours.shape)
    what = f"{what}, {name(start)} to {name(to)}, {rules}"
    if not theirs.any():
        assert not ours.any(), what
        return print(f"{what}: nothing arrives")
    same = min(cosine(a, b) for a, b in zip(ours, theirs))
    length = np.linalg.norm(np.float64(ours)) / np.linalg.norm(theirs)
    print(f"{what}: cosine {same:.8f}, length {length:.6f}")
    # z near 0 makes much of the last bits of a float: there only roughly.
    steady = rules in ("guided", "excitation")
    assert same >= least and abs(length - 1) < (1e-4 if steady else 0.5), what


def compare_all(what, model, inputs, ends=((None, None),), **least):
    reference = Reference(model)
    reference.run_forward(inputs)
    for start, to in ends:
        for rules in RULES:
            compare(what, reference, model, rules, inputs, start, to, **least)


def compare_model(what, model, inputs):
    """Epsilon and composite divide by sums that nearly cancel out: through a
    deep network with random weights float32 and float64 hardly agree (cosines of
    0.6 and less, PyTorch's with its own as well), so there only down to the last
    sum of a block."""
    reference = Reference(model)
    reference.run_forward(inputs)
    last = [s[3] for s in reference.steps if reference.kind(s) == "Add"][-1]
    deep = what.startswith("IResNet")
    for rules in RULES:
        steady = rules in ("guided", "excitation")
        compare(what, reference, model, rules, inputs,
                to=last if deep and not steady else None,
                least=0.99999 if steady else 0.999)


def network(bias):
    """A small one with all that face models have, in two blocks; with
    normalisations before, behind and between convolutions, or with nothing that
    adds: (nodes, constants, shape of the input)."""
    random = np.random.default_rng(21)
    nodes, constants = [], []

    def add(op, inputs, output, *values, **attrs):
        for value in values:
            constants.append(constant(f"{output} {len(constants)}", value))
            inputs = [*inputs, constants[-1].name]
        nodes.append(helper.make_node(op, inputs, [output], f"node {output}",
                                      **attrs))
        return output

    def conv(x, y, inputs, outputs, k, **attrs):
        weights = random.standard_normal((outputs, inputs, k, k))
        weights /= (inputs * k * k) ** 0.5
        return add("Conv", [x], y, weights,
                   *[random.standard_normal(outputs) / 3] * bias, **attrs)

    def norm(x, y, n):
        if not bias:
            return x
        draw = lambda: random.standard_normal(n)
        return add("BatchNormalization", [x], y, 1 + draw() / 3, draw() / 3,
                   draw() / 3, 0.5 + draw() ** 2)

    def prelu(x, y, n):
        return add("PRelu", [x], y, random.uniform(-0.2, 0.5, (n, 1, 1)))

    x = prelu(norm(conv("x", "a1", 3, 16, 3, pads=[1] * 4), "a2", 16), "a", 16)
    y = conv(norm(x, "b1", 16), "b2", 16, 16, 3, pads=[1] * 4)
    y = conv(prelu(norm(y, "b3", 16), "b4", 16), "b5", 16, 16, 3, pads=[1] * 4)
    y = norm(y, "b6", 16)
    gate = conv(add("GlobalAveragePool", [y], "g1"), "g2", 16, 4, 1)
    gate = conv(add("Relu", [gate], "g3"), "g4", 4, 16, 1)
    y = add("Mul", [y, add("Sigmoid", [gate], "g")], "b7")
    x = add("Add", [y, x], "b")
    x = add("Concat", [
        add("MaxPool", [x], "c1", kernel_shape=[3, 3], strides=[2, 2],
            pads=[1] * 4),
        add("AveragePool", [x], "c2", kernel_shape=[3, 3], strides=[2, 2],
            pads=[1] * 4)], "c", axis=1)
    x = conv(norm(x, "d1", 32), "d2", 32, 24, 1)
    x = add("Relu", [x], "d")
    x = conv(norm(x, "e1", 24), "e2", 24, 24, 3, pads=[1] * 4, strides=[2, 2],
             group=1)
    x = add("Flatten", [norm(x, "e3", 24)], "f")
    x = add("Gemm", [x], "h", random.standard_normal((24 * 25, 32)) / 25,
            *[random.standard_normal(32)] * bias)
    nodes[-1].output[0] = "h" if bias else "y"
    if bias:
        norm(x, "y", 32)
    return nodes, constants, (3, 20, 20)


def conserve(model, inputs):
    """Without biases no rule of relevance makes or loses any."""
    random = np.random.default_rng(8)
    reference = Reference(model)
    reference.run_forward(inputs)
    for start, to in ((None, None), (None, "b"), ("d", "a"), ("b", None)):
        v = reference.known[start or "y"].reshape(len(inputs), -1)
        for rules in RULES[1:]:
            seeds = random.uniform(0, 1, v.shape)
            if rules == "excitation" and start:
                seeds *= v.numpy() > 0  # a sum of nothing positive
            ends = start or "embedding", to or "input"
            _, out, _ = dump(model, inputs, seeds, rules, *ends)
            lost = np.abs(np.float64(out).sum(1) / seeds.sum(1) - 1).max()
            print(f"{' to '.join(ends)}, {rules}: {lost:.0e} of the relevance "
                  "made or lost")
            assert lost < 1e-4


def main():
    random = np.random.default_rng(3)
    draw = lambda n, shape, low=-1: np.float32(
        random.uniform(low, 1, (n, *shape)))
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/one.onnx"
        for name, nodes, constants, shape in operators():
            write_model(path, nodes, constants, shape)
            compare_all(name, path, draw(3, shape))
        nodes, constants, shape = network(True)
        write_model(path, nodes, constants, shape)
        compare_all("network", path, draw(3, shape), (
            (None, None), (None, "b"), ("d", "a"), ("b", None), ("c", "b4")))
        nodes, constants, shape = network(False)
        write_model(path, nodes, constants, shape)
        conserve(path, draw(4, shape, 0))
        for name, path in models(folder):
            compare_model(name, path, draw(1, (3, 112, 112)))


main()
