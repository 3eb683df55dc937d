#include "db/work_keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/work_sql.h"

_Static_assert(JOB_FORWARD == 1 && JOB_COMPRESS == 2 && JOB_NOTIFY == 3 && JOB_MPPS == 7, "as the statements below have them");

/* ---- forgetting ---- */

enum err work_forget(struct work *w, int64_t before_ms, unsigned max, unsigned *n, struct why *why)
{
	static const char *const statements[] = {
		"DELETE FROM job WHERE id IN (SELECT id FROM job WHERE state >= 4 AND changed_ms < ?1"
		"  AND NOT EXISTS (SELECT 1 FROM commit_item WHERE job = job.id) ORDER BY changed_ms LIMIT ?2)",
		"DELETE FROM commit_request WHERE id IN (SELECT id FROM commit_request WHERE state = 2 AND changed_ms < ?1 ORDER BY changed_ms LIMIT ?2)",
		"DELETE FROM commit_duty WHERE id IN (SELECT id FROM commit_duty WHERE state = 2 AND changed_ms < ?1 ORDER BY changed_ms LIMIT ?2)",
		"DELETE FROM study_event WHERE id IN (SELECT id FROM study_event AS e WHERE at_ms < ?1"
		"  AND NOT EXISTS (SELECT 1 FROM job WHERE study = e.study_uid AND kind = 3 AND instance = e.id) ORDER BY at_ms LIMIT ?2)",
		"DELETE FROM mpps_message WHERE id IN (SELECT id FROM mpps_message AS m WHERE at_ms < ?1"
		"  AND NOT EXISTS (SELECT 1 FROM job WHERE instance = m.id AND kind = 7) ORDER BY id LIMIT ?2)",
		"DELETE FROM notice WHERE id IN (SELECT id FROM notice WHERE at_ms < ?1 ORDER BY id LIMIT ?2)",
	};
	enum err e = ERR_OK;
	*n = 0;
	for (size_t i = 0; i < NELEM(statements) && !e; i++) {
		e = sql_do(w->db, why, statements[i], "ii", before_ms, (int64_t)max);
		*n += e ? 0 : (unsigned)sqlite3_changes(w->db);
	}
	return e;
}

/* ---- which index ---- */

static enum err known(struct sqlite3 *db, const char *name, char *out, size_t size, struct why *why)
{
	sqlite3_stmt *st;
	out[0] = '\0';
	enum err e = sql_ask(db, why, &st, "SELECT value FROM known WHERE name = ?1", "t", name);
	if (!e)
		e = sql_step(st, why);
	if (!e)
		sql_copy(st, 0, out, size);
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

static enum err note(struct work *w, const char *name, const char *value, struct why *why)
{
	return sql_do(w->db, why, "INSERT INTO known VALUES(?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value", "tt", name, value);
}

static enum err known_number(struct sqlite3 *db, const char *name, int64_t *out, struct why *why)
{
	char text[24];
	enum err e = known(db, name, text, sizeof(text), why);
	*out = strtoll(text, NULL, 10);
	return e;
}

static enum err note_number(struct work *w, const char *name, int64_t value, struct why *why)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)value);
	return note(w, name, text, why);
}

enum look { LOOK_FIRST, LOOK_SAME, LOOK_OTHER };

