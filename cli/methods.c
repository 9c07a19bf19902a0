#include <stdio.h>
#include <string.h>

#include "app/session.h"
#include "cli/commands.h"

static void print_method(const wf_method *m)
{
    printf("%s (%s): %s\n  source: %s\n\noptions:\n", m->name, m->kind, m->help,
           m->source);
    for (const wf_method_option *o = m->options; o->name; o++) {
        printf("  --%-10s %s\n", o->name, o->help);
        if (o->choices || !strcmp(o->type, "name"))
            printf("  %13s%s [%s]\n", "", o->choices ? o->choices : o->type,
                   o->fallback);
        else
            printf("  %13s%s, %.16g to %.16g [%s]\n", "", o->type, o->minimum,
                   o->maximum, o->fallback);
    }
    if (m->presets->name)
        printf("\npresets:\n");
    for (const wf_method_preset *p = m->presets; p->name; p++)
        printf("  --preset %s\n      %s\n      %s\n", p->name, p->help,
               p->values);
}

/* The side of a crop for which model calls are listed: what most models take.
 */
#define SIDE 112

static int list_methods(const app_command *command)
{
    const wf_method *m;
    printf("%-22s %-18s %8s  %s\n", "method", "kind", "forwards", "source");
    for (size_t i = 0; (m = wf_method_get(i)); i++) {
        wf_options *options;
        wf_error err = {0};
        if (wf_options_create(m->name, &options, &err))
            return app_fail(command, &err);
        printf("%-22s %-18s %8lld  %s\n%-22s %s\n", m->name, m->kind,
               (long long)wf_options_forwards(options, SIDE, SIDE), m->source,
               "", m->help);
        wf_options_free(options);
    }
    printf("\nforwards: model calls for each image of %d x %d with the "
           "defaults; --budget changes them.\n'whyface methods NAME' lists a "
           "method's options and presets.\n",
           SIDE, SIDE);
    return APP_OK;
}

static int run(const app_command *command, const app_args *args)
{
    if (args->n_operands == 0)
        return list_methods(command);
    const wf_method *m = wf_method_find(args->operands[0]);
    if (!m) {
        app_error(command, "there is no method '%s'", args->operands[0]);
        app_hint("'whyface methods' lists them");
        return APP_USAGE;
    }
    print_method(m);
    return APP_OK;
}

const app_command cli_methods = {
    .name = "methods",
    .operands = "[NAME]",
    .values = APP_METHODS,
    .summary = "methods of explanation, their options and presets",
    .about = "Lists the methods of explanation with what they cost, or one "
             "method's options, defaults and presets.",
    .example = "whyface methods level-sets",
    .options = NULL,
    .more = app_general_options,
    .least = 0,
    .most = 1,
    .run = run};
