/* Patient updates and merges in the index: applied to what is there, remembered for what is still to come. */
#include "db/index_edit.h"

#include <stdio.h>
#include <stdlib.h>

#include "pacs/dicom/text_fold.h"

enum { HOPS = 16, NAME_MAX_BYTES = 4096 };      /* merges of merges; more are a ring */

/* ---- whom a change is about ---- */

/* ?1 ID, ?2 issuer, ?3 folded name, ?4 birth date of the change. A patient who is known here without an issuer is only taken for the
 * one whom a hospital names when name or birth date agree: two clinics may give the same number to two people. */
#define IS_PATIENT(row) row "patient_id = ?1 AND " row "surrogate = '' AND (" row "issuer = ?2 OR (" row "issuer = '' AND (" \
	"(" row "name_fold <> '' AND " row "name_fold = ?3) OR (" row "birth_date <> '' AND " row "birth_date = ?4))))"

struct fold { struct buf b; };

static const char *fold_of(struct fold *f, const char *name)
{
	buf_init(&f->b, NAME_MAX_BYTES);
	text_fold(name, &f->b);
	return buf_cstr(&f->b);
}

static enum err patients_of(sqlite3 *db, const char *id, const char *issuer, const struct index_patient_change *c, int64_t *ids, size_t max, size_t *n, struct why *why)
{
	struct fold f;
	const char *name_fold = fold_of(&f, c->name);
	sqlite3_stmt *st = NULL;
	enum err e = sql_ask(db, why, &st, "SELECT id FROM patient p WHERE " IS_PATIENT("p.") " ORDER BY id", "tttt", id, issuer, name_fold, c->birth_date);
	*n = 0;
	while (!e && *n < max && !(e = sql_step(st, why)))
		ids[(*n)++] = sql_int(st, 0);
	sql_close_one(&st);
	buf_fini(&f.b);
	return e == ERR_END ? ERR_OK : e;
}

/* ---- changing what is there ---- */

/* One row for each patient or study that a change touches: what it was, so that a person can put it back. */
static enum err remember(sqlite3 *db, const struct index_patient_change *c, const char *what, int64_t patient, int64_t study, struct why *why)
{
	return sql_do(db, why, "INSERT INTO patient_history(seq, what, study_uid, patient_id, issuer, name, birth_date, sex, at_ms)"
	              " SELECT ?1, ?2, coalesce((SELECT study_uid FROM study WHERE id = ?4), ''), patient_id, issuer, name, birth_date, sex, ?5"
	              " FROM patient WHERE id = ?3", "itiii", c->seq, what, patient, study, c->at_ms);
}

static enum err set_demographics(sqlite3 *db, const struct index_patient_change *c, int64_t patient, struct why *why)
{
	struct fold f;
	const char *name_fold = fold_of(&f, c->name);
	enum err e = remember(db, c, "patient", patient, 0, why);
	if (!e)
		e = sql_do(db, why, "UPDATE patient SET name_fold = iif(?1 <> '', ?2, name_fold), name = iif(?1 <> '', ?1, name),"
		           " birth_date = iif(?3 <> '', ?3, birth_date), sex = iif(?4 <> '', ?4, sex) WHERE id = ?5", "tttti", c->name, name_fold, c->birth_date, c->sex, patient);
	buf_fini(&f.b);
	return e ? e : sql_do(db, why, "UPDATE study SET change = ?1 WHERE patient = ?2", "ii", c->seq, patient);
}

static enum err target_of(sqlite3 *db, const struct index_patient_change *c, int64_t *id, struct why *why)
{
	size_t n;
	enum err e = patients_of(db, c->patient_id, c->issuer, c, id, 1, &n, why);
	if (e || n)
		return e;
	e = sql_do(db, why, "INSERT INTO patient(patient_id, issuer, surrogate, name, name_fold, birth_date, sex) VALUES(?1, ?2, '', '', '', '', '')", "tt", c->patient_id, c->issuer);
	*id = sqlite3_last_insert_rowid(db);
	return e;
}

