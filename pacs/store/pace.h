/* pace - bytes a second for a thread that may wait: it sleeps until what it did is due. No globals; one thread.
 * After a pause at most a second's worth is caught up, so the mean is the rate and there are no bursts. */
#ifndef PACS_STORE_PACE_H
#define PACS_STORE_PACE_H

#include <stddef.h>
#include <stdint.h>

struct pace { uint64_t per_s, due_ns; };

void pace_init(struct pace *p, uint64_t per_s);  /* 0: no limit */
void pace_wait(struct pace *p, size_t bytes);    /* these were just done */

#endif
