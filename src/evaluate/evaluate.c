#include "evaluate/evaluate.h"

#include <math.h>

#include "evaluate/curve.h"
#include "evaluate/removal.h"
#include "metric/metric.h"

#define MAX_STEPS 1000000

/*
 * Two families of copies hold everything: the first k pixels of the order are
 * removed, or only they are kept.  With the least salient first the order is
 * reversed, so that Deletion walks `kept` backwards and Insertion `removed`.
 */
enum family { REMOVED, KEPT };

typedef struct job {
    const wf_evaluate_opts *opts;
    wf__removal removal;
    wf__curve curves[2]; /* by family */
    uint32_t *rank;
} job;

static wf_status ask(job *j, bool keep, const uint32_t *at, size_t count,
                     double *values, wf_error *err)
{
    wf__oracle *oracle = j->removal.oracle;
    WF__TRY(
        wf__ctx_progress(oracle->ctx, "evaluate", oracle->forwards, 0, err));
    return wf__removal_ask(&j->removal, keep, at, count, values, err);
}

static wf_status ask_removed(void *argument, const uint32_t *at, size_t count,
                             double *values, wf_error *err)
{
    return ask(argument, false, at, count, values, err);
}

static wf_status ask_kept(void *argument, const uint32_t *at, size_t count,
                          double *values, wf_error *err)
{
    return ask(argument, true, at, count, values, err);
}

/* rank[p]: the place of pixel p from the most to the least salient. */
static wf_status rank_pixels(job *j, const float *map, uint32_t n,
                             wf_error *err)
{
    uint32_t *order = wf__alloc(n, sizeof(*order));
    j->rank = wf__alloc(n, sizeof(*j->rank));
    wf_status st = WF_OK;
    if (!order || !j->rank)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for ranking pixels");
    WF__TRY_GOTO(wf__rank_pixels(map, n, j->opts->seed, order, err), done);
    for (uint32_t i = 0; i < n; i++)
        j->rank[order[i]] = i;
done:
    wf__free(order);
    return st;
}

/* Both ends are the same two pictures in both families. */
static wf_status ask_ends(job *j, uint32_t n, wf_error *err)
{
    wf__curve *removed = &j->curves[REMOVED], *kept = &j->curves[KEPT];
    WF__TRY(wf__curve_need(removed, (const uint32_t[]){0, n}, 2, err));
    kept->value[0] = removed->value[n];
    kept->value[n] = removed->value[0];
    return WF_OK;
}

static wf_status cross(const job *j, wf__curve *curve, bool rising,
                       bool backwards, wf_crossing *out, wf_error *err)
{
    wf__question q = {j->opts->threshold, rising, backwards};
    return j->opts->exact
               ? wf__crossing_scan(curve, &q, out, err)
               : wf__crossing_search(curve, &q, j->opts->steps, out, err);
}

static wf_status find_crossings(job *j, wf_evaluation *out, wf_error *err)
{
    const wf_crossing none = {NAN, WF_NOT_ASKED};
    for (int order = 0; order < 2; order++) {
        bool least = order == WF_LEAST_FIRST;
        out->deletion[order] = out->insertion[order] = none;
        if (isnan(j->opts->threshold) || (least && !j->opts->both_orders))
            continue;
        WF__TRY(cross(j, &j->curves[least ? KEPT : REMOVED], !out->accepted,
                      least, &out->deletion[order], err));
        WF__TRY(cross(j, &j->curves[least ? REMOVED : KEPT], out->accepted,
                      least, &out->insertion[order], err));
    }
    return WF_OK;
}

static wf_status run(job *j, uint32_t n, wf_evaluation *out, double *curves,
                     wf_error *err)
{
    int steps = j->opts->steps;
    WF__TRY(ask_ends(j, n, err));
    for (int family = 0; family < 2; family++) {
        const wf__curve *curve = &j->curves[family];
        WF__TRY(wf__curve_grid(&j->curves[family], steps, err));
        for (int i = 0; curves && i <= steps; i++)
            *curves++ = curve->value[wf__curve_point(curve, i, steps)];
    }
    out->similarity = j->curves[REMOVED].value[0];
    out->empty = j->curves[REMOVED].value[n];
    out->accepted = out->similarity >= j->opts->threshold;
    out->deletion_auc[WF_MOST_FIRST] = out->insertion_auc[WF_LEAST_FIRST] =
        wf__curve_area(&j->curves[REMOVED], steps);
    out->insertion_auc[WF_MOST_FIRST] = out->deletion_auc[WF_LEAST_FIRST] =
        wf__curve_area(&j->curves[KEPT], steps);
    return find_crossings(j, out, err);
}

wf_status wf__evaluate(wf__oracle *oracle, const float *map,
                       const wf_evaluate_opts *opts, wf_evaluation *out,
                       double *curves, wf_error *err)
{
    uint32_t n = (uint32_t)oracle->width * (uint32_t)oracle->height;
    uint64_t before = oracle->forwards;
    job j = {.opts = opts};
    wf_status st;
    if (opts->steps < 2 || opts->steps > MAX_STEPS)
        WF__FAIL(err, WF_EINVAL, "a curve of %d steps is not supported",
                 opts->steps);
    WF__TRY_GOTO(rank_pixels(&j, map, n, err), done);
    WF__TRY_GOTO(wf__removal_create(oracle, opts->fill, j.rank, opts->seed,
                                    &j.removal, err),
                 done);
    for (int family = 0; family < 2; family++) {
        WF__TRY_GOTO(wf__curve_create(&j.curves[family], n, err), done);
        j.curves[family].ask = family == KEPT ? ask_kept : ask_removed;
        j.curves[family].argument = &j;
    }
    WF__TRY_GOTO(run(&j, n, out, curves, err), done);
    out->forwards = oracle->forwards - before;
done:
    wf__curve_free(&j.curves[REMOVED]);
    wf__curve_free(&j.curves[KEPT]);
    wf__removal_free(&j.removal);
    wf__free(j.rank);
    return st;
}

/* ---- options ------------------------------------------------------------- */

static const char *const fills[] = {"mean", "black", "blur", "road"};

const char *wf_fill_name(size_t fill)
{
    return fill < WF__COUNT(fills) ? fills[fill] : NULL;
}

wf_status wf_fill_find(const char *name, wf_fill *out, wf_error *err)
{
    for (size_t i = 0; i < WF__COUNT(fills); i++)
        if (!strcmp(name, fills[i])) {
            *out = (wf_fill)i;
            return WF_OK;
        }
    WF__FAIL(err, WF_EINVAL,
             "there is no fill '%s'; expected mean, black, blur or road", name);
}

void wf_evaluate_opts_init(wf_evaluate_opts *opts)
{
    *opts = (wf_evaluate_opts){.struct_size = sizeof(*opts),
                               .threshold = NAN,
                               .both_orders = 1,
                               .steps = 50,
                               .seed = 1};
}
