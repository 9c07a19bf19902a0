#include "base/lifetime.h"

#define ALIGNMENT ((size_t)64)

typedef struct order {
    const wf__lifetime *part;
    size_t index;
} order;

/* Large parts first; equal sizes in order of creation. */
static int by_size(const void *a, const void *b)
{
    const order *x = a, *y = b;
    if (x->part->size != y->part->size)
        return x->part->size < y->part->size ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

static int by_offset(const void *a, const void *b)
{
    const wf__lifetime *x = *(const wf__lifetime *const *)a,
                       *y = *(const wf__lifetime *const *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* The lowest offset where `part` meets no placed one that is alive with it. */
static size_t find_offset(const wf__lifetime *part, const wf__lifetime **placed,
                          size_t n_placed, const wf__lifetime **alive)
{
    size_t n = 0, offset = 0;
    for (size_t i = 0; i < n_placed; i++)
        if (placed[i]->first <= part->last && part->first <= placed[i]->last)
            alive[n++] = placed[i];
    qsort(alive, n, sizeof(*alive), by_offset);
    for (size_t i = 0; i < n; i++) {
        if (alive[i]->offset >= offset + part->size)
            break;
        offset = WF__MAX(offset, alive[i]->offset + alive[i]->size);
    }
    return offset;
}

wf_status wf__lifetimes_place(wf__lifetime *parts, size_t n, size_t *total,
                              wf_error *err)
{
    order *queue = wf__alloc(n, sizeof(*queue));
    const wf__lifetime **lists = wf__alloc(n * 2, sizeof(*lists));
    wf_status st = WF_OK;
    *total = 0;
    if (!queue || !lists)
        WF__FAIL_GOTO(done, err, WF_ENOMEM,
                      "out of memory while preparing the model");
    for (size_t i = 0; i < n; i++) {
        parts[i].size = (parts[i].size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        queue[i] = (order){&parts[i], i};
    }
    qsort(queue, n, sizeof(*queue), by_size);
    for (size_t i = 0; i < n; i++) {
        wf__lifetime *part = &parts[queue[i].index];
        part->offset = find_offset(part, lists, i, lists + n);
        lists[i] = part;
        *total = WF__MAX(*total, part->offset + part->size);
    }
done:
    wf__free(lists);
    wf__free(queue);
    return st;
}
