/* Matrix products; sums in double precision. */
#include "kernel/call.h"

static wf_status infer_gemm(wf__op_call *call, wf_error *err)
{
    const wf__shape *a = &call->in[0]->shape, *b = &call->in[1]->shape;
    const wf__tensor *c = wf__op_input(call, 2);
    int ta = wf__node_int(call->node, "transA", 0) != 0;
    int tb = wf__node_int(call->node, "transB", 0) != 0;
    WF__TRY(wf__op_need_floats(call, 3, err));
    if (a->rank != 2 || b->rank != 2 || a->dim[!ta] != b->dim[tb]) {
        char left[100], right[100];
        return wf__op_fail(call, err, WF_ESHAPE,
                           "matrices %s and %s cannot be multiplied",
                           wf__shape_text(a, left, sizeof(left)),
                           wf__shape_text(b, right, sizeof(right)));
    }
    wf__shape out = {.rank = 2, .dim = {a->dim[ta], b->dim[!tb]}};
    for (int i = 0; c && i < c->shape.rank; i++) {
        int64_t have = c->shape.dim[c->shape.rank - 1 - i];
        if (i >= 2 || (have != 1 && have != out.dim[1 - i]))
            return wf__op_fail(call, err, WF_ESHAPE,
                               "input 2 does not fit the product");
    }
    return wf__op_output(call, 0, WF__F32, &out, err);
}

/*
 * out (m x n) = alpha * a (m x k) * b (k x n); `row` and `column` are the steps
 * from one row or column of a and b to the next.
 */
static void multiply(const float *a, int64_t a_row, int64_t a_column,
                     const float *b, int64_t b_row, int64_t b_column, int64_t m,
                     int64_t k, int64_t n, double alpha, float *out)
{
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t l = 0; l < k; l++)
                sum += (double)a[i * a_row + l * a_column] *
                       b[l * b_row + j * b_column];
            *out++ = (float)(alpha * sum);
        }
}

static wf_status run_gemm(wf__op_call *call, wf_error *err)
{
    const wf__shape *sa = &call->in[0]->shape, *sb = &call->in[1]->shape;
    const wf__tensor *c = wf__op_input(call, 2);
    wf__tensor *out = &call->out[0];
    int ta = wf__node_int(call->node, "transA", 0) != 0;
    int tb = wf__node_int(call->node, "transB", 0) != 0;
    int64_t m = out->shape.dim[0], n = out->shape.dim[1], k = sa->dim[!ta];
    float *to = out->data, beta = wf__node_float(call->node, "beta", 1);
    (void)err;
    multiply(call->in[0]->data, ta ? 1 : k, ta ? m : 1, call->in[1]->data,
             tb ? 1 : n, tb ? sb->dim[1] : 1, m, k, n,
             wf__node_float(call->node, "alpha", 1), to);
    if (c) {
        int64_t stride[WF__MAX_RANK];
        wf__broadcast_strides(&c->shape, &out->shape, stride);
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++)
                to[i * n + j] +=
                    beta *
                    ((const float *)c->data)[i * stride[0] + j * stride[1]];
    }
    return WF_OK;
}

/* The shape of a product of stacks of matrices, and of its operands with
 * vectors taken as matrices. */
static wf_status matmul_shapes(const wf__op_call *call, wf__shape *a,
                               wf__shape *b, wf__shape *stack, wf_error *err)
{
    *a = call->in[0]->shape;
    *b = call->in[1]->shape;
    if (a->rank == 1)
        *a = (wf__shape){2, {1, a->dim[0]}};
    if (b->rank == 1)
        *b = (wf__shape){2, {b->dim[0], 1}};
    if (a->rank < 2 || b->rank < 2 ||
        a->dim[a->rank - 1] != b->dim[b->rank - 2])
        return wf__op_fail(call, err, WF_ESHAPE,
                           "the matrices cannot be multiplied");
    stack->rank = WF__MAX(a->rank, b->rank) - 2;
    for (int i = 0; i < stack->rank; i++) {
        int ia = i - (stack->rank + 2 - a->rank);
        int ib = i - (stack->rank + 2 - b->rank);
        int64_t da = ia < 0 ? 1 : a->dim[ia], db = ib < 0 ? 1 : b->dim[ib];
        if (da != db && da != 1 && db != 1)
            return wf__op_fail(call, err, WF_ESHAPE,
                               "the stacks of matrices do not fit");
        stack->dim[i] = da == 1 ? db : da;
    }
    return WF_OK;
}

static wf_status infer_matmul(wf__op_call *call, wf_error *err)
{
    wf__shape a, b, out;
    WF__TRY(wf__op_need_floats(call, 2, err));
    WF__TRY(matmul_shapes(call, &a, &b, &out, err));
    if (call->in[0]->shape.rank > 1)
        out.dim[out.rank++] = a.dim[a.rank - 2];
    if (call->in[1]->shape.rank > 1)
        out.dim[out.rank++] = b.dim[b.rank - 1];
    return wf__op_output(call, 0, WF__F32, &out, err);
}

static wf_status run_matmul(wf__op_call *call, wf_error *err)
{
    wf__shape a, b, stack;
    int64_t step_a[WF__MAX_RANK], step_b[WF__MAX_RANK];
    float *out = call->out[0].data;
    WF__TRY(matmul_shapes(call, &a, &b, &stack, err));
    int64_t m = a.dim[a.rank - 2], k = a.dim[a.rank - 1], n = b.dim[b.rank - 1];
    a.rank -= 2;
    b.rank -= 2;
    wf__broadcast_strides(&a, &stack, step_a);
    wf__broadcast_strides(&b, &stack, step_b);
    int64_t total = wf__shape_elements(&stack);
    for (int64_t i = 0; i < total; i++, out += m * n) {
        int64_t from_a = 0, from_b = 0, rest = i;
        for (int axis = stack.rank - 1; axis >= 0; axis--) {
            from_a += rest % stack.dim[axis] * step_a[axis];
            from_b += rest % stack.dim[axis] * step_b[axis];
            rest /= stack.dim[axis];
        }
        multiply((const float *)call->in[0]->data + from_a * m * k, k, 1,
                 (const float *)call->in[1]->data + from_b * k * n, n, 1, m, k,
                 n, 1, out);
    }
    return WF_OK;
}

static const char *const gemm[] = {"alpha", "beta", "transA", "transB", NULL};

const wf__op wf__ops_matmul[] = {
    {"Gemm", 7, WF__OPSET_NEWEST, 2, 3, 1, gemm, infer_gemm, run_gemm},
    {"MatMul", 1, WF__OPSET_NEWEST, 2, 2, 1, NULL, infer_matmul, run_matmul},
    {0},
};
