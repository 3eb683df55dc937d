#include "storescp/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void answer(struct relay *r, uint16_t status, const char *comment)
{
	struct operation *op = &r->op;
	if (!status && r->created.s[0])
		op->rq.sop_instance = r->created;        /* an answer names the instance of its request */
	session_respond(op->session, op->context_id, &op->rq, status, comment && comment[0] ? comment : NULL);
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
		answer(r, (uint16_t)json_integer_value(status), json_string_value(json_object_get(body, "comment")));
	operation_end(op);
	free(r);
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
