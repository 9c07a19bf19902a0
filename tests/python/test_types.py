"""The type hints, by mypy --strict: of the package, and of code that uses
it."""

import subprocess
import sys
import tempfile
from pathlib import Path

from testing import SOURCE, TestCase, main, skip_all

try:
    import mypy  # noqa: F401
except ImportError:
    skip_all("mypy is not installed")

GOOD = """
import numpy as np
from numpy.typing import NDArray
import whyface

def embed(batch: NDArray[np.float32]) -> NDArray[np.float32]:
    return batch.reshape(len(batch), -1)

def progress(stage: str, done: int, total: int) -> None:
    print(stage, done, total)

model = whyface.Model.from_function(embed, mean=(1, 2, 3), threshold=0.3)
picture = np.zeros((112, 112, 3), np.uint8)
e = whyface.explain(model, picture, "mate.png", b"", method="s-rise", masks=5,
                    fill="black", face=["left", None, 2], progress=progress)
best: float = float(e.map().max()) + e.similarity("nonmate")
auc: float = e.evaluate(fill="blur").deletion.auc
"""
BAD = """
import whyface
model = whyface.load_model("a.onnx")
whyface.explain(model)
whyface.explain(model, 1, "b.png")
e: int = whyface.explain(model, "a.png", "b.png")
model.embbed("a.png")
"""


class Types(TestCase):
    def check(self, *arguments):
        with tempfile.TemporaryDirectory() as cache:
            return subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "mypy",
                    "--no-error-summary",
                    "--config-file",
                    SOURCE / "python" / "pyproject.toml",
                    "--cache-dir",
                    cache,
                    *map(str, arguments),
                ],
                capture_output=True,
                text=True,
                cwd=cache,
            ).stdout.splitlines()

    def test_package_and_its_use(self):
        with tempfile.TemporaryDirectory() as folder:
            good, bad = Path(folder) / "good.py", Path(folder) / "bad.py"
            good.write_text(GOOD)
            bad.write_text(BAD)
            errors = [
                line
                for line in self.check(SOURCE / "python" / "whyface", good, bad)
                if "error:" in line
            ]
        lines = {int(line.split(":")[1]) for line in errors if "bad.py" in line}
        self.assertEqual(lines, {4, 5, 6, 7}, errors)
        self.assertEqual([e for e in errors if "bad.py" not in e], [])


main()
