#include "app/evaluation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/progress.h"

static int no_memory(const app_evaluation *e)
{
    app_error(e->session->command, "out of memory for an evaluation");
    return APP_FAILED;
}

int app_evaluation_create(app_evaluation *e, size_t n_pairs, size_t n_sources)
{
    e->n_pairs = n_pairs;
    e->n_sources = n_sources;
    e->pairs = calloc(n_pairs, sizeof(*e->pairs));
    e->sources = calloc(n_sources, sizeof(*e->sources));
    if (!e->pairs || !e->sources)
        return no_memory(e);
    for (size_t s = 0; s < n_sources; s++) {
        e->sources[s].maps = calloc(2 * n_pairs, sizeof(wf_map *));
        if (!e->sources[s].maps)
            return no_memory(e);
    }
    return APP_OK;
}

void app_evaluation_free(app_evaluation *e)
{
    for (size_t s = 0; e->sources && s < e->n_sources; s++) {
        for (size_t k = 0; e->sources[s].maps && k < 2 * e->n_pairs; k++)
            wf_map_free(e->sources[s].maps[k]);
        free(e->sources[s].maps);
    }
    for (size_t i = 0; e->pairs && i < e->n_pairs; i++)
        free(e->pairs[i].name);
    for (size_t k = 0; e->records && k < e->n_rows * e->n_pairs * 2; k++)
        free(e->records[k].curves);
    free(e->sources);
    free(e->pairs);
    free(e->rows);
    free(e->records);
}

/* ---- the mean map of other pairs ----------------------------------------- */

wf_status app_total_add(app_total *t, const wf_map *map, wf_error *err)
{
    wf_map *standard;
    size_t pixels = (size_t)wf_map_width(map) * (size_t)wf_map_height(map);
    if (!t->sum) {
        t->width = wf_map_width(map);
        t->height = wf_map_height(map);
        t->sum = calloc(pixels, sizeof(*t->sum));
    }
    if (!t->sum) {
        *err = (wf_error){WF_ENOMEM, "out of memory for a mean map"};
        return WF_ENOMEM;
    }
    if (wf_map_standardise(map, &standard, err) != WF_OK)
        return err->code;
    for (size_t p = 0; p < pixels; p++)
        t->sum[p] += (double)wf_map_values(standard)[p];
    wf_map_free(standard);
    t->n++;
    return WF_OK;
}

wf_status app_total_without(const app_total *t, const wf_map *own, wf_map **out,
                            wf_error *err)
{
    wf_map *standard;
    wf_status st = wf_map_standardise(own, &standard, err);
    if (st != WF_OK)
        return st;
    size_t pixels = (size_t)t->width * (size_t)t->height;
    float *values = malloc(pixels * sizeof(*values));
    for (size_t p = 0; values && p < pixels; p++)
        values[p] = (float)(t->sum[p] - (double)wf_map_values(standard)[p]);
    wf_map_free(standard);
    if (!values) {
        *err = (wf_error){WF_ENOMEM, "out of memory for a mean map"};
        return WF_ENOMEM;
    }
    st = wf_map_create(values, t->width, t->height, out, err);
    free(values);
    return st;
}

static wf_status add_up(const app_evaluation *e, size_t source, int side,
                        app_total *t, wf_error *err)
{
    wf_status st = WF_OK;
    for (size_t i = 0; i < e->n_pairs && st == WF_OK; i++) {
        const wf_map *map = e->sources[source].maps[2 * i + (size_t)side];
        if (map)
            st = app_total_add(t, map, err);
    }
    return st;
}

/* ---- judging ------------------------------------------------------------- */

static app_record *record_of(const app_evaluation *e, size_t row, size_t pair,
                             int side)
{
    return &e->records[(row * e->n_pairs + pair) * 2 + (size_t)side];
}

wf_status app_judge(app_session *session, const wf_image *crop,
                    const wf_image *other, const wf_map *map,
                    const wf_evaluate_opts *opts, app_record *record,
                    wf_error *err)
{
    record->curves =
        calloc(2 * ((size_t)opts->steps + 1), sizeof(*record->curves));
    if (!record->curves) {
        *err = (wf_error){WF_ENOMEM, "out of memory for curves"};
        return WF_ENOMEM;
    }
    return wf_evaluate(session->ctx, session->model, crop, other, map, opts,
                       &record->result, record->curves, err);
}

