/* Other programs: run to their end, or asked one question after the other. */
#ifndef APP_CHILD_H
#define APP_CHILD_H

#include <stdio.h>
#include <sys/types.h>

#include "app/args.h"

/*
 * Set in the environment where GOMP_SPINCOUNT there is this command's own
 * choice: it is not handed on to other programs.
 */
#define APP_OWN_SPINCOUNT "WHYFACE_OWN_SPINCOUNT"

/* A program that answers every line on its input with one line. */
typedef struct app_child {
    pid_t pid; /* 0: none runs */
    FILE *to, *from, *errors;
    char *line; /* the last answer, without its newline */
    size_t capacity;
} app_child;

/*
 * Starts argv[0] with these arguments (ends with NULL) and waits for its first
 * line.  1: it is there, and `why` is empty; 0: it is not, and `why` says what
 * the program said.
 */
int app_child_start(const char *const *argv, app_child *child, char *why,
                    size_t size);
/* 1 and child->line, or 0 if the program has ended. */
int app_child_ask(app_child *child, const char *question);
/* Asks it to quit, or ends it. */
void app_child_stop(app_child *child);
/* Processor seconds it has used. */
double app_child_seconds(const app_child *child);

/* What became of a program. */
typedef struct app_run {
    double seconds;  /* wall time from start to end */
    double peak_mib; /* most memory it held */
    char *output;    /* all of its standard output; free it */
    char said[512];  /* the last line of its standard error */
} app_run;

/*
 * Runs a program to its end.  APP_OK if its exit status is 0, APP_FAILED
 * without a message (see `said`) or APP_INTERRUPTED; free `output` in any case.
 */
int app_child_run(const char *const *argv, app_run *run);

#endif
