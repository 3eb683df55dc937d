#include "router/ordering.h"

#include <stdlib.h>
#include <string.h>

#include "pacs/base/clock.h"
#include "pacs/base/hex.h"
#include "pacs/base/log.h"
#include "router/patients.h"

/* ---- order.apply, order.quarantine: one task each ---- */

struct task {
	struct router *r;
	struct ctl_request *rq;
	json_t *body;                    /* our copy */
	struct ordering_counts counts;
};

static const char *text(const json_t *body, const char *key)
{
	const char *s = json_string_value(json_object_get(body, key));
	return s ? s : "";
}

static void task_free(struct task *t)
{
	json_decref(t->body);
	free(t);
}

static enum err apply_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct task *t = arg;
	(void)ix;
	return ordering_apply(w, t->body, clock_wall_ms(), &t->counts, why);
}

/* Never names or IDs of patients: the words of a refusal go to who asked, not to the log. */
static void apply_done(void *arg, enum err e, const struct why *why)
{
	struct task *t = arg;
	const struct ordering_counts *n = &t->counts;
	log_event(e ? LOG_WARN : LOG_INFO, e ? "orders_refused" : "orders_applied", "source", text(t->body, "source"), "message", text(t->body, "message"),
	          "created", log_num(n->created).s, "changed", log_num(n->changed).s, "moved", log_num(n->moved).s, "patients", log_num(n->patients).s,
	          "matched", log_num(n->matched).s, "error", e ? err_name(e) : NULL, NULL);
	if (e)
		ctl_refuse(t->rq, e, why->text);
	else
		ctl_answer(t->rq, json_pack("{s:i,s:i,s:i,s:i,s:i}", "created", (int)n->created, "changed", (int)n->changed, "same", (int)n->same,
		                            "moved", (int)n->moved, "patients", (int)n->patients));
	if (!e && n->patients && !t->r->is_stopping)
		patients_wake(t->r);
	task_free(t);
}

static enum err quarantine_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct task *t = arg;
	struct order_message m = { .at_ms = clock_wall_ms() };
	struct buf raw;
	(void)ix;
	snprintf(m.from, sizeof(m.from), "%s", text(t->body, "from"));
	snprintf(m.type, sizeof(m.type), "%s", text(t->body, "type"));
	snprintf(m.control, sizeof(m.control), "%s", text(t->body, "control"));
	snprintf(m.reason, sizeof(m.reason), "%s", text(t->body, "reason"));
	buf_init(&raw, BOUND_HL7_MESSAGE);
	enum err e = hex_read(text(t->body, "raw"), &raw);
	if (e)
		fail(why, e, "\"raw\" is no message in hex");
	m.raw = buf_view(&raw);
	if (!e)
		e = orders_quarantine(work_db(w), &m, why);
	buf_fini(&raw);
	return e;
}

static void quarantine_done(void *arg, enum err e, const struct why *why)
{
	struct task *t = arg;
	log_event(LOG_WARN, "message_quarantined", "from", text(t->body, "from"), "type", text(t->body, "type"), "error", e ? err_name(e) : NULL, NULL);
	if (e)
		ctl_refuse(t->rq, e, why->text);
	else
		ctl_answer(t->rq, NULL);
	task_free(t);
}

static void run(struct router *r, struct ctl_request *rq, const json_t *body, work_fn *work, work_done_fn *done)
{
	struct task *t = calloc(1, sizeof(*t));
	if (t) {
		t->r = r;
		t->rq = rq;
		t->body = json_deep_copy(body);
	}
	if (t && t->body && !work_run(r->work, work, done, t))
		return;
	if (t)
		task_free(t);
	ctl_refuse(rq, ERR_NOMEM, "no memory");
}

bool ordering_handle_ctl(struct router *r, struct ctl_request *rq, const char *op, const json_t *body)
{
	if (!strcmp(op, "order.apply"))
		run(r, rq, body, apply_work, apply_done);
	else if (!strcmp(op, "order.quarantine"))
		run(r, rq, body, quarantine_work, quarantine_done);
	else if (!strcmp(op, "order.list") || !strcmp(op, "order.unmatched") || !strcmp(op, "order.messages"))
		ordering_list(r, rq, op, body);
	else
		return false;
	return true;
}

/* ---- arrivals ---- */

static bool is_repeated(const struct index_arrival *a, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(a[k].what.study_uid.s, a[i].what.study_uid.s))
			return true;
	return false;
}

static enum err match_one(struct work *w, struct index_reader *ix, const char *study_uid, int64_t now_ms, bool *has_work, struct why *why)
{
	struct index_study study;
	enum order_how how;
	int64_t order;
	if (orders_is_matched(work_db(w), study_uid))
		return ERR_OK;
	enum err e = index_study_get(ix, study_uid, &study, why);
	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	if (orders_knows_study(work_db(w), &study))
		return ERR_OK;               /* nothing new to look for; a later order looks for it */
	*has_work = true;
	e = orders_match_study(work_db(w), &study, now_ms, &how, &order, why);
	if (!e)
		log_event(how == HOW_AMBIGUOUS || how == HOW_OTHER_PATIENT ? LOG_WARN : LOG_INFO, "study_matched", "study", study_uid,
		          "order", order ? log_num(order).s : NULL, "how", order_how_name(how), NULL);
	return e;
}

enum err ordering_on_arrivals(struct work *w, struct index_reader *ix, const struct index_arrival *a, size_t n, int64_t now_ms, bool *has_work, struct why *why)
{
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < n; i++)
		if (!is_repeated(a, i))
			e = match_one(w, ix, a[i].what.study_uid.s, now_ms, has_work, why);
	return e;
}
