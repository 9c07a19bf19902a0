/* result.json: everything needed to repeat an explanation and to trust it. */
#ifndef APP_RESULT_H
#define APP_RESULT_H

#include <jansson.h>

#include "app/session.h"

typedef struct app_result {
    const app_session *session;
    const wf_options *options;
    const wf_explanation *explanation;
    const app_face *faces[3]; /* probe, mate, non-mate (or NULL) */
    app_threshold threshold;
    json_t *files;         /* list of names, borrowed */
    double seconds_figure; /* drawing and writing */
    double seconds_total;
} app_result;

/* "map-mate-probe.npy": where explain puts a map in its folder. */
const char *app_map_file(wf_pair pair, wf_side side);

/* A new reference, NULL without memory. */
json_t *app_result_json(const app_result *result);

/* A box, landmarks and score. */
json_t *app_face_json(const wf_face *face);
/* A method with the values of its options. */
json_t *app_options_json(const wf_options *options);
json_t *app_model_json(const wf_model_info *info);
/* A number, or null where it is not finite. */
json_t *app_number(double value);

/* Writes `root` under a temporary name first; takes the reference over. */
int app_json_save(const app_command *command, json_t *root, const char *path);
/* The same to standard output. */
int app_json_print(const app_command *command, json_t *root);

#endif
