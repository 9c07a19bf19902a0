/* Feature maps by name. */
#include "gradient/tape.h"

static wf__layer layer_of(const wf__tape *t, int value)
{
    const wf__tape_value *v = &t->values[value];
    return (wf__layer){value, t->graph->values[value].name, v->channels,
                       (int)v->tensor.shape.dim[2],
                       (int)v->tensor.shape.dim[3]};
}

static bool has_places(const wf__tape *t, int value)
{
    const wf__tape_value *v = &t->values[value];
    return v->live && v->channels > 0 && v->size > (size_t)v->channels;
}

/* Shared letters at the beginning and the end: how alike two names are. */
static size_t likeness(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), head = 0, tail = 0,
           least = n < m ? n : m;
    while (head < least && a[head] == b[head])
        head++;
    while (tail < least - head && a[n - 1 - tail] == b[m - 1 - tail])
        tail++;
    return head + tail;
}

/* The nearest nodes that give feature maps, the nearest first: how many. */
static int nearest(const wf__tape *t, const char *name, const char *near[3])
{
    size_t score[3] = {0, 0, 0};
    int n = 0;
    for (int s = 0; s < t->n_steps; s++) {
        const char *node = t->steps[s].unit->node->name;
        size_t is = likeness(name, node) + 1;
        if (!has_places(t, t->steps[s].out[0]))
            continue;
        for (int k = 0; k < 3; k++)
            if (is > score[k]) {
                memmove(&near[k + 1], &near[k],
                        (size_t)(2 - k) * sizeof(*near));
                memmove(&score[k + 1], &score[k],
                        (size_t)(2 - k) * sizeof(*score));
                near[k] = node;
                score[k] = is;
                n = WF__MIN(n + 1, 3);
                break;
            }
    }
    return n;
}

static wf_status no_such_layer(const wf__tape *t, const char *name,
                               wf_error *err)
{
    const char *near[3] = {"", "", ""};
    int n = nearest(t, name, near);
    const char *third = n > 2 ? "', '" : "";
    if (n == 1)
        WF__FAIL(err, WF_EINVAL,
                 "the model has no layer '%s' with feature maps; it has only "
                 "'%s'",
                 name, near[0]);
    WF__FAIL(err, WF_EINVAL,
             "the model has no layer '%s' with feature maps; near it are "
             "'%s%s%s' and '%s'",
             name, near[0], third, n > 2 ? near[1] : "", near[n - 1]);
}

/* The value with feature maps that `name` stands for, -1: none. */
static int find_layer(const wf__tape *t, const char *name)
{
    int first = -1, last = -1;
    for (int s = 0; s < t->n_steps; s++) {
        int value = t->steps[s].out[0];
        const wf__node *node = t->steps[s].unit->node;
        if (!has_places(t, value))
            continue;
        if (!strcmp(node->name, name) ||
            !strcmp(t->graph->values[value].name, name))
            return value;
        if (first < 0 && !strcmp(node->op, "Conv"))
            first = value;
        last = value;
    }
    return !strcmp(name, "first") ? first : !strcmp(name, "last") ? last : -1;
}

wf_status wf__gradient_layer(const wf__tape *t, const char *name,
                             wf__layer *out, wf_error *err)
{
    int value = find_layer(t, name ? name : "last");
    if (value >= 0) {
        *out = layer_of(t, value);
        return WF_OK;
    }
    if (find_layer(t, "last") >= 0)
        return no_such_layer(t, name, err);
    WF__FAIL(err, WF_EUNSUPPORTED,
             "the model has no feature maps (values of N x C x H x W with more "
             "than one place); choose a method that needs none");
}

wf_status wf__gradient_layers(const wf__tape *t, wf__layer **out, size_t *n,
                              wf_error *err)
{
    wf__layer *all = wf__alloc((size_t)t->n_steps, sizeof(*all));
    if (!all)
        return wf__tape_no_memory(err);
    *n = 0;
    for (int s = 0; s < t->n_steps; s++)
        if (has_places(t, t->steps[s].out[0]))
            all[(*n)++] = layer_of(t, t->steps[s].out[0]);
    *out = all;
    return WF_OK;
}

/* A rule that reads no values has the same slope everywhere; so have products
 * with a constant. */
static bool is_linear(const wf__tape *t, const wf__taped *taped)
{
    const char *op = taped->rule->op;
    if (taped->rule->reads[WF__RULES_GRADIENT] == WF__READS_NOTHING)
        return true;
    if (!strcmp(op, "Mul"))
        return !t->values[taped->in[0]].live || !t->values[taped->in[1]].live;
    return !strcmp(op, "Div") && !t->values[taped->in[1]].live;
}

bool wf__gradient_linear_after(const wf__tape *t, int value)
{
    for (int s = t->values[value].made + 1; s < t->n_steps; s++)
        if (!is_linear(t, &t->steps[s]))
            return false;
    return true;
}
