/*
 * Class activation maps with the similarity in place of the class.  A are a
 * layer's feature maps and G the derivatives of the similarity there:
 *
 *   Grad-CAM (Selvaraju et al., ICCV 2017, eq. 1 and 2)
 *     a_k = mean of G_k,  map = max(sum a_k A_k, 0)
 *   Grad-CAM++ (Chattopadhay et al., WACV 2018, eq. 10 and 19)
 *     a_k = sum of max(G_k, 0) G_k^2 / (2 G_k^2 + G_k^3 sum A_k)
 *   CAM (Zhou et al., CVPR 2016, eq. 2)
 *     map = sum over k of G_k A_k, which is the paper's where a pool and a
 *     linear layer follow, and for any other linear head, too, what each place
 *     adds to the product with the reference.  The embedding's length is held.
 */
#include <math.h>

#include "method/backward.h"

enum { CAM, GRAD_CAM, GRAD_CAM_PLUS_PLUS };

typedef struct work {
    const wf__task *task;
    wf__layer layer;
    size_t places;
    float *maps, *gradients; /* channels x places; for each map */
    float *grid;             /* places */
} work;

static double weight_of(const work *w, int how, const float *a, const float *g)
{
    double sum = 0, all = 0;
    for (size_t p = 0; p < w->places; p++)
        all += a[p];
    for (size_t p = 0; p < w->places; p++) {
        /* g^2 / (2 g^2 + g^3 all), of which g^2 falls out. */
        double under = 2 + all * g[p];
        if (how == GRAD_CAM)
            sum += g[p] / (double)w->places;
        else if (g[p] > 0 && under != 0)
            sum += g[p] / under;
    }
    return sum;
}

static void make_grid(work *w, int how, const float *gradients)
{
    for (size_t p = 0; p < w->places; p++)
        w->grid[p] = 0;
    for (size_t k = 0; k < (size_t)w->layer.channels; k++) {
        const float *a = w->maps + k * w->places;
        const float *g = gradients + k * w->places;
        double weight = how == CAM ? 0 : weight_of(w, how, a, g);
        for (size_t p = 0; p < w->places; p++)
            w->grid[p] += how == CAM ? g[p] * a[p] : (float)(weight * a[p]);
    }
    for (size_t p = 0; p < w->places && how != CAM; p++)
        w->grid[p] = fmaxf(w->grid[p], 0);
}

/* Derivatives of e . r / (|e| |r|) with |e| held. */
static wf_status carry_products(const wf__task *task, int to, float *out,
                                wf_error *err)
{
    wf__oracle *o = task->oracle;
    size_t dim = (size_t)o->dim;
    double *u = wf__alloc(dim, sizeof(*u));
    float *seeds = wf__alloc((size_t)task->n_maps * dim, sizeof(*seeds));
    wf_status st =
        u && seeds ? WF_OK
                   : wf__fail(err, WF_ENOMEM, "out of memory for gradients");
    for (size_t m = 0; m < (size_t)task->n_maps && st == WF_OK; m++) {
        double length = wf__unit(o->embeddings, dim, u);
        wf__unit(wf__task_reference(task, (int)m), dim, u);
        for (size_t k = 0; k < dim; k++)
            seeds[m * dim + k] = (float)(u[k] / length);
    }
    if (st == WF_OK)
        st = o->carry(o, WF__RULES_GRADIENT, WF__AT_EMBEDDING, seeds, NULL,
                      (size_t)task->n_maps, &to, 1, &out, err);
    wf__free(seeds);
    wf__free(u);
    return st;
}

static wf_status check_head(const wf__task *task, const wf__layer *layer,
                            wf_error *err)
{
    if (task->oracle->linear_after(task->oracle, layer->value))
        return WF_OK;
    WF__FAIL(err, WF_EUNSUPPORTED,
             "CAM needs a model whose embedding is linear in the feature maps "
             "of '%s', which this one's is not; choose a later layer, or "
             "grad-cam",
             layer->name);
}

