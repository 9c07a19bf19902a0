/*
 * usage: explain_triplet MODEL PROBE MATE NONMATE FIGURE
 *
 * Explains three aligned crops and draws the figure: whyface in one page.
 */
#include <stdio.h>

#include <whyface.h>

int main(int argc, char **argv)
{
    wf_error err = {0};
    wf_ctx *ctx = NULL;
    wf_model *model = NULL;
    wf_image *crops[3] = {NULL};
    wf_explanation *explanation = NULL;
    int failed = argc != 6 || wf_ctx_create(&ctx, &err) ||
                 wf_model_open(argv[1], NULL, &model, &err);
    for (int i = 0; i < 3 && !failed; i++)
        failed = wf_image_load(argv[2 + i], &crops[i], &err) != WF_OK;
    failed = failed ||
             wf_explain(ctx, model, NULL, crops[0], crops[1], crops[2],
                        &explanation, &err) ||
             wf_figure_explanation(explanation, NULL, argv[5], &err);
    if (failed)
        fprintf(stderr, "%s\n", argc == 6 ? err.message : "see the source");
    else
        printf("mate %.3f, non-mate %.3f: %s\n",
               wf_explanation_similarity(explanation, WF_PAIR_MATE),
               wf_explanation_similarity(explanation, WF_PAIR_NONMATE),
               argv[5]);
    wf_explanation_free(explanation);
    for (int i = 0; i < 3; i++)
        wf_image_free(crops[i]);
    wf_model_free(model);
    wf_ctx_free(ctx);
    return failed;
}
