/*
 * The percentile bootstrap: Efron, "Bootstrap Methods: Another Look at the
 * Jackknife", Annals of Statistics 7(1), 1979; Efron and Tibshirani, "An
 * Introduction to the Bootstrap", 1993, section 13.3.
 */
#include <math.h>

#include "base/random.h"
#include "metric/metric.h"

#define MAX_RESAMPLES 1000000

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The mean of n values drawn with replacement. */
static double resample(const double *values, uint32_t n, uint64_t seed,
                       uint32_t index)
{
    uint32_t word[4];
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (i % 4 == 0)
            wf__random4(seed, WF__STREAM_BOOTSTRAP, index, i / 4, word);
        sum += values[wf__random_below(word[i % 4], n)];
    }
    return sum / n;
}

/* Quantile of sorted values, between two of them by linear interpolation. */
static double quantile(const double *sorted, uint32_t n, double q)
{
    double at = q * (n - 1);
    uint32_t low = (uint32_t)at, high = WF__MIN(low + 1, n - 1);
    return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

wf_status wf_bootstrap_mean(const double *values, size_t n, double confidence,
                            uint32_t resamples, uint64_t seed, wf_interval *out,
                            wf_error *err)
{
    wf_interval result = {NAN, NAN, NAN, 0};
    double sum = 0;
    if (!(confidence > 0 && confidence < 1))
        WF__FAIL(err, WF_EINVAL, "a confidence of %g is not between 0 and 1",
                 confidence);
    if (resamples < 1 || resamples > MAX_RESAMPLES || n > UINT32_MAX)
        WF__FAIL(err, WF_EINVAL, "%u resamples of %zu values are not supported",
                 resamples, n);
    double *kept = wf__alloc(n, sizeof(*kept));
    double *means = wf__alloc(resamples, sizeof(*means));
    if (!kept || !means) {
        wf__free(kept);
        wf__free(means);
        WF__FAIL(err, WF_ENOMEM, "out of memory for a bootstrap");
    }
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i])) {
            kept[result.n++] = values[i];
            sum += values[i];
        }
    if (result.n > 0)
        result.mean = sum / (double)result.n;
    if (result.n > 1) {
        for (uint32_t i = 0; i < resamples; i++)
            means[i] = resample(kept, (uint32_t)result.n, seed, i);
        qsort(means, resamples, sizeof(*means), by_value);
        result.low = quantile(means, resamples, (1 - confidence) / 2);
        result.high = quantile(means, resamples, (1 + confidence) / 2);
    }
    *out = result;
    wf__free(kept);
    wf__free(means);
    return WF_OK;
}
