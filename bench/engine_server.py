#!/usr/bin/python3
"""usage: engine_server.py JOB torch|ort

Serves 'whyface bench engine' over standard input and output, one line each way:

    (start)          ready ENGINE AND VERSION
    embed            the embeddings of the job's crops, one after the other
    time BATCH N     seconds of N runs on BATCH random inputs

Between requests it waits in read().  JOB: see job.py.
"""
import sys
import time

import numpy as np

import job as jobs


def open_model(engine, job):
    """The settings of either are its defaults, but for the threads."""
    if engine == 'torch':
        from torch_model import TorchModel
        return TorchModel(job)
    from ort_ctypes import OrtModel
    return OrtModel(job)


def embed(job, model):
    crops = [jobs.read_ppm(path) for path in job['crops']]
    return model.embed(jobs.preprocess(job, crops)).ravel()


def measure(job, model, batch, repeats):
    channels = 1 if job['colour'] == 'grey' else 3
    shape = (batch, channels, job['height'], job['width'])
    run = model.bind(np.random.default_rng(1).uniform(-1, 1, shape)
                     .astype(np.float32))
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    return seconds


def main():
    if len(sys.argv) != 3 or sys.argv[2] not in ('torch', 'ort'):
        sys.exit(__doc__)
    job = jobs.read_job(sys.argv[1])
    model = open_model(sys.argv[2], job)
    print('ready', model.name, flush=True)
    for line in sys.stdin:
        command, *numbers = line.split()
        values = (embed(job, model) if command == 'embed' else
                  measure(job, model, *map(int, numbers)))
        print(' '.join(f'{v:.9g}' for v in values), flush=True)


if __name__ == '__main__':
    main()
