"""How the library is found, and what is said when it is not the right one."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import whyface
from testing import SOURCE, TestCase, main

LIBRARY = os.environ["WHYFACE_LIBRARY"]
CC = os.environ.get("WF_CC", "cc")


def load(code="import whyface", **environment):
    """Runs Python; what it wrote, and the last line of what it complained."""
    run = subprocess.run(
        [sys.executable, "-B", "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    return run.stdout, (run.stderr.strip().splitlines() or [""])[-1]


def fake(folder, version, extra=""):
    """A library that says it is of that version."""
    source, out = Path(folder) / "fake.c", Path(folder) / "libwhyface.so.0"
    source.write_text(
        f'const char *wf_version(void) {{ return "{version}"; }}\n{extra}'
    )
    subprocess.run([CC, "-shared", "-fPIC", source, "-o", out], check=True)
    return str(out)


class Finding(TestCase):
    def test_version(self):
        self.assertEqual(whyface.library_version(), whyface.__version__)
        self.assertEqual(whyface.build_info()["version"], whyface.__version__)

    def test_not_there(self):
        _, message = load(WHYFACE_LIBRARY="/nowhere/libwhyface.so")
        self.assertRegex(
            message,
            r"^ImportError: the library libwhyface.so.0 was not found; tried: "
            r"/nowhere/libwhyface.so \(no such file\); .*WHYFACE_LIBRARY",
        )

    def test_no_library(self):
        with tempfile.NamedTemporaryFile(suffix=".so") as file:
            file.write(b"no library")
            file.flush()
            _, message = load(WHYFACE_LIBRARY=file.name)
        self.assertIn("was not found; tried: ", message)
        self.assertIn(file.name, message)

    def test_other_version(self):
        with tempfile.TemporaryDirectory() as folder:
            _, message = load(WHYFACE_LIBRARY=fake(folder, "7.3.1"))
        self.assertIn("is libwhyface 7.3.1, but this package is", message)

    def test_older_library(self):
        with tempfile.TemporaryDirectory() as folder:
            _, message = load(WHYFACE_LIBRARY=fake(folder, whyface.__version__))
        self.assertRegex(message, "^ImportError: .*undefined symbol: wf_")

    def test_other_layout(self):
        """A library whose options are longer than the package knows."""
        code = (
            "import ctypes\n"
            "from whyface import _ffi, _library\n"
            "class longer(_ffi.wf_plot_opts):\n"
            "    _fields_ = [('more', ctypes.c_int64)]\n"
            "_ffi.OPTIONS['wf_plot_opts_init'] = longer\n"
            "_library.load()\n"
        )
        _, message = load(code)
        self.assertRegex(message, "^ImportError: .*another layout of longer")

    def test_beside_the_package(self):
        """Without the variable: beside the package, and where an installation
        puts the two."""
        code = (
            "import whyface._library as l\n"
            "print(next(line.split()[-1] for line in open('/proc/self/maps')"
            " if 'libwhyface' in line))"
        )
        for site, place in (
            ("any", "any/whyface"),
            ("lib/python3/dist-packages", "lib"),
            ("lib/python3.11/site-packages", "lib"),
        ):
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder).resolve()
                shutil.copytree(
                    SOURCE / "python" / "whyface", root / site / "whyface"
                )
                there = root / place / "libwhyface.so.0"
                there.symlink_to(LIBRARY)
                out, message = load(
                    code, WHYFACE_LIBRARY="", PYTHONPATH=str(root / site)
                )
            self.assertEqual(out.strip(), os.path.realpath(LIBRARY), message)

    def test_versions_agree(self):
        """Of package, build and header."""
        build = re.search(
            r"project\(whyface VERSION ([\d.]+)",
            (SOURCE / "CMakeLists.txt").read_text(),
        )
        self.assertEqual(build.group(1), whyface.__version__)


main()
