#include "app/store.h"

#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define APPLICATION 0x77667962 /* "wfyb", in the file's header */
#define FORMAT      1
#define PATIENCE    10000 /* milliseconds that a lock is waited for */

#define TEXT_OF(x) #x
#define NUMBER(x)  TEXT_OF(x)

struct app_store {
    const app_command *command;
    sqlite3 *db;
    char path[4096];
    char owner[64]; /* this process, as a claim names it */
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

/* ---- SQLite -------------------------------------------------------------- */

/* One sentence for what went wrong last. */
static int failed(const app_store *s)
{
    const char *path = s->path;
    int code = sqlite3_errcode(s->db) & 0xff;
    int system = code == SQLITE_IOERR || code == SQLITE_CANTOPEN
                     ? sqlite3_system_errno(s->db)
                     : 0;
    switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        app_error(s->command,
                  "'%s' is locked by another program; nothing that was "
                  "finished is lost: start again when it is free",
                  path);
        break;
    case SQLITE_NOTADB:
        app_error(s->command, "'%s' is no SQLite database", path);
        break;
    case SQLITE_CORRUPT:
        app_error(s->command,
                  "'%s' is damaged (%s); take a copy of an earlier state, or "
                  "begin with a new file",
                  path, sqlite3_errmsg(s->db));
        break;
    case SQLITE_FULL:
        app_error(s->command,
                  "no room is left for '%s'; nothing that was finished is "
                  "lost: make room and start again",
                  path);
        break;
    case SQLITE_IOERR:
        app_error(s->command,
                  "'%s' cannot be read or written (%s); nothing that was "
                  "finished is lost: see to the disk and start again",
                  path, system ? strerror(system) : sqlite3_errmsg(s->db));
        break;
    case SQLITE_NOMEM:
        app_error(s->command, "out of memory");
        break;
    default:
        app_error(s->command, "cannot use '%s': %s", path,
                  system ? strerror(system) : sqlite3_errmsg(s->db));
    }
    return APP_FAILED;
}

/* Binds by a letter each: i int64_t, d double, s text, b data and size. */
static sqlite3_stmt *prepare(const app_store *s, const char *sql,
                             const char *types, va_list args)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return NULL;
    for (int i = 1; *types; types++, i++) {
        if (*types == 'i') {
            sqlite3_bind_int64(stmt, i, va_arg(args, int64_t));
        } else if (*types == 'd') { /* NaN becomes NULL */
            sqlite3_bind_double(stmt, i, va_arg(args, double));
        } else if (*types == 's') {
            sqlite3_bind_text(stmt, i, va_arg(args, const char *), -1,
                              SQLITE_STATIC);
        } else {
            const void *data = va_arg(args, const void *);
            sqlite3_bind_blob64(stmt, i, data, va_arg(args, size_t),
                                SQLITE_STATIC);
        }
    }
    return stmt;
}

/* A statement that gives rows, NULL after a message. */
static sqlite3_stmt *query(const app_store *s, const char *sql,
                           const char *types, ...)
{
    va_list args;
    va_start(args, types);
    sqlite3_stmt *stmt = prepare(s, sql, types, args);
    va_end(args);
    if (!stmt)
        failed(s);
    return stmt;
}

/* A statement that gives none. */
static int execute(const app_store *s, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    sqlite3_stmt *stmt = prepare(s, sql, types, args);
    va_end(args);
    int code = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;
    int status = code == SQLITE_DONE || code == SQLITE_ROW ? APP_OK : failed(s);
    sqlite3_finalize(stmt);
    return status;
}

/* Ends reading: the status, with a message unless all rows were read. */
static int end(const app_store *s, sqlite3_stmt *stmt, int code)
{
    int status = !stmt                                       ? APP_FAILED
                 : code == SQLITE_DONE || code == SQLITE_ROW ? APP_OK
                                                             : failed(s);
    sqlite3_finalize(stmt);
    return status;
}

static int next(sqlite3_stmt *stmt)
{
    return stmt ? sqlite3_step(stmt) : SQLITE_ERROR;
}

static const char *text_at(sqlite3_stmt *stmt, int column)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return text ? text : "";
}

