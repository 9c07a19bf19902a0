/* What a report says in sentences. */
#include <math.h>
#include <string.h>

#include "app/report/parts.h"

/* A similarity as near to the threshold as this is called near. */
#define NEAR 0.05

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static double similarity_of(const report *r, int pair)
{
    return number_of(json_object_get(json_object_get(r->result, "pairs"),
                                     app_role_names[APP_MATE + pair]),
                     "similarity");
}

/* ---- a pair -------------------------------------------------------------- */

/* The rates that go with the threshold, NULL where none are known. */
static const wf_threshold *rates_of(const report *r)
{
    const wf_threshold *t =
        wf_model_threshold(r->session->model, r->opts->threshold.name);
    return t && t->value == r->opts->threshold.value && isfinite(t->fmr) &&
                   isfinite(t->fnmr)
               ? t
               : NULL;
}

static void say_decision(const report *r, int pair, json_t *out)
{
    const char *other = app_role_titles[APP_MATE + pair];
    double s = similarity_of(r, pair), t = r->opts->threshold.value;
    if (isnan(t)) {
        report_text(out, "decision", "none");
        report_text(out, "statement",
                    "The model gives probe and %s a similarity of %.3f. No "
                    "threshold is known for this model, so it decides nothing.",
                    other, s);
        return;
    }
    report_text(out, "decision", s >= t ? "match" : "no match");
    report_text(out, "statement",
                "The model gives probe and %s a similarity of %.3f, %s its "
                "threshold of %.3f: it takes them for %s.",
                other, s, s >= t ? "at or above" : "below", t,
                s >= t ? "the same person" : "different persons");
}

static void say_weight(const report *r, int pair, json_t *out)
{
    const wf_threshold *t = rates_of(r);
    double s = similarity_of(r, pair);
    if (isnan(r->opts->threshold.value))
        report_text(out, "weight",
                    "Without a threshold the score favours neither.");
    else if (!t)
        report_text(out, "weight",
                    "The score falls on the side of %s. How often the model "
                    "errs at this threshold is not known, so nothing can be "
                    "said about how much that weighs.",
                    s >= r->opts->threshold.value ? "A" : "B");
    else
        report_text(
            out, "weight",
            "The score falls on the side of %s. At this threshold the model "
            "accepted %.2f %% of pairs of different persons (FMR) and refused "
            "%.2f %% of pairs of the same person (FNMR) in: %s. These are "
            "rates over those photos. They are not the probability that these "
            "two photos show one person, and they hold only for photos and "
            "people like those.",
            s >= t->value ? "A" : "B", 100 * t->fmr, 100 * t->fnmr, t->source);
}

void report_pair_words(const report *r, int pair, json_t *out)
{
    const char *other = app_role_titles[APP_MATE + pair];
    const wf_threshold *t = rates_of(r);
    double s = similarity_of(r, pair), threshold = r->opts->threshold.value;
    json_t *propositions = json_array();
    report_text(out, "with", "%s", other);
    report_number(out, "similarity", s, 3);
    report_number(out, "threshold", threshold, 3);
    report_text(out, "_place", "%.1f", 50 * (1 + fmin(fmax(s, -1), 1)));
    if (isfinite(threshold))
        report_text(out, "_threshold_place", "%.1f", 50 * (1 + threshold));
    report_share(out, "fmr", t ? t->fmr : NAN);
    report_share(out, "fnmr", t ? t->fnmr : NAN);
    say_decision(r, pair, out);
    json_object_set_new(out, "propositions", propositions);
    report_say(propositions, "Probe and %s show the same person.", other);
    report_say(propositions, "Probe and %s show different persons.", other);
    say_weight(r, pair, out);
}

/* ---- summary ------------------------------------------------------------- */

/* "the nose (45 %)": the index-th of a map's regions by their share of the
 * most salient pixels. */
static void name_region(const json_t *map, size_t index, char *buf, size_t size)
{
    const json_t *region =
        json_array_get(json_object_get(map, "_by_top"), index);
    const char *name = text_of(region, "name");
    int outside = !strcmp(name, "outside");
    snprintf(buf, size, "%s (%s)", outside ? "what is outside the face" : name,
             text_of(region, "_top"));
}

static void name_regions(const json_t *map, char *buf, size_t size)
{
    char first[100], second[100];
    name_region(map, 0, first, sizeof(first));
    name_region(map, 1, second, sizeof(second));
    snprintf(buf, size, "%s and %s", first, second);
}

static void say_regions(const report *r, const json_t *pairs, json_t *list)
{
    if (r->method->domain != WF_DOMAIN_SPATIAL) {
        report_say(list, "The maps of this method show frequencies, not places "
                         "in the face.");
        return;
    }
    for (int pair = 0; pair < r->n - 1; pair++) {
        char names[2][240];
        const char *other = app_role_titles[APP_MATE + pair];
        const json_t *o = json_array_get(pairs, (size_t)pair);
        const json_t *maps = json_object_get(o, "maps");
        for (size_t side = 0; side < 2; side++)
            name_regions(json_array_get(maps, side), names[side],
                         sizeof(names[side]));
        report_say(list, "%s %s: in the probe %s, in the %s %s.%s",
                   !strcmp(text_of(o, "decision"), "no match")
                       ? "What little similarity it finds comes mostly from "
                         "these regions of probe and"
                       : "What it finds similar lies mostly in these regions "
                         "of probe and",
                   other, names[0], other, names[1],
                   pair ? ""
                        : " (Shares of the most salient tenth of the pixels.)");
    }
}

