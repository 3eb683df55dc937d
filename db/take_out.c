#include "db/take_out.h"

#define WHICH "(SELECT i.id FROM series se JOIN instance i ON i.series = se.id WHERE se.study = ?1 AND (?2 = '' OR se.series_uid = ?2)" \
	" AND (?3 = '' OR i.sop_uid = ?3) AND i.oid <= ?4 AND i.received_ms <= ?5)"

static enum err remove_rows(struct index_writer *w, const struct take_out *t, struct why *why)
{
	static const char *const steps[] = {
		"INSERT INTO number_floor SELECT 'instance', coalesce(max(id), 0) FROM instance WHERE id IN " WHICH " ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
		"INSERT INTO number_floor SELECT 'oid', coalesce(max(oid), 0) FROM instance WHERE id IN " WHICH " ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
		"INSERT INTO number_floor SELECT 'oid', coalesce(max(oid), 0) FROM conflict WHERE instance IN " WHICH " ON CONFLICT DO UPDATE SET value = max(value, excluded.value)",
		"INSERT OR IGNORE INTO garbage SELECT oid FROM instance WHERE id IN " WHICH,
		"INSERT OR IGNORE INTO garbage SELECT oid FROM conflict WHERE oid IS NOT NULL AND instance IN " WHICH,
		"DELETE FROM conflict WHERE instance IN " WHICH,
		"DELETE FROM header WHERE instance IN " WHICH,
		"DELETE FROM arrival WHERE instance IN " WHICH,
		"DELETE FROM instance WHERE id IN " WHICH,
	};
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < NELEM(steps); i++)
		e = sql_do(w->db, why, steps[i], "ittii", t->study, t->series_uid, t->sop_uid, t->max_oid, t->before_ms);
	return e;
}

static enum err count(struct index_writer *w, struct take_out *t, struct why *why)
{
	sqlite3_stmt *st = NULL;
	enum err e = sql_ask(w->db, why, &st, "SELECT count(*), coalesce(sum(size), 0) FROM instance WHERE id IN " WHICH, "ittii",
	                     t->study, t->series_uid, t->sop_uid, t->max_oid, t->before_ms);
	if (!e)
		e = sql_step(st, why);
	if (!e) {
		t->instances = (uint64_t)sql_int(st, 0);
		t->bytes = (uint64_t)sql_int(st, 1);
	}
	sql_close_one(&st);
	return e;
}

enum err take_out(struct index_writer *w, struct take_out *t, struct why *why)
{
	/* Differences that gathered must be in the rows before they are counted, and what the writer remembers may go. */
	enum err e = index_flush(w, why);
	memset(&w->cache, 0, sizeof(w->cache));
	if (!e)
		e = count(w, t, why);
	if (!e && t->instances)
		e = remove_rows(w, t, why);
	return e || !t->instances ? e : take_out_recount(w, t->study, NULL, why);
}

enum err take_out_patient(struct index_writer *w, int64_t patient, struct why *why)
{
	enum err e = sql_do(w->db, why, "DELETE FROM name_group WHERE patient = ?1 AND NOT EXISTS (SELECT 1 FROM study WHERE patient = ?1)", "i", patient);
	return e ? e : sql_do(w->db, why, "DELETE FROM patient WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM study WHERE patient = ?1)", "i", patient);
}

enum err take_out_recount(struct index_writer *w, int64_t study, bool *is_gone, struct why *why)
{
	static const char *const steps[] = {
		"UPDATE series SET instances = (SELECT count(*) FROM instance i WHERE i.series = series.id),"
		" bytes = (SELECT coalesce(sum(size), 0) FROM instance i WHERE i.series = series.id) WHERE study = ?1",
		"DELETE FROM series WHERE study = ?1 AND instances = 0",
		"UPDATE study SET series = (SELECT count(*) FROM series se WHERE se.study = study.id),"
		" instances = (SELECT coalesce(sum(se.instances), 0) FROM series se WHERE se.study = study.id),"
		" bytes = (SELECT coalesce(sum(se.bytes), 0) FROM series se WHERE se.study = study.id),"
		" modalities = coalesce((SELECT group_concat(modality, char(92)) FROM (SELECT DISTINCT modality FROM series se WHERE se.study = study.id"
		"   AND length(modality) BETWEEN 1 AND 16 ORDER BY modality LIMIT 7)), ''),"
		" first_received_ms = coalesce((SELECT min(i.received_ms) FROM series se JOIN instance i ON i.series = se.id WHERE se.study = study.id), first_received_ms),"
		" last_received_ms = coalesce((SELECT max(i.received_ms) FROM series se JOIN instance i ON i.series = se.id WHERE se.study = study.id), last_received_ms)"
		" WHERE id = ?1",
	};
	int64_t left = 0, patient = 0;
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < NELEM(steps); i++)
		e = sql_do(w->db, why, steps[i], "i", study);
	if (!e)
		e = sql_number(w->db, why, &left, "SELECT instances FROM study WHERE id = ?1", "i", study);
	if (!e)
		e = sql_number(w->db, why, &patient, "SELECT patient FROM study WHERE id = ?1", "i", study);
	if (is_gone)
		*is_gone = !left;
	if (e || left)
		return e;
	e = sql_do(w->db, why, "DELETE FROM study WHERE id = ?1", "i", study);
	return e ? e : take_out_patient(w, patient, why);
}
