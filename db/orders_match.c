/* Which study belongs to which order. */
#include "db/orders_sql.h"

#include <stdio.h>

static const char *const how_names[] = { "none", "study-uid", "accession", "patient-date", "ambiguous", "other-patient" };
_Static_assert(NELEM(how_names) == HOW_COUNT, "one word for each way");

const char *order_how_name(enum order_how h)
{
	return h < HOW_COUNT ? how_names[h] : "";
}

struct found { enum order_how how; int64_t order; unsigned candidates; };

/* ?1 study UID ?2 accession ?3 patient ID ?4 issuer ?5 date ?6 modalities, between backslashes. Columns: order, is another
 * patient. An order that is CANCELED or that has its study already is none to choose between, but one that the numbers name. */
#define IS_OTHER \
	"(?3 <> '' AND (o.patient_id <> ?3 OR (o.issuer <> '' AND ?4 <> '' AND o.issuer <> ?4)))"
static const struct { enum order_how how; const char *sql; } ways[] = {
	{ HOW_STUDY_UID, "SELECT o.id, " IS_OTHER " FROM imaging_order o WHERE o.study_uid = ?1" },
	{ HOW_ACCESSION, "SELECT o.id, " IS_OTHER " FROM imaging_order o WHERE ?2 <> '' AND o.accession = ?2" },
	{ HOW_PATIENT_DATE, "SELECT o.id, 0 FROM imaging_order o WHERE ?3 <> '' AND o.patient_id = ?3 AND ?5 <> '' AND o.date = ?5"
	                    " AND (o.issuer = '' OR ?4 = '' OR o.issuer = ?4) AND (?6 = '\\\\' OR instr(?6, '\\' || o.modality || '\\'))"
	                    " AND o.state <> 4 AND NOT EXISTS (SELECT 1 FROM order_study s WHERE s.order_id = o.id)" },
};

/* Several steps of one accession are one request: the first stands for it. Several orders of one day are a choice that a
 * person must make. */
static enum err try_way(sqlite3 *db, size_t way, const char *const texts[6], struct found *f, struct why *why)
{
	unsigned same = 0, other = 0;
	sqlite3_stmt *st;
	char sql[1024];
	snprintf(sql, sizeof(sql), "%s AND ?1 = ?1 AND ?2 = ?2 AND ?3 = ?3 AND ?4 = ?4 AND ?5 = ?5 AND ?6 = ?6 ORDER BY o.state = 4, o.id", ways[way].sql);
	enum err e = orders_prepare(db, sql, texts, 6, &st, why);
	if (e)
		return e;
	while (!(e = sql_step(st, why))) {
		bool is_other = sql_int(st, 1) != 0;
		if (!is_other && !same++)
			f->order = sql_int(st, 0);
		other += is_other;
	}
	sql_close_one(&st);
	if (e != ERR_END)
		return e;
	f->candidates = same + other;
	f->how = same && (ways[way].how != HOW_PATIENT_DATE || same == 1) ? ways[way].how : same ? HOW_AMBIGUOUS : other ? HOW_OTHER_PATIENT : HOW_NONE;
	if (f->how == HOW_AMBIGUOUS)
		f->order = 0;
	return ERR_OK;
}

static enum err choose(sqlite3 *db, const char *const texts[6], struct found *f, struct why *why)
{
	enum err e = ERR_OK;
	*f = (struct found){ .how = HOW_NONE };
	for (size_t i = 0; !e && f->how == HOW_NONE && i < NELEM(ways); i++)
		e = try_way(db, i, texts, f, why);
	return e;
}

static enum err remember(sqlite3 *db, const char *const texts[6], const struct found *f, int64_t now_ms, struct why *why)
{
	char modalities[131];
	size_t n = strlen(texts[5]);
	snprintf(modalities, sizeof(modalities), "%.*s", n > 2 ? (int)n - 2 : 0, texts[5] + 1);
	const char *const values[] = { texts[0], texts[1], texts[2], texts[3], texts[4], modalities, order_how_name(f->how) };
	sqlite3_stmt *st;
	enum err e = orders_prepare(db, "INSERT OR REPLACE INTO order_study(study_uid, accession, patient_id, issuer, study_date, modalities, how, order_id, candidates, at_ms)"
	                            " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)", values, 7, &st, why);
	if (e)
		return e;
	sql_bind_int(st, 8, f->order);
	sql_bind_int(st, 9, f->candidates);
	sql_bind_int(st, 10, now_ms);
	e = items_run(st, why);
	return e || !f->order ? e : orders_event(db, f->order, "matched", order_how_name(f->how), texts[0], now_ms, why);
}

