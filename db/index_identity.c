#include "db/index.h"

#include "db/index_reader.h"
#include "db/sql.h"

enum err index_identity(struct index_reader *r, struct index_identity *out, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_ask(index_reader_db(r), why, &st, "SELECT id, (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'arrival') FROM identity", "");
	if (!e)
		e = sql_step(st, why);
	if (!e) {
		sql_digest(st, 0, out->id);
		out->last_seq = sql_int(st, 1);
	}
	sql_close_one(&st);
	return e == ERR_END ? fail(why, ERR_FORMAT, "index.db has no identity") : e;
}

enum err index_is_settled(struct index_reader *r, bool *is, struct why *why)
{
	int64_t young = 0;
	enum err e = sql_number(index_reader_db(r), why, &young, "SELECT count(*) FROM arrival WHERE seq > (SELECT seq FROM durable)", "");
	*is = !young;
	return e;
}

enum err index_arrival_uid(struct index_reader *r, int64_t seq, struct uid *sop_uid, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_ask(index_reader_db(r), why, &st, "SELECT i.sop_uid FROM arrival AS a JOIN instance AS i ON i.id = a.instance WHERE a.seq = ?1", "i", seq);
	if (!e)
		e = sql_step(st, why);
	if (!e)
		sql_copy(st, 0, sop_uid->s, sizeof(sop_uid->s));
	sql_close_one(&st);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err index_arrivals_of(struct index_reader *r, int64_t after, const char *study_uid, uint64_t instance, int64_t *n, struct why *why)
{
	/* What is not planned yet is short, so the walk begins there. */
	return sql_number(index_reader_db(r), why, n, "SELECT count(*) FROM arrival AS a CROSS JOIN instance AS i ON i.id = a.instance JOIN series AS se ON se.id = i.series"
	                  " JOIN study AS st ON st.id = se.study WHERE a.seq > ?1 AND (?2 = '' OR st.study_uid = ?2) AND (?3 = 0 OR i.id = ?3)", "iti",
	                  after, study_uid, (int64_t)instance);
}
