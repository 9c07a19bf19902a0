#include "onnx/graph.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/fileio.h"
#include "onnx/proto.h"

/*
 * A parsed graph with what its pointers point into: names and most tensor data
 * stay where protobuf-c put them.
 */
typedef struct storage {
    wf__graph graph;
    wf__arena arena;
    wf__proto proto;
} storage;

/* A name and the value that it stands for; sorted by name for look-up. */
typedef struct definition {
    const char *name;
    int value;
} definition;

typedef struct builder {
    const char *file;
    wf__graph *graph;
    wf__arena *arena;
    wf_error *err;
    const Onnx__GraphProto *proto;
    wf__node *nodes;
    wf__value *values;
    definition *names;
    int n_names;
} builder;

static wf_status no_memory(const builder *b)
{
    return wf__fail(b->err, WF_ENOMEM, "out of memory while reading '%s'",
                    b->file);
}

#define ALLOC(pointer, count)                                                  \
    do {                                                                       \
        (pointer) = wf__arena_alloc(b->arena, (count), sizeof(*(pointer)));    \
        if (!(pointer))                                                        \
            return no_memory(b);                                               \
    } while (0)

/* ---- tensors ------------------------------------------------------------- */

static const char *text_or(const char *text, const char *fallback)
{
    return text && *text ? text : fallback;
}

/* Where a tensor's values lie in the message, if not in raw_data. */
typedef struct typed_data {
    const void *data;
    size_t count, size; /* elements, bytes of one */
} typed_data;

static typed_data typed_data_of(const Onnx__TensorProto *t, wf__dtype dtype)
{
    switch (dtype) {
    case WF__F32:
        return (typed_data){t->float_data, t->n_float_data, 4};
    case WF__F64:
        return (typed_data){t->double_data, t->n_double_data, 8};
    case WF__I64:
        return (typed_data){t->int64_data, t->n_int64_data, 8};
    case WF__U32:
    case WF__U64:
        return (typed_data){t->uint64_data, t->n_uint64_data, 8};
    default:
        return (typed_data){t->int32_data, t->n_int32_data, 4};
    }
}

/* Copies n integers into the narrower type that they stand for. */
static void narrow(const typed_data *typed, size_t size, void *out)
{
    for (size_t i = 0; i < typed->count; i++)
        memcpy((char *)out + i * size,
               (const char *)typed->data + i * typed->size, size);
}

static wf_status tensor_shape(const builder *b, const Onnx__TensorProto *t,
                              const char *what, wf__shape *shape,
                              int64_t *count)
{
    if (t->n_dims > WF__MAX_RANK)
        WF__FAIL(b->err, WF_ELIMIT,
                 "'%s': %s has %zu dimensions, at most %d "
                 "are supported",
                 b->file, what, t->n_dims, WF__MAX_RANK);
    shape->rank = (int)t->n_dims;
    for (int i = 0; i < shape->rank; i++)
        shape->dim[i] = t->dims[i];
    wf_status st = wf__shape_count(shape, count, b->err);
    if (st != WF_OK)
        return wf__fail_context(b->err, st, "'%s': %s", b->file, what);
    return WF_OK;
}

