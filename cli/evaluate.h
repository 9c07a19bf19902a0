/* What is judged by 'whyface evaluate': three ways to say it. */
#ifndef CLI_EVALUATE_H
#define CLI_EVALUATE_H

#include "app/evaluation.h"

typedef struct evaluate_job {
    const app_command *command;
    const app_args *args;
    app_session session;
    app_evaluation evaluation;
    wf_image **images; /* crops that the pairs point to; owned */
    size_t n_images;
    wf_options *explain[APP_MAX_SOURCES]; /* by source; NULL: maps from files */
    const char *folder[APP_MAX_SOURCES];  /* by source, of a protocol's maps */
    size_t left_out;                      /* pairs without a usable face */
    json_t *first_result; /* of the folders; the threshold's texts lie there */
} evaluate_job;

/* Fill session, threshold, pairs and given maps; an exit status. */
int evaluate_read_folders(evaluate_job *job);
int evaluate_read_pair(evaluate_job *job);
int evaluate_read_protocol(evaluate_job *job);

/* evaluate_maps.c: the sources of maps. */

/* Sources from --explain METHOD[,preset=NAME][,NAME=VALUE]...; after those
 * from files. */
int evaluate_add_explain(evaluate_job *job, size_t *n_sources);
/* A map from a file, checked: its size is the model's, its values finite. */
int evaluate_load_map(evaluate_job *job, const char *path, size_t source,
                      size_t pair, int side);
/* Makes the maps of the sources that explain; saves them with --save-maps. */
int evaluate_explain(evaluate_job *job);
/* "FOLDER/0001-probe.npy" or .png, whichever there is; 0: none. */
int evaluate_find_map(const char *folder, const char *pair, int side, char *buf,
                      size_t size);

/* evaluate_plot.c: --plot; what it asks for is checked before the work. */
int evaluate_check_plots(const evaluate_job *job);
int evaluate_plot(const evaluate_job *job);

/* evaluate_sheet.c: --sheet, likewise. */
int evaluate_check_sheet(const evaluate_job *job);
int evaluate_sheet(const evaluate_job *job);

#endif
