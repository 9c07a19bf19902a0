#include "method/prior.h"

#include <math.h>

/* Cells; measured on LFW's fold 1 (doc/methods/level-sets.md). */
#define SPOT     1.4    /* sd of a part of the face */
#define BLOB     3.1    /* sd of what lies around the parts */
#define LENGTH   1.2    /* over which deviations are alike */
#define ENVELOPE 4.5    /* sd of what deviations fade by towards the border */
#define SPREAD   0.0137 /* sd of a deviation in the middle */
#define MIRROR   0.5    /* share of a deviation that the other side has, too */

/* Near the threshold a similarity falls faster than on average over the way
 * from everything to nothing. */
#define STEEPER 1.4

#define SIDE WF__FIELD_SIDE
#define N    WF__FIELD_CELLS

static double from_middle(int cell)
{
    double y = cell / SIDE - (SIDE - 1) / 2.0;
    double x = cell % SIDE - (SIDE - 1) / 2.0;
    return y * y + x * x;
}

static double alike(int a, int b)
{
    double y = a / SIDE - b / SIDE, x = a % SIDE - b % SIDE;
    return SPREAD * SPREAD * exp(-(y * y + x * x) / (2 * LENGTH * LENGTH)) *
           exp(-(from_middle(a) + from_middle(b)) / (2 * ENVELOPE * ENVELOPE));
}

static double covariance(int a, int b)
{
    int mirrored = b / SIDE * SIDE + SIDE - 1 - b % SIDE;
    return alike(a, b) + MIRROR * alike(a, mirrored);
}

/*
 * The first RANK columns of Cholesky's decomposition with pivots, so that the
 * most of the covariance is in basis * basis'.
 */
static void factorise(double *basis)
{
    double left[N];
    memset(basis, 0, sizeof(double) * N * WF__PRIOR_RANK);
    for (int a = 0; a < N; a++)
        left[a] = covariance(a, a);
    for (int k = 0; k < WF__PRIOR_RANK; k++) {
        int pivot = 0;
        for (int a = 1; a < N; a++)
            if (left[a] > left[pivot])
                pivot = a;
        if (left[pivot] <= 0)
            return;
        double root = sqrt(left[pivot]);
        const double *row = basis + pivot * WF__PRIOR_RANK;
        double column[N];
        for (int a = 0; a < N; a++) {
            column[a] = covariance(a, pivot);
            for (int j = 0; j < k; j++)
                column[a] -= basis[a * WF__PRIOR_RANK + j] * row[j];
            column[a] /= root;
        }
        for (int a = 0; a < N; a++) {
            basis[a * WF__PRIOR_RANK + k] = column[a];
            left[a] -= column[a] * column[a];
        }
        left[pivot] = 0;
    }
}

/*
 * Of a cell, from the places of the parts in the template of 112 x 112 that
 * most models are trained with (ArcFace, Deng et al. 2019), in cells.
 */
static double face(int cell)
{
    static const struct {
        double x, y, weight;
    } parts[] = {{4.3, 5.95, 1},
                 {8.7, 5.95, 1},
                 {6.5, 8.45, 1.05},
                 {4.7, 11.0, 0.2},
                 {8.3, 11.0, 0.2}};
    double sum = 0.2 * exp(-from_middle(cell) / (2 * BLOB * BLOB));
    for (size_t i = 0; i < WF__COUNT(parts); i++) {
        double y = cell / SIDE - parts[i].y, x = cell % SIDE - parts[i].x;
        sum += parts[i].weight * exp(-(y * y + x * x) / (2 * SPOT * SPOT));
    }
    return sum;
}

void wf__prior_plain(wf__prior *prior)
{
    double total = 0;
    for (int a = 0; a < N; a++)
        total += prior->mean[a] = face(a);
    for (int a = 0; a < N; a++)
        prior->mean[a] *= STEEPER / total;
    factorise(prior->basis);
}
