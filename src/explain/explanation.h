/* What wf_explain returns. */
#ifndef WF_EXPLANATION_H
#define WF_EXPLANATION_H

#include "image/image.h"
#include "map/map.h"

/* Who takes part: PROBE, MATE and, where there is one, NON-MATE. */
enum wf__role { WF__PROBE, WF__MATE, WF__NONMATE, WF__ROLES };

struct wf_explanation {
    wf_image *crops[WF__ROLES];
    wf_map *maps[2][2];   /* [pair][side] */
    wf_map *errors[2][2]; /* the same; NULL: the method gives none */
    double support[2][2]; /* the same; NaN: the method expects nothing */
    wf_map *difference;   /* NULL without a non-mate */
    wf_domain domain;     /* of the maps */
    double similarity[2]; /* NaN without a non-mate */
    wf_explain_stats stats;
};

#endif
