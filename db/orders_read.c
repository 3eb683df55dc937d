/* Reading orders: for the modality worklist and the admin's lists. */
#include "db/orders_sql.h"

#include <stdio.h>
#include <stdlib.h>

#include "db/work_schema.h"

struct orders_reader {
	sqlite3 *db;
};

enum err orders_reader_open(const char *dir, struct orders_reader **out, struct why *why)
{
	char path[4096 + 16];
	struct orders_reader *r = calloc(1, sizeof(*r));
	*out = NULL;
	if (!r)
		return fail(why, ERR_NOMEM, "no memory for a reader of orders");
	snprintf(path, sizeof(path), "%s/work.db", dir);
	enum err e = sql_open_reader(path, &work_schema, &r->db, why);
	if (e)
		free(r);
	else
		*out = r;
	return e;
}

void orders_reader_close(struct orders_reader **r)
{
	if (!*r)
		return;
	sql_close(&(*r)->db);
	free(*r);
	*r = NULL;
}

struct sqlite3 *orders_reader_db(struct orders_reader *r)
{
	return r->db;
}

#define ORDER_FILTER \
	"((1 << o.state) & ?5) AND (?1 = '' OR o.date >= ?1) AND (?2 = '' OR o.date <= ?2) AND (?3 = '' OR o.accession = ?3) AND (?4 = '' OR o.patient_id = ?4)"

/* Only few orders are open, so a walk over those is short; one number narrows it at once. */
static const char *page_sql(const struct orders_filter *f)
{
	bool only_open = f->states && !(f->states & ~(1u << ORDER_SCHEDULED | 1u << ORDER_STARTED));
	if (f->accession && f->accession[0])
		return ORDER_SELECT "WHERE o.accession = ?3 AND o.id > ?6 AND " ORDER_FILTER " ORDER BY o.id LIMIT ?7";
	if (f->patient_id && f->patient_id[0])
		return ORDER_SELECT "WHERE o.patient_id = ?4 AND o.id > ?6 AND " ORDER_FILTER " ORDER BY o.id LIMIT ?7";
	if (only_open)
		return ORDER_SELECT "WHERE o.state IN (0, 1) AND o.id > ?6 AND " ORDER_FILTER " ORDER BY o.id LIMIT ?7";
	return ORDER_SELECT "WHERE o.id > ?6 AND " ORDER_FILTER " ORDER BY o.id LIMIT ?7";
}

static enum err run_rows(struct orders_reader *r, const char *sql, const struct orders_filter *f, int64_t after, unsigned max,
                         bool (*fn)(void *arg, const struct order_row *row), void *arg, struct why *why)
{
	const char *const texts[] = { f->from ? f->from : "", f->to ? f->to : "", f->accession ? f->accession : "", f->patient_id ? f->patient_id : "" };
	struct order_row row;
	sqlite3_stmt *st;
	enum err e = orders_prepare(r->db, sql, texts, 4, &st, why);
	if (e)
		return e;
	sql_bind_int(st, 5, f->states ? f->states : ~0u);
	sql_bind_int(st, 6, after);
	sql_bind_int(st, 7, max);
	while (!(e = sql_step(st, why))) {
		orders_read_row(st, &row);
		if (!fn(arg, &row))
			break;
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

enum err orders_page(struct orders_reader *r, const struct orders_filter *f, int64_t after, unsigned max,
                     bool (*fn)(void *arg, const struct order_row *row), void *arg, struct why *why)
{
	return run_rows(r, page_sql(f), f, after, max, fn, arg, why);
}

enum err orders_list(struct orders_reader *r, const struct orders_filter *f, unsigned limit, bool (*fn)(void *arg, const struct order_row *row), void *arg, struct why *why)
{
	return run_rows(r, ORDER_SELECT "WHERE o.id > ?6 AND " ORDER_FILTER " ORDER BY o.id DESC LIMIT ?7", f, 0, limit, fn, arg, why);
}

/* ---- studies ---- */

#define STUDY_SELECT "SELECT study_uid, how, accession, patient_id, study_date, modalities, candidates, at_ms FROM order_study "

static void read_study(sqlite3_stmt *st, struct order_study *s)
{
	sql_copy(st, 0, s->study_uid.s, sizeof(s->study_uid.s));
	sql_copy(st, 1, s->how, sizeof(s->how));
	sql_copy(st, 2, s->accession, sizeof(s->accession));
	sql_copy(st, 3, s->patient_id, sizeof(s->patient_id));
	sql_copy(st, 4, s->date, sizeof(s->date));
	sql_copy(st, 5, s->modality, sizeof(s->modality));
	s->candidates = (unsigned)sql_int(st, 6);
	s->at_ms = sql_int(st, 7);
}

enum err orders_unmatched(struct orders_reader *r, unsigned limit, bool (*fn)(void *arg, const struct order_study *s), void *arg, struct why *why)
{
	struct order_study s;
	sqlite3_stmt *st;
	enum err e = sql_prepare(r->db, STUDY_SELECT "WHERE order_id = 0 ORDER BY at_ms DESC LIMIT ?1", &st, why);
	if (e)
		return e;
	sql_bind_int(st, 1, limit);
	while (!(e = sql_step(st, why))) {
		read_study(st, &s);
		if (!fn(arg, &s))
			break;
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

enum err orders_study_get(struct orders_reader *r, const char *study_uid, struct order_study *out, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = orders_prepare(r->db, STUDY_SELECT "WHERE study_uid = ?1", &study_uid, 1, &st, why);
	if (e)
		return e;
	e = sql_step(st, why);
	if (!e)
		read_study(st, out);
	sql_close_one(&st);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

/* ---- messages ---- */

enum err orders_messages(struct orders_reader *r, unsigned limit, bool (*fn)(void *arg, const struct order_message *m), void *arg, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(r->db, "SELECT id, at_ms, peer, type, control, reason, raw FROM order_message ORDER BY id DESC LIMIT ?1", &st, why);
	if (e)
		return e;
	sql_bind_int(st, 1, limit);
	while (!(e = sql_step(st, why))) {
		struct order_message m = { .id = sql_int(st, 0), .at_ms = sql_int(st, 1), .raw = sql_blob(st, 6) };
		sql_copy(st, 2, m.from, sizeof(m.from));
		sql_copy(st, 3, m.type, sizeof(m.type));
		sql_copy(st, 4, m.control, sizeof(m.control));
		sql_copy(st, 5, m.reason, sizeof(m.reason));
		if (!fn(arg, &m))
			break;
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}
