/* Asking an oracle about many masks, batch by batch. */
#ifndef WF_SAMPLE_H
#define WF_SAMPLE_H

#include "method/method.h"

typedef struct wf__sample {
    uint64_t total; /* masks */
    wf__fill fill;
    const float *background; /* instead of the fill: channels x height x width,
                                as of the oracle's image; or NULL */
    /*
     * Writes mask `index` (height x width, 0..1, 1 keeps the pixel).  On
     * several threads at once, in any order.
     */
    void (*render)(uint64_t index, float *mask, void *argument);
    /*
     * Takes masks first..first+n-1, in order of the index, with similarities
     * n x n_references.
     */
    wf_status (*accept)(uint64_t first, size_t n, const float *masks,
                        const float *similarities, void *argument,
                        wf_error *err);
    void *argument;
} wf__sample;

/* Masks first..first+n-1 of height x width, on the task's threads. */
void wf__sample_render(const wf__task *task, const wf__sample *sample,
                       uint64_t first, size_t n, float *masks);

/*
 * Reports progress over `before` + total + `after` calls of the task's stage:
 * 0 and 0 unless the method samples several times.
 */
wf_status wf__sample_run(const wf__task *task, const wf__sample *sample,
                         uint64_t before, uint64_t after, wf_error *err);

#endif
