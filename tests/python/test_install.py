"""Installing the package: by pip, and with the library by CMake."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import whyface
from testing import SOURCE, TestCase, main, skip_all

for module in ("pip", "setuptools", "wheel"):
    if importlib.util.find_spec(module) is None:
        skip_all(f"python3-{module} is not installed")

BUILD = os.environ["WF_BINARY_DIR"]
USE = "import whyface; print(whyface.__file__, whyface.library_version())"


def run(*command, **environment):
    return subprocess.run(
        list(map(str, command)),
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd="/",
    )


class Install(TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()

    def files(self, folder):
        names = {p.name for p in Path(folder).iterdir() if p.is_file()}
        return {n for n in names if n.endswith((".py", "py.typed"))}

    def test_pip(self):
        """Offline, and without a compiler."""
        tree, site = self.folder / "python", self.folder / "site"
        shutil.copytree(SOURCE / "python", tree)
        done = run(
            sys.executable,
            "-m",
            "pip",
            "install",
            "--no-index",
            "--no-deps",
            "--no-build-isolation",
            "--target",
            site,
            tree,
            CC="/bin/false",
            PIP_DISABLE_PIP_VERSION_CHECK="1",
            PYTHONPATH="",
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(
            self.files(site / "whyface"),
            self.files(SOURCE / "python" / "whyface"),
        )
        used = run(sys.executable, "-c", USE, PYTHONPATH=str(site))
        self.assertEqual(
            used.stdout.split(),
            [str(site / "whyface/__init__.py"), whyface.__version__],
        )
        [info] = site.glob("whyface-*.dist-info")
        metadata = (info / "METADATA").read_text()
        self.assertIn(f"\nVersion: {whyface.__version__}\n", metadata)
        self.assertIn("\nRequires-Dist: numpy", metadata)

    def test_cmake(self):
        """The installed package finds the library that is installed with it."""
        done = run("cmake", "--install", BUILD, "--prefix", self.folder)
        self.assertEqual(done.returncode, 0, done.stdout)
        [package] = self.folder.rglob("whyface/__init__.py")
        self.assertEqual(
            self.files(package.parent),
            self.files(SOURCE / "python" / "whyface"),
        )
        self.assertEqual(list(self.folder.rglob("__pycache__")), [])
        used = run(
            sys.executable,
            "-B",
            "-c",
            USE + "; print(next(l.split()[-1] for l in open('/proc/self/maps')"
            " if 'libwhyface' in l))",
            PYTHONPATH=str(package.parent.parent),
            WHYFACE_LIBRARY="",
        )
        name, version, library = used.stdout.split()
        self.assertEqual((name, version), (str(package), whyface.__version__))
        self.assertTrue(library.startswith(str(self.folder)), library)
        part = self.folder / "part"
        run(
            "cmake",
            "--install",
            BUILD,
            "--prefix",
            part,
            "--component",
            "python",
        )
        self.assertTrue(list(part.rglob("whyface/__init__.py")))
        self.assertEqual(list(part.rglob("libwhyface*")), [])


main()
