#include "app/database.h"

#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE 10000 /* milliseconds that a lock is waited for */

struct app_db {
    const app_command *command;
    const app_db_kind *kind;
    sqlite3 *handle;
    char path[4096];
};

/* ---- statements ---------------------------------------------------------- */

/* One sentence for what went wrong last. */
static int failed(const app_db *d)
{
    const char *path = d->path;
    int code = sqlite3_errcode(d->handle) & 0xff;
    int system = code == SQLITE_IOERR || code == SQLITE_CANTOPEN
                     ? sqlite3_system_errno(d->handle)
                     : 0;
    switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        app_error(d->command,
                  "'%s' is locked by another program; nothing that was "
                  "finished is lost: start again when it is free",
                  path);
        break;
    case SQLITE_NOTADB:
        app_error(d->command, "'%s' is no SQLite database", path);
        break;
    case SQLITE_CORRUPT:
        app_error(d->command,
                  "'%s' is damaged (%s); take a copy of an earlier state, or "
                  "begin with a new file",
                  path, sqlite3_errmsg(d->handle));
        break;
    case SQLITE_FULL:
        app_error(d->command,
                  "no room is left for '%s'; nothing that was finished is "
                  "lost: make room and start again",
                  path);
        break;
    case SQLITE_IOERR:
        app_error(d->command,
                  "'%s' cannot be read or written (%s); nothing that was "
                  "finished is lost: see to the disk and start again",
                  path, system ? strerror(system) : sqlite3_errmsg(d->handle));
        break;
    case SQLITE_NOMEM:
        app_error(d->command, "out of memory");
        break;
    default:
        app_error(d->command, "cannot use '%s': %s", path,
                  system ? strerror(system) : sqlite3_errmsg(d->handle));
    }
    return APP_FAILED;
}

static sqlite3_stmt *prepare(const app_db *d, const char *sql,
                             const char *types, va_list args)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(d->handle, sql, -1, &stmt, NULL) != SQLITE_OK)
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

app_rows *app_db_query(const app_db *d, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    sqlite3_stmt *stmt = prepare(d, sql, types, args);
    va_end(args);
    if (!stmt)
        failed(d);
    return stmt;
}

int app_db_execute(const app_db *d, const char *sql, const char *types, ...)
{
    va_list args;
    va_start(args, types);
    sqlite3_stmt *stmt = prepare(d, sql, types, args);
    va_end(args);
    int code = stmt ? sqlite3_step(stmt) : SQLITE_ERROR;
    int status = code == SQLITE_DONE || code == SQLITE_ROW ? APP_OK : failed(d);
    sqlite3_finalize(stmt);
    return status;
}

int app_db_next(app_rows *rows)
{
    return rows && sqlite3_step(rows) == SQLITE_ROW;
}

int app_db_end(const app_db *d, app_rows *rows)
{
    if (!rows)
        return APP_FAILED;
    return sqlite3_finalize(rows) == SQLITE_OK ? APP_OK : failed(d);
}

int app_db_is_null(app_rows *rows, int column)
{
    return sqlite3_column_type(rows, column) == SQLITE_NULL;
}

const char *app_db_text(app_rows *rows, int column)
{
    const char *text = (const char *)sqlite3_column_text(rows, column);
    return text ? text : "";
}

double app_db_number(app_rows *rows, int column)
{
    return app_db_is_null(rows, column) ? NAN
                                        : sqlite3_column_double(rows, column);
}

int64_t app_db_integer(app_rows *rows, int column)
{
    return sqlite3_column_int64(rows, column);
}

const void *app_db_blob(app_rows *rows, int column, size_t *size)
{
    const void *data = sqlite3_column_blob(rows, column);
    *size = (size_t)sqlite3_column_bytes(rows, column);
    return data;
}

int64_t app_db_changes(const app_db *d)
{
    return sqlite3_changes(d->handle);
}

int64_t app_db_last_id(const app_db *d)
{
    return sqlite3_last_insert_rowid(d->handle);
}

int app_db_get(const app_db *d, const char *sql, int64_t otherwise,
               int64_t *value)
{
    app_rows *rows = app_db_query(d, sql, "");
    *value = app_db_next(rows) ? app_db_integer(rows, 0) : otherwise;
    return app_db_end(d, rows);
}

int app_db_begin(const app_db *d)
{
    return app_db_execute(d, "BEGIN IMMEDIATE", "");
}