/* `what` names the tensor in messages. */
static wf_status read_tensor(const builder *b, const Onnx__TensorProto *t,
                             const char *what, wf__tensor *out)
{
    wf__dtype dtype = (wf__dtype)(t->has_data_type ? t->data_type : 0);
    size_t size = wf__dtype_size(dtype);
    int64_t count;
    if (t->has_data_location &&
        t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        WF__FAIL(b->err, WF_EUNSUPPORTED,
                 "'%s' keeps weights (%s) in another file; save it as one file "
                 "with onnx.save_model(model, file, "
                 "save_as_external_data=False)",
                 b->file, what);
    if (!size)
        WF__FAIL(b->err, WF_EUNSUPPORTED,
                 "'%s': %s has ONNX element type %d, which is not supported",
                 b->file, what, (int)dtype);
    WF__TRY(tensor_shape(b, t, what, &out->shape, &count));
    out->dtype = dtype;
    typed_data typed = typed_data_of(t, dtype);
    if (t->has_raw_data && t->raw_data.len) {
        if (t->raw_data.len != (size_t)count * size)
            WF__FAIL(b->err, WF_EONNX, "'%s': %s needs %zu bytes and has %zu",
                     b->file, what, (size_t)count * size, t->raw_data.len);
        out->data = t->raw_data.data;
        return WF_OK;
    }
    if (typed.count != (size_t)count)
        WF__FAIL(b->err, WF_EONNX, "'%s': %s needs %zu values and has %zu",
                 b->file, what, (size_t)count, typed.count);
    if (typed.size == size && count) {
        out->data = (void *)typed.data;
        return WF_OK;
    }
    out->data = wf__arena_alloc(b->arena, (size_t)count, size);
    if (!out->data)
        return no_memory(b);
    narrow(&typed, size, out->data);
    return WF_OK;
}

/* ---- values -------------------------------------------------------------- */

static wf_status add_value(builder *b, const char *name, int *index)
{
    if (!name || !*name)
        WF__FAIL(b->err, WF_EONNX, "'%s' has a value without a name", b->file);
    *index = b->graph->n_values++;
    b->values[*index] = (wf__value){.name = name, .producer = -1};
    b->names[b->n_names++] = (definition){name, *index};
    return WF_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const definition *)a)->name, ((const definition *)b)->name);
}

/* -1 if there is no such value; names must be sorted. */
static int find_value(const builder *b, const char *name)
{
    definition key = {name, 0};
    definition *found =
        bsearch(&key, b->names, (size_t)b->n_names, sizeof(key), by_name);
    return found ? found->value : -1;
}

static wf_status sort_names(builder *b)
{
    qsort(b->names, (size_t)b->n_names, sizeof(*b->names), by_name);
    for (int i = 1; i < b->n_names; i++)
        if (!strcmp(b->names[i - 1].name, b->names[i].name))
            WF__FAIL(b->err, WF_EONNX, "'%s' defines the value '%s' twice",
                     b->file, b->names[i].name);
    return WF_OK;
}

