"""An ONNX model as a PyTorch function that keeps every value, for autograd."""
import sys
import warnings
from pathlib import Path

try:
    import numpy as np
    import onnx
    import torch
except ImportError as fault:
    print(f"SKIPPED: {fault.name} is not installed", file=sys.stderr)
    sys.exit(77)

import torch.nn.functional as F  # noqa: E402

warnings.filterwarnings("ignore")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import torch_model  # noqa: E402


def take(attrs, x, starts, ends, axes, steps=None):
    for axis, start, end in zip(axes.tolist(), starts.tolist(), ends.tolist()):
        x = x.narrow(axis, start, end - start)
    return x


def pad(attrs, x, pads, value=None):
    pads, n = pads.tolist(), x.dim()
    around = [p for axis in reversed(range(n))
              for p in (pads[axis], pads[n + axis])]
    return F.pad(x, around, value=0 if value is None else value.item())


def concat(attrs, *x):
    """Constants as often as there are images."""
    n = max(len(a) for a in x)
    return torch.cat([a.expand(n, *a.shape[1:]) if len(a) == 1 else a
                      for a in x], attrs["axis"])


# Operators that no model of the benchmarks has, and a Concat with constants.
torch_model.OPERATORS.update({
    "Abs": lambda a, x: x.abs(),
    "Concat": concat,
    "DepthToSpace": lambda a, x: F.pixel_shuffle(x, a["blocksize"]),
    "Elu": lambda a, x: F.elu(x, a.get("alpha", 1.0)),
    "Exp": lambda a, x: x.exp(),
    "Expand": lambda a, x, shape: x.expand(-1, *shape.tolist()[1:]),
    "Gather": lambda a, x, at: x.index_select(a.get("axis", 0), at),
    "GlobalMaxPool": lambda a, x: F.max_pool2d(x, x.shape[2:]),
    "HardSigmoid": lambda a, x: torch.clamp(
        a.get("alpha", 0.2) * x + a.get("beta", 0.5), 0, 1),
    "HardSwish": lambda a, x: F.hardswish(x),
    "Log": lambda a, x: x.log(),
    "LpNormalization": lambda a, x: x / x.norm(2, a.get("axis", -1), True),
    "Max": lambda a, x, y: torch.maximum(x, y),
    "Min": lambda a, x, y: torch.minimum(x, y),
    "Neg": lambda a, x: -x,
    "Pad": pad,
    "Reciprocal": lambda a, x: 1 / x,
    "ReduceSum": lambda a, x, axes=None: x.sum(
        torch_model.axes_of(a, axes, x), bool(a.get("keepdims", 1))),
    "Slice": take,
    "Split": lambda a, x, sizes: x.split(sizes.tolist(), a.get("axis", 0)),
    "Tile": lambda a, x, times: x.repeat(times.tolist()),
})


class Graph(torch_model.TorchModel):
    def __init__(self, path):
        self.nodes = {}  # by the name of its first result
        super().__init__({"model": str(path), "threads": 2})

    def step(self, node):
        self.nodes[node.output[0]] = node
        return super().step(node)

    def put(self, values, output, result):
        """A node's results among the values."""
        several = isinstance(result, tuple)
        values.update(zip(self.nodes[output].output,
                          result if several else [result]))

    def values(self, x):
        """Every value by its name, connected to x."""
        values = dict(self.constants)
        values[self.source] = x
        for run, attrs, inputs, output, _ in self.steps:
            self.put(values, output, run(attrs, *(
                values[name] if name else None for name in inputs)))
        return values

    def embed(self, inputs):
        with torch.inference_mode():
            values = self.values(torch.from_numpy(inputs))
        return values[self.result].reshape(len(inputs), -1).numpy()

    def gradients(self, x, seeds, to=None):
        """Of sum(seeds * embedding), a row for each row of x: embeddings and
        gradients, NumPy's.  `to`: of a value instead of the input."""
        x = torch.from_numpy(np.ascontiguousarray(x)).requires_grad_()
        values = self.values(x)
        out = values[self.result].reshape(len(x), -1)
        target = values[to] if to else x
        [g] = torch.autograd.grad((out * torch.from_numpy(seeds)).sum(), target)
        return out.detach().numpy(), g.numpy()