/* How many of the maps beat a control in both measures. */
static int count_better(const report *r, const json_t *pairs, const char *key)
{
    int n = 0;
    for (size_t k = 0; k < 2 * (size_t)(r->n - 1); k++)
        n += !strcmp(text_of(json_object_get(
                                 json_array_get(
                                     json_object_get(
                                         json_array_get(pairs, k / 2), "maps"),
                                     k % 2),
                                 "faithfulness"),
                             key),
                     "better in both");
    return n;
}

static void say_faithfulness(const report *r, const json_t *root, json_t *list)
{
    const json_t *pairs = json_object_get(root, "pairs");
    const json_t *weights = json_object_get(root, "random_weights");
    int n = 2 * (r->n - 1);
    double correlation = number_of(weights, "correlation");
    if (r->opts->evidence & APP_REPORT_CURVES &&
        r->method->domain == WF_DOMAIN_SPATIAL) {
        int random = count_better(r, pairs, "against_random");
        int centred = count_better(r, pairs, "against_centred");
        report_say(list,
                   "Measured on these photos, %d of the %d maps predict better "
                   "than a random map, and %d better than a plain blob in the "
                   "middle of the face, which pixels the similarity depends "
                   "on.%s",
                   random, n, centred,
                   centred < n ? " Do not read fine detail into the others."
                               : "");
    } else {
        report_say(list, "How faithful these maps are was not measured.");
    }
    if (isfinite(correlation))
        report_say(list,
                   "With random weights in the model the maps of probe and "
                   "mate correlate %.2f with those shown: %s",
                   correlation,
                   correlation < 0.5
                       ? "they come from what the model has learned."
                       : "much of them comes from the method or the photos, "
                         "not from what the model has learned.");
}

static void say_suitability(const report *r, json_t *list)
{
    int any = 0;
    for (int i = 0; i < r->n; i++)
        for (int k = 0; k < WF_QUALITIES; k++)
            if (r->roles[i].qualities[k].level == WF_LEVEL_POOR) {
                report_say(list, "The %s is poor in %s: %s", app_role_titles[i],
                           r->roles[i].qualities[k].name,
                           r->roles[i].qualities[k].text);
                any = 1;
            }
    if (!any)
        report_say(list, "No measure of the photos' suitability is poor.");
}

json_t *report_summary(const report *r, const json_t *root)
{
    json_t *list = json_array();
    const json_t *pairs = json_object_get(root, "pairs");
    for (size_t i = 0; i < json_array_size(pairs); i++)
        report_say(list, "%s", text_of(json_array_get(pairs, i), "statement"));
    say_regions(r, pairs, list);
    say_faithfulness(r, root, list);
    say_suitability(r, list);
    report_say(list, "The maps show what this model used. They are no evidence "
                     "of who is in the photos.");
    return list;
}

/* ---- limits -------------------------------------------------------------- */

static void say_flags(const report *r, json_t *list)
{
    const wf_model_info *info = wf_model_get_info(r->session->model);
    for (int pair = 0; pair < r->n - 1; pair++) {
        const char *other = app_role_titles[APP_MATE + pair];
        const json_t *entry =
            json_object_get(json_object_get(r->result, "pairs"),
                            app_role_names[APP_MATE + pair]);
        if (fabs(similarity_of(r, pair) - r->opts->threshold.value) < NEAR)
            report_say(list,
                       "The similarity of probe and %s is within %.2f of the "
                       "threshold: another photo of the same person may well "
                       "be decided the other way.",
                       other, NEAR);
        if (json_is_true(json_object_get(entry, "identical_crops")))
            report_say(list, "Probe and %s are the same picture.", other);
        for (size_t side = 0; side < 2; side++) {
            const json_t *support =
                json_array_get(json_object_get(entry, "support"), side);
            if (pair == WF_PAIR_MATE && json_is_number(support) &&
                json_number_value(support) <= WF_SUPPORT_AGAINST)
                report_say(list,
                           "The model does not answer as if the %s were an "
                           "aligned face.",
                           app_role_titles[report_role_of(pair, (int)side)]);
        }
    }
    if (info->guessed)
        report_say(list, "The model's pre-processing is guessed, not known: it "
                         "has no manifest.");
    for (int i = 0; i < r->n; i++)
        if (!r->roles[i].photo)
            report_say(list,
                       "The photo of the %s was not found unchanged when this "
                       "report was made; what needs it is unknown.",
                       app_role_titles[i]);
}

json_t *report_limits(const report *r, const json_t *root)
{
    json_t *list = json_array();
    const json_t *seed = json_object_get(root, "another_seed");
    say_flags(r, list);
    report_say(list, "The maps say which pixels this model's similarity "
                     "depends on. They do not say that the model is right, nor "
                     "what a person would compare.");
    report_say(list, "Hiding pixels makes pictures unlike those the model was "
                     "trained on; what it answers to them is part of every "
                     "number here.");
    if (isfinite(number_of(seed, "correlation")))
        report_say(list,
                   "The method draws at random: with another seed the maps of "
                   "probe and mate correlate %.2f with those shown, and share "
                   "%s of their most salient tenth.",
                   number_of(seed, "correlation"),
                   text_of(seed, "_shared_top"));
    report_say(list, "Regions are drawn from five landmarks and an average "
                     "face; their borders are soft by a few pixels.");
    report_say(list, "EXIF data and file dates can be changed by anybody.");
    report_say(list, "Error rates are those of the photos named beside the "
                     "threshold, and differ for other cameras, ages and groups "
                     "of people.");
    return list;
}
