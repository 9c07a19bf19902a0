"""The programs of examples/: those in Python print what their twins in C do."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import whyface
from testing import SOURCE, TestCase, main, picture, skip_all

try:
    import onnx  # noqa: F401
except ImportError:
    skip_all("python3-onnx is not installed")

PROGRAMS = Path(os.environ["WF_BINARY_DIR"]) / "bin"


class Examples(TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_both(self, name, *arguments):
        """What the two print, without the figures' names."""
        outputs = []
        for command, figure in (
            ([PROGRAMS / name], "c.png"),
            (
                [sys.executable, "-B", SOURCE / "examples" / f"{name}.py"],
                "python.png",
            ),
        ):
            run = subprocess.run(
                [*map(str, command), *map(str, arguments), figure],
                capture_output=True,
                text=True,
                cwd=self.folder,
            )
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            self.assertTrue(
                whyface.load_image(self.folder / figure).width > 300
            )
            outputs.append(run.stdout.replace(figure, ""))
        return outputs

    def test_callback_model(self):
        c, python = self.run_both("callback_model")
        self.assertTrue(c.startswith("similarity 0."))
        self.assertEqual(python, c)

    def test_explain_triplet(self):
        model = self.folder / "tiny.onnx"
        tiny = SOURCE / "tests" / "cli" / "tiny_model.py"
        subprocess.run([sys.executable, "-B", tiny, model, "1"], check=True)
        crops = [self.folder / f"{i}.png" for i in range(3)]
        for i, path in enumerate(crops):
            whyface.load_image(picture(i, 112)).save(path)
        # The warning that there is no manifest is Python's alone.
        os.environ["PYTHONWARNINGS"] = "ignore"
        self.addCleanup(os.environ.pop, "PYTHONWARNINGS")
        c, python = self.run_both("explain_triplet", model, *crops)
        self.assertRegex(c, r"^mate -?0\.\d+, non-mate -?0\.\d+: $")
        self.assertEqual(python, c)

    def test_wrong_use(self):
        for name in ("callback_model", "explain_triplet"):
            run = subprocess.run(
                [sys.executable, "-B", SOURCE / "examples" / f"{name}.py"],
                capture_output=True,
                text=True,
            )
            self.assertEqual(run.returncode, 1)
            self.assertIn(f"usage: {name}.py", run.stderr)
        run = subprocess.run(
            [
                sys.executable,
                "-B",
                SOURCE / "examples" / "explain_triplet.py",
                "no.onnx",
                "a",
                "b",
                "c",
                "d.png",
            ],
            capture_output=True,
            text=True,
        )
        self.assertEqual(run.returncode, 1)
        self.assertRegex(run.stderr, r"^\S*explain_triplet.py: .*no.onnx.*\n$")


main()
