#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/method.h"
#include "app/progress.h"
#include "cli/bench_run.h"

static const char default_method[] = "level-sets";

/* Options that change nothing about the results. */
static const char *const of_process[] = {"plan",  "threads", "batch",
                                         "quiet", "help",    "ort-library"};

static int is_of_process(const char *name)
{
    for (size_t i = 0; i < sizeof(of_process) / sizeof(*of_process); i++)
        if (!strcmp(of_process[i], name))
            return 1;
    return 0;
}

/* The index-th option of the benchmark, NULL past the end. */
static const app_option *plan_option(const app_command *command, size_t index)
{
    const app_option *const tables[] = {command->options, command->more};
    for (int t = 0; t < 2; t++)
        for (const app_option *o = tables[t]; o->name; o++)
            if (!is_of_process(o->name) && index-- == 0)
                return o;
    return NULL;
}

/* ---- plans as JSON ------------------------------------------------------- */

/* The values on the command line: a text, a list of texts, or true. */
static json_t *values_json(const app_args *args, const app_option *option)
{
    json_t *list = json_array();
    const char *text;
    if (!option->metavar && app_has(args, option->name)) {
        json_decref(list);
        return json_true();
    }
    for (size_t i = 0; (text = app_get_nth(args, option->name, i)); i++)
        json_array_append_new(list, json_string(text));
    json_t *value = json_array_size(list) > 1
                        ? json_incref(list)
                        : json_incref(json_array_get(list, 0));
    json_decref(list);
    return value;
}

/* Numbers in a plan file are as good as their text; NULL: of no use. */
static json_t *as_text(json_t *value)
{
    if (!json_is_number(value))
        return json_is_string(value) || json_is_true(value) ? json_incref(value)
                                                            : NULL;
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    json_t *made = json_string(text ? text : "");
    free(text);
    return made;
}

static json_t *as_texts(json_t *value)
{
    if (!json_is_array(value))
        return as_text(value);
    if (json_array_size(value) == 1)
        return as_text(json_array_get(value, 0));
    json_t *list = json_array();
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *text = as_text(json_array_get(value, i));
        if (!json_is_string(text)) {
            json_decref(text);
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, text);
    }
    return list;
}

static int check_keys(const bench_run *r, const char *path, json_t *file)
{
    const char *key;
    json_t *value;
    json_object_foreach(file, key, value)
    {
        const app_option *o = NULL;
        for (size_t i = 0; (o = plan_option(r->command, i)); i++)
            if (!strcmp(o->name, key))
                break;
        json_t *text = as_texts(value);
        int good = o && text && !o->metavar == json_is_true(value);
        json_decref(text);
        if (good)
            continue;
        app_error(r->command,
                  o ? "plan '%s': \"%s\" must be a text, a number or a list of "
                      "them; true for an option without a value"
                    : "plan '%s': \"%s\" is no option of a benchmark",
                  path, key);
        return APP_FAILED;
    }
    return APP_OK;
}

static int load_file(const bench_run *r, json_t **file)
{
    const char *path = app_get(r->args, "plan");
    json_error_t fault;
    *file = NULL;
    if (!path)
        return APP_OK;
    *file = json_load_file(path, JSON_REJECT_DUPLICATES, &fault);
    if (!*file || !json_is_object(*file)) {
        app_error(r->command, "plan '%s', line %d: %s", path,
                  *file ? 1 : fault.line,
                  *file ? "expected an object of options" : fault.text);
        return APP_FAILED;
    }
    return check_keys(r, path, *file);
}

/* The command line's values before those of the file; empty: nothing asked. */
static int make_plan(const bench_run *r, json_t **plan)
{
    json_t *file;
    const app_option *o;
    int status = load_file(r, &file);
    *plan = json_object();
    for (size_t i = 0; status == APP_OK && (o = plan_option(r->command, i));
         i++) {
        json_t *value = values_json(r->args, o);
        json_t *other = json_object_get(file, o->name);
        if (!value && other)
            value = as_texts(other);
        if (value)
            json_object_set_new(*plan, o->name, value);
    }
    json_decref(file);
    return status;
}

/* ---- the plan in the database -------------------------------------------- */

static void describe(json_t *value, char *buf, size_t size)
{
    char *text =
        value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(buf, size, "%s", text ? text : "not given");
    free(text);
}

static int contains(json_t *list, json_t *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), text))
            return 1;
    return 0;
}

