#include "db/work.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/fault.h"
#include "db/work_schema.h"
#include "db/work_sql.h"

enum { LOG_BYTES = 8 << 20 };    /* of the write-ahead log, before it is copied back */

_Static_assert(JOB_SENT == 4, "the schema's state < 4 means open");

static const char *const statements[WORK_STATEMENT_COUNT] = {
	[WORK_CURSOR] = "SELECT seq FROM cursor WHERE name = 'arrival'",
	[WORK_SET_CURSOR] = "INSERT INTO cursor VALUES('arrival', ?) ON CONFLICT DO UPDATE SET seq = excluded.seq",
	[WORK_ENQUEUE] = "INSERT INTO job(kind, state, hold, blocked, instance, size, sop_instance, study, to_name, source, priority, tries,"
	                 " created_ms, changed_ms, until_ms, why) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?12, ?12, 0, ?13)",
	[WORK_DUE] = "UPDATE job SET state = ?1, changed_ms = ?2, until_ms = 0 WHERE kind = ?3 AND to_name = ?4 AND state = ?5 AND state < 4 AND until_ms <= ?2",
	[WORK_NEXT] = "SELECT " JOB_COLUMNS " FROM job WHERE kind = ?1 AND to_name = ?2 AND state = ?3 AND state < 4 AND blocked = 0"
	              " ORDER BY priority DESC, id LIMIT ?4",
	[WORK_NEXT_IN_ORDER] = "SELECT " JOB_COLUMNS " FROM job WHERE kind = ?1 AND to_name = ?2 AND state IN (?3, ?4) AND state < 4"
	                       " AND NOT EXISTS (SELECT 1 FROM job AS b WHERE b.kind = ?1 AND b.to_name = ?2 AND b.state < 4 AND b.id < job.id AND b.sop_instance = job.sop_instance)"
	                       " ORDER BY id LIMIT 1",
	[WORK_LEASE] = "UPDATE job SET state = ?1, changed_ms = ?2 WHERE id = ?3",
	[WORK_NEXT_DUE] = "SELECT min(until_ms) FROM job WHERE kind = ?1 AND to_name = ?2 AND state = ?3 AND state < 4",
	[WORK_GET] = "SELECT " JOB_COLUMNS " FROM job WHERE id = ?1",
	[WORK_MOVE] = "UPDATE job SET state = ?1, tries = ?2, until_ms = ?3, hold = ?4, why = ?5, changed_ms = ?6 WHERE id = ?7",
	[WORK_MOVE_ALL] = "UPDATE job SET state = ?1, tries = CASE ?2 WHEN 1 THEN 0 ELSE tries END, until_ms = CASE ?2 WHEN 0 THEN until_ms ELSE 0 END,"
	                  " hold = CASE ?2 WHEN 0 THEN hold ELSE ?3 END, why = CASE ?2 WHEN 0 THEN why ELSE ?4 END, changed_ms = ?5"
	                  " WHERE state = ?6 AND state < 4 AND (?7 = '' OR to_name = ?7) AND (?8 = 0 OR hold = ?8)",
	[WORK_UNBLOCK] = "UPDATE job SET blocked = 0 WHERE instance = ?1 AND kind = ?2 AND blocked = 1",
	[WORK_UNBLOCK_ALL] = "UPDATE job SET blocked = 0 WHERE state < 4 AND blocked = 1 AND NOT EXISTS (SELECT 1 FROM job AS c"
	                     " WHERE c.instance = job.instance AND c.kind = ?1 AND c.state IN (?2, ?3))",
	[WORK_NAMES] = "SELECT DISTINCT to_name FROM job_count WHERE kind <> ?1 AND state < ?2 AND n > 0",
	[WORK_DROP_RETURNING] = "DELETE FROM job WHERE kind = ?1 AND to_name = ?2 AND state = ?3 AND state < 4 AND hold = ?4 AND source = ?5",
};

void work_read_job(sqlite3_stmt *st, struct work_job *out)
{
	*out = (struct work_job){
		.id = sql_int(st, 0), .kind = (enum job_kind)sql_int(st, 1), .state = (enum job_state)sql_int(st, 2),
		.hold = (enum job_hold)sql_int(st, 3), .is_blocked = sql_int(st, 4) != 0, .instance = (uint64_t)sql_int(st, 5),
		.size = (uint64_t)sql_int(st, 6), .priority = (unsigned)sql_int(st, 11), .tries = (unsigned)sql_int(st, 12),
		.created_ms = sql_int(st, 13), .changed_ms = sql_int(st, 14), .until_ms = sql_int(st, 15),
	};
	sql_copy(st, 7, out->sop_instance.s, sizeof(out->sop_instance.s));
	sql_copy(st, 8, out->study.s, sizeof(out->study.s));
	sql_copy(st, 9, out->to, sizeof(out->to));
	sql_copy(st, 10, out->source, sizeof(out->source));
	sql_copy(st, 16, out->why, sizeof(out->why));
	out->confirm = (enum job_confirm)sql_int(st, 17);
}

