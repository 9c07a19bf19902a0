#include "app/store.h"

#include <stdlib.h>
#include <string.h>

#include "app/database.h"

#define APPLICATION 0x77667962 /* "wfyb", in the file's header */
#define FORMAT      1

#define TEXT_OF(x) #x
#define NUMBER(x)  TEXT_OF(x)

struct app_store {
    const app_command *command;
    app_db *db;
    char owner[APP_OWNER];
    int64_t run;
};

enum state { OPEN, CLAIMED, DONE, FAILED };

static const char schema[] =
    "CREATE TABLE plan (id INTEGER PRIMARY KEY CHECK (id = 1), options TEXT "
    "NOT NULL, ready INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE runs (id INTEGER PRIMARY KEY, process TEXT, date TEXT, "
    "whyface TEXT, build TEXT, cpu TEXT, processors INTEGER, threads INTEGER);"
    "CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT, path TEXT, sha256 "
    "TEXT, threshold REAL, threshold_name TEXT);"
    "CREATE TABLE methods (id INTEGER PRIMARY KEY, name TEXT UNIQUE, series "
    "TEXT, explain TEXT, masks REAL);"
    "CREATE TABLE crops (model INTEGER, photo TEXT, sha256 TEXT, width INTEGER,"
    " height INTEGER, pixels BLOB, fault TEXT, PRIMARY KEY (model, photo));"
    "CREATE TABLE triplets (id INTEGER PRIMARY KEY, pair INTEGER UNIQUE, probe "
    "TEXT, mate TEXT, nonmate TEXT);"
    "CREATE TABLE items (id INTEGER PRIMARY KEY, model INTEGER, triplet "
    "INTEGER, method INTEGER, kind INTEGER, state INTEGER NOT NULL DEFAULT 0, "
    "process TEXT, run INTEGER, date TEXT, backend TEXT, precision TEXT, "
    "seconds REAL, forwards INTEGER, fault TEXT, "
    "UNIQUE (model, method, kind, triplet));"
    "CREATE INDEX items_by_state ON items (state, id);"
    "CREATE TABLE scores (item INTEGER, pair INTEGER, side INTEGER, similarity "
    "REAL, empty REAL, accepted INTEGER, deletion REAL, deletion_state INTEGER,"
    " insertion REAL, insertion_state INTEGER, deletion_auc REAL, insertion_auc"
    " REAL, inverted_deletion REAL, inverted_deletion_state INTEGER, "
    "inverted_insertion REAL, inverted_insertion_state INTEGER, "
    "inverted_deletion_auc REAL, inverted_insertion_auc REAL, forwards INTEGER,"
    " seconds REAL, curves BLOB, PRIMARY KEY (item, pair, side));"
    "CREATE TABLE maps (item INTEGER, pair INTEGER, side INTEGER, width INTEGER"
    ", height INTEGER, pixels BLOB, PRIMARY KEY (item, pair, side));"
    "PRAGMA application_id = " NUMBER(
        APPLICATION) ";"
                     "PRAGMA user_version = " NUMBER(FORMAT) ";";

static const app_db_kind kind = {.application = APPLICATION,
                                 .format = FORMAT,
                                 .schema = schema,
                                 .what = "database of 'whyface bench run'",
                                 .several = 1};

int app_store_open(const app_command *command, const char *path, int create,
                   app_store **out)
{
    app_store *s = calloc(1, sizeof(*s));
    if (!s) {
        app_error(command, "out of memory");
        return APP_FAILED;
    }
    s->command = command;
    app_owner_name(s->owner);
    int status = app_db_open(command, path, &kind,
                             create ? APP_DB_CREATE : APP_DB_WRITE, &s->db);
    if (status == APP_OK)
        *out = s;
    else
        app_store_close(s);
    return status;
}

void app_store_close(app_store *s)
{
    if (s)
        app_db_close(s->db);
    free(s);
}

/* ---- before the work ----------------------------------------------------- */

