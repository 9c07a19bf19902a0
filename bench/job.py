"""What the Python contenders of 'whyface bench' share.

A job is a JSON file that the command writes:

    model             path of the ONNX file
    width, height     of a crop, pixels
    colour            "RGB", "BGR" or "grey"
    mean, scale       three numbers each: value = (pixel - mean) * scale
    crops             paths of binary PPM files: probe, mate[, non-mate]
    threads           threads to compute with
    masks             number of masks (plain_loop.py)
    ort_library       path of libonnxruntime, "" to look for it (ort_ctypes.py)

Needs Debian's python3-numpy and python3-onnx.
"""
import json

import numpy as np
import onnx
from onnx import numpy_helper


def read_job(path):
    with open(path, encoding='utf-8') as file:
        return json.load(file)


def read_ppm(path):
    """A binary PPM of 8 bits as height x width x 3."""
    with open(path, 'rb') as file:
        data = file.read()
    magic, width, height, most = data.split(maxsplit=4)[:4]
    if magic != b'P6' or most != b'255':
        raise ValueError(f"'{path}' is no 8-bit binary PPM")
    width, height = int(width), int(height)
    pixels = np.frombuffer(data[-3 * width * height:], np.uint8)
    return pixels.reshape(height, width, 3)


def preprocess(job, pictures):
    """Pictures (n x height x width x 3, RGB, 0..255, may be fractions) as the
    model's input: n x channels x height x width, float32."""
    x = np.asarray(pictures, np.float32)
    mean = np.asarray(job['mean'], np.float32)
    scale = np.asarray(job['scale'], np.float32)
    if job['colour'] == 'grey':
        x = np.round(x @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
        mean, scale = mean[:1], scale[:1]
    elif job['colour'] == 'BGR':
        x = x[..., ::-1]
    return np.ascontiguousarray(((x - mean) * scale).transpose(0, 3, 1, 2))


def load_onnx(path):
    """The model with its batch left open, also where it was exported with a
    batch of 1: otherwise a loop in batches could not be compared."""
    model = onnx.load(path)
    graph = model.graph
    constants = {c.name for c in graph.initializer}
    [source] = [i for i in graph.input if i.name not in constants]
    batch = source.type.tensor_type.shape.dim[0]
    if batch.dim_value == 1:
        batch.dim_param = 'batch'
        for out in graph.output:
            if out.type.tensor_type.shape.dim:
                out.type.tensor_type.shape.dim[0].dim_param = 'batch'
        del graph.value_info[:]
        targets = {n.input[1] for n in graph.node
                   if n.op_type == 'Reshape' and len(n.input) > 1}
        for tensor in graph.initializer:
            if tensor.name in targets:
                free_batch(tensor)
        for node in graph.node:
            if node.op_type == 'Constant' and node.output[0] in targets:
                free_batch(node.attribute[0].t)
    return model


def free_batch(tensor):
    """A target shape that begins with 1 begins with 'as it was' instead."""
    target = numpy_helper.to_array(tensor).copy()
    if target.ndim == 1 and target.size > 1 and target[0] == 1:
        target[0] = 0
        tensor.CopyFrom(numpy_helper.from_array(target, tensor.name))


def cosine(a, b):
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))
