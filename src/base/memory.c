#define _DEFAULT_SOURCE /* madvise */
#include "base/base.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#define ALIGNMENT 64

static atomic_ulong fail_countdown; /* 0: off */
static atomic_bool failing;

void wf__alloc_fail_at(unsigned long n)
{
    atomic_store(&failing, false);
    atomic_store(&fail_countdown, n);
}

static bool injected_failure(void)
{
    if (atomic_load_explicit(&failing, memory_order_relaxed))
        return true;
    if (!atomic_load_explicit(&fail_countdown, memory_order_relaxed))
        return false;
    if (atomic_fetch_sub(&fail_countdown, 1) != 1)
        return false;
    atomic_store(&failing, true);
    return true;
}

void wf__discard(void *data, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)data + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)data + size) / page * page;
    if (end > first)
        madvise((void *)first, end - first, MADV_DONTNEED);
}

bool wf__mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

bool wf__add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

void *wf__alloc(size_t count, size_t size)
{
    size_t bytes;
    if (!wf__mul_size(count, size, &bytes) || bytes > WF__MAX_BLOCK)
        return NULL;
    if (injected_failure())
        return NULL;
    bytes = (WF__MAX(bytes, 1) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return aligned_alloc(ALIGNMENT, bytes);
}

void *wf__calloc(size_t count, size_t size)
{
    void *block = wf__alloc(count, size);
    if (block)
        memset(block, 0, count * size);
    return block;
}

void *wf__realloc(void *block, size_t old_count, size_t count, size_t size)
{
    void *grown = wf__alloc(count, size);
    if (!grown)
        return NULL;
    if (block) {
        memcpy(grown, block, WF__MIN(old_count, count) * size);
        wf__free(block);
    }
    return grown;
}

char *wf__strndup(const char *text, size_t length)
{
    char *copy = wf__alloc(length + 1, 1);
    if (!copy)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *wf__strdup(const char *text)
{
    return wf__strndup(text, strlen(text));
}

void wf__free(void *block)
{
    free(block);
}
