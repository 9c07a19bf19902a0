/*
 * MinPlus and its parts: Mery and Morris, "On black-box explanation for face
 * verification", WACV 2022; Mery, "True black-box explanation in facial
 * analysis", CVPR-W 2022.  Gaussian windows are taken out of one image (minus)
 * or added to a nearly black one (plus), alone (S0) and one after the other,
 * each time the one that changes the similarity most (S1).
 */
#include <math.h>

#include "base/random.h"
#include "method/method.h"

/* A window is cut off at half its width, where its Gaussian is this many
 * standard deviations wide. */
#define WIDTH_IN_SIGMA 8.5

enum {
    PART_MINPLUS,
    PART_AVERAGE,
    PART_S0_MINUS,
    PART_S1_MINUS,
    PART_S0_PLUS,
    PART_S1_PLUS
};
enum { MINUS, PLUS, WAYS };

typedef struct plan {
    int step, rows, columns; /* of the cells, in which windows are centred */
    int passes;              /* at most, of each way */
    bool ways[WAYS];
} plan;

typedef struct run {
    const wf__task *task;
    plan plan;
    size_t cells, plane;  /* pixels of a plane */
    size_t size;          /* of an image: channels x plane */
    float *profile;       /* of a window, by the distance from its centre; may
                             be negative */
    float *profiles;      /* what holds that */
    float *original;      /* the image, 0..1 */
    float *state;         /* what a pass starts from, 0..1 */
    int *asked;           /* cells of a query */
    bool *taken;          /* cells that a greedy pass took out before */
    float *first, *later; /* cells x n_references: a pass's similarities */
    double *gains;        /* n_maps x WAYS x {S0, S1} x cells */
    float *heat;          /* plane */
    int way;
    uint64_t done, total;
} run;

/* ---- how much is asked --------------------------------------------------- */

static plan with_step(const wf_options *o, int width, int height, int step)
{
    int part = wf__options_choice(o, "part");
    bool both = part == PART_MINPLUS || part == PART_AVERAGE;
    bool single = part == PART_S0_MINUS || part == PART_S0_PLUS;
    return (plan){
        .step = step,
        .rows = (height - 1) / step,
        .columns = (width - 1) / step,
        .passes = single ? 1 : (int)wf__options_int(o, "tmax"),
        .ways = {both || part == PART_S0_MINUS || part == PART_S1_MINUS,
                 both || part == PART_S0_PLUS || part == PART_S1_PLUS}};
}

/* The first pass serves both references of a probe, the others do not.  One
 * more call is for the nearly black image. */
static int64_t count(const plan *p)
{
    int64_t cells = (int64_t)p->rows * p->columns;
    return (p->ways[MINUS] + p->ways[PLUS]) * cells * (2 * p->passes - 1) +
           p->ways[PLUS];
}

/* Fewer passes first, then wider steps. */
static plan make_plan(const wf_options *o, int width, int height)
{
    int64_t budget = wf__options_int(o, "budget");
    plan p = with_step(o, width, height, (int)wf__options_int(o, "step"));
    while (budget && count(&p) > budget && p.passes > 1)
        p.passes--;
    while (budget && count(&p) > budget && p.rows * p.columns > 1) {
        p = with_step(o, width, height, p.step + 1);
        p.passes = 1;
    }
    return p;
}

static int64_t forwards(const wf_options *o, int width, int height)
{
    plan p = make_plan(o, width, height);
    return count(&p);
}

static wf_status check_plan(const plan *p, const wf__task *task, wf_error *err)
{
    int64_t budget = wf__options_int(task->options, "budget");
    if (p->rows * p->columns == 0)
        WF__FAIL(err, WF_EINVAL,
                 "steps of %d pixels leave no window in a crop of %d x %d; "
                 "choose a smaller 'step'",
                 p->step, task->oracle->width, task->oracle->height);
    if (budget && count(p) > budget)
        WF__FAIL(err, WF_EINVAL,
                 "a budget of %d is too small: minplus needs %d model calls",
                 (int)budget, (int)count(p));
    return WF_OK;
}

/* ---- windows ------------------------------------------------------------- */

static int cell_x(const run *r, size_t cell)
{
    return r->plan.step * (1 + (int)cell % r->plan.columns);
}

static int cell_y(const run *r, size_t cell)
{
    return r->plan.step * (1 + (int)cell / r->plan.columns);
}

