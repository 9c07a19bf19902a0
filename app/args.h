/*
 * Command lines: tables of options, from which both parsing and help text are
 * made.
 */
#ifndef APP_ARGS_H
#define APP_ARGS_H

#include <stddef.h>
#include <stdio.h>

#include "whyface.h"

typedef struct app_option {
    const char *name;    /* "model"; NULL ends the table */
    char letter;         /* 'm'; 0: none */
    const char *metavar; /* "FILE"; NULL: a flag */
    const char *help;    /* one line, with the default in brackets */
    /* What a shell may offer as value: words between '|', or one of the names
     * below; NULL: files or folders where the metavar says so.  The help names
     * the words too. */
    const char *values;
} app_option;

/* Values that are registered, or that the library knows. */
#define APP_MODELS    "%models"
#define APP_DETECTORS "%detectors"
#define APP_METHODS   "%methods"
#define APP_PRESETS   "%presets" /* of the method that was given */

struct app_args;

typedef struct app_command {
    const char *name;     /* "explain" */
    const char *operands; /* "PROBE MATE [NONMATE]" */
    /* As app_option.values, one after the other between spaces, the last for
     * all that follow; NULL: files. */
    const char *values;
    const char *summary; /* one line for the list of commands */
    const char *about;   /* paragraphs for the command's own help */
    const char *example; /* one line that runs */
    const app_option *options, *more; /* own and shared tables; may be NULL */
    int least, most;                  /* operands */
    /* Options of methods are accepted too: --masks 500. */
    int takes_method_options;
    int (*run)(const struct app_command *command, const struct app_args *args);
    /* Sub-commands, ends with NULL; their names are "bench engine" and so on.
     * A command that has them has nothing else to run. */
    const struct app_command *const *parts;
} app_command;

#define APP_MAX_VALUES 64

typedef struct app_args {
    size_t n_values;
    struct {
        const char *name, *value; /* value NULL: a flag */
        int of_method;
    } values[APP_MAX_VALUES];
    size_t n_operands;
    const char **operands;
} app_args;

/* Exit statuses of the command. */
enum app_exit {
    APP_OK = 0,
    APP_FAILED = 1,       /* the work could not be done */
    APP_USAGE = 2,        /* the command line is wrong */
    APP_PARTLY = 3,       /* some of several items failed */
    APP_INTERRUPTED = 130 /* by Ctrl-C */
};

/*
 * Parses argv[0..argc-1] (without program and command).  Returns APP_OK, or
 * APP_USAGE after a message.  Free `args` with app_args_free in both cases.
 */
int app_args_parse(const app_command *command, int argc, char **argv,
                   app_args *args);
void app_args_free(app_args *args);

/* The last value given, NULL if there is none. */
const char *app_get(const app_args *args, const char *name);
/* The index-th value given. */
const char *app_get_nth(const app_args *args, const char *name, size_t index);
int app_has(const app_args *args, const char *name);
/* A number within least..most; APP_USAGE after a message if it is not. */
int app_get_number(const app_command *command, const app_args *args,
                   const char *name, double least, double most, double *value);

/* The last word of a command's name. */
const char *app_last_word(const app_command *command);
void app_print_help(FILE *out, const app_command *command);

/* "whyface explain: ..." on standard error, control characters replaced. */
void app_error(const app_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void app_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The status that an error of the library leads to, after its message. */
int app_fail(const app_command *command, const wf_error *err);

/* Number of single-letter changes between two words. */
size_t app_distance(const char *a, const char *b);

#endif
