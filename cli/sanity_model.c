/*
 * Do the maps depend on the model's weights and on chance?  Both tests compare
 * maps of one pair with each other.
 */
#include <math.h>
#include <stdlib.h>

#include "app/json.h"
#include "app/result.h"
#include "cli/sanity.h"

/* ---- how alike the maps of two explanations are ---------------------------
 */

enum { VALUES = 4 };

static const char *const names[VALUES] = {"pearson", "spearman", "ssim", "top"};

typedef struct likeness_sum {
    double sum[VALUES];
    size_t n[VALUES]; /* NaN are left out */
} likeness_sum;

static void add(likeness_sum *total, const wf_likeness *l)
{
    const double values[VALUES] = {l->pearson, l->spearman, l->ssim, l->top};
    for (int i = 0; i < VALUES; i++)
        if (!isnan(values[i])) {
            total->sum[i] += values[i];
            total->n[i]++;
        }
}

static double mean(const likeness_sum *total, int i)
{
    return total->n[i] ? total->sum[i] / (double)total->n[i] : NAN;
}

static json_t *to_json(const likeness_sum *total)
{
    json_t *o = json_object();
    for (int i = 0; i < VALUES; i++)
        json_object_set_new(o, names[i], app_number(mean(total, i)));
    return o;
}

/* Each map of `a` with its fellow of `b`. */
static wf_status compare(const wf_explanation *a, const wf_explanation *b,
                         likeness_sum *total, wf_error *err)
{
    for (int i = 0; i < SANITY_MAPS; i++) {
        wf_likeness l;
        if (!sanity_map(a, i))
            continue;
        if (wf_map_compare(sanity_map(a, i), sanity_map(b, i), &l, err))
            return err->code;
        add(total, &l);
    }
    return WF_OK;
}

static void print_head(const sanity *s, const char *column)
{
    sanity_print(s, "%-36s %10s %8s %8s %8s %8s\n", "", column, "Pearson",
                 "Spearman", "SSIM", "top 10 %");
}

/* One line of text and one of JSON. */
static void report(const sanity *s, json_t *rows, const char *label,
                   double similarity, const likeness_sum *total)
{
    sanity_print(s, "%-36.36s %10s", label, SANITY_NUMBER(similarity));
    for (int i = 0; i < VALUES; i++)
        sanity_print(s, " %8s", SANITY_NUMBER(mean(total, i)));
    sanity_print(s, "\n");
    json_array_append_new(rows, json_pack("{s:s s:o s:o}", "line", label,
                                          "similarity", app_number(similarity),
                                          "likeness", to_json(total)));
}

/* A control's map with itself or with the maps of the unchanged model. */
static wf_status compare_control(const sanity *s, const wf_map *control,
                                 int itself, likeness_sum *total, wf_error *err)
{
    for (int i = 0; i < SANITY_MAPS; i++) {
        const wf_map *map = sanity_map(s->plain, i);
        wf_likeness l;
        if (!map)
            continue;
        if (wf_map_compare(itself ? control : map, control, &l, err))
            return err->code;
        add(total, &l);
    }
    return WF_OK;
}

/* ---- randomised weights ---------------------------------------------------
 */

static int no_memory(const sanity *s)
{
    app_error(s->command, "out of memory for explanations");
    return APP_FAILED;
}

typedef struct stages {
    sanity *s;
    wf_layers *layers;
    size_t n_layers;
    int n;              /* stages */
    wf_explanation **x; /* of the stages; NULL: no embedding */
} stages;

/* How many of the last layers stage i draws anew: from 1 to all of them. */
static size_t depth_of(const stages *t, int i)
{
    if (t->n == 1)
        return t->n_layers;
    return 1 + (t->n_layers - 1) * (size_t)i / (size_t)(t->n - 1);
}

/* Explains by a model whose layers first..end-1 are random. */
static wf_status run_stage(stages *t, int i, size_t first, size_t end,
                           likeness_sum *total, wf_error *err)
{
    sanity *s = t->s;
    wf_model *copy;
    wf_status st = wf_model_randomised(s->session.model, first, end, s->how,
                                       s->seed, &s->model_opts, &copy, err);
    if (st != WF_OK)
        return st;
    st = sanity_explain_again(s, copy, s->seed, 0, &t->x[i], err);
    wf_model_free(copy);
    return st == WF_OK ? compare(s->plain, t->x[i], total, err) : st;
}