/* One row of the state with a window, whose height there is `g`. */
WF__WIDE static void change_row(const run *r, size_t at, int x, float g,
                                float *to)
{
    int width = r->task->oracle->width;
    const float *restrict state = r->state + at;
    const float *restrict original = r->original + at;
    const float *restrict profile = r->profile - x;
    float *restrict out = to;
    if (r->way == MINUS)
        for (int i = 0; i < width; i++)
            out[i] = state[i] * (1 - g * profile[i]);
    else
        for (int i = 0; i < width; i++)
            out[i] = 1 - (1 - state[i]) * (1 - original[i] * g * profile[i]);
}

/* The state (0..1) without the window of `cell`, or with the image's light
 * there added (one minus the product of what each leaves dark): channels x
 * height x width. */
static void change(const run *r, size_t cell, float *to)
{
    const wf__oracle *o = r->task->oracle;
    size_t width = (size_t)o->width;
    for (int y = 0; y < o->channels * o->height; y++) {
        float g = r->profile[y % o->height - cell_y(r, cell)];
        size_t at = (size_t)y * width;
        if (g > 0)
            change_row(r, at, cell_x(r, cell), g, to + at);
        else
            memcpy(to + at, r->state + at, width * sizeof(*to));
    }
}

/* From 0..1 to what the model takes. */
static void to_model(const run *r, float *image)
{
    const wf__oracle *o = r->task->oracle;
    for (int c = 0; c < o->channels; c++)
        for (size_t p = 0; p < r->plane; p++, image++)
            *image = o->black[c] + (o->white[c] - o->black[c]) * *image;
}

static void write_copy(size_t i, float *copy, void *argument)
{
    const run *r = argument;
    change(r, (size_t)r->asked[i], copy);
    to_model(r, copy);
}

static void write_state(size_t i, float *copy, void *argument)
{
    const run *r = argument;
    (void)i;
    memcpy(copy, r->state, r->size * sizeof(*copy));
    to_model(r, copy);
}

static void start_state(run *r)
{
    uint64_t seed = (uint64_t)wf__options_int(r->task->options, "seed");
    memset(r->taken, 0, r->cells * sizeof(*r->taken));
    if (r->way == MINUS) {
        memcpy(r->state, r->original, r->size * sizeof(*r->state));
        return;
    }
    for (size_t i = 0; i < r->size; i++) {
        uint32_t words[4];
        wf__random4(seed, WF__STREAM_NOISE, (uint32_t)i, 0, words);
        r->state[i] = (float)wf__random_below(words[0], 2) / 255;
    }
}

/* ---- passes -------------------------------------------------------------- */

/* Similarities of the state with each cell's window changed. */
static wf_status ask_cells(run *r, float *similarities, wf_error *err)
{
    wf__oracle *o = r->task->oracle;
    size_t references = (size_t)o->n_references;
    float *got = wf__alloc(o->batch * references, sizeof(*got));
    wf_status st = WF_OK;
    if (!got)
        WF__FAIL(err, WF_ENOMEM, "out of memory for similarities");
    for (size_t cell = 0; cell < r->cells;) {
        size_t n = 0;
        for (; cell < r->cells && n < o->batch; cell++)
            if (!r->taken[cell])
                r->asked[n++] = (int)cell;
        if (n == 0)
            break;
        WF__TRY_GOTO(
            wf__ctx_progress(o->ctx, r->task->stage, r->done, r->total, err),
            done);
        WF__TRY_GOTO(o->query_copies(o, write_copy, r, n, got, err), done);
        for (size_t i = 0; i < n; i++)
            memcpy(similarities + (size_t)r->asked[i] * references,
                   got + i * references, references * sizeof(*got));
        r->done += n;
    }
done:
    wf__free(got);
    return st;
}

static double *gains_of(const run *r, int map, int series)
{
    return r->gains + (size_t)(map * 2 * WAYS + r->way * 2 + series) * r->cells;
}

/* The cell whose change moves the similarity most, the first one of equals. */
static size_t find_best(const run *r, const float *similarities, int map)
{
    size_t best = r->cells, references = (size_t)r->task->oracle->n_references;
    float sign = r->way == MINUS ? -1 : 1;
    for (size_t cell = 0; cell < r->cells; cell++)
        if (!r->taken[cell] &&
            (best == r->cells ||
             sign * similarities[cell * references + (size_t)map] >
                 sign * similarities[best * references + (size_t)map]))
            best = cell;
    return best;
}

