/* A dense tensor of any ONNX element type, row-major. */
#ifndef WF_TENSOR_H
#define WF_TENSOR_H

#include "base/base.h"

/* The numbers are ONNX's TensorProto.DataType. */
typedef enum wf__dtype {
    WF__NONE = 0,
    WF__F32 = 1,
    WF__U8 = 2,
    WF__I8 = 3,
    WF__U16 = 4,
    WF__I16 = 5,
    WF__I32 = 6,
    WF__I64 = 7,
    WF__BOOL = 9,
    WF__F16 = 10,
    WF__F64 = 11,
    WF__U32 = 12,
    WF__U64 = 13
} wf__dtype;

#define WF__MAX_RANK 8
/* More elements than any model has use for: such a size is refused. */
#define WF__MAX_ELEMENTS ((int64_t)1 << 31)

typedef struct wf__shape {
    int rank;
    int64_t dim[WF__MAX_RANK]; /* -1 where not known before running */
} wf__shape;

typedef struct wf__tensor {
    wf__dtype dtype;
    wf__shape shape;
    void *data;
} wf__tensor;

size_t wf__dtype_size(wf__dtype dtype); /* 0: not a known type */
const char *wf__dtype_name(wf__dtype dtype);

/* Number of elements, checked; WF_ELIMIT beyond WF__MAX_ELEMENTS, WF_ESHAPE
 * for an unknown or negative dimension. */
wf_status wf__shape_count(const wf__shape *shape, int64_t *count,
                          wf_error *err);
/* For a shape that has been checked. */
int64_t wf__shape_elements(const wf__shape *shape);
bool wf__shape_equal(const wf__shape *a, const wf__shape *b);
/* "1x3x112x112" ("scalar" for rank 0); returns buf. */
const char *wf__shape_text(const wf__shape *shape, char *buf, size_t size);

/* Allocates `data` (uninitialised) for dtype and shape. */
wf_status wf__tensor_alloc(wf__tensor *tensor, wf__dtype dtype,
                           const wf__shape *shape, wf_error *err);
void wf__tensor_free(wf__tensor *tensor);

#endif
