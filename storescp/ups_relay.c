/* Changes of work items go to the router over its local socket:
 *
 *   {"op":"ups.state","uid":U,"state":"IN PROGRESS","transaction":T,"calling":AE}
 *   {"op":"ups.set","uid":U,"transaction":T,"calling":AE,"changes":HEX}
 *   -> {"ok":true,"status":N,"comment":"..."}
 */
#include "storescp/ups.h"

#include <stdlib.h>

#include "storescp/relay.h"

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
	relay_to_router(s, context_id, rq, request(s, rq, op, state, transaction, changes), NULL);
}
