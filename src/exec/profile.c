/* What each step of a plan costs. */
#include "exec/plan.h"

/* Multiply-adds of a unit: results times the length of the sum behind each. */
static double unit_macs(const wf__plan *plan, const wf__unit *unit)
{
    const char *op = unit->node->op;
    if (unit->node->n_inputs < 2 || unit->in[1] < 0 || unit->out[0] < 0)
        return 0;
    const wf__shape *in = &plan->values[unit->in[0]].tensor.shape;
    const wf__shape *weights = &plan->values[unit->in[1]].tensor.shape;
    const wf__shape *out = &plan->values[unit->out[0]].tensor.shape;
    double n_weights = (double)wf__shape_elements(weights);
    double n_out = (double)wf__shape_elements(out);
    if (n_weights == 0 || n_out == 0 || in->rank < 1 || out->rank < 1)
        return 0;
    if (!strcmp(op, "Conv")) /* M x C / group x kernel */
        return n_out * n_weights / (double)weights->dim[0];
    if (!strcmp(op, "ConvTranspose")) /* C x M / group x kernel */
        return (double)wf__shape_elements(in) * n_weights /
               (double)weights->dim[0];
    if (!strcmp(op, "Gemm")) /* K x N or N x K */
        return n_out * n_weights / (double)out->dim[out->rank - 1];
    if (!strcmp(op, "MatMul"))
        return n_out * (double)in->dim[in->rank - 1];
    return 0;
}

/* Names of the primitive behind a step; true if it multiplies weights. */
static bool describe_primitive(dnnl_primitive_t primitive, wf__exec_cost *row)
{
    static const struct {
        dnnl_primitive_kind_t kind;
        const char *name;
        bool multiplies;
    } kinds[] = {
        {dnnl_convolution, "convolution", true},
        {dnnl_deconvolution, "deconvolution", true},
        {dnnl_inner_product, "inner product", true},
        {dnnl_matmul, "matrix product", true},
        {dnnl_reorder, "reorder", false},
        {dnnl_eltwise, "function", false},
        {dnnl_prelu, "PReLU", false},
        {dnnl_binary, "binary", false},
        {dnnl_pooling, "pooling", false},
        {dnnl_batch_normalization, "normalisation", false},
        {dnnl_reduction, "reduction", false},
    };
    const_dnnl_primitive_desc_t pd;
    dnnl_primitive_kind_t kind;
    row->kind = "primitive";
    if (dnnl_primitive_get_primitive_desc(primitive, &pd) != dnnl_success ||
        dnnl_primitive_desc_query(pd, dnnl_query_primitive_kind, 0, &kind) !=
            dnnl_success)
        return false;
    dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &row->algorithm);
    for (size_t i = 0; i < WF__COUNT(kinds); i++)
        if (kinds[i].kind == kind) {
            row->kind = kinds[i].name;
            return kinds[i].multiplies;
        }
    return false;
}

static wf__exec_cost describe(const wf__plan *plan, const wf__step *step)
{
    const wf__unit *unit = step->unit;
    wf__exec_cost row = {.node = unit->node->name,
                         .op = unit->node->op,
                         .kind = "reference",
                         .algorithm = ""};
    bool multiplies =
        !step->primitive || describe_primitive(step->primitive, &row);
    if (step->conv) {
        row.kind = "convolution";
        row.algorithm = wf__conv_name(step->conv);
    }
    if (unit->node->n_outputs > 0 && unit->out[0] >= 0)
        row.shape = plan->values[unit->out[0]].tensor.shape;
    if (multiplies)
        row.macs = unit_macs(plan, unit);
    return row;
}

wf_status wf__plan_profile(wf__plan *plan, const wf__tensor *inputs,
                           int repeats, wf__exec_costs *out, wf_error *err)
{
    const wf__program *p = plan->program;
    wf__tensor *results = NULL;
    size_t n = (size_t)plan->n_steps;
    wf_status st = WF_OK;
    *out = (wf__exec_costs){.n = plan->n_steps};
    out->rows = wf__calloc(n, sizeof(*out->rows));
    results = wf__calloc((size_t)p->graph->n_outputs, sizeof(*results));
    double *seconds = wf__calloc(n, sizeof(*seconds));
    if (!out->rows || !results || !seconds)
        WF__FAIL_GOTO(done, err, WF_ENOMEM, "out of memory for a profile");
    WF__TRY_GOTO(wf__plan_run(plan, inputs, results, err), done);
    plan->seconds = seconds;
    for (int i = 0; i < repeats && st == WF_OK; i++)
        st = wf__plan_run(plan, inputs, results, err);
    plan->seconds = NULL;
    for (size_t i = 0; i < n; i++) {
        out->rows[i] = describe(plan, &plan->steps[i]);
        out->rows[i].seconds = seconds[i] / repeats;
    }
    for (int u = 0; u < p->n_units; u++)
        if (!p->units[u].gone)
            out->macs += unit_macs(plan, &p->units[u]);
done:
    if (st != WF_OK) {
        wf__free(out->rows);
        *out = (wf__exec_costs){0};
    }
    wf__free(seconds);
    wf__free(results);
    return st;
}
