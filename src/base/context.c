#include "base/context.h"

#include "base/base.h"
#include "base/parallel.h"

wf_status wf_ctx_create(wf_ctx **out, wf_error *err)
{
    wf_ctx *ctx = wf__calloc(1, sizeof *ctx);
    if (!ctx)
        WF__FAIL(err, WF_ENOMEM, "no memory for a context");
    *out = ctx;
    return WF_OK;
}

void wf_ctx_free(wf_ctx *ctx)
{
    wf__free(ctx);
}

void wf_ctx_set_threads(wf_ctx *ctx, int threads)
{
    ctx->threads = WF__MAX(threads, 0);
}

int wf_ctx_threads(const wf_ctx *ctx)
{
    return ctx && ctx->threads ? ctx->threads : wf__default_threads();
}

void wf_ctx_set_progress(wf_ctx *ctx, wf_progress_fn *fn, void *user)
{
    ctx->progress = fn;
    ctx->progress_user = user;
}

wf_status wf__ctx_progress(wf_ctx *ctx, const char *stage, uint64_t done,
                           uint64_t total, wf_error *err)
{
    if (!ctx || !ctx->progress)
        return WF_OK;
    if (ctx->progress(stage, done, total, ctx->progress_user))
        WF__FAIL(err, WF_ECANCELED, "cancelled during '%s'", stage);
    return WF_OK;
}
