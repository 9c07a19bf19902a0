/*
 * A program made ready for given input shapes and a number of threads: every
 * shape known, every primitive created, every byte of the arena assigned.
 */
#ifndef WF_PLAN_H
#define WF_PLAN_H

#include "conv/conv.h"
#include "exec/exec.h"
#include "exec/program.h"

/* A stretch of the arena, alive from its first to its last step. */
typedef struct wf__buffer {
    size_t size, offset;
    int first, last;
    int pending; /* uses of its values that are still to come */
    int input;   /* the caller's memory for this input; -1: in the arena */
} wf__buffer;

/* A oneDNN memory object and where its data lie. */
typedef struct wf__memory {
    dnnl_memory_t memory;
    int buffer; /* -1: the handle is set already */
} wf__memory;

/* What a value is at the point that lowering has reached. */
typedef struct wf__place {
    wf__tensor tensor; /* data: constants at once, others when planned */
    bool ready;
    dnnl_memory_desc_t md; /* float values: their layout */
    int buffer;            /* -1: constant */
    int plain;             /* buffer of a row-major copy, -1: none yet */
    /* How our own kernels stored it, N x H x W x C, and a second time. */
    wf__format format, second;
    int second_buffer;
} wf__place;

/* Smallest and largest value seen; lo > hi: never seen. */
typedef struct wf__range {
    float lo, hi;
} wf__range;

/* Who carries a unit out. */
enum wf__by {
    WF__BY_DNNL, /* or the reference operators */
    WF__BY_OWN,
    WF__BY_ANOTHER /* another unit, along with itself */
};

#define WF__MAX_ARGS 12

typedef struct wf__step {
    const wf__unit *unit; /* whose work this is */
    /* Either a primitive with its arguments ... */
    dnnl_primitive_t primitive;
    int n_args;
    struct {
        int argument, memory;
    } args[WF__MAX_ARGS];
    dnnl_exec_arg_t exec[WF__MAX_ARGS];
    /* ... or a kernel of our own, with buffers (-1: none) ... */
    const wf__conv *conv;
    wf__conv_spec spec; /* its pointers are not followed */
    size_t images;
    int in, residual;
    struct {
        int buffer, value; /* value -1: not a value of its own */
        wf__format_type type;
    } stored[2];
    /* ... or a reference operator.  `buffers`: of the inputs, then outputs. */
    const wf__op *op;
    wf__op_call call;
    int *buffers;
} wf__step;

/* Weights in the layout that a primitive wants, shared between plans. */
typedef struct wf__packed {
    struct wf__packed *next;
    const wf__unit *unit;
    dnnl_memory_desc_t md;
    void *data;
} wf__packed;

/* A kernel of our own with its packed weights, shared between plans. */
typedef struct wf__own {
    struct wf__own *next;
    const wf__unit *unit;
    wf__conv_spec spec; /* pointers in it are not kept */
    wf__conv *conv;
} wf__own;

/* What plans of one model share. */
typedef struct wf__engine {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    wf__exec_opts opts;
    wf__packed *packed;
    wf__own *own;
    wf__range *ranges; /* of each value; NULL: not measured */
    size_t weight_bytes;
    char *data; /* activations of whichever plan runs */
    size_t data_bytes;
} wf__engine;

typedef struct wf__plan {
    const wf__program *program;
    wf__engine *engine;
    wf__arena arena; /* of the plan's own structures */
    int threads;
    wf__shape *input_shapes;
    wf__place *values;
    uint8_t *by; /* who carries a unit out: wf__by */
    wf__precision precision;
    int n_steps, step_capacity;
    wf__step *steps;
    int n_buffers, buffer_capacity;
    wf__buffer *buffers;
    int n_memories, memory_capacity;
    wf__memory *memories;
    int scratchpad; /* buffer that all primitives share, -1: none */
    size_t scratchpad_size;
    char *data; /* the activations: the engine's block as last seen */
    size_t data_bytes;
    void **address;  /* of each buffer */
    double *seconds; /* spent in each step so far; NULL: not measured */
    wf_error *err;   /* while planning */
} wf__plan;

wf_status wf__plan_create(const wf__program *program, wf__engine *engine,
                          const wf__tensor *inputs, wf__precision precision,
                          int threads, wf__plan **out, wf_error *err);
void wf__plan_free(wf__plan *plan);
bool wf__plan_fits(const wf__plan *plan, const wf__tensor *inputs,
                   wf__precision precision, int threads);
/* `outputs` get pointers into the plan. */
wf_status wf__plan_run(wf__plan *plan, const wf__tensor *inputs,
                       wf__tensor *outputs, wf_error *err);
/* Runs and widens the range of each value that kernels of our own store. */
wf_status wf__plan_measure(wf__plan *plan, const wf__tensor *inputs,
                           wf__range *ranges, wf_error *err);

wf_status wf__plan_tune(const wf__plan *plan, wf__tuning *tuning,
                        wf_error *err);

/* ---- profile.c ----------------------------------------------------------- */

wf_status wf__plan_profile(wf__plan *plan, const wf__tensor *inputs,
                           int repeats, wf__exec_costs *out, wf_error *err);