/* The studies of `from` become those of `to`; the row of a patient that nobody is any more goes. */
static enum err join(sqlite3 *db, const struct index_patient_change *c, int64_t from, int64_t to, struct why *why)
{
	static const char *const steps[] = {
		"INSERT INTO patient_history(seq, what, study_uid, patient_id, issuer, name, birth_date, sex, at_ms)"
		" SELECT ?1, 'study', st.study_uid, p.patient_id, p.issuer, p.name, p.birth_date, p.sex, ?4 FROM study st JOIN patient p ON p.id = st.patient WHERE st.patient = ?2 AND ?3 = ?3",
		"UPDATE patient SET name = iif(name = '', (SELECT name FROM patient WHERE id = ?2), name), name_fold = iif(name_fold = '', (SELECT name_fold FROM patient WHERE id = ?2), name_fold),"
		" birth_date = iif(birth_date = '', (SELECT birth_date FROM patient WHERE id = ?2), birth_date), sex = iif(sex = '', (SELECT sex FROM patient WHERE id = ?2), sex)"
		" WHERE id = ?3 AND ?1 = ?1 AND ?4 = ?4",
		"UPDATE study SET patient = ?3, change = ?1 WHERE patient = ?2 AND ?4 = ?4",
		"DELETE FROM name_group WHERE patient = ?2 AND ?1 = ?1 AND ?3 = ?3 AND ?4 = ?4",
		"DELETE FROM patient WHERE id = ?2 AND ?1 = ?1 AND ?3 = ?3 AND ?4 = ?4",
	};
	enum err e = remember(db, c, "joined", from, 0, why);
	for (size_t i = 0; !e && i < NELEM(steps); i++)
		e = sql_do(db, why, steps[i], "iiii", c->seq, from, to, c->at_ms);
	return e;
}

static enum err apply_merge(sqlite3 *db, const struct index_patient_change *c, unsigned *touched, struct why *why)
{
	int64_t olds[HOPS], target = 0;
	size_t n;
	enum err e = patients_of(db, c->old_id, c->old_issuer, c, olds, HOPS, &n, why);
	if (e || !n)
		return e;
	e = target_of(db, c, &target, why);
	for (size_t i = 0; !e && i < n; i++)
		if (olds[i] != target)
			e = join(db, c, olds[i], target, why);
	*touched = (unsigned)n;
	return e ? e : set_demographics(db, c, target, why);
}

static enum err apply_update(sqlite3 *db, const struct index_patient_change *c, unsigned *touched, struct why *why)
{
	int64_t ids[HOPS];
	size_t n;
	enum err e = patients_of(db, c->patient_id, c->issuer, c, ids, HOPS, &n, why);
	for (size_t i = 0; !e && i < n; i++)
		e = set_demographics(db, c, ids[i], why);
	*touched = (unsigned)n;
	return e;
}

static enum err keep(sqlite3 *db, const struct index_patient_change *c, struct why *why)
{
	enum err e = sql_do(db, why, "INSERT INTO patient_change(patient_id, issuer, name, birth_date, sex, old_id, old_issuer, message, seq, is_merge, at_ms)"
	                    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)", "ttttttttiii", c->patient_id, c->issuer, c->name, c->birth_date, c->sex,
	                    c->old_id, c->old_issuer, c->message, c->seq, (int64_t)c->is_merge, c->at_ms);
	return e ? e : edit_put(db, "patient_change", c->seq, c->edit, why);
}

enum err index_patient_seq(struct index_writer *w, int64_t *seq, struct why *why)
{
	return sql_number(w->db, why, seq, "SELECT max(seq) FROM patient_change", "");
}

enum err index_change_keep(struct index_writer *w, const struct index_patient_change *c, struct why *why)
{
	int64_t last = 0;
	enum err e = index_patient_seq(w, &last, why);
	if (!e && c->seq <= last)
		return ERR_EXISTS;
	/* Counters that gathered are of rows that may now change hands, and what is remembered of patients is old. */
	if (!e)
		e = index_flush(w, why);
	memset(&w->cache, 0, sizeof(w->cache));
	w->has_changes = true;
	return e ? e : keep(w->db, c, why);
}

enum err index_patient_remember(struct index_writer *w, const struct index_patient_change *c, int64_t patient, int64_t study, struct why *why)
{
	return remember(w->db, c, "study", patient, study, why);
}

enum err index_patient_apply(struct index_writer *w, const struct index_patient_change *c, unsigned *touched, struct why *why)
{
	*touched = 0;
	enum err e = index_change_keep(w, c, why);
	if (e)
		return e == ERR_EXISTS ? ERR_OK : e;
	return c->is_merge ? apply_merge(w->db, c, touched, why) : apply_update(w->db, c, touched, why);
}

/* ---- what is still to come ---- */

