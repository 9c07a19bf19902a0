/* What a measurement was made on, and what that machine can do at most. */
#ifndef APP_MACHINE_H
#define APP_MACHINE_H

#include <jansson.h>

#include "whyface.h"

typedef struct app_machine {
    char cpu[128]; /* as the system names it */
    char build[1024];
    int processors, threads; /* of the machine; used */
    double load;             /* average over the last minute */
} app_machine;

void app_machine_read(const wf_ctx *ctx, app_machine *machine);
/* The facts, with those of wf_build_info. */
json_t *app_machine_json(const app_machine *machine);
/* The value of a line of wf_build_info, copied; "" if there is none. */
void app_machine_fact(const app_machine *machine, const char *key, char *buf,
                      size_t size);

/* Processor seconds used so far by everything on the machine, by this process,
 * and by its children that have ended. */
typedef struct app_usage {
    double machine, own, children;
} app_usage;

app_usage app_usage_now(void);

typedef enum app_peak {
    APP_PEAK_F32,  /* fused multiply-add */
    APP_PEAK_BF16, /* dot products of pairs (AVX-512 BF16) */
    APP_PEAK_INT8  /* dot products of fours (AVX-512 VNNI) */
} app_peak;

/*
 * Operations a second (a multiply-add is two) that `threads` threads reach in a
 * loop that touches registers only, measured for about `seconds`.  NaN where
 * the processor has no such instruction.
 */
double app_peak_measure(app_peak what, int threads, double seconds);
/* Bytes a second that `threads` threads read from memory. */
double app_bandwidth_measure(int threads);

#endif
