/*
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011) from
 * Random123.  A number is a pure function of (seed, stream, index, draw), so
 * any mask can be made again at any time, in any thread, in any order.
 */
#ifndef WF_RANDOM_H
#define WF_RANDOM_H

#include <stdint.h>

/* Streams keep the uses of one seed apart. */
enum wf__stream {
    WF__STREAM_MASK = 1,
    WF__STREAM_TEST_IMAGE = 2,
    WF__STREAM_TIES = 3,
    WF__STREAM_ROAD = 4,
    WF__STREAM_CONTROL = 5,
    WF__STREAM_BOOTSTRAP = 6,
    WF__STREAM_OCCLUSION = 7,
    WF__STREAM_WEIGHTS = 8,
    WF__STREAM_LEVELS = 9,
    WF__STREAM_DESIGN = 20, /* which regions or cells are hidden */
    WF__STREAM_GRID = 30,
    WF__STREAM_PATCHES = 31,
    WF__STREAM_FRAGMENTS = 32,
    WF__STREAM_NOISE = 40,
    WF__STREAM_SMOOTHGRAD = 41
};

/* Four independent 32-bit words. */
void wf__random4(uint64_t seed, uint32_t stream, uint32_t index, uint32_t draw,
                 uint32_t out[4]);

/* A word as a float in [0, 1), and as an integer in 0..n-1 (Lemire's
 * multiplication; the bias is below n / 2^32). */
static inline float wf__random_unit(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

static inline uint32_t wf__random_below(uint32_t word, uint32_t n)
{
    return (uint32_t)(((uint64_t)word * n) >> 32);
}

/* Two independent normal numbers of two words (Box and Muller 1958). */
void wf__random_normal(const uint32_t word[2], double normal[2]);

#endif
