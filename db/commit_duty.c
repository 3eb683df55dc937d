#include "db/commit_duty.h"

#include <stdlib.h>
#include <string.h>

#include "pacs/base/fault.h"
#include "db/work_sql.h"

/* ---- taking one ---- */

static enum err find_same(struct work *w, const struct commit_duty *d, int64_t *id, enum commit_duty_state *state, struct why *why)
{
	sqlite3_stmt *st;
	*id = 0;
	enum err e = sql_ask(w->db, why, &st, "SELECT id, state FROM commit_duty WHERE calling = ?1 AND transaction_uid = ?2 AND digest = ?3", "ttt",
	                     d->calling, d->refs.transaction.s, d->digest);
	if (e)
		return e;
	e = sql_step(st, why);
	if (!e) {
		*id = sql_int(st, 0);
		*state = (enum commit_duty_state)sql_int(st, 1);
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

static enum err again(struct work *w, int64_t id, enum commit_duty_state state, const char *origin, int64_t now_ms, struct why *why)
{
	struct commit_duty_step step = commit_duty_step(state, DUTY_ASKED_AGAIN);
	if (step.next == state)
		return sql_do(w->db, why, "UPDATE commit_duty SET origin = ?1 WHERE id = ?2", "ti", origin, id);
	return sql_do(w->db, why, "UPDATE commit_duty SET origin = ?1, state = ?2, tries = 0, until_ms = 0, changed_ms = ?3, why = '' WHERE id = ?4", "tiii",
	              origin, (int64_t)step.next, now_ms, id);
}

static enum err insert_refs(struct work *w, int64_t id, const struct commit_refs *refs, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_prepare(w->db, "INSERT INTO commit_ref VALUES(?1, ?2, ?3, ?4, 0)", &st, why);
	for (size_t i = 0; i < refs->count && !e; i++) {
		sql_bind_int(st, 1, id);
		sql_bind_int(st, 2, (int64_t)i);
		sql_bind_text(st, 3, refs->refs[i].sop_class.s);
		sql_bind_text(st, 4, refs->refs[i].sop_instance.s);
		e = sql_run(st, why);
	}
	sql_close_one(&st);
	return e;
}

static enum err insert(struct work *w, const struct commit_duty *d, int64_t now_ms, struct why *why)
{
	int64_t others;
	enum err e = sql_number(w->db, why, &others, "SELECT count(*) FROM commit_duty WHERE calling = ?1 AND transaction_uid = ?2", "tt", d->calling, d->refs.transaction.s);
	if (!e)
		e = sql_do(w->db, why, "INSERT INTO commit_duty(calling, transaction_uid, digest, is_duplicate, state, origin, objects, failed, tries, created_ms, until_ms, changed_ms, why)"
		           " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, ?8, 0, ?8, '')", "tttiitii", d->calling, d->refs.transaction.s, d->digest, (int64_t)(others > 0),
		           (int64_t)DUTY_UNCHECKED, d->origin, (int64_t)d->refs.count, now_ms);
	return e ? e : insert_refs(w, sqlite3_last_insert_rowid(w->db), &d->refs, why);
}

enum err duty_add(struct work *w, const struct commit_duty *d, int64_t now_ms, enum duty_added *out, struct why *why)
{
	int64_t id, open = 0;
	enum commit_duty_state state = DUTY_UNCHECKED;
	*out = DUTY_NEW;
	if (fault_fails(FAULT_WRITE))
		return fail_errno(why, ERR_IO, "writing a commitment request to work.db");
	enum err e = find_same(w, d, &id, &state, why);
	if (!e && id) {
		*out = DUTY_KNOWN;
		return again(w, id, state, d->origin, now_ms, why);
	}
	if (!e)
		e = sql_number(w->db, why, &open, "SELECT count(*) FROM commit_duty WHERE state IN (0, 1) AND state < 2 AND calling = ?1", "t", d->calling);
	if (!e && open >= BOUND_COMMIT_DUTIES) {
		*out = DUTY_FULL;
		return ERR_OK;
	}
	return e ? e : insert(w, d, now_ms, why);
}

/* ---- reading one ---- */

#define DUTY_COLUMNS "id, calling, digest, origin, is_duplicate, tries, transaction_uid, objects"

static void read_duty(sqlite3_stmt *st, struct commit_duty *out, size_t *objects)
{
	*out = (struct commit_duty){ .id = sql_int(st, 0), .is_duplicate = sql_int(st, 4) != 0, .tries = (unsigned)sql_int(st, 5) };
	sql_copy(st, 1, out->calling, sizeof(out->calling));
	sql_copy(st, 2, out->digest, sizeof(out->digest));
	sql_copy(st, 3, out->origin, sizeof(out->origin));
	sql_copy(st, 6, out->refs.transaction.s, sizeof(out->refs.transaction.s));
	*objects = (size_t)sql_int(st, 7);
}

static enum err read_refs(struct work *w, struct commit_duty *d, size_t objects, struct why *why)
{
	sqlite3_stmt *st;
	d->refs.refs = calloc(objects + 1, sizeof(*d->refs.refs));
	if (!d->refs.refs)
		return fail(why, ERR_NOMEM, "no memory for %zu references", objects);
	enum err e = sql_ask(w->db, why, &st, "SELECT sop_class, sop_instance, reason FROM commit_ref WHERE duty = ?1 ORDER BY n", "i", d->id);
	while (!e && d->refs.count < objects && !(e = sql_step(st, why))) {
		struct commit_ref *r = &d->refs.refs[d->refs.count++];
		sql_copy(st, 0, r->sop_class.s, sizeof(r->sop_class.s));
		sql_copy(st, 1, r->sop_instance.s, sizeof(r->sop_instance.s));
		r->reason = (uint16_t)sql_int(st, 2);
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

/* Finalizes st. */
static enum err take_duty(struct work *w, sqlite3_stmt *st, struct commit_duty *out, struct why *why)
{
	size_t objects = 0;
	enum err e = sql_step(st, why);
	*out = (struct commit_duty){ 0 };
	if (!e)
		read_duty(st, out, &objects);
	sql_close_one(&st);
	if (!e && (e = read_refs(w, out, objects, why)))
		commit_refs_free(&out->refs);
	return e;
}

enum err duty_next_unchecked(struct work *w, struct commit_duty *out, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_ask(w->db, why, &st, "SELECT " DUTY_COLUMNS " FROM commit_duty WHERE state = ?1 AND state < 2 ORDER BY id LIMIT 1", "i", (int64_t)DUTY_UNCHECKED);
	return e ? e : take_duty(w, st, out, why);
}

static enum err state_of(struct work *w, int64_t id, enum commit_duty_state *out, struct why *why)
{
	int64_t state;
	enum err e = sql_number(w->db, why, &state, "SELECT coalesce((SELECT state FROM commit_duty WHERE id = ?1), -1)", "i", id);
	*out = (enum commit_duty_state)state;
	return !e && state < 0 ? fail(why, ERR_NOT_FOUND, "there is no commitment request %lld", (long long)id) : e;
}

/* ---- its way ---- */

enum err duty_checked(struct work *w, const struct commit_duty *d, int64_t until_ms, int64_t now_ms, struct why *why)
{
	enum commit_duty_state state;
	int64_t failed = 0;
	enum err e = state_of(w, d->id, &state, why);
	if (e)
		return e;
	struct commit_duty_step step = commit_duty_step(state, DUTY_CHECK_DONE);
	if (step.next == state)
		return ERR_OK;
	e = sql_do(w->db, why, "UPDATE commit_ref SET reason = 0 WHERE duty = ?1 AND reason <> 0", "i", d->id);
	for (size_t i = 0; i < d->refs.count && !e; i++)
		if (d->refs.refs[i].reason) {
			failed++;
			e = sql_do(w->db, why, "UPDATE commit_ref SET reason = ?1 WHERE duty = ?2 AND n = ?3", "iii", (int64_t)d->refs.refs[i].reason, d->id, (int64_t)i);
		}
	return e ? e : sql_do(w->db, why, "UPDATE commit_duty SET state = ?1, failed = ?2, until_ms = ?3, changed_ms = ?4 WHERE id = ?5", "iiiii",
	                      (int64_t)step.next, failed, until_ms, now_ms, d->id);
}

enum err duty_next_report(struct work *w, const char *calling, int64_t now_ms, struct commit_duty *out, int64_t *next_ms, struct why *why)
{
	sqlite3_stmt *st;
	*next_ms = 0;
	enum err e = sql_ask(w->db, why, &st, "SELECT " DUTY_COLUMNS " FROM commit_duty WHERE state = ?1 AND state < 2 AND calling = ?2 AND until_ms <= ?3 ORDER BY id LIMIT 1",
	                     "iti", (int64_t)DUTY_CHECKED, calling, now_ms);
	if (!e)
		e = take_duty(w, st, out, why);
	if (e != ERR_END)
		return e;
	e = sql_number(w->db, why, next_ms, "SELECT min(until_ms) FROM commit_duty WHERE state = ?1 AND state < 2 AND calling = ?2", "it", (int64_t)DUTY_CHECKED, calling);
	return e ? e : ERR_END;
}

enum err duty_reported(struct work *w, int64_t id, int64_t now_ms, struct why *why)
{
	enum commit_duty_state state;
	enum err e = state_of(w, id, &state, why);
	struct commit_duty_step step = e ? (struct commit_duty_step){ 0 } : commit_duty_step(state, DUTY_REPORT_DONE);
	if (e || step.next == state)
		return e;
	return sql_do(w->db, why, "UPDATE commit_duty SET state = ?1, until_ms = 0, changed_ms = ?2, why = '' WHERE id = ?3", "iii", (int64_t)step.next, now_ms, id);
}

enum err duty_failed(struct work *w, int64_t id, bool whole_caller, int64_t now_ms, uint64_t wait_ms, const char *words, struct why *why)
{
	enum commit_duty_state state;
	enum err e = state_of(w, id, &state, why);
	if (e || !commit_duty_step(state, DUTY_REPORT_FAILED).backs_off)
		return e;
	return sql_do(w->db, why, "UPDATE commit_duty SET tries = tries + (id = ?1), until_ms = max(until_ms, ?2), why = ?3"
	              " WHERE state = ?4 AND state < 2 AND (id = ?1 OR (?5 AND calling = (SELECT calling FROM commit_duty WHERE id = ?1)))", "iitii",
	              id, now_ms + (int64_t)wait_ms, words, (int64_t)DUTY_CHECKED, (int64_t)whole_caller);
}

enum err duty_reporting(struct work *w, int64_t id, const char *origin, int64_t until_ms, struct why *why)
{
	return sql_do(w->db, why, "UPDATE commit_duty SET until_ms = ?1, origin = ?2 WHERE id = ?3 AND state = ?4 AND state < 2", "itii", until_ms, origin, id, (int64_t)DUTY_CHECKED);
}

enum err duty_elsewhere(struct work *w, int64_t id, const char *words, struct why *why)
{
	return sql_do(w->db, why, "UPDATE commit_duty SET until_ms = 0, origin = '', why = ?1 WHERE id = ?2 AND state = ?3 AND state < 2", "tii", words, id, (int64_t)DUTY_CHECKED);
}

enum err duty_hurry(struct work *w, const char *calling, struct why *why)
{
	return sql_do(w->db, why, "UPDATE commit_duty SET until_ms = 0 WHERE state = ?1 AND state < 2 AND (?2 = '' OR calling = ?2)", "it", (int64_t)DUTY_CHECKED, calling ? calling : "");
}

/* ---- the list ---- */

enum err duty_list(struct work_reader *r, unsigned limit, bool (*fn)(void *arg, const struct commit_duty_row *row), void *arg, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_ask(work_reader_db(r), why, &st, "SELECT transaction_uid, calling, state, objects, failed, tries, created_ms, until_ms, why FROM commit_duty"
	                     " ORDER BY state = 2, id DESC LIMIT ?1", "i", (int64_t)limit);
	while (!e && !(e = sql_step(st, why))) {
		struct commit_duty_row row = {
			.state = (enum commit_duty_state)sql_int(st, 2), .objects = (unsigned)sql_int(st, 3), .failed = (unsigned)sql_int(st, 4),
			.tries = (unsigned)sql_int(st, 5), .created_ms = sql_int(st, 6), .until_ms = sql_int(st, 7),
		};
		sql_copy(st, 0, row.transaction.s, sizeof(row.transaction.s));
		sql_copy(st, 1, row.calling, sizeof(row.calling));
		sql_copy(st, 8, row.why, sizeof(row.why));
		if (!fn(arg, &row))
			break;
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}
