/*
 * Layer-wise relevance propagation.  The cosine u . v of the unit embedding
 * with the unit reference is the sum of u_k v_k: these are the relevances that
 * are carried back, through the division by the length unchanged.  Rules:
 * Bach et al., PLOS ONE 2015, eq. 58 (epsilon everywhere); Montavon et al.,
 * "Layer-wise relevance propagation: an overview", 2019 (composite: epsilon in
 * inner products, z+ in convolutions, flat in the first).
 */
#include "method/backward.h"

/* The choices of the option "rules". */
enum { COMPOSITE, EPSILON };

static void make_seeds(const wf__task *task, double *u, double *v, float *seeds)
{
    const wf__oracle *o = task->oracle;
    size_t dim = (size_t)o->dim;
    wf__unit(o->embeddings, dim, u);
    for (size_t m = 0; m < (size_t)task->n_maps; m++) {
        wf__unit(wf__task_reference(task, (int)m), dim, v);
        for (size_t k = 0; k < dim; k++)
            seeds[m * dim + k] = (float)(u[k] * v[k]);
    }
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    wf__oracle *o = task->oracle;
    size_t n = wf__oracle_pixels(o) * (size_t)o->channels;
    size_t dim = (size_t)o->dim, maps = (size_t)task->n_maps;
    wf__rules rules = wf__options_choice(task->options, "rules") == EPSILON
                          ? WF__RULES_EPSILON
                          : WF__RULES_COMPOSITE;
    const int to = WF__AT_INPUT;
    double *units = wf__alloc(2 * dim, sizeof(*units));
    float *seeds = wf__alloc(maps * dim, sizeof(*seeds));
    float *relevance = wf__alloc(maps * n, sizeof(*relevance));
    wf_status st =
        units && seeds && relevance
            ? wf__trace_image(task, rules, NULL, 0, err)
            : wf__fail(err, WF_ENOMEM, "out of memory for relevance");
    if (st == WF_OK) {
        make_seeds(task, units, units + dim, seeds);
        st = o->carry(o, rules, WF__AT_EMBEDDING, seeds, NULL, maps, &to, 1,
                      &relevance, err);
    }
    for (size_t m = 0; m < maps && st == WF_OK; m++)
        wf__channels_sum(o, relevance + m * n, task->maps[m]);
    wf__free(units);
    wf__free(seeds);
    wf__free(relevance);
    return st;
}

/* A backward for each of at most two maps. */
static int64_t forwards(const wf_options *options, int width, int height)
{
    (void)options, (void)width, (void)height;
    return 2;
}

static const wf_method_option options[] = {
    {"rules", "choice", "composite", "composite|epsilon", 0, 0,
     "epsilon, z+ and flat rule by the kind of layer, or epsilon everywhere"},
    WF__OPTION_BATCH,
    {0},
};

static const wf_method_preset presets[] = {
    {"epsilon", "rules=epsilon", "Bach et al. 2015, eq. 58, everywhere"},
    {0},
};

const wf__method wf__method_lrp = {
    .about = {.name = "lrp",
              .kind = "white box: relevance",
              .help = "the similarity, shared out backward from layer to layer",
              .source = "Bach et al., PLOS ONE 2015; Montavon et al., 2019",
              .options = options,
              .presets = presets,
              .white_box = 1},
    .forwards = forwards,
    .explain = explain,
};
