#include "method/prior.h"

#include <math.h>

/* Cells; measured on LFW's folds 1 to 4 (doc/methods/level-sets.md). */
#define BLOB     3.1    /* sd of the blob in the middle */
#define LENGTH   1.2    /* over which deviations are alike */
#define ENVELOPE 7.0    /* sd of what deviations fade by towards the border */
#define SPREAD   0.0137 /* sd of a deviation in the middle */

/* Near the threshold a similarity falls faster than on average over the way
 * from everything to nothing. */
#define STEEPER 2

#define SIDE WF__FIELD_SIDE
#define N    WF__FIELD_CELLS

static double from_middle(int cell)
{
    double y = cell / SIDE - (SIDE - 1) / 2.0;
    double x = cell % SIDE - (SIDE - 1) / 2.0;
    return y * y + x * x;
}

static double covariance(int a, int b)
{
    double y = a / SIDE - b / SIDE, x = a % SIDE - b % SIDE;
    return SPREAD * SPREAD * exp(-(y * y + x * x) / (2 * LENGTH * LENGTH)) *
           exp(-(from_middle(a) + from_middle(b)) / (2 * ENVELOPE * ENVELOPE));
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

void wf__prior_plain(wf__prior *prior)
{
    double total = 0;
    for (int a = 0; a < N; a++)
        total += prior->mean[a] = exp(-from_middle(a) / (2 * BLOB * BLOB));
    for (int a = 0; a < N; a++)
        prior->mean[a] *= STEEPER / total;
    factorise(prior->basis);
}
