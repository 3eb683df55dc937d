#include <stdlib.h>

#include "storescp/retrieve.h"

/* C-GET: the objects go out on the association that asked, in contexts where its requestor took the
 * SCP role (PS3.4 C.4.3). */

static void get_open(struct retrieve *r)
{
	retrieve_opened(r, r->op.session->conn, r->kind_count);
}

static void get_close(struct retrieve *r)
{
	(void)r;
}

static void get_ended(struct retrieve *r)
{
	retrieve_fini(r);
	free(r);
}

static const struct retrieve_class get_class = {
	.name = "C-GET", .is_same_association = true, .open = get_open, .close = get_close, .ended = get_ended,
};

static void get_start(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data)
{
	struct retrieve *r = calloc(1, sizeof(*r));

	if (r)
		retrieve_start(r, &get_class, s, context_id, rq, data);
	else
		session_respond(s, context_id, rq, STATUS_OUT_OF_RESOURCES, "no memory for a retrieval");
}

const struct service service_get = { .field = DIMSE_C_GET_RQ, .start = get_start };
