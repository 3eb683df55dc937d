#include "db/edit_look.h"

#include "db/index_reader.h"

#define PATIENT "SELECT p.patient_id, p.issuer, p.name, p.birth_date, p.sex, (SELECT count(*) FROM study s WHERE s.patient = p.id) FROM "

static enum err take(sqlite3_stmt *st, struct edit_patient *out, struct why *why)
{
	enum err e;
	*out = (struct edit_patient){ .rows = 0 };
	while (!(e = sql_step(st, why))) {
		if (out->rows++)
			continue;
		sql_copy(st, 0, out->p.patient_id, sizeof(out->p.patient_id));
		sql_copy(st, 1, out->p.issuer, sizeof(out->p.issuer));
		sql_copy(st, 2, out->p.name, sizeof(out->p.name));
		sql_copy(st, 3, out->p.birth_date, sizeof(out->p.birth_date));
		sql_copy(st, 4, out->p.sex, sizeof(out->p.sex));
		out->studies = (unsigned)sql_int(st, 5);
		out->has_id = out->p.patient_id[0] != '\0';
	}
	return e == ERR_END ? ERR_OK : e;
}

enum err edit_look_study_patient(struct index_reader *r, const char *study_uid, struct edit_patient *out, struct why *why)
{
	sqlite3_stmt *st = NULL;
	enum err e = sql_ask(index_reader_db(r), why, &st, PATIENT "study st JOIN patient p ON p.id = st.patient WHERE st.study_uid = ?1", "t", study_uid);
	if (!e)
		e = take(st, out, why);
	sql_close_one(&st);
	return !e && !out->rows ? fail(why, ERR_NOT_FOUND, "there is no study %s here", study_uid) : e;
}

enum err edit_look_patient(struct index_reader *r, const char *patient_id, const char *issuer, struct edit_patient *out, struct why *why)
{
	sqlite3_stmt *st = NULL;
	enum err e = sql_ask(index_reader_db(r), why, &st, PATIENT "patient p WHERE p.patient_id = ?1 AND p.surrogate = '' AND (?2 = 0 OR p.issuer = ?3) ORDER BY p.id", "tit",
	                     patient_id, (int64_t)(issuer != NULL), issuer ? issuer : "");
	if (!e)
		e = take(st, out, why);
	sql_close_one(&st);
	return e;
}

enum err edit_look_studies_like(struct index_reader *r, const char *study_uid, bool (*fn)(void *arg, const char *study_uid), void *arg, struct why *why)
{
	sqlite3_stmt *st = NULL;
	bool more = true;
	enum err e = sql_ask(index_reader_db(r), why, &st, "SELECT study_uid FROM study WHERE patient = (SELECT patient FROM study WHERE study_uid = ?1) ORDER BY id", "t", study_uid);
	while (!e && more && !(e = sql_step(st, why)))
		more = fn(arg, sql_text(st, 0));
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

enum err edit_look_scope(struct index_reader *r, const char *study_uid, const char *series_uid, const char *sop_uid, struct edit_scope *out, struct why *why)
{
	sqlite3_stmt *st = NULL;
	*out = (struct edit_scope){ .images = 0 };
	enum err e = sql_ask(index_reader_db(r), why, &st, "SELECT count(*), coalesce(min(se.series_uid), ''), EXISTS (SELECT 1 FROM hold WHERE study_uid = ?1)"
	                     " FROM study st JOIN series se ON se.study = st.id JOIN instance i ON i.series = se.id"
	                     " WHERE st.study_uid = ?1 AND (?2 = '' OR se.series_uid = ?2) AND (?3 = '' OR i.sop_uid = ?3)", "ttt", study_uid, series_uid, sop_uid);
	if (!e)
		e = sql_step(st, why);
	if (!e) {
		out->images = (uint64_t)sql_int(st, 0);
		sql_copy(st, 1, out->series.s, sizeof(out->series.s));
		out->is_held = sql_int(st, 2) != 0;
	}
	sql_close_one(&st);
	return e;
}

enum err edit_look_applied(struct index_reader *r, int64_t *seq, struct why *why)
{
	return sql_number(index_reader_db(r), why, seq, "SELECT max(seq) FROM patient_change", "");
}

enum err edit_look_max_oid(struct index_reader *r, uint64_t *oid, struct why *why)
{
	int64_t n = 0;
	enum err e = sql_number(index_reader_db(r), why, &n, "SELECT max(coalesce((SELECT max(oid) FROM instance), 0), coalesce((SELECT max(oid) FROM conflict), 0))", "");
	*oid = (uint64_t)n;
	return e;
}
