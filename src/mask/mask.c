#include "mask/mask.h"

#include <math.h>

#include "base/random.h"

#define MAX_SIDE    4096
#define MAX_PATCHES 100000

wf_status wf__gauss_masks_init(wf__gauss_masks *m, wf_error *err)
{
    if (m->width < 1 || m->height < 1 || m->width > MAX_SIDE ||
        m->height > MAX_SIDE)
        WF__FAIL(err, WF_EINVAL, "masks of %d x %d are not supported", m->width,
                 m->height);
    if (m->patches < 1 || m->patches > MAX_PATCHES)
        WF__FAIL(err, WF_EINVAL, "a mask needs 1 to %d patches, not %d",
                 MAX_PATCHES, m->patches);
    if (m->kernel < 1 || m->kernel > MAX_SIDE || !(m->sigma > 0))
        WF__FAIL(err, WF_EINVAL,
                 "patches of size %d and sigma %g are not supported", m->kernel,
                 (double)m->sigma);
    if (m->place == WF__PLACE_INSIDE &&
        (m->kernel > m->width || m->kernel > m->height))
        WF__FAIL(err, WF_EINVAL,
                 "patches of size %d do not fit inside %d x %d pixels",
                 m->kernel, m->width, m->height);
    m->profile = wf__alloc((size_t)m->kernel, sizeof(*m->profile));
    if (!m->profile)
        WF__FAIL(err, WF_ENOMEM, "out of memory for masks");
    double centre = (m->kernel - 1) / 2.0;
    for (int i = 0; i < m->kernel; i++) {
        double d = (i - centre) / m->sigma;
        m->profile[i] = (float)exp(-d * d / 2);
    }
    return WF_OK;
}

void wf__gauss_masks_free(wf__gauss_masks *masks)
{
    wf__free(masks->profile);
    masks->profile = NULL;
}

/* First pixel (may be negative) of a patch along an axis of n pixels. */
static int patch_start(const wf__gauss_masks *m, int n, uint32_t word)
{
    int half = m->kernel / 2, range, first;
    switch (m->place) {
    case WF__PLACE_INSIDE:
        first = 0;
        range = n - m->kernel + 1;
        break;
    case WF__PLACE_CENTRE:
        first = -half;
        range = n;
        break;
    default:
        first = -half - half;
        range = n + 2 * half;
        break;
    }
    return first + (int)wf__random_below(word, (uint32_t)range);
}

/* The part of a patch that lies within the image, added row by row. */
WF__WIDE static void add_patch(const wf__gauss_masks *m, int left, int top,
                               float *mask)
{
    int x0 = WF__MAX(left, 0), x1 = WF__MIN(left + m->kernel, m->width);
    int y0 = WF__MAX(top, 0), y1 = WF__MIN(top + m->kernel, m->height);
    for (int y = y0; y < y1; y++) {
        float height = m->profile[y - top];
        const float *profile = m->profile + (x0 - left);
        float *row = mask + (size_t)y * (size_t)m->width + x0;
        int n = x1 - x0;
        switch (m->combine) {
        case WF__COMBINE_MAX:
            for (int x = 0; x < n; x++) {
                float g = height * profile[x];
                row[x] = row[x] > g ? row[x] : g;
            }
            break;
        case WF__COMBINE_NOISY_OR: /* the product of 1 - G so far */
            for (int x = 0; x < n; x++)
                row[x] *= 1 - height * profile[x];
            break;
        default:
            for (int x = 0; x < n; x++)
                row[x] += height * profile[x];
        }
    }
}

/* From the accumulated patches to values in 0..1. */
WF__WIDE static void finish(const wf__gauss_masks *m, bool hide, float *mask)
{
    size_t n = (size_t)m->width * (size_t)m->height;
    float most = 0;
    switch (m->combine) {
    case WF__COMBINE_SUM_CLIP:
        for (size_t i = 0; i < n; i++)
            mask[i] = mask[i] < 1 ? mask[i] : 1;
        break;
    case WF__COMBINE_SUM_OVER_MAX:
        for (size_t i = 0; i < n; i++)
            most = mask[i] > most ? mask[i] : most;
        for (size_t i = 0; i < n && most > 0; i++)
            mask[i] /= most;
        break;
    case WF__COMBINE_NOISY_OR:
        for (size_t i = 0; i < n; i++)
            mask[i] = 1 - mask[i];
        break;
    default:
        break;
    }
    for (size_t i = 0; i < n && hide; i++)
        mask[i] = 1 - mask[i];
}

void wf__gauss_masks_render(const wf__gauss_masks *m, uint32_t index,
                            float *mask)
{
    size_t n = (size_t)m->width * (size_t)m->height;
    float start = m->combine == WF__COMBINE_NOISY_OR ? 1.0f : 0.0f;
    for (size_t i = 0; i < n; i++)
        mask[i] = start;
    /* One draw of four words places two patches. */
    for (int p = 0; p < m->patches; p += 2) {
        uint32_t words[4];
        wf__random4(m->seed, WF__STREAM_MASK, index, (uint32_t)p / 2, words);
        for (int k = 0; k < 2 && p + k < m->patches; k++)
            add_patch(m, patch_start(m, m->width, words[2 * k]),
                      patch_start(m, m->height, words[2 * k + 1]), mask);
    }
    finish(m,
           m->mode == WF__MASK_HIDE || (m->mode == WF__MASK_BOTH && index % 2),
           mask);
}
