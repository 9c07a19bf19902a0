/*
 * What is known of a map before the model is asked: a Gaussian over the weights
 * of wf__field, for a similarity that changes by 1 between nothing and all of
 * the face.
 *
 *     weights = a * mean + basis * z,   a ~ N(1, WF__PRIOR_MEAN_SD^2),
 *                                       z ~ N(0, scale * identity)
 *
 * or, where the answers speak against a face, a ~ N(0, WF__PRIOR_MEAN_SD^2).
 */
#ifndef WF_PRIOR_H
#define WF_PRIOR_H

#include "method/field.h"

#define WF__PRIOR_RANK    80
#define WF__PRIOR_MEAN_SD 0.35

typedef struct wf__prior {
    double mean[WF__FIELD_CELLS];
    double basis[WF__FIELD_CELLS * WF__PRIOR_RANK]; /* CELLS x RANK */
} wf__prior;

/*
 * For any model that takes aligned faces: eyes, nose and mouth where the usual
 * template has them, and smooth deviations that are larger in the middle than
 * at the border and alike on both sides.
 */
void wf__prior_plain(wf__prior *prior);

#endif
