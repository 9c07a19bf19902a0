/* Text about a photo's file, "key: value" a line.  wf_photo_facts lives here.
 */
#ifndef WF_FACTS_H
#define WF_FACTS_H

#include "base/base.h"

/* Longest value taken from a file, bytes. */
#define WF__FACT_BYTES 120

/* Text that is cut where it does not fit but counted to its end. */
typedef struct wf__facts {
    char *text;
    size_t size, length;
} wf__facts;

void wf__fact(wf__facts *facts, const char *key, const char *format, ...)
    WF__PRINTF(3, 4);

/*
 * A value from a file: without spaces at its ends, control characters and bytes
 * that are not UTF-8 replaced by '?', cut after WF__FACT_BYTES at a whole
 * character.  Nothing is written if nothing is left.
 */
void wf__fact_text(wf__facts *facts, const char *key, const char *value);

#endif
