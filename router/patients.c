#include "router/patients.h"

#include <stdio.h>
#include <stdlib.h>

#include "db/patients.h"
#include "pacs/base/log.h"
#include "pacs/store/edit_json.h"
#include "router/edits.h"

enum { LOOK_MS = 5000, RETRY_MS = 500, ANSWER_MS = 60000, BATCH = 100 };

struct patients {
	struct loop_timer *timer;
	bool is_busy, again;
	int64_t applied;                 /* as storescp said last */
	int64_t followed;                /* work.db has followed up to here, as far as this run knows */
};

struct pass {
	struct router *r;
	int64_t after, last;
	struct index_patient_change changes[BATCH];
	size_t n;
};

static void pass_end(struct pass *p, unsigned again_ms)
{
	struct router *r = p->r;
	struct patients *ps = r->patients;
	patients_free(p->changes, p->n);
	free(p);
	if (!ps)
		return;
	ps->is_busy = false;
	if (ps->again)
		patients_wake(r);
	else if (!r->is_stopping)
		loop_timer_start(ps->timer, again_ms, 0);
}

/* ---- storescp's answer ---- */

static enum err floor_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct pass *p = arg;
	(void)ix;
	return patients_floor(work_db(w), p->after, why);
}

static void floor_done(void *arg, enum err e, const struct why *why)
{
	struct pass *p = arg;
	if (e)
		log_event(LOG_ERROR, "patient_floor", "error", err_name(e), "why", why->text, NULL);
	pass_end(p, LOOK_MS);
}

static void answered(void *arg, enum err e, const json_t *answer, const struct why *why)
{
	struct pass *p = arg;
	struct router *r = p->r;
	if (e) {
		if (p->n)
			log_event(LOG_WARN, "patients_wait", "changes", log_num((long long)p->n).s, "error", err_name(e), "why", why ? why->text : NULL, NULL);
		pass_end(p, p->n ? RETRY_MS : LOOK_MS);
		return;
	}
	int64_t seq = json_integer_value(json_object_get(answer, "seq"));
	bool was_wrong = seq < p->after || (!p->n && seq != p->after);
	if (r->patients)
		r->patients->applied = seq;
	if (r->patients && seq > r->patients->followed && r->work && !r->is_stopping)
		edits_follow(r, seq);
	/* An index that knows more than we do comes from a work.db that is no more. */
	if (seq > p->last && r->work && !r->is_stopping) {
		p->after = seq;
		if (!work_run(r->work, floor_work, floor_done, p))
			return;
	}
	if (r->patients && (was_wrong || seq < p->last))
		r->patients->again = true;
	pass_end(p, LOOK_MS);
}

static json_t *change_json(const struct index_patient_change *c)
{
	if (c->edit)
		return json_pack("{s:I,s:I,s:o}", "seq", (json_int_t)c->seq, "at", (json_int_t)c->at_ms, "edit", edit_to_json(c->edit));
	return json_pack("{s:I,s:I,s:b,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "seq", (json_int_t)c->seq, "at", (json_int_t)c->at_ms, "merge", (int)c->is_merge,
	                 "patient_id", c->patient_id, "issuer", c->issuer, "name", c->name, "birth_date", c->birth_date, "sex", c->sex,
	                 "old_id", c->old_id, "old_issuer", c->old_issuer, "message", c->message);
}

static void ask(struct pass *p)
{
	struct router *r = p->r;
	char path[sizeof(r->conf->dir) + 32];
	json_t *list = json_array();
	for (size_t i = 0; list && i < p->n; i++)
		json_array_append_new(list, change_json(&p->changes[i]));
	json_t *body = json_pack("{s:s,s:I,s:o}", "op", "patient.apply", "after", (json_int_t)p->after, "changes", list);
	snprintf(path, sizeof(path), "%s/run/storescp.sock", r->conf->dir);
	enum err e = body ? ctl_call_async(r->loop, path, body, ANSWER_MS, answered, p) : ERR_NOMEM;
	if (e)
		answered(p, e, NULL, NULL);
}

/* ---- the journal ---- */

static enum err read_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct pass *p = arg;
	(void)ix;
	enum err e = patients_last(work_db(w), &p->last, why);
	return e ? e : patients_after(work_db(w), p->after, p->changes, BATCH, &p->n, why);
}

static void read_done(void *arg, enum err e, const struct why *why)
{
	struct pass *p = arg;
	if (e)
		log_event(LOG_ERROR, "patient_journal", "error", err_name(e), "why", why->text, NULL);
	if (e || p->r->is_stopping)
		pass_end(p, RETRY_MS);
	else
		ask(p);
}

void patients_wake(struct router *r)
{
	struct patients *ps = r->patients;
	if (!ps || r->is_stopping)
		return;
	ps->again = ps->is_busy;
	if (ps->is_busy)
		return;
	struct pass *p = calloc(1, sizeof(*p));
	if (p) {
		p->r = r;
		p->after = ps->applied;
		ps->is_busy = true;
		if (!work_run(r->work, read_work, read_done, p))
			return;
		ps->is_busy = false;
		free(p);
	}
	loop_timer_start(ps->timer, RETRY_MS, 0);
}

void patients_followed(struct router *r, int64_t seq)
{
	if (r->patients && seq > r->patients->followed)
		r->patients->followed = seq;
}

static void on_timer(void *arg)
{
	patients_wake(arg);
}

enum err patients_start(struct router *r, struct why *why)
{
	r->patients = calloc(1, sizeof(*r->patients));
	if (!r->patients || loop_timer_new(r->loop, on_timer, r, &r->patients->timer))
		return fail(why, ERR_NOMEM, "no memory");
	patients_wake(r);
	return ERR_OK;
}

void patients_stop(struct router *r)
{
	if (!r->patients)
		return;
	loop_timer_free(&r->patients->timer);
	free(r->patients);
	r->patients = NULL;
}
