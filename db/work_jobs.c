#include <stdio.h>

#include "pacs/base/fault.h"
#include "db/work_sql.h"

const char *job_kind_name(enum job_kind k)
{
	return k == JOB_FORWARD ? "forward" : k == JOB_COMPRESS ? "compress" : k == JOB_NOTIFY ? "notify" : k == JOB_MPPS ? "mpps" : "unknown";
}

const char *job_confirm_name(enum job_confirm c)
{
	static const char *const names[] = { "", "wanted", "asked", "sent again" };
	return (unsigned)c < NELEM(names) ? names[c] : "unknown";
}

/* ---- new jobs ---- */

enum err work_enqueue(struct work *w, const struct work_job *j, struct why *why)
{
	sqlite3_stmt *st = w->st[WORK_ENQUEUE];
	if (fault_fails(FAULT_WRITE))
		return fail_errno(why, ERR_IO, "writing a job to work.db");
	sql_bind_int(st, 1, j->kind);
	sql_bind_int(st, 2, j->hold ? JOB_HELD : JOB_QUEUED);
	sql_bind_int(st, 3, j->hold);
	sql_bind_int(st, 4, j->is_blocked);
	sql_bind_int(st, 5, (int64_t)j->instance);
	sql_bind_int(st, 6, (int64_t)j->size);
	sql_bind_text(st, 7, j->sop_instance.s);
	sql_bind_text(st, 8, j->study.s);
	sql_bind_text(st, 9, j->to);
	sql_bind_text(st, 10, j->source);
	sql_bind_int(st, 11, j->priority);
	sql_bind_int(st, 12, j->created_ms);
	sql_bind_text(st, 13, j->why);
	return sql_run(st, why);
}

/* ---- claiming ---- */

static enum err queue_due(struct work *w, enum job_kind kind, const char *to, int64_t now_ms, struct why *why)
{
	sqlite3_stmt *st = w->st[WORK_DUE];
	sql_bind_int(st, 1, job_state_step(JOB_WAITING, JOB_DUE).next);
	sql_bind_int(st, 2, now_ms);
	sql_bind_int(st, 3, kind);
	sql_bind_text(st, 4, to);
	sql_bind_int(st, 5, JOB_WAITING);
	return sql_run(st, why);
}

static enum err next_jobs(struct work *w, enum job_kind kind, const char *to, size_t max, uint64_t max_bytes,
                          struct work_job *out, size_t *n, struct why *why)
{
	sqlite3_stmt *st = w->st[WORK_NEXT];
	uint64_t bytes = 0;
	enum err e = ERR_OK;
	sql_bind_int(st, 1, kind);
	sql_bind_text(st, 2, to);
	sql_bind_int(st, 3, JOB_QUEUED);
	sql_bind_int(st, 4, (int64_t)max);
	while (*n < max && bytes < max_bytes && !(e = sql_step(st, why))) {
		work_read_job(st, &out[*n]);
		bytes += out[(*n)++].size;
	}
	if (!e)
		sql_done(st);
	return e == ERR_END ? ERR_OK : e;
}

static enum err lease(struct work *w, struct work_job *j, int64_t now_ms, struct why *why)
{
	sqlite3_stmt *st = w->st[WORK_LEASE];
	j->state = job_state_step(j->state, JOB_CLAIM).next;
	sql_bind_int(st, 1, j->state);
	sql_bind_int(st, 2, now_ms);
	sql_bind_int(st, 3, j->id);
	return sql_run(st, why);
}

static enum err next_due(struct work *w, enum job_kind kind, const char *to, int64_t *next_ms, struct why *why)
{
	sqlite3_stmt *st = w->st[WORK_NEXT_DUE];
	sql_bind_int(st, 1, kind);
	sql_bind_text(st, 2, to);
	sql_bind_int(st, 3, JOB_WAITING);
	enum err e = sql_step(st, why);
	if (!e) {
		*next_ms = sql_int(st, 0);
		sql_done(st);
	}
	return e;
}

enum err work_claim(struct work *w, enum job_kind kind, const char *to, int64_t now_ms, size_t max, uint64_t max_bytes,
                    struct work_job *out, size_t *n, int64_t *next_ms, struct why *why)
{
	*n = 0;
	*next_ms = 0;
	enum err e = queue_due(w, kind, to, now_ms, why);
	if (!e)
		e = next_jobs(w, kind, to, max, max_bytes ? max_bytes : 1, out, n, why);
	for (size_t i = 0; !e && i < *n; i++)
		e = lease(w, &out[i], now_ms, why);
	if (!e && !*n)
		e = next_due(w, kind, to, next_ms, why);
	return e;
}

