# usage: tiny_model.py FILE SEED: a model of random weights that runs in no time.
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

rng = np.random.default_rng(int(sys.argv[2]))
weights = {'kernel': rng.normal(size=(4, 3, 28, 28)),
           'matrix': rng.normal(size=(16, 64))}
graph = helper.make_graph(
    [helper.make_node('Conv', ['input', 'kernel'], ['cells'], strides=[28, 28]),
     helper.make_node('Flatten', ['cells'], ['flat']),
     helper.make_node('Gemm', ['flat', 'matrix'], ['embedding'], transB=1)],
    'tiny',
    [helper.make_tensor_value_info('input', TensorProto.FLOAT,
                                   ['n', 3, 112, 112])],
    [helper.make_tensor_value_info('embedding', TensorProto.FLOAT, ['n', 16])],
    [numpy_helper.from_array(v.astype('f4'), k) for k, v in weights.items()])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 11)])
model.ir_version = 6
save(model, sys.argv[1])
