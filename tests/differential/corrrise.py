"""CorrRISE (Lu, Xu and Ebrahimi, WACV 2024, section 3.3) as doc/methods/
corrrise.md reads it."""
from reference import Dump, below, compare, finish, np, random4, unit

SEED, STREAM, N = 1, 31, 150


def published_masks(side, patches, size, noise, inside):
    """Ones with square patches, of black or of noise; two patches a draw."""
    masks = np.ones((N, side, side))
    draws = (patches + 1) // 2
    for i, mask in enumerate(masks):
        words = random4(SEED, STREAM, i, np.arange(draws)).reshape(-1, 2)
        for at in words[:patches]:
            if inside:
                x, y = below(at, side - size + 1)
            else:
                x, y = below(at, side + size - 1) - (size - 1)
            mask[max(y, 0):max(y + size, 0), max(x, 0):max(x + size, 0)] = 0
        words = random4(SEED, STREAM, i, draws + np.arange(side**2 // 4))
        if noise:
            mask[mask == 0] = unit(words).reshape(side, side)[mask == 0]
    return masks


def ranks(s):
    """From 1; equal values share the mean of theirs."""
    return np.array([(s < v).sum() + ((s == v).sum() + 1) / 2 for v in s])


def correlation(s, masks):
    m = masks - masks.mean(axis=0)
    s = s - s.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        c = np.einsum("n,nyx->yx", s, m) / np.sqrt(
            (s**2).sum() * (m**2).sum(axis=0))
    return np.nan_to_num(c)


def check(what, options, masks, rank, preset=None):
    run = Dump("corrrise", f"masks={N}", *options, preset=preset)
    for role in run.roles:
        compare(f"{what}: masks of {role}", run.masks(role, "black"), masks,
                1e-5)
    for got, role, reference in run.maps():
        # As the method has them: equal float32 similarities are equal.
        s = np.float64(np.float32(run.scores(role, reference)))
        want = correlation(ranks(s) if rank else s, masks)
        want = {"positive": np.maximum(want, 0),
                "negative": np.maximum(-want, 0)}.get(
                    options[-1].split("=")[-1] if options else "", want)
        compare(f"{what}: {role}, reference {reference}", got, want, 1e-4)


side = 48
check("defaults", [], published_masks(side, 10, 30, True, True), False)
check("preset paper", [], published_masks(side, 10, 30, True, True), False,
      "paper")
check("preset fame", [], published_masks(side, 3, 30, False, True), True,
      "fame")
canvas = published_masks(side, 5, 13, False, False)
for kind in "signed", "positive", "negative":
    check(f"canvas, {kind}",
          ["patches=5", "size=13", "patch=black", "place=canvas",
           f"map={kind}"], canvas, False)
finish()