/* ---- for lowering: build.c ----------------------------------------------- */

/* WF_EBACKEND with the node named. */
wf_status wf__plan_dnnl(wf__plan *plan, const wf__unit *unit,
                        dnnl_status_t status, const char *what);
wf_status wf__plan_no_memory(wf__plan *plan);
/* Row-major layout of a shape. */
dnnl_memory_desc_t wf__plain_md(const wf__shape *shape);

wf_status wf__plan_buffer(wf__plan *plan, size_t size, int *out);
wf_status wf__plan_memory(wf__plan *plan, const dnnl_memory_desc_t *md,
                          int buffer, const void *data, int *out);
/* A new step for a primitive (takes `pd`'s scratchpad into account). */
wf_status wf__plan_step(wf__plan *plan, const wf__unit *unit,
                        const_dnnl_primitive_desc_t pd, wf__step **out);
wf_status wf__step_arg(wf__plan *plan, wf__step *step, int argument,
                       int memory);
/* A new step for a kernel of our own on n images; buffers, -1: none. */
wf_status wf__plan_conv(wf__plan *plan, const wf__unit *unit,
                        const wf__conv *conv, size_t n, int in, int residual,
                        int out, int second, wf__step **made);
/* The reference operator of a unit, on row-major data. */
wf_status wf__plan_reference(wf__plan *plan, const wf__unit *unit);

/* A value's memory in its present layout, in the layout `md` (reordered where
 * needed), or the buffer of its row-major form. */
wf_status wf__value_memory(wf__plan *plan, int value, int *out);
wf_status wf__value_memory_as(wf__plan *plan, const wf__unit *unit, int value,
                              const dnnl_memory_desc_t *md, int *out);
/* Always a copy, in a buffer of its own. */
wf_status wf__value_copy(wf__plan *plan, const wf__unit *unit, int value,
                         const dnnl_memory_desc_t *md, int *out);
wf_status wf__value_plain(wf__plan *plan, const wf__unit *unit, int value,
                          int *buffer);
/* A step that copies one memory to another one of another layout. */
wf_status wf__reorder_step(wf__plan *plan, const wf__unit *unit, int from,
                           const dnnl_memory_desc_t *from_md, int to,
                           const dnnl_memory_desc_t *to_md);
/* The value now lies in `buffer` (-1: a new one) with the layout `md`. */
wf_status wf__value_place(wf__plan *plan, int value,
                          const dnnl_memory_desc_t *md, int buffer);
/* One use of the value is over; true if its buffer may be overwritten by the
 * step that follows. */
bool wf__value_used(wf__plan *plan, int value);

/* ---- for lowering: steps.c ----------------------------------------------- */

/* Attributes that put the scratchpad into our hands; NULL: no memory. */
dnnl_primitive_attr_t wf__plain_attr(void);
/* NULL where oneDNN has no such primitive. */
dnnl_primitive_desc_t wf__try_primitive(wf__plan *plan,
                                        const_dnnl_op_desc_t desc);
/* A step from the memory `src` to the memory `dst`. */
wf_status wf__simple_step(wf__plan *plan, const wf__unit *unit,
                          dnnl_primitive_desc_t pd, int src, int dst);
/* dst = f(src), both in the layout `md`. */
wf_status wf__eltwise_step(wf__plan *plan, const wf__unit *unit,
                           const wf__post *post, const dnnl_memory_desc_t *md,
                           int src, int dst);
/* dst = PReLU(src) with a value as slopes, and dst = src op value; the value's
 * shape may be stretched.  `made` is false where oneDNN has no primitive. */
wf_status wf__prelu_step(wf__plan *plan, const wf__unit *unit, int slope,
                         const dnnl_memory_desc_t *md, int src, int dst,
                         bool *made);
wf_status wf__binary_step(wf__plan *plan, const wf__unit *unit,
                          dnnl_alg_kind_t alg, int value,
                          const dnnl_memory_desc_t *md, int src, int dst,
                          bool *made);
/* A post as a step of its own, on `value` in place. */
wf_status wf__post_step(wf__plan *plan, const wf__unit *unit,
                        const wf__post *post, int value);

/* ---- lower_own.c --------------------------------------------------------- */

/* Which units our own kernels carry out: plan->by. */
wf_status wf__plan_own(wf__plan *plan);
wf_status wf__lower_own(wf__plan *plan, const wf__unit *unit);
/* N x H x W x C layout of a shape of 4 axes, or 2. */
dnnl_memory_desc_t wf__rows_md(const wf__shape *shape, wf__format_type type);
/* Float32 in a layout of oneDNN, for what is not ours; copied where the value
 * is stored otherwise. */
wf_status wf__value_float(wf__plan *plan, const wf__unit *unit, int value);

/* ---- lower_weighted.c, lower.c ------------------------------------------- */

/* Conv and Gemm with constant weights. */
wf_status wf__lower_conv(wf__plan *plan, const wf__unit *unit);
wf_status wf__lower_gemm(wf__plan *plan, const wf__unit *unit);
/* Every unit of the program, in order. */
wf_status wf__plan_lower(wf__plan *plan);

#endif