/* Does a change that names `issuer` speak of this patient? As IS_PATIENT above. */
static bool speaks_of(const struct index_resolved *r, const char *name_fold, const char *issuer, const char *name, const char *birth_date)
{
	struct fold f;
	if (!strcmp(issuer, r->issuer))
		return true;
	bool same = r->birth_date[0] && !strcmp(birth_date, r->birth_date);
	same = !strcmp(fold_of(&f, name), name_fold) ? name_fold[0] || same : same;
	buf_fini(&f.b);
	return !r->issuer[0] && same;
}

/* The next patient that this one was merged into. */
static enum err follow(sqlite3 *db, struct index_resolved *r, const char *name_fold, struct why *why)
{
	/* Bound texts must live until the end, and these change. */
	const struct index_resolved was = *r;
	sqlite3_stmt *st = NULL;
	enum err e = sql_ask(db, why, &st, "SELECT patient_id, issuer, seq, old_issuer, name, birth_date FROM patient_change WHERE is_merge AND old_id = ?1 AND (old_issuer = ?2 OR ?2 = '')"
	                     " AND seq > ?3 ORDER BY seq", "tti", was.patient_id, was.issuer, was.merged_at);
	if (e)
		return e;
	while (!(e = sql_step(st, why))) {
		if (!speaks_of(r, name_fold, sql_text(st, 3), sql_text(st, 4), sql_text(st, 5)))
			continue;
		sql_copy(st, 0, r->patient_id, sizeof(r->patient_id));
		sql_copy(st, 1, r->issuer, sizeof(r->issuer));
		r->merged_at = sql_int(st, 2);
		r->seq = r->merged_at > r->seq ? r->merged_at : r->seq;
		break;
	}
	sql_close_one(&st);
	return e;
}

/* Of entries behind `since`: what a correction says of a patient stands in one. */
static enum err demographics(sqlite3 *db, struct index_resolved *r, int64_t since, const char *name_fold, struct why *why)
{
	sqlite3_stmt *st = NULL;
	enum err e = sql_ask(db, why, &st, "SELECT name, birth_date, sex, seq, issuer FROM patient_change WHERE patient_id = ?1 AND (issuer = ?2 OR ?2 = '') AND seq > ?3 ORDER BY seq", "tti",
	                     r->patient_id, r->issuer, since);
	if (e)
		return e;
	while (!(e = sql_step(st, why))) {
		const char *name = sql_text(st, 0), *birth = sql_text(st, 1);
		if (!speaks_of(r, name_fold, sql_text(st, 4), name, birth))
			continue;
		if (name[0])
			sql_copy(st, 0, r->name, sizeof(r->name));
		if (birth[0])
			sql_copy(st, 1, r->birth_date, sizeof(r->birth_date));
		if (sql_text(st, 2)[0])
			sql_copy(st, 2, r->sex, sizeof(r->sex));
		r->seq = sql_int(st, 3) > r->seq ? sql_int(st, 3) : r->seq;
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

void index_resolved_fini(struct index_resolved *r)
{
	free(r->values);
	r->values = NULL;
	r->count = r->cap = 0;
}

static void received(const struct index_record *rec, struct index_resolved *out)
{
	*out = (struct index_resolved){ .seq = 0 };
	snprintf(out->patient_id, sizeof(out->patient_id), "%s", rec->patient_id);
	snprintf(out->issuer, sizeof(out->issuer), "%s", rec->issuer);
	snprintf(out->name, sizeof(out->name), "%s", rec->patient_name);
	snprintf(out->birth_date, sizeof(out->birth_date), "%s", rec->birth_date);
	snprintf(out->sex, sizeof(out->sex), "%s", rec->sex);
	snprintf(out->study_uid.s, sizeof(out->study_uid.s), "%s", rec->study_uid);
	snprintf(out->series_uid.s, sizeof(out->series_uid.s), "%s", rec->series_uid);
	snprintf(out->sop_uid.s, sizeof(out->sop_uid.s), "%s", rec->sop_uid);
}

enum err index_patient_resolve(struct index_writer *w, const struct index_record *rec, struct index_resolved *out, struct why *why)
{
	struct fold f;
	received(rec, out);
	enum err e = w->has_edits ? index_edit_walk(w, out, why) : ERR_OK;
	if (e || !out->patient_id[0])
		return e;
	int64_t since = out->merged_at;
	const char *name_fold = fold_of(&f, out->name);
	for (int hop = 0; !e && hop < HOPS; hop++)
		e = follow(w->db, out, name_fold, why);
	if (e == ERR_END)
		e = ERR_OK;
	if (!e)
		e = demographics(w->db, out, since, name_fold, why);
	buf_fini(&f.b);
	return e;
}
