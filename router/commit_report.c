/* The errands that report a commitment result on an association of our own, in the role of SCP (PS3.4 J.3.3). */
#include "pacs/base/fault.h"
#include "db/commit_duty.h"
#include "router/errand.h"

/* A user that answers an event report with a refusal has heard it: it is told again now and then, for it may have been ill. */
enum { LINGER_MS = 500, REFUSED_MS = 3600 * 1000 };

static enum err next(const struct errand_place *p, struct errand *out, int64_t *next_ms, struct why *why)
{
	struct commit_duty d;
	enum err e = duty_next_report(p->w, p->node->aet, p->now_ms, &d, next_ms, why);
	if (e)
		return e;
	out->id = d.id;
	out->field = DIMSE_N_EVENT_REPORT_RQ;
	out->type = commit_event_type(&d.refs);
	out->sop_instance = (struct uid){ UID_COMMITMENT_INSTANCE };
	e = commit_write_result(&d.refs, p->conf->aet, DS_EXPLICIT_LE, &out->data);
	commit_refs_free(&d.refs);
	return e ? fail(why, e, "a commitment result cannot be written: %s", err_name(e)) : e;
}

static enum err ended(const struct errand_place *p, const struct errand *er, const struct errand_end *end, struct why *why)
{
	bool is_answered = end->kind == ERRAND_ANSWERED;
	if (is_answered && !end->status) {
		crash_point("router_reported");
		return duty_reported(p->w, er->id, p->now_ms, why);
	}
	/* An unreachable node is the agent's to wait for: the duty itself is due again at once then. */
	uint64_t wait_ms = is_answered ? REFUSED_MS : (uint64_t)p->conf->retry_min_s * 1000;
	return duty_failed(p->w, er->id, !is_answered, p->now_ms, wait_ms, end->why, why);
}

const struct errand_class errand_report = {
	.name = "report commitment", .sop_class = UID_COMMITMENT, .is_scp = true, .linger_ms = LINGER_MS, .next = next, .ended = ended,
};