/* A value of --explain as a list; a new reference. */
static json_t *methods_json(json_t *value)
{
    if (json_is_array(value))
        return json_deep_copy(value);
    json_t *list = json_array();
    if (value)
        json_array_append(list, value);
    else
        json_array_append_new(list, json_string(default_method));
    return list;
}

/* Methods that the stored plan lacks are added to it. */
static void grow(bench_run *r, json_t *asked)
{
    json_t *more = json_object_get(asked, "explain");
    json_t *all = methods_json(json_object_get(r->plan, "explain"));
    json_t *wanted = more ? methods_json(more) : json_array();
    for (size_t i = 0; i < json_array_size(wanted); i++) {
        json_t *text = json_array_get(wanted, i);
        if (contains(all, text))
            continue;
        json_array_append(all, text);
        r->grown = 1;
    }
    if (r->grown)
        json_object_set(r->plan, "explain", all);
    json_decref(wanted);
    json_decref(all);
}

/* "bench run DATABASE --explain METHOD" names only what is to be added. */
static int is_addition(json_t *asked)
{
    return json_object_size(asked) == 1 && json_object_get(asked, "explain");
}

/* Both plans must ask for the same, but for methods. */
static int compare(const bench_run *r, json_t *asked, json_t *stored)
{
    const app_option *o;
    char ours[200], theirs[200];
    for (size_t i = 0; (o = plan_option(r->command, i)); i++) {
        json_t *a = json_object_get(asked, o->name);
        json_t *b = json_object_get(stored, o->name);
        if (a == b || json_equal(a, b) || !strcmp(o->name, "explain"))
            continue;
        describe(a, ours, sizeof(ours));
        describe(b, theirs, sizeof(theirs));
        app_error(r->command,
                  "'%s' holds another benchmark: its --%s is %s, here it is %s",
                  r->path, o->name, theirs, ours);
        app_hint("'whyface bench run %s' goes on with it; name another file "
                 "for a new one",
                 r->path);
        return APP_FAILED;
    }
    return APP_OK;
}

static int store_plan(bench_run *r, json_t *asked)
{
    char *mine = json_dumps(asked, 0), *text;
    int starts = json_object_size(asked) > 0 && !is_addition(asked);
    json_error_t fault;
    int status = app_store_plan(r->store, starts ? mine : NULL, &text);
    free(mine);
    if (status != APP_OK)
        return status;
    if (!text) {
        app_error(r->command,
                  "'%s' holds no benchmark yet: say which by --protocol PAIRS "
                  "or --plan FILE",
                  r->path);
        return APP_USAGE;
    }
    r->plan = json_loads(text, 0, &fault);
    free(text);
    if (!json_is_object(r->plan)) {
        app_error(r->command, "'%s' is damaged: its plan is not readable",
                  r->path);
        return APP_FAILED;
    }
    status = starts ? compare(r, asked, r->plan) : APP_OK;
    if (status == APP_OK)
        grow(r, asked);
    return status;
}

/* ---- the plan as options ------------------------------------------------- */

static int add(bench_run *r, const char *name, const char *value)
{
    app_args *to = &r->options;
    if (to->n_values == APP_MAX_VALUES) {
        app_error(r->command, "more than %d options", APP_MAX_VALUES);
        return APP_USAGE;
    }
    to->values[to->n_values].name = name;
    to->values[to->n_values++].value = value;
    return APP_OK;
}

static int make_options(bench_run *r)
{
    const app_option *o;
    int status = APP_OK;
    for (size_t i = 0; (o = plan_option(r->command, i)); i++) {
        json_t *value = json_object_get(r->plan, o->name);
        size_t n = json_array_size(value);
        if (value && !json_is_array(value))
            status = add(r, o->name, json_string_value(value));
        for (size_t k = 0; k < n && status == APP_OK; k++)
            status =
                add(r, o->name, json_string_value(json_array_get(value, k)));
        if (status != APP_OK)
            return status;
    }
    for (size_t i = 0; i < r->args->n_values && status == APP_OK; i++)
        if (is_of_process(r->args->values[i].name))
            status = add(r, r->args->values[i].name, r->args->values[i].value);
    return status;
}