static int run_stages(stages *t, int cascading, json_t *rows)
{
    for (int i = 0; i < t->n; i++) {
        size_t depth = depth_of(t, i), first = t->n_layers - depth;
        const wf_layer *layer = wf_layers_get(t->layers, first);
        likeness_sum total = {0};
        wf_error err = {0};
        char label[160];
        if (cascading)
            snprintf(label, sizeof(label), "  last %zu of %zu layers", depth,
                     t->n_layers);
        else
            snprintf(label, sizeof(label), "  layer %zu, %s", first + 1,
                     layer->node);
        wf_status st = run_stage(
            t, i, first, cascading ? t->n_layers : first + 1, &total, &err);
        if (st != WF_OK && st != WF_EEMBEDDING)
            return app_fail(t->s->command, &err);
        /* A network of random weights may say nothing at all: a line of "-". */
        report(t->s, rows, label,
               t->x[i] ? wf_explanation_similarity(t->x[i], WF_PAIR_MATE) : NAN,
               &total);
    }
    return APP_OK;
}

/* A row for each map of the first pair: the crop, its map, those of stages. */
static int draw_stages(const stages *t, int cascading)
{
    sanity *s = t->s;
    int status = APP_OK;
    for (int map = 0; map < 2 && status == APP_OK; map++) {
        const wf_image *crop = s->faces[sanity_face(map)].crop;
        sanity_next_row(s);
        status = sanity_draw(s, crop, NULL, "%s", map ? "mate" : "probe");
        if (status == APP_OK)
            status = sanity_draw(s, crop, sanity_map(s->plain, map),
                                 "the model as it is");
        for (int i = 0; i < t->n && status == APP_OK; i++) {
            size_t depth = depth_of(t, i);
            if (!t->x[i])
                continue;
            status = cascading ? sanity_draw(s, crop, sanity_map(t->x[i], map),
                                             "last %zu random", depth)
                               : sanity_draw(s, crop, sanity_map(t->x[i], map),
                                             "layer %zu random",
                                             t->n_layers - depth + 1);
        }
    }
    return status;
}

static int run_group(stages *t, int cascading, json_t *out)
{
    json_t *rows = json_array();
    t->x = calloc((size_t)t->n, sizeof(*t->x));
    json_object_set_new(out, cascading ? "cascading" : "independent", rows);
    sanity_print(t->s, "%s\n",
                 cascading ? "cascading from the last layer"
                           : "independent layers");
    int status = t->x ? run_stages(t, cascading, rows) : no_memory(t->s);
    if (status == APP_OK)
        status = draw_stages(t, cascading);
    for (int i = 0; t->x && i < t->n; i++)
        wf_explanation_free(t->x[i]);
    free(t->x);
    return status;
}

static int run_controls(const sanity *s, json_t *out)
{
    json_t *rows = json_array();
    wf_explanation *other = NULL;
    likeness_sum again = {0}, random = {0}, centred = {0};
    wf_error err = {0};
    json_object_set_new(out, "controls", rows);
    wf_status st =
        sanity_explain_again(s, s->session.model, s->seed + 1, 0, &other, &err);
    if (st == WF_OK)
        st = compare(s->plain, other, &again, &err);
    if (st == WF_OK)
        st = compare_control(s, s->random, 0, &random, &err);
    if (st == WF_OK)
        st = compare_control(s, s->centred, 1, &centred, &err);
    wf_explanation_free(other);
    if (st != WF_OK)
        return app_fail(s->command, &err);
    double similarity = wf_explanation_similarity(s->plain, WF_PAIR_MATE);
    sanity_print(s, "controls\n");
    report(s, rows, "  no layer, another seed", similarity, &again);
    report(s, rows, "  random map", NAN, &random);
    report(s, rows, "  centred Gaussian, all layers", NAN, &centred);
    return APP_OK;
}

