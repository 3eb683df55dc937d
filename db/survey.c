#include "db/survey.h"

#include <stdlib.h>

#include "db/index_reader.h"
#include "pacs/base/fault.h"

enum { INSTANCES, CONFLICTS, GARBAGE, NEXT, TOTAL, HAS_QUARANTINE, QUARANTINE, COUNTERS, DAMAGED, STATEMENTS };

static const char *const texts[STATEMENTS] = {
	[INSTANCES] = "SELECT " INDEX_INSTANCE_COLUMNS ", k.text, i.received_ms FROM instance i" INDEX_INSTANCE_JOINS
	              "JOIN term k ON k.id = i.calling WHERE i.oid >= ? AND i.oid < ? ORDER BY i.oid LIMIT ?",
	[CONFLICTS] = "SELECT oid, size, dataset_at, digest, sop_uid, study_uid, series_uid, ts, coalesce(instance, 0), calling, at_ms"
	              " FROM conflict WHERE oid >= ? AND oid < ? ORDER BY oid LIMIT ?",
	[GARBAGE] = "SELECT oid FROM garbage WHERE oid >= ? AND oid < ? ORDER BY oid LIMIT ?",
	[NEXT] = "SELECT min(o) FROM (SELECT min(oid) AS o FROM instance WHERE oid >= ?1 UNION ALL SELECT min(oid) FROM conflict WHERE oid >= ?1)",
	/* From the studies' counters: no walk over the instances. */
	[TOTAL] = "SELECT coalesce(sum(instances), 0), coalesce(sum(bytes), 0) FROM study",
	[HAS_QUARANTINE] = "SELECT 1 FROM quarantine WHERE path = ?",
	[QUARANTINE] = "SELECT path, reason FROM quarantine ORDER BY path",
	[COUNTERS] = "WITH own(series, n, bytes) AS (SELECT series, count(*), sum(size) FROM instance GROUP BY series),"
	             " sums(study, series, n, bytes, odd) AS (SELECT se.study, count(*), sum(coalesce(own.n, 0)), sum(coalesce(own.bytes, 0)),"
	             "   sum(se.instances <> coalesce(own.n, 0) OR se.bytes <> coalesce(own.bytes, 0))"
	             "   FROM series se LEFT JOIN own ON own.series = se.id GROUP BY se.study)"
	             " SELECT st.id, st.study_uid FROM study st LEFT JOIN sums ON sums.study = st.id"
	             " WHERE coalesce(sums.odd, 0) OR st.series <> coalesce(sums.series, 0) OR st.instances <> coalesce(sums.n, 0) OR st.bytes <> coalesce(sums.bytes, 0)",
	[DAMAGED] = "SELECT " INDEX_INSTANCE_COLUMNS ", k.text, d.what, d.found_ms FROM damage d CROSS JOIN instance i ON i.id = d.instance" INDEX_INSTANCE_JOINS
	            "JOIN term k ON k.id = i.calling ORDER BY d.found_ms, i.id",
};

struct survey {
	sqlite3 *db;                 /* the reader's */
	sqlite3_stmt *st[STATEMENTS];
};

enum err survey_open(struct index_reader *r, struct survey **out, struct why *why)
{
	struct survey *s = fault_fails(FAULT_ALLOC) ? NULL : calloc(1, sizeof(*s));
	*out = NULL;
	if (!s)
		return fail(why, ERR_NOMEM, "no memory for a survey");
	s->db = index_reader_db(r);
	enum err e = sql_prepare_all(s->db, texts, STATEMENTS, s->st, why);
	if (e)
		survey_close(&s);
	*out = s;
	return e;
}

void survey_close(struct survey **s)
{
	if (!*s)
		return;
	sql_finalize_all((*s)->st, STATEMENTS);
	free(*s);
	*s = NULL;
}

static void take_instance(sqlite3_stmt *st, struct survey_row *row)
{
	enum { C = INDEX_INSTANCE_COLUMN_COUNT };
	row->kind = SURVEY_INSTANCE;
	index_instance_take(st, 0, &row->what);
	sql_copy(st, C, row->calling, sizeof(row->calling));
	row->received_ms = sql_int(st, C + 1);
}

static void take_conflict(sqlite3_stmt *st, struct survey_row *row)
{
	struct index_instance *w = &row->what;
	row->kind = SURVEY_CONFLICT;
	w->oid = (uint64_t)sql_int(st, 0);
	w->size = (uint64_t)sql_int(st, 1);
	w->dataset_at = (uint64_t)sql_int(st, 2);
	sql_digest(st, 3, w->digest);
	sql_copy(st, 4, w->sop_uid.s, sizeof(w->sop_uid.s));
	sql_copy(st, 5, w->study_uid.s, sizeof(w->study_uid.s));
	sql_copy(st, 6, w->series_uid.s, sizeof(w->series_uid.s));
	sql_copy(st, 7, w->ts.s, sizeof(w->ts.s));
	w->instance = (uint64_t)sql_int(st, 8);
	sql_copy(st, 9, row->calling, sizeof(row->calling));
	row->received_ms = sql_int(st, 10);
}

