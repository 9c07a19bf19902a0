/* Inside of gradient/: what the rules of the operators work on. */
#ifndef WF_TAPE_H
#define WF_TAPE_H

#include "exec/program.h"
#include "gradient/gradient.h"

/* A value for one image; all images of a batch lie one behind the other. */
typedef struct wf__tape_value {
    wf__tensor tensor; /* of a batch of 1; data: it is known */
    bool live;         /* it depends on the input */
    size_t size;       /* floats */
    int channels;      /* 4 axes: stored H x W x C; else 0, row-major */
    int made, read;    /* first and last step that has to do with it */
    bool kept;         /* rules read it after the forward run */
    size_t offset;     /* bytes an image into the values */
    size_t back;       /* bytes an image into the gradients */
} wf__tape_value;

typedef struct wf__gradient wf__tape;
typedef struct wf__taped wf__taped;

/* One run over a batch: n images forward, n seeds backward. */
typedef struct wf__run {
    wf__tape *tape;
    size_t n;
    const size_t *image; /* backward: of each seed */
    wf__rules rules;
    int threads;
    wf_error *err;
} wf__run;

/* What a rule reads after the forward run. */
enum { WF__READS_NOTHING, WF__READS_IN = 1, WF__READS_OUT = 2 };

typedef wf_status wf__backward_fn(const wf__run *run, wf__taped *taped);

typedef struct wf__derivative {
    const char *op;
    /* Refuses what is not covered; fills taped->state (of the tape's arena). */
    wf_status (*prepare)(wf__tape *tape, wf__taped *taped,
                         const wf__op_call *call, wf_error *err);
    wf_status (*forward)(const wf__run *run, wf__taped *taped);
    /* For each set of rules. */
    wf__backward_fn *backward[WF__N_RULES];
    int reads[WF__N_RULES];
    void (*free)(wf__taped *taped); /* NULL: nothing outside the arena */
} wf__derivative;

/* A unit with its rule. */
struct wf__taped {
    const wf__unit *unit;
    const wf__derivative *rule;
    int n_in, n_out;
    const int *in, *out; /* values; -1: absent */
    bool first;          /* the first convolution */
    bool shares; /* in a run from end to end its input 0 has been written by
                    the time that it writes there */
    void *state;
};

struct wf__gradient {
    wf__graph *graph;
    wf__program program;
    wf__arena arena;
    int n_values;
    wf__tape_value *values;
    int n_steps;
    wf__taped *steps;
    bool has_conv;
    int input, embedding; /* values */
    size_t n;             /* images of the forward run */
    int kept_for;         /* its rules; -1: none, WF__N_RULES: any */
    uint64_t runs;
    char *data; /* values */
    char *back; /* gradients */
    char *scratch;
    size_t data_bytes, back_have, scratch_bytes;
    size_t back_bytes; /* of gradients for one seed */
    bool *written;     /* for each value: whether it has a gradient by now */
};

/* Families of operators; each array ends with op NULL. */
extern const wf__derivative wf__derivatives_linear[],
    wf__derivatives_elementwise[], wf__derivatives_binary[],
    wf__derivatives_move[], wf__derivatives_pool[], wf__derivatives_reduce[];
/* NULL: the operator has no rule. */
const wf__derivative *wf__derivative_find(const char *op);

/* A value of image i; of a constant, for any i. */
float *wf__tape_at(const wf__tape *tape, int value, size_t i);
/* The gradient of seed i. */
float *wf__tape_back(const wf__run *run, int value, size_t i);
/* Before a rule writes to a value's gradients: whether it is the first, or has
 * to add to what is there. */
bool wf__tape_fresh(const wf__run *run, int value);
/* At least so many bytes, for the length of a step; NULL: no memory. */
void *wf__tape_scratch(wf__tape *tape, size_t bytes);
wf_status wf__tape_no_memory(wf_error *err);

/* Handles elements begin..end-1 of image or seed i. */
typedef void wf__span_fn(const void *argument, size_t i, size_t begin,
                         size_t end);
/* Shares n x size elements out over the threads, cut at multiples of `step`. */
void wf__tape_spans(const wf__run *run, size_t size, size_t step,
                    wf__span_fn *fn, const void *argument);

/* Position in memory of element `index` (row-major) of a value. */
size_t wf__tape_position(const wf__tape_value *value, size_t index);

/* Hands back what came: the output's gradient is the (only) input's. */
wf_status wf__tape_pass(const wf__run *run, const wf__taped *taped, int in);

#endif
