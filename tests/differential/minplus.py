"""MinPlus: Mery and Morris, WACV 2022; Mery, CVPR-W 2022.  The reference
walks through the copies that the model saw: each pass must hold exactly the
copies that the definition asks for, given the answers to the passes before."""
from reference import Dump, below, compare, finish, np, random4

WIDTH, STEP, TMAX, STOP, SEED, STREAM = 30, 9, 4, 0.01, 1, 40
SIGMA = WIDTH / 8.5


class Walk:
    """One image's copies in the order they were asked for, 0..1."""

    def __init__(self, run, role):
        self.copies = (run.copies(role) + 1) / 2
        self.image = (run.images[run.roles.index(role)] + 1) / 2
        self.scores = [run.scores(role, r)
                       for r in range(len(run.references(role)))]
        self.at, self.worst = 0, 0

    def take(self, want):
        """The next copies must be these; their places in the scores."""
        n = len(want)
        got = self.copies[self.at:self.at + n]
        self.worst = max(self.worst, np.abs(got - want).max())
        self.at += n
        return np.arange(self.at - n, self.at)


def windows(side):
    at, cells = np.arange(side), np.arange(STEP, side, STEP)
    apart = np.abs(at - cells[:, None])
    line = np.exp(-apart**2 / (2 * SIGMA**2)) * (2 * apart <= WIDTH)
    return np.float64([np.outer(y, x) for y in line for x in line])


def noise(shape):
    words = random4(SEED, STREAM, np.arange(np.prod(shape)), 0)
    return below(words[..., 0], 2).reshape(shape) / 255


def run_way(walk, way, start, gaussians, maps, unchanged):
    """[S0, S1] of each map."""
    def change(state):
        w = gaussians[:, None]
        return state * (1 - w) if way == "minus" else \
            1 - (1 - state) * (1 - walk.image * w)

    sign = -1 if way == "minus" else 1
    before = list(unchanged)
    if way == "plus":
        place = walk.take(start[None])
        before = [walk.scores[m][place[0]] for m in range(maps)]
    first = walk.take(change(start))
    gains = []
    for m in range(maps):
        s0 = sign * (walk.scores[m][first] - before[m])
        s1 = np.zeros(len(gaussians))
        state, now, cells, places = start, before[m], np.arange(len(s1)), first
        for step in range(1, TMAX + 1):
            scores = walk.scores[m][places]
            best = (sign * scores).argmax()
            gain, now = sign * (scores[best] - now), scores[best]
            s1[cells[best]] = gain
            over = now <= STOP if way == "minus" else unchanged[m] - now <= STOP
            if step == TMAX or gain <= STOP or over:
                break
            state = change(state)[cells[best]]
            if way == "minus":
                cells = np.delete(cells, best)
            places = walk.take(change(state)[cells])
        gains.append([s0, s1])
    return gains


def heat(gains, gaussians):
    return np.einsum("n,nyx->yx", gains, gaussians)


def stretch(x):
    """To 0..1; nothing where it is only rounding."""
    spread = x.max() - x.min()
    return (x - x.min()) / spread if spread > 1e-6 else 0 * x


for part in "minplus", "average":
    run = Dump("minplus", f"width={WIDTH}", f"step={STEP}", f"tmax={TMAX}",
               f"part={part}")
    gaussians = windows(run.side)
    made = {}
    for role in run.roles:
        walk = Walk(run, role)
        maps = len(run.roles) - 1 if role == "probe" else 1
        unchanged = [run.unchanged(role, m) for m in range(maps)]
        minus = run_way(walk, "minus", walk.image, gaussians, maps, unchanged)
        plus = run_way(walk, "plus", noise(walk.image.shape), gaussians, maps,
                       unchanged)
        compare(f"{part}: number of copies of {role}", [len(walk.copies)],
                [walk.at], 0)
        compare(f"{part}: copies of {role}", [1 + walk.worst], [1], 1e-5)
        made[role] = [a + b for a, b in zip(minus, plus)]
    for got, role, reference in run.maps():
        parts = made[role][reference]
        want = heat(np.mean(parts, axis=0), gaussians) if part == "minplus" \
            else np.mean([stretch(heat(p, gaussians)) for p in parts], axis=0)
        compare(f"{part}: {role}, reference {reference}", got, want, 1e-4)
finish()
