#!/usr/bin/python3
"""usage: bench/gradients.py BUILD [MOBILEFACENET.onnx [IRESNET.onnx]]

What going backward costs, beside PyTorch's autograd on the same graphs, the same
threads, with turns taken (Debian's python3-torch; weights without gradients).
BUILD is a build folder with bin/gradient_speed.  Prints Markdown:

    forward and backward run, images a second at the best batch of each
    memory of FGGB: the gradient of each dimension of the embedding
    FGGB of both images of a pair by MobileFaceNet
    Grad-CAM of a pair, in forward runs of one image

Without files, the models of WHYFACE_SHARED (../shared): MobileFaceNet-128, and
an IResNet-50 with random weights from its maker.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import torch

warnings.filterwarnings('ignore')
from torch_model import TorchModel  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = pathlib.Path(os.environ.get('WHYFACE_SHARED', ROOT / '..' / 'shared'))
BATCHES = 1, 4, 8, 16
TURNS = 3


class Ours:
    def __init__(self, build, model):
        self.process = subprocess.Popen(
            [pathlib.Path(build) / 'bin' / 'gradient_speed', model], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.dim = int(self.process.stdout.readline())

    def ask(self, line):
        """Seconds and bytes."""
        print(line, file=self.process.stdin, flush=True)
        seconds, size = self.process.stdout.readline().split()
        return float(seconds), int(size)


class Theirs(TorchModel):
    def __init__(self, model, threads):
        super().__init__({'model': str(model), 'threads': threads})

    def gradients(self, n, seeds):
        """Seconds of a forward run of n images and `seeds` backward runs."""
        x = torch.linspace(-1, 1, n * 3 * 112 * 112).reshape(n, 3, 112, 112)
        x.requires_grad_()
        begin = time.perf_counter()
        values = dict(self.constants)
        values[self.source] = x
        for run, attrs, inputs, output, _ in self.steps:
            values[output] = run(attrs, *(values[name] if name else None
                                          for name in inputs))
        out = values[self.result].reshape(n, -1)
        for k in range(seeds):
            torch.autograd.grad(out[:, k % out.shape[1]].sum(), x,
                                retain_graph=k + 1 < seeds)
        return time.perf_counter() - begin


def best(turns, *contenders):
    """The least seconds of each, with turns taken."""
    least = [np.inf] * len(contenders)
    for _ in range(turns):
        for i, contender in enumerate(contenders):
            least[i] = min(least[i], contender())
    return least


def compare(name, ours, theirs):
    rates = []
    for n in BATCHES:
        a, b = best(TURNS, lambda: ours.ask(f'pass {n} 1')[0],
                    lambda: theirs.gradients(n, 1))
        rates.append((n / a, n / b))
    a, b = (max(r) for r in zip(*rates))
    print(f'| {name}: forward and backward, images/s | {a:.1f} | {b:.1f} | '
          f'{a / b:.1f} x |', flush=True)


def fggb(name, ours, theirs):
    """One image's D backward runs, twice."""
    dim = ours.dim
    a, b = best(2, *([lambda n=n: 2 * ours.ask(f'back {n} {dim} 1')[0]
                      for n in (8, 16)]))
    a = min(a, b)
    b = 2 * theirs.gradients(1, dim)
    print(f'| {name}: FGGB of a pair, {dim} dimensions, seconds | {a:.2f} | '
          f'{b:.2f} | {b / a:.1f} x |', flush=True)


def main():
    if len(sys.argv) not in (2, 3, 4):
        sys.exit(__doc__)
    build, *models = sys.argv[1:]
    threads = int(os.environ.get('OMP_NUM_THREADS', os.cpu_count()))
    with tempfile.TemporaryDirectory() as folder:
        small = models[0] if models else \
            SHARED / 'models' / 'mobilefacenet_arcface_128.onnx'
        large = models[1] if models[1:] else f'{folder}/iresnet50.onnx'
        if not models[1:]:
            subprocess.run([sys.executable,
                            SHARED / 'tools' / 'make_iresnet_onnx.py', large],
                           check=True, stdout=subprocess.DEVNULL)
        print(f'{threads} threads, whyface beside PyTorch '
              f'{torch.__version__}\n')
        print('| what | whyface | PyTorch | ratio |')
        print('|---|---|---|---|')
        for name, path in ('IResNet-50', large), ('MobileFaceNet', small):
            ours, theirs = Ours(build, path), Theirs(path, threads)
            compare(name, ours, theirs)
            for seeds in 16, ours.dim:
                memory = ours.ask(f'back 16 {seeds} 0')[1] / 2 ** 20
                print(f'| {name}: FGGB of {seeds} dimensions, 16 at a time, MiB '
                      f'of values, gradients and scratch | {memory:.0f} | | |',
                      flush=True)
        fggb('MobileFaceNet', ours, theirs)
        one, pair = best(9, lambda: ours.ask('forward 1 1')[0],
                         lambda: ours.ask('cam 2 1')[0])
        print(f'| MobileFaceNet: Grad-CAM of a pair, forward runs of one image '
              f'| {pair / one:.1f} | | |')


if __name__ == '__main__':
    main()