/* Nothing is left to take out, or the whole face's similarity is reached. */
static bool is_over(const run *r, double similarity, int map, double threshold)
{
    double whole = r->task->oracle->similarity[map];
    return r->way == MINUS ? similarity <= threshold
                           : whole - similarity <= threshold;
}

/* The greedy passes for one reference; `start`: the state's similarity. */
static wf_status go_on(run *r, int map, double start, wf_error *err)
{
    double threshold = wf__options_number(r->task->options, "stop");
    size_t references = (size_t)r->task->oracle->n_references;
    const float *similarities = r->first;
    double *gains = gains_of(r, map, 1), now = start;
    start_state(r);
    for (int pass = 1;; pass++) {
        size_t best = find_best(r, similarities, map);
        if (best == r->cells)
            return WF_OK;
        double next = similarities[best * references + (size_t)map];
        double gain = r->way == MINUS ? now - next : next - now;
        gains[best] = gain;
        if (pass == r->plan.passes || gain <= threshold ||
            is_over(r, next, map, threshold))
            return WF_OK;
        change(r, best, r->state);
        r->taken[best] = r->way == MINUS;
        now = next;
        WF__TRY(ask_cells(r, r->later, err));
        similarities = r->later;
    }
}

/* One way, for all maps. */
static wf_status run_way(run *r, int way, wf_error *err)
{
    wf__oracle *o = r->task->oracle;
    float start[2] = {o->similarity[0], o->similarity[o->n_references - 1]};
    r->way = way;
    start_state(r);
    if (way == PLUS) {
        WF__TRY(o->query_copies(o, write_state, r, 1, start, err));
        r->done++;
    }
    WF__TRY(ask_cells(r, r->first, err));
    for (int m = 0; m < r->task->n_maps; m++) {
        double *gains = gains_of(r, m, 0), sign = way == MINUS ? -1 : 1;
        for (size_t cell = 0; cell < r->cells; cell++)
            gains[cell] =
                sign *
                ((double)r->first[cell * (size_t)o->n_references + (size_t)m] -
                 start[m]);
        WF__TRY(go_on(r, m, start[m], err));
    }
    return WF_OK;
}

/* ---- maps ---------------------------------------------------------------- */

/* Gains of cells as a map: a window of that height at each cell. */
static void draw_heat(const run *r, const double *gains, float *heat)
{
    int width = r->task->oracle->width, height = r->task->oracle->height;
    memset(heat, 0, r->plane * sizeof(*heat));
    for (size_t cell = 0; cell < r->cells; cell++)
        for (int y = 0; y < height && gains[cell] != 0; y++) {
            float g = (float)gains[cell] * r->profile[y - cell_y(r, cell)];
            float *row = heat + (size_t)y * (size_t)width;
            for (int x = 0; x < width && g != 0; x++)
                row[x] += g * r->profile[x - cell_x(r, cell)];
        }
}

/* Adds a quarter of the heat, stretched to 0..1, to the map; none if it is only
 * the rounding of similarities. */
#define ROUNDING 1e-6f

static void add_stretched(const float *heat, size_t n, float *map)
{
    float low = heat[0], high = heat[0];
    for (size_t p = 0; p < n; p++) {
        low = fminf(low, heat[p]);
        high = fmaxf(high, heat[p]);
    }
    for (size_t p = 0; p < n && high - low > ROUNDING; p++)
        map[p] += (heat[p] - low) / (high - low) / 4;
}

static void make_map(run *r, int part, int map)
{
    double *gains = r->gains + (size_t)(map * 2 * WAYS) * r->cells;
    float *to = r->task->maps[map];
    if (part == PART_AVERAGE) {
        memset(to, 0, r->plane * sizeof(*to));
        for (int k = 0; k < 2 * WAYS; k++) {
            draw_heat(r, gains + (size_t)k * r->cells, r->heat);
            add_stretched(r->heat, r->plane, to);
        }
        return;
    }
    if (part != PART_MINPLUS) {
        draw_heat(r, gains + (size_t)(part - PART_S0_MINUS) * r->cells, to);
        return;
    }
    for (size_t cell = 0; cell < r->cells; cell++)
        gains[cell] =
            (gains[cell] + gains[r->cells + cell] + gains[2 * r->cells + cell] +
             gains[3 * r->cells + cell]) /
            4;
    draw_heat(r, gains, to);
}

/* ---- the method ---------------------------------------------------------- */

