#include "method/linear.h"

#include <float.h>
#include <math.h>

/* to += factor * from */
WF__WIDE static void add(double *restrict to, const double *restrict from,
                         double factor, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += factor * from[i];
}

void wf__normal_add(double *a, double *b, size_t n, const double *x,
                    double weight, const double *y, int n_targets)
{
    for (int r = 0; r < n_targets; r++)
        add(b + (size_t)r * n, x, weight * y[r], n);
    for (size_t i = 0; i < n; i++)
        if (x[i] != 0)
            add(a + i * n, x, weight * x[i], i + 1);
}

/* Column by column, what is left of A updated at once: its rows and the rows
 * of L' are contiguous. */
wf_status wf__cholesky(double *a, size_t n, wf_error *err)
{
    double largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, a[i * n + i]);
    for (size_t k = 0; k < n; k++) {
        double pivot = a[k * n + k];
        if (!(pivot > (double)n * DBL_EPSILON * largest) || !isfinite(pivot))
            WF__FAIL(err, WF_EINVAL,
                     "a system of %zu equations has no unique solution "
                     "(pivot %zu is %g)",
                     n, k, pivot);
        pivot = a[k * n + k] = sqrt(pivot);
        for (size_t i = k + 1; i < n; i++)
            a[k * n + i] = a[i * n + k] = a[i * n + k] / pivot;
        for (size_t i = k + 1; i < n; i++)
            add(a + i * n + k + 1, a + k * n + k + 1, -a[i * n + k], i - k);
    }
    return WF_OK;
}

/* L^-1 b where b is 0 before `first`. */
static void forward(const double *l, size_t n, size_t first, double *b)
{
    for (size_t k = first; k < n; k++) {
        b[k] /= l[k * n + k];
        add(b + k + 1, l + k * n + k + 1, -b[k], n - k - 1);
    }
}

void wf__cholesky_forward(const double *l, size_t n, double *b)
{
    forward(l, n, 0, b);
}

void wf__cholesky_backward(const double *l, size_t n, double *b)
{
    for (size_t k = n; k-- > 0;) {
        b[k] /= l[k * n + k];
        add(b, l + k * n, -b[k], k);
    }
}

void wf__cholesky_solve(const double *l, size_t n, double *b)
{
    forward(l, n, 0, b);
    wf__cholesky_backward(l, n, b);
}

double wf__cholesky_log_determinant(const double *l, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += log(l[i * n + i]);
    return 2 * sum;
}

wf_status wf__cholesky_inverse_diagonal(const double *l, size_t n,
                                        double *diagonal, wf_error *err)
{
    double *column = wf__alloc(n, sizeof(*column));
    if (!column)
        WF__FAIL(err, WF_ENOMEM, "out of memory for %zu equations", n);
    for (size_t i = 0; i < n; i++) {
        memset(column, 0, n * sizeof(*column));
        column[i] = 1;
        forward(l, n, i, column);
        diagonal[i] = 0;
        for (size_t k = i; k < n; k++)
            diagonal[i] += column[k] * column[k];
    }
    wf__free(column);
    return WF_OK;
}
