#include "db/items_sql.h"

#include <string.h>

/* ---- studies whose quiet time runs ---- */

enum err items_pending_note(sqlite3 *db, const struct item_pending *p, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, "INSERT INTO pending_study(study_uid, grp, priority, last_arrival_ms) VALUES(?1, ?2, ?3, ?4)"
	                               " ON CONFLICT DO UPDATE SET priority = max(priority, ?3), last_arrival_ms = max(last_arrival_ms, ?4)", &st, why);

	if (e)
		return e;
	sql_bind_text(st, 1, p->study_uid.s);
	sql_bind_text(st, 2, p->group);
	sql_bind_int(st, 3, p->priority);
	sql_bind_int(st, 4, p->last_arrival_ms);
	return items_run(st, why);
}

enum err items_pending_first(sqlite3 *db, struct item_pending *out, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, "SELECT study_uid, grp, priority, last_arrival_ms FROM pending_study ORDER BY last_arrival_ms LIMIT 1", &st, why);

	if (e)
		return e;
	e = sql_step(st, why);
	if (!e) {
		sql_copy(st, 0, out->study_uid.s, sizeof(out->study_uid.s));
		sql_copy(st, 1, out->group, sizeof(out->group));
		out->priority = (unsigned)sql_int(st, 2);
		out->last_arrival_ms = sql_int(st, 3);
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err items_pending_hurry(sqlite3 *db, const char *study_uid, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, "UPDATE pending_study SET last_arrival_ms = 0 WHERE study_uid = ?1", &st, why);

	if (e)
		return e;
	sql_bind_text(st, 1, study_uid);
	return items_run(st, why);
}

enum err items_pending_done(sqlite3 *db, const struct item_pending *p, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, "DELETE FROM pending_study WHERE study_uid = ?1 AND grp = ?2 AND last_arrival_ms = ?3", &st, why);

	if (e)
		return e;
	sql_bind_text(st, 1, p->study_uid.s);
	sql_bind_text(st, 2, p->group);
	sql_bind_int(st, 3, p->last_arrival_ms);
	e = items_run(st, why);
	return !e && sqlite3_changes(db) == 0 ? ERR_CONFLICT : e;
}

/* ---- making items ---- */

static void bind_new(sqlite3_stmt *st, const struct item_row *row, const struct dataset *ds, const struct buf *blob, int64_t now_ms)
{
	sql_bind_text(st, 1, row->uid.s);
	sql_bind_text(st, 2, row->study_uid.s);
	sql_bind_text(st, 3, row->replaces.s);
	sql_bind_text(st, 4, row->group);
	sql_bind_text(st, 5, dataset_str(ds, TAG_STEP_LABEL));
	sql_bind_text(st, 6, row->modality);
	sql_bind_text(st, 7, dataset_str(ds, TAG_STEP_PRIORITY));
	sql_bind_text(st, 8, row->note);
	sql_bind_int(st, 9, row->instances);
	sql_bind_int(st, 10, now_ms);
	sql_bind_int(st, 11, row->expected_ms);
	sql_bind_blob(st, 12, buf_view(blob));
}

enum err items_insert(sqlite3 *db, const struct item_row *row, const struct dataset *ds, const char *who, int64_t now_ms, struct why *why)
{
	struct buf blob;
	sqlite3_stmt *st;
	enum err e;

	buf_init(&blob, BOUND_ITEM_BYTES);
	e = dataset_write(ds, DS_EXPLICIT_LE, &blob);
	if (e)
		fail(why, e, "work item of study %s: data set of over %d bytes", row->study_uid.s, BOUND_ITEM_BYTES);
	if (!e)
		e = sql_prepare(db, "INSERT INTO item(uid, study_uid, replaces, state, grp, label, modality, priority, note, instances, created_ms, modified_ms,"
		                      " expected_ms, dataset) VALUES(?1, ?2, ?3, 'SCHEDULED', ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10, ?11, ?12)", &st, why);
	if (!e) {
		bind_new(st, row, ds, &blob, now_ms);
		e = items_run(st, why);
	}
	buf_fini(&blob);
	return e ? e : items_event(db, row->uid.s, "created", who, row->note, now_ms, why);
}

