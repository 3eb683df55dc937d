/* Changes of work items go to the router over its local socket:
 *
 *   {"op":"ups.state","uid":U,"state":"IN PROGRESS","transaction":T,"calling":AE}
 *   {"op":"ups.set","uid":U,"transaction":T,"calling":AE,"changes":HEX}
 *   -> {"ok":true,"status":N,"comment":"..."}
 */
#include "storescp/ups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/log.h"
#include "pacs/ctl/ctl.h"

enum { ROUTER_TIMEOUT_MS = 20000 };      /* a synced commit behind a busy disk takes seconds, not more */

struct relay {
	struct operation op;
};

static void relay_gone(struct operation *op)
{
	(void)op;                        /* the answer still comes, and frees it */
}

static const struct operation_class relay_class = { .name = "UPS change", .gone = relay_gone };

static void relay_answered(void *arg, enum err e, const json_t *answer, const struct why *why)
{
	struct relay *r = arg;
	struct operation *op = &r->op;
	const json_t *status = answer ? json_object_get(answer, "status") : NULL;
	const char *comment = answer ? json_string_value(json_object_get(answer, "comment")) : NULL;

	if (e || !json_is_integer(status))
		log_event(LOG_ERROR, "ups_change_failed", "item", op->rq.sop_instance.s, "error", err_name(e), "why", why ? why->text : NULL, NULL);
	if (op->session && (e || !json_is_integer(status)))
		session_respond(op->session, op->context_id, &op->rq, STATUS_PROCESSING_FAILURE, "the work list manager does not answer");
	else if (op->session)
		session_respond(op->session, op->context_id, &op->rq, (uint16_t)json_integer_value(status), comment && comment[0] ? comment : NULL);
	operation_end(op);
	free(r);
}

static char *hex_of(const struct dataset *ds)
{
	static const char digit[] = "0123456789abcdef";
	struct buf b;
	char *out = NULL;

	buf_init(&b, 2 * BOUND_IDENTIFIER);
	if (!dataset_write(ds, DS_EXPLICIT_LE, &b) && 2 * b.len < BOUND_CTL_LINE - 4096)
		out = malloc(2 * b.len + 1);
	for (size_t i = 0; out && i < b.len; i++) {
		out[2 * i] = digit[b.p[i] >> 4];
		out[2 * i + 1] = digit[b.p[i] & 15];
	}
	if (out)
		out[2 * b.len] = 0;
	buf_fini(&b);
	return out;
}

static json_t *request(const struct session *s, const struct dimse *rq, const char *op, const char *state, const char *transaction, const struct dataset *changes)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:s}", "op", op, "uid", rq->sop_instance.s, "transaction", transaction, "calling", s->calling);

	if (body && state)
		json_object_set_new(body, "state", json_string(state));
	if (body && changes) {
		char *hex = hex_of(changes);
		if (!hex || json_object_set_new(body, "changes", json_string(hex))) {
			json_decref(body);
			body = NULL;
		}
		free(hex);
	}
	return body;
}

void ups_relay(struct session *s, uint8_t context_id, const struct dimse *rq, const char *op, const char *state, const char *transaction,
               const struct dataset *changes)
{
	struct relay *r = calloc(1, sizeof(*r));
	json_t *body = r ? request(s, rq, op, state, transaction, changes) : NULL;
	char path[sizeof(s->server->conf->dir) + 32];

	if (!body) {
		free(r);
		session_respond(s, context_id, rq, STATUS_OUT_OF_RESOURCES, "the request does not fit");
		return;
	}
	operation_begin(&r->op, &relay_class, s, context_id, rq);
	snprintf(path, sizeof(path), "%s/run/router.sock", s->server->conf->dir);
	enum err e = ctl_call_async(s->server->loop, path, body, ROUTER_TIMEOUT_MS, relay_answered, r);
	if (e)
		relay_answered(r, e, NULL, NULL);
}
