/* Verification rates from similarity scores. */
#include <math.h>

#include "metric/metric.h"

#define LFW_FOLDS 10
#define MAX_FOLDS 1000

typedef struct sample {
    double score;
    int mated, fold;
} sample;

static int by_score(const void *a, const void *b)
{
    double x = ((const sample *)a)->score, y = ((const sample *)b)->score;
    return (x < y) - (x > y); /* highest first */
}

/*
 * One step of the curve: everything with a score >= `score` is accepted.  The
 * threshold lies halfway to the next lower score, where nothing changes.
 */
typedef struct step {
    double threshold;
    size_t accepted_mated, accepted_nonmated;
} step;

typedef struct curve {
    size_t mated, nonmated, n;
    step *steps; /* from nothing accepted to everything */
} curve;

/* Samples sorted by score; those of fold `without` are left out (-1: none). */
static void fill_curve(curve *c, const sample *s, size_t n, int without)
{
    step now = {0};
    c->n = 0;
    c->mated = c->nonmated = 0;
    for (size_t i = 0; i < n; i++) {
        c->mated += s[i].fold != without && s[i].mated;
        c->nonmated += s[i].fold != without && !s[i].mated;
    }
    double last = INFINITY;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && s[i].fold == without)
            continue;
        /* Tied scores are one step. */
        if (i == n || s[i].score != last) {
            double next = i < n ? s[i].score : last;
            now.threshold = isinf(last) ? next + 1e-9 : (last + next) / 2;
            c->steps[c->n++] = now;
        }
        if (i == n)
            break;
        last = s[i].score;
        now.accepted_mated += s[i].mated != 0;
        now.accepted_nonmated += !s[i].mated;
    }
}

static double fmr_of(const curve *c, const step *s)
{
    return (double)s->accepted_nonmated / (double)c->nonmated;
}

static double fnmr_of(const curve *c, const step *s)
{
    return 1 - (double)s->accepted_mated / (double)c->mated;
}

/* Share of right decisions, mated and non-mated pairs counted as they come. */
static double accuracy_of(const curve *c, const step *s)
{
    return (double)(s->accepted_mated + c->nonmated - s->accepted_nonmated) /
           (double)(c->mated + c->nonmated);
}

/*
 * The step of the highest accuracy; where several share it, the middle of the
 * longest run of thresholds is the safest choice, here its middle step.
 */
static const step *best_step(const curve *c)
{
    double best = -1;
    size_t first = 0, last = 0;
    for (size_t i = 0; i < c->n; i++) {
        double a = accuracy_of(c, &c->steps[i]);
        if (a > best) {
            best = a;
            first = last = i;
        } else if (a == best && i == last + 1) {
            last = i;
        }
    }
    return &c->steps[(first + last) / 2];
}

static void add_threshold(wf_rates *rates, const curve *c, const step *s,
                          const char *name)
{
    wf_threshold *t = &rates->thresholds[rates->n_thresholds++];
    *t = (wf_threshold){
        .value = s->threshold, .fmr = fmr_of(c, s), .fnmr = fnmr_of(c, s)};
    snprintf(t->name, sizeof(t->name), "%s", name);
}

/* Where FMR and FNMR cross: between two steps by linear interpolation. */
static void find_eer(const curve *c, wf_rates *rates)
{
    for (size_t i = 0; i < c->n; i++) {
        double fmr = fmr_of(c, &c->steps[i]), fnmr = fnmr_of(c, &c->steps[i]);
        if (fmr < fnmr)
            continue;
        double gap = fmr - fnmr, before = 0, fnmr_before = fnmr;
        if (i > 0) {
            fnmr_before = fnmr_of(c, &c->steps[i - 1]);
            before = fnmr_before - fmr_of(c, &c->steps[i - 1]);
        }
        double at = gap + before > 0 ? before / (before + gap) : 0;
        rates->eer = fnmr_before + at * (fnmr - fnmr_before);
        const step *near =
            gap <= before || i == 0 ? &c->steps[i] : &c->steps[i - 1];
        add_threshold(rates, c, near, "eer");
        return;
    }
}

/* The lowest threshold whose FMR is not above the target. */
static void find_fmr(const curve *c, double target, const char *name,
                     wf_rates *rates)
{
    const step *found = NULL;
    if ((double)c->nonmated * target < 1)
        return; /* too few pairs to resolve it */
    for (size_t i = 0; i < c->n && fmr_of(c, &c->steps[i]) <= target; i++)
        found = &c->steps[i];
    if (found)
        add_threshold(rates, c, found, name);
}

/* Each fold at the threshold that was best on the others. */
static void fold_accuracy(curve *c, const sample *s, size_t n, int folds,
                          wf_rates *rates)
{
    double sum = 0, squares = 0;
    int used = 0;
    for (int fold = 0; fold < folds; fold++) {
        size_t right = 0, total = 0;
        fill_curve(c, s, n, fold);
        if (!c->mated || !c->nonmated)
            continue;
        double threshold = best_step(c)->threshold;
        for (size_t i = 0; i < n; i++) {
            if (s[i].fold != fold)
                continue;
            total++;
            right += (s[i].score >= threshold) == (s[i].mated != 0);
        }
        if (!total)
            continue;
        double a = (double)right / (double)total;
        sum += a;
        squares += a * a;
        used++;
    }
    rates->accuracy = used ? sum / used : NAN;
    double variance =
        used ? squares / used - rates->accuracy * rates->accuracy : NAN;
    rates->accuracy_sd = sqrt(fmax(variance, 0));
}

static wf_status check_samples(const sample *s, size_t n, int *folds,
                               wf_error *err)
{
    size_t mated = 0;
    *folds = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(s[i].score))
            WF__FAIL(err, WF_EINVAL, "score %zu is not a number", i);
        if (s[i].fold < 0 || s[i].fold >= MAX_FOLDS)
            WF__FAIL(err, WF_EINVAL, "fold %d of score %zu is not supported",
                     s[i].fold, i);
        *folds = WF__MAX(*folds, s[i].fold + 1);
        mated += s[i].mated != 0;
    }
    if (mated == 0 || mated == n)
        WF__FAIL(err, WF_EINVAL,
                 "rates need mated and non-mated pairs; there are %zu and %zu",
                 mated, n - mated);
    return WF_OK;
}

wf_status wf_rates_compute(const double *scores, const uint8_t *mated,
                           const int *fold, size_t n, wf_rates *rates,
                           wf_error *err)
{
    int folds;
    wf_status st;
    sample *s = wf__alloc(n, sizeof(*s));
    curve c = {.steps = wf__alloc(n + 1, sizeof(*c.steps))};
    if (!s || !c.steps)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for %zu scores", n);
    for (size_t i = 0; i < n; i++)
        s[i] = (sample){scores[i], mated[i] != 0,
                        fold ? fold[i] : (int)(i * LFW_FOLDS / n)};
    WF__TRY_GOTO(check_samples(s, n, &folds, err), done);
    qsort(s, n, sizeof(*s), by_score);
    *rates = (wf_rates){0};
    fold_accuracy(&c, s, n, folds, rates);
    fill_curve(&c, s, n, -1);
    rates->mated = c.mated;
    rates->nonmated = c.nonmated;
    add_threshold(rates, &c, best_step(&c), "accuracy");
    find_eer(&c, rates);
    find_fmr(&c, 1e-2, "fmr1e-2", rates);
    find_fmr(&c, 1e-3, "fmr1e-3", rates);
    find_fmr(&c, 1e-4, "fmr1e-4", rates);
done:
    wf__free(c.steps);
    wf__free(s);
    return st;
}