int app_store_plan(app_store *s, const char *mine, char **plan)
{
    int status = APP_OK;
    *plan = NULL;
    if (mine)
        status = app_db_execute(s->db,
                                "INSERT OR IGNORE INTO plan (id, options) "
                                "VALUES (1, ?)",
                                "s", mine);
    if (status != APP_OK)
        return status;
    app_rows *rows = app_db_query(s->db, "SELECT options FROM plan", "");
    int found = app_db_next(rows);
    if (found)
        *plan = strdup(app_db_text(rows, 0));
    return app_db_end(s->db, rows);
}

int app_store_put_crop(app_store *s, size_t model, const char *path,
                       const char *sha256, const wf_image *crop,
                       const char *fault)
{
    int width = crop ? wf_image_width(crop) : 0;
    int height = crop ? wf_image_height(crop) : 0;
    return app_db_execute(
        s->db, "INSERT OR IGNORE INTO crops VALUES (?, ?, ?, ?, ?, ?, ?)",
        "issiibs", (int64_t)model, path, sha256, (int64_t)width,
        (int64_t)height, crop ? wf_image_pixels(crop) : NULL,
        (size_t)width * (size_t)height * 3, fault);
}

int app_store_get_crop(app_store *s, size_t model, const char *path,
                       wf_image **crop, int *known)
{
    wf_error err = {0};
    app_rows *rows =
        app_db_query(s->db,
                     "SELECT width, height, pixels FROM crops WHERE "
                     "model = ? AND photo = ?",
                     "is", (int64_t)model, path);
    int found = app_db_next(rows);
    *crop = NULL;
    *known = found;
    if (*known && !app_db_is_null(rows, 2)) {
        int width = (int)app_db_integer(rows, 0);
        int height = (int)app_db_integer(rows, 1);
        size_t bytes;
        const void *pixels = app_db_blob(rows, 2, &bytes);
        if (width < 1 || height < 1 ||
            bytes / 3 / (size_t)width != (size_t)height) {
            (void)app_db_end(s->db, rows);
            return app_db_damaged(s->db, "the crop of '%s'", path);
        }
        if (wf_image_from_pixels(pixels, width, height, 3, 0, crop, &err)) {
            (void)app_db_end(s->db, rows);
            return app_fail(s->command, &err);
        }
    }
    return app_db_end(s->db, rows);
}

int app_bench_set_create(app_bench_set *set, size_t n_models, size_t n_methods,
                         size_t n_triplets)
{
    *set = (app_bench_set){
        .n_models = n_models, .n_methods = n_methods, .n_triplets = n_triplets};
    set->models = calloc(n_models + 1, sizeof(*set->models));
    set->methods = calloc(n_methods + 1, sizeof(*set->methods));
    set->triplets = calloc(n_triplets + 1, sizeof(*set->triplets));
    return set->models && set->methods && set->triplets;
}

void app_bench_set_free(app_bench_set *set)
{
    for (size_t i = 0; set->triplets && i < set->n_triplets; i++)
        for (int k = 0; k < 3; k++)
            free(set->triplets[i].photos[k]);
    free(set->models);
    free(set->methods);
    free(set->triplets);
    *set = (app_bench_set){0};
}

static int put_parts(const app_store *s, const app_bench_set *set)
{
    int status = APP_OK;
    for (size_t i = 0; i < set->n_models && status == APP_OK; i++) {
        const app_store_model *m = &set->models[i];
        status = app_db_execute(s->db,
                                "INSERT INTO models VALUES (?, ?, ?, ?, ?, ?)",
                                "isssds", (int64_t)i, m->name, m->path,
                                m->sha256, m->threshold, m->threshold_name);
    }
    for (size_t i = 0; i < set->n_triplets && status == APP_OK; i++) {
        const app_triplet *t = &set->triplets[i];
        status =
            app_db_execute(s->db, "INSERT INTO triplets VALUES (?, ?, ?, ?, ?)",
                           "iisss", (int64_t)i, (int64_t)t->pair, t->photos[0],
                           t->photos[1], t->photos[2]);
    }
    return status;
}

