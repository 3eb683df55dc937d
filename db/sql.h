/* sql - what the databases of this product share: opening, migrating, and short hands for statements.
 *
 * Opening  a writer sets WAL and synchronous=FULL and takes the file through the migration steps that it
 *          lacks, each step with its PRAGMA user_version in one transaction. Checkpoints are the
 *          writer's own business (sql_checkpoint): SQLite's automatic ones would stall a commit.
 * Refusal  a file with another PRAGMA application_id (another program's) is ERR_MISMATCH, one with a
 *          user_version above ours (a newer program's) ERR_VERSION; both before anything is written.
 * Threads  a connection belongs to one thread at a time; no mutexes inside (SQLITE_OPEN_NOMUTEX).
 *
 * Only db/ includes this header, because it includes sqlite3.h.
 */
#ifndef DB_SQL_H
#define DB_SQL_H

#include <sqlite3.h>

#include "pacs/base/bytes.h"
#include "pacs/base/err.h"

/* One database: steps[n] takes version n to n + 1. Steps that were released are never edited. */
struct sql_schema {
	const char *name;            /* for messages: "index" */
	int32_t application_id;
	const char *const *steps;    /* each a run of SQL statements */
	int step_count;
	/* Functions of ours that its triggers use; called for each writer before anything else. May be NULL. */
	enum err (*add_functions)(sqlite3 *db, struct why *why);
};

/* Page cache of a writer, as PRAGMA cache_size takes it. */
#define SQL_WRITER_CACHE "-8192"

/* Creates the file when it is not there. */
enum err sql_open_writer(const char *path, const struct sql_schema *s, sqlite3 **out, struct why *why) MUST_USE;
/* Read-only. ERR_NOT_FOUND: no such file; ERR_MISMATCH also when its version is below ours (its writer has not started yet). */
enum err sql_open_reader(const char *path, const struct sql_schema *s, sqlite3 **out, struct why *why) MUST_USE;
void     sql_close(sqlite3 **db);                /* statements in use and those of a table must be finalized */

/* Fills why with what was being done and SQLite's own words; maps its code to ours. */
enum err sql_fail(sqlite3 *db, struct why *why, const char *doing);
enum err sql_exec(sqlite3 *db, const char *sql, struct why *why) MUST_USE;
/* For one use, which sql_close_one() or sql_run_once() ends; a writer keeps it then for the next one of the same text (sql_cache.h). */
enum err sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct why *why) MUST_USE;
/* A table of them for the connection's life, in order; on failure all are finalized and NULL. */
enum err sql_prepare_all(sqlite3 *db, const char *const *sql, size_t n, sqlite3_stmt **out, struct why *why) MUST_USE;
void     sql_finalize_all(sqlite3_stmt **st, size_t n);

/* ERR_OK: a row stands in st. ERR_END: no more rows; st is reset. Else the error; st is reset. */
enum err sql_step(sqlite3_stmt *st, struct why *why) MUST_USE;
/* A statement that gives no rows: run it whole and reset it. ERR_EXISTS: a UNIQUE or PRIMARY KEY is taken. */
enum err sql_run(sqlite3_stmt *st, struct why *why) MUST_USE;
/* The same, and ends its use in every case. */
enum err sql_run_once(sqlite3_stmt *st, struct why *why) MUST_USE;
/* For statements of one use: prepared and bound. `types` has a letter for each parameter: i an int64_t, t a text that
 * lives until the end. The caller ends its use (sql_close_one); *out is NULL after an error. */
enum err sql_ask(sqlite3 *db, struct why *why, sqlite3_stmt **out, const char *sql, const char *types, ...) MUST_USE;
/* ... that gives no rows: prepared, bound and run. */
enum err sql_do(sqlite3 *db, struct why *why, const char *sql, const char *types, ...) MUST_USE;
/* ... of one number: its first row's first column, 0 when there is no row or it is NULL. */
enum err sql_number(sqlite3 *db, struct why *why, int64_t *out, const char *sql, const char *types, ...) MUST_USE;
void     sql_close_one(sqlite3_stmt **st);       /* NULL afterwards; it may be so before */
/* Ends the use of a statement before its last row; its bindings are cleared. */
void     sql_done(sqlite3_stmt *st);

/* Binding cannot fail but for lack of memory, which the following step reports. Text and blobs are
 * borrowed until the statement is reset. Parameters count from 1, columns from 0. */
void     sql_bind_int(sqlite3_stmt *st, int i, int64_t v);
void     sql_bind_text(sqlite3_stmt *st, int i, const char *s);
void     sql_bind_blob(sqlite3_stmt *st, int i, struct bytes b);
/* 32 hex digits as 16 bytes; "" as NULL. */
void     sql_bind_digest(sqlite3_stmt *st, int i, const char *hex);

int64_t  sql_int(sqlite3_stmt *st, int col);
const char *sql_text(sqlite3_stmt *st, int col);                  /* never NULL; lent until the next step */
struct bytes sql_blob(sqlite3_stmt *st, int col);                 /* lent until the next step */
void     sql_copy(sqlite3_stmt *st, int col, char *out, size_t cap);   /* cut at cap - 1, never inside a UTF-8 character */
void     sql_digest(sqlite3_stmt *st, int col, char out[33]);     /* "" when NULL */

/* Copies what the log holds into the database file without waiting for anybody (PASSIVE), when the log
 * is longer than `bytes`. Call outside a transaction. A failure is not one of data: the log keeps it. */
void     sql_checkpoint(sqlite3 *db, uint64_t bytes);

#endif
