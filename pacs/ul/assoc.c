#include "pacs/ul/assoc_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE_USER = 0, SOURCE_PROVIDER = 2 };
enum { ARENA_MAX = 4 << 20 };    /* a parsed A-ASSOCIATE of BOUND_ASSOCIATE_PDU and its answer */
enum { OUT_MAX = BOUND_SEND_QUEUE + (2 << 20) };

void assoc_init(struct assoc *a, bool is_requestor, const struct assoc_events *events, void *user)
{
	*a = (struct assoc){ .state = STA1, .is_requestor = is_requestor, .events = events, .user = user, .max_invoked = 1, .peer_max = BOUND_PDU_OUT };
	pdu_reader_init(&a->reader, BOUND_PDU_OURS);
	buf_init(&a->out, OUT_MAX);
	buf_init(&a->rq, BOUND_ASSOCIATE_PDU);
	buf_init(&a->command, BOUND_COMMAND_SET);
}

void assoc_fini(struct assoc *a)
{
	pdu_reader_fini(&a->reader);
	buf_fini(&a->out);
	buf_fini(&a->rq);
	buf_fini(&a->command);
	free(a->contexts);
	a->contexts = NULL;
	a->context_count = 0;
}

/* ---- for people and for asserts ---- */

void assoc_check(const struct assoc *a)
{
	bool has_peer = a->state == STA6 || a->state == STA7;
	assert(a->state >= STA1 && a->state < STA_COUNT);
	assert((a->state != STA2 && a->state != STA13) || a->artim_on);          /* a wait for the peer has its timer */
	assert(a->state != STA13 || a->end != ASSOC_RUNNING);
	assert(!a->wants_close || a->end != ASSOC_RUNNING);
	assert(!(a->in_command && a->expects_data));
	assert(a->in_command || !a->command.len);
	assert(!has_peer || a->contexts);
	assert(a->peer_max >= PDV_HEAD + 2 && a->peer_max <= BOUND_PDU_OUT);
}

void assoc_describe(const struct assoc *a, struct why *out)
{
	static const char *const ends[] = { "running", "released", "aborted", "aborted by us", "rejected", "lost" };
	fail(out, ERR_OK, "Sta%d %s, %s; %u contexts; %s; %zu bytes to write; ARTIM %s%s", (int)a->state, a->is_requestor ? "requestor" : "acceptor",
	     ends[a->end], a->context_count, a->in_command ? "in a command" : a->expects_data ? "in a data set" : "between messages", a->out.len,
	     a->artim_on ? "runs" : "stands", a->wants_close ? "; wants to close" : "");
}

/* ---- small PDUs ---- */

static void put_small(struct assoc *a, uint8_t type, uint8_t b1, uint8_t b2, uint8_t b3)
{
	uint8_t pdu[PDU_HEAD + 4] = { type, 0, 0, 0, 0, 4, 0, b1, b2, b3 };
	buf_add(&a->out, pdu, sizeof(pdu));
}

static void finished(struct assoc *a, enum assoc_end end, const char *detail)
{
	if (a->end != ASSOC_RUNNING)
		return;
	a->end = end;
	if (detail && !a->detail.text[0])
		fail(&a->detail, ERR_OK, "%s", detail);
}

/* ---- what the table's actions do ---- */

static void start_artim(struct assoc *a)
{
	a->artim_on = true;
	a->artim_starts++;
}

