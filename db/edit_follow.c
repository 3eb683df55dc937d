#include "db/edit_follow.h"

#include <string.h>

#include "db/sql.h"

_Static_assert(JOB_FORWARD == 1 && JOB_COMPRESS == 2 && JOB_NOTIFY == 3, "as the statements below have them");

enum err edit_follow_cursor(struct sqlite3 *db, int64_t *seq, struct why *why)
{
	return sql_number(db, why, seq, "SELECT seq FROM cursor WHERE name = 'edit'", "");
}

enum err edit_follow_set_cursor(struct sqlite3 *db, int64_t seq, struct why *why)
{
	return sql_do(db, why, "INSERT INTO cursor(name, seq) VALUES('edit', ?1) ON CONFLICT DO UPDATE SET seq = ?1", "i", seq);
}

static size_t add_study(struct uid *out, size_t n, size_t max, const struct uid *study)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(out[i].s, study->s))
			return n;
	if (n == max || !study->s[0])
		return n;
	out[n] = *study;
	return n + 1;
}

size_t edit_studies(const struct edit *e, struct uid *out, size_t max)
{
	size_t n = 0;
	for (size_t i = 0; i < e->count; i++) {
		n = add_study(out, n, max, &e->rules[i].study);
		n = add_study(out, n, max, &e->rules[i].to_study);
	}
	return n;
}

/* ---- jobs ---- */

enum { BATCH = 256 };
struct job { int64_t id, instance, state; };

static enum err next_jobs(struct sqlite3 *db, const char *study, int64_t after, struct job *out, size_t *n, struct why *why)
{
	sqlite3_stmt *st = NULL;
	enum err e = sql_ask(db, why, &st, "SELECT id, instance, state FROM job WHERE study = ?1 AND kind IN (1, 2) AND id > ?2 ORDER BY id LIMIT ?3", "tii", study, after, (int64_t)BATCH);
	*n = 0;
	while (!e && *n < BATCH && !(e = sql_step(st, why)))
		out[(*n)++] = (struct job){ sql_int(st, 0), sql_int(st, 1), sql_int(st, 2) };
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

static enum err follow_job(struct sqlite3 *db, struct index_reader *ix, const struct job *j, const char *study, bool is_delete, unsigned *dropped, struct why *why)
{
	struct index_instance what;
	enum err e = j->instance > 0 ? index_get(ix, (uint64_t)j->instance, &what, why) : ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND && is_delete) {
		*dropped += job_state_is_open((enum job_state)j->state);
		return sql_do(db, why, "DELETE FROM job WHERE id = ?1", "i", j->id);
	}
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	return strcmp(what.study_uid.s, study) ? sql_do(db, why, "UPDATE job SET study = ?2 WHERE id = ?1", "it", j->id, what.study_uid.s) : ERR_OK;
}

enum err edit_follow_jobs(struct sqlite3 *db, struct index_reader *ix, const char *study_uid, bool is_delete, unsigned *dropped, struct why *why)
{
	struct job jobs[BATCH];
	size_t n = 0;
	int64_t after = 0;
	*dropped = 0;
	enum err e = next_jobs(db, study_uid, after, jobs, &n, why);
	while (!e && n) {
		for (size_t i = 0; !e && i < n; i++)
			e = follow_job(db, ix, &jobs[i], study_uid, is_delete, dropped, why);
		after = jobs[n - 1].id;
		if (!e)
			e = next_jobs(db, study_uid, after, jobs, &n, why);
	}
	return e;
}

/* ---- studies ---- */

enum err edit_follow_heir(struct sqlite3 *db, const char *study_uid, const char *heir, int64_t now_ms, struct why *why)
{
	static const char *const steps[] = {
		"INSERT OR IGNORE INTO study_quiet(study_uid, last_arrival_ms) SELECT ?2, ?3 FROM study_quiet WHERE study_uid = ?1",
		"INSERT OR IGNORE INTO pending_study(study_uid, grp, priority, last_arrival_ms) SELECT ?2, grp, priority, ?3 FROM pending_study WHERE study_uid = ?1",
		("INSERT OR IGNORE INTO pending_study(study_uid, grp, priority, last_arrival_ms)"
		 " SELECT ?2, grp, CASE priority WHEN 'HIGH' THEN 9 ELSE 0 END, ?3 FROM item WHERE study_uid = ?1 AND state = 'SCHEDULED'"),
	};
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < NELEM(steps); i++)
		e = sql_do(db, why, steps[i], "tti", study_uid, heir, now_ms);
	return e;
}

enum err edit_follow_gone(struct sqlite3 *db, const char *study_uid, struct why *why)
{
	static const char *const steps[] = {
		"DELETE FROM study_quiet WHERE study_uid = ?1", "DELETE FROM pending_study WHERE study_uid = ?1", "DELETE FROM order_study WHERE study_uid = ?1",
		"DELETE FROM job WHERE study = ?1 AND kind = 3 AND state < 4",
	};
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < NELEM(steps); i++)
		e = sql_do(db, why, steps[i], "t", study_uid);
	return e;
}
