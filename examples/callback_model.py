#!/usr/bin/python3
"""usage: callback_model.py FIGURE

Any function from a batch of crops to embeddings can be explained.  This one
knows faces by the brightness of a grid of 8 x 8 cells; the two pictures differ
in their lower halves only.
"""
import sys
import warnings

import numpy as np
import whyface

SIDE, GRID = 64, 8
CELL = SIDE // GRID


def embed(batch):
    """float32 N x 3 x SIDE x SIDE to N x GRID * GRID."""
    cells = batch.reshape(len(batch), 3, GRID, CELL, GRID, CELL)
    return cells.sum(axis=(1, 3, 5)).reshape(len(batch), -1) / CELL


def picture(which):
    y, x = np.mgrid[:GRID, :GRID]
    factor = np.where((y >= GRID // 2) & which, 77, 41)
    return (
        ((x * 5 + y * 3) * factor)
        .astype(np.uint8)
        .repeat(CELL, 0)
        .repeat(CELL, 1)
    )


def main(figure):
    # These are no faces, and the default method notices.
    warnings.simplefilter("ignore", whyface.SupportWarning)
    model = whyface.Model.from_function(embed, width=SIDE, height=SIDE)
    e = whyface.explain(model, picture(False), picture(True))
    e.save_figure(figure)
    print(f"similarity {e.similarity():.3f}: {figure}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except whyface.Error as error:
        sys.exit(f"{sys.argv[0]}: {error}")
