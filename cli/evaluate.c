#include "cli/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/files.h"
#include "app/json.h"
#include "cli/commands.h"

static const app_option options[] = {
    {"map", 0, "FILE", "map of PROBE: .npy or grey PNG; again: another method"},
    {"other-map", 0, "FILE", "map of OTHER"},
    {"label", 0, "WORD", "PROBE and OTHER are genuine or impostor [unknown]",
     "genuine|impostor|unknown"},
    {"protocol", 'p', "PAIRS", "judge over a list of pairs (as calibrate's)"},
    {"images", 'i', "FOLDER", "where the photos lie [beside PAIRS]"},
    {"maps", 0, "[NAME=]FOLDER",
     "maps NNNN-probe and NNNN-other (.npy, .png) of the NNNN-th pair; again: "
     "another method"},
    {"explain", 'x', "[NAME=]METHOD[,OPTION=VALUE]...",
     "make the maps, for example s-rise or paper=s-rise,preset=paper; again: "
     "another method [level-sets]",
     APP_METHODS},
    {"save-maps", 0, "FOLDER", "keep the maps that are made"},
    {"pairs", 'n', "N", "only N pairs, spread evenly over the list [all]"},
    {"skip-missing", 0, NULL, "leave out pairs that lack a photo or map"},
    {"side", 0, "WORD", "judge maps of the probe, other or both [both]",
     "probe|other|both"},
    {"threshold", 0, "VALUE|NAME", "similarity of a match [accuracy]"},
    {"fill", 0, "NAME",
     "what replaces a pixel: mean, black, blur or road [mean]",
     "mean|black|blur|road"},
    {"steps", 0, "N", "steps of the curves, a multiple of 10 [50]"},
    {"exact", 0, NULL, "find crossings by asking for every pixel: slow"},
    {"curves-only", 0, NULL, "no crossings: 2 x steps model calls a map"},
    {"seed", 0, "N", "of ties, random maps and intervals [1]"},
    {"json", 0, NULL, "print JSON"},
    {"csv", 0, "FILE", "one line a map"},
    {"curves", 0, "FILE", "the similarity curves of every map, as CSV"},
    {"plot", 0, "[CURVE=]FILE",
     "mean curves as .png, .svg or .pdf: deletion, insertion, "
     "deletion-accuracy or insertion-accuracy; again: another [deletion]"},
    {"sheet", 0, "FILE",
     "the maps of up to 4 pairs side by side, as .png, .svg or .pdf"},
    {0}};

static int read_side(evaluate_job *j)
{
    static const char *const words[] = {"", "probe", "other", "both"};
    const char *word = app_get(j->args, "side");
    j->evaluation.sides = 3;
    for (int k = 1; word && k < 4; k++)
        if (!strcmp(word, words[k])) {
            j->evaluation.sides = k;
            return APP_OK;
        }
    if (!word)
        return APP_OK;
    app_error(j->command,
              "option --side: expected probe, other or both, got '%s'", word);
    return APP_USAGE;
}

static int read_options(evaluate_job *j)
{
    wf_evaluate_opts *o = &j->evaluation.opts;
    const char *fill = app_get(j->args, "fill");
    double steps = 50, seed = 1;
    wf_error err = {0};
    wf_evaluate_opts_init(o);
    int status = read_side(j);
    if (status == APP_OK)
        status = app_get_number(j->command, j->args, "steps", 10, 1000, &steps);
    if (status == APP_OK)
        status = app_get_number(j->command, j->args, "seed", 0,
                                9007199254740991.0, &seed);
    if (status == APP_OK && fmod(steps, 10) != 0) {
        app_error(j->command,
                  "option --steps: expected a multiple of 10, got "
                  "'%s'",
                  app_get(j->args, "steps"));
        return APP_USAGE;
    }
    if (status == APP_OK && fill && wf_fill_find(fill, &o->fill, &err)) {
        app_error(j->command, "option --fill: %s", err.message);
        return APP_USAGE;
    }
    o->steps = (int)steps;
    o->seed = (uint64_t)seed;
    o->exact = app_has(j->args, "exact");
    return status;
}

