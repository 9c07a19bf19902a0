/* What wf_explain and wf_explain_candidates return. */
#ifndef WF_EXPLANATION_H
#define WF_EXPLANATION_H

#include "image/image.h"
#include "map/map.h"

/* The probe and one of those that it is compared with. */
typedef struct wf__pair {
    wf_image *crop; /* the other one's */
    double similarity;
    int identical;      /* 1: the two crops are the same picture */
    wf_map *maps[2];    /* by wf_side; NULL: not asked for */
    wf_map *errors[2];  /* the same; NULL: the method gives none */
    double support[2];  /* the same; NaN: the method expects nothing */
    wf_map *difference; /* the probe's map of pair 0 minus that of this pair;
                           NULL for pair 0 */
} wf__pair;

struct wf_explanation {
    wf_image *probe;
    int n_pairs;
    wf__pair pairs[WF_MAX_CANDIDATES];
    wf_domain domain; /* of the maps */
    wf_explain_stats stats;
};

#endif
