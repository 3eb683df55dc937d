#include "pacs/echo.h"

#include <stdio.h>
#include <string.h>

#include "pacs/base/clock.h"
#include "pacs/net/conn.h"

struct echo {
	const struct conf_node *to;
	struct conn *conn;
	struct loop_timer *deadline;
	bool is_answered, is_late;
	uint16_t status;
	uint64_t answered_ns;
	enum err err;
	struct why why;
};

static void on_open(void *user, struct conn *c)
{
	struct echo *e = user;
	const struct assoc_context *pc = conn_find_context(c, UID_VERIFICATION, NULL);
	struct dimse rq = { .field = DIMSE_C_ECHO_RQ, .message_id = conn_next_message_id(c) };
	snprintf(rq.sop_class.s, sizeof(rq.sop_class.s), "%s", UID_VERIFICATION);
	if (!pc) {
		e->err = fail(&e->why, ERR_UNSUPPORTED, "%s let us in but does not offer C-ECHO (Verification)", e->to->aet);
		conn_abort(c, "no context for verification");
		return;
	}
	e->err = conn_send(c, pc->id, &rq, (struct bytes){ 0 });
	if (e->err)
		conn_abort(c, "the request could not be sent");
}

static void on_command(void *user, struct conn *c, uint8_t context_id, const struct dimse *cmd)
{
	struct echo *e = user;
	(void)context_id;
	if (cmd->field != DIMSE_C_ECHO_RSP || e->is_answered)
		return;
	e->is_answered = true;
	e->answered_ns = clock_mono_ns();
	e->status = cmd->status;
	conn_release(c);
}

static void on_data(void *user, struct conn *c, uint8_t context_id, struct bytes piece, bool is_last)
{
	(void)user;
	(void)c;
	(void)context_id;
	(void)piece;
	(void)is_last;
}

static const char *advice(uint8_t source, uint8_t reason)
{
	if (source == 1 && reason == 3)
		return "it does not know our AE title: let it be added there";
	if (source == 1 && reason == 7)
		return "it is not called so: look at aet in this node's section";
	return "see its log";
}

static void explain(struct echo *e, enum conn_end how, const char *detail, uint8_t source, uint8_t reason)
{
	const struct conf_node *n = e->to;
	if (e->err)
		return;
	if (e->is_late)
		e->err = fail(&e->why, ERR_TIMEOUT, "%s at %s:%u gave no answer in time (%s)", n->aet, n->host, n->port, detail);
	else if (how == CONN_UNREACHABLE)
		e->err = fail(&e->why, ERR_IO, "%s:%u cannot be reached (%s): is it on, are host and port right, is a firewall between?", n->host, n->port, detail);
	else if (how == CONN_REJECTED)
		e->err = fail(&e->why, ERR_DENIED, "%s at %s:%u answers but refuses us (%s): %s", n->aet, n->host, n->port, detail, advice(source, reason));
	else
		e->err = fail(&e->why, ERR_PROTO, "%s at %s:%u ended the association before it answered (%s, %s)", n->aet, n->host, n->port, conn_end_name(how), detail);
}

static void on_closed(void *user, struct conn *c, enum conn_end how, const char *detail, uint8_t rj_result, uint8_t rj_source, uint8_t rj_reason)
{
	struct echo *e = user;
	(void)c;
	(void)rj_result;
	e->conn = NULL;
	loop_timer_free(&e->deadline);
	if (!e->is_answered)
		explain(e, how, detail, rj_source, rj_reason);
	else if (e->status != STATUS_SUCCESS)
		e->err = fail(&e->why, ERR_PROTO, "%s answered C-ECHO with status %04X, expected 0000", e->to->aet, e->status);
}

static void on_deadline(void *arg)
{
	struct echo *e = arg;
	e->is_late = true;
	if (e->conn)
		conn_abort(e->conn, "time is over");
}

static enum err call(struct echo *e, struct loop *l, const char *calling, unsigned timeout_ms, struct why *why)
{
	static const char *ts[] = { TS_IMPLICIT_LE, TS_EXPLICIT_LE };
	struct negotiate_context context = { .id = 1, .abstract_syntax = UID_VERIFICATION, .ts = ts, .ts_count = NELEM(ts) };
	struct assoc_request rq = { .application_context = UID_APPLICATION_CONTEXT, .contexts = &context, .context_count = 1, .max_pdu = BOUND_PDU_OURS,
	                            .implementation_class = IMPLEMENTATION_CLASS_UID, .implementation_version = IMPLEMENTATION_VERSION };
	const struct conn_handlers h = { .on_open = on_open, .on_command = on_command, .on_data = on_data, .on_closed = on_closed };
	const struct conn_timeouts t = { .connect_ms = timeout_ms, .artim_ms = timeout_ms };
	snprintf(rq.called, sizeof(rq.called), "%s", e->to->aet);
	snprintf(rq.calling, sizeof(rq.calling), "%s", calling);
	enum err r = loop_timer_new(l, on_deadline, e, &e->deadline);
	if (r)
		return fail(why, r, "no memory");
	loop_timer_start(e->deadline, timeout_ms, 0);
	r = conn_connect(l, e->to->host, e->to->port, &rq, &h, e, &t, &e->conn, why);
	if (r)
		loop_timer_free(&e->deadline);
	return r;
}

enum err echo_node(const char *calling, const struct conf_node *to, unsigned timeout_ms, unsigned *ms, struct why *why)
{
	struct echo e = { .to = to };
	struct loop *l;
	enum err r = loop_new(&l);
	if (r)
		return fail(why, r, "no event loop");
	uint64_t begun = clock_mono_ns();
	r = call(&e, l, calling, timeout_ms, why);
	loop_run(l);
	loop_free(&l);
	if (r)
		return r;
	if (e.err && why)
		*why = e.why;
	*ms = e.err ? 0 : (unsigned)((e.answered_ns - begun) / 1000000);
	return e.err;
}
