/* queue_list - the two answers of the local socket that read work.db: the queue, and the state of everything.
 *
 * Read on the loop's pool with a connection of its own, so that a long list costs the router nothing.
 */
#ifndef ROUTER_QUEUE_LIST_H
#define ROUTER_QUEUE_LIST_H

#include "router/router.h"

enum { QUEUE_LIST_DEFAULT = 100, QUEUE_LIST_MAX = 5000 };

void queue_list(struct router *r, struct ctl_request *rq, const json_t *body);
void queue_status(struct router *r, struct ctl_request *rq);

#endif
