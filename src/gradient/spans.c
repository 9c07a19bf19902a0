/* Work on all images or seeds of a run, shared out over the threads. */
#include "base/parallel.h"
#include "gradient/tape.h"

/* Elements that one call is worth. */
#define SPAN ((size_t)1 << 14)

typedef struct spans {
    size_t size, span, per_image;
    wf__span_fn *fn;
    const void *argument;
} spans;

static void run_spans(size_t begin, size_t end, void *argument)
{
    const spans *s = argument;
    for (size_t k = begin; k < end; k++) {
        size_t from = k % s->per_image * s->span;
        s->fn(s->argument, k / s->per_image, from,
              WF__MIN(from + s->span, s->size));
    }
}

void wf__tape_spans(const wf__run *run, size_t size, size_t step,
                    wf__span_fn *fn, const void *argument)
{
    size_t span = (SPAN + step - 1) / step * step;
    size_t per_image = (size + span - 1) / span;
    spans s = {size, span, per_image, fn, argument};
    wf__parallel(run->threads, run->n * per_image, run_spans, &s);
}

typedef struct transfer {
    const float *from;
    float *to;
    size_t size;
    bool fresh;
} transfer;

WF__WIDE static void add_to(float *to, const float *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

static void move_span(const void *argument, size_t i, size_t begin, size_t end)
{
    const transfer *t = argument;
    const float *from = t->from + i * t->size + begin;
    float *to = t->to + i * t->size + begin;
    if (t->fresh)
        memcpy(to, from, (end - begin) * sizeof(*to));
    else
        add_to(to, from, end - begin);
}

wf_status wf__tape_pass(const wf__run *run, const wf__taped *taped, int in)
{
    size_t size = run->tape->values[taped->out[0]].size;
    transfer t = {wf__tape_back(run, taped->out[0], 0),
                  wf__tape_back(run, taped->in[in], 0), size,
                  wf__tape_fresh(run, taped->in[in])};
    wf__tape_spans(run, size, 1, move_span, &t);
    return WF_OK;
}
