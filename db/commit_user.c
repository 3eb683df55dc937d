#include "db/commit_user.h"

#include <stdio.h>
#include <string.h>

#include "pacs/base/fault.h"
#include "db/work_sql.h"

enum { SENDING = -1, WANTED = 0 };       /* commit_item.request */

/* ---- wanting ---- */

static enum err has_refused(struct work *w, const char *to, int64_t now_ms, bool *out, struct why *why)
{
	int64_t at;
	enum err e = sql_number(w->db, why, &at, "SELECT refused_ms FROM commit_peer WHERE to_name = ?1", "t", to);
	*out = at && at <= now_ms && now_ms - at < COMMIT_REFUSED_MS;
	return e;
}

static enum err want(struct work *w, int64_t job, const char *to, const char *sop_instance, int64_t due_ms, struct why *why)
{
	return sql_do(w->db, why, "INSERT INTO commit_item VALUES(?1, ?2, ?3, 0, 0, 0, ?4, '') ON CONFLICT(job) DO UPDATE SET request = 0, due_ms = excluded.due_ms",
	              "itti", job, to, sop_instance, due_ms);
}

enum err commit_want(struct work *w, const struct work_job *j, bool is_auto, int64_t now_ms, struct why *why)
{
	bool refused = false;
	if (fault_fails(FAULT_WRITE))
		return fail_errno(why, ERR_IO, "writing what shall be confirmed to work.db");
	enum err e = is_auto ? has_refused(w, j->to, now_ms, &refused, why) : ERR_OK;
	if (e || refused)
		return e;
	return want(w, j->id, j->to, j->sop_instance.s, now_ms + COMMIT_GATHER_MS, why);
}