/* Those that are not there yet, after those that are. */
static int put_methods(const app_store *s, const app_bench_set *set)
{
    int status = APP_OK;
    for (size_t i = 0; i < set->n_methods && status == APP_OK; i++) {
        const app_store_method *m = &set->methods[i];
        status =
            app_db_execute(s->db,
                           "INSERT OR IGNORE INTO methods SELECT "
                           "coalesce(max(id) + 1, 0), ?, ?, ?, ? FROM methods",
                           "sssd", m->name, m->series, m->text, m->masks);
    }
    return status;
}

/*
 * Those that are not there yet.  A triplet's items follow each other, because
 * they share its crops; means of other pairs come last, because they need all
 * the maps.
 */
static int put_items(const app_store *s, unsigned controls)
{
    static const char *const sql[] = {
        "INSERT OR IGNORE INTO items (model, triplet, method, kind) SELECT "
        "m.id, t.id, x.method, x.kind FROM models m, triplets t, (SELECT id AS "
        "method, ? AS kind FROM methods UNION ALL SELECT 0, ? UNION ALL SELECT "
        "0, ?) x WHERE (? >> x.kind) & 1 ORDER BY m.id, t.id, x.kind, x.method",
        "INSERT OR IGNORE INTO items (model, triplet, method, kind) SELECT "
        "m.id, t.id, x.id, k.kind FROM models m, triplets t, methods x, "
        "(SELECT ? AS kind) k WHERE (? >> k.kind) & 1 AND (SELECT count(*) "
        "FROM triplets) > 1 ORDER BY m.id, x.id, t.id"};
    int64_t kinds = controls | 1u << APP_GIVEN;
    int status =
        app_db_execute(s->db, sql[0], "iiii", (int64_t)APP_GIVEN,
                       (int64_t)APP_RANDOM, (int64_t)APP_CENTRED, kinds);
    return status == APP_OK
               ? app_db_execute(s->db, sql[1], "ii", (int64_t)APP_OTHERS, kinds)
               : status;
}

int app_store_put_set(app_store *s, const app_bench_set *set)
{
    int64_t ready;
    int status = app_db_begin(s->db);
    if (status != APP_OK)
        return status;
    status = app_db_get(s->db, "SELECT ready FROM plan", 0, &ready);
    if (status == APP_OK && !ready) {
        status = put_parts(s, set);
        if (status == APP_OK)
            status = put_methods(s, set);
        if (status == APP_OK)
            status = put_items(s, set->controls);
        if (status == APP_OK)
            status = app_db_execute(s->db, "UPDATE plan SET ready = 1", "");
    }
    return app_db_commit(s->db, status);
}

int app_store_add_methods(app_store *s, const char *plan,
                          const app_bench_set *set)
{
    int status = app_db_begin(s->db);
    if (status != APP_OK)
        return status;
    status = put_methods(s, set);
    if (status == APP_OK)
        status = put_items(s, set->controls);
    if (status == APP_OK)
        status =
            app_db_execute(s->db, "UPDATE plan SET options = ?", "s", plan);
    return app_db_commit(s->db, status);
}

static int get_models(const app_store *s, app_bench_set *set)
{
    app_rows *rows = app_db_query(s->db,
                                  "SELECT name, path, sha256, threshold, "
                                  "threshold_name FROM models ORDER BY id",
                                  "");
    for (size_t i = 0; app_db_next(rows) && i < set->n_models; i++) {
        app_store_model *m = &set->models[i];
        snprintf(m->name, sizeof(m->name), "%s", app_db_text(rows, 0));
        snprintf(m->path, sizeof(m->path), "%s", app_db_text(rows, 1));
        snprintf(m->sha256, sizeof(m->sha256), "%s", app_db_text(rows, 2));
        m->threshold = app_db_number(rows, 3);
        snprintf(m->threshold_name, sizeof(m->threshold_name), "%s",
                 app_db_text(rows, 4));
    }
    return app_db_end(s->db, rows);
}

