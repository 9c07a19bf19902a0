#include "evaluate/curve.h"

#include <math.h>

wf_status wf__curve_create(wf__curve *curve, uint32_t n, wf_error *err)
{
    *curve = (wf__curve){.n = n};
    curve->value = wf__alloc((size_t)n + 1, sizeof(*curve->value));
    if (!curve->value)
        WF__FAIL(err, WF_ENOMEM, "out of memory for a curve");
    for (uint32_t i = 0; i <= n; i++)
        curve->value[i] = NAN;
    return WF_OK;
}

void wf__curve_free(wf__curve *curve)
{
    wf__free(curve->value);
    curve->value = NULL;
}

wf_status wf__curve_need(wf__curve *curve, const uint32_t *at, size_t count,
                         wf_error *err)
{
    uint32_t unknown[WF__CURVE_ASK];
    double values[WF__CURVE_ASK];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        bool known = !isnan(curve->value[at[i]]);
        for (size_t k = 0; k < n && !known; k++)
            known = unknown[k] == at[i];
        if (!known)
            unknown[n++] = at[i];
    }
    if (n == 0)
        return WF_OK;
    WF__TRY(curve->ask(curve->argument, unknown, n, values, err));
    for (size_t i = 0; i < n; i++)
        curve->value[unknown[i]] = values[i];
    return WF_OK;
}

uint32_t wf__curve_point(const wf__curve *curve, int i, int steps)
{
    return (uint32_t)((uint64_t)curve->n * (uint64_t)i / (uint64_t)steps);
}

wf_status wf__curve_grid(wf__curve *curve, int steps, wf_error *err)
{
    uint32_t at[WF__CURVE_ASK];
    size_t n = 0;
    for (int i = 0; i <= steps; i++) {
        at[n++] = wf__curve_point(curve, i, steps);
        if (n == WF__CURVE_ASK || i == steps) {
            WF__TRY(wf__curve_need(curve, at, n, err));
            n = 0;
        }
    }
    return WF_OK;
}

double wf__curve_area(const wf__curve *curve, int steps)
{
    double sum = 0;
    for (int i = 0; i < steps; i++)
        sum += (curve->value[wf__curve_point(curve, i, steps)] +
                curve->value[wf__curve_point(curve, i + 1, steps)]) /
               2;
    return sum / steps;
}
