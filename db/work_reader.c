#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/work_schema.h"
#include "db/work_sql.h"

struct work_reader {
	sqlite3 *db;
};

enum err work_reader_open(const char *dir, struct work_reader **out, struct why *why)
{
	char path[PATH_MAX];
	struct work_reader *r = calloc(1, sizeof(*r));
	*out = NULL;
	if (!r)
		return fail(why, ERR_NOMEM, "no memory");
	snprintf(path, sizeof(path), "%s/work.db", dir);
	enum err e = sql_open_reader(path, &work_schema, &r->db, why);
	if (e)
		free(r);
	else
		*out = r;
	return e;
}

void work_reader_close(struct work_reader **r)
{
	if (!*r)
		return;
	sql_close(&(*r)->db);
	free(*r);
	*r = NULL;
}

struct sqlite3 *work_reader_db(struct work_reader *r)
{
	return r->db;
}

/* Lists are asked by people, now and then: their statements are not kept. */
static enum err each_row(sqlite3_stmt *st, bool (*row)(void *arg, sqlite3_stmt *st), void *arg, struct why *why)
{
	enum err e;
	while (!(e = sql_step(st, why)))
		if (!row(arg, st)) {
			e = ERR_END;
			break;
		}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

struct list_arg { bool (*fn)(void *arg, const struct work_job *j); void *arg; };
static bool list_row(void *arg, sqlite3_stmt *st)
{
	struct list_arg *a = arg;
	struct work_job j;
	work_read_job(st, &j);
	return a->fn(a->arg, &j);
}

enum err work_reader_list(struct work_reader *r, const struct work_filter *f, bool (*fn)(void *arg, const struct work_job *j), void *arg, struct why *why)
{
	bool any = !f->state || !f->state[0];
	enum job_state state = JOB_QUEUED;
	sqlite3_stmt *st = NULL;
	if (!any && !job_state_parse(f->state, &state))
		return fail(why, ERR_USAGE, "there is no job state %s; known are queued, running, waiting, held, sent, confirmed", f->state);
	const char *sql = any ? "SELECT " JOB_COLUMNS " FROM job WHERE state < 4 AND (?2 = '' OR to_name = ?2) ORDER BY priority DESC, id LIMIT ?3" :
	                  job_state_is_open(state) ? "SELECT " JOB_COLUMNS " FROM job WHERE state = ?1 AND state < 4 AND (?2 = '' OR to_name = ?2) ORDER BY priority DESC, id LIMIT ?3" :
	                  "SELECT " JOB_COLUMNS " FROM job WHERE state = ?1 AND (?2 = '' OR to_name = ?2) ORDER BY id DESC LIMIT ?3";
	enum err e = sql_prepare(r->db, sql, &st, why);
	if (e)
		return e;
	if (!any)
		sql_bind_int(st, 1, state);
	sql_bind_text(st, 2, f->to ? f->to : "");
	sql_bind_int(st, 3, f->limit);
	return each_row(st, list_row, &(struct list_arg){ fn, arg }, why);
}

struct count_arg { bool (*fn)(void *arg, const struct work_count *c); void *arg; };
static bool count_row(void *arg, sqlite3_stmt *st)
{
	struct count_arg *a = arg;
	struct work_count c = { .kind = (enum job_kind)sql_int(st, 0), .state = (enum job_state)sql_int(st, 2), .n = (uint64_t)sql_int(st, 3), .oldest_ms = sql_int(st, 4) };
	sql_copy(st, 1, c.to, sizeof(c.to));
	return a->fn(a->arg, &c);
}

enum err work_reader_counts(struct work_reader *r, bool (*fn)(void *arg, const struct work_count *c), void *arg, struct why *why)
{
	sqlite3_stmt *st = NULL;
	enum err e = sql_prepare(r->db, "SELECT kind, to_name, state, n, (SELECT min(j.created_ms) FROM job AS j WHERE j.kind = job_count.kind AND"
	                                " j.to_name = job_count.to_name AND j.state = job_count.state AND j.state < 4) FROM job_count WHERE n > 0"
	                                " ORDER BY kind, to_name, state", &st, why);
	return e ? e : each_row(st, count_row, &(struct count_arg){ fn, arg }, why);
}

static bool cursor_row(void *arg, sqlite3_stmt *st)
{
	*(int64_t *)arg = sql_int(st, 0);
	return false;
}

enum err work_reader_cursor(struct work_reader *r, int64_t *seq, struct why *why)
{
	sqlite3_stmt *st = NULL;
	*seq = 0;
	enum err e = sql_prepare(r->db, "SELECT seq FROM cursor WHERE name = 'arrival'", &st, why);
	return e ? e : each_row(st, cursor_row, seq, why);
}
