/* 'evaluate --sheet': the maps themselves, a row for each source. */
#include <stdlib.h>

#include "app/files.h"
#include "cli/evaluate.h"

#define MAX_PAIRS 4

int evaluate_check_sheet(const evaluate_job *j)
{
    const char *path = app_get(j->args, "sheet");
    return path ? app_check_drawing(j->command, "sheet", path) : APP_OK;
}

/* The faces above, then each source's maps over them. */
static size_t fill_panels(const app_evaluation *e, size_t n_pairs,
                          wf_panel *panels)
{
    static const char *const sides[] = {"probe", "other"};
    size_t n = 0;
    for (size_t row = 0; row <= e->n_sources; row++)
        for (size_t k = 0; k < 2 * n_pairs; k++, n++) {
            int side = (int)(k % 2);
            wf_map *const *maps = row ? e->sources[row - 1].maps : NULL;
            if (!(e->sides & 1 << side) || (maps && !maps[k]))
                continue;
            panels[n].crop = e->pairs[k / 2].crops[side];
            panels[n].map = maps ? maps[k] : NULL;
            panels[n].caption = maps ? e->sources[row - 1].name : sides[side];
        }
    return n;
}

int evaluate_sheet(const evaluate_job *j)
{
    const app_evaluation *e = &j->evaluation;
    const char *path = app_get(j->args, "sheet");
    const wf_model_info *info = wf_model_get_info(j->session.model);
    size_t n_pairs = e->n_pairs < MAX_PAIRS ? e->n_pairs : MAX_PAIRS;
    char footer[200];
    wf_figure_opts opts;
    wf_error err = {0};
    if (!path)
        return APP_OK;
    wf_panel *panels =
        calloc(2 * n_pairs * (e->n_sources + 1), sizeof(*panels));
    if (!panels) {
        app_error(j->command, "out of memory for a figure");
        return APP_FAILED;
    }
    snprintf(footer, sizeof(footer),
             "whyface %s, model %s (sha256 %.12s); each map on its own range",
             wf_version(), info->name, info->sha256);
    wf_figure_opts_init(&opts);
    opts.footer = footer;
    size_t n = fill_panels(e, n_pairs, panels);
    wf_status st = wf_figure_panels(panels, n, 2 * n_pairs, &opts, path, &err);
    free(panels);
    return st == WF_OK ? APP_OK : app_fail(j->command, &err);
}
