/*
 * Threads: OpenMP, the same pool that oneDNN uses.  Work is split into fixed
 * ranges, so that what is computed never depends on the number of threads.
 */
#ifndef WF_PARALLEL_H
#define WF_PARALLEL_H

#include <stddef.h>

/* Handles items begin <= i < end. */
typedef void wf__range_fn(size_t begin, size_t end, void *argument);

/*
 * Runs `fn` over 0..n-1 in at most `threads` contiguous ranges and returns when
 * all are done.  Denormals are zero in every worker (see wf__flush_denormals).
 */
void wf__parallel(int threads, size_t n, wf__range_fn *fn, void *argument);

/* Processors that OpenMP would use now (OMP_NUM_THREADS respected). */
int wf__default_threads(void);

/*
 * Sets flush-to-zero and denormals-are-zero on every thread of the pool and
 * the pool's size for the caller (which oneDNN follows); restore with
 * wf__pool_leave.  Denormals cost a factor of 5 to 10 in the dark regions of
 * masked images.
 */
typedef struct wf__pool {
    int saved_threads;
    unsigned saved_mode; /* of the calling thread */
} wf__pool;

wf__pool wf__pool_enter(int threads);
void wf__pool_leave(wf__pool pool);

#endif
