/* The byte rate of a destination. */
#include "tests/lib/t.h"

#include "router/rate.h"

enum { MS = 1000000 };

/* Sends pieces for so many ms as a sender does, and says how many bytes went. */
static uint64_t sent_in(struct rate *r, uint64_t *now, unsigned ms, size_t piece)
{
	uint64_t end = *now + (uint64_t)ms * MS, sent = 0;
	while (*now < end) {
		unsigned wait = rate_wait_ms(r, piece, *now);
		if (wait)
			*now += (uint64_t)wait * MS;
		else
			sent += piece;
	}
	return sent;
}

TEST(uncapped, "no cap never waits")
{
	struct rate r;
	rate_init(&r, 0, 5);
	for (int i = 0; i < 1000; i++)
		CHECK_INT(rate_wait_ms(&r, 1 << 30, 5), 0);
}

TEST(mean, "over ten seconds the rate holds, for small and for large pieces")
{
	static const size_t pieces[] = { 100, 16384, 262144, 2000000 };
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct rate r;
		uint64_t now = 77;
		rate_init(&r, 1000000, now);
		uint64_t sent = sent_in(&r, &now, 10000, pieces[i]);
		/* one second's credit at the start, and at most one piece owed at the end */
		if (sent < 9500000 || sent > 11100000 + pieces[i])
			T_FAIL("pieces of %zu: %llu bytes in 10 s at 1000000/s", pieces[i], (unsigned long long)sent);
	}
}

TEST(idle, "idle time earns one second and no more")
{
	struct rate r;
	uint64_t now = 0;
	rate_init(&r, 1000000, now);
	sent_in(&r, &now, 3000, 1000);
	now += 3600ULL * 1000 * MS;
	uint64_t sent = sent_in(&r, &now, 100, 1000);
	if (sent < 1000000 || sent > 1200000)
		T_FAIL("%llu bytes in 100 ms after an hour of rest", (unsigned long long)sent);
}

TEST(slow, "a very slow line still moves, and waits are short enough to notice a change")
{
	struct rate r;
	uint64_t now = 0;
	rate_init(&r, 100, now);
	for (int i = 0; i < 100; i++) {
		unsigned wait = rate_wait_ms(&r, 50, now);
		CHECK(wait <= 1000);
		now += (uint64_t)wait * MS;
	}
	CHECK(sent_in(&r, &now, 20000, 50) >= 1500);
}

int main(void)
{
	RUN(uncapped);
	RUN(mean);
	RUN(idle);
	RUN(slow);
	return t_done();
}
