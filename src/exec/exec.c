#include "exec/exec.h"

#include <math.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/parallel.h"
#include "exec/plan.h"

/* Plans kept, the most recent first.  Detectors see a new size with every
 * photo; a pyramid of one photo has up to a dozen. */
#define MAX_PLANS 16

struct wf__exec {
    wf__graph *graph;
    wf__program program;
    wf__engine engine;
    int n_plans;
    wf__plan *plans[MAX_PLANS];
    wf__exec_facts facts;
};

static wf_status make_engine(wf__engine *e, wf_error *err)
{
    if (dnnl_engine_create(&e->engine, dnnl_cpu, 0) != dnnl_success ||
        dnnl_stream_create(&e->stream, e->engine, dnnl_stream_default_flags) !=
            dnnl_success)
        WF__FAIL(err, WF_EBACKEND, "oneDNN cannot be started");
    return WF_OK;
}

wf_status wf__exec_create(wf__graph *graph, const wf__exec_opts *opts,
                          wf__exec **out, wf_error *err)
{
    wf_status st;
    wf__exec *exec = wf__calloc(1, sizeof(*exec));
    if (!exec) {
        wf__graph_free(graph);
        WF__FAIL(err, WF_ENOMEM, "out of memory while preparing the model");
    }
    exec->graph = graph;
    if (opts)
        exec->engine.opts = *opts;
    WF__TRY_GOTO(wf__op_check_graph(graph, err), fail);
    WF__TRY_GOTO(make_engine(&exec->engine, err), fail);
    WF__TRY_GOTO(wf__program_create(&exec->program, graph, WF__FUSE_ALL, err),
                 fail);
    *out = exec;
    return WF_OK;
fail:
    wf__exec_free(exec);
    return st;
}

static void drop_plans(wf__exec *exec)
{
    for (int i = 0; i < exec->n_plans; i++)
        wf__plan_free(exec->plans[i]);
    exec->n_plans = 0;
}

void wf__exec_free(wf__exec *exec)
{
    if (!exec)
        return;
    drop_plans(exec);
    wf__free(exec->engine.ranges);
    wf__free(exec->engine.data);
    while (exec->engine.own) {
        wf__own *next = exec->engine.own->next;
        wf__conv_free(exec->engine.own->conv);
        wf__free(exec->engine.own);
        exec->engine.own = next;
    }
    while (exec->engine.packed) {
        wf__packed *next = exec->engine.packed->next;
        wf__free(exec->engine.packed->data);
        wf__free(exec->engine.packed);
        exec->engine.packed = next;
    }
    wf__program_free(&exec->program);
    if (exec->engine.stream)
        dnnl_stream_destroy(exec->engine.stream);
    if (exec->engine.engine)
        dnnl_engine_destroy(exec->engine.engine);
    wf__graph_free(exec->graph);
    wf__free(exec);
}

const wf__graph *wf__exec_graph(const wf__exec *exec)
{
    return exec->graph;
}

/* Brings the plan for these inputs to the front, making it if need be. */
static wf_status find_plan(wf__exec *exec, const wf__tensor *inputs,
                           wf__precision precision, int threads, wf_error *err)
{
    wf__plan *plan = NULL;
    int at = 0;
    while (at < exec->n_plans &&
           !wf__plan_fits(exec->plans[at], inputs, precision, threads))
        at++;
    if (at < exec->n_plans) {
        plan = exec->plans[at];
    } else {
        double begin = wf__now();
        WF__TRY(wf__plan_create(&exec->program, &exec->engine, inputs,
                                precision, threads, &plan, err));
        exec->facts.plans++;
        exec->facts.plan_seconds += wf__now() - begin;
        exec->facts.arena_bytes =
            WF__MAX(exec->facts.arena_bytes, plan->data_bytes);
        if (exec->n_plans == MAX_PLANS)
            wf__plan_free(exec->plans[--exec->n_plans]);
        at = exec->n_plans++;
    }
    for (; at > 0; at--)
        exec->plans[at] = exec->plans[at - 1];
    exec->plans[0] = plan;
    return WF_OK;
}

/* Kernels that store bytes are made for certain ranges. */
static void drop_byte_kernels(wf__exec *exec)
{
    drop_plans(exec);
    for (wf__own **at = &exec->engine.own; *at;) {
        wf__own *own = *at;
        const wf__conv_spec *s = &own->spec;
        if (s->in.type == WF__STORE_U8 || s->out.type == WF__STORE_U8 ||
            s->second.type == WF__STORE_U8) {
            *at = own->next;
            exec->engine.weight_bytes -= wf__conv_weight_bytes(own->conv);
            wf__conv_free(own->conv);
            wf__free(own);
        } else {
            at = &own->next;
        }
    }
}

