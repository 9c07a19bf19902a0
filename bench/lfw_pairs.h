/* Aligned crops of LFW's mated pairs, for the programs of this folder. */
#ifndef BENCH_LFW_PAIRS_H
#define BENCH_LFW_PAIRS_H

#include "whyface.h"

#define LFW_MAX_PAIRS 300

typedef struct lfw_pairs {
    int n;
    wf_image *crops[LFW_MAX_PAIRS][2];
} lfw_pairs;

/*
 * The first `wanted` mated pairs of FOLDER/pairs.txt, the face in the middle of
 * each photo, aligned for the model.  `detector`: as in lfw_open_detector. Ends
 * the program with a message on any error.
 */
void lfw_pairs_load(const char *folder, const char *detector, int wanted,
                    wf_ctx *ctx, const wf_model *model, lfw_pairs *pairs);
void lfw_pairs_free(lfw_pairs *pairs);

/* Files separated by commas, or a registered name. */
wf_detector *lfw_open_detector(const char *detector);

/* Ends the program with a message; `err` may be NULL. */
void lfw_die(const char *what, const wf_error *err);

/* Mean of a[i] - b[i] (b NULL: of a[i]) and its standard error. */
void lfw_mean(const double *a, const double *b, int n, double *mean,
              double *error);

#endif
