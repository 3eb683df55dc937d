/* requests - the router's local socket, DIR/run/router.sock: what `pacs queue`, `pacs status` and storescp ask.
 *
 *   {"op":"ping"}
 *   {"op":"reload"}                                    pacs.conf is read again
 *   {"op":"status"}                                    {"cursor":N,"counts":[...],"destinations":[...],"compress":{...},"pid":N}
 *   {"op":"queue.list","state":S,"to":NAME,"limit":N}  {"jobs":[...],"counts":[...]}; all three may be left out
 *   {"op":"queue.retry", "id":N | "to":NAME | "all":true}    {"jobs":N}
 *   {"op":"queue.hold",  "id":N | "to":NAME}                 {"jobs":N}
 *
 * A queued job whose destination is backing off counts as waiting in the list, with the destination's next try and last error.
 * queue.retry by name or of all also ends the back-off of commitment requests to the node and of results owed to it.
 * What the worklist (router.h), commitment (commit.h) and the orders (ordering.h) take is passed on to them.
 */
#ifndef ROUTER_REQUESTS_H
#define ROUTER_REQUESTS_H

#include "router/router.h"

enum err requests_open(struct router *r, struct why *why) MUST_USE;
void     requests_close(struct router *r);
void     requests_reload(struct router *r);       /* by signal */

#endif
