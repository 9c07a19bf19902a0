"""xFace: Knoche et al., WACV-W 2023: patches of 7, 14 and 28 pixels every 5
pixels, three ways to pair the copies, a Gaussian blur over 5 x 5 pixels."""
from reference import Dump, compare, finish, np

SIZES, STRIDE = (7, 14, 28), 5


def patches(side, size):
    """n x side x side: 1 where a patch is."""
    starts = np.arange(0, side - size, STRIDE)
    line = (np.arange(side) >= starts[:, None]) & \
        (np.arange(side) < starts[:, None] + size)
    return np.float64([np.outer(y, x) for y in line for x in line])


def cosines(a, b):
    a, b = np.float64(a), np.float64(b)
    return (a / np.linalg.norm(a, axis=1, keepdims=True)) @ \
        (b / np.linalg.norm(b, axis=1, keepdims=True)).T


def blur(image, stride):
    """Gaussian of sigma = stride over stride x stride pixels; at the border the
    weights of what lies inside add up to 1."""
    at = np.arange(len(image))
    apart = np.abs(at[:, None] - at)
    weights = np.exp(-apart**2 / (2 * stride**2)) * (apart <= stride // 2)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights @ image @ weights.T


def distances(pairing, own, others, unchanged):
    """1 - similarity of each of an image's copies."""
    if pairing == "all":
        return 1 - cosines(own, others).mean(axis=1)
    if pairing == "same":
        return 1 - np.diag(cosines(own, others))
    return 1 - cosines(own, unchanged[None])[:, 0]


for pairing in "all", "unchanged", "same":
    run = Dump("xface", f"pairing={pairing}")
    where = [patches(run.side, size) for size in SIZES]
    ends = np.cumsum([0] + [len(w) for w in where])
    for role in run.roles:
        compare(f"{pairing}: patches on {role}", 1 - run.masks(role, "black"),
                np.concatenate(where), 1e-5)
    for got, role, reference in run.maps():
        other = run.references(role)[reference]
        embedding = run.files["images_embeddings"][run.roles.index(other)]
        maps = []
        for size, w, a, b in zip(SIZES, where, ends, ends[1:]):
            moved = distances(pairing, run.embeddings(role)[a:b],
                              run.embeddings(other)[a:b], embedding) - \
                (1 - run.unchanged(role, reference))
            maps.append(np.einsum("n,nyx->yx", moved / size**2, w) / len(w))
        compare(f"{pairing}: {role}, reference {reference}", got,
                blur(np.mean(maps, axis=0), STRIDE), 1e-4)
finish()
