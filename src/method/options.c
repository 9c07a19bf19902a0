/* The options of methods: names, types, ranges, presets. */
#include <errno.h>
#include <math.h>
#include <strings.h>

#include "method/method.h"

#define MAX_OPTIONS 32
#define MAX_VALUE   256

struct wf_options {
    const wf__method *method;
    char values[MAX_OPTIONS][MAX_VALUE];
};

const wf_method_preset wf__no_presets[] = {{0}};

static const wf__method *const methods[] = {
    &wf__method_level_sets,
    &wf__method_srise,
    &wf__method_rise,
    &wf__method_drise,
    &wf__method_fvrise,
    &wf__method_corrrise,
    &wf__method_dise,
    &wf__method_mfpp,
    &wf__method_minplus,
    &wf__method_xface,
    &wf__method_occlusion,
    &wf__method_lime,
    &wf__method_kernelshap,
    &wf__method_sobol,
    &wf__method_hsic,
    &wf__method_frequency,
    /* White box. */
    &wf__method_gradient,
    &wf__method_gradient_input,
    &wf__method_smoothgrad,
    &wf__method_integrated,
    &wf__method_guided_backprop,
    &wf__method_cam,
    &wf__method_grad_cam,
    &wf__method_grad_cam_plus_plus,
    &wf__method_guided_grad_cam,
    &wf__method_lrp,
    &wf__method_ebp,
    &wf__method_contrastive_ebp,
    &wf__method_subtree_ebp,
    &wf__method_xssab,
    &wf__method_fggb,
    &wf__method_fame,
    &wf__method_perturbation,
    &wf__method_patch_similarity,
};

const wf_method *wf_method_get(size_t index)
{
    return index < WF__COUNT(methods) ? &methods[index]->about : NULL;
}

static const wf__method *find_method(const char *name)
{
    for (size_t i = 0; i < WF__COUNT(methods); i++)
        if (!strcasecmp(methods[i]->about.name, name))
            return methods[i];
    return NULL;
}

const wf_method *wf_method_find(const char *name)
{
    const wf__method *method = find_method(name);
    return method ? &method->about : NULL;
}

/* -1 if there is no such option. */
static int find_option(const wf_method *method, const char *name)
{
    for (int i = 0; method->options[i].name; i++)
        if (!strcmp(method->options[i].name, name))
            return i;
    return -1;
}

/* Index of `value` among "a|b|c", -1 if it is not there. */
static int find_choice(const char *choices, const char *value)
{
    size_t length = strlen(value);
    for (int i = 0; choices; i++) {
        size_t own = strcspn(choices, "|");
        if (own == length && !strncmp(choices, value, own))
            return i;
        choices = choices[own] ? choices + own + 1 : NULL;
    }
    return -1;
}

/* Appends a name to "a, b"; what does not fit is cut off. */
static void list_name(char *list, size_t size, const char *name)
{
    size_t used = strlen(list);
    snprintf(list + used, size - used, "%s%s", used ? ", " : "", name);
}

static wf_status unknown_method(const char *name, wf_error *err)
{
    char list[600] = "";
    for (size_t i = 0; i < WF__COUNT(methods); i++)
        list_name(list, sizeof(list), methods[i]->about.name);
    WF__FAIL(err, WF_EINVAL, "there is no method '%s'; there is: %s", name,
             list);
}

wf_status wf_options_create(const char *method, wf_options **out, wf_error *err)
{
    const wf__method *m = find_method(method ? method : methods[0]->about.name);
    if (!m)
        return unknown_method(method, err);
    wf_options *options = wf__calloc(1, sizeof(*options));
    if (!options)
        WF__FAIL(err, WF_ENOMEM, "out of memory for options");
    options->method = m;
    for (int i = 0; m->about.options[i].name; i++)
        snprintf(options->values[i], MAX_VALUE, "%s",
                 m->about.options[i].fallback);
    *out = options;
    return WF_OK;
}

void wf_options_free(wf_options *options)
{
    wf__free(options);
}

const wf_method *wf_options_method(const wf_options *options)
{
    return &options->method->about;
}

static wf_status unknown_option(const wf_method *method, const char *name,
                                wf_error *err)
{
    char list[600] = "";
    for (int i = 0; method->options[i].name; i++)
        list_name(list, sizeof(list), method->options[i].name);
    WF__FAIL(err, WF_EINVAL, "method %s has no option '%s'; it has %s",
             method->name, name, list);
}

