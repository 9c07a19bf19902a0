/* Operators that move elements without changing them. */
#include <inttypes.h>

#include "kernel/call.h"

/* ---- Transpose ----------------------------------------------------------- */

static wf_status permutation(const wf__op_call *call, int perm[WF__MAX_RANK],
                             wf_error *err)
{
    int rank = call->in[0]->shape.rank;
    bool used[WF__MAX_RANK] = {false};
    wf__ints given;
    WF__TRY(wf__op_ints(call, "perm", -1, &given, err));
    if (given.given && given.count != rank)
        return wf__op_fail(call, err, WF_ESHAPE,
                           "perm has %d values for %d "
                           "dimensions",
                           given.count, rank);
    for (int i = 0; i < rank; i++) {
        int64_t from = given.given ? given.value[i] : rank - 1 - i;
        WF__TRY(wf__op_axis(call, from, rank, &perm[i], err));
        if (used[perm[i]])
            return wf__op_fail(call, err, WF_ESHAPE, "axis %d twice", perm[i]);
        used[perm[i]] = true;
    }
    return WF_OK;
}

static wf_status infer_transpose(wf__op_call *call, wf_error *err)
{
    int perm[WF__MAX_RANK];
    wf__shape out = call->in[0]->shape;
    WF__TRY(permutation(call, perm, err));
    for (int i = 0; i < out.rank; i++)
        out.dim[i] = call->in[0]->shape.dim[perm[i]];
    return wf__op_output(call, 0, call->in[0]->dtype, &out, err);
}

static wf_status run_transpose(wf__op_call *call, wf_error *err)
{
    int perm[WF__MAX_RANK];
    int64_t own[WF__MAX_RANK], stride[WF__MAX_RANK];
    WF__TRY(permutation(call, perm, err));
    wf__strides(&call->in[0]->shape, own);
    for (int i = 0; i < call->in[0]->shape.rank; i++)
        stride[i] = own[perm[i]];
    wf__copy_strided(&call->out[0], call->in[0]->data, 0, stride);
    return WF_OK;
}

/* ---- Concat and Split ---------------------------------------------------- */

/* Elements before and from an axis on. */
static int64_t count_dims(const wf__shape *s, int begin, int end)
{
    int64_t n = 1;
    for (int i = begin; i < end; i++)
        n *= s->dim[i];
    return n;
}

/*
 * Copies a piece of `length` along `axis` between a whole and its place in it
 * (`at`); `split` copies out of the whole.
 */
static void copy_piece(wf__tensor *whole, wf__tensor *piece, int axis,
                       int64_t at, bool split)
{
    size_t size = wf__dtype_size(piece->dtype);
    int rank = whole->shape.rank;
    int64_t outer = count_dims(&piece->shape, 0, axis);
    size_t run = (size_t)count_dims(&piece->shape, axis, rank) * size;
    size_t step = (size_t)count_dims(&whole->shape, axis, rank) * size;
    size_t shift =
        (size_t)(at * count_dims(&whole->shape, axis + 1, rank)) * size;
    char *in_whole = (char *)whole->data + shift, *in_piece = piece->data;
    for (int64_t i = 0; i < outer; i++, in_whole += step, in_piece += run)
        memcpy(split ? in_piece : in_whole, split ? in_whole : in_piece, run);
}

static wf_status infer_concat(wf__op_call *call, wf_error *err)
{
    wf__shape out = call->in[0]->shape;
    int axis;
    int64_t given = wf__node_int(call->node, "axis", 1);
    WF__TRY(wf__op_axis(call, given, out.rank, &axis, err));
    for (int k = 1; k < call->node->n_inputs; k++) {
        const wf__tensor *t = call->in[k];
        bool fits =
            t && t->dtype == call->in[0]->dtype && t->shape.rank == out.rank;
        for (int i = 0; fits && i < out.rank; i++)
            fits = i == axis || t->shape.dim[i] == out.dim[i];
        if (!fits || __builtin_add_overflow(out.dim[axis], t->shape.dim[axis],
                                            &out.dim[axis]))
            return wf__op_fail(call, err, WF_ESHAPE,
                               "input %d does not fit input 0", k);
    }
    return wf__op_output(call, 0, call->in[0]->dtype, &out, err);
}

