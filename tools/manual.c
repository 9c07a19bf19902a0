/*
 * usage: manual FOLDER DATE DOC-FOLDER
 *
 * Writes whyface's manual pages to FOLDER/man1 and FOLDER/man7: one of the
 * command, one of each sub-command, one of the methods, from the tables that
 * the command itself reads.  DOC-FOLDER is where the documentation is going to
 * be installed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/commands.h"
#include "tools/roff.h"

#define MAX_NAME 64

/* What stands in every page. */
static const char *folder, *date, *documentation;

/* What the environment and the disk have to do with a command that has one of
 * those options, or an option with such values. */
typedef struct surrounding {
    const char *name; /* NULL ends the table */
    const char *with[3];
    const char *help;
} surrounding;

static const surrounding variables[] = {
    {"WHYFACE_HOME",
     {APP_MODELS, APP_DETECTORS, "backend"},
     "the folder of registered models and detectors [$XDG_DATA_HOME/whyface, "
     "else ~/.local/share/whyface]"},
    {"WHYFACE_MODEL", {APP_MODELS}, "the model, where --model is not given"},
    {"WHYFACE_DETECTOR",
     {APP_DETECTORS},
     "the detector, where --detector is not given"},
    {"WHYFACE_ORT",
     {"ort-library"},
     "ONNX Runtime's library, where --ort-library is not given"},
    {"WHYFACE_NPM",
     {"ort-library"},
     "a folder node_modules to look for ONNX Runtime in [node_modules]"},
    {"WHYFACE_BENCH",
     {"python"},
     "the folder of the Python programs that are measured beside whyface"},
    {"WHYFACE_MAX_ISA",
     {APP_MODELS, APP_DETECTORS},
     "the most that the engine uses of the processor: generic, avx2, avx512, "
     "avx512_vnni or avx512_bf16 [all that is there]"},
    {"OMP_NUM_THREADS", {"threads"}, "threads, where --threads is not given"},
    {"OMP_WAIT_POLICY",
     {"threads"},
     "how threads wait for work; unless it or GOMP_SPINCOUNT is set, they do "
     "not spin for long"},
    {0}};

static const surrounding files[] = {
    {"~/.local/share/whyface/models",
     {APP_MODELS, APP_DETECTORS, "backend"},
     "registered models and detectors; see WHYFACE_HOME"},
    {"~/.local/share/whyface/tuning.txt",
     {APP_MODELS, APP_DETECTORS, "backend"},
     "which kernels and batch are the fastest on this machine; can be deleted "
     "at any time"},
    {0}};

/* "whyface-bench-run" of "bench run". */
static void page_name(const char *command, char buf[MAX_NAME])
{
    snprintf(buf, MAX_NAME, "whyface%s%s", *command ? "-" : "", command);
    for (char *p = buf; *p; p++)
        if (*p == ' ')
            *p = '-';
}

