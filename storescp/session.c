#include "storescp/service.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/log.h"
#include "storescp/accept.h"
#include "storescp/commitment.h"

/* One association: collects commands and their data sets, finds the service, keeps the operations. */

enum { LAST_ANSWER_MS = 300 };   /* while stopping: time for the last answer to leave */

/* ---- operations ---- */

void operation_begin(struct operation *op, const struct operation_class *class, struct session *s, uint8_t context_id, const struct dimse *rq)
{
	op->class = class;
	op->server = s->server;
	op->session = s;
	op->context_id = context_id;
	op->rq = *rq;
	LIST_INSERT_HEAD(&s->operations, op, link);
	s->server->operations++;
}

void operation_end(struct operation *op)
{
	struct server *sv = op->server;
	if (op->session) {
		if (op->session->receiving == op) {
			op->session->receiving = NULL;
			op->session->dropping = true;
		}
		LIST_REMOVE(op, link);
		struct session *s = op->session;
		op->session = NULL;
		if (sv->stopping && LIST_EMPTY(&s->operations))
			conn_idle_timeout(s->conn, LAST_ANSWER_MS);
	}
	assert(sv->operations > 0);
	sv->operations--;
	server_check_quiet(sv);
}

void server_check_quiet(struct server *sv)
{
	if (!sv->stopping || sv->sessions || sv->operations || !sv->on_quiet)
		return;
	void (*quiet)(struct server *) = sv->on_quiet;
	sv->on_quiet = NULL;
	quiet(sv);
}

void server_stop(struct server *sv)
{
	struct session *s, *next;
	sv->stopping = true;
	for (s = LIST_FIRST(&sv->all); s; s = next) {
		next = LIST_NEXT(s, link);
		if (LIST_EMPTY(&s->operations))
			conn_abort(s->conn, "the node is stopping");
	}
	server_check_quiet(sv);
}

/* ---- answers ---- */

uint16_t status_of_err(enum err e)
{
	static const uint16_t table[ERR_COUNT] = {
		[ERR_NOT_FOUND] = 0x0112,
		[ERR_PROTO] = 0xC000,
		[ERR_FORMAT] = 0xC000,
		[ERR_MISMATCH] = 0xA900,
		[ERR_LIMIT] = 0xA700,
		[ERR_UNSUPPORTED] = 0x0122,
		[ERR_DENIED] = 0x0124,
		[ERR_CONFLICT] = 0x0110,
		[ERR_NOMEM] = 0xA700,
		[ERR_IO] = 0xA700,
		[ERR_FULL] = 0xA700,
		[ERR_BUSY] = 0xA700,
		[ERR_CANCELLED] = 0xFE00,
	};
	return (unsigned)e < ERR_COUNT && table[e] ? table[e] : STATUS_PROCESSING_FAILURE;
}

void session_respond(struct session *s, uint8_t context_id, const struct dimse *rq, uint16_t status, const char *comment)
{
	struct dimse rsp = dimse_response(rq, status);
	if (comment)
		strncpy(rsp.error_comment, comment, sizeof(rsp.error_comment) - 1);
	enum err e = conn_send(s->conn, context_id, &rsp, (struct bytes){ 0 });
	if (e && e != ERR_CLOSED)
		conn_abort(s->conn, "an answer could not be queued");
}

static void log_refusal(const struct session *s, const struct dimse *rq, const char *because)
{
	log_event(LOG_WARN, "request_refused", "assoc", log_num((long long)conn_id(s->conn)).s, "calling", s->calling,
	          "request", dimse_field_name(rq->field), "sop_class", rq->sop_class.s, "why", because, NULL);
}

/* ---- requests ---- */

static const struct service *const services[] = {
	&service_echo, &service_store, &service_find, &service_get, &service_move,
	&service_ups_find, &service_ups_get, &service_ups_set, &service_ups_action,
	&service_commit_action, &service_commit_event, &service_availability_create,
	&service_mwl_find, &service_mpps_create, &service_mpps_set,
};

