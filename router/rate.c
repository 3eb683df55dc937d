#include "router/rate.h"

enum { LONGEST_MS = 1000 };      /* a changed rate is noticed in time */

void rate_init(struct rate *r, uint64_t per_s, uint64_t now_ns)
{
	*r = (struct rate){ .per_s = per_s, .credit = (int64_t)per_s, .at_ns = now_ns };
}

static void earn(struct rate *r, uint64_t now_ns)
{
	uint64_t ms = (now_ns - r->at_ns) / 1000000;
	if (ms > 1000) {
		/* More than a second fills it from nothing; a debt of more than that is paid off as far as it goes. */
		r->credit += (int64_t)(r->per_s / 1000 * (ms < 3600000 ? ms : 3600000));
		r->at_ns = now_ns;
	} else {
		int64_t earned = (int64_t)(r->per_s * ms / 1000);
		if (!earned)
			return;
		r->credit += earned;
		r->at_ns = now_ns;
	}
	if (r->credit > (int64_t)r->per_s)
		r->credit = (int64_t)r->per_s;
}

unsigned rate_wait_ms(struct rate *r, size_t bytes, uint64_t now_ns)
{
	if (!r->per_s)
		return 0;
	earn(r, now_ns);
	if (r->credit > 0) {
		r->credit -= (int64_t)bytes;
		return 0;
	}
	uint64_t ms = (uint64_t)(1 - r->credit) * 1000 / r->per_s + 1;
	return ms < LONGEST_MS ? (unsigned)ms : LONGEST_MS;
}
