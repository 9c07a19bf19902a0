"""LIME: Ribeiro, Singh and Guestrin, 2016, sections 3.3 and 3.4; ridge
regression with a free intercept."""
from reference import Dump, compare, finish, np, random4
from regions import STREAM, regions_of

SEED, SAMPLES, WIDTH, RIDGE = 1, 160, 0.25, 1


def drawn(n, regions):
    k = np.arange(regions)
    words = random4(SEED, STREAM, np.arange(n)[:, None], k // 128)
    word = words[:, k, k // 32 % 4]
    return word >> np.uint64(k % 32) & np.uint64(1)


def coefficients(kept, scores, unchanged):
    kept = np.vstack([np.ones(kept.shape[1]), kept])
    scores = np.concatenate([[unchanged], scores])
    whole = np.ones(kept.shape[1])
    norms = np.linalg.norm(kept, axis=1) * np.linalg.norm(whole)
    cosine = np.divide(kept @ whole, norms, out=np.zeros(len(kept)),
                       where=norms > 0)
    weights = np.sqrt(np.exp(-(1 - cosine) ** 2 / WIDTH**2))
    x = kept - np.average(kept, axis=0, weights=weights)
    y = scores - np.average(scores, weights=weights)
    a = x.T @ np.diag(weights) @ x + RIDGE * np.eye(x.shape[1])
    return np.linalg.solve(a, x.T @ (weights * y))


def check(run, role, labels, kept):
    for got, of, reference in run.maps():
        if of != role:
            continue
        want = coefficients(kept, run.scores(role, reference),
                            run.unchanged(role, reference))
        compare(f"map of {role}, reference {reference}", got, want[labels],
                1e-5)


for features in "superpixels", "grid":
    options = [f"samples={SAMPLES}", f"features={features}"]
    black = Dump("lime", *options, "fill=black")
    mean = Dump("lime", *options)
    for i, role in enumerate(black.roles):
        labels, kept = regions_of(black.masks(role, "black"))
        print(f"{features} of {role}: {kept.shape[1]}")
        compare("choices", kept, drawn(*kept.shape), 0)
        check(black, role, labels, kept)
        image = black.images[i]
        means = np.stack([image[:, labels == k].mean(axis=1)
                          for k in range(kept.shape[1])])
        copies = np.where(kept[:, labels][:, None], image,
                          np.moveaxis(means[labels], -1, 0))
        compare("copies with the regions' means", mean.copies(role), copies,
                1e-5)
        check(mean, role, labels, kept)
finish()