/* Room for ranges, each empty unless it is to be widened. */
static wf_status start_ranges(wf__exec *exec, bool more, wf_error *err)
{
    size_t n = (size_t)exec->graph->n_values;
    wf__range *ranges = exec->engine.ranges;
    if (ranges && more)
        return WF_OK;
    if (!ranges)
        ranges = wf__alloc(n, sizeof(*ranges));
    if (!ranges)
        WF__FAIL(err, WF_ENOMEM, "out of memory while measuring the model");
    for (size_t i = 0; i < n; i++)
        ranges[i] = (wf__range){INFINITY, -INFINITY};
    exec->engine.ranges = ranges;
    return WF_OK;
}

static wf__precision measuring_precision(void)
{
    return wf__cpu_has(WF__CPU_AVX512_BF16) ? WF__PRECISION_BF16
                                            : WF__PRECISION_F32;
}

wf_status wf__exec_measure(wf__exec *exec, const wf__tensor *inputs, bool more,
                           int threads, wf_error *err)
{
    wf__pool pool = wf__pool_enter(threads);
    wf_status st = start_ranges(exec, more, err);
    if (st == WF_OK)
        st = find_plan(exec, inputs, measuring_precision(), threads, err);
    if (st == WF_OK)
        st = wf__plan_measure(exec->plans[0], inputs, exec->engine.ranges, err);
    wf__pool_leave(pool);
    drop_byte_kernels(exec);
    return st;
}

/* Bytes wait until their ranges are measured; without AVX-512 nothing is stored
 * but floats. */
static wf__precision present_precision(const wf__exec *exec)
{
    if (!wf__cpu_has(WF__CPU_AVX512))
        return WF__PRECISION_F32;
    wf__precision wanted = exec->engine.opts.precision;
    return wanted == WF__PRECISION_INT8 && !exec->engine.ranges
               ? measuring_precision()
               : wanted;
}

wf_status wf__exec_run(wf__exec *exec, const wf__tensor *inputs,
                       wf__tensor *outputs, int threads, wf_error *err)
{
    wf__pool pool = wf__pool_enter(threads);
    wf_status st =
        find_plan(exec, inputs, present_precision(exec), threads, err);
    if (st == WF_OK)
        st = wf__plan_run(exec->plans[0], inputs, outputs, err);
    wf__pool_leave(pool);
    return st;
}

wf_status wf__exec_tune(wf__exec *exec, const wf__tensor *inputs, int threads,
                        wf__tuning *tuning, wf_error *err)
{
    wf__pool pool = wf__pool_enter(threads);
    wf_status st =
        find_plan(exec, inputs, present_precision(exec), threads, err);
    if (st == WF_OK)
        st = wf__plan_tune(exec->plans[0], tuning, err);
    wf__pool_leave(pool);
    return st;
}

wf_status wf__exec_profile(wf__exec *exec, const wf__tensor *inputs,
                           int threads, int repeats, wf__exec_costs *out,
                           wf_error *err)
{
    wf__pool pool = wf__pool_enter(threads);
    wf_status st =
        find_plan(exec, inputs, present_precision(exec), threads, err);
    if (st == WF_OK)
        st = wf__plan_profile(exec->plans[0], inputs, repeats, out, err);
    wf__pool_leave(pool);
    return st;
}

wf__exec_facts wf__exec_get_facts(const wf__exec *exec)
{
    wf__exec_facts facts = exec->facts;
    facts.weight_bytes = exec->engine.weight_bytes;
    return facts;
}

const char *wf__exec_library(void)
{
    static const struct {
        dnnl_cpu_isa_t isa;
        const char *name;
    } isas[] = {
        {dnnl_cpu_isa_avx512_core_amx, "AVX-512 AMX"},
        {dnnl_cpu_isa_avx512_core_bf16, "AVX-512 BF16"},
        {dnnl_cpu_isa_avx512_core_vnni, "AVX-512 VNNI"},
        {dnnl_cpu_isa_avx512_core, "AVX-512"},
        {dnnl_cpu_isa_avx2_vnni, "AVX2 VNNI"},
        {dnnl_cpu_isa_avx2, "AVX2"},
        {dnnl_cpu_isa_avx, "AVX"},
        {dnnl_cpu_isa_sse41, "SSE4.1"},
    };
    static char text[64];
    const dnnl_version_t *v = dnnl_version();
    const char *isa = "generic";
    dnnl_cpu_isa_t have = dnnl_get_effective_cpu_isa();
    for (size_t i = 0; i < WF__COUNT(isas); i++)
        if (have == isas[i].isa)
            isa = isas[i].name;
    snprintf(text, sizeof(text), "oneDNN %d.%d.%d, %s", v->major, v->minor,
             v->patch, isa);
    return text;
}
