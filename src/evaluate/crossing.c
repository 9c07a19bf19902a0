#include "evaluate/curve.h"

#include <math.h>

/* Place p counts from the end where the search begins. */
static uint32_t point(const wf__curve *c, const wf__question *q, uint32_t p)
{
    return q->backwards ? c->n - p : p;
}

static bool crossed(const wf__curve *c, const wf__question *q, uint32_t p)
{
    double value = c->value[point(c, q, p)];
    return q->rising ? value >= q->threshold : value < q->threshold;
}

static wf_crossing found_at(const wf__curve *c, uint32_t p)
{
    return (wf_crossing){(double)p / c->n, p ? WF_CROSSED : WF_AT_ONCE};
}

wf_status wf__crossing_scan(wf__curve *curve, const wf__question *question,
                            wf_crossing *out, wf_error *err)
{
    for (uint32_t p = 0; p <= curve->n;) {
        uint32_t at[WF__CURVE_ASK], first = p;
        size_t count = 0;
        while (count < WF__CURVE_ASK && p <= curve->n)
            at[count++] = point(curve, question, p++);
        WF__TRY(wf__curve_need(curve, at, count, err));
        for (uint32_t k = first; k < p; k++)
            if (crossed(curve, question, k)) {
                *out = found_at(curve, k);
                return WF_OK;
            }
    }
    *out = (wf_crossing){1, WF_NEVER};
    return WF_OK;
}

/*
 * The search.  Between two points that are known and not crossed the curve is
 * taken for a Brownian bridge: with distances x and y from the threshold at its
 * ends, n pixels apart, it touches the threshold with the probability
 *     exp(-2 x y / (v n)),
 * v the variance of one pixel's step (Karatzas and Shreve, "Brownian Motion and
 * Stochastic Calculus", 1991, section 4.3.C).  v is measured on the curve: a
 * point that lies e off the line between its neighbours, l and r pixels away,
 * says e^2 (l + r) / (l r).  The middle of every interval that may hold the
 * first crossing is asked for until none is left whose probability is worth it.
 */
#define WORTH_IT 1e-6
#define WINDOW   4 /* points on each side that v is averaged over */
#define ROUND    8 /* intervals halved in one go */
#define MAX_ASK                                                                \
    600 /* points beyond the grid: a bound for curves of noise alone */

typedef struct search {
    wf__curve *curve;
    const wf__question *question;
    uint32_t *place;      /* of the known points, in order; n + 1 at most */
    double *distance;     /* from the threshold; negative: crossed */
    double *roughness;    /* what each point says of v */
    size_t known, before; /* points known; points before the first crossing */
} search;

typedef struct interval {
    double probability;
    uint32_t from, to;
} interval;

/* Lists the known points, up to the window after the first crossing. */
static void list_known(search *s)
{
    const wf__question *q = s->question;
    bool is_crossed = false;
    s->known = s->before = 0;
    for (uint32_t p = 0; p <= s->curve->n; p++) {
        double value = s->curve->value[point(s->curve, q, p)];
        if (isnan(value))
            continue;
        is_crossed = is_crossed || crossed(s->curve, q, p);
        s->before += !is_crossed;
        if (s->known > s->before + WINDOW)
            break;
        s->place[s->known] = p;
        s->distance[s->known++] =
            q->rising ? q->threshold - value : value - q->threshold;
    }
}

static void measure_roughness(search *s)
{
    for (size_t i = 1; i + 1 < s->known; i++) {
        double left = s->place[i] - s->place[i - 1];
        double right = s->place[i + 1] - s->place[i];
        double line = (s->distance[i - 1] * right + s->distance[i + 1] * left) /
                      (left + right);
        double off = s->distance[i] - line;
        s->roughness[i] = off * off * (left + right) / (left * right);
    }
}

/* Mean roughness of the points around the interval from point i to i + 1. */
static double variance_near(const search *s, size_t i)
{
    size_t first = i + 1 > WINDOW ? i + 1 - WINDOW : 1;
    size_t last = WF__MIN(i + WINDOW, s->known - 2);
    double sum = 0;
    for (size_t k = first; k <= last; k++)
        sum += s->roughness[k];
    return sum / (double)(last - first + 1);
}

/* That the interval from known point i to i + 1 holds the first crossing. */
static double probability(const search *s, size_t i)
{
    double n = s->place[i + 1] - s->place[i];
    if (n < 2)
        return 0; /* no point between */
    if (i + 1 == s->before)
        return 1; /* it ends in one */
    double spread = variance_near(s, i) * n;
    return spread > 0 ? exp(-2 * s->distance[i] * s->distance[i + 1] / spread)
                      : 0;
}

/* The likeliest intervals, likeliest first; returns how many. */
static size_t choose(const search *s, interval *best)
{
    size_t count = 0;
    for (size_t i = 0; i < s->before && i + 1 < s->known; i++) {
        double p = probability(s, i);
        if (p < WORTH_IT ||
            (count == ROUND && p <= best[count - 1].probability))
            continue;
        size_t k = count < ROUND ? count++ : ROUND - 1;
        for (; k > 0 && best[k - 1].probability < p; k--)
            best[k] = best[k - 1];
        best[k] = (interval){p, s->place[i], s->place[i + 1]};
    }
    return count;
}

static wf_status refine(search *s, wf_error *err)
{
    for (size_t asked = 0; asked < MAX_ASK;) {
        interval best[ROUND];
        uint32_t at[ROUND];
        list_known(s);
        measure_roughness(s);
        size_t count = choose(s, best);
        if (count == 0)
            return WF_OK;
        for (size_t k = 0; k < count; k++)
            at[k] = point(s->curve, s->question,
                          best[k].from + (best[k].to - best[k].from) / 2);
        WF__TRY(wf__curve_need(s->curve, at, count, err));
        asked += count;
    }
    list_known(s);
    return WF_OK;
}

wf_status wf__crossing_search(wf__curve *curve, const wf__question *question,
                              int steps, wf_crossing *out, wf_error *err)
{
    size_t room = (size_t)curve->n + 1;
    search s = {.curve = curve, .question = question};
    wf_status st;
    s.place = wf__alloc(room, sizeof(*s.place));
    s.distance = wf__alloc(room, sizeof(*s.distance));
    s.roughness = wf__alloc(room, sizeof(*s.roughness));
    if (!s.place || !s.distance || !s.roughness)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for a search");
    WF__TRY_GOTO(wf__curve_grid(curve, steps, err), done);
    WF__TRY_GOTO(refine(&s, err), done);
    *out = s.before < s.known ? found_at(curve, s.place[s.before])
                              : (wf_crossing){1, WF_NEVER};
done:
    wf__free(s.roughness);
    wf__free(s.distance);
    wf__free(s.place);
    return st;
}
