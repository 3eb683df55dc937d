#include "db/mpps.h"

#include <stdio.h>

#include "db/orders_sql.h"

const char mpps_schema[] =
	"CREATE TABLE mpps(uid TEXT PRIMARY KEY, state INTEGER NOT NULL, calling TEXT NOT NULL, created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL,"
	"  dataset BLOB NOT NULL) WITHOUT ROWID;"     /* explicit VR little endian, UTF-8 */
	"CREATE TABLE mpps_study(mpps TEXT NOT NULL, study_uid TEXT NOT NULL, PRIMARY KEY(mpps, study_uid)) WITHOUT ROWID;"
	"CREATE INDEX mpps_study_study ON mpps_study(study_uid);"
	"CREATE TABLE mpps_order(mpps TEXT NOT NULL, order_id INTEGER NOT NULL, PRIMARY KEY(mpps, order_id)) WITHOUT ROWID;"
	"CREATE TABLE mpps_image(sop_uid TEXT NOT NULL, mpps TEXT NOT NULL, PRIMARY KEY(sop_uid, mpps)) WITHOUT ROWID;"     /* that have not come */
	"CREATE INDEX mpps_image_mpps ON mpps_image(mpps);"
	"CREATE TABLE mpps_message(id INTEGER PRIMARY KEY AUTOINCREMENT, mpps TEXT NOT NULL, kind INTEGER NOT NULL, dataset BLOB NOT NULL, at_ms INTEGER NOT NULL);";

enum { ARENA = 32 << 20 };

static enum err run2(sqlite3 *db, const char *sql, const char *a, const char *b, struct why *why)
{
	const char *const texts[] = { a, b };
	sqlite3_stmt *st;
	enum err e = orders_prepare(db, sql, texts, 2, &st, why);
	return e ? e : items_run(st, why);
}

/* ---- rows ---- */

static enum err save(sqlite3 *db, const char *sql, const struct mpps_request *rq, enum mpps_state state, const struct dataset *ds, struct why *why)
{
	const char *const texts[] = { rq->uid, rq->calling };
	struct buf blob;
	sqlite3_stmt *st;
	buf_init(&blob, BOUND_ITEM_BYTES);
	enum err e = dataset_write(ds, DS_EXPLICIT_LE, &blob);
	if (e)
		fail(why, e, "a performed procedure step of over %d bytes", BOUND_ITEM_BYTES);
	if (!e)
		e = orders_prepare(db, sql, texts, 2, &st, why);
	if (!e) {
		sql_bind_int(st, 3, state);
		sql_bind_int(st, 4, rq->now_ms);
		sql_bind_blob(st, 5, buf_view(&blob));
		e = items_run(st, why);
	}
	buf_fini(&blob);
	return e;
}

static enum err keep_message(sqlite3 *db, const struct mpps_request *rq, int kind, int64_t *id, struct why *why)
{
	enum err e = save(db, "INSERT INTO mpps_message(mpps, kind, at_ms, dataset) VALUES(?1, ?3 + 0 * length(?2), ?4, ?5)", rq, (enum mpps_state)kind, rq->ds, why);
	*id = sqlite3_last_insert_rowid(db);
	return e;
}