static void take_garbage(sqlite3_stmt *st, struct survey_row *row)
{
	row->kind = SURVEY_GARBAGE;
	row->what.oid = (uint64_t)sql_int(st, 0);
}

static int by_oid(const void *a, const void *b)
{
	uint64_t x = ((const struct survey_row *)a)->what.oid, y = ((const struct survey_row *)b)->what.oid;
	return (x > y) - (x < y);
}

enum err survey_page(struct survey *s, uint64_t first, uint64_t end, struct survey_row *out, size_t max, size_t *n, struct why *why)
{
	static void (*const take[])(sqlite3_stmt *, struct survey_row *) = { [INSTANCES] = take_instance, [CONFLICTS] = take_conflict, [GARBAGE] = take_garbage };
	enum err e = sql_exec(s->db, "BEGIN", why);
	*n = 0;
	for (int k = INSTANCES; !e && k <= GARBAGE; k++) {
		sqlite3_stmt *st = s->st[k];
		sql_bind_int(st, 1, (int64_t)first);
		sql_bind_int(st, 2, (int64_t)end);
		sql_bind_int(st, 3, (int64_t)(max - *n));
		while (*n < max && (e = sql_step(st, why)) == ERR_OK) {
			memset(&out[*n], 0, sizeof(out[*n]));
			take[k](st, &out[(*n)++]);
		}
		sql_done(st);
		e = e == ERR_END ? ERR_OK : e;
	}
	sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	qsort(out, *n, sizeof(*out), by_oid);
	return e;
}

enum err survey_next_oid(struct survey *s, uint64_t first, uint64_t *oid, struct why *why)
{
	sql_bind_int(s->st[NEXT], 1, (int64_t)first);
	enum err e = sql_step(s->st[NEXT], why);
	if (e)
		return e;
	bool is_none = sqlite3_column_type(s->st[NEXT], 0) == SQLITE_NULL;
	*oid = (uint64_t)sql_int(s->st[NEXT], 0);
	sql_done(s->st[NEXT]);
	return is_none ? ERR_END : ERR_OK;
}

enum err survey_total(struct survey *s, uint64_t *files, uint64_t *bytes, struct why *why)
{
	enum err e = sql_step(s->st[TOTAL], why);
	if (e)
		return e;
	*files = (uint64_t)sql_int(s->st[TOTAL], 0);
	*bytes = (uint64_t)sql_int(s->st[TOTAL], 1);
	sql_done(s->st[TOTAL]);
	return ERR_OK;
}

bool survey_has_quarantine(struct survey *s, const char *path)
{
	sql_bind_text(s->st[HAS_QUARANTINE], 1, path);
	enum err e = sql_step(s->st[HAS_QUARANTINE], NULL);
	sql_done(s->st[HAS_QUARANTINE]);
	return e != ERR_END;
}

enum err survey_quarantine(struct survey *s, bool (*fn)(void *arg, const char *path, const char *reason), void *arg, struct why *why)
{
	sqlite3_stmt *st = s->st[QUARANTINE];
	enum err e;
	while ((e = sql_step(st, why)) == ERR_OK)
		if (!fn(arg, sql_text(st, 0), sql_text(st, 1)))
			break;
	sql_done(st);
	return e == ERR_END ? ERR_OK : e;
}

enum err survey_counters(struct survey *s, bool (*fn)(void *arg, uint64_t study, const char *study_uid), void *arg, struct why *why)
{
	sqlite3_stmt *st = s->st[COUNTERS];
	enum err e;
	while ((e = sql_step(st, why)) == ERR_OK)
		if (!fn(arg, (uint64_t)sql_int(st, 0), sql_text(st, 1)))
			break;
	sql_done(st);
	return e == ERR_END ? ERR_OK : e;
}

enum err survey_damaged(struct survey *s, bool (*fn)(void *arg, const struct survey_damage *d), void *arg, struct why *why)
{
	enum { C = INDEX_INSTANCE_COLUMN_COUNT };
	sqlite3_stmt *st = s->st[DAMAGED];
	struct survey_damage d;
	enum err e;
	while ((e = sql_step(st, why)) == ERR_OK) {
		index_instance_take(st, 0, &d.what);
		sql_copy(st, C, d.calling, sizeof(d.calling));
		sql_copy(st, C + 1, d.text, sizeof(d.text));
		d.found_ms = sql_int(st, C + 2);
		if (!fn(arg, &d))
			break;
	}
	sql_done(st);
	return e == ERR_END ? ERR_OK : e;
}

enum err survey_damage_count(struct index_reader *r, uint64_t *n, struct why *why)
{
	sqlite3_stmt *st = NULL;
	enum err e = sql_prepare(index_reader_db(r), "SELECT count(*) FROM damage", &st, why);
	if (!e && !(e = sql_step(st, why)))
		*n = (uint64_t)sql_int(st, 0);
	sql_close_one(&st);
	return e;
}
