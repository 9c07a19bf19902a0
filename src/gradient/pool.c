/* Pools over windows and over whole planes. */
#include "gradient/linear.h"

/* Which places of the input each place of the result looks at. */
typedef struct state {
    size_t channels, places; /* of the result */
    size_t *first;           /* places + 1: where the list of each begins ... */
    int32_t *from;           /* ... of places of the input */
    float *divisor;          /* of each place's sum */
} state;

static void look(const wf__window *w, int64_t y, int64_t x, bool count_pad,
                 state *s, size_t place, size_t *n)
{
    int64_t count = 0;
    for (int64_t j = 0; j < w->kernel[1]; j++)
        for (int64_t i = 0; i < w->kernel[2]; i++) {
            int64_t v = y * w->stride[1] - w->pad[1] + j * w->dilation[1];
            int64_t u = x * w->stride[2] - w->pad[2] + i * w->dilation[2];
            bool inside = v >= 0 && v < w->in[1] && u >= 0 && u < w->in[2];
            /* Beyond the padding (ceil_mode) nothing is counted. */
            bool padded =
                v < w->in[1] + w->pad_end[1] && u < w->in[2] + w->pad_end[2];
            count += inside || (count_pad && padded);
            if (inside)
                s->from[(*n)++] = (int32_t)(v * w->in[2] + u);
        }
    s->divisor[place] = (float)WF__MAX(count, 1);
}

static wf_status prepare(wf__tape *tape, wf__taped *taped,
                         const wf__op_call *call, wf_error *err)
{
    const wf__shape *x = &call->in[0]->shape;
    wf__window w = {.kernel = {1, x->dim[2], x->dim[3]},
                    .in = {1, x->dim[2], x->dim[3]},
                    .out = {1, 1, 1},
                    .stride = {1, 1, 1},
                    .dilation = {1, 1, 1}};
    size_t n = 0;
    if (x->rank != 4)
        return wf__op_fail(call, err, WF_EOPERATOR,
                           "only pools over pictures can go backward");
    if (strncmp(call->node->op, "Global", 6))
        WF__TRY(wf__op_window(call, NULL, &w, err));
    bool count_pad = wf__node_int(call->node, "count_include_pad", 0) != 0;
    size_t places = (size_t)(w.out[1] * w.out[2]);
    size_t window = (size_t)(w.kernel[1] * w.kernel[2]);
    state *s = taped->state = wf__arena_alloc(&tape->arena, 1, sizeof(*s));
    if (!s)
        return wf__tape_no_memory(err);
    s->channels = (size_t)x->dim[1];
    s->places = places;
    s->first = wf__arena_alloc(&tape->arena, places + 1, sizeof(*s->first));
    s->from = wf__arena_alloc(&tape->arena, places * window, sizeof(*s->from));
    s->divisor = wf__arena_alloc(&tape->arena, places, sizeof(*s->divisor));
    if (!s->first || !s->from || !s->divisor)
        return wf__tape_no_memory(err);
    for (size_t p = 0; p < places; p++) {
        look(&w, (int64_t)p / w.out[2], (int64_t)p % w.out[2], count_pad, s, p,
             &n);
        s->first[p + 1] = n;
    }
    return WF_OK;
}

/* ---- averages ------------------------------------------------------------ */

typedef struct work {
    const state *state;
    const float *from;
    float *to;
    size_t in_size, out_size;
    const wf__run *run; /* of maxima */
    const wf__taped *taped;
} work;

static void average_span(const void *argument, size_t i, size_t begin,
                         size_t end)
{
    const work *w = argument;
    const state *s = w->state;
    const float *x = w->from + i * w->in_size;
    for (size_t p = begin / s->channels; p < end / s->channels; p++) {
        float *y = w->to + i * w->out_size + p * s->channels;
        memset(y, 0, s->channels * sizeof(*y));
        for (size_t k = s->first[p]; k < s->first[p + 1]; k++)
            for (size_t c = 0; c < s->channels; c++)
                y[c] += x[(size_t)s->from[k] * s->channels + c];
        for (size_t c = 0; c < s->channels; c++)
            y[c] /= s->divisor[p];
    }
}

static void spread_span(const void *argument, size_t i, size_t begin,
                        size_t end)
{
    const work *w = argument;
    const state *s = w->state;
    float *x = w->to + i * w->in_size;
    (void)begin, (void)end;
    for (size_t p = 0; p < s->places; p++) {
        const float *g = w->from + i * w->out_size + p * s->channels;
        for (size_t k = s->first[p]; k < s->first[p + 1]; k++)
            for (size_t c = 0; c < s->channels; c++)
                x[(size_t)s->from[k] * s->channels + c] += g[c] / s->divisor[p];
    }
}

static work work_on(const wf__run *run, const wf__taped *taped,
                    const float *from, float *to)
{
    return (work){taped->state,
                  from,
                  to,
                  run->tape->values[taped->in[0]].size,
                  run->tape->values[taped->out[0]].size,
                  run,
                  taped};
}