/* Type and shape that the file states for a value. */
static wf_status read_type(const builder *b, const Onnx__ValueInfoProto *info,
                           wf__value *value)
{
    const Onnx__TypeProto *type = info->type;
    if (!type || type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
        return WF_OK;
    const Onnx__TypeProto__Tensor *tensor = type->tensor_type;
    value->dtype = (wf__dtype)(tensor->has_elem_type ? tensor->elem_type : 0);
    if (!tensor->shape)
        return WF_OK;
    if (tensor->shape->n_dim > WF__MAX_RANK)
        WF__FAIL(b->err, WF_ELIMIT,
                 "'%s': value '%s' has %zu dimensions, at most %d are "
                 "supported",
                 b->file, value->name, tensor->shape->n_dim, WF__MAX_RANK);
    value->has_shape = true;
    value->shape.rank = (int)tensor->shape->n_dim;
    for (int i = 0; i < value->shape.rank; i++) {
        const Onnx__TensorShapeProto__Dimension *d = tensor->shape->dim[i];
        bool known = d->value_case ==
                     ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        /* 0 and negative sizes are other writers' way to say "any". */
        value->shape.dim[i] = known && d->dim_value > 0 ? d->dim_value : -1;
    }
    return WF_OK;
}

/* An input must be a tensor of a type that we know. */
static wf_status read_input_type(const builder *b,
                                 const Onnx__ValueInfoProto *info,
                                 wf__value *value)
{
    WF__TRY(read_type(b, info, value));
    if (info->type &&
        info->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
        WF__FAIL(b->err, WF_EUNSUPPORTED, "'%s': input '%s' is not a tensor",
                 b->file, value->name);
    if (value->dtype && !wf__dtype_size(value->dtype))
        WF__FAIL(b->err, WF_EUNSUPPORTED,
                 "'%s': input '%s' has ONNX element type %d, which is not "
                 "supported",
                 b->file, value->name, (int)value->dtype);
    return WF_OK;
}

static wf_status add_initializers(builder *b)
{
    for (size_t i = 0; i < b->proto->n_initializer; i++) {
        const Onnx__TensorProto *t = b->proto->initializer[i];
        char what[200];
        int index;
        WF__TRY(add_value(b, t->name, &index));
        wf__value *value = &b->values[index];
        snprintf(what, sizeof(what), "initializer '%s'", value->name);
        WF__TRY(read_tensor(b, t, what, &value->constant));
        value->dtype = value->constant.dtype;
        value->shape = value->constant.shape;
        value->has_shape = true;
    }
    return WF_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Old files list the initializers among the inputs. */
static wf_status add_inputs(builder *b)
{
    const Onnx__GraphProto *g = b->proto;
    const char **weights;
    int *inputs;
    ALLOC(weights, g->n_initializer);
    ALLOC(inputs, g->n_input);
    for (size_t i = 0; i < g->n_initializer; i++)
        weights[i] = g->initializer[i]->name;
    qsort(weights, g->n_initializer, sizeof(*weights), compare_names);
    for (size_t i = 0; i < g->n_input; i++) {
        const char *name = text_or(g->input[i]->name, "");
        if (bsearch(&name, weights, g->n_initializer, sizeof(*weights),
                    compare_names))
            continue;
        int index;
        WF__TRY(add_value(b, name, &index));
        WF__TRY(read_input_type(b, g->input[i], &b->values[index]));
        inputs[b->graph->n_inputs++] = index;
    }
    b->graph->inputs = inputs;
    return WF_OK;
}

/* ---- nodes --------------------------------------------------------------- */

static wf_status bad_attribute(const builder *b, const wf__node *node,
                               const char *name, const char *what)
{
    return wf__fail(b->err, WF_EOPERATOR,
                    "'%s': node '%s' (%s): attribute '%s' is %s, which is not "
                    "supported",
                    b->file, node->name, node->op, name, what);
}

/* Files from before 2017 leave the kind out. */
static int attribute_kind(const Onnx__AttributeProto *a)
{
    if (a->has_type && a->type)
        return (int)a->type;
    return a->has_f      ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT
           : a->has_i    ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT
           : a->has_s    ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING
           : a->t        ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR
           : a->n_floats ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS
           : a->n_ints   ? ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS
                         : ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__UNDEFINED;
}

static wf_status read_attribute(const builder *b, const wf__node *node,
                                const Onnx__AttributeProto *a, wf__attr *out)
{
    char what[300];
    out->name = text_or(a->name, "");
    switch (attribute_kind(a)) {
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT:
        out->kind = WF__ATTR_FLOAT;
        out->f = a->f;
        return WF_OK;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT:
        out->kind = WF__ATTR_INT;
        out->i = a->i;
        return WF_OK;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING:
        out->kind = WF__ATTR_STRING;
        out->s =
            wf__arena_printf(b->arena, "%.*s", (int)WF__MIN(a->s.len, 4096),
                             a->s.data ? (const char *)a->s.data : "");
        return out->s ? WF_OK : no_memory(b);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__TENSOR:
        out->kind = WF__ATTR_TENSOR;
        if (!a->t)
            return bad_attribute(b, node, out->name, "an absent tensor");
        snprintf(what, sizeof(what), "node '%s' (%s): attribute '%s'",
                 node->name, node->op, out->name);
        return read_tensor(b, a->t, what, &out->t);
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOATS:
        out->kind = WF__ATTR_FLOATS;
        out->count = a->n_floats;
        out->floats = a->floats;
        return WF_OK;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS:
        out->kind = WF__ATTR_INTS;
        out->count = a->n_ints;
        out->ints = a->ints;
        return WF_OK;
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH:
    case ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPHS:
        return bad_attribute(b, node, out->name, "a graph of its own");
    default:
        return bad_attribute(b, node, out->name, "of an unusual kind");
    }
}

/* Name, operator, attributes and outputs; inputs follow in link_inputs. */
static wf_status read_node(builder *b, int index)
{
    const Onnx__NodeProto *p = b->proto->node[index];
    wf__node *node = &b->nodes[index];
    wf__attr *attrs;
    int *outputs;
    node->op = text_or(p->op_type, "");
    node->name = text_or(p->name, NULL);
    node->domain = text_or(p->domain, "");
    if (!strcmp(node->domain, "ai.onnx"))
        node->domain = "";
    if (!node->name)
        node->name = wf__arena_printf(b->arena, "%s#%d", node->op, index);
    if (!node->name)
        return no_memory(b);
    if (*node->domain)
        WF__FAIL(b->err, WF_EOPERATOR,
                 "'%s': node '%s': operator '%s' of the domain '%s' is not "
                 "supported",
                 b->file, node->name, node->op, node->domain);
    ALLOC(attrs, p->n_attribute);
    node->attrs = attrs;
    node->n_attrs = (int)p->n_attribute;
    for (int i = 0; i < node->n_attrs; i++)
        WF__TRY(read_attribute(b, node, p->attribute[i], &attrs[i]));
    ALLOC(outputs, p->n_output);
    node->outputs = outputs;
    node->n_outputs = (int)p->n_output;
    for (int i = 0; i < node->n_outputs; i++) {
        outputs[i] = -1;
        if (!*p->output[i])
            continue;
        WF__TRY(add_value(b, p->output[i], &outputs[i]));
        b->values[outputs[i]].producer = index;
    }
    return WF_OK;
}

static wf_status link_inputs(builder *b, int index)
{
    const Onnx__NodeProto *p = b->proto->node[index];
    wf__node *node = &b->nodes[index];
    int *inputs;
    ALLOC(inputs, p->n_input);
    for (size_t i = 0; i < p->n_input; i++) {
        inputs[i] = -1;
        if (!*p->input[i])
            continue;
        inputs[i] = find_value(b, p->input[i]);
        if (inputs[i] < 0)
            WF__FAIL(b->err, WF_EONNX,
                     "'%s': node '%s' (%s) reads '%s', which nothing defines",
                     b->file, node->name, node->op, p->input[i]);
    }
    node->inputs = inputs;
    node->n_inputs = (int)p->n_input;
    return WF_OK;
}

/* ---- order --------------------------------------------------------------- */

/* Nodes that read node i's outputs: readers[first[i] .. first[i + 1] - 1]. */
typedef struct edges {
    int *first, *readers, *missing; /* missing: unordered producers of a node */
} edges;

static wf_status collect_edges(const builder *b, edges *e)
{
    int n = b->graph->n_nodes;
    size_t total = 0;
    ALLOC(e->first, (size_t)n + 2);
    ALLOC(e->missing, (size_t)n);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < n; i++)
            for (int k = 0; k < b->nodes[i].n_inputs; k++) {
                int in = b->nodes[i].inputs[k];
                int from = in < 0 ? -1 : b->values[in].producer;
                if (from < 0)
                    continue;
                if (pass == 0) {
                    e->first[from + 2]++;
                    e->missing[i]++;
                    total++;
                } else {
                    e->readers[e->first[from + 1]++] = i;
                }
            }
        if (pass == 0) {
            ALLOC(e->readers, total);
            for (int i = 0; i <= n; i++)
                e->first[i + 1] += e->first[i];
        }
    }
    return WF_OK;
}

/*
 * Kahn's algorithm; `order` is also its queue.  A graph that is already in
 * order keeps it as far as the data flow leaves open.
 */
static wf_status sort_nodes(builder *b)
{
    int n = b->graph->n_nodes, *order, *place, done = 0, queued = 0;
    bool sorted = true;
    wf__node *nodes;
    edges e = {0};
    for (int i = 0; i < n && sorted; i++)
        for (int k = 0; k < b->nodes[i].n_inputs; k++) {
            int in = b->nodes[i].inputs[k];
            sorted &= in < 0 || b->values[in].producer < i;
        }
    if (sorted)
        return WF_OK;
    WF__TRY(collect_edges(b, &e));
    ALLOC(order, (size_t)n);
    ALLOC(place, (size_t)n);
    ALLOC(nodes, (size_t)n);
    for (int i = 0; i < n; i++)
        if (!e.missing[i])
            order[queued++] = i;
    for (; done < queued; done++) {
        int from = order[done];
        for (int k = e.first[from]; k < e.first[from + 1]; k++)
            if (--e.missing[e.readers[k]] == 0)
                order[queued++] = e.readers[k];
    }
    for (int i = 0; i < n; i++)
        if (e.missing[i])
            WF__FAIL(b->err, WF_EONNX,
                     "'%s': node '%s' (%s) is part of a cycle", b->file,
                     b->nodes[i].name, b->nodes[i].op);
    for (int i = 0; i < n; i++) {
        nodes[i] = b->nodes[order[i]];
        place[order[i]] = i;
    }
    for (int i = 0; i < b->graph->n_values; i++)
        if (b->values[i].producer >= 0)
            b->values[i].producer = place[b->values[i].producer];
    b->nodes = nodes;
    return WF_OK;
}

/* ---- the whole ----------------------------------------------------------- */

static wf_status read_outputs(builder *b)
{
    const Onnx__GraphProto *g = b->proto;
    int *outputs;
    ALLOC(outputs, g->n_output);
    for (size_t i = 0; i < g->n_output; i++) {
        const char *name = text_or(g->output[i]->name, "");
        outputs[i] = find_value(b, name);
        if (outputs[i] < 0)
            WF__FAIL(b->err, WF_EONNX,
                     "'%s': the output '%s' is defined nowhere", b->file, name);
        if (!b->values[outputs[i]].has_shape)
            WF__TRY(read_type(b, g->output[i], &b->values[outputs[i]]));
    }
    b->graph->outputs = outputs;
    b->graph->n_outputs = (int)g->n_output;
    for (size_t i = 0; i < g->n_value_info; i++) {
        int v = find_value(b, text_or(g->value_info[i]->name, ""));
        if (v >= 0 && !b->values[v].has_shape)
            WF__TRY(read_type(b, g->value_info[i], &b->values[v]));
    }
    return WF_OK;
}

static wf_status read_graph(builder *b)
{
    const Onnx__GraphProto *g = b->proto;
    size_t values = g->n_initializer + g->n_input;
    for (size_t i = 0; i < g->n_node; i++)
        values += g->node[i]->n_output;
    if (values > INT32_MAX / 2)
        WF__FAIL(b->err, WF_ELIMIT, "'%s' has %zu values", b->file, values);
    ALLOC(b->values, values);
    ALLOC(b->names, values);
    ALLOC(b->nodes, g->n_node);
    WF__TRY(add_initializers(b));
    WF__TRY(add_inputs(b));
    b->graph->n_nodes = (int)g->n_node;
    for (int i = 0; i < b->graph->n_nodes; i++)
        WF__TRY(read_node(b, i));
    WF__TRY(sort_names(b));
    for (int i = 0; i < b->graph->n_nodes; i++)
        WF__TRY(link_inputs(b, i));
    WF__TRY(read_outputs(b));
    WF__TRY(sort_nodes(b));
    b->graph->nodes = b->nodes;
    b->graph->values = b->values;
    return WF_OK;
}

/* What the file says of itself, before its nodes are looked at. */
static wf_status check_model(const Onnx__ModelProto *model, const char *file,
                             wf__graph *graph, wf_error *err)
{
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const Onnx__OperatorSetIdProto *set = model->opset_import[i];
        const char *domain = text_or(set->domain, "");
        if ((!*domain || !strcmp(domain, "ai.onnx")) && set->version > 0 &&
            set->version < 1000)
            graph->opset = (int)set->version;
    }
    graph->ir_version = (int)model->ir_version;
    if (!model->graph)
        WF__FAIL(err, WF_EONNX, "'%s' holds no graph; it is no ONNX model",
                 file);
    if (model->graph->n_sparse_initializer)
        WF__FAIL(err, WF_EUNSUPPORTED,
                 "'%s' has sparse weights, which are not supported", file);
    if (model->n_functions)
        WF__FAIL(err, WF_EUNSUPPORTED,
                 "'%s' defines functions of its own, which are not supported; "
                 "inline them with onnx.inliner",
                 file);
    if (!model->graph->n_output)
        WF__FAIL(err, WF_EONNX, "'%s' has no output", file);
    return WF_OK;
}

