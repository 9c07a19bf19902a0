#include "cli/sanity.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/files.h"
#include "app/json.h"
#include "app/method.h"
#include "app/progress.h"
#include "app/result.h"
#include "cli/commands.h"

static const app_option options[] = {
    {"test", 0, "LIST",
     "model, stability, hiding, patch, occlusion or all, separated by commas "
     "[model]",
     "model|stability|hiding|patch|occlusion|all"},
    {"protocol", 'p', "PAIRS",
     "means over mated pairs of a list (as calibrate's)"},
    {"images", 'i', "FOLDER", "where the photos lie [beside PAIRS]"},
    {"pairs", 'n', "N", "only N mated pairs, spread evenly [all]"},
    {"method", 0, "NAME", "method of explanation [level-sets]", APP_METHODS},
    {"preset", 0, "NAME", "the method's options by name, for example paper",
     APP_PRESETS},
    {"stages", 0, "N", "model: how many depths, from one layer to all [6]"},
    {"weights", 0, "HOW", "model: new weights are normal or shuffled [normal]",
     "normal|shuffled"},
    {"seeds", 0, "N", "stability: seeds that are compared [5]"},
    {"counts", 0, "N,...", "stability: numbers of masks [that of --masks]"},
    {"region", 0, "WHERE",
     "patch: eyes, nose, mouth or X,Y,WIDTH,HEIGHT of the crop [eyes]",
     "eyes|nose|mouth"},
    {"kind", 0, "KIND",
     "occlusion: mask, sunglasses, scarf or hand; again: another [mask, "
     "sunglasses]",
     "mask|sunglasses|scarf|hand"},
    {"threshold", 0, "VALUE|NAME", "similarity of a match [accuracy]"},
    {"figure", 0, "FILE", "the maps, as .png, .svg or .pdf"},
    {"format", 0, "NAME", "of means: text, markdown or latex [text]",
     "text|markdown|latex"},
    {"json", 0, NULL, "print JSON"},
    {0}};

typedef struct test {
    const char *name;
    int faces; /* that it needs */
    int (*run)(sanity *s);
} test;

static const test tests[] = {{"model", 2, sanity_model},
                             {"stability", 2, sanity_stability},
                             {"hiding", 2, sanity_hiding},
                             {"patch", 3, sanity_patch},
                             {"occlusion", 2, sanity_occlusion}};

enum { TESTS = sizeof(tests) / sizeof(*tests) };

/* ---- what the tests share -------------------------------------------------
 */

void sanity_print(const sanity *s, const char *format, ...)
{
    va_list list;
    if (s->silent)
        return;
    app_progress_end();
    va_start(list, format);
    vprintf(format, list);
    va_end(list);
}

const char *sanity_number(double value, char buf[32])
{
    if (isnan(value))
        return "-";
    snprintf(buf, 32, fabs(value) < 10 ? "%.3f" : "%.1f", value);
    return buf;
}

const char *sanity_map_name(int map)
{
    static const char *const map_names[SANITY_MAPS] = {
        "probe for the mate", "mate for the probe", "probe for the non-mate",
        "non-mate for the probe"};
    return map_names[map];
}

const wf_map *sanity_map(const wf_explanation *x, int map)
{
    return wf_explanation_map(x, (wf_pair)(map / 2), (wf_side)(map % 2));
}

int sanity_face(int map)
{
    return map % 2 ? 1 + map / 2 : 0;
}

int sanity_other(int map)
{
    return map % 2 ? 0 : 1 + map / 2;
}

wf_status sanity_explain(const sanity *s, wf_model *model,
                         const wf_options *with, const wf_image *probe,
                         const wf_image *mate, const wf_image *nonmate,
                         wf_explanation **out, wf_error *err)
{
    return wf_explain(s->session.ctx, model, with, probe, mate, nonmate, out,
                      err);
}

wf_status sanity_explain_again(const sanity *s, wf_model *model, uint64_t seed,
                               double masks, wf_explanation **out,
                               wf_error *err)
{
    char text[32];
    wf_options *again = NULL;
    if (app_make_options(s->command, s->args, &again) != APP_OK) {
        *err = (wf_error){WF_EINVAL, "the method's options changed"};
        return WF_EINVAL;
    }
    wf_status st = WF_OK;
    snprintf(text, sizeof(text), "%llu", (unsigned long long)seed);
    if (wf_options_get(again, "seed")) /* else there is nothing random */
        st = wf_options_set(again, "seed", text, err);
    snprintf(text, sizeof(text), "%.0f", masks);
    if (st == WF_OK && masks > 0)
        st = wf_options_set(again, "masks", text, err);
    if (st == WF_OK)
        st = sanity_explain(s, model, again, s->faces[0].crop, s->faces[1].crop,
                            s->faces[2].crop, out, err);
    wf_options_free(again);
    return st;
}

