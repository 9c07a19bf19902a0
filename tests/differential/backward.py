"""What the tests of reverse mode share: a run of dump_gradient, models of one
operator and the whole ones."""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from torch_graph import np, onnx

from onnx import TensorProto, helper, numpy_helper

SOURCE = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WHYFACE_SHARED", SOURCE / ".." / "shared"))
NPM = Path(os.environ.get("WHYFACE_NPM", SOURCE / "node_modules"))


def dump(model, inputs, seeds, rules="gradient", start="embedding",
         to="input"):
    """(embeddings, what arrived at `to`, the layer's maps or None)."""
    with tempfile.TemporaryDirectory() as folder:
        np.float32(inputs).tofile(f"{folder}/inputs")
        np.float32(seeds).tofile(f"{folder}/seeds")
        subprocess.run([sys.argv[1], str(model), *map(str, inputs.shape[1:]),
                        rules, start, to, folder], check=True)
        read = lambda name: np.fromfile(f"{folder}/{name}", np.float32)
        maps = read("maps").reshape(len(inputs), -1) \
            if Path(folder, "maps").exists() else None
        return (read("embeddings").reshape(len(inputs), -1),
                read("out").reshape(len(seeds), -1), maps)


def cosine(a, b):
    a, b = np.float64(a).ravel(), np.float64(b).ravel()
    return a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-300)


# ---- whole models ---------------------------------------------------------------

def models(folder):
    """(name, path) of those that are there."""
    for name, model in (
            ("MobileFaceNet-128",
             SHARED / "models" / "mobilefacenet_arcface_128.onnx"),
            ("fr_feature", NPM / "faceplugin-face-recognition-js" / "model" /
             "fr_feature.onnx")):
        if model.exists():
            yield name, model
        else:
            print(f"SKIPPED: {name}: '{model}' is not there", file=sys.stderr)
    maker = SHARED / "tools" / "make_iresnet_onnx.py"
    if maker.exists():
        path = f"{folder}/iresnet50.onnx"
        subprocess.run([sys.executable, maker, path], check=True,
                       stdout=subprocess.DEVNULL)
        yield "IResNet-50, random weights", path


# ---- one operator at a time ---------------------------------------------------

def constant(name, values, dtype=np.float32):
    return numpy_helper.from_array(np.asarray(values, dtype), name)


def write_model(path, nodes, constants, shape):
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        constants)
    onnx.save(helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 14)],
        ir_version=7), path)


