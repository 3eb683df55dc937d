/* rooms - the router's parts: the order in which they start, and in which they stop.
 *
 * What a task of the work thread comes back to may be gone by then: rooms_stop() may be called at any moment, and each room's
 * callbacks look whether the room is still there.
 */
#ifndef ROUTER_ROOMS_H
#define ROUTER_ROOMS_H

#include "router/router.h"

/* Before the loop runs; r has its loop and conf. After an error, what was started goes with the process: half a start has no order
 * to close it in. */
enum err rooms_start(struct router *r, struct why *why) MUST_USE;

/* On the loop. First what makes work, then the work, then the database; the loop then runs out by itself. */
void rooms_stop(struct router *r);

/* When the loop has run out and is freed. */
void rooms_fini(struct router *r);

#endif