/* ---- options --------------------------------------------------------------
 */

/* Over a list of pairs, a non-mate is drawn where a test needs one. */
static int has_faces(const sanity *s, const test *t)
{
    return t->faces <= s->n || app_has(s->args, "protocol");
}

static int read_tests(sanity *s)
{
    const char *list = app_get(s->args, "test");
    for (const char *p = list ? list : "model"; *p || !s->wanted;) {
        size_t length = strcspn(p, ",");
        int found = 0;
        for (int i = 0; i < TESTS; i++)
            if ((strlen(tests[i].name) == length &&
                 !strncmp(p, tests[i].name, length)) ||
                (length == 3 && !strncmp(p, "all", 3) &&
                 has_faces(s, &tests[i])))
                found |= 1 << i;
        if (!found) {
            app_error(s->command,
                      "option --test: expected model, stability, hiding, "
                      "patch, occlusion or all, got '%s'",
                      list);
            return APP_USAGE;
        }
        s->wanted |= found;
        p += length + (p[length] == ',');
    }
    for (int i = 0; i < TESTS; i++) {
        if (!(s->wanted & 1 << i))
            continue;
        if (!has_faces(s, &tests[i])) {
            app_error(s->command, "the test '%s' needs a NONMATE",
                      tests[i].name);
            return APP_USAGE;
        }
        s->n = tests[i].faces > s->n ? tests[i].faces : s->n;
    }
    return APP_OK;
}

static int read_counts(sanity *s)
{
    const char *list = app_get(s->args, "counts");
    s->n_counts = 0;
    if (!list)
        s->counts[s->n_counts++] = 0;
    for (const char *p = list; p && (*p || !s->n_counts);) {
        char *end;
        double count = strtod(p, &end);
        if (end == p || (*end && *end != ',') || count != floor(count) ||
            !(count >= 1 && count <= 1e6) || s->n_counts == SANITY_MAX_COUNTS) {
            app_error(s->command,
                      "option --counts: expected at most %d whole numbers from "
                      "1 to 1000000 with commas between them, got '%s'",
                      SANITY_MAX_COUNTS, list);
            return APP_USAGE;
        }
        s->counts[s->n_counts++] = count;
        p = end + (*end == ',');
    }
    return APP_OK;
}

static int known_kind(const char *kind)
{
    for (size_t i = 0; wf_occlusion_name(i); i++)
        if (!strcmp(kind, wf_occlusion_name(i)))
            return 1;
    return 0;
}

static int read_kinds(sanity *s)
{
    const char *kind;
    s->kinds[0] = "mask";
    s->kinds[1] = "sunglasses";
    s->n_kinds = 2;
    for (size_t i = 0; (kind = app_get_nth(s->args, "kind", i)); i++) {
        if (i == SANITY_MAX_KINDS || !known_kind(kind)) {
            app_error(s->command,
                      "option --kind: expected mask, sunglasses, scarf or "
                      "hand, got '%s'",
                      kind);
            return APP_USAGE;
        }
        s->kinds[i] = kind;
        s->n_kinds = i + 1;
    }
    return APP_OK;
}

static int read_weights(sanity *s)
{
    const char *how = app_get(s->args, "weights");
    s->how = WF_RANDOMISE_NORMAL;
    if (!how || !strcmp(how, "normal"))
        return APP_OK;
    s->how = WF_RANDOMISE_SHUFFLE;
    if (!strcmp(how, "shuffled"))
        return APP_OK;
    app_error(s->command,
              "option --weights: expected normal or shuffled, got '%s'", how);
    return APP_USAGE;
}

static int read_format(sanity *s)
{
    const char *format = app_get(s->args, "format");
    s->format = format ? format : "text";
    if (!strcmp(s->format, "text") || !strcmp(s->format, "markdown") ||
        !strcmp(s->format, "latex"))
        return APP_OK;
    app_error(s->command,
              "option --format: expected text, markdown or latex, got '%s'",
              format);
    return APP_USAGE;
}

/* Photos or a list of pairs. */
static int check_input(const sanity *s)
{
    if (!app_has(s->args, "protocol")) {
        if (s->args->n_operands >= 2)
            return APP_OK;
        app_error(s->command, "name the photos PROBE and MATE, or a list of "
                              "pairs with --protocol");
        return APP_USAGE;
    }
    if (s->args->n_operands == 0 && !app_has(s->args, "figure"))
        return APP_OK;
    app_error(s->command, "with --protocol no %s",
              s->args->n_operands ? "photos are named" : "--figure is drawn");
    return APP_USAGE;
}

static int check_figure(const sanity *s)
{
    const char *path = app_get(s->args, "figure");
    return path ? app_check_drawing(s->command, "figure", path) : APP_OK;
}

