/* Photos made worse in one respect, for suitability.c. */
#ifndef BENCH_DEGRADE_H
#define BENCH_DEGRADE_H

#include "whyface.h"

#define DEGRADE_STEPS 9

typedef struct degradation {
    const char *name, *unit; /* of the strengths */
    const char *measure;     /* wf_quality.name that should see it */
    double strengths[DEGRADE_STEPS];
    int n;
    int detect; /* 1: the face has to be found again */
    /*
     * A new photo; `face` is moved along where the pixels move.  NULL: nothing
     * to do at this strength.  Ends the program on any error.
     */
    wf_image *(*make)(const wf_image *photo, double strength, wf_face *face);
} degradation;

/* Ends with a row whose name is NULL. */
extern const degradation degradations[];

#endif