static enum err load(sqlite3 *db, const char *uid, struct arena *a, enum mpps_state *state, struct dataset **ds, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = orders_prepare(db, "SELECT state, dataset FROM mpps WHERE uid = ?1", &uid, 1, &st, why);
	if (!e)
		e = sql_step(st, why);
	if (!e) {
		*state = (enum mpps_state)sql_int(st, 0);
		e = dataset_parse(a, sql_blob(st, 1), DS_EXPLICIT_LE, ds, why);
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

/* ---- orders ---- */

/* By the number of the step within its study, then by accession and step; else every step of that accession is what was done. */
static enum err find_orders(sqlite3 *db, const char *mpps, const struct mpps_step *s, struct why *why)
{
	static const char *const ways[] = {
		"SELECT ?1, id FROM imaging_order WHERE study_uid = ?2 AND step_id = ?4 AND ?4 <> '' AND ?3 = ?3",
		"SELECT ?1, id FROM imaging_order WHERE accession = ?3 AND ?3 <> '' AND step_id = ?4 AND ?2 = ?2",
		"SELECT ?1, id FROM imaging_order WHERE accession = ?3 AND ?3 <> '' AND ?4 = '' AND ?2 = ?2",
		"SELECT ?1, id FROM imaging_order WHERE study_uid = ?2 AND ?4 = '' AND ?3 = ?3",
	};
	const char *const texts[] = { mpps, s->study_uid, s->accession, s->step_id };
	enum err e = ERR_OK;
	int found = 0;
	for (size_t i = 0; !e && !found && i < NELEM(ways); i++) {
		char sql[256];
		sqlite3_stmt *st;
		snprintf(sql, sizeof(sql), "INSERT OR IGNORE INTO mpps_order(mpps, order_id) %s", ways[i]);
		e = orders_prepare(db, sql, texts, 4, &st, why);
		if (!e)
			e = items_run(st, why);
		found = sqlite3_changes(db);
	}
	return e;
}

static enum err move_orders(sqlite3 *db, const char *mpps, enum order_state to, const char *note, const struct mpps_request *rq, unsigned *n, struct why *why)
{
	enum { MANY = 64 };
	int64_t ids[MANY];
	sqlite3_stmt *st;
	enum err e = orders_prepare(db, "SELECT order_id FROM mpps_order WHERE mpps = ?1", &mpps, 1, &st, why);
	*n = 0;
	if (e)
		return e;
	while (*n < MANY && !(e = sql_step(st, why)))
		ids[(*n)++] = sql_int(st, 0);
	sql_close_one(&st);
	e = e == ERR_END ? ERR_OK : e;
	for (unsigned i = 0; !e && i < *n; i++)
		e = orders_move(db, ids[i], to, note, rq->calling, rq->now_ms, why);
	return e;
}

static enum err link_steps(sqlite3 *db, const struct mpps_request *rq, struct mpps_result *out, struct why *why)
{
	struct mpps_step step;
	enum err e = ERR_OK;
	for (unsigned n = 0; !e && mpps_step(rq->ds, n, &step); n++) {
		if (!n)
			snprintf(out->study.s, sizeof(out->study.s), "%.64s", step.study_uid);
		e = run2(db, "INSERT OR IGNORE INTO mpps_study(mpps, study_uid) VALUES(?1, ?2)", rq->uid, step.study_uid, why);
		if (!e)
			e = find_orders(db, rq->uid, &step, why);
	}
	return e;
}

/* ---- N-CREATE ---- */

static bool exists(sqlite3 *db, const char *uid)
{
	sqlite3_stmt *st;
	enum err e = orders_prepare(db, "SELECT 1 FROM mpps WHERE uid = ?1", &uid, 1, &st, NULL);
	if (!e)
		e = sql_step(st, NULL);
	sql_close_one(&st);
	return e != ERR_END;
}

enum err mpps_create(sqlite3 *db, const struct mpps_request *rq, struct mpps_result *out, struct why *why)
{
	char note[64];
	*out = (struct mpps_result){ .state = MPPS_IN_PROGRESS };
	out->status = mpps_check_create(rq->ds, &out->refusal);
	if (!out->status && exists(db, rq->uid)) {
		fail(&out->refusal, ERR_EXISTS, "this performed procedure step is here already");
		out->status = MPPS_EXISTS;
	}
	if (out->status)
		return ERR_OK;
	snprintf(out->modality, sizeof(out->modality), "%.16s", dataset_str(rq->ds, TAG_MODALITY));
	snprintf(note, sizeof(note), "at %.16s", dataset_str(rq->ds, TAG(0x0040, 0x0241)));
	enum err e = save(db, "INSERT INTO mpps(uid, calling, state, created_ms, changed_ms, dataset) VALUES(?1, ?2, ?3, ?4, ?4, ?5)", rq, MPPS_IN_PROGRESS, rq->ds, why);
	if (!e)
		e = link_steps(db, rq, out, why);
	if (!e)
		e = move_orders(db, rq->uid, ORDER_STARTED, note, rq, &out->orders, why);
	return e ? e : keep_message(db, rq, MPPS_CREATE, &out->message, why);
}

/* ---- N-SET ---- */

struct waiting {
	sqlite3 *db;
	const char *uid;
	bool (*is_here)(void *arg, const char *sop_uid);
	void *arg;
	unsigned images, missing;
	enum err e;
	struct why *why;
};

static bool wait_for_image(void *arg, const char *sop_uid)
{
	struct waiting *w = arg;
	if (++w->images > BOUND_MPPS_IMAGES)
		return false;
	if (w->is_here(w->arg, sop_uid))
		return true;
	w->missing++;
	w->e = run2(w->db, "INSERT OR IGNORE INTO mpps_image(sop_uid, mpps) VALUES(?1, ?2)", sop_uid, w->uid, w->why);
	return !w->e;
}

static enum err finish(sqlite3 *db, const struct mpps_request *rq, const struct dataset *step, bool (*is_here)(void *arg, const char *sop_uid), void *arg,
                       struct mpps_result *out, struct why *why)
{
	bool is_completed = out->state == MPPS_COMPLETED;
	const char *note = is_completed ? "" : mpps_reason(step);
	struct waiting w = { .db = db, .uid = rq->uid, .is_here = is_here, .arg = arg, .why = why };
	enum err e = move_orders(db, rq->uid, is_completed ? ORDER_COMPLETED : ORDER_DISCONTINUED, note, rq, &out->orders, why);
	if (e || !is_completed)
		return e;
	mpps_images(step, wait_for_image, &w);
	out->missing = w.missing;
	/* One that names no image says nothing about which are to come: the quiet time decides. */
	out->is_complete = w.images && !w.missing;
	return w.e;
}

enum err mpps_change(sqlite3 *db, const struct mpps_request *rq, bool (*is_here)(void *arg, const char *sop_uid), void *arg, struct mpps_result *out, struct why *why)
{
	struct arena a;
	struct dataset *step;
	struct mpps_step first;
	*out = (struct mpps_result){ .state = MPPS_IN_PROGRESS };
	arena_init(&a, ARENA);
	enum err e = load(db, rq->uid, &a, &out->state, &step, why);
	if (e == ERR_NOT_FOUND) {
		fail(&out->refusal, e, "there is no such performed procedure step");
		out->status = MPPS_NO_INSTANCE;
		e = ERR_OK;
	} else if (!e && out->state != MPPS_IN_PROGRESS) {
		fail(&out->refusal, ERR_CONFLICT, "Performed Procedure Step Object may no longer be updated");
		out->status = MPPS_FAILED;
		out->error_id = MPPS_ID_FINAL;
	} else if (!e) {
		out->status = mpps_set(step, rq->ds, &out->state, &out->refusal);
		snprintf(out->modality, sizeof(out->modality), "%.16s", dataset_str(step, TAG_MODALITY));
		if (mpps_step(step, 0, &first))
			snprintf(out->study.s, sizeof(out->study.s), "%.64s", first.study_uid);
		if (!out->status)
			e = save(db, "UPDATE mpps SET state = ?3, changed_ms = ?4, dataset = ?5 WHERE uid = ?1 AND ?2 = ?2", rq, out->state, step, why);
		if (!e && !out->status)
			e = keep_message(db, rq, MPPS_SET, &out->message, why);
		if (!e && !out->status && out->state != MPPS_IN_PROGRESS)
			e = finish(db, rq, step, is_here, arg, out, why);
	}
	arena_fini(&a);
	return e;
}

/* ---- images ---- */

enum err mpps_image_came(sqlite3 *db, const char *sop_uid, struct uid *uid, struct why *why)
{
	sqlite3_stmt *st;
	uid->s[0] = '\0';
	enum err e = orders_prepare(db, "SELECT mpps FROM mpps_image WHERE sop_uid = ?1", &sop_uid, 1, &st, why);
	if (!e)
		e = sql_step(st, why);
	if (!e)
		sql_copy(st, 0, uid->s, sizeof(uid->s));
	sql_close_one(&st);
	if (e)
		return e == ERR_END ? ERR_OK : e;
	e = run2(db, "DELETE FROM mpps_image WHERE sop_uid = ?1 AND mpps = ?2", sop_uid, uid->s, why);
	const char *text = uid->s;
	if (!e)
		e = orders_prepare(db, "SELECT 1 FROM mpps_image WHERE mpps = ?1 LIMIT 1", &text, 1, &st, why);
	if (e)
		return e;
	e = sql_step(st, why);
	sql_close_one(&st);
	if (!e)
		uid->s[0] = '\0';
	return e == ERR_END ? ERR_OK : e;
}

enum err mpps_studies(sqlite3 *db, const char *uid, enum err (*fn)(void *arg, const char *study_uid, struct why *why), void *arg, struct why *why)
{
	enum { MANY = 16 };
	struct uid studies[MANY];
	unsigned n = 0;
	sqlite3_stmt *st;
	enum err e = orders_prepare(db, "SELECT study_uid FROM mpps_study WHERE mpps = ?1", &uid, 1, &st, why);
	if (e)
		return e;
	while (n < MANY && !(e = sql_step(st, why)))
		sql_copy(st, 0, studies[n++].s, sizeof(studies[0].s));
	sql_close_one(&st);
	e = e == ERR_END ? ERR_OK : e;
	for (unsigned i = 0; !e && i < n; i++)
		e = fn(arg, studies[i].s, why);
	return e;
}

/* ---- messages ---- */

enum err mpps_message_get(sqlite3 *db, int64_t id, struct arena *a, struct mpps_message *out, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(db, "SELECT mpps, kind, dataset FROM mpps_message WHERE id = ?1", &st, why);
	if (e)
		return e;
	sql_bind_int(st, 1, id);
	e = sql_step(st, why);
	if (!e) {
		*out = (struct mpps_message){ .id = id, .kind = (int)sql_int(st, 1) };
		sql_copy(st, 0, out->uid.s, sizeof(out->uid.s));
		e = dataset_parse(a, sql_blob(st, 2), DS_EXPLICIT_LE, &out->ds, why);
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}
