/* Bytes a second, and the rate of a scrub. */
#include "pacs/store/pace.h"

#include "pacs/base/clock.h"
#include "pacs/scrub.h"
#include "tests/lib/t.h"

TEST(rate, "the rate is kept within a few percent, whatever the pieces")
{
	static const size_t pieces[] = { 1000, 4096, 50000 };
	for (size_t i = 0; i < NELEM(pieces); i++) {
		struct pace p;
		pace_init(&p, 1000000);
		uint64_t start = clock_mono_ns();
		for (size_t sent = 0; sent < 200000; sent += pieces[i])
			pace_wait(&p, pieces[i]);
		double s = (double)(clock_mono_ns() - start) / 1e9;
		if (s < 0.195 || s > 0.26)
			T_FAIL("200 kB at 1 MB/s in pieces of %zu took %.3f s", pieces[i], s);
	}
}

TEST(none, "no rate, no wait")
{
	struct pace p;
	pace_init(&p, 0);
	uint64_t start = clock_mono_ns();
	pace_wait(&p, 1 << 30);
	CHECK(clock_mono_ns() - start < 1000000000u);
}

TEST(scrub, "a scrub takes four fifths of its days, within the most it may read")
{
	const uint64_t ten_tb = 10000000000000u;
	CHECK(scrub_rate(ten_tb, 30, 20000000) == ten_tb / (30u * 86400 * 4 / 5) + 1);
	CHECK_INT(scrub_rate(ten_tb, 1, 20000000), 20000000);
	CHECK_INT(scrub_rate(0, 30, 20000000), 65536);
}

int main(void)
{
	RUN(rate);
	RUN(none);
	RUN(scrub);
	return t_done();
}
