/* Memory of many small parts that are freed together. */
#ifndef WF_ARENA_H
#define WF_ARENA_H

#include "base/base.h"

typedef struct wf__arena {
    struct wf__arena_chunk *chunks;
    size_t used; /* of the newest chunk */
} wf__arena;

/* count * size zeroed bytes, aligned to 64; NULL on overflow or no memory.
 * They live until wf__arena_free. */
void *wf__arena_alloc(wf__arena *arena, size_t count, size_t size);
char *wf__arena_printf(wf__arena *arena, const char *format, ...)
    WF__PRINTF(2, 3);
void wf__arena_free(wf__arena *arena);

#endif
