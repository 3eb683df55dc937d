#include "storescp/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/hex.h"
#include "pacs/base/log.h"
#include "pacs/ctl/ctl.h"

enum { ROUTER_TIMEOUT_MS = 20000 };      /* a synced commit behind a busy disk takes seconds, not more */

struct relay {
	struct operation op;
	struct uid created;
};

static void relay_gone(struct operation *op)
{
	(void)op;                        /* the answer still comes, and frees it */
}

static const struct operation_class relay_class = { .name = "request to the router", .gone = relay_gone };

static void answer(struct relay *r, uint16_t status, uint16_t error_id, const char *comment)
{
	struct operation *op = &r->op;
	if (!status && r->created.s[0])
		op->rq.sop_instance = r->created;        /* an answer names the instance of its request */
	struct dimse rsp = dimse_response(&op->rq, status);
	if (comment)
		strncpy(rsp.error_comment, comment, sizeof(rsp.error_comment) - 1);
	if (error_id) {
		rsp.present |= DIMSE_HAS_ERROR_ID;
		rsp.error_id = error_id;
	}
	enum err e = conn_send(op->session->conn, op->context_id, &rsp, (struct bytes){ 0 });
	if (e && e != ERR_CLOSED)
		conn_abort(op->session->conn, "an answer could not be queued");
}

static void answered(void *arg, enum err e, const json_t *body, const struct why *why)
{
	struct relay *r = arg;
	struct operation *op = &r->op;
	const json_t *status = body ? json_object_get(body, "status") : NULL;
	bool is_good = !e && json_is_integer(status);

	if (!is_good)
		log_event(LOG_ERROR, "router_does_not_answer", "request", dimse_field_name(op->rq.field), "sop_class", op->rq.sop_class.s,
		          "instance", op->rq.sop_instance.s, "error", err_name(e), "why", why ? why->text : NULL, NULL);
	if (op->session && !is_good)
		session_respond(op->session, op->context_id, &op->rq, STATUS_PROCESSING_FAILURE, "the router does not answer; try again");
	else if (op->session)
		answer(r, (uint16_t)json_integer_value(status), (uint16_t)json_integer_value(json_object_get(body, "error_id")), json_string_value(json_object_get(body, "comment")));
	operation_end(op);
	free(r);
}

json_t *relay_dataset(const struct dataset *ds)
{
	struct buf b, hex;
	json_t *out = NULL;

	buf_init(&b, 2 * BOUND_IDENTIFIER);
	buf_init(&hex, BOUND_CTL_LINE - 4096);
	if (!dataset_write(ds, DS_EXPLICIT_LE, &b))
		hex_write(buf_view(&b), &hex);
	if (!buf_err(&hex) && !buf_err(&b))
		out = json_string(buf_cstr(&hex));
	buf_fini(&hex);
	buf_fini(&b);
	return out;
}

void relay_to_router(struct session *s, uint8_t context_id, const struct dimse *rq, json_t *body, const struct uid *created)
{
	struct relay *r = body ? calloc(1, sizeof(*r)) : NULL;
	char path[sizeof(s->server->conf->dir) + 32];

	if (!r) {
		json_decref(body);
		session_respond(s, context_id, rq, STATUS_OUT_OF_RESOURCES, "the request does not fit");
		return;
	}
	if (created)
		r->created = *created;
	operation_begin(&r->op, &relay_class, s, context_id, rq);
	snprintf(path, sizeof(path), "%s/run/router.sock", s->server->conf->dir);
	enum err e = ctl_call_async(s->server->loop, path, body, ROUTER_TIMEOUT_MS, answered, r);
	if (e)
		answered(r, e, NULL, NULL);
}
