"""RISE (Petsiuk et al., BMVC 2018, section 3), D-RISE (Petsiuk et al., CVPR
2021) and FV-RISE (Bousnina et al., BIOSIG 2023) as doc/methods/rise.md reads
them."""
from reference import (Dump, below, compare, enlarge, finish, np, random4,
                       unit)

SEED, STREAM = 1, 30


def published_masks(n, side, cells, keep):
    size = -(-side // cells)
    masks = []
    for i in range(n):
        x, y = (below(w, size) for w in random4(SEED, STREAM, i, 0)[:2])
        words = random4(SEED, STREAM, i, 1 + np.arange(-(-cells**2 // 4)))
        grid = unit(words.ravel()[:cells**2]).reshape(cells, cells) < keep
        large = enlarge(grid.astype(float), (cells + 1) * size)
        large = enlarge(large.T, (cells + 1) * size).T
        masks.append(large[y:y + side, x:x + side])
    return np.array(masks)


def rise(s, masks, keep):
    return np.einsum("n,nyx->yx", s, masks) / (len(s) * keep)


for method, cells, keep, side in (("rise", 7, 0.5, 48), ("rise", 8, 0.3, 50),
                                  ("d-rise", 16, 0.5, 48)):
    run = Dump(method, "masks=150", f"keep={keep}", f"cells={cells}", side=side)
    what = f"{method}, {cells} cells, side {side}"
    want = published_masks(150, side, cells, keep)
    for role in run.roles:
        compare(f"{what}: masks of {role}", run.masks(role, "black"), want, 1e-5)
    for got, role, reference in run.maps():
        compare(f"{what}: {role}, reference {reference}", got,
                rise(run.scores(role, reference), want, keep), 1e-5)

masks = published_masks(150, 48, 7, 0.5)
for kind in "acceptance", "rejection", "signed":
    run = Dump("fv-rise", "masks=150", f"map={kind}")
    for got, role, reference in run.maps():
        s = run.scores(role, reference)
        similar, dissimilar = rise(s, masks, 0.5), rise(1 - s, masks, 0.5)
        want = {"acceptance": similar, "rejection": dissimilar,
                "signed": similar - dissimilar}[kind]
        compare(f"fv-rise, {kind}: {role}, reference {reference}", got, want,
                1e-5)
finish()
