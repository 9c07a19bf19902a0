"""DISE (Williford, May and Byrne, ECCV 2020, section 4.2) as doc/methods/
dise.md reads it."""
from functools import lru_cache

from reference import Dump, below, compare, enlarge, finish, np, random4

SEED, STREAM, N = 1, 30, 250


def draw(i, cells, cell, hidden):
    """Shift and hidden cells of mask i: the k-th word picks among the cells
    that are left."""
    x, y = (int(below(w, cell)) for w in random4(SEED, STREAM, i, 0)[:2])
    words = random4(SEED, STREAM, i, 1 + np.arange((hidden + 3) // 4)).ravel()
    left = list(range(cells**2))
    for k in range(hidden):
        other = k + int(below(words[k], cells**2 - k))
        left[k], left[other] = left[other], left[k]
    return left[0] if hidden == 1 else i, y, x, left[:hidden]


@lru_cache
def published_masks(side, cell, hidden):
    cells = -(-side // cell)
    masks, keys = [], []
    for i in range(N):
        *key, gone = draw(i, cells, cell, hidden)
        grid = np.ones(cells**2)
        grid[gone] = 0
        large = enlarge(grid.reshape(cells, cells), side + cell)
        large = enlarge(large.T, side + cell).T
        _, y, x = key
        masks.append(large[y:y + side, x:x + side])
        keys.append(key if hidden == 1 else [i])
    # Equal masks are asked about once, in the order of what they hide.
    _, first, counts = np.unique(keys, axis=0, return_index=True,
                                 return_counts=True)
    return np.array(masks)[first], counts


def blurred(image, sigma):
    """Gaussian cut off at 3 sigma and, renormalised, at the border."""
    n = image.shape[-1]
    d = np.arange(n)[:, None] - np.arange(n)
    kernel = np.exp(-d**2 / (2 * sigma**2)) * (abs(d) <= np.ceil(3 * sigma))
    kernel /= kernel.sum(axis=1, keepdims=True)
    return kernel @ image @ kernel.T


def check(what, cell=12, hidden=1, contrast=True, kind="signed", fill="blur",
          triplet=True):
    run = Dump("dise", f"masks={N}", f"cell={cell}", f"hidden={hidden}",
               f"map={kind}", f"fill={fill}",
               f"contrast={'other' if contrast else 'none'}", triplet=triplet)
    masks, counts = published_masks(run.side, cell, hidden)
    for role, image in zip(run.roles, run.images):
        behind = blurred(image, 0.04 * run.side) if fill == "blur" else \
            run.fill(role, fill)
        want = image * masks[:, None] + behind * (1 - masks[:, None])
        compare(f"{what}: copies of {role}", run.copies(role), want, 1e-5)
    for got, role, reference in run.maps():
        lost = [run.unchanged(role, r) - run.scores(role, r)
                for r in range(len(run.references(role)))]
        w = lost[reference]
        if contrast and triplet:
            w = w - lost[1 - reference]
        counted = {"signed": w, "positive": np.maximum(w, 0),
                   "negative": np.maximum(-w, 0)}[kind]
        want = np.einsum("n,nyx->yx", counts * counted, 1 - masks) / N
        # A part of the map may be nothing but rounding.
        whole = np.einsum("n,nyx->yx", counts * np.abs(w), 1 - masks) / N
        compare(f"{what}: {role}, reference {reference}", got, want, 1e-4,
                whole.max())


check("defaults")
check("pair", triplet=False)
check("no contrast", contrast=False, fill="grey")
check("positive", kind="positive", cell=7, fill="black")
check("negative", kind="negative", cell=7, fill="mean")
check("three cells", hidden=3)
finish()