static wf_status run_concat(wf__op_call *call, wf_error *err)
{
    int axis;
    int64_t at = 0;
    WF__TRY(wf__op_axis(call, wf__node_int(call->node, "axis", 1),
                        call->out[0].shape.rank, &axis, err));
    for (int k = 0; k < call->node->n_inputs; k++) {
        wf__tensor piece = *call->in[k];
        copy_piece(&call->out[0], &piece, axis, at, false);
        at += piece.shape.dim[axis];
    }
    return WF_OK;
}

/* Lengths of the pieces: stated, or as equal as can be. */
static wf_status infer_split(wf__op_call *call, wf_error *err)
{
    wf__shape out = call->in[0]->shape;
    int axis, pieces = call->node->n_outputs;
    int64_t left;
    wf__ints lengths;
    WF__TRY(wf__op_axis(call, wf__node_int(call->node, "axis", 0), out.rank,
                        &axis, err));
    WF__TRY(wf__op_ints(call, "split", 1, &lengths, err));
    if (lengths.given && lengths.count != pieces)
        return wf__op_fail(call, err, WF_ESHAPE, "%d lengths for %d outputs",
                           lengths.count, pieces);
    left = out.dim[axis];
    int64_t equal = (left + pieces - 1) / pieces;
    for (int k = 0; k < pieces; k++) {
        int64_t n = lengths.given ? lengths.value[k] : WF__MIN(equal, left);
        if (n < 0 || n > left)
            return wf__op_fail(call, err, WF_ESHAPE,
                               "the lengths do not fit the input");
        out.dim[axis] = n;
        left -= n;
        WF__TRY(wf__op_output(call, k, call->in[0]->dtype, &out, err));
    }
    if (left)
        return wf__op_fail(call, err, WF_ESHAPE,
                           "the lengths do not fit the input");
    return WF_OK;
}

static wf_status run_split(wf__op_call *call, wf_error *err)
{
    int axis;
    int64_t at = 0;
    wf__tensor whole = *call->in[0];
    WF__TRY(wf__op_axis(call, wf__node_int(call->node, "axis", 0),
                        whole.shape.rank, &axis, err));
    for (int k = 0; k < call->node->n_outputs; k++) {
        copy_piece(&whole, &call->out[k], axis, at, true);
        at += call->out[k].shape.dim[axis];
    }
    return WF_OK;
}

/* ---- Slice --------------------------------------------------------------- */

typedef struct slice {
    wf__shape out;
    int64_t start[WF__MAX_RANK], step[WF__MAX_RANK];
} slice;

/* NumPy's rule for one axis of length n. */
static void slice_axis(int64_t n, int64_t start, int64_t end, int64_t step,
                       int64_t *first, int64_t *count)
{
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
    start += start < 0 ? n : 0;
    end += end < 0 ? n : 0;
    start = WF__MIN(WF__MAX(start, low), high);
    end = WF__MIN(WF__MAX(end, low), high);
    int64_t span = step > 0 ? end - start : start - end;
    /* A step beyond the length takes one element, whatever its size. */
    int64_t size = step > 0 ? step : step == INT64_MIN ? INT64_MAX : -step;
    *count = span <= 0 ? 0 : (span - 1) / size + 1;
    *first = *count ? start : 0;
}

