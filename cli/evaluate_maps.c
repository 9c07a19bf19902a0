#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/files.h"
#include "app/method.h"
#include "app/progress.h"
#include "cli/evaluate.h"

static const char *const sides[] = {"probe", "other"};

/* ---- maps from files ----------------------------------------------------- */

int evaluate_find_map(const char *folder, const char *pair, int side, char *buf,
                      size_t size)
{
    static const char *const endings[] = {"npy", "png"};
    for (int i = 1; i >= 0; i--) {
        snprintf(buf, size, "%s/%s-%s.%s", folder, pair, sides[side],
                 endings[1 - i]);
        if (!access(buf, R_OK))
            return 1;
    }
    snprintf(buf, size, "%s/%s-%s.npy", folder, pair, sides[side]);
    return 0;
}

static int check_map(const evaluate_job *j, const wf_map *map, const char *path)
{
    const wf_model_info *info = wf_model_get_info(j->session.model);
    wf_error err = {0};
    int constant;
    if (wf_map_width(map) != info->width ||
        wf_map_height(map) != info->height) {
        app_error(j->command,
                  "'%s' is a map of %d x %d, but model '%s' sees crops of "
                  "%d x %d: a map belongs to the aligned crop, not to the "
                  "photo",
                  path, wf_map_width(map), wf_map_height(map), info->name,
                  info->width, info->height);
        app_hint("'whyface align' writes the crops that maps are made for");
        return APP_FAILED;
    }
    if (wf_map_check(map, &constant, &err) != WF_OK) {
        app_error(j->command, "'%s': %s", path, err.message);
        return APP_FAILED;
    }
    if (constant && !app_has(j->args, "quiet"))
        app_error(j->command,
                  "warning: '%s' has the same value everywhere; its pixels are "
                  "taken in random order",
                  path);
    return APP_OK;
}

int evaluate_load_map(evaluate_job *j, const char *path, size_t source,
                      size_t pair, int side)
{
    wf_map **place =
        &j->evaluation.sources[source].maps[2 * pair + (size_t)side];
    wf_error err = {0};
    if (wf_map_load(path, place, &err) != WF_OK)
        return app_fail(j->command, &err);
    return check_map(j, *place, path);
}

/* ---- maps made here ------------------------------------------------------ */

int evaluate_add_explain(evaluate_job *j, size_t *n_sources)
{
    const char *text;
    for (size_t i = 0; (text = app_get_nth(j->args, "explain", i)); i++) {
        if (*n_sources == APP_MAX_SOURCES) {
            app_error(j->command, "more than %d maps or methods to compare",
                      APP_MAX_SOURCES);
            return APP_USAGE;
        }
        int status =
            app_method_parse(j->command, text, &j->explain[*n_sources]);
        if (status != APP_OK)
            return status;
        ++*n_sources;
    }
    return APP_OK;
}

static wf_status keep_map(evaluate_job *j, const wf_explanation *x,
                          size_t source, size_t pair, int side, wf_error *err)
{
    const wf_map *map = wf_explanation_map(x, WF_PAIR_MATE, (wf_side)side);
    const char *folder = app_get(j->args, "save-maps");
    char path[4300];
    app_evaluation *e = &j->evaluation;
    wf_status st =
        wf_map_create(wf_map_values(map), wf_map_width(map), wf_map_height(map),
                      &e->sources[source].maps[2 * pair + (size_t)side], err);
    if (st != WF_OK || !folder)
        return st;
    snprintf(path, sizeof(path), "%s/%s/%s-%s.npy", folder,
             e->sources[source].name, e->pairs[pair].name, sides[side]);
    return wf_map_save(map, path, err);
}

static wf_status explain_pair(evaluate_job *j, size_t source, size_t pair,
                              wf_error *err)
{
    const app_pair *p = &j->evaluation.pairs[pair];
    wf_explanation *x;
    wf_status st =
        wf_explain(j->session.ctx, j->session.model, j->explain[source],
                   p->crops[0], p->crops[1], NULL, &x, err);
    if (st != WF_OK)
        return st;
    for (int side = 0; side < 2 && st == WF_OK; side++)
        if (j->evaluation.sides & 1 << side)
            st = keep_map(j, x, source, pair, side, err);
    wf_explanation_free(x);
    return st;
}

int evaluate_explain(evaluate_job *j)
{
    app_evaluation *e = &j->evaluation;
    const char *folder = app_get(j->args, "save-maps");
    for (size_t s = 0; s < e->n_sources; s++) {
        char path[4200];
        wf_error err = {0};
        if (!j->explain[s])
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder ? folder : "",
                 e->sources[s].name);
        if (folder && app_make_folder(j->command, path) != APP_OK)
            return APP_FAILED;
        for (size_t pair = 0; pair < e->n_pairs; pair++) {
            app_progress("explain", pair, e->n_pairs);
            if (explain_pair(j, s, pair, &err) != WF_OK) {
                app_progress_end();
                return app_fail(j->command, &err);
            }
        }
    }
    app_progress_end();
    return APP_OK;
}
