"""What the references of methods share: a run of dump_method, the random
numbers of base/random.h, and the comparison."""
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
except ImportError:
    print("SKIPPED: python3-numpy is not installed", file=sys.stderr)
    sys.exit(77)

MATE, NONMATE = 0, 1  # references of the probe; of the others, the probe is 0


def similarity(a, b):
    """Cosine of the rows of a (n x dim) with b (dim)."""
    a, b = np.float64(a), np.float64(b)
    return a @ b / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b))


class Dump:
    """One run of dump_method: what the model saw and what came out."""

    def __init__(self, method, *options, preset=None, side=48, triplet=True):
        command = [sys.argv[1], "-s", str(side)]
        command += ["-p", preset] if preset else []
        command += [] if triplet else ["-n"]
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(command + [folder, method, *options], check=True)
            self.files = {f.stem: np.load(f) for f in Path(folder).iterdir()}
        self.side = side
        self.images = self._pictures("images")
        self.roles = ["probe", "mate", "nonmate"][:len(self.images)]

    def _pictures(self, name):
        return np.float64(self.files[name]).reshape(-1, 3, self.side, self.side)

    def copies(self, role):
        """n x 3 x side x side, in -1..1, in the order the model saw them."""
        return self._pictures(role + "_copies")

    def embeddings(self, role):
        return self.files[role + "_embeddings"]

    def references(self, role):
        """Roles that `role` is compared with, its pair's first."""
        return [r for r in self.roles if r != role]

    def scores(self, role, reference=0):
        """Similarities of the copies with the unchanged image of the
        `reference`-th other role."""
        other = self.roles.index(self.references(role)[reference])
        return similarity(self.embeddings(role),
                          self.files["images_embeddings"][other])

    def unchanged(self, role, reference=0):
        """Similarity of the two unchanged images."""
        other = self.roles.index(self.references(role)[reference])
        images = self.files["images_embeddings"]
        return similarity(images[self.roles.index(role)], images[other])

    def fill(self, role, name):
        """The colour of a constant fill, 3 x 1 x 1."""
        image = self.images[self.roles.index(role)]
        return {"black": np.full((3, 1, 1), -1.0),
                "grey": np.zeros((3, 1, 1)),
                "mean": image.mean(axis=(1, 2), keepdims=True)}[name]

    def masks(self, role, fill):
        """The masks behind the copies, n x side x side; `fill` a name or a
        picture: where copy = image * mask + fill * (1 - mask), from the
        channel in which image and fill differ most."""
        image = self.images[self.roles.index(role)]
        fill = self.fill(role, fill) if isinstance(fill, str) else fill
        span = image - fill
        best = np.abs(span).argmax(axis=0)[None]
        take = lambda x: np.take_along_axis(x, best, axis=0)[0]
        return np.stack([take(c - fill) / take(span)
                         for c in self.copies(role)])

    def map(self, pair, side):
        """pair 'mate' or 'nonmate', side 'probe' or 'other'."""
        return self.files[f"{pair}_{side}"]

    def maps(self):
        """(map, role, reference) of every map there is."""
        for pair, name in enumerate(self.roles[1:]):
            yield self.map(name, "probe"), "probe", pair
            yield self.map(name, "other"), name, 0


def random4(seed, stream, index, draw):
    """Philox4x32-10 (Salmon et al., SC 2011): four words, ... x 4."""
    index, draw = np.broadcast_arrays(np.uint64(index), np.uint64(draw))
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    c = [draw, index, np.full_like(index, stream), np.zeros_like(index)]
    k = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        a = np.uint64(0xD2511F53) * c[0]
        b = np.uint64(0xCD9E8D57) * c[2]
        c = [(b >> half) ^ c[1] ^ np.uint64(k[0]), b & low,
             (a >> half) ^ c[3] ^ np.uint64(k[1]), a & low]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(c, axis=-1)


def unit(words):
    """Numbers in [0, 1) from words."""
    return (words >> np.uint64(8)) / 2.0**24


def below(words, n):
    """Integers in 0..n-1 from words."""
    return np.int64((words * np.uint64(n)) >> np.uint64(32))


failures = 0


def compare(what, got, want, tolerance):
    """Largest difference, as a share of the largest value of `want`."""
    global failures
    got, want = np.float64(got), np.float64(want)
    scale = np.abs(want).max()
    difference = np.abs(got - want).max() / scale if scale else np.inf
    good = got.shape == want.shape and difference <= tolerance
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what}: {difference:.1e} "
          f"of {scale:.3g}, allowed {tolerance:.0e}")


def finish():
    sys.exit(failures > 0)