static int get_methods(const app_store *s, app_bench_set *set)
{
    app_rows *rows = app_db_query(
        s->db, "SELECT name, series, explain, masks FROM methods ORDER BY id",
        "");
    for (size_t i = 0; app_db_next(rows) && i < set->n_methods; i++) {
        app_store_method *m = &set->methods[i];
        snprintf(m->name, sizeof(m->name), "%s", app_db_text(rows, 0));
        snprintf(m->series, sizeof(m->series), "%s", app_db_text(rows, 1));
        snprintf(m->text, sizeof(m->text), "%s", app_db_text(rows, 2));
        m->masks = app_db_number(rows, 3);
    }
    return app_db_end(s->db, rows);
}

static int get_triplets(const app_store *s, app_bench_set *set)
{
    app_rows *rows = app_db_query(
        s->db, "SELECT pair, probe, mate, nonmate FROM triplets ORDER BY id",
        "");
    for (size_t i = 0; app_db_next(rows) && i < set->n_triplets; i++) {
        set->triplets[i].pair = (size_t)app_db_integer(rows, 0);
        for (int k = 0; k < 3; k++)
            if (!app_db_is_null(rows, k + 1) &&
                !(set->triplets[i].photos[k] =
                      strdup(app_db_text(rows, k + 1)))) {
                (void)app_db_end(s->db, rows);
                app_error(s->command, "out of memory");
                return APP_FAILED;
            }
    }
    return app_db_end(s->db, rows);
}

int app_store_get_set(app_store *s, app_bench_set *set, int *ready)
{
    int64_t stored, models, methods, triplets;
    *set = (app_bench_set){0};
    int status = app_db_get(s->db, "SELECT ready FROM plan", 0, &stored);
    *ready = stored != 0;
    if (status != APP_OK || !*ready)
        return status;
    status = app_db_get(s->db, "SELECT count(*) FROM models", 0, &models);
    if (status == APP_OK)
        status = app_db_get(s->db, "SELECT count(*) FROM methods", 0, &methods);
    if (status == APP_OK)
        status =
            app_db_get(s->db, "SELECT count(*) FROM triplets", 0, &triplets);
    if (status == APP_OK &&
        !app_bench_set_create(set, (size_t)models, (size_t)methods,
                              (size_t)triplets)) {
        app_error(s->command, "out of memory");
        status = APP_FAILED;
    }
    if (status == APP_OK)
        status = get_models(s, set);
    if (status == APP_OK)
        status = get_methods(s, set);
    return status == APP_OK ? get_triplets(s, set) : status;
}

/* ---- the work ------------------------------------------------------------ */

int app_store_start(app_store *s, const app_machine *machine)
{
    char date[32];
    app_date_now(date, sizeof(date));
    int status = app_db_execute(
        s->db,
        "INSERT INTO runs (process, date, whyface, build, "
        "cpu, processors, threads) VALUES (?, ?, ?, ?, ?, ?, "
        "?)",
        "sssssii", s->owner, date, wf_version(), machine->build, machine->cpu,
        (int64_t)machine->processors, (int64_t)machine->threads);
    s->run = app_db_last_id(s->db);
    return status == APP_OK
               ? app_db_execute(s->db,
                                "UPDATE items SET state = ?, fault = "
                                "NULL WHERE state = ?",
                                "ii", (int64_t)OPEN, (int64_t)FAILED)
               : status;
}

