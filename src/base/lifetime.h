/* One block of memory for parts that live at different times. */
#ifndef WF_LIFETIME_H
#define WF_LIFETIME_H

#include "base/base.h"

/* A part, alive from its first to its last step. */
typedef struct wf__lifetime {
    size_t size; /* bytes */
    int first, last;
    size_t offset; /* set by wf__lifetimes_place: a multiple of 64 */
} wf__lifetime;

/*
 * Gives each part an offset where it meets no other that is alive with it, the
 * large ones first; *total: bytes of the block.
 */
wf_status wf__lifetimes_place(wf__lifetime *parts, size_t n, size_t *total,
                              wf_error *err);

#endif