static enum err match(sqlite3 *db, const char *const texts[6], int64_t now_ms, struct found *f, struct why *why)
{
	enum err e = choose(db, texts, f, why);
	return e ? e : remember(db, texts, f, now_ms, why);
}

static bool has_row(sqlite3 *db, const char *sql, const char *const *texts, int n)
{
	sqlite3_stmt *st = NULL;
	enum err e = orders_prepare(db, sql, texts, n, &st, NULL);
	if (!e)
		e = sql_step(st, NULL);
	sql_close_one(&st);
	return !e;
}

bool orders_knows_study(sqlite3 *db, const struct index_study *s)
{
	const char *const texts[] = { s->study_uid.s, s->accession, s->patient_id, s->issuer, s->study_date, s->modalities };
	return has_row(db, "SELECT 1 FROM order_study WHERE study_uid = ?1 AND accession = ?2 AND patient_id = ?3 AND issuer = ?4 AND study_date = ?5 AND modalities = ?6", texts, 6);
}

bool orders_is_matched(sqlite3 *db, const char *study_uid)
{
	return has_row(db, "SELECT 1 FROM order_study WHERE study_uid = ?1 AND order_id <> 0", &study_uid, 1);
}

enum err orders_match_study(sqlite3 *db, const struct index_study *s, int64_t now_ms, enum order_how *how, int64_t *id, struct why *why)
{
	char modalities[sizeof(s->modalities) + 2];
	struct found f;
	snprintf(modalities, sizeof(modalities), "\\%s\\", s->modalities);
	const char *const texts[6] = { s->study_uid.s, s->accession, s->patient_id, s->issuer, s->study_date, modalities };
	enum err e = match(db, texts, now_ms, &f, why);
	*how = f.how;
	*id = f.order;
	return e;
}

/* One waiting study after the other, by its UID: each is written while none is being read. */
static enum err next_waiting(sqlite3 *db, const struct order *o, const char *after, struct index_study *out, struct why *why)
{
	const char *const texts[] = { o->accession, o->patient_id, o->date, after, o->study_uid };
	sqlite3_stmt *st;
	enum err e = orders_prepare(db, "SELECT study_uid, accession, patient_id, issuer, study_date, modalities FROM order_study WHERE order_id = 0 AND study_uid > ?4 AND"
	                            " (study_uid = ?5 OR accession = ?1 AND accession <> '' OR patient_id = ?2 AND patient_id <> '' AND study_date = ?3) ORDER BY study_uid LIMIT 1", texts, 5, &st, why);
	if (e)
		return e;
	e = sql_step(st, why);
	if (!e) {
		memset(out, 0, sizeof(*out));
		sql_copy(st, 0, out->study_uid.s, sizeof(out->study_uid.s));
		sql_copy(st, 1, out->accession, sizeof(out->accession));
		sql_copy(st, 2, out->patient_id, sizeof(out->patient_id));
		sql_copy(st, 3, out->issuer, sizeof(out->issuer));
		sql_copy(st, 4, out->study_date, sizeof(out->study_date));
		sql_copy(st, 5, out->modalities, sizeof(out->modalities));
	}
	sql_close_one(&st);
	return e;
}

enum err orders_match_order(sqlite3 *db, int64_t id, int64_t now_ms, enum err (*fn)(void *arg, const char *study_uid, struct why *why), void *arg,
                            unsigned *n, struct why *why)
{
	struct order_row row;
	struct index_study study;
	char after[BOUND_UID + 1] = "";
	enum err e = orders_get(db, id, &row, why);
	*n = 0;
	while (!e && !(e = next_waiting(db, &row.o, after, &study, why))) {
		enum order_how how;
		int64_t order;
		memcpy(after, study.study_uid.s, sizeof(after));
		e = orders_match_study(db, &study, now_ms, &how, &order, why);
		if (!e && order == id) {
			(*n)++;
			e = fn(arg, study.study_uid.s, why);
		}
	}
	return e == ERR_END ? ERR_OK : e;
}

enum err orders_of_study(sqlite3 *db, const char *study_uid, struct order_row *out, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = orders_prepare(db, ORDER_SELECT "WHERE o.id = (SELECT order_id FROM order_study WHERE study_uid = ?1)", &study_uid, 1, &st, why);
	if (e)
		return e;
	e = sql_step(st, why);
	if (!e)
		orders_read_row(st, out);
	sql_close_one(&st);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err orders_study_complete(sqlite3 *db, const char *study_uid, int64_t now_ms, struct why *why)
{
	struct order_row row;
	enum err e = orders_of_study(db, study_uid, &row, why);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	/* STARTED means that a modality reports its step: it says itself when it is over. */
	return row.state == ORDER_STARTED ? ERR_OK : orders_move(db, row.id, ORDER_COMPLETED, "its images came", "quiet time", now_ms, why);
}
