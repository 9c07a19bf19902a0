/*
 * Bayesian linear regression of similarities on the cells that masks show.
 *
 *     s_i = b_g + m_i' w + e_i,   e_i ~ N(0, noise * variance of the group's s)
 *
 * m_i the mask's mean over each cell, w the weights with a prior
 * (method/prior.h), g the group of the mask (masks that keep a little and masks
 * that hide a little are centred apart, b_g flat).  Noise and the prior's scale
 * are those of a small grid with more evidence (MacKay 1992) than their
 * neighbours; and so is whether a face is expected at all.  Memory does not
 * grow with the number of masks.
 */
#ifndef WF_BELIEF_H
#define WF_BELIEF_H

#include "method/prior.h"

#define WF__BELIEF_GROUPS 2
#define WF__BELIEF_SIZE   (WF__PRIOR_RANK + 1) /* z, then a */

typedef struct wf__belief {
    const wf__prior *prior;
    double size; /* the similarity's change between nothing and all ... */
    double share[WF_MAX_CANDIDATES]; /* ... of each map, as a share of that */
    int n_maps;
    struct wf__belief_group {
        double count;
        double sum[WF__BELIEF_SIZE];                       /* of features */
        double product[WF__BELIEF_SIZE * WF__BELIEF_SIZE]; /* lower triangle */
        /* Of each map. */
        double score[WF_MAX_CANDIDATES], square[WF_MAX_CANDIDATES];
        double with[WF_MAX_CANDIDATES][WF__BELIEF_SIZE];
    } group[WF__BELIEF_GROUPS];
} wf__belief;

/* Of one map. */
typedef struct wf__posterior {
    double mean[WF__BELIEF_SIZE];
    double factor[WF__BELIEF_SIZE * WF__BELIEF_SIZE]; /* of the precision, as
                                                         wf__cholesky's */
    double noise, scale, evidence;
    double support; /* for a face, against none: difference of the evidences */
} wf__posterior;

/*
 * Nothing seen yet; `prior` must outlive it.  `sizes`: the similarity's change
 * between nothing and all of the face, of each map, > 0.
 */
void wf__belief_init(wf__belief *belief, const wf__prior *prior,
                     const double *sizes, int n_maps);
/* A mask's cells (CELLS) and the similarities of n_maps maps under it. */
void wf__belief_add(wf__belief *belief, int group, const double *cells,
                    const float *similarities);
wf_status wf__belief_posterior(const wf__belief *belief, int map,
                               wf__posterior *out, wf_error *err);

/* Weights (CELLS): of the mean, or with RANK + 1 normal numbers a sample. */
void wf__posterior_weights(const wf__belief *belief,
                           const wf__posterior *posterior, const double *normal,
                           double *weights);
/* A factor F, CELLS x SIZE, of the weights' covariance F F'. */
void wf__posterior_factor(const wf__belief *belief,
                          const wf__posterior *posterior, double *factor);

#endif