/* An older copy of the same file, put back, has the same id: then what stands at the cursor tells, or that nothing does. */
static enum err look(struct sqlite3 *db, struct index_reader *ix, struct index_identity *now, enum look *out, struct why *why)
{
	char id[33], witness[BOUND_UID + 1];
	struct uid at;
	int64_t cursor;
	enum err e = index_identity(ix, now, why);
	if (!e)
		e = known(db, "index", id, sizeof(id), why);
	if (!e)
		e = known(db, "witness", witness, sizeof(witness), why);
	if (!e)
		e = sql_number(db, why, &cursor, "SELECT seq FROM cursor WHERE name = 'arrival'", "");
	if (e)
		return e;
	*out = id[0] && strcmp(id, now->id) ? LOOK_OTHER : cursor > now->last_seq ? LOOK_OTHER : id[0] ? LOOK_SAME : LOOK_FIRST;
	if (*out == LOOK_OTHER || !cursor || !witness[0])
		return ERR_OK;
	e = index_arrival_uid(ix, cursor, &at, why);
	if (!e && strcmp(at.s, witness))
		*out = LOOK_OTHER;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Up to BATCH jobs with their instance's UID, behind `after`. */
enum { BATCH = 256 };
struct moving { int64_t id; struct uid sop; };

static enum err next_jobs(struct work *w, int64_t after, struct moving *out, size_t *n, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_ask(w->db, why, &st, "SELECT id, sop_instance FROM job WHERE id > ?1 AND kind IN (1, 2) ORDER BY id LIMIT ?2", "ii", after, (int64_t)BATCH);
	*n = 0;
	while (!e && *n < BATCH && !(e = sql_step(st, why))) {
		out[*n].id = sql_int(st, 0);
		sql_copy(st, 1, out[(*n)++].sop.s, sizeof(out->sop.s));
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

static enum err find_again(struct work *w, struct index_reader *ix, const struct moving *m, struct why *why)
{
	struct index_instance what;
	enum err e = index_get_by_uid(ix, m->sop.s, &what, why);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;  /* stays nobody's: held when its turn comes */
	e = sql_do(w->db, why, "UPDATE job SET instance = ?1 WHERE id = ?2", "ii", (int64_t)what.instance, m->id);
	return e == ERR_EXISTS ? ERR_OK : e;
}

/* All jobs first get numbers that are no instance's, so that none meets another's old one on the way. */
static enum err find_all_again(struct work *w, struct index_reader *ix, struct why *why)
{
	struct moving m[BATCH];
	size_t n = 0;
	int64_t after = 0;
	enum err e = sql_do(w->db, why, "UPDATE job SET instance = -id WHERE kind IN (1, 2)", "");
	if (!e)
		e = next_jobs(w, after, m, &n, why);
	while (!e && n) {
		for (size_t i = 0; i < n && !e; i++)
			e = find_again(w, ix, &m[i], why);
		after = m[n - 1].id;
		if (!e)
			e = next_jobs(w, after, m, &n, why);
	}
	return e;
}

static enum err use_other(struct work *w, struct index_reader *ix, int64_t last_seq, struct why *why)
{
	int64_t planned;
	enum err e = find_all_again(w, ix, why);
	if (!e)
		e = known_number(w->db, "planned", &planned, why);
	if (!e)
		e = note_number(w, "planned_before", planned, why);
	if (!e)
		e = note_number(w, "planned_upto", last_seq, why);
	if (!e)
		e = note(w, "witness", "", why);
	return e ? e : work_set_cursor(w, 0, why);
}

enum err work_know_index(struct work *w, struct index_reader *ix, bool *is_new, struct why *why)
{
	struct index_identity now;
	enum look what;
	enum err e = look(w->db, ix, &now, &what, why);
	*is_new = !e && what == LOOK_OTHER;
	if (e || what == LOOK_SAME)
		return e;
	if (what == LOOK_OTHER)
		e = use_other(w, ix, now.last_seq, why);
	return e ? e : note(w, "index", now.id, why);
}

enum err work_is_known_index(struct sqlite3 *db, struct index_reader *ix, bool *out, struct why *why)
{
	struct index_identity now;
	enum look what;
	enum err e = look(db, ix, &now, &what, why);
	*out = !e && what == LOOK_SAME;
	return e;
}

/* ---- what was planned ---- */

enum { MARGIN_MS = 24 * 3600 * 1000 };   /* arrivals are not quite in the order of their times, and clocks are set; `keep_jobs` is a day or more */

enum err work_planned_before(struct work *w, struct work_planned *out, struct why *why)
{
	*out = (struct work_planned){ 0 };
	enum err e = known_number(w->db, "planned_before", &out->before_ms, why);
	if (!e)
		e = known_number(w->db, "planned_upto", &out->upto_seq, why);
	out->before_ms -= out->before_ms > MARGIN_MS ? MARGIN_MS : out->before_ms;
	return e;
}

enum err work_note_planned(struct work *w, int64_t received_ms, const char *sop_uid, struct why *why)
{
	int64_t before;
	enum err e = known_number(w->db, "planned", &before, why);
	if (!e && received_ms > before)
		e = note_number(w, "planned", received_ms, why);
	return e ? e : note(w, "witness", sop_uid, why);
}