wf_status wf__graph_parse(const void *data, size_t size, const char *name,
                          wf__graph **out, wf_error *err)
{
    wf_status st;
    storage *s = wf__calloc(1, sizeof(*s));
    if (!s)
        WF__FAIL(err, WF_ENOMEM, "out of memory while reading '%s'", name);
    s->graph.arena = s;
    WF__TRY_GOTO(wf__proto_unpack(&s->proto, &onnx__model_proto__descriptor,
                                  data, size, name, err),
                 fail);
    const Onnx__ModelProto *model = (const Onnx__ModelProto *)s->proto.message;
    WF__TRY_GOTO(check_model(model, name, &s->graph, err), fail);
    builder b = {.file = name,
                 .graph = &s->graph,
                 .arena = &s->arena,
                 .err = err,
                 .proto = model->graph};
    WF__TRY_GOTO(read_graph(&b), fail);
    if (!s->graph.opset)
        WF__FAIL_GOTO(fail, err, WF_EONNX, "'%s' does not state its ONNX opset",
                      name);
    *out = &s->graph;
    return WF_OK;
fail:
    wf__graph_free(&s->graph);
    return st;
}

wf_status wf__graph_load(const char *path, wf__graph **out, wf_error *err)
{
    wf__bytes bytes;
    WF__TRY(wf__bytes_open(path, "model", WF__MAX_MODEL_BYTES, &bytes, err));
    wf_status st = wf__graph_parse(bytes.data, bytes.size, path, out, err);
    wf__bytes_close(&bytes);
    return st;
}

