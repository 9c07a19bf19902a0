#include "app/gallery.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/database.h"
#include "app/files.h"

#define APPLICATION 0x77666779 /* "wfgy", in the file's header */
#define FORMAT      1

#define TEXT_OF(x) #x
#define NUMBER(x)  TEXT_OF(x)

struct app_gallery {
    const app_command *command;
    app_db *db;
    char path[4096];
    int owned; /* 1: this process's name is in the file */
};

static const char schema[] =
    "CREATE TABLE made_with (key TEXT PRIMARY KEY, value TEXT NOT NULL);"
    "CREATE TABLE photos (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, "
    "bytes INTEGER, modified INTEGER, sha256 TEXT, faces INTEGER, face "
    "INTEGER, x REAL, y REAL, width REAL, height REAL, score REAL, landmarks "
    "BLOB, embedding BLOB, fault INTEGER NOT NULL, message TEXT);"
    "PRAGMA application_id = " NUMBER(
        APPLICATION) ";"
                     "PRAGMA user_version = " NUMBER(FORMAT) ";";

static const app_db_kind kind = {.application = APPLICATION,
                                 .format = FORMAT,
                                 .schema = schema,
                                 .what = "index of a gallery"};

/* By app_gallery_fact: key in the file, and what messages call it. */
static const struct {
    const char *key, *title;
} facts_of[APP_FACTS] = {
    {"folder", "folder"},
    {"model", "model"},
    {"model_sha256", "model file (SHA-256)"},
    {"precision", "precision"},
    {"preprocessing", "pre-processing"},
    {"detector", "detector"},
    {"detector_sha256", "detector's files (SHA-256)"},
    {"search", "search for faces"},
    {"face", "choice of a face"},
};

void app_entry_free(app_entry *entry)
{
    free(entry->path);
    free(entry->message);
    *entry = (app_entry){0};
}

void app_entries_free(app_entries *entries)
{
    for (size_t i = 0; i < entries->n; i++)
        app_entry_free(&entries->entry[i]);
    free(entries->entry);
    *entries = (app_entries){0};
}

/* ---- what embeddings are made with --------------------------------------- */

static void describe_preprocessing(const wf_model_info *info, char *buf,
                                   size_t size)
{
    static const char *const colours[] = {"RGB", "BGR", "grey"};
    int used = snprintf(
        buf, size, "%d x %d %s, mean %g,%g,%g, scale %g,%g,%g, points",
        info->width, info->height, colours[info->colour], (double)info->mean[0],
        (double)info->mean[1], (double)info->mean[2], (double)info->scale[0],
        (double)info->scale[1], (double)info->scale[2]);
    for (int i = 0; i < WF_LANDMARKS; i++)
        used +=
            snprintf(buf + used, size - (size_t)used, " %.2f,%.2f",
                     (double)info->points[i][0], (double)info->points[i][1]);
}

void app_gallery_facts_of(const app_session *s, const char *folder,
                          const char *rule, app_gallery_facts *facts)
{
    const wf_model_info *info = wf_model_get_info(s->model);
    const char *least = app_get(s->args, "min-face");
    const char *score = app_get(s->args, "min-score");
#define SET(fact, ...) snprintf(facts->value[fact], APP_FACT_SIZE, __VA_ARGS__)
    SET(APP_FACT_FOLDER, "%s", folder);
    SET(APP_FACT_MODEL, "%s", info->name);
    SET(APP_FACT_MODEL_SHA256, "%s", info->sha256);
    SET(APP_FACT_PRECISION, "%s", info->precision);
    describe_preprocessing(info, facts->value[APP_FACT_PREPROCESSING],
                           APP_FACT_SIZE);
    SET(APP_FACT_DETECTOR, "%s",
        s->detector ? wf_detector_kind(s->detector) : "none: aligned crops");
    SET(APP_FACT_DETECTOR_SHA256, "%s",
        s->detector ? wf_detector_sha256(s->detector) : "");
    SET(APP_FACT_SEARCH, "--min-face %s, --min-score %s",
        least ? least : "default", score ? score : "default");
    SET(APP_FACT_FACE, "%s", s->detector ? rule : "");
#undef SET
}

