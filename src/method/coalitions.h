/*
 * Which players are asked together to estimate Shapley values, and the values
 * from the answers: KernelSHAP, Lundberg and Lee, "A unified approach to
 * interpreting model predictions", 2017, section 4.1, theorem 2.
 */
#ifndef WF_COALITIONS_H
#define WF_COALITIONS_H

#include "base/base.h"

/* Coalitions other than that of nobody and that of all, no two the same. */
typedef struct wf__coalitions {
    int players;
    size_t n;
    size_t words;    /* a coalition: bit k of word k / 64 is player k */
    uint64_t *bits;  /* n x words */
    double *weights; /* n, their sum is 1 */
} wf__coalitions;

/*
 * At most `most` coalitions: all there are, where that is enough.  Otherwise
 * all of the sizes 1 and players - 1, then 2 and players - 2 and so on, as long
 * as the share of `most` that falls to these sizes by their Shapley kernel
 * weight suffices for all of them; then random ones of the other sizes, each
 * followed by its complement, a coalition that is drawn again gaining weight.
 * Free with wf__coalitions_free.
 */
wf_status wf__coalitions_create(wf__coalitions *c, int players, size_t most,
                                uint64_t seed, wf_error *err);
void wf__coalitions_free(wf__coalitions *c);

/* `in`: 1 for each player of coalition i, 0 for the others. */
void wf__coalitions_members(const wf__coalitions *c, size_t i, double *in);

/*
 * Shapley values of n_games games, `values` n_games x players: the weighted
 * least squares fit to `scores` (n x n_games), under the condition that the
 * values of a game add up to all - nobody (n_games each: what the coalitions
 * of all and of nobody score).
 */
wf_status wf__coalitions_solve(const wf__coalitions *c, const double *scores,
                               const double *nobody, const double *all,
                               int n_games, double *values, wf_error *err);

#endif
