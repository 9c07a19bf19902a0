/* Summaries of repeated measurements. */
#ifndef APP_STATS_H
#define APP_STATS_H

#include <jansson.h>
#include <stddef.h>

/* Median and quartiles; NaN where there was nothing to summarise. */
typedef struct app_spread {
    double low, median, high;
} app_spread;

/* Values that are no numbers are left out. */
app_spread app_spread_of(const double *values, size_t n);
/* {"median": ..., "quartiles": [low, high]}, null where not finite. */
json_t *app_spread_json(app_spread spread);

#endif
