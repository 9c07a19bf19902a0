#include "base/random.h"

#include <math.h>

#include <Random123/philox.h>

void wf__random4(uint64_t seed, uint32_t stream, uint32_t index, uint32_t draw,
                 uint32_t out[4])
{
    philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    philox4x32_ctr_t counter = {{draw, index, stream, 0}};
    philox4x32_ctr_t words = philox4x32(counter, key);
    for (int i = 0; i < 4; i++)
        out[i] = words.v[i];
}

void wf__random_normal(const uint32_t word[2], double normal[2])
{
    double radius = sqrt(-2 * log(1 - (double)wf__random_unit(word[0])));
    double angle = 6.283185307179586 * (double)wf__random_unit(word[1]);
    normal[0] = radius * cos(angle);
    normal[1] = radius * sin(angle);
}
