#include "db/snapshot.h"

#include <fcntl.h>
#include <unistd.h>

#include "db/sql.h"
#include "db/sql_vfs.h"
#include "pacs/base/durable.h"

enum { STEP_PAGES = 2048, WAIT_MS = 5000 };

static enum err open_db(const char *path, int flags, sqlite3 **out, struct why *why)
{
	if (sqlite3_open_v2(path, out, flags | SQLITE_OPEN_NOMUTEX, sql_vfs(flags & SQLITE_OPEN_READWRITE)) != SQLITE_OK) {
		enum err e = *out ? sql_fail(*out, why, path) : fail(why, ERR_NOMEM, "no memory");
		sql_close(out);
		return e;
	}
	sqlite3_busy_timeout(*out, WAIT_MS);
	return ERR_OK;
}

static enum err copy_pages(sqlite3 *from, sqlite3 *to, bool (*on_step)(void *, uint64_t, uint64_t), void *arg, struct why *why)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	if (!b)
		return sql_fail(to, why, "beginning a copy");
	int code;
	enum err e = ERR_OK;
	do {
		code = sqlite3_backup_step(b, STEP_PAGES);
		uint64_t all = (uint64_t)sqlite3_backup_pagecount(b), left = (uint64_t)sqlite3_backup_remaining(b);
		if (code == SQLITE_OK && on_step && !on_step(arg, all - left, all))
			e = fail(why, ERR_CANCELLED, "stopped");
	} while (code == SQLITE_OK && !e);
	code = sqlite3_backup_finish(b);
	return e ? e : code != SQLITE_OK ? sql_fail(to, why, "copying a database") : ERR_OK;
}

static enum err sync_file(const char *path, struct why *why)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(why, ERR_IO, "opening %s", path);
	enum err e = durable_sync(fd, path, why);
	close(fd);
	return e;
}

enum err db_snapshot(const char *from, const char *to, bool (*on_step)(void *arg, uint64_t done_pages, uint64_t all_pages), void *arg, struct why *why)
{
	sqlite3 *a = NULL, *b = NULL;
	if (!access(to, F_OK))
		return fail(why, ERR_EXISTS, "%s is there already", to);
	enum err e = access(from, F_OK) ? fail_errno(why, ERR_NOT_FOUND, "opening %s", from) : open_db(from, SQLITE_OPEN_READONLY, &a, why);
	if (!e)
		e = open_db(to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &b, why);
	if (!e)
		e = sql_exec(b, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", why);
	/* Our own transaction, so that the steps see one state whatever is written meanwhile. */
	if (!e)
		e = sql_exec(a, "BEGIN; SELECT count(*) FROM sqlite_master", why);
	if (!e)
		e = copy_pages(a, b, on_step, arg, why);
	if (!e)
		e = sql_exec(b, "PRAGMA journal_mode=DELETE", why);
	sql_close(&a);
	sql_close(&b);
	return e ? e : sync_file(to, why);
}

enum err db_check_whole(const char *path, struct why *why)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	enum err e = open_db(path, SQLITE_OPEN_READONLY, &db, why);
	if (!e)
		e = sql_prepare(db, "PRAGMA integrity_check(1)", &st, why);
	if (!e)
		e = sql_step(st, why);
	if (!e && strcmp(sql_text(st, 0), "ok"))
		e = fail(why, ERR_FORMAT, "%s: %s", path, sql_text(st, 0));
	sql_close_one(&st);
	sql_close(&db);
	return e;
}
