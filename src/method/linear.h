/*
 * Least squares: normal equations, and symmetric positive definite systems by
 * Cholesky's decomposition, in double precision and one thread.  Matrices are
 * n x n, row by row.
 */
#ifndef WF_LINEAR_H
#define WF_LINEAR_H

#include "base/base.h"

/*
 * One observation of weight w, y_r = x . b_r for each of `n_targets` targets:
 * a += w x x', b_r += w y_r x; b is n_targets x n.  Of `a` only the lower
 * triangle (with the diagonal) is written.
 */
void wf__normal_add(double *a, double *b, size_t n, const double *x,
                    double weight, const double *y, int n_targets);

/*
 * A = L L'.  Reads the lower triangle of `a` and leaves L there and L' above
 * it, which is what the functions below take.  WF_EINVAL if A is not positive
 * definite to the precision of doubles.
 */
wf_status wf__cholesky(double *a, size_t n, wf_error *err);

/* b becomes A^-1 b. */
void wf__cholesky_solve(const double *l, size_t n, double *b);
/* b becomes L^-1 b, whose square length is b' A^-1 b. */
void wf__cholesky_forward(const double *l, size_t n, double *b);
/* b becomes L'^-1 b: independent normal numbers become some of covariance A^-1.
 */
void wf__cholesky_backward(const double *l, size_t n, double *b);
/* log |A| */
double wf__cholesky_log_determinant(const double *l, size_t n);
/* `diagonal`: n values, those of A^-1. */
wf_status wf__cholesky_inverse_diagonal(const double *l, size_t n,
                                        double *diagonal, wf_error *err);

#endif
