#include "app/identify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/progress.h"

static int no_memory(const app_identification *id)
{
    app_error(id->session->command, "out of memory for a search");
    return APP_FAILED;
}

int app_identify_open(app_identification *id, app_session *session,
                      app_gallery *gallery)
{
    app_gallery_facts *now = calloc(1, sizeof(*now));
    *id = (app_identification){.session = session,
                               .gallery = gallery,
                               .fmr = NAN,
                               .start = app_now(),
                               .files = json_array()};
    int status = now && id->files ? app_gallery_get_facts(gallery, &id->facts)
                                  : no_memory(id);
    if (status == APP_OK && !*id->facts.value[APP_FACT_FOLDER]) {
        app_error(session->command, "the index '%s' holds no photos yet",
                  app_gallery_path(gallery));
        status = APP_FAILED;
    }
    if (status == APP_OK) {
        app_gallery_facts_of(session, id->facts.value[APP_FACT_FOLDER],
                             id->facts.value[APP_FACT_FACE], now);
        status = app_gallery_check(gallery, now);
    }
    if (status == APP_OK)
        status = app_find_threshold(session, &id->threshold);
    free(now);
    if (status != APP_OK || isnan(id->threshold.value))
        return status;
    const wf_threshold *t =
        wf_model_threshold(session->model, id->threshold.name);
    if (t && t->value == id->threshold.value)
        id->fmr = t->fmr;
    return APP_OK;
}

void app_identify_free(app_identification *id)
{
    for (size_t i = 0; i < id->n; i++) {
        app_entry_free(&id->candidates[i].entry);
        wf_image_free(id->candidates[i].crop);
    }
    free(id->candidates);
    free(id->own_file);
    app_face_free(&id->probe);
    wf_explanation_free(id->explanation);
    json_decref(id->files);
    *id = (app_identification){0};
}

/* ---- search -------------------------------------------------------------- */

static int load_probe(app_identification *id, const char *path,
                      const char *rule, float *embedding)
{
    app_session *s = id->session;
    wf_error err = {0};
    wf_status st = app_face_load(s, path, rule, &id->probe, &err);
    if (st == WF_OK)
        st =
            wf_embed(s->ctx, s->model, (const wf_image *const *)&id->probe.crop,
                     1, embedding, &err);
    app_progress_end();
    if (st != WF_OK)
        return app_fail(s->command, &err);
    wf_normalise(embedding, 1, (size_t)wf_model_get_info(s->model)->dim);
    return APP_OK;
}

/* The first k of n matches that are not the probe's own file. */
static int take_matches(app_identification *id, const wf_match *matches,
                        size_t n, const int64_t *ids, size_t k)
{
    id->candidates = calloc(k, sizeof(*id->candidates));
    if (!id->candidates)
        return no_memory(id);
    for (size_t i = 0; i < n && id->n < k; i++) {
        app_candidate c = {.similarity = matches[i].similarity};
        int status =
            app_gallery_get(id->gallery, ids[matches[i].index], &c.entry);
        if (status != APP_OK) {
            app_entry_free(&c.entry);
            return status;
        }
        if (strcmp(c.entry.sha256, id->probe.sha256)) {
            id->candidates[id->n++] = c;
            continue;
        }
        free(id->own_file);
        id->own_file = c.entry.path;
        c.entry.path = NULL;
        app_entry_free(&c.entry);
    }
    return APP_OK;
}

