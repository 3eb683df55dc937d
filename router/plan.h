/* plan - what shall happen to each image that arrives: the tail of the arrivals and the rules.
 *
 * Invariant 5  The jobs of a batch of arrivals and the cursor behind it are one transaction. Killed before it: the batch is
 *              read again. Killed after it: the jobs are there. Putting a job in twice changes nothing.
 *
 * Woken by the datagram that ingest sends after each commit, and by a poll each second: a hint may be lost.
 *
 * An image is never sent back to the node that it came from. Its compression, where a rule wants one, stands before its
 * forwarding, so that the thin line carries the compressed file; of several such rules that match the first decides.
 */
#ifndef ROUTER_PLAN_H
#define ROUTER_PLAN_H

#include "router/router.h"

enum err plan_start(struct router *r, struct why *why) MUST_USE;
void     plan_stop(struct router *r);            /* no more passes begin */
void     plan_fini(struct router *r);            /* when the loop has ended */
void     plan_wake(struct router *r);

/* Work thread. Enqueues what the rules say about one arrival; sets *to_read when it is for the worklist. */
enum err plan_arrival(const struct conf *conf, struct work *w, const struct index_arrival *a, int64_t now_ms, bool *to_read, struct why *why) MUST_USE;

#endif
