#include "db/sql.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/sql_cache.h"
#include "db/sql_vfs.h"

enum { PAGE = 4096 };             /* SQLite's default, which no schema of ours changes */
enum { BUSY_MS = 5000 };         /* a reader's snapshot or a backup may hold a lock for a moment */

/* SQLite calls it an I/O error when there is no room for the -shm file of 32 kB, which every first access makes. */
static enum err no_space(sqlite3 *db, struct why *why, const char *doing, int code)
{
	const char *file = sqlite3_db_filename(db, "main");
	return fail(why, ERR_FULL, "%s: no space left for %s (SQLite %d)", doing, file && *file ? file : "a database", code);
}

enum err sql_fail(sqlite3 *db, struct why *why, const char *doing)
{
	int code = sqlite3_extended_errcode(db);
	enum err e = ERR_IO;
	switch (code & 0xFF) {
	case SQLITE_FULL:
		return no_space(db, why, doing, code);
	case SQLITE_IOERR:
		if (code == SQLITE_IOERR_SHMSIZE || sqlite3_system_errno(db) == ENOSPC)
			return no_space(db, why, doing, code);
		break;
	case SQLITE_NOMEM:
		e = ERR_NOMEM;
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		e = ERR_BUSY;
		break;
	case SQLITE_CONSTRAINT:
		e = code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ? ERR_EXISTS : ERR_CONFLICT;
		break;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		e = ERR_FORMAT;
		break;
	case SQLITE_TOOBIG:
		e = ERR_LIMIT;
		break;
	case SQLITE_INTERRUPT:
		e = ERR_CANCELLED;
		break;
	default:
		break;
	}
	return fail(why, e, "%s: %s (SQLite %d)", doing, sqlite3_errmsg(db), code);
}

enum err sql_exec(sqlite3 *db, const char *sql, struct why *why)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sql_fail(db, why, sql);
	return ERR_OK;
}

static enum err prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct why *why)
{
	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
		return sql_fail(db, why, sql);
	return ERR_OK;
}

enum err sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct why *why)
{
	*out = sql_cache_take(db, sql);
	return *out ? ERR_OK : prepare(db, sql, out, why);
}

enum err sql_prepare_all(sqlite3 *db, const char *const *sql, size_t n, sqlite3_stmt **out, struct why *why)
{
	for (size_t i = 0; i < n; i++)
		out[i] = NULL;
	for (size_t i = 0; i < n; i++) {
		enum err e = prepare(db, sql[i], &out[i], why);
		if (e) {
			sql_finalize_all(out, n);
			return e;
		}
	}
	return ERR_OK;
}

void sql_finalize_all(sqlite3_stmt **st, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sqlite3_finalize(st[i]);
		st[i] = NULL;
	}
}

void sql_done(sqlite3_stmt *st)
{
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
}

enum err sql_step(sqlite3_stmt *st, struct why *why)
{
	int code = sqlite3_step(st);
	if (code == SQLITE_ROW)
		return ERR_OK;
	enum err e = code == SQLITE_DONE ? ERR_END : sql_fail(sqlite3_db_handle(st), why, sqlite3_sql(st));
	sql_done(st);
	return e;
}

enum err sql_run(sqlite3_stmt *st, struct why *why)
{
	enum err e = sql_step(st, why);
	if (e == ERR_OK)
		sql_done(st);
	return e == ERR_END ? ERR_OK : e;
}

enum err sql_run_once(sqlite3_stmt *st, struct why *why)
{
	enum err e = sql_run(st, why);
	sql_close_one(&st);
	return e;
}

/* ---- statements of one use ---- */

static enum err ask(sqlite3 *db, struct why *why, sqlite3_stmt **out, const char *sql, const char *types, va_list ap)
{
	enum err e = sql_prepare(db, sql, out, why);
	for (int i = 0; !e && types[i]; i++) {
		if (types[i] == 'i')
			sql_bind_int(*out, i + 1, va_arg(ap, int64_t));
		else
			sql_bind_text(*out, i + 1, va_arg(ap, const char *));
	}
	return e;
}