static wf_status read_slice(const wf__op_call *call, slice *s, wf_error *err)
{
    wf__ints starts, ends, axes, steps;
    s->out = call->in[0]->shape;
    WF__TRY(wf__op_ints(call, "starts", 1, &starts, err));
    WF__TRY(wf__op_ints(call, "ends", 2, &ends, err));
    WF__TRY(wf__op_ints(call, "axes", 3, &axes, err));
    WF__TRY(wf__op_ints(call, NULL, 4, &steps, err));
    if (starts.count != ends.count ||
        (axes.given ? axes.count != starts.count
                    : starts.count > s->out.rank) ||
        (steps.given && steps.count != starts.count))
        return wf__op_fail(call, err, WF_ESHAPE,
                           "starts, ends, axes and steps do not fit");
    for (int i = 0; i < s->out.rank; i++) {
        s->start[i] = 0;
        s->step[i] = 1;
    }
    for (int i = 0; i < starts.count; i++) {
        int axis;
        WF__TRY(wf__op_axis(call, axes.given ? axes.value[i] : i, s->out.rank,
                            &axis, err));
        s->step[axis] = steps.given ? steps.value[i] : 1;
        if (!s->step[axis])
            return wf__op_fail(call, err, WF_ESHAPE, "a step of 0");
        slice_axis(call->in[0]->shape.dim[axis], starts.value[i], ends.value[i],
                   s->step[axis], &s->start[axis], &s->out.dim[axis]);
        if (s->out.dim[axis] <= 1)
            s->step[axis] = 1;
    }
    return WF_OK;
}

static wf_status infer_slice(wf__op_call *call, wf_error *err)
{
    slice s;
    WF__TRY(read_slice(call, &s, err));
    return wf__op_output(call, 0, call->in[0]->dtype, &s.out, err);
}

static wf_status run_slice(wf__op_call *call, wf_error *err)
{
    slice s;
    int64_t stride[WF__MAX_RANK], offset = 0;
    WF__TRY(read_slice(call, &s, err));
    wf__strides(&call->in[0]->shape, stride);
    for (int i = 0; i < s.out.rank; i++) {
        offset += s.start[i] * stride[i];
        stride[i] *= s.step[i];
    }
    wf__copy_strided(&call->out[0], call->in[0]->data, offset, stride);
    return WF_OK;
}

/* ---- Gather -------------------------------------------------------------- */

static wf_status infer_gather(wf__op_call *call, wf_error *err)
{
    const wf__shape *in = &call->in[0]->shape, *at = &call->in[1]->shape;
    int axis;
    wf__shape out = {0};
    WF__TRY(wf__op_axis(call, wf__node_int(call->node, "axis", 0), in->rank,
                        &axis, err));
    if (call->in[1]->dtype != WF__I64 && call->in[1]->dtype != WF__I32)
        return wf__op_fail(call, err, WF_ESHAPE, "indices must be integers");
    if (in->rank - 1 + at->rank > WF__MAX_RANK)
        return wf__op_fail(call, err, WF_ELIMIT, "too many dimensions");
    for (int i = 0; i < axis; i++)
        out.dim[out.rank++] = in->dim[i];
    for (int i = 0; i < at->rank; i++)
        out.dim[out.rank++] = at->dim[i];
    for (int i = axis + 1; i < in->rank; i++)
        out.dim[out.rank++] = in->dim[i];
    return wf__op_output(call, 0, call->in[0]->dtype, &out, err);
}

static wf_status run_gather(wf__op_call *call, wf_error *err)
{
    const wf__tensor *in = call->in[0], *at = call->in[1];
    int axis;
    char *out = call->out[0].data;
    WF__TRY(wf__op_axis(call, wf__node_int(call->node, "axis", 0),
                        in->shape.rank, &axis, err));
    int64_t n = in->shape.dim[axis], count = wf__shape_elements(&at->shape);
    int64_t outer = count_dims(&in->shape, 0, axis);
    size_t run = (size_t)count_dims(&in->shape, axis + 1, in->shape.rank) *
                 wf__dtype_size(in->dtype);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < count; i++, out += run) {
            int64_t index = wf__load_int(at, i);
            if (index < -n || index >= n)
                return wf__op_fail(call, err, WF_ESHAPE,
                                   "index %" PRId64 " is not within %" PRId64,
                                   index, n);
            index += index < 0 ? n : 0;
            memcpy(out, (const char *)in->data + (size_t)(o * n + index) * run,
                   run);
        }
    return WF_OK;
}

