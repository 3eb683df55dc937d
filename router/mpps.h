/* mpps - performed procedure steps in the router: keeping them, what they mean for orders and reading work, sending them on.
 *
 *   {"op":"mpps.create","uid":U,"calling":AE,"data":HEX}   {"op":"mpps.set", the same}      from storescp
 *        -> {"status":N,"comment":"...","error_id":N}; 0000 is behind the commit
 *
 * A COMPLETED step whose images have all come ends the quiet time of its studies at once; one whose images are still on their way
 * does when the last of them has been planned. Without images it leaves that to the quiet time, and so does a DISCONTINUED one.
 *
 * Routes with the action "mpps" send each N-CREATE and N-SET on, as jobs of their own kind: to one node one after the other in the
 * order in which they came, again until the far end has taken them. One that is refused for good is held, and those of the same step
 * wait behind it; other steps go on.
 */
#ifndef ROUTER_MPPS_H
#define ROUTER_MPPS_H

#include "db/mpps.h"
#include "router/router.h"

struct mpps_sender;

enum err mpps_start(struct router *r, struct why *why) MUST_USE;
void     mpps_stop(struct router *r);            /* no more is begun; an open association is aborted */
void     mpps_fini(struct router *r);            /* when the loop has ended */
void     mpps_wake(struct router *r);            /* there may be something to send; nodes may have changed */
/* true: it is one of its requests and will be answered. */
bool     mpps_handle_ctl(struct router *r, struct ctl_request *rq, const char *op, const json_t *body);
/* Work thread, in plan's transaction, behind the rules: these images have been planned. *is_due: a study's quiet time is over. */
enum err mpps_on_arrivals(const struct conf *conf, struct work *w, struct index_reader *ix, const struct index_arrival *a, size_t n, int64_t now_ms,
                          bool *is_due, struct why *why) MUST_USE;

#endif