enum err sql_ask(sqlite3 *db, struct why *why, sqlite3_stmt **out, const char *sql, const char *types, ...)
{
	va_list ap;
	va_start(ap, types);
	enum err e = ask(db, why, out, sql, types, ap);
	va_end(ap);
	return e;
}

enum err sql_do(sqlite3 *db, struct why *why, const char *sql, const char *types, ...)
{
	sqlite3_stmt *st;
	va_list ap;
	va_start(ap, types);
	enum err e = ask(db, why, &st, sql, types, ap);
	va_end(ap);
	return e ? e : sql_run_once(st, why);
}

enum err sql_number(sqlite3 *db, struct why *why, int64_t *out, const char *sql, const char *types, ...)
{
	sqlite3_stmt *st;
	va_list ap;
	*out = 0;
	va_start(ap, types);
	enum err e = ask(db, why, &st, sql, types, ap);
	va_end(ap);
	if (e)
		return e;
	e = sql_step(st, why);
	if (!e)
		*out = sql_int(st, 0);
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

void sql_close_one(sqlite3_stmt **st)
{
	if (*st && !sql_cache_give(*st))
		sqlite3_finalize(*st);
	*st = NULL;
}

/* ---- values ---- */

void sql_bind_int(sqlite3_stmt *st, int i, int64_t v)
{
	sqlite3_bind_int64(st, i, v);
}

void sql_bind_text(sqlite3_stmt *st, int i, const char *s)
{
	sqlite3_bind_text(st, i, s, -1, SQLITE_STATIC);
}

void sql_bind_blob(sqlite3_stmt *st, int i, struct bytes b)
{
	sqlite3_bind_blob64(st, i, b.len ? (const void *)b.p : "", b.len, SQLITE_STATIC);
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void sql_bind_digest(sqlite3_stmt *st, int i, const char *hex)
{
	uint8_t raw[16];
	for (size_t k = 0; k < sizeof(raw); k++) {
		int hi = nibble(hex[2 * k]), lo = hi < 0 ? -1 : nibble(hex[2 * k + 1]);
		if (lo < 0) {
			sqlite3_bind_null(st, i);
			return;
		}
		raw[k] = (uint8_t)(hi << 4 | lo);
	}
	sqlite3_bind_blob(st, i, raw, sizeof(raw), SQLITE_TRANSIENT);
}

int64_t sql_int(sqlite3_stmt *st, int col)
{
	return sqlite3_column_int64(st, col);
}

const char *sql_text(sqlite3_stmt *st, int col)
{
	const void *s = sqlite3_column_text(st, col);
	return s ? s : "";
}

struct bytes sql_blob(sqlite3_stmt *st, int col)
{
	const void *p = sqlite3_column_blob(st, col);
	return bytes_of(p, p ? (size_t)sqlite3_column_bytes(st, col) : 0);
}

void sql_copy(sqlite3_stmt *st, int col, char *out, size_t cap)
{
	const char *s = sql_text(st, col);
	size_t n = strlen(s);
	if (n >= cap)
		for (n = cap - 1; n && ((uint8_t)s[n] & 0xC0) == 0x80; n--)
			;
	memcpy(out, s, n);
	out[n] = '\0';
}

void sql_digest(sqlite3_stmt *st, int col, char out[33])
{
	struct bytes b = sql_blob(st, col);
	out[0] = '\0';
	if (b.len != 16)
		return;
	for (size_t i = 0; i < 16; i++) {
		out[2 * i] = "0123456789abcdef"[b.p[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[b.p[i] & 15];
	}
	out[32] = '\0';
}

/* ---- opening ---- */

static enum err pragma_int(sqlite3 *db, const char *sql, int64_t *out, struct why *why)
{
	sqlite3_stmt *st = NULL;
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK || sqlite3_step(st) != SQLITE_ROW) {
		enum err e = sql_fail(db, why, sql);
		sqlite3_finalize(st);
		return e;
	}
	*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return ERR_OK;
}

/* Whose file it is and of which version; *version is -1 for an empty file, which anybody may take. */
static enum err examine(sqlite3 *db, const char *path, const struct sql_schema *s, int64_t *version, struct why *why)
{
	int64_t id = 0, tables = 0;
	enum err e = pragma_int(db, "PRAGMA application_id", &id, why);
	if (!e)
		e = pragma_int(db, "PRAGMA user_version", version, why);
	if (!e)
		e = pragma_int(db, "SELECT count(*) FROM sqlite_master", &tables, why);
	if (e)
		return e;
	if (id == 0 && *version == 0 && tables == 0) {
		*version = -1;
		return ERR_OK;
	}
	if (id != s->application_id)
		return fail(why, ERR_MISMATCH, "%s is a database of another program: application_id %08x, an %s has %08x",
		            path, (unsigned)id, s->name, (unsigned)s->application_id);
	if (*version > s->step_count)
		return fail(why, ERR_VERSION, "%s has version %lld, this program knows up to %d: it was written by a newer program",
		            path, (long long)*version, s->step_count);
	return ERR_OK;
}

static enum err migrate_one(sqlite3 *db, const struct sql_schema *s, int64_t version, struct why *why)
{
	char pragmas[96];
	snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id=%d; PRAGMA user_version=%lld", (int)s->application_id, (long long)version + 1);
	enum err e = sql_exec(db, "BEGIN IMMEDIATE", why);
	if (!e)
		e = sql_exec(db, s->steps[version], why);
	if (!e)
		e = sql_exec(db, pragmas, why);
	if (!e)
		e = sql_exec(db, "COMMIT", why);
	if (e)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return e;
}

static enum err open_file(const char *path, int flags, sqlite3 **out, struct why *why)
{
	if (sqlite3_open_v2(path, out, flags | SQLITE_OPEN_NOMUTEX, sql_vfs(flags & SQLITE_OPEN_READWRITE)) == SQLITE_OK) {
		sqlite3_extended_result_codes(*out, 1);
		sqlite3_busy_timeout(*out, BUSY_MS);
		return ERR_OK;
	}
	enum err e = *out ? sql_fail(*out, why, path) : ERR_NOMEM;
	sql_close(out);
	return e;
}

enum err sql_open_writer(const char *path, const struct sql_schema *s, sqlite3 **out, struct why *why)
{
	int64_t version = 0;
	enum err e = open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, out, why);
	if (e)
		return e;
	e = examine(*out, path, s, &version, why);
	if (!e)
		e = sql_exec(*out, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
		                   "PRAGMA journal_size_limit=33554432; PRAGMA cache_size=" SQL_WRITER_CACHE "; PRAGMA temp_store=MEMORY", why);
	if (!e && s->add_functions)
		e = s->add_functions(*out, why);
	for (version = version < 0 ? 0 : version; !e && version < s->step_count; version++)
		e = migrate_one(*out, s, version, why);
	if (e)
		sql_close(out);
	else
		sql_cache_open(*out);
	return e;
}

enum err sql_open_reader(const char *path, const struct sql_schema *s, sqlite3 **out, struct why *why)
{
	int64_t version = 0;
	*out = NULL;
	if (access(path, F_OK))
		return fail_errno(why, ERR_NOT_FOUND, "opening %s", path);
	enum err e = open_file(path, SQLITE_OPEN_READONLY, out, why);
	if (e)
		return e;
	e = examine(*out, path, s, &version, why);
	if (!e && version < s->step_count)
		e = fail(why, ERR_MISMATCH, "%s has version %lld, wanted %d: its owner has not brought it up to date yet",
		         path, (long long)version, s->step_count);
	if (!e)
		e = sql_exec(*out, "PRAGMA query_only=1; PRAGMA cache_size=-6144; PRAGMA temp_store=MEMORY", why);
	if (e)
		sql_close(out);
	return e;
}

void sql_close(sqlite3 **db)
{
	if (*db) {
		sql_cache_close(*db);
		sqlite3_close_v2(*db);
	}
	*db = NULL;
}

/* By the pages written since the last one: the log's file keeps its size when it begins anew, and a checkpoint
 * after each commit would cost three syncs for one image. */
void sql_checkpoint(sqlite3 *db, uint64_t bytes)
{
	int pages = 0, most;
	if (sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_WRITE, &pages, &most, 0) != SQLITE_OK || (uint64_t)pages * PAGE <= bytes)
		return;
	sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	sqlite3_db_status(db, SQLITE_DBSTATUS_CACHE_WRITE, &pages, &most, 1);
}
