/* Changes of work items go to the router over its local socket:
 *
 *   {"op":"ups.state","uid":U,"state":"IN PROGRESS","transaction":T,"calling":AE}
 *   {"op":"ups.set","uid":U,"transaction":T,"calling":AE,"changes":HEX}
 */
#include "storescp/ups.h"

#include "storescp/relay.h"

static json_t *request(const struct session *s, const struct dimse *rq, const char *op, const char *state, const char *transaction, const struct dataset *changes)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:s}", "op", op, "uid", rq->sop_instance.s, "transaction", transaction, "calling", s->calling);

	if (body && state)
		json_object_set_new(body, "state", json_string(state));
	if (body && changes && json_object_set_new(body, "changes", relay_dataset(changes))) {
		json_decref(body);
		body = NULL;
	}
	return body;
}

void ups_relay(struct session *s, uint8_t context_id, const struct dimse *rq, const char *op, const char *state, const char *transaction,
               const struct dataset *changes)
{
	relay_to_router(s, context_id, rq, request(s, rq, op, state, transaction, changes), NULL);
}
