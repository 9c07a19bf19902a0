/*
 * usage: python_overhead MODEL|- PROBE MATE THREADS METHOD [NAME=VALUE...]
 *
 * The other side of python_overhead.py: for each line of standard input,
 * explains two aligned crops once and prints the seconds that it took by the
 * clock and of all processors.  MODEL "-" is a callback that does nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <whyface.h>

enum { DIM = 128 };

static int do_nothing(const float *input, size_t n, float *output, void *user)
{
    (void)input;
    (void)user;
    for (size_t i = 0; i < n * DIM; i++)
        output[i] = 1;
    return 0;
}

static wf_status open_model(const char *name, wf_model **model, wf_error *err)
{
    wf_model_info info;
    if (strcmp(name, "-") != 0)
        return wf_model_open(name, NULL, model, err);
    wf_model_info_init(&info);
    info.dim = DIM;
    return wf_model_from_callback(do_nothing, NULL, &info, model, err);
}

static wf_status make_options(char **words, int n, wf_options **options,
                              wf_error *err)
{
    wf_status st = wf_options_create(words[0], options, err);
    for (int i = 1; i < n && st == WF_OK; i++) {
        char *equals = strchr(words[i], '=');
        if (!equals)
            return WF_EINVAL;
        *equals = '\0';
        st = wf_options_set(*options, words[i], equals + 1, err);
    }
    return st;
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    wf_error err = {0};
    wf_ctx *ctx = NULL;
    wf_model *model = NULL;
    wf_options *options = NULL;
    wf_image *crops[2] = {NULL};
    int failed = argc < 6 || wf_ctx_create(&ctx, &err) ||
                 open_model(argv[1], &model, &err) ||
                 wf_image_load(argv[2], &crops[0], &err) ||
                 wf_image_load(argv[3], &crops[1], &err) ||
                 make_options(argv + 5, argc - 5, &options, &err);
    if (!failed)
        wf_ctx_set_threads(ctx, atoi(argv[4]));
    while (!failed && getchar() == '\n') {
        wf_explanation *explanation = NULL;
        double wall = seconds(CLOCK_MONOTONIC);
        double work = seconds(CLOCK_PROCESS_CPUTIME_ID);
        failed = wf_explain(ctx, model, options, crops[0], crops[1], NULL,
                            &explanation, &err) != WF_OK;
        wall = seconds(CLOCK_MONOTONIC) - wall;
        work = seconds(CLOCK_PROCESS_CPUTIME_ID) - work;
        wf_explanation_free(explanation);
        printf("%.9f %.9f\n", wall, work);
        fflush(stdout);
    }
    if (failed)
        fprintf(stderr, "%s\n", argc < 6 ? "see the source" : err.message);
    wf_options_free(options);
    wf_image_free(crops[0]);
    wf_image_free(crops[1]);
    wf_model_free(model);
    wf_ctx_free(ctx);
    return failed;
}