/* ---- opening ---- */

/* The lock dies with the process, so a killed router leaves nothing to clear away. */
static enum err take_lock(const char *dir, int *fd, struct why *why)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/run/router.lock", dir);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (*fd < 0)
		return fail_errno(why, ERR_IO, "opening %s", path);
	if (!flock(*fd, LOCK_EX | LOCK_NB))
		return ERR_OK;
	enum err e = fail(why, ERR_BUSY, "another router is running on %s (it holds run/router.lock)", dir);
	close(*fd);
	*fd = -1;
	return e;
}

/* Nobody has a job in hand when the writer opens. */
static enum err give_back_leases(struct work *w, struct why *why)
{
	const struct work_event ev = { .event = JOB_GIVE_BACK, .now_ms = clock_wall_ms() };
	enum err e = work_begin(w, why);
	if (!e)
		e = work_apply_all(w, NULL, HOLD_NONE, &ev, NULL, why);
	if (!e)
		e = work_commit(w, why);
	if (e)
		work_rollback(w);
	return e;
}

enum err work_open(const char *dir, struct work **out, struct why *why)
{
	char path[PATH_MAX];
	*out = NULL;
	struct work *w = fault_fails(FAULT_ALLOC) ? NULL : calloc(1, sizeof(*w));
	if (!w)
		return fail(why, ERR_NOMEM, "no memory");
	snprintf(path, sizeof(path), "%s/work.db", dir);
	enum err e = take_lock(dir, &w->lock_fd, why);
	if (!e)
		e = sql_open_writer(path, &work_schema, &w->db, why);
	if (!e)
		e = sql_prepare_all(w->db, statements, WORK_STATEMENT_COUNT, w->st, why);
	if (!e)
		e = give_back_leases(w, why);
	if (e)
		work_close(&w);
	*out = w;
	return e;
}

void work_close(struct work **wp)
{
	struct work *w = *wp;
	if (!w)
		return;
	sql_finalize_all(w->st, WORK_STATEMENT_COUNT);
	sql_close(&w->db);
	if (w->lock_fd >= 0)
		close(w->lock_fd);
	free(w);
	*wp = NULL;
}

struct sqlite3 *work_db(struct work *w)
{
	return w->db;
}

void work_checkpoint(struct work *w)
{
	sql_checkpoint(w->db, LOG_BYTES);
}

/* ---- transactions ---- */

enum err work_begin(struct work *w, struct why *why)
{
	return sql_do(w->db, why, "BEGIN IMMEDIATE", "");
}

enum err work_commit(struct work *w, struct why *why)
{
	crash_point("router_commit");
	enum err e = fault_fails(FAULT_FSYNC) ? fail_errno(why, ERR_IO, "committing to work.db") : sql_do(w->db, why, "COMMIT", "");
	if (!e)
		crash_point("router_committed");
	return e;
}

void work_rollback(struct work *w)
{
	if (w->db && !sqlite3_get_autocommit(w->db))
		sqlite3_exec(w->db, "ROLLBACK", NULL, NULL, NULL);
}

enum err work_mark(struct work *w, struct why *why)
{
	return sql_do(w->db, why, "SAVEPOINT task", "");
}

enum err work_release(struct work *w, struct why *why)
{
	return sql_do(w->db, why, "RELEASE task", "");
}

void work_undo(struct work *w)
{
	sqlite3_exec(w->db, "ROLLBACK TO task; RELEASE task", NULL, NULL, NULL);
}

/* ---- the cursor ---- */

enum err work_cursor(struct work *w, int64_t *seq, struct why *why)
{
	sqlite3_stmt *st = w->st[WORK_CURSOR];
	*seq = 0;
	enum err e = sql_step(st, why);
	if (e)
		return e == ERR_END ? ERR_OK : e;
	*seq = sql_int(st, 0);
	sql_done(st);
	return ERR_OK;
}

enum err work_set_cursor(struct work *w, int64_t seq, struct why *why)
{
	sql_bind_int(w->st[WORK_SET_CURSOR], 1, seq);
	return sql_run(w->st[WORK_SET_CURSOR], why);
}