static double number_at(sqlite3_stmt *stmt, int column)
{
    return sqlite3_column_type(stmt, column) == SQLITE_NULL
               ? NAN
               : sqlite3_column_double(stmt, column);
}

/* The first value of a query, `otherwise` where it has no rows. */
static int get_number(const app_store *s, const char *sql, int64_t otherwise,
                      int64_t *value)
{
    sqlite3_stmt *stmt = query(s, sql, "");
    int code = next(stmt);
    *value = code == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : otherwise;
    return end(s, stmt, code);
}

/* The lock is taken at once, so that what is read stays true. */
static int begin(const app_store *s)
{
    return execute(s, "BEGIN IMMEDIATE", "");
}

/* COMMIT if `status` is APP_OK, else ROLLBACK; the status. */
static int commit(const app_store *s, int status)
{
    if (status == APP_OK)
        status = execute(s, "COMMIT", "");
    if (status != APP_OK)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

static void date_now(char *buf, size_t size)
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* ---- who works ----------------------------------------------------------- */

/*
 * "PID START": a process by its number and the moment it began, since numbers
 * are used again.  0 if it does not run (or has ended and is not collected).
 */
static int process_name(long pid, char *buf, size_t size)
{
    char path[64], line[1024] = "", state = 'Z';
    unsigned long long start = 0;
    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    char *after = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
    fclose(file);
    if (!after || sscanf(after,
                         ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                         "%*s %*s %*s %*s %*s %*s %*s %llu",
                         &state, &start) != 2)
        return 0;
    snprintf(buf, size, "%ld %llu", pid, start);
    return state != 'Z' && state != 'X';
}

static int is_running(const char *owner)
{
    char now[64];
    return process_name(strtol(owner, NULL, 10), now, sizeof(now)) &&
           !strcmp(now, owner);
}

/* ---- opening ------------------------------------------------------------- */

static int make_schema(const app_store *s)
{
    int64_t tables;
    int status = begin(s);
    if (status != APP_OK)
        return status;
    status = get_number(s, "SELECT count(*) FROM sqlite_master", 0, &tables);
    /* Another process may have been first. */
    if (status == APP_OK && !tables &&
        sqlite3_exec(s->db, schema, NULL, NULL, NULL) != SQLITE_OK)
        status = failed(s);
    return commit(s, status);
}

/* Readers and a writer at once; freed pages go back to the disk. */
static int set_modes(const app_store *s, int empty)
{
    int code = SQLITE_OK;
    if (empty)
        code =
            sqlite3_exec(s->db, "PRAGMA auto_vacuum = FULL", NULL, NULL, NULL);
    /* SQLite does not wait for this lock by itself. */
    for (int tries = 0; code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY;
         tries++) {
        code =
            sqlite3_exec(s->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        if ((code & 0xff) != SQLITE_BUSY || tries == PATIENCE / 50)
            break;
        sqlite3_sleep(50);
    }
    return code == SQLITE_OK ? APP_OK : failed(s);
}

static int check_kind(const app_store *s, int create, int *empty)
{
    int64_t tables, application, format;
    int status =
        get_number(s, "SELECT count(*) FROM sqlite_master", 0, &tables);
    if (status == APP_OK)
        status = get_number(s, "PRAGMA application_id", 0, &application);
    if (status == APP_OK)
        status = get_number(s, "PRAGMA user_version", 0, &format);
    if (status != APP_OK)
        return status;
    *empty = !tables && !application && !format;
    if (*empty && create)
        return APP_OK;
    if (application != APPLICATION) {
        app_error(s->command,
                  "'%s' is no database of 'whyface bench run'; name another "
                  "file",
                  s->path);
        return APP_FAILED;
    }
    if (format != FORMAT) {
        app_error(s->command,
                  "'%s' has format %lld, this version of whyface has %d: use "
                  "the version that made it, or begin with a new file",
                  s->path, (long long)format, FORMAT);
        return APP_FAILED;
    }
    return APP_OK;
}

static int check_whole(const app_store *s)
{
    sqlite3_stmt *stmt = query(s, "PRAGMA quick_check(1)", "");
    int code = next(stmt);
    if (code == SQLITE_ROW && strcmp(text_at(stmt, 0), "ok")) {
        app_error(s->command,
                  "'%s' is damaged (%s); take a copy of an earlier state, or "
                  "begin with a new file",
                  s->path, text_at(stmt, 0));
        sqlite3_finalize(stmt);
        return APP_FAILED;
    }
    return end(s, stmt, code);
}

static int open_file(app_store *s, int create)
{
    int empty = 0;
    if (!create && access(s->path, F_OK)) {
        app_error(s->command, "cannot open '%s': %s", s->path, strerror(errno));
        return APP_FAILED;
    }
    if (sqlite3_open_v2(s->path, &s->db,
                        SQLITE_OPEN_READWRITE |
                            (create ? SQLITE_OPEN_CREATE : 0),
                        NULL) != SQLITE_OK)
        return failed(s);
    sqlite3_extended_result_codes(s->db, 1);
    sqlite3_busy_timeout(s->db, PATIENCE);
    int status = check_kind(s, create, &empty);
    if (status == APP_OK && !empty)
        status = check_whole(s);
    if (status == APP_OK && create)
        status = set_modes(s, empty);
    if (status == APP_OK && empty)
        status = make_schema(s);
    return status;
}

int app_store_open(const app_command *command, const char *path, int create,
                   app_store **out)
{
    app_store *s = calloc(1, sizeof(*s));
    if (!s) {
        app_error(command, "out of memory");
        return APP_FAILED;
    }
    s->command = command;
    snprintf(s->path, sizeof(s->path), "%s", path);
    process_name(getpid(), s->owner, sizeof(s->owner));
    int status = open_file(s, create);
    if (status == APP_OK)
        *out = s;
    else
        app_store_close(s);
    return status;
}

void app_store_close(app_store *s)
{
    if (s)
        sqlite3_close(s->db);
    free(s);
}

/* ---- before the work ----------------------------------------------------- */

int app_store_plan(app_store *s, const char *mine, char **plan)
{
    int status = APP_OK;
    *plan = NULL;
    if (mine)
        status = execute(s,
                         "INSERT OR IGNORE INTO plan (id, options) "
                         "VALUES (1, ?)",
                         "s", mine);
    if (status != APP_OK)
        return status;
    sqlite3_stmt *stmt = query(s, "SELECT options FROM plan", "");
    int code = next(stmt);
    if (code == SQLITE_ROW)
        *plan = strdup(text_at(stmt, 0));
    return end(s, stmt, code);
}

int app_store_put_crop(app_store *s, size_t model, const char *path,
                       const char *sha256, const wf_image *crop,
                       const char *fault)
{
    int width = crop ? wf_image_width(crop) : 0;
    int height = crop ? wf_image_height(crop) : 0;
    return execute(s,
                   "INSERT OR IGNORE INTO crops VALUES (?, ?, ?, ?, ?, ?, ?)",
                   "issiibs", (int64_t)model, path, sha256, (int64_t)width,
                   (int64_t)height, crop ? wf_image_pixels(crop) : NULL,
                   (size_t)width * (size_t)height * 3, fault);
}

int app_store_get_crop(app_store *s, size_t model, const char *path,
                       wf_image **crop, int *known)
{
    wf_error err = {0};
    sqlite3_stmt *stmt = query(s,
                               "SELECT width, height, pixels FROM crops WHERE "
                               "model = ? AND photo = ?",
                               "is", (int64_t)model, path);
    int code = next(stmt);
    *crop = NULL;
    *known = code == SQLITE_ROW;
    if (*known && sqlite3_column_type(stmt, 2) != SQLITE_NULL) {
        int width = sqlite3_column_int(stmt, 0);
        int height = sqlite3_column_int(stmt, 1);
        const void *pixels = sqlite3_column_blob(stmt, 2);
        if (width < 1 || height < 1 ||
            sqlite3_column_bytes(stmt, 2) / 3 / width != height) {
            app_error(s->command, "'%s' is damaged: the crop of '%s'", s->path,
                      path);
            sqlite3_finalize(stmt);
            return APP_FAILED;
        }
        if (wf_image_from_pixels(pixels, width, height, 3, 0, crop, &err)) {
            sqlite3_finalize(stmt);
            return app_fail(s->command, &err);
        }
    }
    return end(s, stmt, code);
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
        status = execute(s, "INSERT INTO models VALUES (?, ?, ?, ?, ?, ?)",
                         "isssds", (int64_t)i, m->name, m->path, m->sha256,
                         m->threshold, m->threshold_name);
    }
    for (size_t i = 0; i < set->n_triplets && status == APP_OK; i++) {
        const app_triplet *t = &set->triplets[i];
        status = execute(s, "INSERT INTO triplets VALUES (?, ?, ?, ?, ?)",
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
        status = execute(s,
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
    int status = execute(s, sql[0], "iiii", (int64_t)APP_GIVEN,
                         (int64_t)APP_RANDOM, (int64_t)APP_CENTRED, kinds);
    return status == APP_OK
               ? execute(s, sql[1], "ii", (int64_t)APP_OTHERS, kinds)
               : status;
}

int app_store_put_set(app_store *s, const app_bench_set *set)
{
    int64_t ready;
    int status = begin(s);
    if (status != APP_OK)
        return status;
    status = get_number(s, "SELECT ready FROM plan", 0, &ready);
    if (status == APP_OK && !ready) {
        status = put_parts(s, set);
        if (status == APP_OK)
            status = put_methods(s, set);
        if (status == APP_OK)
            status = put_items(s, set->controls);
        if (status == APP_OK)
            status = execute(s, "UPDATE plan SET ready = 1", "");
    }
    return commit(s, status);
}

int app_store_add_methods(app_store *s, const char *plan,
                          const app_bench_set *set)
{
    int status = begin(s);
    if (status != APP_OK)
        return status;
    status = put_methods(s, set);
    if (status == APP_OK)
        status = put_items(s, set->controls);
    if (status == APP_OK)
        status = execute(s, "UPDATE plan SET options = ?", "s", plan);
    return commit(s, status);
}

static int get_models(const app_store *s, app_bench_set *set)
{
    sqlite3_stmt *stmt = query(s,
                               "SELECT name, path, sha256, threshold, "
                               "threshold_name FROM models ORDER BY id",
                               "");
    int code;
    for (size_t i = 0; (code = next(stmt)) == SQLITE_ROW && i < set->n_models;
         i++) {
        app_store_model *m = &set->models[i];
        snprintf(m->name, sizeof(m->name), "%s", text_at(stmt, 0));
        snprintf(m->path, sizeof(m->path), "%s", text_at(stmt, 1));
        snprintf(m->sha256, sizeof(m->sha256), "%s", text_at(stmt, 2));
        m->threshold = number_at(stmt, 3);
        snprintf(m->threshold_name, sizeof(m->threshold_name), "%s",
                 text_at(stmt, 4));
    }
    return end(s, stmt, code);
}

static int get_methods(const app_store *s, app_bench_set *set)
{
    sqlite3_stmt *stmt = query(
        s, "SELECT name, series, explain, masks FROM methods ORDER BY id", "");
    int code;
    for (size_t i = 0; (code = next(stmt)) == SQLITE_ROW && i < set->n_methods;
         i++) {
        app_store_method *m = &set->methods[i];
        snprintf(m->name, sizeof(m->name), "%s", text_at(stmt, 0));
        snprintf(m->series, sizeof(m->series), "%s", text_at(stmt, 1));
        snprintf(m->text, sizeof(m->text), "%s", text_at(stmt, 2));
        m->masks = number_at(stmt, 3);
    }
    return end(s, stmt, code);
}

static int get_triplets(const app_store *s, app_bench_set *set)
{
    sqlite3_stmt *stmt = query(
        s, "SELECT pair, probe, mate, nonmate FROM triplets ORDER BY id", "");
    int code;
    for (size_t i = 0; (code = next(stmt)) == SQLITE_ROW && i < set->n_triplets;
         i++) {
        set->triplets[i].pair = (size_t)sqlite3_column_int64(stmt, 0);
        for (int k = 0; k < 3; k++)
            if (sqlite3_column_type(stmt, k + 1) != SQLITE_NULL &&
                !(set->triplets[i].photos[k] = strdup(text_at(stmt, k + 1)))) {
                sqlite3_finalize(stmt);
                app_error(s->command, "out of memory");
                return APP_FAILED;
            }
    }
    return end(s, stmt, code);
}

int app_store_get_set(app_store *s, app_bench_set *set, int *ready)
{
    int64_t stored, models, methods, triplets;
    *set = (app_bench_set){0};
    int status = get_number(s, "SELECT ready FROM plan", 0, &stored);
    *ready = stored != 0;
    if (status != APP_OK || !*ready)
        return status;
    status = get_number(s, "SELECT count(*) FROM models", 0, &models);
    if (status == APP_OK)
        status = get_number(s, "SELECT count(*) FROM methods", 0, &methods);
    if (status == APP_OK)
        status = get_number(s, "SELECT count(*) FROM triplets", 0, &triplets);
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
    date_now(date, sizeof(date));
    int status = execute(
        s,
        "INSERT INTO runs (process, date, whyface, build, "
        "cpu, processors, threads) VALUES (?, ?, ?, ?, ?, ?, "
        "?)",
        "sssssii", s->owner, date, wf_version(), machine->build, machine->cpu,
        (int64_t)machine->processors, (int64_t)machine->threads);
    s->run = sqlite3_last_insert_rowid(s->db);
    return status == APP_OK ? execute(s,
                                      "UPDATE items SET state = ?, fault = "
                                      "NULL WHERE state = ?",
                                      "ii", (int64_t)OPEN, (int64_t)FAILED)
                            : status;
}

/* Claims of processes that no longer run are void. */
static int free_claims(const app_store *s, int *others)
{
    char owners[64][64];
    int n = 0, code, status;
    sqlite3_stmt *stmt = query(
        s,
        "SELECT DISTINCT process FROM items WHERE state = ? AND process <> ?",
        "is", (int64_t)CLAIMED, s->owner);
    while ((code = next(stmt)) == SQLITE_ROW && n < 64)
        snprintf(owners[n++], sizeof(owners[0]), "%s", text_at(stmt, 0));
    status = end(s, stmt, code);
    *others = 0;
    for (int i = 0; i < n && status == APP_OK; i++) {
        if (is_running(owners[i]))
            ++*others;
        else
            status = execute(s,
                             "UPDATE items SET state = ?, process = NULL WHERE "
                             "state = ? AND process = ?",
                             "iis", (int64_t)OPEN, (int64_t)CLAIMED, owners[i]);
    }
    return status;
}

/* The first open item whose needs are met; *id 0: none. */
static int find_open(const app_store *s, app_item *item)
{
    sqlite3_stmt *stmt = query(
        s,
        "SELECT id, model, triplet, method, kind FROM items AS i WHERE state = "
        "? AND (kind <> ? OR NOT EXISTS (SELECT 1 FROM items AS o WHERE "
        "o.model = i.model AND o.method = i.method AND o.kind = ? AND o.state "
        "< ?)) ORDER BY id LIMIT 1",
        "iiii", (int64_t)OPEN, (int64_t)APP_OTHERS, (int64_t)APP_GIVEN,
        (int64_t)DONE);
    int code = next(stmt);
    *item = (app_item){0};
    if (code == SQLITE_ROW)
        *item =
            (app_item){.id = sqlite3_column_int64(stmt, 0),
                       .model = (size_t)sqlite3_column_int64(stmt, 1),
                       .triplet = (size_t)sqlite3_column_int64(stmt, 2),
                       .method = (size_t)sqlite3_column_int64(stmt, 3),
                       .kind = (enum app_row_kind)sqlite3_column_int(stmt, 4)};
    return end(s, stmt, code);
}

int app_store_claim(app_store *s, app_item *item, enum app_claim *claim)
{
    int others = 0;
    int status = begin(s);
    if (status != APP_OK)
        return status;
    status = free_claims(s, &others);
    if (status == APP_OK)
        status = find_open(s, item);
    if (status == APP_OK && item->id)
        status =
            execute(s, "UPDATE items SET state = ?, process = ? WHERE id = ?",
                    "isi", (int64_t)CLAIMED, s->owner, item->id);
    *claim = item->id ? APP_CLAIMED : others ? APP_WAIT : APP_ALL_DONE;
    return commit(s, status);
}

int app_store_release(app_store *s, const app_item *item)
{
    return execute(s,
                   "UPDATE items SET state = ?, process = NULL WHERE id = ? "
                   "AND state = ? AND process = ?",
                   "iiis", (int64_t)OPEN, item->id, (int64_t)CLAIMED, s->owner);
}

static int put_score(const app_store *s, int64_t item, int pair, int side,
                     const app_record *r, int steps)
{
    const wf_evaluation *v = &r->result;
    const wf_crossing *d = v->deletion, *i = v->insertion;
    return execute(
        s,
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
    return execute(s, "INSERT INTO maps VALUES (?, ?, ?, ?, ?, ?)", "iiiiib",
                   item, (int64_t)pair, (int64_t)side, (int64_t)width,
                   (int64_t)height, wf_map_values(map),
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
    date_now(date, sizeof(date));
    int status = begin(s);
    if (status != APP_OK)
        return status;
    status = execute(s,
                     "UPDATE items SET state = ?, run = ?, date = ?, backend = "
                     "?, precision = ?, seconds = ?, forwards = ?, fault = ? "
                     "WHERE id = ? AND state = ? AND process = ?",
                     "iisssdisiis", (int64_t)(o->fault ? FAILED : DONE), s->run,
                     date, o->backend, o->precision, o->seconds,
                     (int64_t)o->forwards, o->fault, item->id, (int64_t)CLAIMED,
                     s->owner);
    if (status == APP_OK && sqlite3_changes(s->db) == 1)
        status = put_outcome(s, item, o);
    return commit(s, status);
}

int app_store_count(app_store *s, app_counts *c)
{
    sqlite3_stmt *stmt =
        query(s,
              "SELECT count(*), total(state = ?), total(state = ?), "
              "coalesce((SELECT fault FROM items WHERE state = ? ORDER BY id "
              "LIMIT 1), '') FROM items",
              "iii", (int64_t)DONE, (int64_t)FAILED, (int64_t)FAILED);
    int code = next(stmt);
    *c = (app_counts){0};
    if (code == SQLITE_ROW) {
        c->total = (size_t)sqlite3_column_int64(stmt, 0);
        c->done = (size_t)sqlite3_column_int64(stmt, 1);
        c->failed = (size_t)sqlite3_column_int64(stmt, 2);
        snprintf(c->fault, sizeof(c->fault), "%s", text_at(stmt, 3));
    }
    return end(s, stmt, code);
}

/* The row's width, height and pixels. */
static int make_map(const app_store *s, sqlite3_stmt *stmt, wf_map **map)
{
    wf_error err = {0};
    int width = sqlite3_column_int(stmt, 0);
    int height = sqlite3_column_int(stmt, 1);
    size_t bytes = (size_t)sqlite3_column_bytes(stmt, 2);
    const void *pixels = sqlite3_column_blob(stmt, 2);
    /* SQLite's blobs are aligned for bytes only. */
    float *values = malloc(bytes + 1);
    if (!values || width < 1 || height < 1 ||
        bytes / sizeof(float) / (size_t)width != (size_t)height) {
        app_error(s->command,
                  values ? "'%s' is damaged: a map" : "out of memory for '%s'",
                  s->path);
        free(values);
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
    sqlite3_stmt *stmt = query(
        s,
        "SELECT width, height, pixels FROM maps JOIN items ON maps.item = "
        "items.id WHERE model = ? AND triplet = ? AND method = ? AND kind = ? "
        "AND pair = ? AND side = ?",
        "iiiiii", (int64_t)item->model, (int64_t)item->triplet,
        (int64_t)item->method, (int64_t)APP_GIVEN, (int64_t)pair,
        (int64_t)side);
    int code = next(stmt);
    *map = NULL;
    if (code != SQLITE_ROW)
        return end(s, stmt, code);
    status = make_map(s, stmt, map);
    sqlite3_finalize(stmt);
    return status;
}

int app_store_drop_maps(app_store *s)
{
    return execute(s,
                   "DELETE FROM maps WHERE NOT EXISTS (SELECT 1 FROM items "
                   "WHERE state < ?)",
                   "i", (int64_t)DONE);
}

/* ---- what came out ------------------------------------------------------- */

static app_item item_at(sqlite3_stmt *stmt, size_t model)
{
    return (app_item){.id = sqlite3_column_int64(stmt, 0),
                      .model = model,
                      .triplet = (size_t)sqlite3_column_int64(stmt, 1),
                      .method = (size_t)sqlite3_column_int64(stmt, 2),
                      .kind = (enum app_row_kind)sqlite3_column_int(stmt, 3)};
}

static wf_crossing crossing_at(sqlite3_stmt *stmt, int column)
{
    return (wf_crossing){
        number_at(stmt, column),
        (wf_crossing_state)sqlite3_column_int(stmt, column + 1)};
}

static app_record record_at(sqlite3_stmt *stmt)
{
    app_record r = {0};
    wf_evaluation *v = &r.result;
    v->similarity = number_at(stmt, 6);
    v->empty = number_at(stmt, 7);
    v->accepted = sqlite3_column_int(stmt, 8);
    for (int order = 0; order < 2; order++) {
        int first = 9 + 6 * order;
        v->deletion[order] = crossing_at(stmt, first);
        v->insertion[order] = crossing_at(stmt, first + 2);
        v->deletion_auc[order] = number_at(stmt, first + 4);
        v->insertion_auc[order] = number_at(stmt, first + 5);
    }
    v->forwards = (uint64_t)sqlite3_column_int64(stmt, 21);
    v->seconds = number_at(stmt, 22);
    return r;
}

int app_store_scores(app_store *s, size_t model, app_store_score_fn *fn,
                     void *user)
{
    sqlite3_stmt *stmt = query(
        s,
        "SELECT items.id, triplet, method, kind, pair, side, similarity, empty,"
        " accepted, deletion, deletion_state, insertion, insertion_state, "
        "deletion_auc, insertion_auc, inverted_deletion, "
        "inverted_deletion_state, inverted_insertion, inverted_insertion_state,"
        " inverted_deletion_auc, inverted_insertion_auc, scores.forwards, "
        "scores.seconds, curves FROM scores JOIN items ON scores.item = "
        "items.id WHERE model = ? ORDER BY items.id, pair, side",
        "i", (int64_t)model);
    int code;
    while ((code = next(stmt)) == SQLITE_ROW) {
        app_item item = item_at(stmt, model);
        app_record r = record_at(stmt);
        int n = sqlite3_column_bytes(stmt, 23) / (int)sizeof(double);
        int pair = sqlite3_column_int(stmt, 4);
        int side = sqlite3_column_int(stmt, 5);
        r.curves = malloc((size_t)n * sizeof(double) + 1);
        if (!r.curves || n < 4 || pair < 0 || pair > 1 || side < 0 ||
            side > 1) {
            app_error(s->command,
                      r.curves ? "'%s' is damaged: a curve"
                               : "out of memory for '%s'",
                      s->path);
            free(r.curves);
            sqlite3_finalize(stmt);
            return APP_FAILED;
        }
        memcpy(r.curves, sqlite3_column_blob(stmt, 23),
               (size_t)n * sizeof(double));
        fn(user, &item, pair, side, &r, n / 2 - 1);
    }
    return end(s, stmt, code);
}

int app_store_costs(app_store *s, size_t model, app_store_cost_fn *fn,
                    void *user)
{
    sqlite3_stmt *stmt =
        query(s,
              "SELECT id, triplet, method, kind, seconds, forwards FROM items "
              "WHERE model = ? AND state = ? ORDER BY id",
              "ii", (int64_t)model, (int64_t)DONE);
    int code;
    while ((code = next(stmt)) == SQLITE_ROW) {
        app_item item = item_at(stmt, model);
        fn(user, &item, number_at(stmt, 4),
           (uint64_t)sqlite3_column_int64(stmt, 5));
    }
    return end(s, stmt, code);
}
