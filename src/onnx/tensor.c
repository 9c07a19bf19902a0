#include "onnx/tensor.h"

#include <inttypes.h>

static const struct {
    const char *name;
    size_t size;
} types[] = {
    [WF__F32] = {"float32", 4}, [WF__U8] = {"uint8", 1},
    [WF__I8] = {"int8", 1},     [WF__U16] = {"uint16", 2},
    [WF__I16] = {"int16", 2},   [WF__I32] = {"int32", 4},
    [WF__I64] = {"int64", 8},   [WF__BOOL] = {"bool", 1},
    [WF__F16] = {"float16", 2}, [WF__F64] = {"float64", 8},
    [WF__U32] = {"uint32", 4},  [WF__U64] = {"uint64", 8},
};

size_t wf__dtype_size(wf__dtype dtype)
{
    return (size_t)dtype < WF__COUNT(types) ? types[dtype].size : 0;
}

const char *wf__dtype_name(wf__dtype dtype)
{
    return wf__dtype_size(dtype) ? types[dtype].name : "unknown";
}

wf_status wf__shape_count(const wf__shape *shape, int64_t *count, wf_error *err)
{
    int64_t n = 1;
    bool over = false, empty = false;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dim[i] < 0)
            WF__FAIL(err, WF_ESHAPE, "dimension %d of a tensor is %" PRId64, i,
                     shape->dim[i]);
        empty |= shape->dim[i] == 0;
        over |= __builtin_mul_overflow(n, WF__MAX(shape->dim[i], 1), &n) ||
                n > WF__MAX_ELEMENTS;
        if (over)
            n = 1;
    }
    if (over && !empty) {
        char text[200];
        WF__FAIL(err, WF_ELIMIT,
                 "a tensor of %s elements is over the limit of %" PRId64,
                 wf__shape_text(shape, text, sizeof(text)), WF__MAX_ELEMENTS);
    }
    *count = empty ? 0 : n;
    return WF_OK;
}

int64_t wf__shape_elements(const wf__shape *shape)
{
    int64_t n = 1;
    for (int i = 0; i < shape->rank; i++)
        n *= shape->dim[i];
    return n;
}

bool wf__shape_equal(const wf__shape *a, const wf__shape *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

const char *wf__shape_text(const wf__shape *shape, char *buf, size_t size)
{
    size_t used = (size_t)snprintf(buf, size, shape->rank ? "" : "scalar");
    for (int i = 0; i < shape->rank && used < size; i++) {
        if (i)
            used += (size_t)snprintf(buf + used, size - used, "x");
        if (used >= size)
            break;
        if (shape->dim[i] < 0)
            used += (size_t)snprintf(buf + used, size - used, "?");
        else
            used += (size_t)snprintf(buf + used, size - used, "%" PRId64,
                                     shape->dim[i]);
    }
    return buf;
}

wf_status wf__tensor_alloc(wf__tensor *tensor, wf__dtype dtype,
                           const wf__shape *shape, wf_error *err)
{
    int64_t count;
    WF__TRY(wf__shape_count(shape, &count, err));
    void *data = wf__alloc((size_t)count, wf__dtype_size(dtype));
    if (!data)
        WF__FAIL(err, WF_ENOMEM, "out of memory for %" PRId64 " values of %s",
                 count, wf__dtype_name(dtype));
    *tensor = (wf__tensor){dtype, *shape, data};
    return WF_OK;
}

void wf__tensor_free(wf__tensor *tensor)
{
    wf__free(tensor->data);
    tensor->data = NULL;
}
