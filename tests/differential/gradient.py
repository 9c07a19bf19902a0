"""Reverse mode against PyTorch's autograd: whole models, then each operator."""
import tempfile

from backward import cosine, dump, models, operators, write_model
from torch_graph import Graph, np


def compare(name, model, shape, n, least):
    """n images, two seeds each; a layer on the way as well."""
    random = np.random.default_rng(5)
    inputs = np.float32(random.uniform(-1, 1, (n, *shape)))
    graph = Graph(model)
    dim = graph.embed(inputs).shape[1]
    seeds = np.float32(random.standard_normal((2 * n, dim)))
    embeddings, ours, _ = dump(model, inputs, seeds)
    theirs = [graph.gradients(inputs, seeds[k:k + n]) for k in (0, n)]
    gradients = np.concatenate([g for _, g in theirs]).reshape(2 * n, -1)
    same = min(cosine(a, b) for a, b in zip(ours, gradients))
    size = np.linalg.norm(ours) / np.linalg.norm(gradients)
    same_embedding = cosine(embeddings, theirs[0][0])
    print(f"{name}: cosine of gradients {same:.8f}, length {size:.6f}, "
          f"of embeddings {same_embedding:.8f}")
    assert same >= least and same_embedding >= least, name
    assert abs(size - 1) < 1e-3, name


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name, path in models(folder):
            n = 1 if name.startswith("IResNet") else 2
            compare(name, path, (3, 112, 112), n, 0.9999)
        for name, nodes, constants, shape in operators():
            path = f"{folder}/one.onnx"
            write_model(path, nodes, constants, shape)
            compare(name, path, shape, 3, 0.999999)


main()