/* Claims of processes that no longer run are void. */
static int free_claims(const app_store *s, int *others)
{
    char owners[64][64];
    int n = 0, status;
    app_rows *rows = app_db_query(
        s->db,
        "SELECT DISTINCT process FROM items WHERE state = ? AND process <> ?",
        "is", (int64_t)CLAIMED, s->owner);
    while (app_db_next(rows) && n < 64)
        snprintf(owners[n++], sizeof(owners[0]), "%s", app_db_text(rows, 0));
    status = app_db_end(s->db, rows);
    *others = 0;
    for (int i = 0; i < n && status == APP_OK; i++) {
        if (app_owner_runs(owners[i]))
            ++*others;
        else
            status = app_db_execute(
                s->db,
                "UPDATE items SET state = ?, process = NULL WHERE "
                "state = ? AND process = ?",
                "iis", (int64_t)OPEN, (int64_t)CLAIMED, owners[i]);
    }
    return status;
}

/* The first open item whose needs are met; *id 0: none. */
static int find_open(const app_store *s, app_item *item)
{
    app_rows *rows = app_db_query(
        s->db,
        "SELECT id, model, triplet, method, kind FROM items AS i WHERE state = "
        "? AND (kind <> ? OR NOT EXISTS (SELECT 1 FROM items AS o WHERE "
        "o.model = i.model AND o.method = i.method AND o.kind = ? AND o.state "
        "< ?)) ORDER BY id LIMIT 1",
        "iiii", (int64_t)OPEN, (int64_t)APP_OTHERS, (int64_t)APP_GIVEN,
        (int64_t)DONE);
    int found = app_db_next(rows);
    *item = (app_item){0};
    if (found)
        *item = (app_item){.id = app_db_integer(rows, 0),
                           .model = (size_t)app_db_integer(rows, 1),
                           .triplet = (size_t)app_db_integer(rows, 2),
                           .method = (size_t)app_db_integer(rows, 3),
                           .kind = (enum app_row_kind)app_db_integer(rows, 4)};
    return app_db_end(s->db, rows);
}

int app_store_claim(app_store *s, app_item *item, enum app_claim *claim)
{
    int others = 0;
    int status = app_db_begin(s->db);
    if (status != APP_OK)
        return status;
    status = free_claims(s, &others);
    if (status == APP_OK)
        status = find_open(s, item);
    if (status == APP_OK && item->id)
        status = app_db_execute(
            s->db, "UPDATE items SET state = ?, process = ? WHERE id = ?",
            "isi", (int64_t)CLAIMED, s->owner, item->id);
    *claim = item->id ? APP_CLAIMED : others ? APP_WAIT : APP_ALL_DONE;
    return app_db_commit(s->db, status);
}

int app_store_release(app_store *s, const app_item *item)
{
    return app_db_execute(
        s->db,
        "UPDATE items SET state = ?, process = NULL WHERE id = ? "
        "AND state = ? AND process = ?",
        "iiis", (int64_t)OPEN, item->id, (int64_t)CLAIMED, s->owner);
}

static int put_score(const app_store *s, int64_t item, int pair, int side,
                     const app_record *r, int steps)
{
    const wf_evaluation *v = &r->result;
    const wf_crossing *d = v->deletion, *i = v->insertion;
    return app_db_execute(
        s->db,
        "INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?, ?, ?, ?, ?, ?, ?)",
        "iiiddidididddididdidb", item, (int64_t)pair, (int64_t)side,
        v->similarity, v->empty, (int64_t)v->accepted, d[0].share,
        (int64_t)d[0].state, i[0].share, (int64_t)i[0].state,
        v->deletion_auc[0], v->insertion_auc[0], d[1].share,
        (int64_t)d[1].state, i[1].share, (int64_t)i[1].state,
        v->deletion_auc[1], v->insertion_auc[1], (int64_t)v->forwards,
        v->seconds, r->curves, 2 * ((size_t)steps + 1) * sizeof(*r->curves));
}

static int put_map(const app_store *s, int64_t item, int pair, int side,
                   const wf_map *map)
{
    int width = wf_map_width(map), height = wf_map_height(map);
    return app_db_execute(s->db, "INSERT INTO maps VALUES (?, ?, ?, ?, ?, ?)",
                          "iiiiib", item, (int64_t)pair, (int64_t)side,
                          (int64_t)width, (int64_t)height, wf_map_values(map),
                          (size_t)width * (size_t)height * sizeof(float));
}

