#include "base/arena.h"

#include <stdarg.h>

#define CHUNK     ((size_t)1 << 16)
#define ALIGNMENT ((size_t)64)

struct wf__arena_chunk {
    struct wf__arena_chunk *next;
    size_t size;
};

static bool add_chunk(wf__arena *arena, size_t payload)
{
    size_t size;
    if (!wf__add_size(WF__MAX(payload, CHUNK), ALIGNMENT, &size))
        return false;
    struct wf__arena_chunk *chunk = wf__alloc(size, 1);
    if (!chunk)
        return false;
    chunk->next = arena->chunks;
    chunk->size = size;
    arena->chunks = chunk;
    arena->used = ALIGNMENT; /* the header's place */
    return true;
}

void *wf__arena_alloc(wf__arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (!wf__mul_size(count, size, &bytes) ||
        !wf__add_size(bytes, ALIGNMENT - 1, &bytes))
        return NULL;
    bytes = bytes / ALIGNMENT * ALIGNMENT;
    if (!arena->chunks || arena->chunks->size - arena->used < bytes)
        if (!add_chunk(arena, bytes))
            return NULL;
    void *block = (char *)arena->chunks + arena->used;
    arena->used += bytes;
    return memset(block, 0, bytes);
}

char *wf__arena_printf(wf__arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : wf__arena_alloc(arena, length + 1, 1);
    if (text) {
        va_start(args, format);
        vsnprintf(text, (size_t)length + 1, format, args);
        va_end(args);
    }
    return text;
}

void wf__arena_free(wf__arena *arena)
{
    while (arena->chunks) {
        struct wf__arena_chunk *next = arena->chunks->next;
        wf__free(arena->chunks);
        arena->chunks = next;
    }
}