static int read_options(sanity *s)
{
    double stages = 6, seeds = 5;
    int status = check_input(s);
    if (status == APP_OK)
        status = read_tests(s);
    if (status == APP_OK)
        status = read_format(s);
    if (status == APP_OK)
        status = app_make_options(s->command, s->args, &s->options);
    if (status == APP_OK)
        status =
            app_method_check_spatial(s->command, wf_options_method(s->options));
    if (status == APP_OK)
        status = app_model_opts(s->command, s->args, &s->model_opts);
    if (status == APP_OK)
        status = app_get_number(s->command, s->args, "stages", 1, 50, &stages);
    if (status == APP_OK)
        status = app_get_number(s->command, s->args, "seeds", 2, 50, &seeds);
    if (status == APP_OK)
        status = read_counts(s);
    if (status == APP_OK)
        status = read_kinds(s);
    if (status == APP_OK)
        status = read_weights(s);
    if (status == APP_OK)
        status = check_figure(s);
    s->stages = (int)stages;
    s->seeds = (int)seeds;
    const char *seed =
        status == APP_OK ? wf_options_get(s->options, "seed") : NULL;
    s->seed = seed ? strtoull(seed, NULL, 10) : 1;
    return status;
}

/* Part of the face between two landmarks of the template, grown by shares of
 * the distance of the eyes. */
static void part_of_face(sanity *s, int a, int b, double side, double up)
{
    const wf_model_info *info = wf_model_get_info(s->session.model);
    const float(*p)[2] = info->points;
    double unit = hypot((double)(p[WF_EYE_RIGHT][0] - p[WF_EYE_LEFT][0]),
                        (double)(p[WF_EYE_RIGHT][1] - p[WF_EYE_LEFT][1]));
    double left = fmax((double)p[a][0] - side * unit, 0);
    double top = fmax((double)fminf(p[a][1], p[b][1]) - up * unit, 0);
    double right = fmin((double)p[b][0] + side * unit, info->width - 1);
    double bottom =
        fmin((double)fmaxf(p[a][1], p[b][1]) + up * unit, info->height - 1);
    s->region[0] = (int)lround(left);
    s->region[1] = (int)lround(top);
    s->region[2] = (int)lround(right) - s->region[0] + 1;
    s->region[3] = (int)lround(bottom) - s->region[1] + 1;
}

static int read_region(sanity *s)
{
    const char *text = app_get(s->args, "region");
    const wf_model_info *info = wf_model_get_info(s->session.model);
    int *r = s->region, end = 0;
    if (!text || !strcmp(text, "eyes"))
        part_of_face(s, WF_EYE_LEFT, WF_EYE_RIGHT, 0.45, 0.35);
    else if (!strcmp(text, "nose"))
        part_of_face(s, WF_NOSE_TIP, WF_NOSE_TIP, 0.4, 0.35);
    else if (!strcmp(text, "mouth"))
        part_of_face(s, WF_MOUTH_LEFT, WF_MOUTH_RIGHT, 0.25, 0.3);
    else if (sscanf(text, "%5d,%5d,%5d,%5d%n", &r[0], &r[1], &r[2], &r[3],
                    &end) != 4 ||
             text[end] || r[0] < 0 || r[1] < 0 || r[2] < 1 || r[3] < 1 ||
             r[0] + r[2] > info->width || r[1] + r[3] > info->height) {
        app_error(s->command,
                  "option --region: expected eyes, nose, mouth or "
                  "X,Y,WIDTH,HEIGHT within %d x %d pixels, got '%s'",
                  info->width, info->height, text);
        return APP_USAGE;
    }
    return APP_OK;
}

/* ---- the run --------------------------------------------------------------
 */

static int load_faces(sanity *s)
{
    wf_error err = {0};
    for (int i = 0; i < s->n; i++)
        if (app_face_load(&s->session, s->args->operands[i],
                          app_get_nth(s->args, "face", (size_t)i), &s->faces[i],
                          &err) != WF_OK) {
            app_progress_end();
            return app_fail(s->command, &err);
        }
    return APP_OK;
}

/* The maps that everything is compared with. */
static int prepare(sanity *s)
{
    const wf_model_info *info = wf_model_get_info(s->session.model);
    wf_error err = {0};
    s->tests = json_object();
    if (sanity_explain(s, s->session.model, s->options, s->faces[0].crop,
                       s->faces[1].crop, s->faces[2].crop, &s->plain, &err) ||
        wf_map_random(info->width, info->height, s->seed + s->pair, &s->random,
                      &err) ||
        wf_map_centred(info->width, info->height, &s->centred, &err)) {
        app_progress_end();
        return app_fail(s->command, &err);
    }
    for (int i = 0; i < s->n - 1; i++)
        sanity_print(s, "probe and %-8s similarity %.3f\n",
                     i ? "non-mate" : "mate",
                     wf_explanation_similarity(s->plain, (wf_pair)i));
    return APP_OK;
}

