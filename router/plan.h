/* plan - what shall happen to each image that arrives: the tail of the arrivals and the rules.
 *
 * Invariant 5  The jobs of a batch of arrivals and the cursor behind it are one transaction. Killed before it: the batch is
 *              read again. Killed after it: the jobs are there. Putting a job in twice changes nothing. For a batch that
 *              makes no work the cursor may stay behind; so a restart looks at a few thousand arrivals again.
 *
 * A rebuilt index.db is noticed at each pass (db/work_keep.h): the cursor begins anew, and planning changes nothing that was planned.
 *
 * Woken by the datagram that ingest sends after each commit, and by a poll each second: a hint may be lost. Passes stand
 * 20 ms apart, so that a stream of small images costs one sync for many.
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
int64_t  plan_seen(const struct router *r);      /* arrivals up to here are done with; 0 before the first pass */

struct plan_made {
	bool has_work;                   /* something stands in work.db for it, now or before */
	bool to_read;                    /* ... on the worklist */
};
/* Work thread. Enqueues what the rules say about one arrival; sets what applies in *made. */
enum err plan_arrival(const struct conf *conf, struct work *w, const struct index_arrival *a, int64_t now_ms, struct plan_made *made, struct why *why) MUST_USE;

#endif
