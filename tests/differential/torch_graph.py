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

warnings.filterwarnings("ignore")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
import torch_model  # noqa: E402


class Graph(torch_model.TorchModel):
    def __init__(self, path):
        super().__init__({"model": str(path), "threads": 2})

    def values(self, x):
        """Every value by its name, connected to x."""
        values = dict(self.constants)
        values[self.source] = x
        for run, attrs, inputs, output, _ in self.steps:
            values[output] = run(attrs, *(values[name] if name else None
                                          for name in inputs))
        return values

    def gradients(self, x, seeds, to=None):
        """Of sum(seeds * embedding), a row for each row of x: embeddings and
        gradients, NumPy's.  `to`: of a value instead of the input."""
        x = torch.from_numpy(np.ascontiguousarray(x)).requires_grad_()
        values = self.values(x)
        out = values[self.result].reshape(len(x), -1)
        target = values[to] if to else x
        [g] = torch.autograd.grad((out * torch.from_numpy(seeds)).sum(), target)
        return out.detach().numpy(), g.numpy()