/* The service for a request on this context: PS3.4 ties each operation to the classes it exists for. */
static const struct service *service_for(const struct assoc_context *pc, const struct dimse *rq)
{
	bool is_ups = ups_is_sop_class(pc->abstract_syntax.s);
	for (size_t i = 0; i < NELEM(services); i++) {
		if (services[i]->serves) {
			if (services[i]->field == rq->field && services[i]->serves(pc->abstract_syntax.s))
				return services[i];
			continue;
		}
		bool for_ups = services[i] == &service_ups_find || services[i] == &service_ups_get ||
		               services[i] == &service_ups_set || services[i] == &service_ups_action;
		if (services[i]->field == rq->field && for_ups == is_ups && accept_serves(pc->abstract_syntax.s, rq->field))
			return services[i];
	}
	return NULL;
}

static unsigned count_operations(const struct session *s)
{
	unsigned n = 0;
	const struct operation *op;
	LIST_FOREACH(op, &s->operations, link)
		n++;
	return n;
}

static void on_request_message(struct session *s, uint8_t context_id, const struct dimse *rq)
{
	const struct assoc_context *pc = conn_context(s->conn, context_id);
	const struct service *sv = pc ? service_for(pc, rq) : NULL;
	s->dropping = false;
	s->receiving = NULL;
	if (!sv) {
		log_refusal(s, rq, "no such operation for this SOP class");
		s->dropping = rq->has_data;
		session_respond(s, context_id, rq, STATUS_UNRECOGNISED_OPERATION, "no such operation for this SOP class");
		return;
	}
	if (count_operations(s) >= BOUND_ASYNC_OPS) {
		log_refusal(s, rq, "too many operations at once");
		s->dropping = rq->has_data;
		session_respond(s, context_id, rq, 0x0213, "too many operations at once");
		return;
	}
	if (sv->stream) {
		s->receiving = sv->stream(s, context_id, rq);
		s->dropping = !s->receiving;
	} else if (rq->has_data) {
		s->pending = *rq;
		s->pending_context = context_id;
		buf_reset(&s->identifier);
	} else {
		sv->start(s, context_id, rq, (struct bytes){ 0 });
	}
}

static void on_cancel(struct session *s, const struct dimse *rq)
{
	struct operation *op;
	LIST_FOREACH(op, &s->operations, link)
		if (op->rq.message_id == rq->message_id && op->class->cancel) {
			op->class->cancel(op);
			return;
		}
}

static void on_response(struct session *s, const struct dimse *rsp)
{
	struct operation *op;
	LIST_FOREACH(op, &s->operations, link)
		if (op->class->response && op->class->response(op, rsp))
			return;
	log_event(LOG_WARN, "response_to_nothing", "assoc", log_num((long long)conn_id(s->conn)).s,
	          "response", dimse_field_name(rsp->field), "message_id", log_num(rsp->message_id).s, NULL);
}

static void on_command(void *user, struct conn *c, uint8_t context_id, const struct dimse *cmd)
{
	struct session *s = user;
	(void)c;
	if (DIMSE_IS_RSP(cmd->field)) {
		s->dropping = cmd->has_data;
		on_response(s, cmd);
	} else if (cmd->field == DIMSE_C_CANCEL_RQ) {
		s->dropping = cmd->has_data;
		on_cancel(s, cmd);
	} else {
		on_request_message(s, context_id, cmd);
	}
}

static void start_collected(struct session *s)
{
	const struct assoc_context *pc = conn_context(s->conn, s->pending_context);
	const struct service *sv = pc ? service_for(pc, &s->pending) : NULL;
	struct dimse rq = s->pending;
	if (buf_err(&s->identifier)) {
		log_refusal(s, &rq, "data set too long");
		session_respond(s, s->pending_context, &rq, STATUS_OUT_OF_RESOURCES, "data set too long");
	} else if (sv) {
		sv->start(s, s->pending_context, &rq, buf_view(&s->identifier));
	}
	buf_fini(&s->identifier);        /* an idle association holds no buffer */
}