static void act(struct assoc *a, enum fsm_action action, uint8_t abort_source, uint8_t abort_reason)
{
	switch (action) {
	case AE_2:
		buf_add(&a->out, a->rq.p, a->rq.len);
		start_artim(a);      /* beyond the standard: an acceptor that never answers must not hold us */
		break;
	case AE_4:
		finished(a, ASSOC_REJECTED, "the peer rejected the association");
		a->artim_on = false;
		a->wants_close = true;
		break;
	case AE_5:
		start_artim(a);
		break;
	case AE_3: case AE_6: case AE_7:
		a->artim_on = false;
		break;
	case AE_8:
		put_small(a, PDU_ASSOCIATE_RJ, a->rj_result, a->rj_source, a->rj_reason);
		finished(a, ASSOC_REJECTED, "rejected");
		start_artim(a);
		break;
	case AR_1:
		put_small(a, PDU_RELEASE_RQ, 0, 0, 0);
		start_artim(a);      /* as AE-2: the answer may never come */
		break;
	case AR_3:
		finished(a, ASSOC_RELEASED, NULL);
		a->artim_on = false;
		a->wants_close = true;
		break;
	case AR_4:
		put_small(a, PDU_RELEASE_RP, 0, 0, 0);
		finished(a, ASSOC_RELEASED, NULL);
		start_artim(a);
		break;
	case AR_9:
		put_small(a, PDU_RELEASE_RP, 0, 0, 0);
		break;
	case AA_1:
		put_small(a, PDU_ABORT, 0, SOURCE_USER, 0);
		finished(a, ASSOC_ABORTED_BY_US, NULL);
		start_artim(a);
		break;
	case AA_8:
		put_small(a, PDU_ABORT, 0, abort_source, abort_reason);
		finished(a, ASSOC_ABORTED_BY_US, NULL);
		start_artim(a);
		break;
	case AA_7:
		put_small(a, PDU_ABORT, 0, abort_source, abort_reason);
		break;
	case AA_2:
		finished(a, ASSOC_ABORTED_BY_US, NULL);
		a->artim_on = false;
		a->wants_close = true;
		break;
	case AA_3:
		finished(a, ASSOC_ABORTED, "the peer aborted");
		a->artim_on = false;
		a->wants_close = true;
		break;
	case AA_4:
		finished(a, ASSOC_LOST, "the connection broke");
		a->wants_close = true;
		break;
	case AA_5: case AR_5:
		finished(a, ASSOC_LOST, "the peer closed the connection");
		a->artim_on = false;
		a->wants_close = true;
		break;
	case NO_ACTION: case AE_1: case DT_1: case DT_2: case AR_2: case AR_6: case AR_7: case AR_8: case AR_10: case AA_6: case ACTION_COUNT:
		break;                   /* sending and delivering stand where the bytes are */
	}
}

static enum fsm_action step_with(struct assoc *a, enum fsm_event ev, uint8_t source, uint8_t reason)
{
	enum fsm_state next;
	enum fsm_action action = fsm_step(a->state, ev, a->is_requestor, &next);
	if ((action == AA_8 || action == AA_1) && ev != EV_ABORT_LOCAL && !a->detail.text[0])
		fail(&a->detail, ERR_PROTO, "%s came in state %d", fsm_event_name(ev), (int)a->state);
	a->state = next;
	act(a, action, source, reason);
	assoc_check(a);
	return action;
}

static enum fsm_action step(struct assoc *a, enum fsm_event ev)
{
	return step_with(a, ev, SOURCE_PROVIDER, REASON_UNEXPECTED_PDU);
}

void assoc_invalid(struct assoc *a, uint8_t reason)
{
	step_with(a, EV_INVALID, SOURCE_PROVIDER, reason);
}

/* ---- opening ---- */

void assoc_on_accepted(struct assoc *a)
{
	step(a, EV_CONNECTION);
}

enum err assoc_open(struct assoc *a, const struct assoc_request *rq)
{
	enum err e = negotiate_build_rq(rq, &a->rq);
	if (e)
		return e;
	memcpy(a->called, rq->called, sizeof(a->called));
	memcpy(a->calling, rq->calling, sizeof(a->calling));
	step(a, EV_ASSOCIATE_LOCAL);
	return ERR_OK;
}

void assoc_on_connected(struct assoc *a)
{
	step(a, EV_CONNECTED);
}

static enum err keep_contexts(struct assoc *a, const struct assoc_answer *ans)
{
	a->contexts = calloc(ans->context_count ? ans->context_count : 1, sizeof(*a->contexts));
	if (!a->contexts)
		return ERR_NOMEM;
	if (ans->context_count)
		memcpy(a->contexts, ans->contexts, ans->context_count * sizeof(*a->contexts));
	a->context_count = ans->context_count;
	return ERR_OK;
}

