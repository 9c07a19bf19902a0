"""What the tests of the Python package share."""

import os
import sys
import unittest
from pathlib import Path


def skip_all(why):
    """CTest shows it, scripts/test repeats it at its end."""
    print(f"SKIPPED: {why}", file=sys.stderr)
    sys.exit(77)


try:
    import numpy as np
except ImportError:
    skip_all("python3-numpy is not installed")

import whyface

SOURCE = Path(os.environ["WF_SOURCE_DIR"])
COMMAND = os.environ.get("WF_COMMAND", "")
SHARED = Path(os.environ.get("WHYFACE_SHARED", SOURCE / ".." / "shared"))


def need(path):
    if not path.exists():
        skip_all(f"'{path}' is not there; set WHYFACE_SHARED to its folder")
    return path


SIDE = 32


def cells(batch):
    """A model without weights: the mean of each cell of 4 x 4 pixels."""
    n, c = batch.shape[:2]
    grid = batch.reshape(n, c, SIDE // 4, 4, SIDE // 4, 4)
    return grid.mean(axis=(3, 5)).reshape(n, -1)


def cell_model(fn=cells, **settings):
    settings = {"width": SIDE, "height": SIDE, **settings}
    return whyface.Model.from_function(fn, **settings)


def picture(seed, side=SIDE):
    """Random cells, side x side x 3."""
    rng = np.random.default_rng(seed)
    grid = rng.integers(0, 256, (side // 4, side // 4, 3), dtype=np.uint8)
    return grid.repeat(4, axis=0).repeat(4, axis=1)


def half_alike(seed=1):
    """Two pictures that have their upper halves in common."""
    a, b = picture(seed), picture(seed + 100)
    b[: SIDE // 2] = a[: SIDE // 2]
    return a, b


class TestCase(unittest.TestCase):
    def assert_fails(self, error, text, function, *arguments, **keywords):
        """What is raised is of that class and has the text in its message."""
        with self.assertRaises(error) as caught:
            function(*arguments, **keywords)
        self.assertIn(text, str(caught.exception))
        return caught.exception


def main():
    unittest.main(verbosity=1)