static wf_status check_value(const wf_method_option *o, const char *value,
                             wf_error *err)
{
    char *end = NULL;
    bool integer = !strcmp(o->type, "integer");
    if (o->choices) {
        if (find_choice(o->choices, value) < 0)
            WF__FAIL(err, WF_EINVAL, "option '%s': expected %s, got '%s'",
                     o->name, o->choices, value);
        return WF_OK;
    }
    if (!strcmp(o->type, "name")) {
        if (!*value)
            WF__FAIL(err, WF_EINVAL, "option '%s': expected a name", o->name);
        return WF_OK;
    }
    errno = 0;
    double number = strtod(value, &end);
    if (integer) {
        long long whole = strtoll(value, &end, 10);
        number = (double)whole;
    }
    if (end == value || *end || errno || !isfinite(number) ||
        number < o->minimum || number > o->maximum)
        WF__FAIL(err, WF_EINVAL,
                 "option '%s': expected %s from %.15g to %.15g, got '%s'",
                 o->name, integer ? "an integer" : "a number", o->minimum,
                 o->maximum, value);
    return WF_OK;
}

wf_status wf_options_set(wf_options *options, const char *name,
                         const char *value, wf_error *err)
{
    const wf_method *method = &options->method->about;
    int i = find_option(method, name);
    if (i < 0)
        return unknown_option(method, name, err);
    if (strlen(value) >= MAX_VALUE)
        WF__FAIL(err, WF_EINVAL, "option '%s': the value is too long", name);
    WF__TRY(check_value(&method->options[i], value, err));
    snprintf(options->values[i], MAX_VALUE, "%s", value);
    return WF_OK;
}

/* Says what presets the method has, and which method has this one. */
static wf_status unknown_preset(const wf_method *method, const char *preset,
                                wf_error *err)
{
    char own[200] = "", others[200] = "";
    for (const wf_method_preset *p = method->presets; p->name; p++)
        list_name(own, sizeof(own), p->name);
    for (size_t i = 0; i < WF__COUNT(methods); i++)
        for (const wf_method_preset *p = methods[i]->about.presets; p->name;
             p++)
            if (!strcmp(p->name, preset))
                list_name(others, sizeof(others), methods[i]->about.name);
    WF__FAIL(err, WF_EINVAL, "method %s has no preset '%s'; it has %s%s%s",
             method->name, preset, *own ? own : "none",
             *others ? "; methods that have it: " : "", others);
}

wf_status wf_options_preset(wf_options *options, const char *preset,
                            wf_error *err)
{
    const wf_method *method = &options->method->about;
    const wf_method_preset *p = method->presets;
    char pairs[500];
    while (p->name && strcmp(p->name, preset))
        p++;
    if (!p->name)
        return unknown_preset(method, preset, err);
    snprintf(pairs, sizeof(pairs), "%s", p->values);
    for (char *pair = pairs, *next; pair && *pair; pair = next) {
        next = strchr(pair, ',');
        if (next)
            *next++ = '\0';
        char *value = strchr(pair, '=');
        if (!value)
            WF__FAIL(err, WF_EINTERNAL, "preset '%s' is not valid", preset);
        *value++ = '\0';
        WF__TRY(wf_options_set(options, pair, value, err));
    }
    return WF_OK;
}

const char *wf_options_get(const wf_options *options, const char *name)
{
    int i = find_option(&options->method->about, name);
    return i < 0 ? NULL : options->values[i];
}

const wf__method *wf__options_implementation(const wf_options *options)
{
    return options->method;
}

int64_t wf__options_int(const wf_options *options, const char *name)
{
    return strtoll(wf_options_get(options, name), NULL, 10);
}

double wf__options_number(const wf_options *options, const char *name)
{
    return strtod(wf_options_get(options, name), NULL);
}

int wf__options_choice(const wf_options *options, const char *name)
{
    int i = find_option(&options->method->about, name);
    return find_choice(options->method->about.options[i].choices,
                       options->values[i]);
}

int64_t wf__options_budget(const wf_options *options, const char *count)
{
    int64_t budget = wf__options_int(options, "budget");
    return budget ? budget : wf__options_int(options, count);
}

int64_t wf_options_forwards(const wf_options *options, int width, int height)
{
    const wf__method *method = options->method;
    return method->forwards ? method->forwards(options, width, height)
                            : wf__options_budget(options, method->count);
}
