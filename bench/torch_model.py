"""An ONNX model on PyTorch, as someone would run it there: eager mode, inference
mode, float32, rows as they come.

Needs Debian's python3-torch, python3-onnx and python3-numpy.
"""
import numpy as np
import torch
import torch.nn.functional as F
from onnx import helper, numpy_helper

import job as jobs


def spatial_pads(attrs, x, kernel):
    """The pads of a Conv or a pool: (both sides alike, what F.pad adds)."""
    pads = attrs.get('pads')
    auto = attrs.get('auto_pad', b'NOTSET')
    n = len(kernel)
    if auto in (b'SAME_UPPER', b'SAME_LOWER'):
        strides = attrs.get('strides', [1] * n)
        begin, end = [], []
        for size, k, s in zip(x.shape[2:], kernel, strides):
            total = max((-(-size // s) - 1) * s + k - size, 0)
            less = total // 2
            begin.append(less if auto == b'SAME_UPPER' else total - less)
            end.append(total - begin[-1])
        pads = begin + end
    pads = pads or [0] * 2 * n
    if pads[:n] == pads[n:]:
        return pads[:n], None
    extra = []
    for i in reversed(range(n)):
        extra += [pads[i], pads[n + i]]
    return [0] * n, extra


def conv(attrs, x, w, b=None):
    pads, extra = spatial_pads(attrs, x, w.shape[2:])
    if extra:
        x = F.pad(x, extra)
    n = w.dim() - 2
    return (F.conv1d, F.conv2d, F.conv3d)[n - 1](
        x, w, b, attrs.get('strides', [1] * n), pads,
        attrs.get('dilations', [1] * n), attrs.get('group', 1))


def pool(function, fill, **options):
    def run(attrs, x):
        kernel = attrs['kernel_shape']
        pads, extra = spatial_pads(attrs, x, kernel)
        if extra:
            x = F.pad(x, extra, value=fill)
        return function(x, kernel, attrs.get('strides', [1] * len(kernel)), pads,
                        ceil_mode=bool(attrs.get('ceil_mode', 0)), **options)
    return run


def average_pool(attrs, x):
    return pool(F.avg_pool2d, 0.0, count_include_pad=bool(
        attrs.get('count_include_pad', 0)))(attrs, x)


def batch_norm(attrs, x, scale, bias, mean, variance):
    return F.batch_norm(x, mean, variance, scale, bias, False, 0.0,
                        attrs.get('epsilon', 1e-5))


def prelu(attrs, x, slope):
    if slope.numel() == 1 or slope.numel() == x.shape[1]:
        return F.prelu(x, slope.flatten())
    return torch.where(x >= 0, x, slope * x)


def gemm(attrs, a, b, c=None):
    a = a.t() if attrs.get('transA', 0) else a
    weights = b if attrs.get('transB', 0) else b.t()
    if attrs.get('alpha', 1.0) == 1.0 and attrs.get('beta', 1.0) == 1.0:
        return F.linear(a, weights, c)
    y = attrs.get('alpha', 1.0) * F.linear(a, weights)
    return y if c is None else y + attrs.get('beta', 1.0) * c


def clip(attrs, x, low=None, high=None):
    low = attrs.get('min') if low is None else low.item()
    high = attrs.get('max') if high is None else high.item()
    return torch.clamp(x, low, high)


def reshape(attrs, x, target):
    target = target.tolist()
    return x.reshape([x.shape[i] if d == 0 else d for i, d in enumerate(target)])


def flatten(attrs, x):
    axis = attrs.get('axis', 1)
    return x.flatten(axis) if axis == 1 else x.reshape(
        int(np.prod(x.shape[:axis])), -1)


def axes_of(attrs, given, x):
    axes = attrs.get('axes') if given is None else given.tolist()
    return list(range(x.dim())) if axes is None else axes


def reduce_mean(attrs, x, axes=None):
    return x.mean(axes_of(attrs, axes, x), bool(attrs.get('keepdims', 1)))


def reduce_l2(attrs, x, axes=None):
    return x.norm(2, axes_of(attrs, axes, x), bool(attrs.get('keepdims', 1)))


def squeeze(attrs, x, axes=None):
    axes = attrs.get('axes') if axes is None else axes.tolist()
    if axes is None:
        return x.squeeze()
    for axis in sorted((a % x.dim() for a in axes), reverse=True):
        x = x.squeeze(axis)
    return x


def unsqueeze(attrs, x, axes=None):
    axes = attrs.get('axes') if axes is None else axes.tolist()
    rank = x.dim() + len(axes)
    for axis in sorted(a % rank for a in axes):
        x = x.unsqueeze(axis)
    return x


OPERATORS = {
    'Add': lambda a, x, y: x + y,
    'AveragePool': average_pool,
    'BatchNormalization': batch_norm,
    'Clip': clip,
    'Concat': lambda a, *x: torch.cat(x, a['axis']),
    'Conv': conv,
    'Div': lambda a, x, y: x / y,
    'Dropout': lambda a, x, *_: x,
    'Flatten': flatten,
    'Gemm': gemm,
    'GlobalAveragePool': lambda a, x: x.mean(tuple(range(2, x.dim())), True),
    'Identity': lambda a, x: x,
    'LeakyRelu': lambda a, x: F.leaky_relu(x, a.get('alpha', 0.01)),
    'MatMul': lambda a, x, y: x @ y,
    'MaxPool': pool(F.max_pool2d, -np.inf),
    'Mul': lambda a, x, y: x * y,
    'PRelu': prelu,
    'Pow': lambda a, x, y: x ** y,
    'ReduceL2': reduce_l2,
    'ReduceMean': reduce_mean,
    'Relu': lambda a, x: F.relu(x),
    'Reshape': reshape,
    'Shape': lambda a, x: torch.tensor(x.shape),
    'Sigmoid': lambda a, x: torch.sigmoid(x),
    'Softmax': lambda a, x: torch.softmax(x, a.get('axis', -1)),
    'Sqrt': lambda a, x: torch.sqrt(x),
    'Squeeze': squeeze,
    'Sub': lambda a, x, y: x - y,
    'Tanh': lambda a, x: torch.tanh(x),
    'Transpose': lambda a, x: x.permute(a['perm']),
    'Unsqueeze': unsqueeze,
}


class TorchModel:
    """One image input, one embedding output."""

    name = f'PyTorch {torch.__version__}'

    def __init__(self, job):
        torch.set_num_threads(job['threads'])
        graph = jobs.load_onnx(job['model']).graph
        self.constants = {
            c.name: torch.from_numpy(numpy_helper.to_array(c).copy())
            for c in graph.initializer}
        [self.source] = [i.name for i in graph.input
                         if i.name not in self.constants]
        self.result = graph.output[0].name
        self.steps = [step for node in graph.node if (step := self.step(node))]
        self.forget_early()

    def step(self, node):
        attrs = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        if node.op_type == 'Constant':
            value = numpy_helper.to_array(attrs['value']).copy()
            self.constants[node.output[0]] = torch.from_numpy(value)
            return None
        if node.op_type not in OPERATORS:
            raise NotImplementedError(
                f"operator {node.op_type} (node '{node.name}')")
        return OPERATORS[node.op_type], attrs, list(node.input), node.output[0]

    def forget_early(self):
        """Which values each step is the last to read: a module's locals."""
        seen = {self.result} | self.constants.keys()
        for i, (run, attrs, inputs, output) in reversed(
                list(enumerate(self.steps))):
            last = [name for name in dict.fromkeys(inputs)
                    if name and name not in seen]
            seen.update(last)
            self.steps[i] = run, attrs, inputs, output, last

    def run(self, x):
        values = dict(self.constants)
        values[self.source] = x
        with torch.inference_mode():
            for run, attrs, inputs, output, last in self.steps:
                values[output] = run(attrs, *(
                    values[name] if name else None for name in inputs))
                for name in last:
                    del values[name]
        return values[self.result].reshape(len(x), -1)

    def embed(self, inputs):
        """n x channels x height x width to n x dim, both NumPy's."""
        return self.run(torch.from_numpy(inputs)).numpy()

    def bind(self, inputs):
        """A function that runs the model on these inputs, for its time."""
        x = torch.from_numpy(inputs)
        return lambda: self.run(x)
