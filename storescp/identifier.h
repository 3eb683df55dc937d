/* identifier - a query or retrieve request's data set, taken over from the session for work on a reader. */
#ifndef STORESCP_IDENTIFIER_H
#define STORESCP_IDENTIFIER_H

#include "db/query.h"
#include "storescp/service.h"

struct identifier {
	struct arena arena;                  /* after identifier_read() of one thread at a time */
	struct dataset *ds;                  /* in the arena */
	enum ds_encoding encoding;           /* of the context, for answers too */
	enum query_root root;
	struct query_extended extended;
	char sender_charset[64];             /* of the caller, "" none */
	char answer_charset[64];             /* of the caller's node section, "" none */
	bool pinyin;
	char aet[BOUND_AET + 1];             /* ours, as (0008,0054) */
};

/* Copies everything it needs. ERR_FORMAT: cannot be read. identifier_fini() also after an error. */
enum err identifier_read(struct identifier *id, const struct session *s, uint8_t context_id, struct bytes data, struct why *why) MUST_USE;
void     identifier_fini(struct identifier *id);

#endif