enum err work_claim_in_order(struct work *w, enum job_kind kind, const char *to, int64_t now_ms, struct work_job *out, size_t *n, int64_t *next_ms, struct why *why)
{
	sqlite3_stmt *st = w->st[WORK_NEXT_IN_ORDER];
	*n = 0;
	*next_ms = 0;
	enum err e = queue_due(w, kind, to, now_ms, why);
	if (e)
		return e;
	sql_bind_int(st, 1, kind);
	sql_bind_text(st, 2, to);
	sql_bind_int(st, 3, JOB_QUEUED);
	sql_bind_int(st, 4, JOB_WAITING);
	e = sql_step(st, why);
	if (e)
		return e == ERR_END ? ERR_OK : e;
	work_read_job(st, out);
	sql_done(st);
	if (out->state == JOB_WAITING) {
		*next_ms = out->until_ms;
		return ERR_OK;
	}
	*n = 1;
	return lease(w, out, now_ms, why);
}

/* ---- events ---- */

enum err work_get(struct work *w, int64_t id, struct work_job *out, struct why *why)
{
	sqlite3_stmt *st = w->st[WORK_GET];
	sql_bind_int(st, 1, id);
	enum err e = sql_step(st, why);
	if (e)
		return e == ERR_END ? fail(why, ERR_NOT_FOUND, "there is no job %lld", (long long)id) : e;
	work_read_job(st, out);
	sql_done(st);
	return ERR_OK;
}

/* What the table's action makes of the row. */
static void act(struct work_job *j, enum job_action action, const struct work_event *ev)
{
	if (action == JOB_NOTHING)
		return;
	snprintf(j->why, sizeof(j->why), "%s", action != JOB_CLEAR && ev->why ? ev->why : "");
	j->until_ms = 0;
	j->hold = j->state == JOB_HELD ? ev->hold : HOLD_NONE;
	if (action == JOB_CLEAR)
		j->tries = 0;
	if (action == JOB_BACK_OFF) {
		j->tries++;
		uint64_t wait_ms = ev->wait_ms ? ev->wait_ms : job_back_off_ms(j->tries, ev->retry_min_s, ev->retry_max_s, ev->random);
		j->until_ms = ev->now_ms + (int64_t)wait_ms;
	}
}

static enum err save(struct work *w, const struct work_job *j, int64_t now_ms, struct why *why)
{
	sqlite3_stmt *st = w->st[WORK_MOVE];
	sql_bind_int(st, 1, j->state);
	sql_bind_int(st, 2, j->tries);
	sql_bind_int(st, 3, j->until_ms);
	sql_bind_int(st, 4, j->hold);
	sql_bind_text(st, 5, j->why);
	sql_bind_int(st, 6, now_ms);
	sql_bind_int(st, 7, j->id);
	return sql_run(st, why);
}

/* A compression that waits or is held must not keep its image from going out as it is. */
static enum err unblock(struct work *w, const struct work_job *j, struct why *why)
{
	sqlite3_stmt *st = w->st[WORK_UNBLOCK];
	if (j->kind != JOB_COMPRESS || j->state == JOB_QUEUED || j->state == JOB_RUNNING)
		return ERR_OK;
	sql_bind_int(st, 1, (int64_t)j->instance);
	sql_bind_int(st, 2, JOB_FORWARD);
	return sql_run(st, why);
}

enum err work_apply(struct work *w, int64_t id, const struct work_event *ev, enum job_state *after, struct why *why)
{
	struct work_job j;
	if (fault_fails(FAULT_WRITE))
		return fail_errno(why, ERR_IO, "writing job %lld to work.db", (long long)id);
	enum err e = work_get(w, id, &j, why);
	if (e)
		return e;
	struct job_step step = job_state_step(j.state, ev->event);
	if (step.next != j.state || step.action != JOB_NOTHING) {
		j.state = step.next;
		act(&j, step.action, ev);
		e = save(w, &j, ev->now_ms, why);
		if (!e)
			e = unblock(w, &j, why);
	}
	if (after)
		*after = j.state;
	return e;
}

/* ---- events for many ---- */

