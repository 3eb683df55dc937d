/* company - who goes with whom in a round of ingest. Plain values, no clock and no lock of its own.
 *
 * A round costs its syncs, for one image or for many. Of several senders that were answered together one is back first, and alone
 * it would make the others wait for a round of its own and then for theirs. So where syncs cost much, images that come while
 * the first of a round are written join it, and it waits for small ones that are nearly here, as long as those who are missing gain more
 * by that, a turn of the syncs each, than those who are here lose. How many send is seen when a round ends: those in it, and those who
 * have come meanwhile. Waits that are in vain, as when a sender is slow or has ended, are soon given up and tried again seldom. One sender
 * alone is never waited for. Where syncs cost little nobody is and nobody joins: the processor has enough to do then, and those
 * who go together leave it idle together. Images that take longer to come than to sync are not waited for, "small" are the others.
 */
#ifndef PACS_STORE_COMPANY_H
#define PACS_STORE_COMPANY_H

#include <stdbool.h>
#include <stdint.h>

enum { COMPANY_MOST_NS = 5000000 };      /* a wait at most */
enum { COMPANY_WORTH_NS = 500000 };      /* syncs that cost less: each for itself */
enum { COMPANY_SMALL = 256 << 10 };      /* bytes of a file */

struct company {
	unsigned queued;                 /* small images that wait for a round */
	unsigned joined;                 /* that are in the one under way */
	unsigned hoped;                  /* how many send */
	unsigned last;                   /* how many were here when the last round ended */
	bool may_wait, has_waited;       /* the round under way */
	unsigned patience;               /* so many waits more may be in vain */
	unsigned pause, hurried;         /* without patience: rounds until the next wait, and those since the last */
	uint64_t sync_ns;                /* what a round costs whatever it brings: near the least that its end took of late */
};

struct company company_new(void);
bool     company_is_worth(const struct company *c);      /* whether images may join a round at all */
void     company_begin(struct company *c);               /* a round begins */
/* How long to wait now for others to join, counted from the round's first wait; 0: not at all. Who waits says so in has_waited. */
uint64_t company_wait_ns(const struct company *c);
/* The round has ended, whose syncs and commit took so long; 0: there was nothing to commit. One without small images says
 * nothing: its bytes are what cost. */
void     company_round(struct company *c, uint64_t took_ns);

#endif