int app_gallery_get_facts(app_gallery *g, app_gallery_facts *facts)
{
    *facts = (app_gallery_facts){0};
    app_rows *rows =
        app_db_query(g->db, "SELECT key, value FROM made_with", "");
    while (app_db_next(rows))
        for (int i = 0; i < APP_FACTS; i++)
            if (!strcmp(app_db_text(rows, 0), facts_of[i].key))
                snprintf(facts->value[i], APP_FACT_SIZE, "%s",
                         app_db_text(rows, 1));
    return app_db_end(g->db, rows);
}

static int put_fact(app_gallery *g, const char *key, const char *value)
{
    return app_db_execute(g->db,
                          "INSERT OR REPLACE INTO made_with VALUES (?, ?)",
                          "ss", key, value);
}

int app_gallery_put_facts(app_gallery *g, const app_gallery_facts *facts)
{
    int status = app_gallery_begin(g);
    if (status != APP_OK)
        return status;
    for (int i = 0; i < APP_FACTS && status == APP_OK; i++)
        status = put_fact(g, facts_of[i].key, facts->value[i]);
    if (status == APP_OK)
        status = put_fact(g, "whyface", wf_version());
    return app_gallery_commit(g, status);
}

int app_gallery_check(app_gallery *g, const app_gallery_facts *now)
{
    app_gallery_facts *made = calloc(1, sizeof(*made));
    if (!made) {
        app_error(g->command, "out of memory");
        return APP_FAILED;
    }
    int status = app_gallery_get_facts(g, made);
    for (int i = APP_FACT_FOLDER + 1; i < APP_FACTS && status == APP_OK; i++) {
        if (!strcmp(made->value[i], now->value[i]))
            continue;
        app_error(g->command,
                  "the index '%s' was made with another %s: '%s', now it is "
                  "'%s'; use what it was made with, or name another file with "
                  "--index",
                  g->path, facts_of[i].title, made->value[i], now->value[i]);
        status = APP_FAILED;
    }
    free(made);
    return status;
}

/* ---- where an index lies ------------------------------------------------- */

/* 64-bit FNV-1a. */
static uint64_t hash_facts(const app_gallery_facts *facts)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (int i = 0; i < APP_FACTS; i++)
        for (const char *p = facts->value[i];; p++) {
            hash = (hash ^ (unsigned char)*p) * 0x100000001b3;
            if (!*p)
                break;
        }
    return hash;
}

/* Letters that are safe in any shell; what is cut off, the hash tells apart. */
static void plain_name(const char *text, char *buf, size_t size)
{
    size_t n = 0;
    for (; *text && n + 1 < size; text++)
        buf[n++] = (*text >= '0' && *text <= '9') ||
                           (*text >= 'A' && *text <= 'Z') ||
                           (*text >= 'a' && *text <= 'z')
                       ? *text
                       : '_';
    buf[n] = '\0';
}

int app_gallery_default_path(const app_command *command,
                             const app_gallery_facts *facts, char *buf,
                             size_t size)
{
    char home[2048], folder[2100], name[2][49];
    wf_error err = {0};
    const char *slash = strrchr(facts->value[APP_FACT_FOLDER], '/');
    if (wf_home(home, sizeof(home), &err) != WF_OK)
        return app_fail(command, &err);
    snprintf(folder, sizeof(folder), "%s/galleries", home);
    plain_name(slash ? slash + 1 : "", name[0], sizeof(name[0]));
    plain_name(facts->value[APP_FACT_MODEL], name[1], sizeof(name[1]));
    snprintf(buf, size, "%s/%s-%s-%016llx.index", folder, name[0], name[1],
             (unsigned long long)hash_facts(facts));
    return app_make_folder(command, folder);
}

/* ---- opening ------------------------------------------------------------- */

