"""What scripts/check-package runs with the installed Python package: a function
explained on two random pictures."""
import numpy as np
import whyface


def embed(batch):
    cells = batch.reshape(len(batch), 3, 28, 4, 28, 4).mean(axis=(3, 5))
    return cells.reshape(len(batch), -1)


random = np.random.default_rng(1)
a, b = random.integers(0, 256, (2, 112, 112, 3), dtype=np.uint8)
model = whyface.Model.from_function(embed, mean=127.5, scale=1 / 128)
e = whyface.explain(model, a, b, method='s-rise', masks=20)
assert e.map().shape == (112, 112) and np.isfinite(e.map()).all()
print('similarity', e.similarity())
