#include <stdio.h>
#include <stdlib.h>

#include "storescp/retrieve.h"

/* C-MOVE: the objects go out on an association of our own to the named AE (PS3.4 C.4.2). When they are of
 * more kinds than one association has contexts for, several follow one another. */

enum { ARENA_MAX = 4 << 20, INVOKE_AT_ONCE = 16 };

struct move {
	struct retrieve r;                   /* first: a retrieve is a move */
	char host[256];
	unsigned port;
	struct conn *conn;                   /* the pass's association; NULL between passes */
	size_t pass_to;
	bool is_closing;                     /* we end it; what is next waits for on_closed */
	bool must_open, must_free;           /* after on_closed */
};

static void connect_now(struct move *m);

static void move_free(struct move *m)
{
	retrieve_fini(&m->r);
	free(m);
}

/* ---- the association to the destination ---- */
static void on_open(void *user, struct conn *c)
{
	struct move *m = user;

	if (!m->is_closing)
		retrieve_opened(&m->r, c, m->pass_to);
}

static void on_command(void *user, struct conn *c, uint8_t context_id, const struct dimse *cmd)
{
	struct move *m = user;

	(void)context_id;
	if (DIMSE_IS_RSP(cmd->field) && m->r.sender && sender_response(m->r.sender, cmd))
		return;
	if (!m->is_closing)
		conn_abort(c, "the peer sent what nobody asked for");
}

static void on_data(void *user, struct conn *c, uint8_t context_id, struct bytes piece, bool is_last)
{
	(void)user;
	(void)c;
	(void)context_id;
	(void)piece;
	(void)is_last;
}

static void on_writable(void *user, struct conn *c)
{
	struct move *m = user;

	(void)c;
	if (m->r.sender)
		sender_writable(m->r.sender);
}

static void on_closed(void *user, struct conn *c, enum conn_end how, const char *detail, uint8_t rj_result, uint8_t rj_source, uint8_t rj_reason)
{
	struct move *m = user;
	char why[128];

	(void)c;
	(void)rj_result;
	(void)rj_source;
	m->conn = NULL;
	if (m->must_free) {
		move_free(m);
	} else if (m->is_closing) {
		m->is_closing = false;
		if (m->must_open)
			connect_now(m);
	} else {
		if (how == CONN_REJECTED)
			snprintf(why, sizeof(why), "destination rejected the association (%u/%u/%u)", rj_result, rj_source, rj_reason);
		else
			snprintf(why, sizeof(why), "destination %s: %s", conn_end_name(how), detail ? detail : "");
		retrieve_unreachable(&m->r, why);
	}
}

static const struct conn_handlers handlers = {
	.on_open = on_open, .on_command = on_command, .on_data = on_data, .on_writable = on_writable, .on_closed = on_closed,
};

/* ---- passes ---- */
static enum err connect_with(struct move *m, struct arena *a, struct why *why)
{
	const struct retrieve *r = &m->r;
	size_t covered;
	struct assoc_request rq = {
		.application_context = UID_APPLICATION_CONTEXT, .max_pdu = BOUND_PDU_OURS, .has_async = true, .max_invoked = INVOKE_AT_ONCE,
		.max_performed = 1, .implementation_class = IMPLEMENTATION_CLASS_UID, .implementation_version = IMPLEMENTATION_VERSION,
	};
	enum err e = send_contexts(a, r->kinds + r->pass_from, r->kind_count - r->pass_from, true, &rq.contexts, &rq.context_count, &covered);

	if (e)
		return fail(why, e, "no memory for presentation contexts");
	m->pass_to = r->pass_from + covered;
	memcpy(rq.calling, r->conf->aet, sizeof(rq.calling));
	memcpy(rq.called, r->op.rq.move_destination, sizeof(rq.called));
	return conn_connect(r->op.server->loop, m->host, m->port, &rq, &handlers, m, NULL, &m->conn, why);
}

static void connect_now(struct move *m)
{
	struct why why = { "" };
	struct arena a;

	m->must_open = false;
	arena_init(&a, ARENA_MAX);
	enum err e = connect_with(m, &a, &why);
	arena_fini(&a);
	if (e)
		retrieve_unreachable(&m->r, why.text);
}

static void move_open(struct retrieve *r)
{
	struct move *m = (struct move *)r;

	if (m->conn)
		m->must_open = true;
	else
		connect_now(m);
}

static void move_close(struct retrieve *r)
{
	struct move *m = (struct move *)r;

	m->must_open = false;
	if (!m->conn || m->is_closing)
		return;
	m->is_closing = true;
	if (conn_is_open(m->conn))
		conn_release(m->conn);
	else
		conn_abort(m->conn, "the retrieval was given up");
}

static void move_ended(struct retrieve *r)
{
	struct move *m = (struct move *)r;

	if (r->op.session)
		conn_idle_timeout(r->op.session->conn, 1000 * r->conf->idle_s);
	if (m->conn)
		m->must_free = true;
	else
		move_free(m);
}

static const struct retrieve_class move_class = { .name = "C-MOVE", .open = move_open, .close = move_close, .ended = move_ended };

static void move_start(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data)
{
	const struct conf_node *node = conf_node_by_aet(s->server->conf, rq->move_destination);

	if (!node) {
		session_respond(s, context_id, rq, STATUS_DESTINATION_UNKNOWN, "the move destination is no node of pacs.conf");
		return;
	}
	struct move *m = calloc(1, sizeof(*m));
	if (!m) {
		session_respond(s, context_id, rq, STATUS_OUT_OF_RESOURCES, "no memory for a retrieval");
		return;
	}
	snprintf(m->host, sizeof(m->host), "%s", node->host);
	m->port = node->port;
	memcpy(m->r.originator, s->calling, sizeof(m->r.originator));
	/* The requestor hears pending responses and says nothing while we work for it. */
	conn_idle_timeout(s->conn, 0);
	retrieve_start(&m->r, &move_class, s, context_id, rq, data);
}

const struct service service_move = { .field = DIMSE_C_MOVE_RQ, .start = move_start };
