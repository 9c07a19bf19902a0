#include <math.h>
#include <stdlib.h>

#include "app/json.h"
#include "app/progress.h"
#include "app/result.h"
#include "cli/commands.h"

static const app_option options[] = {
    {"threshold", 0, "VALUE|NAME", "similarity of a match [accuracy]"},
    {"json", 0, NULL, "print JSON"},
    {0}};

static int print_result(const app_command *command, const app_args *args,
                        const wf_model_info *model, double similarity,
                        double threshold)
{
    const char *verdict = isnan(threshold)          ? NULL
                          : similarity >= threshold ? "match"
                                                    : "no match";
    if (app_has(args, "json"))
        return app_json_print(
            command,
            json_pack("{s:s s:s s:f s:o s:o s:o}", "a", args->operands[0], "b",
                      args->operands[1], "similarity", similarity, "threshold",
                      app_number(threshold), "verdict",
                      verdict ? json_string(verdict) : json_null(), "model",
                      app_model_json(model)));
    if (verdict)
        printf("similarity %.4f  threshold %.4f  %s\n", similarity, threshold,
               verdict);
    else
        printf("similarity %.4f  (no threshold known)\n", similarity);
    return APP_OK;
}

static int run(const app_command *command, const app_args *args)
{
    app_session s;
    app_face faces[2] = {{0}};
    wf_error err = {0};
    float *e = NULL;
    app_threshold threshold;
    int status = app_session_open(command, args, APP_MODEL | APP_DETECTOR, &s);
    if (status == APP_OK)
        status = app_find_threshold(&s, &threshold);
    for (size_t i = 0; i < 2 && status == APP_OK; i++)
        if (app_face_load(&s, args->operands[i], app_get_nth(args, "face", i),
                          &faces[i], &err) != WF_OK)
            status = app_fail(command, &err);
    if (status == APP_OK) {
        const wf_model_info *info = wf_model_get_info(s.model);
        size_t dim = (size_t)info->dim;
        const wf_image *crops[2] = {faces[0].crop, faces[1].crop};
        e = calloc(2 * dim, sizeof(*e));
        if (!e || wf_embed(s.ctx, s.model, crops, 2, e, &err) != WF_OK)
            status = app_fail(command, &err);
        else
            status =
                print_result(command, args, info,
                             wf_similarity(e, e + dim, dim), threshold.value);
    }
    free(e);
    app_face_free(&faces[0]);
    app_face_free(&faces[1]);
    app_session_close(&s);
    return status;
}

const app_command cli_verify = {
    .name = "verify",
    .operands = "A B",
    .summary = "the similarity of two faces, and the verdict",
    .about = "Prints the cosine similarity of the faces in two photos and "
             "whether the model\ncalls it a match.  --face given once is for "
             "A, the second for B.",
    .example = "whyface verify --face 2 --face 3 a.jpg b.jpg",
    .options = options,
    .more = app_session_options,
    .least = 2,
    .most = 2,
    .run = run};
