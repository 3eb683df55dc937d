/* ups - what the files of the Unified Procedure Step services share. */
#ifndef STORESCP_UPS_H
#define STORESCP_UPS_H

#include "db/items.h"
#include "storescp/service.h"

enum { UPS_ARENA = 32 << 20 };           /* one item as read and the same as answered; items are far smaller */
enum { UPS_NO_ACTION = 0x0123, UPS_BAD_VALUE = 0x0106, UPS_MISSING_VALUE = 0x0121, UPS_NO_CLASS = 0x0118 };

/* Reads a request's data set in the encoding of its context, as UTF-8. Answers C000 or A700 itself and returns NULL when it cannot. */
struct dataset *ups_read(struct session *s, uint8_t context_id, const struct dimse *rq, struct arena *a, struct bytes data);

/* True when the context's SOP class has this operation and the command names a UPS class; else answers the refusal. */
bool ups_may(struct session *s, uint8_t context_id, const struct dimse *rq);

/* Asks the router, who alone writes work.db, and answers the request with the status that comes back.
 * `changes` (may be NULL) goes along as explicit little endian, in hex. Takes nothing. */
void ups_relay(struct session *s, uint8_t context_id, const struct dimse *rq, const char *op, const char *state, const char *transaction,
               const struct dataset *changes);

#endif
