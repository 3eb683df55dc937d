#include "router/edits.h"

#include <stdlib.h>
#include <string.h>

#include "db/edit_look.h"
#include "db/patients.h"
#include "pacs/base/clock.h"
#include "pacs/base/fault.h"
#include "pacs/base/log.h"
#include "router/patients.h"

struct task {
	struct router *r;
	struct ctl_request *rq;
	json_t *body;                    /* our copy */
	struct edit_request q;
	int64_t seq;
};

static void task_free(struct task *t)
{
	json_decref(t->body);
	free(t->q.made);
	free(t);
}

/* Checks look at the index, so the index must be where the journal is. */
static enum err is_settled(struct work *w, struct index_reader *ix, struct why *why)
{
	int64_t last = 0, applied = 0;
	if (!ix)
		return fail(why, ERR_NOT_FOUND, "there is no index yet: nothing was ever stored here");
	enum err e = patients_last(work_db(w), &last, why);
	if (!e)
		e = edit_look_applied(ix, &applied, why);
	if (!e && applied < last)
		return fail(why, ERR_BUSY, "change %lld of the journal is not applied yet (%lld is); storescp must run, then try again", (long long)last, (long long)applied);
	return e;
}

static enum err edit_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct task *t = arg;
	struct index_patient_change c = { .at_ms = clock_wall_ms() };
	t->q.work = work_db(w);
	t->q.ix = ix;
	t->q.body = t->body;
	enum err e = is_settled(w, ix, why);
	if (!e)
		e = edits_check(&t->q, why);
	if (e)
		return e;
	c.edit = t->q.made;
	e = patients_add(work_db(w), &c, why);
	t->seq = c.seq;
	crash_point("router_edit_journal");
	return e;
}

/* Never values: they may be of a patient. */
static void edit_done(void *arg, enum err e, const struct why *why)
{
	struct task *t = arg;
	const struct edit *made = t->q.made;
	if (!e)
		crash_point("router_edit_journaled");
	log_event(e ? LOG_WARN : LOG_INFO, e ? "edit_refused" : "edit_noted", "kind", made ? edit_kind_name(made->kind) : NULL, "who", made ? made->who : NULL,
	          "seq", e ? NULL : log_num(t->seq).s, "error", e ? err_name(e) : NULL, NULL);
	if (e)
		ctl_refuse(t->rq, e, why->text);
	else
		ctl_answer(t->rq, json_pack("{s:I,s:s}", "seq", (json_int_t)t->seq, "study", t->q.study.s));
	if (!e && !t->r->is_stopping)
		patients_wake(t->r);
	task_free(t);
}

bool edits_handle_ctl(struct router *r, struct ctl_request *rq, const char *op, const json_t *body)
{
	if (strcmp(op, "study.edit"))
		return false;
	struct task *t = calloc(1, sizeof(*t));
	if (t) {
		t->r = r;
		t->rq = rq;
		t->body = json_deep_copy(body);
	}
	if (!t || !t->body || work_run(r->work, edit_work, edit_done, t)) {
		if (t)
			task_free(t);
		ctl_refuse(rq, ERR_NOMEM, "no memory");
	}
	return true;
}
