/* Gradients at many changed copies of the image, added up. */
#ifndef WF_PATH_H
#define WF_PATH_H

#include "method/backward.h"

/*
 * For each map, sums (n_maps x channels x height x width, zeroed by the caller)
 * += weight(i) * derivative at copy i, for copies 0..n-1 that `copy` writes; in
 * the order of the copies.
 */
wf_status wf__path_sums(const wf__task *task, wf__copy_fn *copy,
                        double (*weight)(size_t i, void *argument),
                        void *argument, size_t n, double *sums, wf_error *err);

#endif
