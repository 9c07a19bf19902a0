/* What a shell's completion is made from; shared by bash.c and zsh.c. */
#ifndef TOOLS_COMPLETION_H
#define TOOLS_COMPLETION_H

#include <stdio.h>

#include "cli/commands.h"

/* What may stand where a value is wanted. */
typedef enum value_kind {
    VALUE_NONE, /* a number, say */
    VALUE_FILES,
    VALUE_FOLDERS,
    VALUE_MODELS,    /* registered, or a file */
    VALUE_DETECTORS, /* registered, or a file */
    VALUE_METHODS,
    VALUE_PRESETS, /* of the method that was given */
    VALUE_WORDS,   /* one of those in the table */
    VALUE_LIST     /* the same, several of them between commas */
} value_kind;

/* `values` and `metavar` as in app_option; `length` of `values` counts. */
value_kind kind_of_value(const char *values, size_t length,
                         const char *metavar);
/* Of an option of a method. */
value_kind kind_of_method_option(const wf_method_option *option);

/* Calls `visit` for every option of a command, its own and the shared. */
void visit_options(const app_command *command,
                   void (*visit)(FILE *out, const app_command *command,
                                 const app_option *option),
                   FILE *out);
/* Calls `visit` for every command and sub-command that runs something. */
void visit_commands(void (*visit)(FILE *out, const app_command *command),
                    FILE *out);

/* "a|b|c" as "a b c". */
void put_words(FILE *out, const char *words, size_t length);

/* The tables as shell code; what reads them follows from a file. */
void write_bash(FILE *out);
void write_zsh(FILE *out);

#endif