static enum err job_of(struct work *w, uint64_t instance, const char *to, int64_t *id, int64_t *state, struct why *why)
{
	sqlite3_stmt *st;
	*id = 0;
	enum err e = sql_ask(w->db, why, &st, "SELECT id, state FROM job WHERE instance = ?1 AND kind = ?2 AND to_name = ?3", "iit",
	                     (int64_t)instance, (int64_t)JOB_FORWARD, to);
	if (e)
		return e;
	e = sql_step(st, why);
	if (!e) {
		*id = sql_int(st, 0);
		*state = sql_int(st, 1);
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

static enum err insert_sent(struct work *w, const struct index_instance *what, const char *to, int64_t now_ms, int64_t *id, struct why *why)
{
	enum err e = sql_do(w->db, why, "INSERT INTO job(kind, state, hold, blocked, instance, size, sop_instance, study, to_name, source, priority, tries,"
	                    " created_ms, changed_ms, until_ms, why) VALUES(?1, ?2, 0, 0, ?3, ?4, ?5, ?6, ?7, '', 0, 0, ?8, ?8, 0, 'asked whether it is there')",
	                    "iiiittti", (int64_t)JOB_FORWARD, (int64_t)JOB_SENT, (int64_t)what->instance, (int64_t)what->size, what->sop_uid.s,
	                    what->study_uid.s, to, now_ms);
	*id = sqlite3_last_insert_rowid(w->db);
	return e;
}

enum err commit_ask_for(struct work *w, const struct index_instance *what, const char *to, int64_t now_ms, struct why *why)
{
	int64_t id, state = JOB_SENT, wanted = 0;
	enum err e = job_of(w, what->instance, to, &id, &state, why);
	if (!e && id)
		e = sql_number(w->db, why, &wanted, "SELECT count(*) FROM commit_item WHERE job = ?1", "i", id);
	if (e)
		return e;
	if (wanted || job_state_is_open((enum job_state)state))
		return ERR_EXISTS;
	if (!id)
		e = insert_sent(w, what, to, now_ms, &id, why);
	else if (state == JOB_CONFIRMED)         /* what it said then is not what it says now */
		e = sql_do(w->db, why, "UPDATE job SET state = ?1, changed_ms = ?2 WHERE id = ?3", "iii", (int64_t)JOB_SENT, now_ms, id);
	return e ? e : want(w, id, to, what->sop_uid.s, now_ms, why);
}

/* ---- asking ---- */

/* The objects of a request are to be asked for again, from `due_ms` on. */
static enum err ask_anew(struct work *w, int64_t request, int64_t due_ms, struct why *why)
{
	return sql_do(w->db, why, "UPDATE commit_item SET request = 0, due_ms = ?1 WHERE request = ?2", "ii", due_ms, request);
}

static enum err move_request(struct work *w, int64_t id, enum commit_request_state state, int64_t until_ms, int64_t now_ms, struct why *why)
{
	return sql_do(w->db, why, "UPDATE commit_request SET state = ?1, until_ms = ?2, changed_ms = ?3 WHERE id = ?4", "iiii", (int64_t)state, until_ms, now_ms, id);
}

/* One open request of this node (all: "") that is due; ERR_END. */
static enum err next_open(struct work *w, const char *to, int64_t now_ms, int64_t *id, enum commit_request_state *state, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_ask(w->db, why, &st, "SELECT id, state FROM commit_request WHERE state < 2 AND (?1 = '' OR to_name = ?1) AND until_ms <= ?2 LIMIT 1", "ti", to, now_ms);
	if (e)
		return e;
	e = sql_step(st, why);
	if (!e) {
		*id = sql_int(st, 0);
		*state = (enum commit_request_state)sql_int(st, 1);
	}
	sql_close_one(&st);
	return e;
}

static enum err give_up_late(struct work *w, const char *to, int64_t until_ms, int64_t now_ms, struct why *why)
{
	int64_t id;
	enum commit_request_state state;
	enum err e;
	while (!(e = next_open(w, to, until_ms, &id, &state, why))) {
		struct commit_request_step step = commit_request_step(state, REQUEST_LATE);
		e = move_request(w, id, step.next, 0, now_ms, why);
		if (!e && step.action == REQUEST_ASK_ANEW)
			e = ask_anew(w, id, now_ms, why);
		if (e)
			return e;
	}
	return e == ERR_END ? ERR_OK : e;
}

static enum err back_off_until(struct work *w, const char *to, int64_t *out, struct why *why)
{
	return sql_number(w->db, why, out, "SELECT until_ms FROM commit_peer WHERE to_name = ?1", "t", to);
}

static enum err first_due(struct work *w, const char *to, int64_t *out, struct why *why)
{
	return sql_number(w->db, why, out, "SELECT min(due_ms) FROM commit_item WHERE request = 0 AND to_name = ?1", "t", to);
}

static enum err take_objects(struct work *w, const char *to, int64_t now_ms, struct commit_request *out, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_ask(w->db, why, &st, "SELECT c.job, j.instance, c.sop_instance FROM commit_item AS c JOIN job AS j ON j.id = c.job"
	                     " WHERE c.request = 0 AND c.to_name = ?1 AND c.due_ms <= ?2 ORDER BY c.due_ms LIMIT ?3", "tii", to,
	                     now_ms + COMMIT_GATHER_MS, (int64_t)COMMIT_BATCH);
	if (e)
		return e;
	out->count = 0;
	while (out->count < COMMIT_BATCH && !(e = sql_step(st, why))) {
		struct commit_object *o = &out->objects[out->count++];
		*o = (struct commit_object){ .job = sql_int(st, 0), .instance = (uint64_t)sql_int(st, 1) };
		sql_copy(st, 2, o->sop_instance.s, sizeof(o->sop_instance.s));
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

static enum err insert_request(struct work *w, const char *to, int64_t now_ms, struct commit_request *out, struct why *why)
{
	enum err e = uid_new(&out->transaction);
	if (e)
		return fail(why, e, "no Transaction UID");
	e = sql_do(w->db, why, "INSERT INTO commit_request(transaction_uid, to_name, state, objects, created_ms, until_ms, changed_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?5)",
	           "ttiiii", out->transaction.s, to, (int64_t)REQUEST_ASKING, (int64_t)out->count, now_ms, now_ms + COMMIT_ACTION_MS);
	out->id = sqlite3_last_insert_rowid(w->db);
	for (size_t i = 0; i < out->count && !e; i++)
		e = sql_do(w->db, why, "UPDATE commit_item SET request = ?1, asked = asked + 1 WHERE job = ?2", "ii", out->id, out->objects[i].job);
	return e;
}

static void earlier(int64_t *ms, int64_t other)
{
	if (other && (!*ms || other < *ms))
		*ms = other;
}

enum err commit_next(struct work *w, const char *to, int64_t now_ms, struct commit_request *out, int64_t *next_ms, struct why *why)
{
	int64_t late, until, due;
	*next_ms = 0;
	enum err e = give_up_late(w, to, now_ms, now_ms, why);
	if (!e)
		e = back_off_until(w, to, &until, why);
	if (!e)
		e = first_due(w, to, &due, why);
	if (!e)
		e = sql_number(w->db, why, &late, "SELECT min(until_ms) FROM commit_request WHERE state < 2 AND to_name = ?1", "t", to);
	if (e)
		return e;
	earlier(next_ms, late);
	if (due && due < until)
		due = until;
	earlier(next_ms, due);
	if (!due || due > now_ms)
		return ERR_END;
	e = take_objects(w, to, now_ms, out, why);
	if (!e && !out->count)
		return ERR_END;
	return e ? e : insert_request(w, to, now_ms, out, why);
}

enum err commit_forget(struct work *w, int64_t job, struct why *why)
{
	return sql_do(w->db, why, "DELETE FROM commit_item WHERE job = ?1", "i", job);
}

static enum err peer_failed(struct work *w, const char *to, const struct commit_asked *how, struct why *why)
{
	int64_t tries;
	enum err e = sql_number(w->db, why, &tries, "SELECT tries FROM commit_peer WHERE to_name = ?1", "t", to);
	if (e)
		return e;
	uint64_t wait = job_back_off_ms((unsigned)++tries, how->retry_min_s, how->retry_max_s, how->random);
	return sql_do(w->db, why, "INSERT INTO commit_peer VALUES(?1, ?2, ?3, 0, ?4) ON CONFLICT DO UPDATE SET tries = excluded.tries, until_ms = excluded.until_ms, why = excluded.why",
	              "tiit", to, tries, how->now_ms + (int64_t)wait, how->why ? how->why : "");
}

static enum err peer_succeeded(struct work *w, const char *to, struct why *why)
{
	return sql_do(w->db, why, "DELETE FROM commit_peer WHERE to_name = ?1", "t", to);
}

static enum err request_state(struct work *w, int64_t id, enum commit_request_state *out, struct why *why)
{
	int64_t state;
	enum err e = sql_number(w->db, why, &state, "SELECT state FROM commit_request WHERE id = ?1", "i", id);
	*out = (enum commit_request_state)state;
	return e;
}

enum err commit_asked(struct work *w, const char *to, int64_t request, const struct commit_asked *how, struct why *why)
{
	enum commit_request_state state;
	enum err e = request_state(w, request, &state, why);
	if (e)
		return e;
	struct commit_request_step step = commit_request_step(state, how->is_accepted ? REQUEST_ACCEPTED : REQUEST_FAILED);
	if (step.action == REQUEST_WAIT)
		e = move_request(w, request, step.next, how->now_ms + (int64_t)how->answer_s * 1000, how->now_ms, why);
	else if (step.action == REQUEST_ASK_ANEW)
		e = ask_anew(w, request, how->now_ms, why);
	/* One whose Transaction UID nobody has seen need not be remembered. */
	if (!e && step.action == REQUEST_ASK_ANEW)
		e = how->was_sent ? move_request(w, request, step.next, 0, how->now_ms, why)
		                  : sql_do(w->db, why, "DELETE FROM commit_request WHERE id = ?1", "i", request);
	if (e)
		return e;
	return how->is_accepted ? peer_succeeded(w, to, why) : peer_failed(w, to, how, why);
}

enum err commit_drop(struct work *w, const char *to, int64_t now_ms, unsigned *n, struct why *why)
{
	enum err e = sql_do(w->db, why, "DELETE FROM commit_item WHERE to_name = ?1", "t", to);
	*n = (unsigned)sqlite3_changes(w->db);
	if (!e)
		e = sql_do(w->db, why, "UPDATE commit_request SET state = ?1, until_ms = 0, changed_ms = ?2 WHERE state < 2 AND to_name = ?3", "iit", (int64_t)REQUEST_OVER, now_ms, to);
	return e;
}

enum err commit_refused(struct work *w, const char *to, int64_t now_ms, const char *words, unsigned *n, struct why *why)
{
	enum err e = commit_drop(w, to, now_ms, n, why);
	if (!e)
		e = sql_do(w->db, why, "INSERT INTO commit_peer VALUES(?1, 0, 0, ?2, ?3) ON CONFLICT DO UPDATE SET tries = 0, until_ms = 0, refused_ms = excluded.refused_ms, why = excluded.why",
		           "tit", to, now_ms, words);
	return e;
}

/* ---- results ---- */

struct found { int64_t job, request; unsigned asked, resent; };

static enum err find_item(struct work *w, const char *to, const char *sop_instance, struct found *out, struct why *why)
{
	sqlite3_stmt *st;
	*out = (struct found){ 0 };
	enum err e = sql_ask(w->db, why, &st, "SELECT job, request, asked, resent FROM commit_item WHERE to_name = ?1 AND sop_instance = ?2", "tt", to, sop_instance);
	if (e)
		return e;
	e = sql_step(st, why);
	if (!e)
		*out = (struct found){ sql_int(st, 0), sql_int(st, 1), (unsigned)sql_int(st, 2), (unsigned)sql_int(st, 3) };
	sql_close_one(&st);
	return e;
}

static enum err confirm(struct work *w, const struct commit_result *r, const struct found *f, struct commit_tally *out, struct why *why)
{
	const struct work_event ev = { .event = JOB_CONFIRM, .now_ms = r->now_ms };
	enum job_state after;
	enum err e = work_apply(w, f->job, &ev, &after, why);
	if (e || after != JOB_CONFIRMED)
		return e;        /* it is being sent again: the next answer counts */
	out->confirmed++;
	return sql_do(w->db, why, "DELETE FROM commit_item WHERE job = ?1", "i", f->job);
}

static enum err hold(struct work *w, const struct commit_result *r, const struct found *f, const char *words, struct commit_tally *out, struct why *why)
{
	const struct work_event ev = { .event = JOB_DENIED, .hold = HOLD_REFUSED, .why = words, .now_ms = r->now_ms };
	enum err e = work_apply(w, f->job, &ev, NULL, why);
	out->held++;
	return e ? e : sql_do(w->db, why, "DELETE FROM commit_item WHERE job = ?1", "i", f->job);
}

static enum err send_again(struct work *w, const struct commit_result *r, const struct found *f, const char *words, struct commit_tally *out, struct why *why)
{
	const struct work_event ev = { .event = JOB_LOST, .why = words, .now_ms = r->now_ms, .random = r->random,
	                               .wait_ms = job_back_off_ms(f->resent + 1, r->retry_min_s, r->retry_max_s, r->random) };
	enum err e = work_apply(w, f->job, &ev, NULL, why);
	out->again++;
	return e ? e : sql_do(w->db, why, "UPDATE commit_item SET request = ?1, resent = resent + 1, why = ?2 WHERE job = ?3", "iti", (int64_t)SENDING, words, f->job);
}

static enum err ask_again(struct work *w, const struct commit_result *r, const struct found *f, const char *words, struct commit_tally *out, struct why *why)
{
	uint64_t wait = job_back_off_ms(f->asked, r->retry_min_s, r->retry_max_s, r->random);
	out->again++;
	return sql_do(w->db, why, "UPDATE commit_item SET request = 0, due_ms = ?1, why = ?2 WHERE job = ?3", "iti", r->now_ms + (int64_t)wait, words, f->job);
}

static enum err failed(struct work *w, const struct commit_result *r, const struct commit_said *s, const struct found *f, struct commit_tally *out, struct why *why)
{
	char words[161];
	enum commit_remedy remedy = commit_remedy(s->reason);
	snprintf(words, sizeof(words), "the far end does not commit it: %04X %s", s->reason, commit_reason_text(s->reason));
	if (remedy == COMMIT_ASK_AGAIN)
		return ask_again(w, r, f, words, out, why);
	if (remedy == COMMIT_SEND_AGAIN && f->resent < COMMIT_RESENDS)
		return send_again(w, r, f, words, out, why);
	if (remedy == COMMIT_SEND_AGAIN)
		snprintf(words, sizeof(words), "sent %u times, and the far end does not commit it: %04X %s", f->resent + 1, s->reason, commit_reason_text(s->reason));
	return hold(w, r, f, words, out, why);
}

static enum err judge(struct work *w, const struct commit_result *r, int64_t request, struct commit_tally *out, struct why *why)
{
	enum err e = ERR_OK;
	for (size_t i = 0; i < r->count && !e; i++) {
		const struct commit_said *s = &r->said[i];
		struct found f;
		e = find_item(w, r->to, s->sop_instance, &f, why);
		if (e == ERR_END)
			e = ERR_OK;      /* nothing is wanted of it any more */
		else if (!e && !s->reason)
			e = confirm(w, r, &f, out, why);
		else if (!e && f.request == request)
			e = failed(w, r, s, &f, out, why);
	}
	return e;
}

enum err commit_result(struct work *w, const struct commit_result *r, struct commit_tally *out, struct why *why)
{
	int64_t id;
	enum commit_request_state state;
	*out = (struct commit_tally){ 0 };
	if (fault_fails(FAULT_WRITE))
		return fail_errno(why, ERR_IO, "writing a commitment result to work.db");
	enum err e = sql_number(w->db, why, &id, "SELECT id FROM commit_request WHERE transaction_uid = ?1 AND to_name = ?2", "tt", r->transaction, r->to);
	if (!e && !id)
		return fail(why, ERR_NOT_FOUND, "no transaction %s was asked of %s", r->transaction, r->to);
	if (!e)
		e = request_state(w, id, &state, why);
	if (e)
		return e;
	struct commit_request_step step = commit_request_step(state, REQUEST_RESULT);
	e = step.action == REQUEST_JUDGE ? judge(w, r, id, out, why) : ERR_OK;
	/* What the result does not name stays wanted, but is not asked for at once: a peer that never names it would be asked without end. */
	if (!e)
		e = ask_anew(w, id, r->now_ms + (int64_t)r->answer_s * 1000, why);
	out->unmentioned = (unsigned)sqlite3_changes(w->db);
	return e ? e : move_request(w, id, step.next, 0, r->now_ms, why);
}

enum err commit_recover(struct work *w, int64_t now_ms, struct why *why)
{
	enum err e = sql_do(w->db, why, "UPDATE commit_item SET request = 0, due_ms = ?1 WHERE request IN (SELECT id FROM commit_request WHERE state = ?2)", "ii",
	                    now_ms, (int64_t)REQUEST_ASKING);
	return e ? e : sql_do(w->db, why, "UPDATE commit_request SET state = ?1, until_ms = 0, changed_ms = ?2 WHERE state < 2 AND state = ?3", "iii",
	                      (int64_t)REQUEST_OVER, now_ms, (int64_t)REQUEST_ASKING);
}

enum err commit_hurry(struct work *w, const char *to, struct why *why)
{
	enum err e = sql_do(w->db, why, "DELETE FROM commit_peer WHERE ?1 = '' OR to_name = ?1", "t", to ? to : "");
	return e ? e : sql_do(w->db, why, "UPDATE commit_item SET due_ms = 1 WHERE request = 0 AND (?1 = '' OR to_name = ?1)", "t", to ? to : "");
}

/* ---- reading ---- */

enum err commit_request_list(struct work_reader *r, unsigned limit, bool (*fn)(void *arg, const struct commit_request_row *row), void *arg, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_ask(work_reader_db(r), why, &st, "SELECT transaction_uid, to_name, state, objects, created_ms, until_ms FROM commit_request ORDER BY id DESC LIMIT ?1",
	                     "i", (int64_t)limit);
	while (!e && !(e = sql_step(st, why))) {
		struct commit_request_row row = { .state = (enum commit_request_state)sql_int(st, 2), .objects = (unsigned)sql_int(st, 3),
		                                  .created_ms = sql_int(st, 4), .until_ms = sql_int(st, 5) };
		sql_copy(st, 0, row.transaction.s, sizeof(row.transaction.s));
		sql_copy(st, 1, row.to, sizeof(row.to));
		if (!fn(arg, &row))
			break;
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}

enum err commit_node_list(struct work_reader *r, bool (*fn)(void *arg, const struct commit_node_row *row), void *arg, struct why *why)
{
	sqlite3_stmt *st;
	enum err e = sql_ask(work_reader_db(r), why, &st,
		"SELECT n.to_name, (SELECT count(*) FROM commit_item WHERE request = 0 AND to_name = n.to_name),"
		" (SELECT count(*) FROM commit_item WHERE request > 0 AND to_name = n.to_name), (SELECT count(*) FROM commit_item WHERE request = -1 AND to_name = n.to_name),"
		" coalesce(p.tries, 0), coalesce(p.until_ms, 0), coalesce(p.refused_ms, 0), coalesce(p.why, '')"
		" FROM (SELECT to_name FROM commit_item UNION SELECT to_name FROM commit_peer) AS n LEFT JOIN commit_peer AS p ON p.to_name = n.to_name ORDER BY 1", "");
	while (!e && !(e = sql_step(st, why))) {
		struct commit_node_row row = { .wanted = (uint64_t)sql_int(st, 1), .asked = (uint64_t)sql_int(st, 2), .sending = (uint64_t)sql_int(st, 3),
		                               .tries = (unsigned)sql_int(st, 4), .until_ms = sql_int(st, 5), .refused_ms = sql_int(st, 6) };
		sql_copy(st, 0, row.to, sizeof(row.to));
		sql_copy(st, 7, row.why, sizeof(row.why));
		if (!fn(arg, &row))
			break;
	}
	sql_close_one(&st);
	return e == ERR_END ? ERR_OK : e;
}
