"""S-RISE: Lu and Ebrahimi, 2023, section 3.2; the estimators of doc/methods/
s-rise.md."""
from reference import Dump, below, compare, finish, np, random4

PATCHES, KERNEL, SIGMA, SEED, STREAM = 100, 40, 7, 1, 1


def published_masks(n, side):
    """Sums of Gaussian patches with centres in the image, over their maximum.
    A draw of four words places two patches."""
    words = random4(SEED, STREAM, np.arange(n)[:, None],
                    np.arange(PATCHES // 2)).reshape(n, PATCHES, 2)
    first = below(words, side) - KERNEL // 2
    at = np.arange(side) - first[..., None] - (KERNEL - 1) / 2
    line = np.exp(-at**2 / (2 * SIGMA**2)) * (np.abs(at) < KERNEL / 2)
    masks = np.einsum("npy,npx->nyx", line[:, :, 1], line[:, :, 0])
    return masks / masks.max(axis=(1, 2), keepdims=True)


def estimate(estimator, s, masks):
    weighted = np.einsum("n,nyx->yx", s, masks)
    covariance = weighted / len(s) - s.mean() * masks.mean(axis=0)
    return {"sum": weighted,
            "mean": weighted / masks.sum(axis=0),
            "covariance": covariance,
            "pearson": covariance / (s.std() * masks.std(axis=0))}[estimator]


for estimator in "sum", "mean", "covariance", "pearson":
    run = Dump("s-rise", "masks=120", f"estimator={estimator}", preset="paper")
    for role in run.roles:
        compare(f"{estimator}: masks of {role}", run.masks(role, "black"),
                published_masks(120, run.side), 1e-5)
    for got, role, reference in run.maps():
        want = estimate(estimator, run.scores(role, reference),
                        run.masks(role, "black"))
        compare(f"{estimator}: {role}, reference {reference}", got, want, 1e-4)
finish()
