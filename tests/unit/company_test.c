/* Who joins a round, and how long it waits for others. */
#include "pacs/store/company.h"

#include "tests/lib/t.h"

static const uint64_t MS = 1000000;

/* A round of so many, for which so many others have come when it ends. */
static void round_of(struct company *c, unsigned joined, unsigned queued, uint64_t took_ns)
{
	company_begin(c);
	c->joined = joined;
	c->queued = queued;
	company_round(c, took_ns);
}

/* Rounds of so many, each of which cost so much; the next has begun and `here` are in it. */
static struct company after(unsigned count, uint64_t took_ns, unsigned here)
{
	struct company c = company_new();
	for (int i = 0; i < 1000; i++)
		round_of(&c, count, 0, took_ns);
	company_begin(&c);
	c.joined = here;
	return c;
}

/* A round that waited, for which so many came. */
static void waited(struct company *c, unsigned joined, unsigned queued)
{
	company_begin(c);
	c->has_waited = c->may_wait;
	c->joined = joined;
	c->queued = queued;
	company_round(c, 4 * MS);
}

TEST(alone, "one sender alone is never waited for")
{
	struct company c = company_new();
	company_begin(&c);
	c.joined = 1;
	CHECK(!company_wait_ns(&c));
	c = after(1, 4 * MS, 1);
	CHECK(!company_wait_ns(&c));
	CHECK(company_is_worth(&c));
}

TEST(senders, "who send are those in a round and those who came meanwhile; of the last two rounds the more")
{
	struct company c = company_new();
	round_of(&c, 4, 4, 4 * MS);
	CHECK(c.hoped == 8);
	round_of(&c, 4, 1, 4 * MS);
	CHECK(c.hoped == 8);
	round_of(&c, 2, 1, 4 * MS);
	CHECK(c.hoped == 5);
	round_of(&c, 0, 0, 4 * MS);              /* only large ones: tells nothing */
	CHECK(c.hoped == 5);
}

TEST(gain, "a wait is as long as those missing gain more than those here lose")
{
	struct company c = after(8, 4 * MS, 1);
	CHECK(company_wait_ns(&c) == 4 * MS);
	c.joined = 4;
	CHECK(company_wait_ns(&c) == 4 * MS);
	c.queued = 2;                            /* who waits is here too */
	CHECK(company_wait_ns(&c) == 4 * MS / 3);
	c.joined = 5;
	CHECK(company_wait_ns(&c) == 4 * MS / 7);
	c.joined = 6;
	CHECK(!company_wait_ns(&c));
	c.joined = c.queued = 0;
	CHECK(!company_wait_ns(&c));             /* only large ones are here */
	c = after(8, 1000 * MS, 1);
	CHECK(company_wait_ns(&c) == COMPANY_MOST_NS);
}

TEST(cheap, "where syncs cost little nobody joins or is waited for, whatever some take")
{
	struct company c = company_new();
	company_begin(&c);
	CHECK(!company_is_worth(&c));            /* nothing is known yet */
	for (int i = 0; i < 500; i++)
		round_of(&c, 8, 0, i % 8 ? 6 * MS : MS / 4);
	company_begin(&c);
	c.joined = 1;
	CHECK(!company_is_worth(&c));
	CHECK(!company_wait_ns(&c));
}

TEST(nothing, "a round that had nothing to commit does not say that syncs are cheap")
{
	struct company c = after(8, 4 * MS, 0);
	for (int i = 0; i < 100; i++)
		round_of(&c, 8, 0, 0);
	CHECK(company_is_worth(&c));
	CHECK(c.sync_ns == 4 * MS);
}

TEST(patience, "what is in vain is done seldom, then more seldom, and again when it pays")
{
	struct company c = after(8, 4 * MS, 0);
	unsigned waits[2] = { 0, 0 };
	for (int i = 0; i < 4; i++) {
		waited(&c, 3, 5);
		CHECK(c.hoped == 8);
	}
	for (int i = 0; i < 1200; i++) {
		company_begin(&c);
		c.joined = 3;
		bool waits_now = company_wait_ns(&c) > 0;
		waits[i >= 600] += waits_now;
		c.has_waited = waits_now;
		c.queued = 5;
		company_round(&c, 4 * MS);
		c.queued = 0;
	}
	CHECK(waits[0] >= 4 && waits[0] <= 6);   /* after 16, 32, 64, 128, 256 rounds */
	CHECK(waits[1] >= 2 && waits[1] <= 3);   /* after 256 each */
	while (company_begin(&c), !c.may_wait)
		;
	c.has_waited = true;
	c.joined = 6;                            /* three of four: in time */
	c.queued = 2;
	company_round(&c, 4 * MS);
	c.queued = 0;
	for (int i = 0; i < 4; i++) {
		company_begin(&c);
		c.joined = 3;
		CHECK(company_wait_ns(&c) == 4 * MS);
		c.has_waited = true;
		c.queued = 5;
		company_round(&c, 4 * MS);
		c.queued = 0;
	}
}

int main(void)
{
	RUN(alone);
	RUN(senders);
	RUN(gain);
	RUN(cheap);
	RUN(nothing);
	RUN(patience);
	return t_done();
}
