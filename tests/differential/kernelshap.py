"""KernelSHAP: Lundberg and Lee, 2017.  Few regions against Shapley values by
their definition; many against the constrained weighted least squares fit to
coalitions that are drawn again here."""
from itertools import combinations
from math import comb, factorial

from reference import Dump, below, compare, finish, np, random4, unit
from regions import STREAM, regions_of

SEED = 1


def shapley(score, players):
    """score: a dictionary from sets (frozenset) to numbers."""
    values = np.zeros(players)
    for player in range(players):
        others = [k for k in range(players) if k != player]
        for size in range(players):
            share = factorial(size) * factorial(players - size - 1)
            for chosen in map(frozenset, combinations(others, size)):
                values[player] += share / factorial(players) * (
                    score[chosen | {player}] - score[chosen])
    return values


def draw(index, first, left, share, players):
    """Coalition `index`, of a size from `first` up."""
    u = unit(random4(SEED, STREAM, index, 0))[0] * left
    size = first
    while u >= share(size) and size < players // 2:
        u -= share(size)
        size += 1
    order = list(range(players))
    for i in range(size):
        word = random4(SEED, STREAM, index, i + 1)[0]
        k = i + int(below(word, players - i))
        order[i], order[k] = order[k], order[i]
    return order[:size]


def coalitions(players, most):
    """Coalitions in order, with weights that add up to 1."""
    weights = {}

    def add(chosen, weight):
        both = [frozenset(chosen)]
        if 2 * len(chosen) != players:
            both += [frozenset(range(players)) - both[0]]
        for c in both:
            if c in weights or len(weights) < most:
                weights[c] = weights.get(c, 0) + weight

    # All coalitions of a size: C(M, s) (M - 1) / (C(M, s) s (M - s)).
    share = lambda s: (2 - (2 * s == players)) / (s * (players - s))
    total = sum(share(s) for s in range(1, players // 2 + 1))
    left = total
    for size in range(1, players // 2 + 1):
        count = comb(players, size) * (2 - (2 * size == players))
        if (most - len(weights)) * share(size) / left < count * (1 - 1e-8):
            break
        for chosen in combinations(range(players), size):
            add(chosen, share(size) / total / count)
        left -= share(size)
    complete = len(weights)
    draws = 4 * (most - complete)
    for index in range(draws):
        if len(weights) == most:
            break
        add(draw(index, size, left * (players - 1),
                 lambda s: share(s) * (players - 1), players), 1)
    drawn = np.array(list(weights.values()), dtype=float)
    drawn[complete:] *= left / total / drawn[complete:].sum()
    rows = np.array([[k in c for k in range(players)] for c in weights])
    return rows, drawn


def fit(rows, weights, gains, total):
    """The last value is the total less the others."""
    x = rows[:, :-1] - rows[:, -1:] * 1.0
    y = gains - rows[:, -1] * total
    root = np.sqrt(weights)
    first = np.linalg.lstsq(root[:, None] * x, root * y, rcond=None)[0]
    return np.append(first, total - first.sum())


def role_maps(run, role, fill):
    for got, of, reference in run.maps():
        if of == role:
            yield (f"map of {role}, reference {reference}", got,
                   run.scores(role, reference), run.unchanged(role, reference))


def check_exact(*options):
    run = Dump("kernelshap", *options, "fill=grey")
    for role in run.roles:
        labels, kept = regions_of(run.masks(role, "grey"))
        players = kept.shape[1]
        print(f"{' '.join(options)}: {players} regions of {role}")
        compare("coalitions", len({row.tobytes() for row in kept}),
                2**players - 1, 0)
        for what, got, scores, unchanged in role_maps(run, role, "grey"):
            score = {frozenset(np.flatnonzero(row)): s
                     for row, s in zip(kept, scores)}
            score[frozenset(range(players))] = unchanged
            compare(what, got, shapley(score, players)[labels], 1e-5)


def check_sampled(samples):
    run = Dump("kernelshap", "fill=grey", f"samples={samples}",
               "features=grid", "grid=6")
    rows, weights = coalitions(36, samples - 1)
    for role in run.roles:
        labels, kept = regions_of(run.masks(role, "grey"))
        compare(f"{samples} samples: nothing kept first", kept[0].sum() + 1, 1,
                0)
        compare("coalitions", kept[1:], rows, 0)
        for what, got, scores, unchanged in role_maps(run, role, "grey"):
            want = fit(rows, weights, scores[1:] - scores[0],
                       unchanged - scores[0])
            compare(what, got, want[labels], 1e-5)


check_exact("features=grid", "grid=2")
check_exact("features=grid", "grid=3", "samples=511")
check_exact("segments=6", "compactness=300")
check_sampled(200)
check_sampled(1800)
finish()