static void set_peer_max(struct assoc *a, uint32_t max)
{
	a->peer_max = max && max < BOUND_PDU_OUT ? max : BOUND_PDU_OUT;
}

static void reject(struct assoc *a, uint8_t result, uint8_t source, uint8_t reason)
{
	a->rj_result = result;
	a->rj_source = source;
	a->rj_reason = reason;
	step(a, EV_REJECT_LOCAL);
}

static void decide(struct assoc *a, struct arena *ar, const struct assoc_request *rq)
{
	struct assoc_answer ans = { 0 };
	memcpy(a->called, rq->called, sizeof(a->called));
	memcpy(a->calling, rq->calling, sizeof(a->calling));
	a->events->on_request(a->user, ar, rq, &ans);
	if (a->state != STA3)
		return;
	if (!ans.accept) {
		reject(a, ans.rj_result, ans.rj_source, ans.rj_reason);
		return;
	}
	size_t before = a->out.len;
	if (keep_contexts(a, &ans) || negotiate_build_ac(rq, &ans, &a->out)) {
		a->out.len = before;
		a->out.err = ERR_OK;
		reject(a, 2, 3, 2);              /* transient, local limit exceeded */
		return;
	}
	set_peer_max(a, rq->max_pdu);
	a->max_invoked = ans.max_performed ? ans.max_performed : 1;      /* what the requestor performs, we invoke */
	step(a, EV_ACCEPT_LOCAL);
	if (a->events->on_open)
		a->events->on_open(a->user);
}

static void on_associate_rq(struct assoc *a, struct bytes body)
{
	struct arena ar;
	struct assoc_request rq;
	if (step(a, EV_ASSOCIATE_RQ) != AE_6)
		return;
	arena_init(&ar, ARENA_MAX);
	enum err e = negotiate_parse_rq(&ar, body, &rq, &a->detail);
	if (e == ERR_UNSUPPORTED)
		reject(a, 1, 2, 2);              /* protocol version not supported */
	else if (e == ERR_NOMEM)
		reject(a, 2, 3, 2);
	else if (e)
		assoc_invalid(a, REASON_INVALID_PARAMETER);
	else
		decide(a, &ar, &rq);
	arena_fini(&ar);
}

static void on_associate_ac(struct assoc *a, struct bytes body)
{
	struct arena ar;
	struct assoc_request rq;
	struct assoc_answer ans;
	if (a->state != STA5) {
		step(a, EV_ASSOCIATE_AC);
		return;
	}
	arena_init(&ar, ARENA_MAX);
	enum err e = negotiate_parse_rq(&ar, bytes_of(a->rq.p + PDU_HEAD, a->rq.len - PDU_HEAD), &rq, &a->detail);
	if (!e)
		e = negotiate_parse_ac(&ar, body, &rq, &ans, &a->detail);
	if (!e)
		e = keep_contexts(a, &ans);
	if (e) {
		assoc_invalid(a, REASON_INVALID_PARAMETER);
	} else {
		set_peer_max(a, ans.max_pdu);
		uint16_t most = rq.max_invoked ? rq.max_invoked : BOUND_ASYNC_OPS;
		a->max_invoked = !ans.has_async ? 1 : ans.max_invoked && ans.max_invoked < most ? ans.max_invoked : most;
		if (a->max_invoked > BOUND_ASYNC_OPS)
			a->max_invoked = BOUND_ASYNC_OPS;
		buf_fini(&a->rq);
		step(a, EV_ASSOCIATE_AC);
		if (a->events->on_open)
			a->events->on_open(a->user);
	}
	arena_fini(&ar);
}

/* ---- bytes in ---- */