int app_db_commit(const app_db *d, int status)
{
    if (status == APP_OK)
        status = app_db_execute(d, "COMMIT", "");
    if (status != APP_OK)
        sqlite3_exec(d->handle, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

void app_date_now(char *buf, size_t size)
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* ---- opening ------------------------------------------------------------- */

static int make_schema(const app_db *d)
{
    int64_t tables;
    int status = app_db_begin(d);
    if (status != APP_OK)
        return status;
    status = app_db_get(d, "SELECT count(*) FROM sqlite_master", 0, &tables);
    /* Another process may have been first. */
    if (status == APP_OK && !tables &&
        sqlite3_exec(d->handle, d->kind->schema, NULL, NULL, NULL) != SQLITE_OK)
        status = failed(d);
    return app_db_commit(d, status);
}

/* Readers and a writer at once. */
static int set_wal(const app_db *d)
{
    int code = SQLITE_BUSY;
    /* SQLite does not wait for this lock by itself. */
    for (int tries = 0; (code & 0xff) == SQLITE_BUSY && tries < PATIENCE / 50;
         tries++) {
        if (tries)
            sqlite3_sleep(50);
        code = sqlite3_exec(d->handle, "PRAGMA journal_mode = WAL", NULL, NULL,
                            NULL);
    }
    return code == SQLITE_OK ? APP_OK : failed(d);
}

/* Freed pages go back to the disk. */
static int set_modes(const app_db *d, int empty)
{
    if (empty && sqlite3_exec(d->handle, "PRAGMA auto_vacuum = FULL", NULL,
                              NULL, NULL) != SQLITE_OK)
        return failed(d);
    return d->kind->several ? set_wal(d) : APP_OK;
}

static int check_kind(const app_db *d, int create, int *empty)
{
    int64_t tables, application, format;
    int status =
        app_db_get(d, "SELECT count(*) FROM sqlite_master", 0, &tables);
    if (status == APP_OK)
        status = app_db_get(d, "PRAGMA application_id", 0, &application);
    if (status == APP_OK)
        status = app_db_get(d, "PRAGMA user_version", 0, &format);
    if (status != APP_OK)
        return status;
    *empty = !tables && !application && !format;
    if (*empty && create)
        return APP_OK;
    if (application != d->kind->application) {
        app_error(d->command, "'%s' is no %s; name another file", d->path,
                  d->kind->what);
        return APP_FAILED;
    }
    if (format != d->kind->format) {
        app_error(d->command,
                  "'%s' has format %lld, this version of whyface has %d: use "
                  "the version that made it, or begin with a new file",
                  d->path, (long long)format, d->kind->format);
        return APP_FAILED;
    }
    return APP_OK;
}

static int check_whole(const app_db *d)
{
    app_rows *rows = app_db_query(d, "PRAGMA quick_check(1)", "");
    if (app_db_next(rows) && strcmp(app_db_text(rows, 0), "ok")) {
        app_error(d->command,
                  "'%s' is damaged (%s); take a copy of an earlier state, or "
                  "begin with a new file",
                  d->path, app_db_text(rows, 0));
        sqlite3_finalize(rows);
        return APP_FAILED;
    }
    return app_db_end(d, rows);
}

static int open_file(app_db *d, enum app_db_mode mode)
{
    static const int flags[] = {[APP_DB_READ] = SQLITE_OPEN_READONLY,
                                [APP_DB_WRITE] = SQLITE_OPEN_READWRITE,
                                [APP_DB_CREATE] =
                                    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE};
    int empty = 0, create = mode == APP_DB_CREATE;
    if (!create && access(d->path, F_OK)) {
        app_error(d->command, "cannot open '%s': %s", d->path, strerror(errno));
        return APP_FAILED;
    }
    if (sqlite3_open_v2(d->path, &d->handle, flags[mode], NULL) != SQLITE_OK)
        return failed(d);
    sqlite3_extended_result_codes(d->handle, 1);
    sqlite3_busy_timeout(d->handle, PATIENCE);
    int status = check_kind(d, create, &empty);
    if (status == APP_OK && !empty)
        status = check_whole(d);
    if (status == APP_OK && create)
        status = set_modes(d, empty);
    if (status == APP_OK && empty)
        status = make_schema(d);
    return status;
}

int app_db_open(const app_command *command, const char *path,
                const app_db_kind *kind, enum app_db_mode mode, app_db **out)
{
    app_db *d = calloc(1, sizeof(*d));
    if (!d) {
        app_error(command, "out of memory");
        return APP_FAILED;
    }
    d->command = command;
    d->kind = kind;
    snprintf(d->path, sizeof(d->path), "%s", path);
    int status = open_file(d, mode);
    if (status == APP_OK)
        *out = d;
    else
        app_db_close(d);
    return status;
}

void app_db_close(app_db *d)
{
    if (d)
        sqlite3_close(d->handle);
    free(d);
}

int app_db_damaged(const app_db *d, const char *format, ...)
{
    char what[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    app_error(d->command, "'%s' is damaged: %s", d->path, what);
    return APP_FAILED;
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

void app_owner_name(char owner[APP_OWNER])
{
    process_name(getpid(), owner, APP_OWNER);
}

int app_owner_runs(const char *owner)
{
    char now[APP_OWNER];
    return process_name(strtol(owner, NULL, 10), now, sizeof(now)) &&
           !strcmp(now, owner);
}
