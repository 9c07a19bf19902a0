/* A progress bar on standard error, and Ctrl-C. */
#ifndef APP_PROGRESS_H
#define APP_PROGRESS_H

#include "whyface.h"

/*
 * Makes SIGINT and SIGTERM cancel at the next step of the work; a second one
 * kills.
 */
void app_catch_interrupts(void);
int app_interrupted(void);

/*
 * Reports the work of `ctx` on one line that is drawn over itself, with the
 * time left, if standard error is a terminal and `quiet` is 0; cancels when
 * interrupted in any case.
 */
void app_watch(wf_ctx *ctx, int quiet);
/* The same for work that the command counts itself; 1: interrupted. */
int app_progress(const char *stage, uint64_t done, uint64_t total);
/*
 * The same for work that consists of other work, which reports too: the line
 * shows this until the next call.  Total 0 ends it.
 */
int app_progress_frame(const char *stage, uint64_t done, uint64_t total);
/* Wipes the line, before anything else is printed. */
void app_progress_end(void);

double app_now(void); /* seconds of a clock that never jumps */

#endif
