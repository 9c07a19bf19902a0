#!/usr/bin/python3
"""usage: plain_loop.py JOB torch|ort [--check]

S-RISE (Lu and Ebrahimi, 2023, section 3.2) as a plain Python loop, written to be
compared with: what the public code of the field does, in NumPy around a model
on PyTorch or ONNX Runtime.

 - A mask is 100 Gaussian patches of 40 x 40 pixels, sigma 7, at random places,
   added up and divided by their maximum.  All masks are made first.
 - For each pair, {probe, mate} and {probe, non-mate}, each of both images is
   multiplied with all the masks, embedded in batches of 32, compared with the
   other image, and the similarities weigh the masks: two masked sets a pair.
 - Python's, NumPy's and the engine's settings are the defaults, but for the
   number of threads.

Prints JSON: seconds since the program's start ("total") and of masks and maps
("explain"), peak memory, embeddings of the crops, and a checksum of the maps.
--check stops after the embeddings.  JOB: see job.py.
"""
import json
import sys
import time

START = time.perf_counter()

import numpy as np  # noqa: E402

import job as jobs  # noqa: E402
from engine_server import open_model  # noqa: E402

PATCHES, KERNEL, SIGMA, BATCH, SEED = 100, 40, 7.0, 32, 1


def make_masks(n, height, width):
    rng = np.random.default_rng(SEED)
    line = np.exp(-(np.arange(KERNEL) - (KERNEL - 1) / 2) ** 2 / (2 * SIGMA ** 2))
    patch = np.outer(line, line)
    half = KERNEL // 2
    masks = np.empty((n, height, width), np.float32)
    for i in range(n):
        canvas = np.zeros((height + KERNEL, width + KERNEL))
        for _ in range(PATCHES):
            y, x = rng.integers(height), rng.integers(width)
            canvas[y:y + KERNEL, x:x + KERNEL] += patch
        inside = canvas[half:half + height, half:half + width]
        masks[i] = inside / inside.max()
    return masks


def masked_map(job, model, masks, image, other):
    """The map of `image`, given the embedding of the other one."""
    total = np.zeros(masks.shape[1:])
    for first in range(0, len(masks), BATCH):
        part = masks[first:first + BATCH]
        pictures = part[..., None] * image
        for mask, embedding in zip(part, model.embed(
                jobs.preprocess(job, pictures))):
            total += jobs.cosine(embedding, other) * mask
    return total


def explain(job, model, crops, embeddings):
    masks = make_masks(job['masks'], job['height'], job['width'])
    maps = []
    for k in range(1, len(crops)):
        maps.append(masked_map(job, model, masks, crops[0], embeddings[k]))
        maps.append(masked_map(job, model, masks, crops[k], embeddings[0]))
    return maps


def peak_memory_mib():
    with open('/proc/self/status', encoding='ascii') as file:
        for line in file:
            if line.startswith('VmHWM:'):
                return int(line.split()[1]) / 1024
    return None


def main():
    if len(sys.argv) < 3 or sys.argv[2] not in ('torch', 'ort'):
        sys.exit(__doc__)
    job = jobs.read_job(sys.argv[1])
    crops = [jobs.read_ppm(path) for path in job['crops']]
    model = open_model(sys.argv[2], job)
    embeddings = model.embed(jobs.preprocess(job, crops))
    result = {'engine': model.name,
              'embeddings': [[float(v) for v in e] for e in embeddings]}
    if '--check' not in sys.argv[3:]:
        begin = time.perf_counter()
        maps = explain(job, model, crops, embeddings)
        end = time.perf_counter()
        result['explain'] = end - begin
        result['total'] = end - START
        result['sums'] = [float(m.sum()) for m in maps]
    result['peak_memory_mib'] = peak_memory_mib()
    print(json.dumps(result))


if __name__ == '__main__':
    main()