/* What can be wrong with the plan is said before it is stored. */
static int check_plan(bench_run *r)
{
    app_store_method *methods = NULL;
    size_t n;
    double unused;
    unsigned controls;
    const char *rule = app_get(&r->options, "nonmate");
    wf_error err = {0};
    wf_evaluate_opts_init(&r->judge);
    double steps = r->judge.steps, seed = (double)r->judge.seed;
    const char *fill = app_get(&r->options, "fill");
    int status = bench_plan_methods(r, &methods, &n);
    free(methods);
    if (status == APP_OK && !app_get(&r->options, "protocol")) {
        app_error(r->command, "--protocol is missing: a list of pairs");
        return APP_USAGE;
    }
    if (status == APP_OK && rule && strcmp(rule, "random") &&
        strcmp(rule, "hardest") && strcmp(rule, "none")) {
        app_error(r->command,
                  "option --nonmate: expected random, hardest or none, got "
                  "'%s'",
                  rule);
        return APP_USAGE;
    }
    if (status == APP_OK)
        status = bench_plan_controls(r, &controls);
    if (status == APP_OK)
        status =
            app_get_number(r->command, &r->options, "pairs", 1, 1e9, &unused);
    if (status == APP_OK)
        status =
            app_get_number(r->command, &r->options, "steps", 10, 1000, &steps);
    if (status == APP_OK)
        status = app_get_number(r->command, &r->options, "seed", 0,
                                9007199254740991.0, &seed);
    if (status == APP_OK && fmod(steps, 10) != 0) {
        app_error(r->command,
                  "option --steps: expected a multiple of 10, got '%g'", steps);
        return APP_USAGE;
    }
    if (status == APP_OK && fill && wf_fill_find(fill, &r->judge.fill, &err)) {
        app_error(r->command, "option --fill: %s", err.message);
        return APP_USAGE;
    }
    r->judge.steps = (int)steps;
    r->judge.seed = (uint64_t)seed;
    r->judge.exact = app_has(&r->options, "exact");
    return status;
}

int bench_plan_read(bench_run *r)
{
    json_t *asked;
    int status = make_plan(r, &asked);
    if (status == APP_OK && json_object_size(asked) && !is_addition(asked)) {
        r->plan = asked;
        status = make_options(r);
        if (status == APP_OK)
            status = check_plan(r);
        r->plan = NULL;
        r->options.n_values = 0;
    }
    if (status == APP_OK)
        status = app_store_open(r->command, r->path, 1, &r->store);
    if (status == APP_OK)
        status = store_plan(r, asked);
    if (status == APP_OK)
        status = make_options(r);
    if (status == APP_OK)
        status = check_plan(r);
    json_decref(asked);
    return status;
}

void bench_plan_free(bench_run *r)
{
    json_decref(r->plan);
}

int bench_interrupted(const bench_run *r)
{
    app_progress_end();
    return app_fail(r->command, &(wf_error){WF_ECANCELED, "cancelled"});
}

/* ---- models -------------------------------------------------------------- */

int bench_open_session(bench_run *r, size_t model, int wanted)
{
    const char *name = model < r->set.n_models && *r->set.models[model].path
                           ? r->set.models[model].path
                           : app_get_nth(&r->options, "model", model);
    bench_close_session(r);
    r->session_args = (app_args){0};
    for (size_t i = 0; i < r->options.n_values; i++)
        if (strcmp(r->options.values[i].name, "model"))
            r->session_args.values[r->session_args.n_values++] =
                r->options.values[i];
    if (name && r->session_args.n_values < APP_MAX_VALUES) {
        r->session_args.values[r->session_args.n_values].name = "model";
        r->session_args.values[r->session_args.n_values++].value = name;
    }
    r->model = model;
    return app_session_open(r->command, &r->session_args, wanted, &r->session);
}

void bench_close_session(bench_run *r)
{
    if (r->session.command)
        app_session_close(&r->session);
    r->session = (app_session){0};
    r->model = BENCH_NO_MODEL;
}

/* ---- methods ------------------------------------------------------------- */

static void append(char *buf, size_t size, const char *text)
{
    size_t length = strlen(buf);
    snprintf(buf + length, size - length, "%s", text);
}

