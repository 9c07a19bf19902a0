#include "app/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/json.h"

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the two nearest of n sorted values. */
static double quantile(const double *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t i = (size_t)at;
    double next = sorted[i + 1 < n ? i + 1 : i];
    return sorted[i] + (at - (double)i) * (next - sorted[i]);
}

app_spread app_spread_of(const double *values, size_t n)
{
    app_spread spread = {NAN, NAN, NAN};
    double *sorted = malloc((n + 1) * sizeof(*sorted));
    size_t used = 0;
    for (size_t i = 0; sorted && i < n; i++)
        if (!isnan(values[i]))
            sorted[used++] = values[i];
    if (used) {
        qsort(sorted, used, sizeof(*sorted), by_value);
        spread = (app_spread){quantile(sorted, used, 0.25),
                              quantile(sorted, used, 0.5),
                              quantile(sorted, used, 0.75)};
    }
    free(sorted);
    return spread;
}

json_t *app_spread_json(app_spread spread)
{
    return json_pack("{s:o s:[o o]}", "median", app_number(spread.median),
                     "quartiles", app_number(spread.low),
                     app_number(spread.high));
}