/* Two that enrol into one file would do everything twice. */
static int take_over(app_gallery *g)
{
    char own[APP_OWNER], owner[APP_OWNER] = "";
    int status = app_gallery_begin(g);
    if (status != APP_OK)
        return status;
    app_rows *rows = app_db_query(
        g->db, "SELECT value FROM made_with WHERE key = 'owner'", "");
    if (app_db_next(rows))
        snprintf(owner, sizeof(owner), "%s", app_db_text(rows, 0));
    status = app_db_end(g->db, rows);
    app_owner_name(own);
    if (status == APP_OK && strcmp(owner, own) && app_owner_runs(owner)) {
        app_error(g->command,
                  "another whyface (process %.*s) is enrolling into '%s'; wait "
                  "for its end, or name another file",
                  (int)strcspn(owner, " "), owner, g->path);
        status = APP_FAILED;
    }
    if (status == APP_OK)
        status = put_fact(g, "owner", own);
    status = app_gallery_commit(g, status);
    g->owned = status == APP_OK;
    return status;
}

int app_gallery_open(const app_command *command, const char *path, int to_enrol,
                     app_gallery **out)
{
    app_gallery *g = calloc(1, sizeof(*g));
    if (!g) {
        app_error(command, "out of memory");
        return APP_FAILED;
    }
    g->command = command;
    snprintf(g->path, sizeof(g->path), "%s", path);
    int status = app_db_open(command, path, &kind,
                             to_enrol ? APP_DB_CREATE : APP_DB_READ, &g->db);
    if (status == APP_OK && to_enrol)
        status = take_over(g);
    if (status == APP_OK)
        *out = g;
    else
        app_gallery_close(g);
    return status;
}

void app_gallery_close(app_gallery *g)
{
    if (!g)
        return;
    if (g->owned)
        (void)app_db_execute(g->db, "DELETE FROM made_with WHERE key = 'owner'",
                             "");
    app_db_close(g->db);
    free(g);
}

const char *app_gallery_path(const app_gallery *g)
{
    return g->path;
}

/* ---- entries ------------------------------------------------------------- */

#define COLUMNS                                                                \
    "SELECT id, path, bytes, modified, sha256, faces, face, x, y, width, "     \
    "height, score, landmarks, fault, message FROM photos "

static int read_landmarks(const app_gallery *g, app_rows *rows,
                          app_entry *entry)
{
    size_t size;
    const void *data = app_db_blob(rows, 12, &size);
    if (size == 0)
        return APP_OK;
    if (size != sizeof(entry->face.landmarks))
        return app_db_damaged(g->db, "the landmarks of '%s'", entry->path);
    memcpy(entry->face.landmarks, data, size);
    return APP_OK;
}

/* The row that COLUMNS gave; free the entry in any case. */
static int read_entry(const app_gallery *g, app_rows *rows, app_entry *entry)
{
    *entry = (app_entry){.id = app_db_integer(rows, 0),
                         .path = strdup(app_db_text(rows, 1)),
                         .bytes = app_db_integer(rows, 2),
                         .modified = app_db_integer(rows, 3),
                         .faces = (size_t)app_db_integer(rows, 5),
                         .index = (size_t)app_db_integer(rows, 6),
                         .fault = (wf_status)app_db_integer(rows, 13)};
    snprintf(entry->sha256, sizeof(entry->sha256), "%s", app_db_text(rows, 4));
    float *box[] = {&entry->face.x, &entry->face.y, &entry->face.width,
                    &entry->face.height, &entry->face.score};
    for (int i = 0; i < 5; i++)
        *box[i] = (float)app_db_number(rows, 7 + i);
    if (entry->fault)
        entry->message = strdup(app_db_text(rows, 14));
    if (!entry->path || (entry->fault && !entry->message)) {
        app_error(g->command, "out of memory");
        return APP_FAILED;
    }
    return read_landmarks(g, rows, entry);
}

int app_gallery_list(app_gallery *g, app_entries *entries)
{
    int64_t n;
    *entries = (app_entries){0};
    int status = app_db_get(g->db, "SELECT count(*) FROM photos", 0, &n);
    if (status != APP_OK)
        return status;
    entries->entry = calloc((size_t)n + 1, sizeof(*entries->entry));
    if (!entries->entry) {
        app_error(g->command, "out of memory");
        return APP_FAILED;
    }
    app_rows *rows = app_db_query(g->db, COLUMNS "ORDER BY path", "");
    while (status == APP_OK && entries->n < (size_t)n && app_db_next(rows))
        status = read_entry(g, rows, &entries->entry[entries->n++]);
    int ended = app_db_end(g->db, rows);
    return status == APP_OK ? ended : status;
}