/* rows: all of the index, enrolled x dim. */
static int search_rows(app_identification *id, const float *rows,
                       const int64_t *ids, const float *probe, size_t k)
{
    size_t dim = (size_t)wf_model_get_info(id->session->model)->dim;
    wf_error err = {0};
    wf_match *matches;
    size_t copies;
    if (id->enrolled == 0) {
        app_error(id->session->command,
                  "the index '%s' has no face that could be enrolled",
                  app_gallery_path(id->gallery));
        return APP_FAILED;
    }
    int status = app_gallery_copies(id->gallery, id->probe.sha256, &copies);
    if (status != APP_OK)
        return status;
    size_t n = k + copies < id->enrolled ? k + copies : id->enrolled;
    matches = malloc(n * sizeof(*matches));
    if (!matches)
        return no_memory(id);
    double start = app_now();
    wf_status st = wf_search(id->session->ctx, rows, id->enrolled, dim, probe,
                             1, n, matches, &err);
    id->seconds_search = app_now() - start;
    app_progress_end();
    status = st == WF_OK ? take_matches(id, matches, n, ids, k)
                         : app_fail(id->session->command, &err);
    free(matches);
    return status;
}

int app_identify_search(app_identification *id, const char *path,
                        const char *rule, size_t k)
{
    size_t dim = (size_t)wf_model_get_info(id->session->model)->dim;
    float *probe = malloc(dim * sizeof(*probe)), *rows = NULL;
    int64_t *ids = NULL;
    int status = probe ? load_probe(id, path, rule, probe) : no_memory(id);
    double start = app_now();
    if (status == APP_OK)
        status = app_gallery_embeddings(id->gallery, dim, &rows, &ids,
                                        &id->enrolled);
    if (status == APP_OK)
        status = app_gallery_count_faults(id->gallery, &id->faulty);
    id->seconds_read = app_now() - start;
    if (status == APP_OK)
        status = search_rows(id, rows, ids, probe, k);
    free(rows);
    free(ids);
    free(probe);
    return status;
}

const char *app_identify_verdict(const app_identification *id,
                                 double similarity)
{
    if (isnan(id->threshold.value))
        return NULL;
    return similarity >= id->threshold.value ? "match" : "no match";
}

double app_identify_false_matches(const app_identification *id)
{
    return id->fmr * (double)id->enrolled;
}

/* ---- explanation --------------------------------------------------------- */

/* The crop that was embedded, from the photo as it was then. */
static wf_status load_crop(const app_identification *id, app_candidate *c,
                           wf_error *err)
{
    char path[8192], sha256[65];
    wf_image *photo;
    const app_entry *e = &c->entry;
    snprintf(path, sizeof(path), "%s/%s", id->facts.value[APP_FACT_FOLDER],
             e->path);
    wf_status st = wf_sha256_file(path, sha256, err);
    if (st == WF_OK && strcmp(sha256, e->sha256)) {
        err->code = WF_EINVAL;
        snprintf(err->message, sizeof(err->message),
                 "'%.900s' has changed since it was enrolled: bring the index "
                 "up to date with 'whyface enrol'",
                 path);
        return err->code;
    }
    if (st != WF_OK || (st = wf_image_load(path, &photo, err)) != WF_OK)
        return st;
    if (!e->faces) { /* aligned already */
        c->crop = photo;
        return WF_OK;
    }
    st = wf_align(photo, &e->face, wf_model_get_info(id->session->model),
                  &c->crop, err);
    wf_image_free(photo);
    return st;
}

int app_identify_explain(app_identification *id, const wf_options *options,
                         size_t n)
{
    const wf_image *crops[WF_MAX_CANDIDATES];
    app_session *s = id->session;
    wf_error err = {0};
    wf_status st = WF_OK;
    n = n < id->n ? n : id->n;
    if (n == 0)
        return APP_OK;
    for (size_t i = 0; i < n && st == WF_OK; i++) {
        st = load_crop(id, &id->candidates[i], &err);
        crops[i] = id->candidates[i].crop;
    }
    if (st == WF_OK)
        st = wf_explain_candidates(s->ctx, s->model, options, id->probe.crop,
                                   crops, n, &id->explanation, &err);
    app_progress_end();
    if (st != WF_OK)
        return app_fail(s->command, &err);
    id->options = options;
    id->n_explained = n;
    return APP_OK;
}
