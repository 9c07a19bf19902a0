"""MFPP (Yang et al., ICPR 2020) as doc/methods/mfpp.md reads it.  What the
superpixels are is test_slic's matter: here they are found again from which
pixels are always kept together."""
from reference import Dump, compare, finish, np, random4, unit

SEED, STREAM, N, KEEP = 1, 32, 300, 0.4
LEVELS, FRAGMENTS = 3, 20


def published_patterns(level, fragments):
    """Whether each fragment is kept, in each of the level's masks."""
    draws = np.arange((fragments + 3) // 4)
    return np.array([unit(random4(SEED, STREAM, i, draws).ravel())[:fragments]
                     < KEEP for i in range(level, N, LEVELS)]).T


run = Dump("mfpp", f"masks={N}", f"levels={LEVELS}", f"fragments={FRAGMENTS}",
           f"keep={KEEP}")
for role in run.roles:
    masks = run.masks(role, "black")
    want = np.empty_like(masks)
    counts = []
    for level in range(LEVELS):
        wanted = FRAGMENTS << level
        patterns = published_patterns(level, 2 * wanted)
        seen = masks[level::LEVELS].round().reshape(len(patterns[0]), -1).T
        numbers = {p.tobytes(): k for k, p in enumerate(patterns)}
        labels = [numbers.get(p.tobytes(), -1) for p in seen.astype(bool)]
        compare(f"{role}, level {level}: pixels in a fragment",
                np.min(labels) >= 0, True, 0)
        counts.append(len(set(labels)))
        want[level::LEVELS] = patterns[labels].T.reshape(
            -1, run.side, run.side)
    compare(f"{role}: {counts} fragments, finer at each level",
            min(np.diff(counts)) > 0, True, 0)
    compare(f"masks of {role}", masks, want, 1e-5)
for got, role, reference in run.maps():
    s = run.scores(role, reference)
    want = np.einsum("n,nyx->yx", s, run.masks(role, "black")) / (N * KEEP)
    compare(f"{role}, reference {reference}", got, want, 1e-5)
finish()
