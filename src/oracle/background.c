/* A picture instead of a colour behind masked copies. */
#include "base/blur.h"
#include "oracle/oracle.h"

typedef struct blend {
    const wf__oracle *oracle;
    const float *masks, *background;
} blend;

static void blend_copy(size_t i, float *copy, void *argument)
{
    const blend *b = argument;
    const wf__oracle *o = b->oracle;
    size_t pixels = (size_t)o->width * (size_t)o->height;
    const float *restrict mask = b->masks + i * pixels;
    for (size_t c = 0; c < (size_t)o->channels; c++) {
        const float *restrict image = o->image + c * pixels;
        const float *restrict behind = b->background + c * pixels;
        float *restrict to = copy + c * pixels;
        for (size_t p = 0; p < pixels; p++)
            to[p] = behind[p] + mask[p] * (image[p] - behind[p]);
    }
}

wf_status wf__oracle_query_background(wf__oracle *oracle, const float *masks,
                                      const float *background, size_t n,
                                      float *similarities, wf_error *err)
{
    blend b = {oracle, masks, background};
    return oracle->query_copies(oracle, blend_copy, &b, n, similarities, err);
}

wf_status wf__oracle_blur(const wf__oracle *o, float sigma, float *blurred,
                          wf_error *err)
{
    size_t pixels = (size_t)o->width * (size_t)o->height;
    for (size_t c = 0; c < (size_t)o->channels; c++)
        WF__TRY(wf__blur(o->image + c * pixels, blurred + c * pixels, o->width,
                         o->height, sigma, err));
    return WF_OK;
}