static int put_outcome(const app_store *s, const app_item *item,
                       const app_outcome *o)
{
    int status = APP_OK;
    for (int k = 0; k < 4 && status == APP_OK && !o->fault; k++) {
        int pair = k / 2, side = k % 2;
        if (!o->records[pair][side].curves)
            continue; /* a pair without a non-mate */
        status = put_score(s, item->id, pair, side, &o->records[pair][side],
                           o->steps);
        if (status == APP_OK && o->maps[pair][side])
            status = put_map(s, item->id, pair, side, o->maps[pair][side]);
    }
    return status;
}

int app_store_finish(app_store *s, const app_item *item, const app_outcome *o)
{
    char date[32];
    app_date_now(date, sizeof(date));
    int status = app_db_begin(s->db);
    if (status != APP_OK)
        return status;
    status = app_db_execute(
        s->db,
        "UPDATE items SET state = ?, run = ?, date = ?, backend = "
        "?, precision = ?, seconds = ?, forwards = ?, fault = ? "
        "WHERE id = ? AND state = ? AND process = ?",
        "iisssdisiis", (int64_t)(o->fault ? FAILED : DONE), s->run, date,
        o->backend, o->precision, o->seconds, (int64_t)o->forwards, o->fault,
        item->id, (int64_t)CLAIMED, s->owner);
    if (status == APP_OK && app_db_changes(s->db) == 1)
        status = put_outcome(s, item, o);
    return app_db_commit(s->db, status);
}

int app_store_count(app_store *s, app_counts *c)
{
    app_rows *rows = app_db_query(
        s->db,
        "SELECT count(*), total(state = ?), total(state = ?), "
        "coalesce((SELECT fault FROM items WHERE state = ? ORDER BY id "
        "LIMIT 1), '') FROM items",
        "iii", (int64_t)DONE, (int64_t)FAILED, (int64_t)FAILED);
    int found = app_db_next(rows);
    *c = (app_counts){0};
    if (found) {
        c->total = (size_t)app_db_integer(rows, 0);
        c->done = (size_t)app_db_integer(rows, 1);
        c->failed = (size_t)app_db_integer(rows, 2);
        snprintf(c->fault, sizeof(c->fault), "%s", app_db_text(rows, 3));
    }
    return app_db_end(s->db, rows);
}

/* The row's width, height and pixels. */
static int make_map(const app_store *s, app_rows *rows, wf_map **map)
{
    wf_error err = {0};
    int width = (int)app_db_integer(rows, 0);
    int height = (int)app_db_integer(rows, 1);
    size_t bytes;
    const void *pixels = app_db_blob(rows, 2, &bytes);
    if (width < 1 || height < 1 ||
        bytes / sizeof(float) / (size_t)width != (size_t)height)
        return app_db_damaged(s->db, "a map");
    float *values = malloc(bytes);
    if (!values) {
        app_error(s->command, "out of memory");
        return APP_FAILED;
    }
    memcpy(values, pixels, bytes);
    wf_status st = wf_map_create(values, width, height, map, &err);
    free(values);
    return st == WF_OK ? APP_OK : app_fail(s->command, &err);
}

int app_store_map(app_store *s, const app_item *item, int pair, int side,
                  wf_map **map)
{
    int status;
    app_rows *rows = app_db_query(
        s->db,
        "SELECT width, height, pixels FROM maps JOIN items ON maps.item = "
        "items.id WHERE model = ? AND triplet = ? AND method = ? AND kind = ? "
        "AND pair = ? AND side = ?",
        "iiiiii", (int64_t)item->model, (int64_t)item->triplet,
        (int64_t)item->method, (int64_t)APP_GIVEN, (int64_t)pair,
        (int64_t)side);
    int found = app_db_next(rows);
    *map = NULL;
    if (!found)
        return app_db_end(s->db, rows);
    status = make_map(s, rows, map);
    (void)app_db_end(s->db, rows);
    return status;
}

