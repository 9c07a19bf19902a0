/*
 * usage: callback_model FIGURE
 *
 * Any function from a batch of crops to embeddings can be explained.  This one
 * knows faces by the brightness of a grid of 8 x 8 cells; the two pictures
 * differ in their lower halves only.
 */
#include <stdio.h>
#include <string.h>

#include <whyface.h>

enum { SIDE = 64, GRID = 8, CELL = SIDE / GRID };

/* input: n x 3 x SIDE x SIDE; output: n x GRID * GRID. */
static int embed(const float *input, size_t n, float *output, void *user)
{
    (void)user;
    memset(output, 0, n * GRID * GRID * sizeof(*output));
    for (size_t i = 0; i < n; i++, input += 3 * SIDE * SIDE)
        for (int p = 0; p < SIDE * SIDE; p++) {
            int cell = p / SIDE / CELL * GRID + p % SIDE / CELL;
            output[i * GRID * GRID + (size_t)cell] += input[p] / CELL;
        }
    return 0;
}

static wf_status make_picture(int which, wf_image **out, wf_error *err)
{
    uint8_t pixels[SIDE * SIDE];
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int cell = x / CELL * 5 + y / CELL * 3;
            int other = y >= SIDE / 2 && which;
            pixels[y * SIDE + x] = (uint8_t)(cell * (other ? 77 : 41));
        }
    return wf_image_from_pixels(pixels, SIDE, SIDE, 1, 0, out, err);
}

int main(int argc, char **argv)
{
    wf_error err = {0};
    wf_model_info info;
    wf_ctx *ctx = NULL;
    wf_model *model = NULL;
    wf_image *a = NULL, *b = NULL;
    wf_explanation *explanation = NULL;
    wf_model_info_init(&info);
    info.width = info.height = SIDE;
    info.dim = GRID * GRID;
    int failed = argc != 2 || wf_ctx_create(&ctx, &err) ||
                 wf_model_from_callback(embed, NULL, &info, &model, &err) ||
                 make_picture(0, &a, &err) || make_picture(1, &b, &err) ||
                 wf_explain(ctx, model, NULL, a, b, NULL, &explanation, &err) ||
                 wf_figure_explanation(explanation, NULL, argv[1], &err);
    if (failed)
        fprintf(stderr, "%s\n", argc == 2 ? err.message : "see the source");
    else
        printf("similarity %.3f: %s\n",
               wf_explanation_similarity(explanation, WF_PAIR_MATE), argv[1]);
    wf_explanation_free(explanation);
    wf_image_free(a);
    wf_image_free(b);
    wf_model_free(model);
    wf_ctx_free(ctx);
    return failed;
}
