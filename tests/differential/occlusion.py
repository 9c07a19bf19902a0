"""Similarity occlusion: the geometry of XAITK-Saliency's SBSMStack (rows and
columns of windows every `stride` pixels, moved back by half of what the last
one hangs over), and the mean over the windows that hide a pixel."""
from reference import Dump, compare, finish, np


def hidden(side, window, stride):
    """n x side x side: 1 where a window is."""
    starts = np.arange(0, side, stride)
    starts -= (window - (side - starts[-1])) // 2
    at = np.arange(side)
    line = (at >= starts[:, None]) & (at < starts[:, None] + window)
    return np.float64([np.outer(y, x) for y in line for x in line])


for window, stride in (24, 20), (11, 4), (6, 5), (5, 9):
    run = Dump("occlusion", f"window={window}", f"stride={stride}")
    for role in run.roles:
        compare(f"{window}/{stride}: windows on {role}",
                1 - run.masks(role, "black"), hidden(run.side, window, stride),
                1e-5)
for fill, kind in ("black", "signed"), ("mean", "signed"), ("grey", "positive"):
    run = Dump("occlusion", "window=11", "stride=4", f"fill={fill}",
               f"map={kind}")
    for got, role, reference in run.maps():
        where = 1 - run.masks(role, fill)
        loss = run.unchanged(role, reference) - run.scores(role, reference)
        if kind == "positive":
            loss = np.maximum(loss, 0)
        want = np.einsum("n,nyx->yx", loss, where) / where.sum(axis=0)
        compare(f"{fill}, {kind}: {role}, reference {reference}", got, want,
                1e-4)
finish()