static wf_status apply(const wf__run *run, wf__taped *taped, wf__weights w,
                       size_t n, const float *from, float *to)
{
    work job = work_on(run, taped, from, to);
    wf__run images = *run;
    images.n = n;
    if (w == WF__WEIGHTS_NEGATIVE)
        memset(to, 0, n * job.out_size * sizeof(*to));
    else
        wf__tape_spans(&images, job.out_size, job.state->channels, average_span,
                       &job);
    return WF_OK;
}

static wf_status transpose(const wf__run *run, wf__taped *taped, wf__weights w,
                           size_t n, const float *from, float *to, bool add)
{
    work job = work_on(run, taped, from, to);
    wf__run seeds = *run;
    seeds.n = n;
    if (!add)
        memset(to, 0, n * job.in_size * sizeof(*to));
    if (w != WF__WEIGHTS_NEGATIVE)
        wf__tape_spans(&seeds, job.in_size, job.in_size, spread_span, &job);
    return WF_OK;
}

static const wf__linear linear = {apply, transpose, NULL, false};

static wf_status forward_average(const wf__run *run, wf__taped *taped)
{
    return apply(run, taped, WF__WEIGHTS_PLAIN, run->n,
                 wf__tape_at(run->tape, taped->in[0], 0),
                 wf__tape_at(run->tape, taped->out[0], 0));
}

static wf_status average_derivative(const wf__run *run, wf__taped *taped)
{
    bool fresh = wf__tape_fresh(run, taped->in[0]);
    return transpose(run, taped, WF__WEIGHTS_PLAIN, run->n,
                     wf__tape_back(run, taped->out[0], 0),
                     wf__tape_back(run, taped->in[0], 0), !fresh);
}

static wf_status relevance(const wf__run *run, wf__taped *taped)
{
    return wf__relevance(run, taped, &linear);
}

/* ---- maxima: the winner takes all ---------------------------------------- */

/* The first of the largest: its element of the input. */
static size_t winner(const state *s, const float *x, size_t place,
                     size_t channel)
{
    size_t k = s->first[place];
    size_t best = (size_t)s->from[k] * s->channels + channel;
    for (k++; k < s->first[place + 1]; k++) {
        size_t at = (size_t)s->from[k] * s->channels + channel;
        if (x[at] > x[best])
            best = at;
    }
    return best;
}

static void most_span(const void *argument, size_t i, size_t begin, size_t end)
{
    const work *w = argument;
    const state *s = w->state;
    const float *x = w->from + i * w->in_size;
    for (size_t p = begin; p < end; p++)
        w->to[i * w->out_size + p] =
            x[winner(s, x, p / s->channels, p % s->channels)];
}

static void winner_span(const void *argument, size_t i, size_t begin,
                        size_t end)
{
    const work *w = argument;
    const state *s = w->state;
    const float *x =
        wf__tape_at(w->run->tape, w->taped->in[0], w->run->image[i]);
    (void)begin, (void)end;
    for (size_t p = 0; p < w->out_size; p++)
        w->to[i * w->in_size +
              winner(s, x, p / s->channels, p % s->channels)] +=
            w->from[i * w->out_size + p];
}

static wf_status forward_most(const wf__run *run, wf__taped *taped)
{
    work w = work_on(run, taped, wf__tape_at(run->tape, taped->in[0], 0),
                     wf__tape_at(run->tape, taped->out[0], 0));
    wf__tape_spans(run, w.out_size, 1, most_span, &w);
    return WF_OK;
}

static wf_status most_backward(const wf__run *run, wf__taped *taped)
{
    work w = work_on(run, taped, wf__tape_back(run, taped->out[0], 0),
                     wf__tape_back(run, taped->in[0], 0));
    if (wf__tape_fresh(run, taped->in[0]))
        memset(w.to, 0, run->n * w.in_size * sizeof(*w.to));
    wf__tape_spans(run, w.in_size, w.in_size, winner_span, &w);
    return WF_OK;
}

#define AVERAGE(name)                                                          \
    {                                                                          \
        name, prepare, forward_average,                                        \
            {average_derivative, average_derivative, relevance, relevance,     \
             relevance},                                                       \
            {WF__READS_NOTHING, WF__READS_NOTHING, WF__READS_IN,               \
             WF__READS_IN | WF__READS_OUT, WF__READS_IN | WF__READS_OUT},      \
            NULL                                                               \
    }
#define MOST(name)                                                             \
    {                                                                          \
        name, prepare, forward_most,                                           \
            {most_backward, most_backward, most_backward, most_backward,       \
             most_backward},                                                   \
            {WF__READS_IN, WF__READS_IN, WF__READS_IN, WF__READS_IN,           \
             WF__READS_IN},                                                    \
            NULL                                                               \
    }

const wf__derivative wf__derivatives_pool[] = {
    AVERAGE("AveragePool"),
    AVERAGE("GlobalAveragePool"),
    MOST("MaxPool"),
    MOST("GlobalMaxPool"),
    {0},
};
