/* accept - which associations and presentation contexts storescp takes. No I/O. */
#ifndef STORESCP_ACCEPT_H
#define STORESCP_ACCEPT_H

#include "storescp/service.h"

/* Fills *ans. NULL: accepted; else one sentence why it was rejected. An unknown caller is
 * remembered for `pacs node pending`. */
const char *accept_decide(struct server *sv, const char *address, struct arena *a, const struct assoc_request *rq, struct assoc_answer *ans);

/* What was granted for this query class. */
struct query_extended accept_extended(const struct assoc_answer *ans, const char *sop_class);

/* May this request come on a context of this abstract syntax? */
bool accept_serves(const char *abstract_syntax, uint16_t field);

#endif
