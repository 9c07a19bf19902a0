/*
 * The hiding game (Castanon and Byrne, FG 2018): how much of a face can be
 * hidden, what speaks least for the decision first, while the decision holds.
 */
#include <math.h>

#include "app/json.h"
#include "app/result.h"
#include "cli/sanity.h"

#define STEPS 20 /* 5 % each */

static const int shares[] = {50, 70, 80, 90, 95}; /* % hidden */
enum { SHARES = sizeof(shares) / sizeof(*shares) };

/* Hidden share and similarities of one map, the first of its pair's crops. */
static wf_status play(const sanity *s, const wf_map *map, int which,
                      wf_crossing *crossing, double *similarity, wf_error *err)
{
    wf_evaluate_opts opts;
    wf_evaluation result;
    double curves[2 * (STEPS + 1)];
    const double *removed = curves, *kept = curves + STEPS + 1;
    wf_evaluate_opts_init(&opts);
    opts.threshold = s->threshold.value;
    opts.steps = STEPS;
    if (wf_evaluate(s->session.ctx, s->session.model,
                    s->faces[sanity_face(which)].crop,
                    s->faces[sanity_other(which)].crop, map, &opts, &result,
                    curves, err) != WF_OK)
        return err->code;
    /* High values speak for a match, low ones for a rejection. */
    int match = isnan(opts.threshold) || result.accepted;
    *crossing = result.deletion[match ? WF_LEAST_FIRST : WF_MOST_FIRST];
    for (int i = 0; i < SHARES; i++) {
        int step = shares[i] * STEPS / 100;
        similarity[i] = match ? kept[STEPS - step] : removed[step];
    }
    return WF_OK;
}

static int report(const sanity *s, json_t *rows, const wf_map *map, int which,
                  const char *label)
{
    wf_crossing crossing = {NAN, WF_NOT_ASKED};
    double similarity[SHARES] = {0};
    wf_error err = {0};
    json_t *list = json_array();
    if (play(s, map, which, &crossing, similarity, &err) != WF_OK) {
        json_decref(list);
        return app_fail(s->command, &err);
    }
    double share = crossing.state == WF_AT_ONCE ? NAN : crossing.share;
    sanity_print(s, "%-36s %10s", label, SANITY_NUMBER(100 * share));
    for (int i = 0; i < SHARES; i++) {
        sanity_print(s, " %8s", SANITY_NUMBER(similarity[i]));
        json_array_append_new(list, json_pack("{s:i s:f}", "percent", shares[i],
                                              "similarity", similarity[i]));
    }
    sanity_print(s, "\n");
    json_array_append_new(rows,
                          json_pack("{s:s s:s s:o s:o}", "map",
                                    sanity_map_name(which), "line", label,
                                    "hidden", app_number(share), "at", list));
    return APP_OK;
}

int sanity_hiding(sanity *s)
{
    json_t *rows = json_array();
    int status = APP_OK;
    json_object_set_new(s->tests, "hiding", rows);
    sanity_print(
        s,
        "== hiding: what speaks least for the decision is hidden first "
        "==\n%-36s %10s",
        "", "% hidden");
    for (int i = 0; i < SHARES; i++)
        sanity_print(s, "    %d %% ", shares[i]);
    sanity_print(s, "\n%-36s %10s   similarity with so much hidden\n", "",
                 "at change");
    for (int i = 0; i < SANITY_MAPS && status == APP_OK; i++) {
        if (!sanity_map(s->plain, i))
            continue;
        status =
            report(s, rows, sanity_map(s->plain, i), i, sanity_map_name(i));
        if (status == APP_OK)
            status = report(s, rows, s->random, i, "  random map");
        if (status == APP_OK)
            status = report(s, rows, s->centred, i, "  centred Gaussian");
    }
    return status;
}