static void on_data(void *user, struct conn *c, uint8_t context_id, struct bytes piece, bool is_last)
{
	struct session *s = user;
	(void)c;
	(void)context_id;
	if (s->receiving) {
		struct operation *op = s->receiving;
		if (is_last)
			s->receiving = NULL;
		op->class->data(op, piece, is_last);
		return;
	}
	if (s->dropping)
		return;
	buf_add(&s->identifier, piece.p, piece.len);
	if (is_last)
		start_collected(s);
}

/* An operation whose request is here and that asks nothing of the peer. */
static bool owes(void *user, struct conn *c)
{
	const struct session *s = user;
	const struct operation *op;
	(void)c;
	LIST_FOREACH(op, &s->operations, link)
		if (op != s->receiving && !op->class->response)
			return true;
	return false;
}

static void on_writable(void *user, struct conn *c)
{
	struct session *s = user;
	struct operation *op, *next;
	(void)c;
	for (op = LIST_FIRST(&s->operations); op; op = next) {
		next = LIST_NEXT(op, link);
		if (op->class->writable)
			op->class->writable(op);
	}
}

/* ---- beginning and end ---- */

static void *on_accept(void *arg, struct conn *c)
{
	struct server *sv = arg;
	if (sv->stopping || sv->sessions >= BOUND_ASSOCIATIONS)
		return NULL;
	struct session *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->server = sv;
	s->conn = c;
	LIST_INIT(&s->operations);
	buf_init(&s->identifier, BOUND_IDENTIFIER);
	LIST_INSERT_HEAD(&sv->all, s, link);
	sv->sessions++;
	return s;
}

static void on_request(void *user, struct conn *c, struct arena *a, const struct assoc_request *rq, struct assoc_answer *ans)
{
	struct session *s = user;
	memcpy(s->calling, rq->calling, sizeof(s->calling));
	const char *because = accept_decide(s->server, conn_peer_address(c), a, rq, ans);
	s->extended[QUERY_PATIENT_ROOT] = accept_extended(ans, UID_PATIENT_ROOT_FIND);
	s->extended[QUERY_STUDY_ROOT] = accept_extended(ans, UID_STUDY_ROOT_FIND);
	if (because)
		log_event(LOG_WARN, "association_rejected", "assoc", log_num((long long)conn_id(c)).s, "peer", conn_peer_address(c),
		          "calling", rq->calling, "called", rq->called, "why", because, NULL);
}

static void on_open(void *user, struct conn *c)
{
	struct session *s = user;
	log_event(LOG_DEBUG, "association_open", "assoc", log_num((long long)conn_id(c)).s, "peer", conn_peer_address(c),
	          "calling", s->calling, NULL);
}

static void on_closed(void *user, struct conn *c, enum conn_end how, const char *detail, uint8_t rj_result, uint8_t rj_source, uint8_t rj_reason)
{
	struct session *s = user;
	struct server *sv = s->server;
	(void)rj_result;
	(void)rj_source;
	(void)rj_reason;
	log_event(how == CONN_RELEASED || how == CONN_REJECTED ? LOG_INFO : LOG_WARN, "association_closed",
	          "assoc", log_num((long long)conn_id(c)).s, "peer", conn_peer_address(c), "calling", s->calling,
	          "how", conn_end_name(how), "detail", detail && *detail ? detail : NULL,
	          "stored", log_num(s->stored).s, "failed", log_num(s->failed).s, NULL);
	for (struct operation *op; (op = LIST_FIRST(&s->operations)); ) {
		LIST_REMOVE(op, link);
		op->session = NULL;
		op->class->gone(op);
	}
	LIST_REMOVE(s, link);
	sv->sessions--;
	buf_fini(&s->identifier);
	free(s);
	server_check_quiet(sv);
}

struct listener_handlers session_handlers(void)
{
	return (struct listener_handlers){
		.on_accept = on_accept,
		.conn = {
			.on_request = on_request,
			.on_open = on_open,
			.on_command = on_command,
			.on_data = on_data,
			.on_writable = on_writable,
			.owes = owes,
			.on_closed = on_closed,
		},
	};
}
