#include "db/study_event.h"

#include "db/work_sql.h"

enum err study_event_note(struct work *w, const char *study_uid, int64_t now_ms, struct why *why)
{
	return sql_do(w->db, why, "INSERT INTO study_quiet VALUES(?1, ?2) ON CONFLICT DO UPDATE SET last_arrival_ms = max(last_arrival_ms, excluded.last_arrival_ms)",
	              "ti", study_uid, now_ms);
}

enum err study_event_first(struct work *w, struct study_quiet *out, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_ask(w->db, why, &st, "SELECT study_uid, last_arrival_ms FROM study_quiet ORDER BY last_arrival_ms LIMIT 1", "");
	if (!e)
		e = sql_step(st, why);
	if (!e) {
		sql_copy(st, 0, out->study_uid.s, sizeof(out->study_uid.s));
		out->last_arrival_ms = sql_int(st, 1);
	}
	sql_close_one(&st);
	return e;
}

enum err study_event_quiet_done(struct work *w, const char *study_uid, struct why *why)
{
	return sql_do(w->db, why, "DELETE FROM study_quiet WHERE study_uid = ?1", "t", study_uid);
}

enum err study_event_add(struct work *w, const char *study_uid, const char *cause, unsigned instances, int64_t now_ms, int64_t *id, struct why *why)
{
	struct uid uid;
	enum err e = sql_number(w->db, why, id, "SELECT max(id) FROM study_event WHERE study_uid = ?1 AND instances >= ?2", "ti", study_uid, (int64_t)instances);
	if (e || *id)
		return e ? e : ERR_EXISTS;
	e = uid_new(&uid);
	if (e)
		return fail(why, e, "no UID for an event");
	e = sql_do(w->db, why, "INSERT INTO study_event(uid, study_uid, cause, instances, at_ms) VALUES(?1, ?2, ?3, ?4, ?5)", "tttii",
	           uid.s, study_uid, cause, (int64_t)instances, now_ms);
	*id = sqlite3_last_insert_rowid(w->db);
	return e;
}

static void read_event(sqlite3_stmt *st, struct study_event *out)
{
	*out = (struct study_event){ .id = sql_int(st, 0), .instances = (unsigned)sql_int(st, 4), .at_ms = sql_int(st, 5) };
	sql_copy(st, 1, out->uid.s, sizeof(out->uid.s));
	sql_copy(st, 2, out->study_uid.s, sizeof(out->study_uid.s));
	sql_copy(st, 3, out->cause, sizeof(out->cause));
}

enum err study_event_get(struct work *w, int64_t id, struct study_event *out, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_ask(w->db, why, &st, "SELECT id, uid, study_uid, cause, instances, at_ms FROM study_event WHERE id = ?1", "i", id);
	if (!e)
		e = sql_step(st, why);
	if (!e)
		read_event(st, out);
	sql_close_one(&st);
	return e == ERR_END ? fail(why, ERR_NOT_FOUND, "there is no study event %lld", (long long)id) : e;
}

enum err study_event_list(struct work_reader *r, unsigned limit, bool (*fn)(void *arg, const struct study_event *e), void *arg, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_ask(work_reader_db(r), why, &st, "SELECT id, uid, study_uid, cause, instances, at_ms FROM study_event ORDER BY id DESC LIMIT ?1", "i", (int64_t)limit);
	while (!e && !(e = sql_step(st, why))) {
		struct study_event event;
		read_event(st, &event);
		if (!fn(arg, &event))
			break;
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

enum err notice_add(struct work *w, const struct notice *n, struct why *why)
{
	enum err e = sql_do(w->db, why, "INSERT INTO notice(uid, calling, study_uid, series, instances, availability, retrieve_aet, at_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	                    "tttiitti", n->uid.s, n->calling, n->study_uid.s, (int64_t)n->series, (int64_t)n->instances, n->availability, n->retrieve_aet, n->at_ms);
	return e ? e : sql_do(w->db, why, "DELETE FROM notice WHERE id <= (SELECT max(id) FROM notice) - ?1", "i", (int64_t)BOUND_NOTICES);
}

enum err notice_list(struct work_reader *r, unsigned limit, bool (*fn)(void *arg, const struct notice *n), void *arg, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_ask(work_reader_db(r), why, &st, "SELECT uid, study_uid, calling, retrieve_aet, availability, series, instances, at_ms FROM notice ORDER BY id DESC LIMIT ?1",
	                     "i", (int64_t)limit);
	while (!e && !(e = sql_step(st, why))) {
		struct notice n = { .series = (unsigned)sql_int(st, 5), .instances = (unsigned)sql_int(st, 6), .at_ms = sql_int(st, 7) };
		sql_copy(st, 0, n.uid.s, sizeof(n.uid.s));
		sql_copy(st, 1, n.study_uid.s, sizeof(n.study_uid.s));
		sql_copy(st, 2, n.calling, sizeof(n.calling));
		sql_copy(st, 3, n.retrieve_aet, sizeof(n.retrieve_aet));
		sql_copy(st, 4, n.availability, sizeof(n.availability));
		if (!fn(arg, &n))
			break;
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}