static void on_whole(struct assoc *a, const struct pdu_event *ev)
{
	switch ((enum pdu_type)ev->type) {
	case PDU_ASSOCIATE_RQ:
		on_associate_rq(a, ev->body);
		break;
	case PDU_ASSOCIATE_AC:
		on_associate_ac(a, ev->body);
		break;
	case PDU_ASSOCIATE_RJ:
		if (a->state == STA5) {
			a->rj_result = ev->body.p[1];
			a->rj_source = ev->body.p[2];
			a->rj_reason = ev->body.p[3];
			fail(&a->detail, ERR_DENIED, "the peer rejected the association: result %u, source %u, reason %u", a->rj_result, a->rj_source, a->rj_reason);
		}
		step(a, EV_ASSOCIATE_RJ);
		break;
	case PDU_RELEASE_RQ:
		step(a, EV_RELEASE_RQ);
		if (a->state == STA8 || a->state == STA9)        /* nothing of ours waits: agree at once */
			step(a, EV_RELEASE_ANSWER_LOCAL);
		break;
	case PDU_RELEASE_RP:
		step(a, EV_RELEASE_RP);
		if (a->state == STA12)
			step(a, EV_RELEASE_ANSWER_LOCAL);
		break;
	case PDU_ABORT:
		if (!a->detail.text[0])
			fail(&a->detail, ERR_OK, "the peer aborted: source %u, reason %u", ev->body.p[2], ev->body.p[3]);
		finished(a, ASSOC_ABORTED, NULL);        /* also in Sta2, where AA-2 does not say so */
		step(a, EV_ABORT);
		break;
	case PDU_DATA:
		break;
	}
}

void assoc_feed(struct assoc *a, struct bytes in)
{
	struct pdu_event ev;
	struct why why = { "" };
	uint8_t reason;
	if (a->reader.is_broken)
		return;                          /* it has been said */
	while (a->state != STA1) {
		enum err e = pdu_reader_next(&a->reader, &in, &ev, &reason, &why);
		if (e == ERR_MORE)
			return;
		if (e) {
			if (!a->detail.text[0])
				a->detail = why;
			assoc_invalid(a, reason);
			return;
		}
		if (ev.kind == PDU_WHOLE) {
			on_whole(a, &ev);
			pdu_reader_drop(&a->reader);     /* an idle association holds no buffer */
		} else if (ev.kind == PDU_DATA_BEGINS)
			step(a, EV_DATA);
		else if (a->state == STA6 || a->state == STA7)
			assoc_take_fragment(a, &ev);
	}
}

/* ---- endings ---- */

void assoc_on_closed(struct assoc *a)
{
	step(a, EV_CLOSED);
}

void assoc_on_artim(struct assoc *a)
{
	a->artim_on = false;
	if (a->state == STA5 || a->state == STA7 || a->state == STA10 || a->state == STA11) {
		assoc_abort(a, a->state == STA5 ? "the peer did not answer the association request" : "the peer did not answer the release");
		return;
	}
	if (!a->detail.text[0])
		fail(&a->detail, ERR_TIMEOUT, a->state == STA2 ? "no association request came" : "the peer did not close the connection");
	step(a, EV_ARTIM);
}

void assoc_release(struct assoc *a)
{
	if (a->state == STA6)
		step(a, EV_RELEASE_LOCAL);
}

void assoc_abort(struct assoc *a, const char *because)
{
	if (a->state == STA1 || a->state == STA13)
		return;
	if (!a->detail.text[0])
		fail(&a->detail, ERR_OK, "%s", because);
	if (a->state == STA2) {          /* no association yet: nothing to abort, just close */
		a->state = STA1;
		act(a, AA_2, 0, 0);
		return;
	}
	step(a, EV_ABORT_LOCAL);
}

/* ---- what it is ---- */

bool assoc_is_open(const struct assoc *a)
{
	return a->state == STA6 || a->state == STA8;
}

const struct assoc_context *assoc_context(const struct assoc *a, uint8_t id)
{
	for (unsigned i = 0; i < a->context_count; i++)
		if (a->contexts[i].id == id && a->contexts[i].result == CONTEXT_ACCEPTED)
			return &a->contexts[i];
	return NULL;
}
