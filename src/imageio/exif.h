/* What a camera wrote beside the picture. */
#ifndef WF_EXIF_H
#define WF_EXIF_H

#include "image/image.h"
#include "imageio/facts.h"

/* 1..8 from an EXIF block, with or without its "Exif\0\0" head; 1 if there is
 * none. */
int wf__exif_orientation(const uint8_t *data, size_t size);

/* Lines about camera, dates and exposure; `data` NULL: there is no block. */
void wf__exif_facts(const uint8_t *data, size_t size, wf__facts *facts);

/* Turns and mirrors an image upright; takes it over, also on failure. */
wf_status wf__orient(wf_image *image, int orientation, wf_image **out,
                     wf_error *err);

#endif
