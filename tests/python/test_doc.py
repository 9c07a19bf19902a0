"""The examples of doc/python.md, run in their order as they stand there."""

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
import warnings

import whyface
from testing import SHARED, SOURCE, TestCase, main, need, skip_all

try:
    import onnx  # noqa: F401
    import torch  # noqa: F401
except ImportError as error:
    skip_all(f"python3-{error.name} is not installed")

DETECTOR = [need(SHARED / "models" / f"mtcnn_{net}net.onnx") for net in "pro"]
PHOTOS = {
    name: need(SHARED / "data" / "photos" / f"img{n}.jpg")
    for name, n in (("probe", 20), ("mate", 21), ("nonmate", 16))
}


class Doc(TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        os.environ["WHYFACE_HOME"] = os.path.join(folder.name, "home")
        # A model that takes no time, for a page with many explanations.
        tiny = SOURCE / "tests" / "cli" / "tiny_model.py"
        subprocess.run(
            [sys.executable, "-B", tiny, "arcface.onnx", "1"], check=True
        )
        for name, path in PHOTOS.items():
            os.symlink(path, f"{name}.jpg")
        whyface.add_detector(DETECTOR, "mtcnn")

    def test_examples(self):
        text = (SOURCE / "doc" / "python.md").read_text()
        blocks = re.findall(r"```python\n(.*?)```", text, re.S)
        self.assertGreater(len(blocks), 8)
        names = {}
        output = io.StringIO()
        with contextlib.redirect_stdout(output), warnings.catch_warnings():
            warnings.simplefilter("ignore", whyface.GuessedModelWarning)
            warnings.simplefilter("ignore", whyface.SupportWarning)
            for block in blocks:
                exec(compile(block, "doc/python.md", "exec"), names)
        for file in ("figure.png", "overlay.png", "curves.png"):
            self.assertGreater(whyface.load_image(file).width, 100)
        self.assertIn("level-sets - what is enough", output.getvalue())
        self.assertIn("masks: probe: 60 of 60", output.getvalue())
        self.assertIn("no-such.jpg", output.getvalue())
        self.assertEqual(names["t"].crops["probe"], names["probe"])

    def test_names(self):
        """What the page calls whyface.X is there."""
        text = (SOURCE / "doc" / "python.md").read_text()
        for name in re.findall(r"\bwhyface\.([A-Za-z_]\w*)", text):
            self.assertTrue(hasattr(whyface, name), name)
        for name in re.findall(r"`([A-Z]\w+(?:Error|Warning))`", text):
            if name not in dir(__builtins__):
                self.assertTrue(hasattr(whyface, name), name)


main()
