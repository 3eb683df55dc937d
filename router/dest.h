/* dest - what send.c (destinations) and link.c (their associations) share. Private to the two.
 *
 *   ready --given to a link--> given --answer--> reported
 *     ^                          |
 *     '---- the link takes no more (closing)
 *
 * A job in hand (struct outbound) is in dest.ready, or in its link's hands; it is freed when it has been reported.
 */
#ifndef ROUTER_DEST_H
#define ROUTER_DEST_H

#include <sys/queue.h>

#include "pacs/send/send.h"
#include "router/jobs.h"
#include "router/rate.h"
#include "router/send.h"

enum {
	DEST_LOW = 24,                   /* ready jobs under which more are claimed */
	DEST_CLAIM_BYTES = 64 << 20,     /* ... until they weigh this: a few large images are enough ahead */
	DEST_GIVE_BYTES = 8 << 20,       /* given to one association and not yet answered */
	DEST_GIVE_MIN = 2,               /* ... but always so many: one on the wire, one being prepared */
	DEST_LINGER_MS = 2000,
	DEST_KINDS = 48,                 /* (class, syntax) pairs proposed: what was seen lately; fits 128 contexts */
	DEST_OPERATIONS = 32,            /* asynchronous operations asked for */
};

struct dest;
struct link;

struct outbound {
	TAILQ_ENTRY(outbound) entry;
	struct dest *dest;
	struct link *link;               /* NULL while ready */
	int64_t job;
	unsigned priority;
	uint64_t begun_ns;               /* when it was given */
	struct send_object object;
};
TAILQ_HEAD(outbounds, outbound);

struct dest {
	LIST_ENTRY(dest) entry;
	struct router *router;
	struct conf_node node;           /* a copy */
	bool is_known;                   /* in the present configuration */
	struct outbounds ready;
	unsigned ready_count, given_count;
	LIST_HEAD(, link) links;
	unsigned link_count;
	bool is_claiming, has_work;
	bool is_stepping, step_again;
	int64_t next_due_ms;             /* wall; a waiting job comes due; 0: none */
	unsigned failures;
	uint64_t not_before_ns;          /* back-off; 0: none */
	char last_error[321];
	uint64_t images, bytes;
	struct rate rate;
	struct send_kind kinds[DEST_KINDS];      /* latest first */
	unsigned kind_count;
	struct recipe wish;                      /* of node.codec */
};

/* ---- dest, as link sees it ---- */
/* Does whatever can be done now: gives, claims, connects, lets go. */
void dest_step(struct dest *d);
void dest_failed(struct dest *d, const char *why);       /* backs off */
void dest_succeeded(struct dest *d);
/* Its place in the ready queue again, as if it had not been taken out. */
void dest_put_back(struct dest *d, struct outbound *o);
void dest_done(struct dest *d, struct outbound *o, const struct send_result *res, bool has_closed);   /* frees o */

void dest_give_back(struct dest *d);     /* all that is ready: the database has them again */
void send_tell_quiet(struct router *r);  /* when stopping: perhaps that was the last association */

/* ---- link, as dest sees it ---- */
/* Begins an association for the kinds of `d`; the rest is told through dest_step(). */
enum err link_open(struct dest *d, struct why *why) MUST_USE;
bool     link_is_connecting(const struct link *k);
bool     link_offers(const struct link *k, const struct send_object *o);
bool     link_has_room(const struct link *k, uint64_t bytes);
bool     link_is_idle(const struct link *k);             /* nothing is given to it */
/* ERR_OK: the link has it. Else it is still the caller's. */
enum err link_give(struct link *k, struct outbound *o) MUST_USE;
void     link_linger(struct link *k, bool on);           /* release after DEST_LINGER_MS unless switched off before */
void     link_retire(struct link *k);                    /* takes no more; released when the last answer is in */
void     link_drop(struct link *k);                      /* at once: what it has comes back through dest_done() */
struct link *link_next(const struct link *k);

#endif
