#include "pacs/store/pace.h"

#include <time.h>

#include "pacs/base/clock.h"

#define S_NS 1000000000ull

void pace_init(struct pace *p, uint64_t per_s)
{
	*p = (struct pace){ .per_s = per_s, .due_ns = clock_mono_ns() };
}

void pace_wait(struct pace *p, size_t bytes)
{
	if (!p->per_s)
		return;
	uint64_t now = clock_mono_ns();
	if (p->due_ns + S_NS < now)
		p->due_ns = now - S_NS;
	p->due_ns += (uint64_t)((double)bytes * (double)S_NS / (double)p->per_s);
	if (p->due_ns <= now)
		return;
	uint64_t wait = p->due_ns - now;
	nanosleep(&(struct timespec){ (time_t)(wait / S_NS), (long)(wait % S_NS) }, NULL);
}