def operators():
    """(name, nodes from x to y, constants, shape of x)."""
    random = np.random.default_rng(9)
    draw = lambda *s: random.standard_normal(s)
    flat = helper.make_node("Flatten", ["f"], ["y"])

    def one(name, op, constants=(), shape=(16, 9, 8), **attrs):
        inputs = ["x"] + [c.name for c in constants]
        return (name, [helper.make_node(op, inputs, ["f"], **attrs), flat],
                list(constants), shape)

    def conv(name, o, c, k, shape, group=1, **attrs):
        w = constant("w", draw(o, c // group, *k) / 3)
        return one(name, "Conv", [w, constant("b", draw(o))], (c, *shape),
                   group=group, kernel_shape=list(k), **attrs)

    yield conv("Conv 3x3", 32, 16, (3, 3), (9, 8), pads=[1] * 4)
    yield conv("Conv 3x3, unpadded", 16, 32, (3, 3), (9, 8))
    yield conv("Conv 3x3, stride 2", 32, 16, (3, 3), (9, 8), pads=[1] * 4,
               strides=[2, 2])
    yield conv("Conv 1x1", 48, 16, (1, 1), (9, 8))
    yield conv("Conv 1x1, stride 2", 48, 16, (1, 1), (9, 8), strides=[2, 2])
    yield conv("Conv of 3 channels to 5", 5, 3, (5, 3), (11, 8),
               pads=[2, 1, 2, 1])
    yield conv("Conv, dilated", 16, 16, (3, 3), (11, 10), dilations=[2, 2],
               pads=[2] * 4)
    yield conv("Conv, uneven pads", 16, 16, (3, 3), (9, 8), pads=[0, 1, 2, 0])
    yield conv("Conv, two groups", 32, 16, (3, 3), (9, 8), group=2,
               pads=[1] * 4)
    yield conv("Conv, depthwise", 16, 16, (3, 3), (9, 8), group=16,
               pads=[1] * 4)
    yield conv("Conv, depthwise, stride 2", 16, 16, (3, 3), (9, 8), group=16,
               pads=[1] * 4, strides=[2, 2])
    yield conv("Conv, depthwise, global", 16, 16, (7, 7), (7, 7), group=16)
    yield one("BatchNormalization", "BatchNormalization",
              [constant("s", draw(16)), constant("t", draw(16)),
               constant("m", draw(16)), constant("v", draw(16) ** 2)])
    yield one("Relu", "Relu")
    yield one("LeakyRelu", "LeakyRelu", alpha=0.2)
    yield one("PRelu", "PRelu", [constant("a", draw(16, 1, 1))])
    yield one("PRelu, one slope", "PRelu", [constant("a", [0.3])])
    yield one("Clip", "Clip", [constant("low", -0.3), constant("high", 0.5)])
    yield one("Sigmoid", "Sigmoid")
    yield one("Tanh", "Tanh")
    yield one("Elu", "Elu", alpha=0.7)
    yield one("HardSigmoid", "HardSigmoid", alpha=0.8, beta=0.4)
    yield one("HardSwish", "HardSwish")
    yield one("Exp", "Exp")
    yield one("Abs", "Abs")
    yield one("Neg", "Neg")
    yield one("Pow", "Pow", [constant("e", 2.0)])
    for op in ("Log", "Sqrt", "Reciprocal"):
        yield (f"{op} of Exp", [helper.make_node("Exp", ["x"], ["a"]),
                                helper.make_node(op, ["a"], ["f"]), flat], [],
               (16, 9, 8))
    yield one("MaxPool", "MaxPool", kernel_shape=[3, 3], strides=[2, 2],
              pads=[1] * 4)
    yield one("AveragePool", "AveragePool", kernel_shape=[2, 2],
              strides=[2, 2])
    yield one("AveragePool, padded", "AveragePool", kernel_shape=[3, 3],
              pads=[1] * 4, count_include_pad=1)
    yield one("GlobalAveragePool", "GlobalAveragePool")
    yield one("GlobalMaxPool", "GlobalMaxPool")
    whole = lambda name, *values: constant(name, values, np.int64)
    yield one("Transpose", "Transpose", perm=[0, 2, 3, 1])
    yield one("Slice", "Slice", [whole("from", 2, 1), whole("to", 9, 8),
                                 whole("axes", 1, 2)])
    yield one("Pad", "Pad", [whole("pads", 0, 0, 1, 2, 0, 3, 0, 1)])
    yield one("Pad with ones", "Pad",
              [whole("pads", 0, 0, 1, 2, 0, 3, 0, 1), constant("c", 1.0)])
    yield one("Gather", "Gather", [whole("at", 3, 3, 8, 0)], axis=1)
    yield one("Expand", "Expand", [whole("to", 1, 16, 9, 8)],
              shape=(16, 9, 1))
    yield one("Tile", "Tile", [whole("times", 1, 1, 2, 1)])
    yield one("DepthToSpace", "DepthToSpace", blocksize=2, mode="CRD")
    yield one("Concat with a constant", "Concat",
              [constant("c", 3 * draw(1, 2, 9, 8))], axis=1)
    yield one("Concat with whole numbers", "Concat",
              [constant("c", np.arange(144).reshape(1, 2, 9, 8))], axis=1)
    halves = helper.make_node("Split", ["x", "s"], ["a", "b"], axis=1)
    yield ("Split, half unread", [halves, helper.make_node("Relu", ["a"], ["f"]),
                                  flat], [whole("s", 6, 10)], (16, 9, 8))
    yield one("ReduceMean", "ReduceMean", axes=[2, 3], keepdims=0)
    yield one("ReduceSum", "ReduceSum", [whole("axes", 1)])
    yield one("LpNormalization", "LpNormalization", axis=1)
    yield one("ReduceL2", "ReduceL2", axes=[1], keepdims=1)
    for op in ("Add", "Sub", "Mul", "Div"):
        yield one(f"{op}, constant of channels", op,
                  [constant("c", 2 + draw(16, 1, 1) ** 2)])
        yield one(f"{op}, constant row", op,
                  [constant("c", 2 + draw(1, 1, 8) ** 2)])
        gate = [helper.make_node("GlobalAveragePool", ["x"], ["p"]),
                helper.make_node("Sigmoid", ["p"], ["q"]),
                helper.make_node(op, ["x", "q"], ["f"]), flat]
        yield f"{op}, gate", gate, [], (16, 9, 8)
    for op in ("Add", "Sub", "Mul", "Div", "Max", "Min"):
        # Two halves, of which the second is positive: it may divide.
        yield (f"{op} of two values",
               [halves, helper.make_node("Exp", ["b"], ["c"]),
                helper.make_node(op, ["a", "c"], ["f"]), flat],
               [whole("s", 8, 8)], (16, 9, 8))
    yield ("x * x", [helper.make_node("Mul", ["x", "x"], ["f"]), flat], [],
           (16, 9, 8))
    yield ("Concat", [helper.make_node("Relu", ["x"], ["a"]),
                      helper.make_node("Concat", ["a", "x"], ["f"], axis=1),
                      flat], [], (16, 9, 8))
    yield ("Gemm", [helper.make_node("Flatten", ["x"], ["a"]),
                    helper.make_node("Gemm", ["a", "w", "b"], ["y"], transB=1)],
           [constant("w", draw(24, 16 * 6)), constant("b", draw(24))],
           (16, 3, 2))
    yield ("MatMul", [helper.make_node("Flatten", ["x"], ["a"]),
                      helper.make_node("MatMul", ["a", "w"], ["y"])],
           [constant("w", draw(16 * 6, 24))], (16, 3, 2))
    yield ("x / |x|", [helper.make_node("Flatten", ["x"], ["a"]),
                       helper.make_node("ReduceL2", ["a"], ["l"], axes=[1]),
                       helper.make_node("Div", ["a", "l"], ["y"])], [],
           (16, 3, 2))