/* ---- Expand, Tile, Pad --------------------------------------------------- */

static wf_status infer_expand(wf__op_call *call, wf_error *err)
{
    const wf__shape *in = &call->in[0]->shape;
    wf__shape out = *in;
    wf__ints want;
    WF__TRY(wf__op_ints(call, NULL, 1, &want, err));
    if (want.count > WF__MAX_RANK)
        return wf__op_fail(call, err, WF_ELIMIT, "%d dimensions", want.count);
    out.rank = WF__MAX(in->rank, want.count);
    for (int i = 0; i < out.rank; i++) {
        int own = i - (out.rank - in->rank),
            asked = i - (out.rank - want.count);
        int64_t a = own < 0 ? 1 : in->dim[own];
        int64_t b = asked < 0 ? 1 : want.value[asked];
        if (a != b && a != 1 && b != 1)
            return wf__op_fail(call, err, WF_ESHAPE,
                               "the input cannot be stretched to that shape");
        out.dim[i] = a == 1 ? b : a;
    }
    return wf__op_output(call, 0, call->in[0]->dtype, &out, err);
}

static wf_status run_expand(wf__op_call *call, wf_error *err)
{
    int64_t stride[WF__MAX_RANK];
    (void)err;
    wf__broadcast_strides(&call->in[0]->shape, &call->out[0].shape, stride);
    wf__copy_strided(&call->out[0], call->in[0]->data, 0, stride);
    return WF_OK;
}

/* Room for one index map an axis, to be filled and used with wf__remap. */
static wf_status make_maps(const wf__op_call *call, int64_t *map[WF__MAX_RANK],
                           int64_t **memory, wf_error *err)
{
    const wf__shape *out = &call->out[0].shape;
    int64_t total = 0;
    for (int i = 0; i < out->rank; i++)
        total += out->dim[i];
    *memory = wf__alloc((size_t)total, sizeof(**memory));
    if (!*memory)
        return wf__op_fail(call, err, WF_ENOMEM, "out of memory");
    int64_t *next = *memory;
    for (int i = 0; i < out->rank; next += out->dim[i++])
        map[i] = next;
    return WF_OK;
}

static wf_status infer_tile(wf__op_call *call, wf_error *err)
{
    wf__shape out = call->in[0]->shape;
    wf__ints repeats;
    WF__TRY(wf__op_ints(call, NULL, 1, &repeats, err));
    for (int i = 0; i < out.rank; i++)
        if (repeats.count != out.rank || repeats.value[i] < 0 ||
            __builtin_mul_overflow(out.dim[i], repeats.value[i], &out.dim[i]))
            return wf__op_fail(call, err, WF_ESHAPE,
                               "the repeats do not fit the input");
    return wf__op_output(call, 0, call->in[0]->dtype, &out, err);
}

static wf_status run_tile(wf__op_call *call, wf_error *err)
{
    int64_t *map[WF__MAX_RANK], *memory;
    const wf__shape *in = &call->in[0]->shape, *out = &call->out[0].shape;
    WF__TRY(make_maps(call, map, &memory, err));
    for (int axis = 0; axis < out->rank; axis++)
        for (int64_t i = 0; i < out->dim[axis]; i++)
            map[axis][i] = i % in->dim[axis];
    wf__remap(&call->out[0], call->in[0], map, NULL);
    wf__free(memory);
    return WF_OK;
}

