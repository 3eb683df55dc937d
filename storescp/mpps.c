/* N-CREATE and N-SET of modality performed procedure steps (PS3.4 annex F): the router keeps them and knows the rules.
 *
 *   {"op":"mpps.create","uid":U,"calling":AE,"data":HEX}      {"op":"mpps.set", the same}
 */
#include "storescp/relay.h"
#include "storescp/ups.h"

enum { ARENA = 32 << 20, NO_CLASS = 0x0118, BAD_INSTANCE = 0x0117 };

/* The router's 0000 is behind its commit: so is ours. */
static void relay(struct session *s, uint8_t context_id, const struct dimse *rq, const char *op, struct bytes data)
{
	struct arena a;

	if (strcmp(rq->sop_class.s, UID_MPPS)) {
		session_respond(s, context_id, rq, NO_CLASS, "the command's SOP class is not that of performed procedure steps");
		return;
	}
	arena_init(&a, ARENA);
	struct dataset *ds = ups_read(s, context_id, rq, &a, data);      /* has answered when it is NULL */
	if (ds) {
		json_t *body = json_pack("{s:s, s:s, s:s}", "op", op, "uid", rq->sop_instance.s, "calling", s->calling);
		if (body && json_object_set_new(body, "data", relay_dataset(ds))) {
			json_decref(body);
			body = NULL;
		}
		relay_to_router(s, context_id, rq, body, NULL);
	}
	arena_fini(&a);
}

/* Without an Affected SOP Instance UID it is ours to give one (PS3.7 10.1.5.1.4); the response names it. */
static void create_start(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data)
{
	struct dimse named = *rq;

	if (!named.sop_instance.s[0] && uid_new(&named.sop_instance))
		session_respond(s, context_id, rq, STATUS_PROCESSING_FAILURE, "no UID could be made");
	else if (!uid_is_legal(named.sop_instance.s))
		session_respond(s, context_id, rq, BAD_INSTANCE, "the SOP Instance UID is none");
	else
		relay(s, context_id, &named, "mpps.create", data);
}

static void set_start(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data)
{
	relay(s, context_id, rq, "mpps.set", data);
}

static bool is_mpps(const char *abstract_syntax)
{
	return !strcmp(abstract_syntax, UID_MPPS);
}

const struct service service_mpps_create = { .field = DIMSE_N_CREATE_RQ, .start = create_start, .serves = is_mpps };
const struct service service_mpps_set = { .field = DIMSE_N_SET_RQ, .start = set_start, .serves = is_mpps };