int app_gallery_get(app_gallery *g, int64_t id, app_entry *entry)
{
    *entry = (app_entry){0};
    app_rows *rows = app_db_query(g->db, COLUMNS "WHERE id = ?", "i", id);
    int status = APP_OK;
    if (app_db_next(rows))
        status = read_entry(g, rows, entry);
    int ended = app_db_end(g->db, rows);
    if (status == APP_OK && ended == APP_OK && !entry->path)
        return app_db_damaged(g->db, "photo %lld is gone", (long long)id);
    return status == APP_OK ? ended : status;
}

int app_gallery_count_faults(app_gallery *g, size_t *n)
{
    int64_t count;
    int status = app_db_get(
        g->db, "SELECT count(*) FROM photos WHERE fault <> 0", 0, &count);
    *n = (size_t)count;
    return status;
}

int app_gallery_copies(app_gallery *g, const char *sha256, size_t *n)
{
    *n = 0;
    app_rows *rows = app_db_query(
        g->db, "SELECT count(*) FROM photos WHERE sha256 = ?", "s", sha256);
    if (app_db_next(rows))
        *n = (size_t)app_db_integer(rows, 0);
    return app_db_end(g->db, rows);
}

int app_gallery_embeddings(app_gallery *g, size_t dim, float **values,
                           int64_t **ids, size_t *n)
{
    int64_t count;
    *values = NULL;
    *ids = NULL;
    *n = 0;
    int status = app_db_get(
        g->db, "SELECT count(*) FROM photos WHERE fault = 0", 0, &count);
    if (status != APP_OK)
        return status;
    *values = calloc((size_t)count + 1, dim * sizeof(float));
    *ids = calloc((size_t)count + 1, sizeof(**ids));
    if (!*values || !*ids) {
        app_error(g->command, "out of memory for %lld embeddings",
                  (long long)count);
        return APP_FAILED;
    }
    app_rows *rows = app_db_query(
        g->db,
        "SELECT id, path, embedding FROM photos WHERE fault = 0 ORDER BY "
        "path",
        "");
    for (; *n < (size_t)count && app_db_next(rows); ++*n) {
        size_t size;
        const void *data = app_db_blob(rows, 2, &size);
        if (size != dim * sizeof(float)) {
            status = app_db_damaged(g->db, "the embedding of '%s'",
                                    app_db_text(rows, 1));
            break;
        }
        (*ids)[*n] = app_db_integer(rows, 0);
        memcpy(*values + *n * dim, data, size);
    }
    int ended = app_db_end(g->db, rows);
    return status == APP_OK ? ended : status;
}

int app_gallery_begin(app_gallery *g)
{
    return app_db_begin(g->db);
}

int app_gallery_commit(app_gallery *g, int status)
{
    return app_db_commit(g->db, status);
}

int app_gallery_put(app_gallery *g, const app_entry *e, const float *embedding,
                    size_t dim)
{
    const wf_face *f = &e->face;
    int found = !e->fault && e->faces;
    return app_db_execute(
        g->db,
        "INSERT OR REPLACE INTO photos (path, bytes, modified, sha256, faces, "
        "face, x, y, width, height, score, landmarks, embedding, fault, "
        "message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "siisiidddddbbis", e->path, e->bytes, e->modified, e->sha256,
        (int64_t)e->faces, (int64_t)e->index, (double)f->x, (double)f->y,
        (double)f->width, (double)f->height, (double)f->score,
        found ? f->landmarks : NULL, sizeof(f->landmarks), embedding,
        dim * sizeof(float), (int64_t)e->fault, e->message);
}

int app_gallery_touch(app_gallery *g, const app_entry *e)
{
    return app_db_execute(
        g->db, "UPDATE photos SET bytes = ?, modified = ? WHERE path = ?",
        "iis", e->bytes, e->modified, e->path);
}

int app_gallery_forget(app_gallery *g, int64_t id)
{
    return app_db_execute(g->db, "DELETE FROM photos WHERE id = ?", "i", id);
}