static wf_status explain(const wf__task *task, int how, wf_error *err)
{
    wf__oracle *o = task->oracle;
    work w = {.task = task};
    WF__TRY(o->layer(o, wf_options_get(task->options, "layer"), &w.layer, err));
    if (how == CAM)
        WF__TRY(check_head(task, &w.layer, err));
    w.places = (size_t)w.layer.width * (size_t)w.layer.height;
    size_t n = w.places * (size_t)w.layer.channels;
    wf_status st = WF_OK;
    w.maps = wf__alloc(n, sizeof(float));
    w.gradients = wf__alloc((size_t)task->n_maps * n, sizeof(float));
    w.grid = wf__alloc(w.places, sizeof(float));
    if (!w.maps || !w.gradients || !w.grid)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for gradients");
    WF__TRY_GOTO(
        wf__trace_image(task, WF__RULES_GRADIENT, &w.layer.value, 1, err),
        done);
    o->maps(o, w.layer.value, 0, w.maps);
    WF__TRY_GOTO(how == CAM
                     ? carry_products(task, w.layer.value, w.gradients, err)
                     : wf__carry_cosines(task, WF__RULES_GRADIENT,
                                         w.layer.value, w.gradients, err),
                 done);
    for (int m = 0; m < task->n_maps; m++) {
        make_grid(&w, how, w.gradients + (size_t)m * n);
        wf__enlarge(o, w.grid, w.layer.width, w.layer.height, task->maps[m]);
    }
done:
    wf__free(w.maps);
    wf__free(w.gradients);
    wf__free(w.grid);
    return st;
}

static wf_status explain_cam(const wf__task *task, wf_error *err)
{
    return explain(task, CAM, err);
}

static wf_status explain_grad_cam(const wf__task *task, wf_error *err)
{
    return explain(task, GRAD_CAM, err);
}

static wf_status explain_plus_plus(const wf__task *task, wf_error *err)
{
    return explain(task, GRAD_CAM_PLUS_PLUS, err);
}

/*
 * Guided Grad-CAM (Selvaraju et al., section 3.1): Grad-CAM times the guided
 * gradient, whose greatest magnitude over the channels is taken.
 */
static wf_status explain_guided(const wf__task *task, wf_error *err)
{
    const wf__oracle *o = task->oracle;
    size_t pixels = wf__oracle_pixels(o), n = pixels * (size_t)o->channels;
    WF__TRY(explain(task, GRAD_CAM, err));
    float *g = wf__alloc((size_t)task->n_maps * n, sizeof(*g));
    float *fine = wf__alloc(pixels, sizeof(*fine));
    wf_status st =
        g && fine
            ? wf__carry_cosines(task, WF__RULES_GUIDED, WF__AT_INPUT, g, err)
            : wf__fail(err, WF_ENOMEM, "out of memory for gradients");
    for (int m = 0; m < task->n_maps && st == WF_OK; m++) {
        wf__channels_greatest(o, g + (size_t)m * n, fine);
        for (size_t p = 0; p < pixels; p++)
            task->maps[m][p] *= fine[p];
    }
    wf__free(fine);
    wf__free(g);
    return st;
}

/* A backward for each of at most two maps. */
static int64_t forwards(const wf_options *options, int width, int height)
{
    (void)options, (void)width, (void)height;
    return 2;
}

static int64_t forwards_guided(const wf_options *options, int width, int height)
{
    (void)options, (void)width, (void)height;
    return 4;
}

static const wf_method_option options[] = {
    WF__OPTION_LAYER("last"), WF__OPTION_BATCH, {0}};

#define METHOD(id, method, text, from, calls, function)                        \
    const wf__method wf__method_##id = {                                       \
        .about = {.name = method,                                              \
                  .kind = "white box: maps",                                   \
                  .help = text,                                                \
                  .source = from,                                              \
                  .options = options,                                          \
                  .presets = wf__no_presets,                                   \
                  .white_box = 1},                                             \
        .forwards = calls,                                                     \
        .explain = function,                                                   \
    }

METHOD(cam, "cam", "what each place of the feature maps adds, by a linear head",
       "Zhou et al., CVPR 2016, eq. 2", forwards, explain_cam);
METHOD(grad_cam, "grad-cam", "feature maps, weighted by their mean gradients",
       "Selvaraju et al., ICCV 2017, eq. 1 and 2", forwards, explain_grad_cam);
METHOD(grad_cam_plus_plus, "grad-cam++",
       "feature maps, weighted by their positive gradients",
       "Chattopadhay et al., WACV 2018, eq. 10 and 19", forwards,
       explain_plus_plus);
METHOD(guided_grad_cam, "guided-grad-cam", "Grad-CAM times the guided gradient",
       "Selvaraju et al., ICCV 2017, section 3.1", forwards_guided,
       explain_guided);
