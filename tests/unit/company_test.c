/* Whether a round waits for others, and how long. */
#include "pacs/store/company.h"

#include "tests/lib/t.h"

static const uint64_t MS = 1000000;

/* Rounds that took 8 ms each and had so many images. */
static struct company after(unsigned count)
{
	struct company c = company_new();
	for (int i = 0; i < 500; i++)
		company_round(&c, count, 8 * MS);
	return c;
}

TEST(alone, "one sender alone is never waited for")
{
	struct company c = company_new();
	c.queued = 1;
	CHECK(!company_is_due(&c));
	c = after(1);
	c.queued = 1;
	CHECK(!company_is_due(&c));
}

TEST(others, "company is due until as many are here as of late, and for two rounds only")
{
	struct company c = after(8);
	company_round(&c, 1, 8 * MS);            /* the one who was back first */
	c.queued = 7;
	CHECK(company_is_due(&c));
	c.queued = 8;
	CHECK(!company_is_due(&c));
	c.queued = 0;
	CHECK(!company_is_due(&c));              /* only large ones are here */
	company_round(&c, 1, 8 * MS);
	c.queued = 1;
	CHECK(!company_is_due(&c));           /* two such rounds: the others have gone */
}

TEST(bound, "a wait is a quarter of a round, and at most a few milliseconds")
{
	struct company c = after(8);
	uint64_t ns = company_wait_ns(&c);
	CHECK(ns > 19 * MS / 10 && ns <= 2 * MS);
	for (int i = 0; i < 500; i++)
		company_round(&c, 8, 1000 * MS);
	CHECK(company_wait_ns(&c) == COMPANY_MOST_NS);
	c = company_new();
	CHECK(company_wait_ns(&c) == 0);         /* nothing is known of rounds yet */
}

TEST(cheap, "where a round costs little nobody is waited for, whatever large ones take")
{
	struct company c = company_new();
	for (int i = 0; i < 500; i++)
		company_round(&c, i % 8 ? 8 : 1, i % 8 ? 6 * MS : MS / 2);
	CHECK(company_wait_ns(&c) == 0);
}

TEST(patience, "what is in vain is done less, then seldom, and again when it pays")
{
	struct company c = after(8);
	uint64_t longest = company_wait_ns(&c);
	unsigned waits = 0;
	company_waited(&c, false);
	CHECK(company_wait_ns(&c) == longest / 2);
	for (int i = 0; i < 4; i++)
		company_waited(&c, false);
	for (int i = 0; i < 160; i++)
		if (company_wait_ns(&c)) {
			company_waited(&c, false);
			waits++;
		}
	CHECK(waits >= 8 && waits <= 11);
	while (!company_wait_ns(&c))
		;
	for (int i = 0; i < 4; i++)
		company_waited(&c, true);
	CHECK(company_wait_ns(&c) == longest);
}

int main(void)
{
	RUN(alone);
	RUN(others);
	RUN(bound);
	RUN(cheap);
	RUN(patience);
	return t_done();
}
