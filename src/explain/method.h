/*
 * A method of explanation: one file, one row in the table of options.c.  It
 * gets an oracle for one image and fills one map per reference embedding.
 */
#ifndef WF_METHOD_H
#define WF_METHOD_H

#include "explain/oracle.h"

/* The method's values for its options; checked by wf_options_set. */
int64_t wf__options_int(const wf_options *options, const char *name);
double wf__options_number(const wf_options *options, const char *name);
/* Index into the option's choices. */
int wf__options_choice(const wf_options *options, const char *name);

typedef struct wf__method {
    wf_method about; /* the public part */
    /*
     * maps[r], height x width floats, for each reference r of the oracle.
     * `stage` names the work in progress reports.
     */
    wf_status (*explain)(wf__oracle *oracle, const wf_options *options,
                         const char *stage, float *const *maps, wf_error *err);
} wf__method;

extern const wf__method wf__method_srise;

/* The method that the options belong to. */
const wf__method *wf__options_implementation(const wf_options *options);

#endif
