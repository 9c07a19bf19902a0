/* 'whyface sanity --protocol': the tests on many pairs of a list. */
#include <math.h>
#include <stdlib.h>

#include "app/pairs.h"
#include "app/progress.h"
#include "app/result.h"
#include "cli/sanity.h"

typedef struct protocol {
    sanity *s;
    app_pairs pairs;
    size_t *persons; /* by photo */
    size_t *chosen, n;
    json_t **results; /* of the pairs that were tested */
    size_t n_results;
} protocol;

static int no_memory(const sanity *s)
{
    app_error(s->command, "out of memory");
    return APP_FAILED;
}

/* The list, and those of its mated pairs that are tested. */
static int read_list(protocol *p)
{
    const sanity *s = p->s;
    double wanted = INFINITY;
    wf_error err = {0};
    int status = app_get_number(s->command, s->args, "pairs", 1, 1e9, &wanted);
    if (status != APP_OK)
        return status;
    if (app_pairs_read(app_get(s->args, "protocol"), app_get(s->args, "images"),
                       &p->pairs, &err) != WF_OK)
        return app_fail(s->command, &err);
    p->persons = calloc(p->pairs.n_photos, sizeof(*p->persons));
    p->chosen = app_pairs_mated(&p->pairs, wanted, &p->n);
    p->results = p->chosen ? calloc(p->n + 1, sizeof(*p->results)) : NULL;
    if (!p->persons || !p->results)
        return no_memory(s);
    app_pairs_persons(&p->pairs, p->persons);
    if (p->n > 0)
        return APP_OK;
    app_error(s->command, "pairs '%s': there is no mated pair",
              app_get(s->args, "protocol"));
    return APP_FAILED;
}

/* *usable 0: it shows no face; the message says which photo it is. */
static int load(protocol *p, int face, size_t photo, int *usable)
{
    sanity *s = p->s;
    const char *rule = app_get(s->args, "face");
    wf_error err = {0};
    app_face_free(&s->faces[face]);
    wf_status st = app_face_load(&s->session, p->pairs.photos[photo],
                                 rule ? rule : "centre", &s->faces[face], &err);
    *usable = st == WF_OK;
    if (st == WF_OK)
        return APP_OK;
    app_progress_end();
    int status = app_fail(s->command, &err);
    return status == APP_FAILED && st != WF_ENOMEM ? APP_OK : status;
}

/* Another person's photo: 'bench run' draws the same one. */
static int load_nonmate(protocol *p, size_t pair, int *usable)
{
    size_t probe = p->pairs.pairs[pair].a;
    int status = APP_OK;
    *usable = 0;
    for (uint64_t k = 0; k < APP_PAIRS_DRAWS && status == APP_OK && !*usable;
         k++) {
        size_t photo = app_pairs_draw(&p->pairs, 1, pair, k);
        if (p->persons[photo] != p->persons[probe])
            status = load(p, 2, photo, usable);
    }
    return status;
}

static int run_pair(protocol *p, size_t pair)
{
    sanity *s = p->s;
    int usable = 0;
    int status = load(p, 0, p->pairs.pairs[pair].a, &usable);
    if (status == APP_OK && usable)
        status = load(p, 1, p->pairs.pairs[pair].b, &usable);
    if (status == APP_OK && usable && s->n == 3)
        status = load_nonmate(p, pair, &usable);
    if (status != APP_OK || !usable)
        return status;
    s->pair = pair;
    status = sanity_test(s);
    if (status == APP_OK)
        p->results[p->n_results++] = json_incref(s->tests);
    /* What a test cannot do on this pair it may do on others. */
    return status == APP_FAILED ? APP_OK : status;
}

static int run_pairs(protocol *p)
{
    sanity *s = p->s;
    int status = APP_OK;
    for (size_t i = 0; i < p->n && status == APP_OK; i++) {
        if (app_progress_frame("sanity", i, p->n)) {
            wf_error err = {WF_ECANCELED, ""};
            return app_fail(s->command, &err);
        }
        status = run_pair(p, p->chosen[i]);
        sanity_drop_pair(s);
    }
    app_progress_frame("", 0, 0);
    app_progress_end();
    if (status != APP_OK)
        return status;
    if (p->n_results == 0) {
        app_error(s->command, "none of the pairs could be tested");
        return APP_FAILED;
    }
    if (p->n_results < p->n)
        app_error(s->command, "warning: %zu of %zu pairs are left out",
                  p->n - p->n_results, p->n);
    return APP_OK;
}

static int print(const protocol *p)
{
    const sanity *s = p->s;
    json_t *means =
        sanity_means((const json_t *const *)p->results, p->n_results, s->seed);
    if (!means)
        return no_memory(s);
    if (s->json) {
        json_t *root = sanity_head(s);
        json_object_set_new(root, "pairs",
                            json_integer((json_int_t)p->n_results));
        json_object_set_new(root, "confidence", json_real(SANITY_CONFIDENCE));
        json_object_set_new(root, "resamples", json_integer(SANITY_RESAMPLES));
        json_object_set_new(root, "tests", means);
        return app_json_print(s->command, root);
    }
    const wf_model_info *info = wf_model_get_info(s->session.model);
    const char *masks = wf_options_get(s->options, "masks");
    printf(
        "model %s, %s, %s, %s masks, %zu pairs%s: means with 95 %% intervals "
        "over pairs\n",
        info->name, info->precision, wf_options_method(s->options)->name,
        masks ? masks : "no", p->n_results,
        s->n == 3 ? " with a non-mate each" : "");
    int status = sanity_print_means(s, means);
    json_decref(means);
    return status;
}

int sanity_over_protocol(sanity *s)
{
    protocol p = {.s = s};
    int status = read_list(&p);
    if (status == APP_OK)
        status = run_pairs(&p);
    if (status == APP_OK)
        status = print(&p);
    if (status == APP_OK && p.n_results < p.n)
        status = APP_PARTLY;
    for (size_t i = 0; i < p.n_results; i++)
        json_decref(p.results[i]);
    free(p.results);
    free(p.chosen);
    free(p.persons);
    app_pairs_free(&p.pairs);
    return status;
}