int app_store_drop_maps(app_store *s)
{
    return app_db_execute(
        s->db,
        "DELETE FROM maps WHERE NOT EXISTS (SELECT 1 FROM items "
        "WHERE state < ?)",
        "i", (int64_t)DONE);
}

/* ---- what came out ------------------------------------------------------- */

static app_item item_at(app_rows *rows, size_t model)
{
    return (app_item){.id = app_db_integer(rows, 0),
                      .model = model,
                      .triplet = (size_t)app_db_integer(rows, 1),
                      .method = (size_t)app_db_integer(rows, 2),
                      .kind = (enum app_row_kind)app_db_integer(rows, 3)};
}

static wf_crossing crossing_at(app_rows *rows, int column)
{
    return (wf_crossing){app_db_number(rows, column),
                         (wf_crossing_state)app_db_integer(rows, column + 1)};
}

static app_record record_at(app_rows *rows)
{
    app_record r = {0};
    wf_evaluation *v = &r.result;
    v->similarity = app_db_number(rows, 6);
    v->empty = app_db_number(rows, 7);
    v->accepted = (int)app_db_integer(rows, 8);
    for (int order = 0; order < 2; order++) {
        int first = 9 + 6 * order;
        v->deletion[order] = crossing_at(rows, first);
        v->insertion[order] = crossing_at(rows, first + 2);
        v->deletion_auc[order] = app_db_number(rows, first + 4);
        v->insertion_auc[order] = app_db_number(rows, first + 5);
    }
    v->forwards = (uint64_t)app_db_integer(rows, 21);
    v->seconds = app_db_number(rows, 22);
    return r;
}

int app_store_scores(app_store *s, size_t model, app_store_score_fn *fn,
                     void *user)
{
    app_rows *rows = app_db_query(
        s->db,
        "SELECT items.id, triplet, method, kind, pair, side, similarity, empty,"
        " accepted, deletion, deletion_state, insertion, insertion_state, "
        "deletion_auc, insertion_auc, inverted_deletion, "
        "inverted_deletion_state, inverted_insertion, inverted_insertion_state,"
        " inverted_deletion_auc, inverted_insertion_auc, scores.forwards, "
        "scores.seconds, curves FROM scores JOIN items ON scores.item = "
        "items.id WHERE model = ? ORDER BY items.id, pair, side",
        "i", (int64_t)model);
    while (app_db_next(rows)) {
        app_item item = item_at(rows, model);
        app_record r = record_at(rows);
        size_t bytes;
        const void *curves = app_db_blob(rows, 23, &bytes);
        int n = (int)(bytes / sizeof(double));
        int pair = (int)app_db_integer(rows, 4);
        int side = (int)app_db_integer(rows, 5);
        if (n < 4 || pair < 0 || pair > 1 || side < 0 || side > 1) {
            (void)app_db_end(s->db, rows);
            return app_db_damaged(s->db, "a curve");
        }
        r.curves = malloc((size_t)n * sizeof(double));
        if (!r.curves) {
            (void)app_db_end(s->db, rows);
            app_error(s->command, "out of memory");
            return APP_FAILED;
        }
        memcpy(r.curves, curves, (size_t)n * sizeof(double));
        fn(user, &item, pair, side, &r, n / 2 - 1);
    }
    return app_db_end(s->db, rows);
}

int app_store_costs(app_store *s, size_t model, app_store_cost_fn *fn,
                    void *user)
{
    app_rows *rows = app_db_query(
        s->db,
        "SELECT id, triplet, method, kind, seconds, forwards FROM items "
        "WHERE model = ? AND state = ? ORDER BY id",
        "ii", (int64_t)model, (int64_t)DONE);
    while (app_db_next(rows)) {
        app_item item = item_at(rows, model);
        fn(user, &item, app_db_number(rows, 4),
           (uint64_t)app_db_integer(rows, 5));
    }
    return app_db_end(s->db, rows);
}
