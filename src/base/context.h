/* The inside of wf_ctx, for the modules that report progress or use threads. */
#ifndef WF_CONTEXT_H
#define WF_CONTEXT_H

#include "whyface.h"

struct wf_ctx {
    int threads; /* as set; 0: automatic */
    wf_progress_fn *progress;
    void *progress_user;
};

/* WF_ECANCELED (with a message) if the caller asked to stop. */
wf_status wf__ctx_progress(wf_ctx *ctx, const char *stage, uint64_t done,
                           uint64_t total, wf_error *err);

#endif