static enum err move_all(struct work *w, enum job_state from, const char *to, enum job_hold only, const struct work_event *ev, unsigned *n, struct why *why)
{
	struct job_step step = job_state_step(from, ev->event);
	sqlite3_stmt *st = w->st[WORK_MOVE_ALL];
	if (step.next == from && step.action == JOB_NOTHING)
		return ERR_OK;
	sql_bind_int(st, 1, step.next);
	sql_bind_int(st, 2, step.action == JOB_CLEAR ? 1 : step.action == JOB_NOTHING ? 0 : 2);
	sql_bind_int(st, 3, step.next == JOB_HELD ? ev->hold : HOLD_NONE);
	sql_bind_text(st, 4, step.action != JOB_CLEAR && ev->why ? ev->why : "");
	sql_bind_int(st, 5, ev->now_ms);
	sql_bind_int(st, 6, from);
	sql_bind_text(st, 7, to ? to : "");
	sql_bind_int(st, 8, only);
	enum err e = sql_run(st, why);
	if (!e && n)
		*n += (unsigned)sqlite3_changes(w->db);
	return e;
}

static enum err unblock_all(struct work *w, struct why *why)
{
	sqlite3_stmt *st = w->st[WORK_UNBLOCK_ALL];
	sql_bind_int(st, 1, JOB_COMPRESS);
	sql_bind_int(st, 2, JOB_QUEUED);
	sql_bind_int(st, 3, JOB_RUNNING);
	return sql_run(st, why);
}

/* Each job is moved once: the table has no event that leads from one state into another which it moves as well. */
enum err work_apply_all(struct work *w, const char *to, enum job_hold only, const struct work_event *ev, unsigned *n, struct why *why)
{
	enum err e = ERR_OK;
	if (n)
		*n = 0;
	for (unsigned s = 0; !e && s < JOB_STATE_COUNT; s++)
		e = move_all(w, (enum job_state)s, to, only, ev, n, why);
	return e ? e : unblock_all(w, why);
}

static enum err drop_returning(struct work *w, const char *name, const char *aet, struct why *why)
{
	sqlite3_stmt *st = w->st[WORK_DROP_RETURNING];
	sql_bind_int(st, 1, JOB_FORWARD);
	sql_bind_text(st, 2, name);
	sql_bind_int(st, 3, JOB_HELD);
	sql_bind_int(st, 4, HOLD_NO_NODE);
	sql_bind_text(st, 5, aet);
	return sql_run(st, why);
}

static bool is_known(const struct work_node *nodes, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(nodes[i].name, name))
			return true;
	return false;
}

/* One name with open jobs that is no node's; ERR_END: none. Holding its jobs takes it out of the next answer. */
static enum err next_unknown(struct work *w, const struct work_node *nodes, size_t count, char name[33], struct why *why)
{
	sqlite3_stmt *st = w->st[WORK_NAMES];
	enum err e;
	sql_bind_int(st, 1, JOB_COMPRESS);
	sql_bind_int(st, 2, JOB_HELD);
	while (!(e = sql_step(st, why))) {
		sql_copy(st, 0, name, 33);
		if (!is_known(nodes, count, name)) {
			sql_done(st);
			break;
		}
	}
	return e;
}

static enum err hold_unknown(struct work *w, const struct work_node *nodes, size_t count, int64_t now_ms, struct why *why)
{
	char name[33], text[80];
	enum err e;
	while (!(e = next_unknown(w, nodes, count, name, why))) {
		snprintf(text, sizeof(text), "no such node: %s", name);
		const struct work_event ev = { .event = JOB_HOLD, .hold = HOLD_NO_NODE, .why = text, .now_ms = now_ms };
		e = work_apply_all(w, name, HOLD_NONE, &ev, NULL, why);
		if (e)
			return e;
	}
	return e == ERR_END ? ERR_OK : e;
}

enum err work_set_nodes(struct work *w, const struct work_node *nodes, size_t count, int64_t now_ms, unsigned *n, struct why *why)
{
	const struct work_event ev = { .event = JOB_RELEASE, .now_ms = now_ms };
	enum err e = hold_unknown(w, nodes, count, now_ms, why);
	if (n)
		*n = 0;
	for (size_t i = 0; !e && i < count; i++) {
		unsigned one = 0;
		e = drop_returning(w, nodes[i].name, nodes[i].aet, why);
		if (!e)
			e = work_apply_all(w, nodes[i].name, HOLD_NO_NODE, &ev, &one, why);
		if (n)
			*n += one;
	}
	return e;
}
