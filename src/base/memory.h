/*
 * The one allocator: 64-byte aligned blocks (vector loads, cache lines), sizes
 * multiplied with overflow checks, a ceiling for a single block.
 */
#ifndef WF_MEMORY_H
#define WF_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* No single block may be larger: a size beyond it came from a bad file. */
#define WF__MAX_BLOCK ((size_t)16 << 30)

/* count * size bytes, uninitialised / zeroed; NULL on overflow or no memory.
 * A request for 0 bytes gives a valid block. */
void *wf__alloc(size_t count, size_t size);
void *wf__calloc(size_t count, size_t size);
/* Grows or shrinks a block from wf__alloc that held `old_count` elements;
 * on failure the old block stays valid and NULL is returned. */
void *wf__realloc(void *block, size_t old_count, size_t count, size_t size);
char *wf__strdup(const char *text);
char *wf__strndup(const char *text, size_t length);
void wf__free(void *block);

/*
 * Gives the pages inside a block, or a part of one, back to the system: what
 * was there is gone, and the block is freed as ever.
 */
void wf__discard(void *data, size_t size);

/* *out = a * b, a + b; false on overflow. */
bool wf__mul_size(size_t a, size_t b, size_t *out);
bool wf__add_size(size_t a, size_t b, size_t *out);

/*
 * For tests: the n-th allocation from now (1: the next) and all after it fail;
 * 0 switches it off.
 */
void wf__alloc_fail_at(unsigned long n);

#endif
