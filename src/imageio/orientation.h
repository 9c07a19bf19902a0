/* EXIF orientation: which way up a camera was held. */
#ifndef WF_ORIENTATION_H
#define WF_ORIENTATION_H

#include "image/image.h"

/* 1..8 from an EXIF block, with or without its "Exif\0\0" head; 1 if there is
 * none. */
int wf__exif_orientation(const uint8_t *data, size_t size);

/* Turns and mirrors an image upright; takes it over, also on failure. */
wf_status wf__orient(wf_image *image, int orientation, wf_image **out,
                     wf_error *err);

#endif
