/* joining - images join a round that has begun, as where syncs cost much. The clock still decides: a thread that gets no processor for
 * some milliseconds joins nobody, so who needs it to have happened looks, and tries again. */
#ifndef TESTS_LIB_JOINING_H
#define TESTS_LIB_JOINING_H

#include <sched.h>

#include "pacs/base/clock.h"
#include "pacs/store/ingest_private.h"

/* The next round waits for so many, as long as a round may. */
static inline void let_join(struct ingest *g, unsigned count)
{
	pthread_mutex_lock(&g->mutex);
	g->company = company_new();
	g->company.sync_ns = 100 * COMPANY_MOST_NS;
	g->company.hoped = g->company.last = count;
	pthread_mutex_unlock(&g->mutex);
}

/* What was submitted is in a round, or a round has left it for the next one. */
static inline void until_taken(struct ingest *g)
{
	uint64_t end = clock_mono_ns() + 20000000;
	for (bool waits = true; waits && clock_mono_ns() < end; sched_yield()) {
		pthread_mutex_lock(&g->mutex);
		waits = g->first != NULL;
		pthread_mutex_unlock(&g->mutex);
	}
}

/* How many the last round had. */
static inline unsigned last_round(struct ingest *g)
{
	pthread_mutex_lock(&g->mutex);
	unsigned n = g->company.last;
	pthread_mutex_unlock(&g->mutex);
	return n;
}

#endif