static wf_status judge(app_evaluation *e, const wf_map *map, size_t row,
                       size_t pair, int side, wf_error *err)
{
    app_record *r = record_of(e, row, pair, side);
    const app_pair *p = &e->pairs[pair];
    wf_status st = app_judge(e->session, p->crops[side], p->crops[!side], map,
                             &e->opts, r, err);
    e->forwards += r->result.forwards;
    return st;
}

/* The control's map for one crop; its own for every pair and side. */
static wf_status make_control(const app_evaluation *e, const app_row *row,
                              const app_total *t, size_t pair, int side,
                              wf_map **out, wf_error *err)
{
    const wf_image *crop = e->pairs[pair].crops[side];
    int width = wf_image_width(crop), height = wf_image_height(crop);
    switch (row->kind) {
    case APP_OTHERS:
        return app_total_without(
            t, e->sources[row->source].maps[2 * pair + (size_t)side], out, err);
    case APP_RANDOM:
        return wf_map_random(width, height,
                             e->opts.seed + 2 * pair + (size_t)side, out, err);
    default:
        return wf_map_centred(width, height, out, err);
    }
}

/* Whether any source has a map there: controls are judged where maps are. */
static int wanted(const app_evaluation *e, const app_row *row, size_t pair,
                  int side)
{
    if (!(e->sides & 1 << side))
        return 0;
    if (row->kind == APP_GIVEN || row->kind == APP_OTHERS)
        return e->sources[row->source].maps[2 * pair + (size_t)side] != NULL;
    for (size_t s = 0; s < e->n_sources; s++)
        if (e->sources[s].maps[2 * pair + (size_t)side])
            return 1;
    return 0;
}

static wf_status run_row(app_evaluation *e, size_t row, int side, app_total *t,
                         wf_error *err)
{
    const app_row *r = &e->rows[row];
    wf_status st = WF_OK;
    if (r->kind == APP_OTHERS)
        st = add_up(e, r->source, side, t, err);
    if (r->kind == APP_OTHERS && t->n < 2)
        return st;
    for (size_t pair = 0; pair < e->n_pairs && st == WF_OK; pair++) {
        wf_map *control = NULL;
        if (!wanted(e, r, pair, side))
            continue;
        if (r->kind != APP_GIVEN)
            st = make_control(e, r, t, pair, side, &control, err);
        const wf_map *map =
            control ? control
                    : e->sources[r->source].maps[2 * pair + (size_t)side];
        if (st == WF_OK)
            st = judge(e, map, row, pair, side, err);
        wf_map_free(control);
        app_progress("evaluate", (row * 2 + (size_t)side) * e->n_pairs + pair,
                     e->n_rows * e->n_pairs * 2);
    }
    return st;
}

static int make_rows(app_evaluation *e)
{
    size_t n = 0;
    e->rows = calloc(2 * e->n_sources + 2, sizeof(*e->rows));
    if (!e->rows)
        return no_memory(e);
    for (size_t s = 0; s < e->n_sources; s++) {
        e->rows[n++] = (app_row){APP_GIVEN, s};
        if (e->n_pairs > 1)
            e->rows[n++] = (app_row){APP_OTHERS, s};
    }
    e->rows[n++] = (app_row){APP_RANDOM, 0};
    e->rows[n++] = (app_row){APP_CENTRED, 0};
    e->n_rows = n;
    e->records = calloc(n * e->n_pairs * 2, sizeof(*e->records));
    return e->records ? APP_OK : no_memory(e);
}

int app_evaluation_run(app_evaluation *e)
{
    wf_error err = {0};
    wf_status st = WF_OK;
    double start = app_now();
    int status = make_rows(e);
    if (status != APP_OK)
        return status;
    for (size_t row = 0; row < e->n_rows && st == WF_OK; row++)
        for (int side = 0; side < 2 && st == WF_OK; side++) {
            app_total t = {0};
            st = run_row(e, row, side, &t, &err);
            free(t.sum);
        }
    app_progress_end();
    e->seconds = app_now() - start;
    return st == WF_OK ? APP_OK : app_fail(e->session->command, &err);
}
