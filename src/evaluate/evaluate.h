/*
 * Judging a map: Deletion, Insertion and their curves.  An evaluator sees a map
 * and an oracle, never the method that made the map.
 */
#ifndef WF_EVALUATE_H
#define WF_EVALUATE_H

#include "oracle/oracle.h"

/*
 * wf_evaluate on the first reference of an oracle; `map` has height x width
 * finite values.  `out->seconds` is left alone, `out->forwards` counts the
 * copies.
 */
wf_status wf__evaluate(wf__oracle *oracle, const float *map,
                       const wf_evaluate_opts *opts, wf_evaluation *out,
                       double *curves, wf_error *err);

#endif
