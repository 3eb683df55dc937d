/* Changes of work items go to the router over its local socket:
 *
 *   {"op":"ups.state","uid":U,"state":"IN PROGRESS","transaction":T,"calling":AE}
 *   {"op":"ups.set","uid":U,"transaction":T,"calling":AE,"changes":HEX}
 *   -> {"ok":true,"status":N,"comment":"..."}
 */
#include "storescp/ups.h"

#include <stdlib.h>

#include "pacs/base/hex.h"
#include "storescp/relay.h"

static char *hex_of(const struct dataset *ds)
{
	struct buf b, hex;
	char *out = NULL;

	buf_init(&b, 2 * BOUND_IDENTIFIER);
	buf_init(&hex, BOUND_CTL_LINE - 4096);
	if (!dataset_write(ds, DS_EXPLICIT_LE, &b))
		hex_write(buf_view(&b), &hex);
	if (hex.len && !buf_err(&hex))
		out = strdup(buf_cstr(&hex));
	buf_fini(&hex);
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
