#!/usr/bin/python3
"""usage: torch_model.py FIGURE

Explains a PyTorch module and judges the map.  The network here has random
weights; put your own in its place.
"""
import sys

import numpy as np
import torch
import whyface


def network():
    torch.manual_seed(1)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 7, stride=4),
        torch.nn.PReLU(),
        torch.nn.Conv2d(16, 32, 5, stride=3),
        torch.nn.PReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(32 * 8 * 8, 128),
    )


def pictures():
    """Two pictures of noise that have their left halves in common."""
    probe, mate = np.random.default_rng(1).integers(
        0, 256, (2, 112, 112, 3), dtype=np.uint8
    )
    mate[:, :56] = probe[:, :56]
    return probe, mate


def main(figure):
    probe, mate = pictures()
    model = whyface.Model.from_torch(network(), batch=64)
    e = whyface.explain(model, probe, mate, method="s-rise", masks=400)
    e.save_figure(figure)
    controls = whyface.evaluate_controls(model, probe, mate)
    print(f"similarity {e.similarity():.3f}: {figure}")
    print(
        f"Insertion: {e.evaluate().insertion.auc:.3f}, of a random map "
        f"{controls['random'].insertion.auc:.3f}"
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except whyface.Error as error:
        sys.exit(f"{sys.argv[0]}: {error}")
