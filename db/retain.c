#include "db/retain.h"

#include <stdio.h>

#include "db/index_reader.h"
#include "db/index_writer.h"
#include "db/need.h"
#include "db/schema.h"
#include "db/take_out.h"
#include "db/work.h"
#include "pacs/base/clock.h"

enum err retain_list(struct index_reader *r, bool (*fn)(void *arg, const struct retain_study *s), void *arg, struct why *why)
{
	sqlite3_stmt *st = NULL;
	struct retain_study s;
	enum err e = sql_prepare(index_reader_db(r), "SELECT st.id, st.study_uid, st.calling, st.modalities, st.instances, st.bytes, st.last_received_ms,"
	                         " coalesce(h.reason, '') FROM study st LEFT JOIN hold h ON h.study_uid = st.study_uid ORDER BY st.last_received_ms, st.id", &st, why);
	while (!e && (e = sql_step(st, why)) == ERR_OK) {
		s = (struct retain_study){ .study = (uint64_t)sql_int(st, 0), .instances = (uint64_t)sql_int(st, 4), .bytes = (uint64_t)sql_int(st, 5),
		                           .last_received_ms = sql_int(st, 6) };
		sql_copy(st, 1, s.study_uid.s, sizeof(s.study_uid.s));
		sql_copy(st, 2, s.calling, sizeof(s.calling));
		sql_copy(st, 3, s.modalities, sizeof(s.modalities));
		sql_copy(st, 7, s.hold, sizeof(s.hold));
		if (!fn(arg, &s))
			break;
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

/* ---- what needs it ---- */

enum err retain_need(const char *dir, struct index_reader *r, const char *study_uid, struct retain_need *out, struct why *why)
{
	struct work_reader *work = NULL;
	struct need need = { .what = NEED_ALL };
	enum err e = work_reader_open(dir, &work, why);
	if (!e)
		e = need_of_study(work_reader_db(work), r, study_uid, &need, why);
	work_reader_close(&work);
	snprintf(out->text, sizeof(out->text), "%s", need_text(need.what).s);
	return e;
}

/* ---- the owner's ---- */

struct found { int64_t study, patient, instances, bytes, last_ms; bool is_held; char calling[BOUND_AET + 1]; };

static enum err find(sqlite3 *db, const char *study_uid, struct found *f, struct why *why)
{
	sqlite3_stmt *st = NULL;
	enum err e = sql_prepare(db, "SELECT st.id, st.patient, st.instances, st.bytes, st.last_received_ms, st.calling,"
	                             " EXISTS (SELECT 1 FROM hold h WHERE h.study_uid = st.study_uid) FROM study st WHERE st.study_uid = ?", &st, why);
	if (!e) {
		sql_bind_text(st, 1, study_uid);
		e = sql_step(st, why);
	}
	if (!e) {
		*f = (struct found){ sql_int(st, 0), sql_int(st, 1), sql_int(st, 2), sql_int(st, 3), sql_int(st, 4), sql_int(st, 6) != 0, "" };
		sql_copy(st, 5, f->calling, sizeof(f->calling));
	}
	sql_close_one(&st);
	return e == ERR_END ? fail(why, ERR_NOT_FOUND, "study %s is not in the index", study_uid) : e;
}

enum err retain_trail(struct index_writer *w, const struct retain_order *o, const char *calling, const struct take_out *t, struct why *why)
{
	return sql_do(w->db, why, "INSERT INTO retired(at_ms, study_uid, class, why, who, calling, instances, bytes) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", "itttttii",
	              clock_wall_ms(), o->study_uid, o->class_name, o->reason, o->who, calling, (int64_t)t->instances, (int64_t)t->bytes);
}

enum err retain_remove(struct index_writer *w, const struct retain_order *o, uint64_t *instances, uint64_t *bytes, struct why *why)
{
	struct found f;
	enum err e = index_flush(w, why);
	if (!e)
		e = find(w->db, o->study_uid, &f, why);
	if (e)
		return e;
	if (f.is_held)
		return fail(why, ERR_CONFLICT, "study %s is held", o->study_uid);
	if (f.last_ms != o->last_received_ms)
		return fail(why, ERR_CONFLICT, "another image of study %s came meanwhile", o->study_uid);
	struct take_out t = { .study = f.study, .series_uid = "", .sop_uid = "", .max_oid = INT64_MAX, .before_ms = INT64_MAX };
	e = take_out(w, &t, why);
	if (!e)
		e = retain_trail(w, o, f.calling, &t, why);
	*instances = (uint64_t)f.instances;
	*bytes = (uint64_t)f.bytes;
	return e;
}

enum err retain_hold(struct index_writer *w, const char *study_uid, const char *reason, const char *who, struct why *why)
{
	sqlite3_stmt *st = NULL;
	struct found f;
	enum err e = find(w->db, study_uid, &f, why);
	if (e && reason)
		return e;
	if (!reason && (e || !f.is_held))
		return fail(why, ERR_NOT_FOUND, "study %s is not held", study_uid);
	e = sql_prepare(w->db, reason ? "INSERT OR REPLACE INTO hold(study_uid, reason, who, at_ms) VALUES(?, ?, ?, ?)" : "DELETE FROM hold WHERE study_uid = ?", &st, why);
	if (!e) {
		sql_bind_text(st, 1, study_uid);
		if (reason) {
			sql_bind_text(st, 2, reason);
			sql_bind_text(st, 3, who);
			sql_bind_int(st, 4, clock_wall_ms());
		}
		e = sql_run(st, why);
	}
	sql_close_one(&st);
	return e;
}

enum err retain_carry_over(const char *from_dir, const char *to_dir, struct why *why)
{
	struct index_reader *old = NULL;
	struct index_writer *new = NULL;
	sqlite3_stmt *st = NULL;
	char path[4200];
	/* Opened by itself first: only an index of this program and version is attached. */
	enum err e = index_reader_open(from_dir, &old, why);
	index_reader_close(&old);
	if (!e)
		e = index_writer_open(to_dir, &new, why);
	if (!e)
		e = sql_prepare(new->db, "ATTACH ? AS old", &st, why);
	if (!e) {
		snprintf(path, sizeof(path), "%.4096s/" INDEX_FILE, from_dir);
		sql_bind_text(st, 1, path);
		e = sql_run(st, why);
	}
	sql_close_one(&st);
	if (!e)
		e = sql_exec(new->db, "BEGIN; INSERT OR IGNORE INTO main.hold SELECT * FROM old.hold; INSERT OR IGNORE INTO main.retired SELECT * FROM old.retired;"
		             " INSERT OR REPLACE INTO main.number_floor SELECT name, value FROM old.number_floor WHERE name = 'oid'; COMMIT", why);
	index_writer_close(&new);
	return e;
}