/* Every method once more for each value: "masks=10,100,500". */
static int vary(bench_run *r, const char *text, app_store_method **methods,
                size_t *n)
{
    const char *equals = strchr(text, '=');
    size_t name = equals ? (size_t)(equals - text) : 0, count = 1, made = 0;
    for (const char *p = equals; p && *p; p++)
        count += *p == ',';
    if (!name || !equals[1]) {
        app_error(r->command,
                  "option --vary: expected OPTION=VALUE,VALUE,..., got '%s'",
                  text);
        return APP_USAGE;
    }
    app_store_method *all = calloc(*n * count, sizeof(*all));
    for (size_t i = 0; all && i < *n; i++) {
        const char *value = equals + 1;
        for (size_t k = 0; k < count; k++, value += strcspn(value, ",") + 1) {
            char part[128];
            snprintf(part, sizeof(part), ",%.*s=%.*s", (int)name, text,
                     (int)strcspn(value, ","), value);
            all[made] = (*methods)[i];
            append(all[made].name, sizeof(all->name), part);
            append(all[made].text, sizeof(all->text), part);
            if (strncmp(part, ",masks=", 7))
                append(all[made].series, sizeof(all->series), part);
            made++;
        }
    }
    free(*methods);
    *methods = all;
    *n = made;
    if (all)
        return APP_OK;
    app_error(r->command, "out of memory");
    return APP_FAILED;
}

static int check_methods(const bench_run *r, app_store_method *methods,
                         size_t n)
{
    if (n > APP_MAX_SOURCES) {
        app_error(r->command,
                  "%zu methods with their options, at most %d can be compared",
                  n, APP_MAX_SOURCES);
        return APP_USAGE;
    }
    for (size_t i = 0; i < n; i++) {
        wf_options *options = NULL;
        int status = app_method_parse(r->command, methods[i].text, &options);
        const char *masks = options ? wf_options_get(options, "masks") : NULL;
        methods[i].masks = masks ? strtod(masks, NULL) : NAN;
        wf_options_free(options);
        if (status != APP_OK)
            return status;
        for (size_t k = 0; k < i; k++)
            if (!strcmp(methods[k].name, methods[i].name)) {
                app_error(r->command,
                          "two methods are called '%s'; give one a name: "
                          "--explain NAME=METHOD,...",
                          methods[i].name);
                return APP_USAGE;
            }
    }
    return APP_OK;
}

int bench_plan_methods(bench_run *r, app_store_method **methods, size_t *n)
{
    const char *text;
    int status = APP_OK;
    *n = 0;
    while (app_get_nth(&r->options, "explain", *n))
        ++*n;
    *n = *n ? *n : 1;
    *methods = calloc(*n, sizeof(**methods));
    if (!*methods) {
        app_error(r->command, "out of memory");
        return APP_FAILED;
    }
    for (size_t i = 0; i < *n; i++) {
        app_store_method *m = &(*methods)[i];
        text = app_get_nth(&r->options, "explain", i);
        text = text ? text : default_method;
        snprintf(m->text, sizeof(m->text), "%s", text);
        app_method_name(text, text, m->name, sizeof(m->name));
        snprintf(m->series, sizeof(m->series), "%s", m->name);
    }
    for (size_t i = 0;
         status == APP_OK && (text = app_get_nth(&r->options, "vary", i)); i++)
        status = vary(r, text, methods, n);
    return status == APP_OK ? check_methods(r, *methods, *n) : status;
}

int bench_plan_grow(bench_run *r)
{
    app_bench_set set = {0};
    char *plan = json_dumps(r->plan, 0);
    int status = bench_plan_methods(r, &set.methods, &set.n_methods);
    if (status == APP_OK)
        status = bench_plan_controls(r, &set.controls);
    if (status == APP_OK && !plan) {
        app_error(r->command, "out of memory");
        status = APP_FAILED;
    }
    if (status == APP_OK)
        status = app_store_add_methods(r->store, plan, &set);
    free(set.methods);
    free(plan);
    return status;
}

/* ---- controls ------------------------------------------------------------ */

int bench_plan_controls(const bench_run *r, unsigned *controls)
{
    static const struct {
        const char *name;
        unsigned bits;
    } known[] = {{"others", 1u << APP_OTHERS},
                 {"random", 1u << APP_RANDOM},
                 {"centred", 1u << APP_CENTRED},
                 {"none", 0}};
    const char *text = app_get(&r->options, "controls");
    size_t length, n = sizeof(known) / sizeof(*known), k;
    *controls = 0;
    for (text = text ? text : "others,random,centred"; *text;
         text += length + (text[length] == ',')) {
        length = strcspn(text, ",");
        for (k = 0; k < n; k++)
            if (strlen(known[k].name) == length &&
                !strncmp(known[k].name, text, length))
                break;
        if (k == n) {
            app_error(r->command,
                      "option --controls: expected others, random, centred or "
                      "none, got '%.*s'",
                      (int)length, text);
            return APP_USAGE;
        }
        *controls |= known[k].bits;
    }
    return APP_OK;
}
