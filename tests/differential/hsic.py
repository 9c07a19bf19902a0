"""HSIC attribution: Novello, Fel and Vigouroux, 2022, section 3; the estimator
of Gretton et al., 2005, by matrices."""
from reference import Dump, compare, finish, np
from regions import cells_of, upsampled

DESIGNS, SIDE = 120, 5


def hsic(k, l):
    n = len(k)
    h = np.eye(n) - 1 / n
    return np.trace(k @ h @ l @ h) / (n - 1) ** 2


def cell_kernel(name, x):
    x, y = x[:, None], x[None]
    if name == "delta":
        return 1.0 * (x == y)
    d = np.abs(x - y)
    return (x - 0.5) * (y - 0.5) + (d**2 - d + 1 / 6) / 2


def score_kernel(bandwidth, s):
    d = np.abs(s[:, None] - s[None])
    pairs = np.sort(d[np.triu_indices(len(s), 1)])
    sigma = {"distances": pairs[(len(pairs) + 1) // 2 - 1],
             "outputs": np.abs(np.median(s))}[bandwidth]
    return np.exp(-d**2 / (2 * sigma**2))


def check_design(kernel, values):
    if kernel == "delta":
        values = np.round(values)
        compare("half of the masks keep a cell", values.mean(axis=0),
                np.full(SIDE**2, 0.5), 0)
        return values
    want = np.repeat(np.arange(DESIGNS)[:, None], SIDE**2, axis=1)
    compare("one point in each interval",
            np.sort(np.floor(values * DESIGNS + 1e-5), axis=0), want, 0)
    return values


def check(kernel, bandwidth, sign):
    run = Dump("hsic", f"designs={DESIGNS}", f"grid={SIDE}", f"sign={sign}",
               f"kernel={kernel}", f"bandwidth={bandwidth}")
    print(kernel, bandwidth, sign)
    for role in run.roles:
        values = check_design(kernel,
                              cells_of(run.masks(role, "black"), SIDE))
        for got, of, reference in run.maps():
            if of != role:
                continue
            scores = run.scores(role, reference)
            l = score_kernel(bandwidth, scores)
            want = np.array([hsic(cell_kernel(kernel, x), l)
                             for x in values.T])
            if sign == "covariance":
                want *= np.sign((scores - scores.mean()) @ values)
            compare(f"map of {role}, reference {reference}", got,
                    upsampled(want, run.side), 1e-4)


check("delta", "distances", "none")
check("delta", "outputs", "covariance")
check("sobolev", "distances", "none")
finish()
