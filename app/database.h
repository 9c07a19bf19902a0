/*
 * Files of SQLite: opening one of a known kind, statements, transactions, and
 * one sentence for whatever goes wrong.  Nothing else includes SQLite's header.
 *
 * Functions that return int return APP_OK, or APP_FAILED after a message.
 */
#ifndef APP_DATABASE_H
#define APP_DATABASE_H

#include <stdint.h>

#include "app/args.h"

typedef struct app_db app_db;
typedef struct sqlite3_stmt app_rows;

/* What a file is for; the header of the file says so. */
typedef struct app_db_kind {
    int32_t application; /* PRAGMA application_id */
    int format;          /* PRAGMA user_version */
    const char *schema;  /* statements that make the tables */
    const char *what;    /* "database of 'whyface bench run'" */
    int several;         /* 1: processes read and write at once (WAL) */
} app_db_kind;

/* The file must exist, but for APP_DB_CREATE. */
enum app_db_mode { APP_DB_READ, APP_DB_WRITE, APP_DB_CREATE };

/* `kind` must outlive it; `out` is written on success only. */
int app_db_open(const app_command *command, const char *path,
                const app_db_kind *kind, enum app_db_mode mode, app_db **out);
void app_db_close(app_db *db);
/* Says which part of the file is not what it should be; APP_FAILED. */
int app_db_damaged(const app_db *db, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A statement that gives no rows.  Values are bound by a letter each of
 * `types`: i int64_t, d double (NaN: NULL), s text, b data and its size_t.
 */
int app_db_execute(const app_db *db, const char *sql, const char *types, ...);
int64_t app_db_changes(const app_db *db); /* rows the last one changed */
int64_t app_db_last_id(const app_db *db); /* of the row that it inserted */

/* A statement that gives rows, NULL after a message; end with app_db_end. */
app_rows *app_db_query(const app_db *db, const char *sql, const char *types,
                       ...);
/* 1: there is a row to look at; 0: no more, or an error, or `rows` is NULL. */
int app_db_next(app_rows *rows);
/* Ends reading; the message, where there was an error. */
int app_db_end(const app_db *db, app_rows *rows);

int app_db_is_null(app_rows *rows, int column);
const char *app_db_text(app_rows *rows, int column); /* NULL: "" */
double app_db_number(app_rows *rows, int column);    /* NULL: NaN */
int64_t app_db_integer(app_rows *rows, int column);
/* Aligned for bytes only, until the next row. */
const void *app_db_blob(app_rows *rows, int column, size_t *size);
/* The first value of a query, `otherwise` where it has no rows. */
int app_db_get(const app_db *db, const char *sql, int64_t otherwise,
               int64_t *value);

/* The lock is taken at once, so that what is read stays true. */
int app_db_begin(const app_db *db);
/* COMMIT if `status` is APP_OK, else ROLLBACK; the status. */
int app_db_commit(const app_db *db, int status);

/* ---- what databases note ------------------------------------------------- */

void app_date_now(char *buf, size_t size); /* "2026-11-27T10:00:00Z" */

#define APP_OWNER 64
/* This process, as a claim names it. */
void app_owner_name(char owner[APP_OWNER]);
/* Whether the process of that name still runs. */
int app_owner_runs(const char *owner);

#endif
