/* The errands that ask a node to confirm what it was sent: N-ACTION type 1 (PS3.4 J.3.2). */
#include <stdlib.h>
#include <string.h>

#include "pacs/base/fault.h"
#include "pacs/base/log.h"
#include "db/commit_user.h"
#include "router/commit.h"
#include "router/errand.h"

/* Our own nodes, and many others, report on the same association within seconds. */
enum { LINGER_MS = 10000 };

/* The classes come from the index; what it has lost cannot be asked for. */
static enum err fill(const struct errand_place *p, const struct commit_request *rq, struct commit_refs *out, struct why *why)
{
	struct index_instance what;
	enum err e = ERR_OK;
	out->transaction = rq->transaction;
	out->refs = calloc(rq->count, sizeof(*out->refs));
	if (!out->refs)
		return fail(why, ERR_NOMEM, "no memory for a commitment request");
	for (size_t i = 0; i < rq->count && !e; i++) {
		e = index_get(p->ix, rq->objects[i].instance, &what, why);
		if (!e)
			out->refs[out->count++] = (struct commit_ref){ .sop_class = what.sop_class, .sop_instance = rq->objects[i].sop_instance };
		else if (e == ERR_NOT_FOUND)
			e = commit_forget(p->w, rq->objects[i].job, why);
	}
	return e;
}

static enum err next(const struct errand_place *p, struct errand *out, int64_t *next_ms, struct why *why)
{
	struct commit_refs refs = { 0 };
	unsigned n;
	*next_ms = 0;
	if (p->node->commit == CONF_COMMIT_NO) {
		enum err dropped = commit_drop(p->w, p->node->name, p->now_ms, &n, why);
		return dropped ? dropped : ERR_END;
	}
	if (!p->ix)
		return fail(why, ERR_NOT_FOUND, "there is no index yet");
	struct commit_request *rq = calloc(1, sizeof(*rq));
	if (!rq)
		return fail(why, ERR_NOMEM, "no memory for a commitment request");
	enum err e = commit_next(p->w, p->node->name, p->now_ms, rq, next_ms, why);
	if (!e)
		e = fill(p, rq, &refs, why);
	if (!e && refs.count)
		e = commit_write_request(&refs, DS_EXPLICIT_LE, &out->data);
	/* Everything in it was forgotten: the empty request is late in due time. */
	if (!e && !refs.count) {
		*next_ms = p->now_ms + 1;
		e = ERR_END;
	}
	out->id = rq->id;
	out->field = DIMSE_N_ACTION_RQ;
	out->type = COMMIT_ACTION_REQUEST;
	out->sop_instance = (struct uid){ UID_COMMITMENT_INSTANCE };
	commit_refs_free(&refs);
	free(rq);
	return e;
}

/* Answers that say: no such service here. */
static bool is_refusal(const struct errand_end *end)
{
	return end->kind == ERRAND_UNOFFERED ||
	       (end->kind == ERRAND_ANSWERED && (end->status == STATUS_NO_SOP_CLASS || end->status == 0x0118 || end->status == STATUS_UNRECOGNISED_OPERATION));
}

static enum err ended(const struct errand_place *p, const struct errand *er, const struct errand_end *end, struct why *why)
{
	bool is_accepted = end->kind == ERRAND_ANSWERED && end->status == STATUS_SUCCESS;
	if (is_accepted)
		crash_point("router_asked");
	if (is_refusal(end) && p->node->commit == CONF_COMMIT_AUTO) {
		unsigned n;
		enum err e = commit_refused(p->w, p->node->name, p->now_ms, end->why, &n, why);
		if (!e)
			log_event(LOG_INFO, "no_commitment", "node", p->node->name, "jobs", log_num(n).s, "why", "it does not offer storage commitment; what was sent stays sent", NULL);
		return e;
	}
	const struct commit_asked how = {
		.is_accepted = is_accepted, .was_sent = end->kind == ERRAND_ANSWERED || end->kind == ERRAND_UNANSWERED, .why = end->why,
		.answer_s = p->conf->commit_wait_s, .retry_min_s = p->conf->retry_min_s, .retry_max_s = p->conf->retry_max_s, .random = p->random, .now_ms = p->now_ms,
	};
	return commit_asked(p->w, p->node->name, er->id, &how, why);
}

/* ---- the result on the same association ---- */

struct answering { struct router *router; struct errand_token token; };

static void answered(void *arg, uint16_t status, const char *comment)
{
	struct answering *an = arg;
	errand_respond(an->router, &an->token, status, comment);
	free(an);
}

static void request(struct errand_agent *a, uint8_t context_id, const struct dimse *rq, enum ds_encoding enc, struct bytes data)
{
	struct commit_refs refs = { 0 };
	struct why why = { "" };
	uint16_t status = 0;
	struct errand_token token = errand_token(a, context_id, rq);
	struct answering *an = calloc(1, sizeof(*an));
	if (rq->field != DIMSE_N_EVENT_REPORT_RQ)
		status = STATUS_UNRECOGNISED_OPERATION;
	else if (rq->event_type != COMMIT_EVENT_SUCCESS && rq->event_type != COMMIT_EVENT_FAILURES)
		status = 0x0113;
	else if (!an)
		status = 0x0213;
	else if (commit_read_result(data, enc, rq->event_type, &refs, &status, &why))
		log_event(LOG_WARN, "commitment_unreadable", "node", errand_node(a)->name, "why", why.text, NULL);
	if (status) {
		errand_respond(errand_router(a), &token, status, why.text);
		commit_refs_free(&refs);
		free(an);
		return;
	}
	*an = (struct answering){ errand_router(a), token };
	commit_result_take(an->router, errand_node(a)->name, &refs, answered, an);
}

const struct errand_class errand_ask = {
	.name = "ask for commitment", .sop_class = UID_COMMITMENT, .linger_ms = LINGER_MS, .next = next, .ended = ended, .request = request,
};