int sanity_test(sanity *s)
{
    int status = prepare(s);
    for (int i = 0; i < TESTS && status == APP_OK; i++)
        if (s->wanted & 1 << i)
            status = tests[i].run(s);
    app_progress_end();
    return status;
}

void sanity_drop_pair(sanity *s)
{
    json_decref(s->tests);
    s->tests = NULL;
    wf_map_free(s->random);
    wf_map_free(s->centred);
    s->random = s->centred = NULL;
    wf_explanation_free(s->plain);
    s->plain = NULL;
    for (int i = 0; i < 3; i++)
        app_face_free(&s->faces[i]);
}

json_t *sanity_head(const sanity *s)
{
    json_t *root = json_object();
    json_object_set_new(root, "whyface", json_string(wf_version()));
    json_object_set_new(root, "model",
                        app_model_json(wf_model_get_info(s->session.model)));
    json_object_set_new(root, "method", app_options_json(s->options));
    json_object_set_new(root, "threshold", app_number(s->threshold.value));
    return root;
}

static json_t *result(const sanity *s)
{
    static const char *const roles[] = {"probe", "mate", "nonmate"};
    json_t *root = sanity_head(s), *photos = json_object();
    for (int i = 0; i < s->n; i++)
        json_object_set_new(photos, roles[i],
                            json_pack("{s:s s:s}", "photo", s->faces[i].path,
                                      "sha256", s->faces[i].sha256));
    json_object_set_new(root, "photos", photos);
    json_object_set_new(
        root, "similarity",
        app_number(wf_explanation_similarity(s->plain, WF_PAIR_MATE)));
    json_object_set(root, "tests", s->tests);
    return root;
}

static int test_photos(sanity *s)
{
    const char *figure = app_get(s->args, "figure");
    s->sheet = figure ? sanity_sheet_new() : NULL;
    if (figure && !s->sheet) {
        app_error(s->command, "out of memory for a figure");
        return APP_FAILED;
    }
    int status = load_faces(s);
    if (status == APP_OK)
        status = sanity_test(s);
    if (status == APP_OK && figure)
        status = sanity_sheet_save(s, figure);
    if (status == APP_OK && s->json)
        status = app_json_print(s->command, result(s));
    return status;
}

static int run(const app_command *command, const app_args *args)
{
    sanity s = {.command = command, .args = args};
    s.n = args->n_operands > 2 ? (int)args->n_operands : 2;
    s.json = app_has(args, "json");
    s.silent = s.json || app_has(args, "protocol");
    int status = read_options(&s);
    if (status == APP_OK)
        status = app_session_open(command, args, APP_MODEL | APP_DETECTOR,
                                  &s.session);
    if (status == APP_OK)
        status = app_find_threshold(&s.session, &s.threshold);
    if (status == APP_OK)
        status = read_region(&s);
    if (status == APP_OK)
        status = app_has(args, "protocol") ? sanity_over_protocol(&s)
                                           : test_photos(&s);
    sanity_sheet_free(s.sheet);
    sanity_drop_pair(&s);
    wf_options_free(s.options);
    app_session_close(&s.session);
    return status;
}

const app_command cli_sanity = {
    .name = "sanity",
    .operands = "[PROBE MATE [NONMATE]]",
    .summary = "do the maps depend on the model, the picture, chance?",
    .about =
        "Explains one pair again and again with one thing changed, and says "
        "how the maps follow.  With --protocol it does so for mated pairs of a "
        "list, each with a non-mate drawn at random where a test needs one, "
        "and prints means with 95 % intervals over the pairs.\n\n"
        "--test model: layers with random weights.  Maps that stay the same do "
        "not show the model.\n\n"
        "--test stability: other seeds.  What differs between the maps is "
        "chance.\n\n"
        "--test hiding: how much can be hidden, what matters least first, "
        "until "
        "the decision changes.\n\n"
        "--test patch: pixels of MATE are pasted into NONMATE, whose map must "
        "light up there.\n\n"
        "--test occlusion: a mask, then sunglasses on PROBE, whose map must "
        "leave what they cover.\n\n"
        "Every test shows a random map and a centred Gaussian too.  There is "
        "no verdict: doc/evaluate.md says what each number means.  Options of "
        "the method are given by name, for example --masks 1000 --seed 7.",
    .example = "whyface sanity --test model,stability probe.jpg mate.jpg "
               "--figure sanity.png",
    .options = options,
    .more = app_session_options,
    .least = 0,
    .most = 3,
    .takes_method_options = 1,
    .run = run};
