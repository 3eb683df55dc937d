/* patients - hands the journal of patient changes and corrections to storescp, whose index they change.
 *
 * The acknowledgement of a message follows the commit of the journal; the index follows within milliseconds, or when storescp is
 * there again. What has been applied is asked of the index itself: so an index that was built anew from the files gets all of it.
 */
#ifndef ROUTER_PATIENTS_H
#define ROUTER_PATIENTS_H

#include "router/router.h"

enum err patients_start(struct router *r, struct why *why) MUST_USE;
void     patients_stop(struct router *r);
void     patients_wake(struct router *r);        /* something is in the journal */
void     patients_followed(struct router *r, int64_t seq);       /* work.db has done its part of entries up to here (router/edits.h) */

#endif