void wf__graph_free(wf__graph *graph)
{
    if (!graph)
        return;
    storage *s = graph->arena;
    wf__proto_free(&s->proto);
    wf__arena_free(&s->arena);
    wf__free(s);
}

const wf__shape *wf__graph_input(const wf__graph *graph)
{
    const wf__value *in =
        graph->n_inputs ? &graph->values[graph->inputs[0]] : NULL;
    return in && in->has_shape ? &in->shape : NULL;
}

const wf__attr *wf__node_attr(const wf__node *node, const char *name)
{
    for (int i = 0; i < node->n_attrs; i++)
        if (!strcmp(node->attrs[i].name, name))
            return &node->attrs[i];
    return NULL;
}

int64_t wf__node_int(const wf__node *node, const char *name, int64_t fallback)
{
    const wf__attr *a = wf__node_attr(node, name);
    return a && a->kind == WF__ATTR_INT ? a->i : fallback;
}

float wf__node_float(const wf__node *node, const char *name, float fallback)
{
    const wf__attr *a = wf__node_attr(node, name);
    return a && a->kind == WF__ATTR_FLOAT ? a->f : fallback;
}

const char *wf__node_string(const wf__node *node, const char *name,
                            const char *fallback)
{
    const wf__attr *a = wf__node_attr(node, name);
    return a && a->kind == WF__ATTR_STRING ? a->s : fallback;
}

wf_status wf__tensor_parse(const void *data, size_t size, const char *name,
                           wf__tensor *out, wf_error *err)
{
    wf__proto proto;
    wf__arena arena = {0};
    wf__tensor borrowed = {0};
    wf_status st;
    WF__TRY_GOTO(wf__proto_unpack(&proto, &onnx__tensor_proto__descriptor, data,
                                  size, name, err),
                 done);
    builder b = {.file = name, .arena = &arena, .err = err};
    WF__TRY_GOTO(read_tensor(&b, (const Onnx__TensorProto *)proto.message,
                             "the tensor", &borrowed),
                 done);
    WF__TRY_GOTO(wf__tensor_alloc(out, borrowed.dtype, &borrowed.shape, err),
                 done);
    memcpy(out->data, borrowed.data,
           (size_t)wf__shape_elements(&borrowed.shape) *
               wf__dtype_size(borrowed.dtype));
done:
    wf__proto_free(&proto);
    wf__arena_free(&arena);
    return st;
}