static FILE *open_page(const char *name, int section, const char *summary)
{
    char path[4096], title[MAX_NAME];
    snprintf(path, sizeof(path), "%s/man%d/%s.%d", folder, section, name,
             section);
    FILE *out = fopen(path, "w");
    if (!out) {
        fprintf(stderr, "manual: cannot write '%s': %s\n", path,
                strerror(errno));
        exit(1);
    }
    snprintf(title, sizeof(title), "%s", name);
    for (char *p = title; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    fprintf(out,
            ".TH \"%s\" %d \"%s\" \"whyface %s\" \"whyface manual\"\n.ad l\n",
            title, section, date, wf_version());
    roff_section(out, "NAME");
    roff_text(out, name);
    fputs(" \\- ", out);
    roff_text(out, summary);
    fputc('\n', out);
    return out;
}

static void close_page(FILE *out)
{
    int bad = ferror(out);
    if (fclose(out) || bad) {
        fprintf(stderr, "manual: cannot write to '%s'\n", folder);
        exit(1);
    }
}

/* ---- sections of a command's page ---------------------------------------- */

/* Whether one of the command's options has that name or those values. */
static int knows(const app_command *command, const char *what)
{
    const app_option *const tables[] = {command->options, command->more};
    for (int i = 0; i < 2; i++)
        for (const app_option *o = tables[i]; o && o->name; o++)
            if (!strcmp(o->name, what) ||
                (o->values && !strcmp(o->values, what)))
                return 1;
    return 0;
}

static int concerns(const surrounding *s, const app_command *command)
{
    for (int i = 0; i < 3 && s->with[i]; i++)
        if (knows(command, s->with[i]))
            return 1;
    return 0;
}

static void write_options(FILE *out, const app_option *table)
{
    for (; table && table->name; table++) {
        roff_option(out, table->letter, table->name, table->metavar);
        roff_paragraphs(out, table->help);
    }
}

/* The methods that have an option of that name, separated by commas. */
static void methods_with(const char *name, char *buf, size_t size)
{
    const wf_method *m;
    size_t used = 0;
    buf[0] = '\0';
    for (size_t i = 0; (m = wf_method_get(i)); i++)
        for (const wf_method_option *o = m->options; o->name; o++)
            if (!strcmp(o->name, name) && used < size)
                used += (size_t)snprintf(buf + used, size - used, "%s%s",
                                         used ? ", " : "", m->name);
}

/* Whether a method before that of `index` has the option. */
static int was_before(const char *name, size_t index)
{
    for (size_t i = 0; i < index; i++)
        for (const wf_method_option *o = wf_method_get(i)->options; o->name;
             o++)
            if (!strcmp(o->name, name))
                return 1;
    return 0;
}

static void write_method_options(FILE *out)
{
    const wf_method *m;
    char names[2048];
    roff_section(out, "OPTIONS OF METHODS");
    roff_paragraphs(
        out, "Taken too, where the method has them. whyface-methods(7) says "
             "what they mean for each method, their ranges and defaults.");
    for (size_t i = 0; (m = wf_method_get(i)); i++)
        for (const wf_method_option *o = m->options; o->name; o++) {
            if (was_before(o->name, i))
                continue;
            methods_with(o->name, names, sizeof(names));
            roff_option(out, 0, o->name, "VALUE");
            roff_paragraphs(out, names);
        }
}

/* `command` NULL: all rows. */
static void write_surroundings(FILE *out, const char *title,
                               const surrounding *table,
                               const app_command *command)
{
    int any = 0;
    for (; table->name; table++) {
        if (command && !concerns(table, command))
            continue;
        if (!any++)
            roff_section(out, title);
        roff_item(out, table->name);
        roff_paragraphs(out, table->help);
    }
}

static void write_exits(FILE *out)
{
    char status[16];
    roff_section(out, "EXIT STATUS");
    for (const cli_exit *e = cli_exits; e->meaning; e++) {
        snprintf(status, sizeof(status), "%d", e->status);
        roff_item(out, status);
        roff_paragraphs(out, e->meaning);
    }
}

static void write_example(FILE *out, const char *line)
{
    roff_section(out, "EXAMPLE");
    roff_command_line(out, line);
}

static void write_reference(FILE *out, const char *name, int section, int last)
{
    fputs(".BR ", out);
    roff_text(out, name);
    fprintf(out, " (%d)%s\n", section, last ? "" : ",");
}

static void write_see_also(FILE *out, const app_command *command)
{
    char name[MAX_NAME];
    roff_section(out, "SEE ALSO");
    for (size_t i = 0; command->parts && command->parts[i]; i++) {
        page_name(command->parts[i]->name, name);
        write_reference(out, name, 1, 0);
    }
    if (strchr(command->name, ' ')) {
        page_name(command->name, name);
        *strrchr(name, '-') = '\0';
        write_reference(out, name, 1, 0);
    }
    write_reference(out, "whyface", 1, 0);
    write_reference(out, "whyface-methods", 7, 1);
}

/* ---- pages --------------------------------------------------------------- */

static void write_command(const app_command *command)
{
    char name[MAX_NAME];
    page_name(command->name, name);
    FILE *out = open_page(name, 1, command->summary);
    roff_section(out, "SYNOPSIS");
    fprintf(out, "\\fBwhyface %s\\fR%s%s", command->name,
            command->options || command->more ? " [\\fIOPTIONS\\fR]" : "",
            *command->operands ? " " : "");
    roff_usage(out, command->operands);
    roff_section(out, "DESCRIPTION");
    roff_paragraphs(out, command->about);
    for (size_t i = 0; command->parts && command->parts[i]; i++) {
        roff_item(out, app_last_word(command->parts[i]));
        roff_paragraphs(out, command->parts[i]->summary);
    }
    if (command->options || command->more)
        roff_section(out, "OPTIONS");
    write_options(out, command->options);
    if (command->options && command->more)
        roff_subsection(out, "Common options");
    write_options(out, command->more);
    if (command->takes_method_options)
        write_method_options(out);
    write_exits(out);
    write_surroundings(out, "ENVIRONMENT", variables, command);
    write_surroundings(out, "FILES", files, command);
    write_example(out, command->example);
    write_see_also(out, command);
    close_page(out);
}

static void list_command(FILE *out, const app_command *command)
{
    char name[MAX_NAME];
    page_name(command->name, name);
    fputs(".TP\n", out);
    write_reference(out, name, 1, 1);
    roff_paragraphs(out, command->summary);
}

static void write_overview(void)
{
    const app_command *command;
    char place[4096];
    FILE *out = open_page("whyface", 1,
                          "why did a face recognition model say that two "
                          "faces match?");
    roff_section(out, "SYNOPSIS");
    fputs("\\fBwhyface\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] ...\n.br\n"
          "\\fBwhyface help\\fR [\\fICOMMAND\\fR]\n",
          out);
    roff_section(out, "DESCRIPTION");
    roff_paragraphs(
        out, "Shows why a face recognition model finds two faces similar and "
             "two others not: for photos of a probe, a mate and a non-mate "
             "and any ONNX model it draws which regions of the faces the "
             "similarity comes from. It also compares faces, judges such maps "
             "and compares methods of making them.\n\nA map shows what "
             "changes this model's similarity. It is no evidence of identity.");
    roff_section(out, "COMMANDS");
    for (size_t i = 0; (command = cli_command(i)); i++) {
        list_command(out, command);
        for (size_t k = 0; command->parts && command->parts[k]; k++)
            list_command(out, command->parts[k]);
    }
    write_exits(out);
    write_surroundings(out, "ENVIRONMENT", variables, NULL);
    write_surroundings(out, "FILES", files, NULL);
    snprintf(place, sizeof(place), "%s/doc", documentation);
    roff_item(out, place);
    roff_paragraphs(out, "a tour, the methods, and what is in the files that "
                         "commands write");
    write_example(out, cli_command(0)->example);
    roff_section(out, "SEE ALSO");
    write_reference(out, "whyface-methods", 7, 1);
    close_page(out);
}

static void write_method(FILE *out, const wf_method *m)
{
    char text[4096];
    roff_subsection(out, m->name);
    snprintf(text, sizeof(text), "%s (%s%s). Source: %s.", m->help, m->kind,
             m->white_box ? ", white box" : "", m->source);
    roff_paragraphs(out, text);
    for (const wf_method_option *o = m->options; o->name; o++) {
        roff_option(out, 0, o->name, o->choices ? o->choices : o->type);
        if (o->choices || !strcmp(o->type, "name"))
            snprintf(text, sizeof(text), "%s [%s]", o->help, o->fallback);
        else
            snprintf(text, sizeof(text), "%s; %.16g to %.16g [%s]", o->help,
                     o->minimum, o->maximum, o->fallback);
        roff_paragraphs(out, text);
    }
    for (const wf_method_preset *p = m->presets; p->name; p++) {
        roff_option(out, 0, "preset", p->name);
        snprintf(text, sizeof(text), "%s: %s", p->help, p->values);
        roff_paragraphs(out, text);
    }
}

static void write_methods(void)
{
    const wf_method *m;
    FILE *out =
        open_page("whyface-methods", 7, "methods of explanation in whyface");
    roff_section(out, "DESCRIPTION");
    roff_paragraphs(
        out, "The methods that --method of whyface-explain(1) and --explain "
             "of whyface-evaluate(1) and whyface-bench-run(1) name, the "
             "default first. White boxes differentiate the model, which the "
             "native backend alone does; the others only ask it. Defaults "
             "are those of the publication, in brackets.");
    roff_section(out, "METHODS");
    for (size_t i = 0; (m = wf_method_get(i)); i++)
        write_method(out, m);
    roff_section(out, "SEE ALSO");
    write_reference(out, "whyface", 1, 0);
    write_reference(out, "whyface-explain", 1, 0);
    write_reference(out, "whyface-methods", 1, 1);
    close_page(out);
}

static void make_folder(const char *path)
{
    if (mkdir(path, 0777) && errno != EEXIST) {
        fprintf(stderr, "manual: cannot make '%s': %s\n", path,
                strerror(errno));
        exit(1);
    }
}

int main(int argc, char **argv)
{
    char path[4096];
    const app_command *command;
    if (argc != 4) {
        fputs("usage: manual FOLDER DATE DOC-FOLDER\n", stderr);
        return 2;
    }
    folder = argv[1];
    date = argv[2];
    documentation = argv[3];
    make_folder(folder);
    for (int section = 1; section <= 7; section += 6) {
        snprintf(path, sizeof(path), "%s/man%d", folder, section);
        make_folder(path);
    }
    write_overview();
    write_methods();
    for (size_t i = 0; (command = cli_command(i)); i++) {
        write_command(command);
        for (size_t k = 0; command->parts && command->parts[k]; k++)
            write_command(command->parts[k]);
    }
    return 0;
}
