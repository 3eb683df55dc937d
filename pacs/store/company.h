/* company - how long a round of ingest waits for small images that are nearly here. Plain values, no clock and no lock of its own.
 *
 * A round costs its syncs, for one image or for many. Of several senders that were answered together one is back first, and alone
 * it would make the others wait for a round of its own and then for theirs. So a round waits until as many images are here as the
 * last ones had: a quarter of what a round costs at most, and less where it was in vain of late, as when a sender is slow or has
 * ended. One sender alone is never waited for, and nobody where rounds cost little: the processor has enough to do then. Images that
 * are synced before they come to a round are not counted, "small" are the others.
 */
#ifndef PACS_STORE_COMPANY_H
#define PACS_STORE_COMPANY_H

#include <stdbool.h>
#include <stdint.h>

enum { COMPANY_MOST_NS = 5000000 };      /* a wait at most */
enum { COMPANY_WORTH_NS = 1000000 };     /* a round that costs less is not waited for */

struct company {
	unsigned queued;                 /* small images that wait for a round */
	unsigned hoped;                  /* the most that one of the last two rounds had */
	unsigned last;                   /* what the last one had */
	unsigned patience;               /* 0 to 8: eighths of the longest wait */
	unsigned hurried;                /* rounds without a wait since patience was lost */
	uint64_t round_ns;               /* what a round costs whatever it brings: near the least that one took of late */
};

struct company company_new(void);
bool     company_is_due(const struct company *c);
/* How long to wait now, when company is due; 0: not at all. Then tell whether somebody came. */
uint64_t company_wait_ns(struct company *c);
void     company_waited(struct company *c, bool came);
void     company_round(struct company *c, unsigned count, uint64_t took_ns);

#endif