/* Which of the three ways; an error where options of two are mixed. */
static int read_input(evaluate_job *j)
{
    const app_args *args = j->args;
    int own = app_has(args, "map") || app_has(args, "other-map");
    int made = app_has(args, "explain");
    if (app_has(args, "protocol")) {
        if (args->n_operands == 0 && !own)
            return evaluate_read_protocol(j);
        app_error(j->command, "with --protocol, maps come from --maps or "
                              "--explain and no photos are named");
        return APP_USAGE;
    }
    if (own || made) {
        if (args->n_operands == 2)
            return evaluate_read_pair(j);
        app_error(j->command,
                  "--%s needs the photos of one pair, PROBE and "
                  "OTHER",
                  own ? "map" : "explain");
        return APP_USAGE;
    }
    if (args->n_operands > 0)
        return evaluate_read_folders(j);
    app_error(j->command, "nothing to judge: name a folder that 'whyface "
                          "explain' wrote, PROBE OTHER --map FILE, or "
                          "--protocol PAIRS");
    return APP_USAGE;
}

static int check_outputs(const evaluate_job *j)
{
    static const char *const names[] = {"csv", "curves"};
    for (int i = 0; i < 2; i++) {
        const char *path = app_get(j->args, names[i]);
        if (path && app_check_writable(j->command, path) != APP_OK)
            return APP_FAILED;
    }
    int status = evaluate_check_plots(j);
    return status == APP_OK ? evaluate_check_sheet(j) : status;
}

static int write_all(evaluate_job *j)
{
    const char *csv = app_get(j->args, "csv");
    const char *curves = app_get(j->args, "curves");
    int status = APP_OK;
    if (csv)
        status = app_evaluation_csv(&j->evaluation, csv);
    if (status == APP_OK && curves)
        status = app_evaluation_curves(&j->evaluation, curves);
    if (status == APP_OK)
        status = evaluate_plot(j);
    if (status == APP_OK)
        status = evaluate_sheet(j);
    if (status != APP_OK)
        return status;
    return app_has(j->args, "json")
               ? app_json_print(j->command, app_evaluation_json(&j->evaluation))
               : app_evaluation_print(&j->evaluation);
}

static void free_job(evaluate_job *j)
{
    app_evaluation_free(&j->evaluation);
    for (size_t i = 0; j->images && i < j->n_images; i++)
        wf_image_free(j->images[i]);
    free(j->images);
    for (size_t s = 0; s < APP_MAX_SOURCES; s++)
        wf_options_free(j->explain[s]);
    app_session_close(&j->session);
    json_decref(j->first_result);
}

static int run(const app_command *command, const app_args *args)
{
    evaluate_job j = {.command = command, .args = args};
    j.evaluation.session = &j.session;
    j.session.command = command;
    int status = read_options(&j);
    if (status == APP_OK)
        status = check_outputs(&j);
    if (status == APP_OK)
        status = read_input(&j);
    if (!app_has(args, "curves-only"))
        j.evaluation.opts.threshold = j.evaluation.threshold.value;
    if (status == APP_OK)
        status = evaluate_explain(&j);
    if (status == APP_OK)
        status = app_evaluation_run(&j.evaluation);
    if (status == APP_OK)
        status = write_all(&j);
    if (status == APP_OK && j.left_out)
        status = APP_PARTLY;
    free_job(&j);
    return status;
}

const app_command cli_evaluate = {
    .name = "evaluate",
    .operands = "[FOLDER... | PROBE OTHER]",
    .summary = "judge saliency maps: Deletion, Insertion, controls",
    .about =
        "Says how good saliency maps are by removing pixels of a face in "
        "their order (Deletion) or adding them to an empty one (Insertion) "
        "and asking the model: which share of the pixels changes its decision "
        "(crossing), the mean of the similarity (score AUC) and, over a "
        "protocol, of the accuracy (accuracy AUC).  Beside the maps stand "
        "controls: the inverted map, the mean map of other pairs, a random map "
        "and a centred Gaussian; over several pairs, 95 % intervals and paired "
        "differences.  doc/evaluate.md has the definitions.\n\n"
        "What is judged: folders that 'whyface explain' wrote; or maps of your "
        "own for one pair of photos, by --map; or, by --protocol, a list of "
        "pairs with maps from folders or made here.  A map has one value for "
        "each pixel of the aligned crop: a NumPy .npy file (float32 or "
        "float64) or a grey PNG.",
    .example = "whyface evaluate -p lfw/pairs.txt -i lfw/images -n 100 -x "
               "s-rise -x paper=s-rise,preset=paper",
    .options = options,
    .more = app_session_options,
    .least = 0,
    .most = 1000,
    .run = run};
