"""Sobol attribution: Fel et al., 2021, section 3; Jansen's estimator of the
total-order indices over a Latin hypercube."""
from reference import Dump, compare, finish, np
from regions import blurred, cells_of, upsampled

DESIGNS, SIDE = 6, 4


def matrices(values):
    """A, B (N x d) and C (d x N x d) from the masks in their order."""
    d = SIDE**2
    a, b = values[:2 * DESIGNS].reshape(2, DESIGNS, d)
    return a, b, values[2 * DESIGNS:].reshape(d, DESIGNS, d)


def indices(scores, a, b, is_signed):
    fa, fb = scores[:2 * DESIGNS].reshape(2, DESIGNS)
    fc = scores[2 * DESIGNS:].reshape(SIDE**2, DESIGNS)
    variance = np.var(np.concatenate([fa, fb]), ddof=1)
    total = ((fa - fc) ** 2).mean(axis=1) / (2 * variance)
    along = ((fc - fa) * (b - a).T).sum(axis=1)
    return total * np.sign(along) if is_signed else total


def check_design(values):
    a, b, c = matrices(values)
    points = np.hstack([a, b])
    intervals = np.sort(np.floor(points * DESIGNS), axis=0)
    want = np.repeat(np.arange(DESIGNS)[:, None], points.shape[1], axis=1)
    compare("one point in each interval", intervals, want, 0)
    mixed = np.repeat(a[None], SIDE**2, axis=0)
    for k in range(SIDE**2):
        mixed[k, :, k] = b[:, k]
    compare("C is A with one column of B", c, mixed, 1e-5)


def check(*options, background="black", shift=0.0, sign="none"):
    run = Dump("sobol", f"designs={DESIGNS}", f"grid={SIDE}", f"sign={sign}",
               *options)
    print(*options, f"sign={sign}")
    for role, image in zip(run.roles, run.images):
        behind = background(image) if callable(background) else background
        values = cells_of(run.masks(role, behind), SIDE) + shift
        check_design(values)
        a, b, _ = matrices(values)
        for got, of, reference in run.maps():
            if of == role:
                want = indices(run.scores(role, reference), a, b,
                               sign == "covariance")
                compare(f"map of {role}, reference {reference}", got,
                        upsampled(want, run.side), 1e-5)


check()
check("fill=mean", background="mean", sign="covariance")
check("perturbation=blur", "blur=3", background=lambda x: blurred(x, 3))
check("perturbation=amplitude", background="grey", shift=0.5)
finish()
