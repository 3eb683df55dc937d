#include "storescp/service.h"

/* C-ECHO (PS3.4 annex A). */
static void start(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data)
{
	(void)data;
	session_respond(s, context_id, rq, STATUS_SUCCESS, NULL);
}

const struct service service_echo = { .field = DIMSE_C_ECHO_RQ, .start = start };
