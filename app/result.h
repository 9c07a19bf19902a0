/* result.json: everything needed to repeat an explanation and to trust it. */
#ifndef APP_RESULT_H
#define APP_RESULT_H

#include <jansson.h>

#include "app/triplet.h"

/* "map-mate-probe.npy": where explain puts a map in its folder. */
const char *app_map_file(wf_pair pair, wf_side side);

/* A new reference, NULL without memory. */
json_t *app_result_json(const app_triplet *triplet);

/* A photo: file, size, the face that was chosen. */
json_t *app_photo_json(const app_face *face);
/* A box, landmarks and score. */
json_t *app_face_json(const wf_face *face);
/* A method with the values of its options. */
json_t *app_options_json(const wf_options *options);
json_t *app_model_json(const wf_model_info *info);

#endif
