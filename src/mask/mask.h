/*
 * Random masks, made again from (options, seed, index) whenever they are
 * needed and never stored.
 */
#ifndef WF_MASK_H
#define WF_MASK_H

#include "base/base.h"

/* How the patches of a mask combine; G_k is the k-th patch, peak 1. */
typedef enum wf__combine {
    WF__COMBINE_MAX,          /* max_k G_k */
    WF__COMBINE_SUM_CLIP,     /* min(1, sum_k G_k) */
    WF__COMBINE_SUM_OVER_MAX, /* sum_k G_k / max over pixels */
    WF__COMBINE_NOISY_OR      /* 1 - prod_k (1 - G_k) */
} wf__combine;

/* Where patches may lie. */
typedef enum wf__place {
    WF__PLACE_INSIDE, /* whole patch inside the image */
    WF__PLACE_CENTRE, /* centre inside the image, patch may hang over */
    WF__PLACE_CANVAS  /* centre up to half a kernel outside: flat mean mask */
} wf__place;

/* What the patches P of a mask do. */
typedef enum wf__mask_mode {
    WF__MASK_KEEP, /* mask = P */
    WF__MASK_HIDE, /* mask = 1 - P */
    WF__MASK_BOTH  /* masks of even index keep, of odd index hide */
} wf__mask_mode;

typedef struct wf__gauss_masks {
    int width, height;
    int patches; /* Gaussian patches a mask, >= 1 */
    int kernel;  /* side of a patch, pixels */
    float sigma; /* pixels */
    wf__combine combine;
    wf__place place;
    wf__mask_mode mode;
    uint64_t seed;
    float *profile; /* kernel values along one axis, peak 1 (outer product) */
} wf__gauss_masks;

/* Checks the fields and fills `profile`; free with wf__gauss_masks_free. */
wf_status wf__gauss_masks_init(wf__gauss_masks *masks, wf_error *err);
void wf__gauss_masks_free(wf__gauss_masks *masks);

/* Mask `index`, height x width, values 0..1.  Safe from any thread. */
void wf__gauss_masks_render(const wf__gauss_masks *masks, uint32_t index,
                            float *mask);

#endif