enum err items_newest(sqlite3 *db, const char *study_uid, const char *group, struct item_row *out, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, "SELECT " ITEM_COLUMNS " FROM item WHERE study_uid = ?1 AND grp = ?2 ORDER BY id DESC LIMIT 1", &st, why);

	if (e)
		return e;
	sql_bind_text(st, 1, study_uid);
	sql_bind_text(st, 2, group);
	e = sql_step(st, why);
	if (!e)
		items_read_row(st, out);
	sql_close_one(&st);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err items_load(sqlite3 *db, const char *uid, struct arena *a, struct item_row *row, struct dataset **ds, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, "SELECT " ITEM_COLUMNS " FROM item WHERE uid = ?1", &st, why);

	if (e)
		return e;
	sql_bind_text(st, 1, uid);
	e = sql_step(st, why);
	if (!e) {
		items_read_row(st, row);
		e = items_read_dataset(st, a, ds, why);
	} else if (e == ERR_END) {
		e = fail(why, ERR_NOT_FOUND, "no work item %s", uid);
	}
	sql_close_one(&st);
	return e;
}

enum err items_update_input(sqlite3 *db, const char *uid, const struct dataset *ds, unsigned instances, const char *who, int64_t now_ms, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, "UPDATE item SET instances = ?1 WHERE uid = ?2 AND state = 'SCHEDULED'", &st, why);

	if (e)
		return e;
	sql_bind_int(st, 1, instances);
	sql_bind_text(st, 2, uid);
	e = items_run(st, why);
	if (!e && sqlite3_changes(db) == 0)
		return fail(why, ERR_CONFLICT, "work item %s is no longer SCHEDULED", uid);
	if (!e)
		e = items_save_dataset(db, uid, ds, now_ms, why);
	return e ? e : items_event(db, uid, "input", who, "late images", now_ms, why);
}

static enum err uids_of(sqlite3 *db, const char *sql, const char *study_uid, struct uid *out, size_t max, size_t *n, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, sql, &st, why);

	*n = 0;
	if (e)
		return e;
	sql_bind_text(st, 1, study_uid);
	while (*n < max && !(e = sql_step(st, why)))
		sql_copy(st, 0, out[(*n)++].s, sizeof(out[0].s));
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

enum err items_scheduled_of(sqlite3 *db, const char *study_uid, struct uid *out, size_t max, size_t *n, struct why *why)
{
	return uids_of(db, "SELECT uid FROM item WHERE study_uid = ?1 AND state = 'SCHEDULED'", study_uid, out, max, n, why);
}

enum err items_open_of(sqlite3 *db, const char *study_uid, struct uid *out, size_t max, size_t *n, struct why *why)
{
	return uids_of(db, "SELECT uid FROM item WHERE study_uid = ?1 AND state IN ('SCHEDULED', 'IN PROGRESS')", study_uid, out, max, n, why);
}

enum err items_update_request(sqlite3 *db, const char *uid, const struct dataset *ds, const char *who, int64_t now_ms, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, "UPDATE item SET revision = revision WHERE uid = ?1 AND state = 'SCHEDULED'", &st, why);

	if (e)
		return e;
	sql_bind_text(st, 1, uid);
	e = items_run(st, why);
	if (!e && sqlite3_changes(db) == 0)
		return fail(why, ERR_CONFLICT, "work item %s is no longer SCHEDULED", uid);
	if (!e)
		e = items_save_dataset(db, uid, ds, now_ms, why);
	return e ? e : items_event(db, uid, "request", who, "its order", now_ms, why);
}

enum err items_note(sqlite3 *db, const char *uid, const char *note, const char *who, int64_t now_ms, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, "UPDATE item SET note = ?1 WHERE uid = ?2", &st, why);

	if (e)
		return e;
	sql_bind_text(st, 1, note);
	sql_bind_text(st, 2, uid);
	e = items_run(st, why);
	return e ? e : items_event(db, uid, "note", who, note, now_ms, why);
}
