/* From five landmarks to the aligned crop. */
#ifndef WF_ALIGN_H
#define WF_ALIGN_H

#include "image/image.h"

/*
 * Least-squares similarity transform (rotation, one scale, shift, no mirror)
 * that takes `from` to `to`: Umeyama 1991, eq. 40-42 in two dimensions.
 * WF_EINVAL if the points coincide.
 */
wf_status wf__similarity_transform(const float (*from)[2], const float (*to)[2],
                                   int n, wf__affine *transform, wf_error *err);

#endif
