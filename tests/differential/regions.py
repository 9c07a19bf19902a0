"""Regions and cells, as the references of lime, kernelshap, sobol and hsic see
them."""
from reference import np, random4

STREAM = 20


def regions_of(masks):
    """Pixels that are always kept together: labels (side x side), numbered by
    their first pixel, and whether each is kept (n x regions)."""
    n, side = masks.shape[:2]
    columns = masks.reshape(n, -1) > 0.5
    assert np.abs(columns - masks.reshape(n, -1)).max() < 1e-5
    kept, first, labels = np.unique(columns, axis=1, return_index=True,
                                    return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[labels.ravel()].reshape(side, side), kept[:, order]


def cells_of(masks, side):
    """Values of the side x side cells of masks, n x cells, each the same all
    over its cell."""
    n, pixels = masks.shape[:2]
    cell = np.arange(pixels) * side // pixels
    first = np.searchsorted(cell, np.arange(side))
    values = masks[:, first][:, :, first]
    assert np.abs(values[:, cell][:, :, cell] - masks).max() < 1e-5
    return values.reshape(n, -1)


def upsampled(values, pixels):
    """Cubic convolution of Keys, a = -3/4, from a square of cells."""
    side = int(len(values) ** 0.5)
    at = (np.arange(pixels) + 0.5) * side / pixels - 0.5
    weights = np.zeros((pixels, side))
    for k in range(-1, 3):
        cell = np.floor(at) + k
        t, a = np.abs(at - cell), -0.75
        w = np.where(t < 1, (a + 2) * t**3 - (a + 3) * t**2 + 1,
                     a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a)
        np.add.at(weights, (np.arange(pixels),
                            np.clip(cell, 0, side - 1).astype(int)), w)
    return weights @ values.reshape(side, side) @ weights.T


def blurred(image, sigma):
    """Gaussian cut off at 3 sigma and at the border."""
    at = np.arange(image.shape[-1])
    d = np.abs(at[:, None] - at)
    w = np.exp(-d**2 / (2 * sigma**2)) * (d <= np.ceil(3 * sigma))
    w /= w.sum(axis=1, keepdims=True)
    return w @ image @ w.T
