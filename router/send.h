/* send - forwards images to the nodes of pacs.conf, each destination by itself.
 *
 * A destination has its own jobs in hand, its own associations (at most max_associations, kept while there is work and a
 * short while after), its own rate and its own back-off: a dead one costs the others nothing. While connecting fails,
 * one attempt is made at a time, later and later, whatever number of images waits; the images themselves are not tried.
 * An image that was on the wire when an association broke waits by itself, so that it does not stop the ones behind it.
 *
 * Order     priority, then age; images in hand go as they were claimed, so an urgent one overtakes all but those that
 *           are already given to an association (at most DEST_GIVE_BYTES or a few on each).
 * Threads   loop thread only.
 */
#ifndef ROUTER_SEND_H
#define ROUTER_SEND_H

#include "router/router.h"

enum err send_start(struct router *r, struct why *why) MUST_USE;
/* Gives back what is in hand and ends all associations; quiet() comes on the loop when they are gone. */
void     send_stop(struct router *r, void (*quiet)(struct router *r));
void     send_fini(struct router *r);            /* when the loop has ended */
void     send_wake(struct router *r);            /* there may be new jobs */
void     send_reload(struct router *r);          /* r->conf has changed */
/* A person says now: forgets the back-off. name NULL: of all. */
void     send_hurry(struct router *r, const char *name);

struct send_state {
	const char *name, *aet, *last_error;     /* lent for the call; last_error "" none */
	unsigned associations, in_hand, failures;
	int64_t next_try_ms;                     /* 0: not backing off */
	uint64_t images, bytes;                  /* since start */
};
void     send_each(struct router *r, void (*fn)(void *arg, const struct send_state *s), void *arg);

#endif
