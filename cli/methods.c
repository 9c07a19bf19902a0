#include <stdio.h>
#include <string.h>

#include "app/session.h"
#include "cli/commands.h"

static void print_method(const wf_method *m)
{
    printf("%s: %s\n  source: %s\n\noptions:\n", m->name, m->help, m->source);
    for (const wf_method_option *o = m->options; o->name; o++) {
        printf("  --%-10s %s\n", o->name, o->help);
        if (o->choices)
            printf("  %13s%s [%s]\n", "", o->choices, o->fallback);
        else
            printf("  %13s%s, %.15g to %.15g [%s]\n", "", o->type, o->minimum,
                   o->maximum, o->fallback);
    }
    printf("\npresets:\n");
    for (const wf_method_preset *p = m->presets; p->name; p++)
        printf("  --preset %s\n      %s\n      %s\n", p->name, p->help,
               p->values);
}

static int run(const app_command *command, const app_args *args)
{
    const wf_method *m;
    if (args->n_operands == 1) {
        m = wf_method_find(args->operands[0]);
        if (!m) {
            app_error(command, "there is no method '%s'", args->operands[0]);
            app_hint("'whyface methods' lists them");
            return APP_USAGE;
        }
        print_method(m);
        return APP_OK;
    }
    for (size_t i = 0; (m = wf_method_get(i)); i++) {
        if (i)
            printf("\n");
        print_method(m);
    }
    return APP_OK;
}

const app_command cli_methods = {
    .name = "methods",
    .operands = "[NAME]",
    .summary = "methods of explanation, their options and presets",
    .about = "Lists the methods of explanation with their options, defaults "
             "and presets.",
    .example = "whyface methods s-rise",
    .options = NULL,
    .more = app_general_options,
    .least = 0,
    .most = 1,
    .run = run};
