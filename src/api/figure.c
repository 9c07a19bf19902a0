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
    if (e->n_pairs > 1 && !e->pairs[1].maps[WF_SIDE_OTHER])
        WF__FAIL(err, WF_EINVAL,
                 "this figure is of a pair or a triplet, not of %d candidates: "
                 "wf_figure_panels draws their maps",
                 e->n_pairs);
    const char *const captions[] = {opts->mate, opts->nonmate};
    wf__figure figure = {
        .opts = opts, .domain = e->domain, .n_pairs = e->n_pairs};
    if (e->n_pairs > 1)
        figure.difference = e->pairs[1].difference->values;
    wf_explanation_range(e, &figure.low, &figure.high);
    for (int i = 0; i < e->n_pairs; i++) {
        const wf__pair *pair = &e->pairs[i];
        figure.pairs[i] = (wf__pair_panel){
            .probe = {e->probe, pair->maps[WF_SIDE_PROBE]->values,
                      caption_or(opts->probe, "probe")},
            .other = {pair->crop, pair->maps[WF_SIDE_OTHER]->values,
                      caption_or(captions[i], roles[i])},
            .role = roles[i],
            .similarity = pair->similarity};
    }
    return wf__figure_draw(&figure, path, err);
}