/* begin[axis], end[axis]: elements added, or cut off where negative. */
static wf_status read_pads(const wf__op_call *call, int64_t *begin,
                           int64_t *end, wf_error *err)
{
    int rank = call->in[0]->shape.rank;
    wf__ints pads, axes;
    WF__TRY(wf__op_ints(call, "pads", 1, &pads, err));
    WF__TRY(wf__op_ints(call, NULL, 3, &axes, err));
    int count = axes.given ? axes.count : rank;
    if (pads.count != 2 * count)
        return wf__op_fail(call, err, WF_ESHAPE, "%d pads for %d axes",
                           pads.count, count);
    for (int i = 0; i < rank; i++)
        begin[i] = end[i] = 0;
    for (int i = 0; i < count; i++) {
        int axis;
        WF__TRY(wf__op_axis(call, axes.given ? axes.value[i] : i, rank, &axis,
                            err));
        begin[axis] = pads.value[i];
        end[axis] = pads.value[count + i];
    }
    return WF_OK;
}

static wf_status infer_pad(wf__op_call *call, wf_error *err)
{
    int64_t begin[WF__MAX_RANK], end[WF__MAX_RANK];
    const char *mode = wf__node_string(call->node, "mode", "constant");
    bool reflect = !strcmp(mode, "reflect");
    const wf__tensor *value = wf__op_input(call, 2);
    wf__shape out = call->in[0]->shape;
    if (!reflect && strcmp(mode, "constant") && strcmp(mode, "edge"))
        return wf__op_fail(call, err, WF_EOPERATOR, "mode '%s'", mode);
    if (value && (value->dtype != call->in[0]->dtype ||
                  wf__shape_elements(&value->shape) != 1))
        return wf__op_fail(call, err, WF_ESHAPE,
                           "the filling must be one value of the input's type");
    WF__TRY(read_pads(call, begin, end, err));
    for (int i = 0; i < out.rank; i++) {
        int64_t n = out.dim[i], most = INT32_MAX;
        bool small = strcmp(mode, "constant") != 0 && n == 0;
        if (reflect)
            most = n - 1;
        if (begin[i] > most || end[i] > most || begin[i] < -n || end[i] < -n ||
            n + begin[i] + end[i] < 0 || small)
            return wf__op_fail(call, err, WF_ESHAPE,
                               "the pads do not fit axis %d", i);
        out.dim[i] += begin[i] + end[i];
    }
    return wf__op_output(call, 0, call->in[0]->dtype, &out, err);
}

static wf_status run_pad(wf__op_call *call, wf_error *err)
{
    int64_t begin[WF__MAX_RANK], end[WF__MAX_RANK];
    int64_t *map[WF__MAX_RANK], *memory;
    const char *mode = wf__node_string(call->node, "mode", "constant");
    const wf__tensor *value = wf__op_input(call, 2);
    const wf__shape *in = &call->in[0]->shape, *out = &call->out[0].shape;
    float attribute = wf__node_float(call->node, "value", 0);
    const void *fill = value                           ? value->data
                       : call->in[0]->dtype == WF__F32 ? (void *)&attribute
                                                       : NULL;
    WF__TRY(read_pads(call, begin, end, err));
    WF__TRY(make_maps(call, map, &memory, err));
    for (int axis = 0; axis < out->rank; axis++)
        for (int64_t i = 0; i < out->dim[axis]; i++) {
            int64_t n = in->dim[axis], from = i - begin[axis];
            if (!strcmp(mode, "edge"))
                from = WF__MIN(WF__MAX(from, 0), n - 1);
            else if (!strcmp(mode, "reflect"))
                from = from < 0 ? -from : from >= n ? 2 * n - 2 - from : from;
            map[axis][i] = from < n ? from : -1;
        }
    wf__remap(&call->out[0], call->in[0], map, fill);
    wf__free(memory);
    return WF_OK;
}

/* ---- DepthToSpace and back ----------------------------------------------- */

static wf_status infer_depth(wf__op_call *call, wf_error *err)
{
    wf__shape out = call->in[0]->shape;
    bool to_space = !strcmp(call->node->op, "DepthToSpace");
    int64_t b = wf__node_int(call->node, "blocksize", 0);
    if (out.rank != 4 || b < 1 || b > 1 << 15 ||
        (to_space ? out.dim[1] % (b * b) : out.dim[2] % b || out.dim[3] % b))
        return wf__op_fail(call, err, WF_ESHAPE,
                           "blocks of %" PRId64 " do not fit the input", b);
    out.dim[1] = to_space ? out.dim[1] / (b * b) : out.dim[1] * b * b;
    for (int i = 2; i < 4; i++)
        out.dim[i] = to_space ? out.dim[i] * b : out.dim[i] / b;
    return wf__op_output(call, 0, call->in[0]->dtype, &out, err);
}