int sanity_model(sanity *s)
{
    static const char *const hows[] = {"normal", "shuffled"};
    stages t = {.s = s};
    json_t *out = json_object();
    wf_error err = {0};
    json_object_set_new(s->tests, "model", out);
    if (wf_model_layers(s->session.model, &t.layers, &err) != WF_OK)
        return app_fail(s->command, &err);
    while (wf_layers_get(t.layers, t.n_layers))
        t.n_layers++;
    t.n = (size_t)s->stages < t.n_layers ? s->stages : (int)t.n_layers;
    json_object_set_new(out, "weights", json_string(hows[s->how]));
    sanity_print(s,
                 "== model: maps of the model with %s weights against its own "
                 "==\n",
                 hows[s->how]);
    int status = APP_OK;
    if (t.n == 0) {
        app_error(s->command, "model '%s' has no layer with float weights",
                  wf_model_get_info(s->session.model)->name);
        status = APP_FAILED;
    }
    print_head(s, "similarity");
    if (status == APP_OK)
        status = run_group(&t, 1, out);
    if (status == APP_OK)
        status = run_group(&t, 0, out);
    if (status == APP_OK)
        status = run_controls(s, out);
    wf_layers_free(t.layers);
    return status;
}

/* ---- stability ------------------------------------------------------------
 */

/* The mean over all pairs of explanations. */
static wf_status compare_all(wf_explanation *const *x, int n,
                             likeness_sum *total, wf_error *err)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            if (compare(x[i], x[k], total, err) != WF_OK)
                return err->code;
    return WF_OK;
}

static int stable_at(sanity *s, double masks, wf_explanation **x, json_t *rows)
{
    likeness_sum total = {0};
    wf_error err = {0};
    char label[64];
    wf_status st = WF_OK;
    int status = APP_OK;
    const wf_image *crop = s->faces[0].crop;
    for (int i = 0; i < s->seeds && st == WF_OK; i++)
        st = sanity_explain_again(s, s->session.model, s->seed + (uint64_t)i,
                                  masks, &x[i], &err);
    if (st == WF_OK)
        st = compare_all(x, s->seeds, &total, &err);
    if (st != WF_OK)
        return app_fail(s->command, &err);
    const char *given = wf_options_get(s->options, "masks");
    if (masks > 0)
        snprintf(label, sizeof(label), "  %.0f masks", masks);
    else
        snprintf(label, sizeof(label), "  %s masks", given ? given : "no");
    report(s, rows, label, NAN, &total);
    sanity_next_row(s);
    for (int i = 0; i < s->seeds && status == APP_OK; i++)
        status = sanity_draw(s, crop, sanity_map(x[i], 0), "%s, seed %llu",
                             label + 2, (unsigned long long)s->seed + i);
    return status;
}

/* Random maps of other seeds, and the Gaussian, which has none. */
static int stable_controls(const sanity *s, json_t *rows)
{
    likeness_sum random = {0}, centred = {0};
    int width = wf_map_width(s->random), height = wf_map_height(s->random);
    wf_error err = {0};
    wf_status st = WF_OK;
    for (int i = 1; i < s->seeds && st == WF_OK; i++) {
        wf_map *map = NULL;
        wf_likeness l;
        st = wf_map_random(width, height, s->seed + (uint64_t)i, &map, &err);
        if (st == WF_OK)
            st = wf_map_compare(s->random, map, &l, &err);
        if (st == WF_OK)
            add(&random, &l);
        wf_map_free(map);
    }
    if (st == WF_OK)
        st = compare_control(s, s->centred, 1, &centred, &err);
    if (st != WF_OK)
        return app_fail(s->command, &err);
    report(s, rows, "  random map", NAN, &random);
    report(s, rows, "  centred Gaussian", NAN, &centred);
    return APP_OK;
}

int sanity_stability(sanity *s)
{
    json_t *rows = json_array();
    wf_explanation **x = calloc((size_t)s->seeds, sizeof(*x));
    int status = x ? APP_OK : no_memory(s);
    json_object_set_new(
        s->tests, "stability",
        json_pack("{s:i s:o}", "seeds", s->seeds, "lines", rows));
    sanity_print(s, "== stability: maps of %d seeds, each two of them ==\n",
                 s->seeds);
    print_head(s, "");
    for (size_t k = 0; k < s->n_counts && status == APP_OK; k++) {
        status = stable_at(s, s->counts[k], x, rows);
        for (int i = 0; i < s->seeds; i++) {
            wf_explanation_free(x[i]);
            x[i] = NULL;
        }
    }
    free(x);
    return status == APP_OK ? stable_controls(s, rows) : status;
}