static wf_status create(run *r, wf_error *err)
{
    const wf__oracle *o = r->task->oracle;
    double width = wf__options_number(r->task->options, "width");
    double sigma = width / WIDTH_IN_SIGMA;
    int longer = WF__MAX(o->width, o->height);
    size_t answers = r->cells * (size_t)o->n_references;
    r->profiles = wf__alloc((size_t)(2 * longer - 1), sizeof(*r->profiles));
    r->original = wf__alloc(r->size, sizeof(*r->original));
    r->state = wf__alloc(r->size, sizeof(*r->state));
    r->asked = wf__alloc(o->batch, sizeof(*r->asked));
    r->taken = wf__alloc(r->cells, sizeof(*r->taken));
    r->first = wf__alloc(answers, sizeof(*r->first));
    r->later = wf__alloc(answers, sizeof(*r->later));
    r->gains = wf__calloc((size_t)r->task->n_maps * 2 * WAYS * r->cells,
                          sizeof(*r->gains));
    r->heat = wf__alloc(r->plane, sizeof(*r->heat));
    if (!r->profiles || !r->original || !r->state || !r->asked || !r->taken ||
        !r->first || !r->later || !r->gains || !r->heat)
        WF__FAIL(err, WF_ENOMEM, "out of memory for %zu windows", r->cells);
    r->profile = r->profiles + longer - 1;
    for (int d = 1 - longer; d < longer; d++)
        r->profile[d] =
            2 * abs(d) > width ? 0 : (float)exp(-d * d / (2 * sigma * sigma));
    for (int c = 0; c < o->channels; c++)
        for (size_t p = 0; p < r->plane; p++) {
            size_t at = (size_t)c * r->plane + p;
            r->original[at] =
                (o->image[at] - o->black[c]) / (o->white[c] - o->black[c]);
        }
    return WF_OK;
}

static void destroy(run *r)
{
    void *const all[] = {r->profiles, r->original, r->state, r->asked, r->taken,
                         r->first,    r->later,    r->gains, r->heat};
    for (size_t i = 0; i < WF__COUNT(all); i++)
        wf__free(all[i]);
}

static wf_status explain(const wf__task *task, wf_error *err)
{
    const wf__oracle *o = task->oracle;
    run r = {.task = task,
             .plan = make_plan(task->options, o->width, o->height),
             .plane = (size_t)o->width * (size_t)o->height};
    wf_status st;
    WF__TRY(check_plan(&r.plan, task, err));
    r.cells = (size_t)r.plan.rows * (size_t)r.plan.columns;
    r.size = (size_t)o->channels * r.plane;
    r.total = (uint64_t)count(&r.plan);
    WF__TRY_GOTO(create(&r, err), done);
    for (int way = 0; way < WAYS; way++)
        if (r.plan.ways[way])
            WF__TRY_GOTO(run_way(&r, way, err), done);
    for (int m = 0; m < task->n_maps; m++)
        make_map(&r, wf__options_choice(task->options, "part"), m);
    st = wf__ctx_progress(o->ctx, task->stage, r.total, r.total, err);
done:
    destroy(&r);
    return st;
}

static const wf_method_option options[] = {
    {"part", "choice", "minplus",
     "minplus|average|s0-minus|s1-minus|s0-plus|s1-plus", 0, 0,
     "the map: all four parts together, the mean of their maps, or one part"},
    {"width", "number", "70", NULL, 1, 4096,
     "width of a Gaussian window, pixels: 8.5 standard deviations"},
    {"step", "integer", "7", NULL, 1, 4096,
     "pixels from one window to the next; a budget may widen it"},
    {"tmax", "integer", "20", NULL, 1, 10000,
     "most windows that are taken out or added one after the other; a budget "
     "may lower it"},
    {"stop", "number", "0.01", NULL, 0, 1,
     "stop when a window changes the similarity by no more than this"},
    WF__OPTION_BUDGET,
    WF__OPTION_SEED,
    WF__OPTION_BATCH,
    {0},
};

static const wf_method_preset presets[] = {
    {"fast", "width=97,step=21,tmax=1",
     "the authors' fast mode: few wide windows, one pass"},
    {0},
};

const wf__method wf__method_minplus = {
    .about = {"minplus", "occlusion",
              "Gaussian windows taken out of the face, and added to darkness",
              "Mery and Morris, WACV 2022; Mery, CVPR-W 2022", options,
              presets},
    .forwards = forwards,
    .few = true,
    .explain = explain,
};
