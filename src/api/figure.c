/* From an explanation to what figure/ draws. */
#include "figure/figure.h"
#include "explain/explanation.h"

static const char *caption_or(const char *given, const char *role)
{
    return given && *given ? given : role;
}

wf_status wf_figure_explanation(const wf_explanation *e,
                                const wf_figure_opts *opts, const char *path,
                                wf_error *err)
{
    static const char *const roles[] = {"mate", "non-mate"};
    wf_figure_opts defaults;
    wf_figure_opts_init(&defaults);
    if (!opts)
        opts = &defaults;
    if (opts->struct_size != sizeof(*opts))
        WF__FAIL(err, WF_EINVAL,
                 "wf_figure_opts was not set up by wf_figure_opts_init");
    const char *const captions[] = {opts->mate, opts->nonmate};
    wf__figure figure = {.opts = opts,
                         .domain = e->domain,
                         .difference =
                             e->difference ? e->difference->values : NULL};
    wf_explanation_range(e, &figure.low, &figure.high);
    for (int i = 0; i < 2; i++) {
        if (!e->maps[i][WF_SIDE_PROBE])
            continue;
        figure.pairs[figure.n_pairs++] = (wf__pair_panel){
            .probe = {e->crops[WF__PROBE], e->maps[i][WF_SIDE_PROBE]->values,
                      caption_or(opts->probe, "probe")},
            .other = {e->crops[WF__MATE + i], e->maps[i][WF_SIDE_OTHER]->values,
                      caption_or(captions[i], roles[i])},
            .role = roles[i],
            .similarity = e->similarity[i]};
    }
    return wf__figure_draw(&figure, path, err);
}
