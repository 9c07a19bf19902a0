"""usage: python_overhead.py PROGRAM MODEL PROBE MATE [THREADS [ROUNDS]]

What explaining from Python costs more than from C.  PROGRAM is
build/release/bin/python_overhead, PROBE and MATE are aligned crops.  The two
take turns: in each round each explains the same crops once, the first of them
changes from round to round.  A ratio is Python's seconds over C's of one round;
the median and the quartiles over rounds are printed, by the clock and of the
processors (which other programs disturb less).  Python's seconds are those of
the whole call and of reading the maps; how much of them it was outside the
library is told from the library's own clock in the same call.

The last line is of a model that does nothing: what a call of a Python function
costs more than that of a C function, and what share that is of MODEL's forward
pass of the same crops.
"""
import statistics
import subprocess
import sys
import time

import numpy as np
import whyface

DIM, BATCH = 128, 16
# A method, its options, and how often it is measured in a round.  The last one
# is so little work that what Python costs would weigh most.
WORK = [("level-sets", {}, 1), ("s-rise", {"masks": 1000}, 1),
        ("s-rise", {"masks": 16}, 20)]


class C:
    """The program, which explains when it is told to."""

    def __init__(self, program, model, crops, threads, method, options):
        values = [f"{name}={value}" for name, value in options.items()]
        self.process = subprocess.Popen(
            [program, model, *crops, str(threads), method, *values],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        wall, work = self.process.stdout.readline().split()
        return float(wall), float(work)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Python:
    def __init__(self, model, crops, threads, method, options):
        self.arguments = [model, *crops]
        self.keywords = {"threads": threads, "method": method, **options}
        self.forwards = 0
        self.outside = []  # share of the seconds

    def __call__(self):
        wall, work = time.perf_counter(), time.process_time()
        e = whyface.explain(*self.arguments, **self.keywords)
        e.map("mate", "probe")
        e.map("mate", "other")
        wall, work = time.perf_counter() - wall, time.process_time() - work
        self.forwards = e.forwards
        self.outside.append(1 - e.seconds / wall)
        return wall, work


def compare(c, python, rounds):
    """Seconds, rounds x (wall, work), of C and of Python."""
    times = []
    for i in range(rounds + 1):
        pair = [f() for f in ((c, python) if i % 2 else (python, c))]
        times.append(pair if i % 2 else pair[::-1])
    c.close()
    return np.array(times[1:]).transpose(1, 0, 2)  # the first one is not counted


def quartiles(values):
    low, middle, high = statistics.quantiles(values, n=4)
    return middle, low, high


def main(program, model_name, probe, mate, threads=0, rounds=15):
    threads, rounds = int(threads), int(rounds)
    crops = [whyface.load_image(path) for path in (probe, mate)]
    model = whyface.load_model(model_name)
    print(f"whyface {whyface.library_version()}, model {model.info.name}, "
          f"{model.info.backend_detail}, threads {threads or 'all'}, "
          f"{rounds} rounds")
    forward = 0.0  # seconds of a batch
    for method, options, times in WORK:
        c = C(program, model_name, [probe, mate], threads, method, options)
        python = Python(model, crops, threads, method, options)
        own, other = compare(c, python, rounds * times)
        forward = forward or BATCH * np.median(own[:, 1]) / python.forwards
        title = " ".join([method, *(f"{k}={v}" for k, v in options.items())])
        for i, what in enumerate(("by the clock", "of processors")):
            ratio, low, high = quartiles(other[:, i] / own[:, i])
            print(f"{title:20} {what:14} C {np.median(own[:, i]):8.3f} s  "
                  f"Python {np.median(other[:, i]):8.3f} s  ratio {ratio:.3f} "
                  f"({low:.3f} to {high:.3f})")
        share, low, high = quartiles(python.outside)
        print(f"{title:20} outside the library: {100 * share:.3f} % of Python's "
              f"seconds ({100 * low:.3f} to {100 * high:.3f})")

    ones = np.ones((4096, DIM), np.float32)
    nothing = whyface.Model.from_function(lambda x: ones[:len(x)],
                                                batch=BATCH)
    # The method that makes the most calls for the least work of its own.
    method, options = "occlusion", {"window": 30, "stride": 1}
    c = C(program, "-", [probe, mate], threads, method, options)
    python = Python(nothing, crops, threads, method, options)
    own, other = compare(c, python, rounds)
    cost, low, high = quartiles(
        (other - own)[:, 1] / python.forwards * BATCH)
    print(f"a call of a Python function (a batch of {BATCH}): {cost * 1e6:.0f} us "
          f"({low * 1e6:.0f} to {high * 1e6:.0f}) of processor time more than of "
          f"a C function, {100 * cost / forward:.2f} % of the model's time for "
          f"a batch")


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
