/* Time that only goes forward. */
#ifndef WF_CLOCK_H
#define WF_CLOCK_H

#include <time.h>

/* Seconds since some moment before the program began. */
static inline double wf__now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