/* Both are a transposition of six axes. */
static wf_status run_depth(wf__op_call *call, wf_error *err)
{
    static const int orders[3][6] = {
        {0, 3, 4, 1, 5, 2}, /* DepthToSpace, DCR: b b c h w -> c h b w b */
        {0, 1, 4, 2, 5, 3}, /* DepthToSpace, CRD: c b b h w */
        {0, 3, 5, 1, 2, 4}, /* SpaceToDepth: c h b w b -> b b c h w */
    };
    const wf__shape *s = &call->in[0]->shape;
    int64_t b = wf__node_int(call->node, "blocksize", 1);
    int64_t c = s->dim[1] / (b * b), h = s->dim[2], w = s->dim[3];
    bool crd = !strcmp(wf__node_string(call->node, "mode", "DCR"), "CRD");
    int kind = strcmp(call->node->op, "DepthToSpace") ? 2 : crd;
    wf__shape split = {6, {s->dim[0], b, b, c, h, w}};
    if (kind == 1)
        split = (wf__shape){6, {s->dim[0], c, b, b, h, w}};
    if (kind == 2)
        split = (wf__shape){6, {s->dim[0], s->dim[1], h / b, b, w / b, b}};
    int64_t own[WF__MAX_RANK], stride[WF__MAX_RANK];
    wf__tensor out = call->out[0];
    (void)err;
    wf__strides(&split, own);
    out.shape.rank = 6;
    for (int i = 0; i < 6; i++) {
        out.shape.dim[i] = split.dim[orders[kind][i]];
        stride[i] = own[orders[kind][i]];
    }
    wf__copy_strided(&out, call->in[0]->data, 0, stride);
    return WF_OK;
}

static const char *const perm[] = {"perm", NULL};
static const char *const axis_attr[] = {"axis", NULL};
static const char *const split_attrs[] = {"axis", "split", "num_outputs", NULL};
static const char *const slice_attrs[] = {"starts", "ends", "axes", NULL};
static const char *const pad_attrs[] = {"mode", "pads", "value", NULL};
static const char *const depth_attrs[] = {"blocksize", "mode", NULL};

const wf__op wf__ops_move[] = {
    {"Transpose", 1, WF__OPSET_NEWEST, 1, 1, 1, perm, infer_transpose,
     run_transpose},
    {"Concat", 1, WF__OPSET_NEWEST, 1, 1 << 16, 1, axis_attr, infer_concat,
     run_concat},
    {"Split", 2, WF__OPSET_NEWEST, 1, 2, 1 << 16, split_attrs, infer_split,
     run_split},
    {"Slice", 1, WF__OPSET_NEWEST, 1, 5, 1, slice_attrs, infer_slice,
     run_slice},
    {"Gather", 1, WF__OPSET_NEWEST, 2, 2, 1, axis_attr, infer_gather,
     run_gather},
    {"Expand", 8, WF__OPSET_NEWEST, 2, 2, 1, NULL, infer_expand, run_expand},
    {"Tile", 6, WF__OPSET_NEWEST, 2, 2, 1, NULL, infer_tile, run_tile},
    {"Pad", 2, WF__OPSET_NEWEST, 1, 4, 1, pad_attrs, infer_pad, run_pad},
    {"DepthToSpace", 1, WF__OPSET_NEWEST, 1, 1, 1, depth_attrs, infer_depth,
     run_depth},
    {"SpaceToDepth", 1, WF__OPSET_NEWEST, 1, 1, 1, depth_attrs, infer_depth,
     run_depth},
    {0},
};
