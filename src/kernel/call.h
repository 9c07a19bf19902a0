/*
 * What the operators share: errors that name the node, integer parameters from
 * attributes or inputs, element access, and walks over n-dimensional data.
 */
#ifndef WF_CALL_H
#define WF_CALL_H

#include "kernel/op.h"

/* The newest opset whose changes have been read and taken in. */
#define WF__OPSET_NEWEST 21

/* Families of operators; each array ends with name NULL. */
extern const wf__op wf__ops_elementwise[], wf__ops_conv[], wf__ops_pool[],
    wf__ops_matmul[], wf__ops_normalise[], wf__ops_reduce[], wf__ops_shape[],
    wf__ops_move[], wf__ops_resize[];

/* "node 'Conv_3' (Conv): ..." */
wf_status wf__op_fail(const wf__op_call *call, wf_error *err, wf_status code,
                      const char *format, ...) WF__PRINTF(4, 5);

#define WF__OP_MAX_INTS 64
typedef struct wf__ints {
    bool given;
    int count;
    int64_t value[WF__OP_MAX_INTS];
} wf__ints;

/*
 * Integers from the attribute `name` (NULL: none) or else from input number
 * `input` (-1: none), whose values must be known.
 */
wf_status wf__op_ints(const wf__op_call *call, const char *name, int input,
                      wf__ints *out, wf_error *err);
/* The input's tensor, or NULL where it is absent. */
const wf__tensor *wf__op_input(const wf__op_call *call, int input);
/* An axis counted from either end, as 0..rank-1. */
wf_status wf__op_axis(const wf__op_call *call, int64_t axis, int rank, int *out,
                      wf_error *err);
/* Sets type and shape of an output that is wanted; checks its size. */
wf_status wf__op_output(wf__op_call *call, int output, wf__dtype dtype,
                        const wf__shape *shape, wf_error *err);
/* The first n inputs must be float32. */
wf_status wf__op_need_floats(const wf__op_call *call, int n, wf_error *err);
/* Output 0 like input 0. */
wf_status wf__op_infer_same(wf__op_call *call, wf_error *err);
/* The common shape of all inputs under NumPy's broadcasting. */
wf_status wf__op_broadcast(const wf__op_call *call, wf__shape *out,
                           wf_error *err);

bool wf__is_float(wf__dtype dtype);
/* Element i as a number; integers beyond 2^53 need the integer form. */
double wf__load(const wf__tensor *t, int64_t i);
int64_t wf__load_int(const wf__tensor *t, int64_t i);
void wf__store(wf__tensor *t, int64_t i, double value);
void wf__store_int(wf__tensor *t, int64_t i, int64_t value);

/* Steps in elements between neighbours along each axis of a dense tensor. */
void wf__strides(const wf__shape *shape, int64_t stride[WF__MAX_RANK]);
/* The same for reading `in` as if it had the shape `out`: 0 where it repeats.
 */
void wf__broadcast_strides(const wf__shape *in, const wf__shape *out,
                           int64_t stride[WF__MAX_RANK]);

/* Fills dense `out` from `source` at offset + sum of index * stride. */
void wf__copy_strided(wf__tensor *out, const void *source, int64_t offset,
                      const int64_t stride[WF__MAX_RANK]);

/*
 * out[i0, i1, ...] = in[map0[i0], map1[i1], ...], axis by axis; a map value of
 * -1 gives `fill` (one element; NULL: zero).  map[axis] NULL: the same index.
 */
void wf__remap(wf__tensor *out, const wf__tensor *in,
               int64_t *const map[WF__MAX_RANK], const void *fill);

/* The sliding window of convolutions and pools, always three axes (those in
 * front have size 1). */
typedef struct wf__window {
    int spatial; /* axes that the node has */
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], pad[3],
        pad_end[3];
} wf__window;

/*
 * From strides, pads, dilations, auto_pad and ceil_mode; `kernel` may be NULL:
 * kernel_shape.
 */
wf_status wf__op_window(const wf__op_call *call, const wf__shape *kernel,
                        wf__window *window, wf_error *err);

#endif
