#include "pacs/store/company.h"

/* PATIENCE: waits in vain until it is lost; PAUSE: rounds after which one who has lost it tries again, longer each time. */
enum { PATIENCE = 4, PAUSE_LEAST = 16, PAUSE_MOST = 256 };

struct company company_new(void)
{
	return (struct company){ .patience = PATIENCE, .pause = PAUSE_LEAST };
}

bool company_is_worth(const struct company *c)
{
	return c->sync_ns >= COMPANY_WORTH_NS;
}

void company_begin(struct company *c)
{
	c->may_wait = c->patience || ++c->hurried >= c->pause;
	if (c->may_wait)
		c->hurried = 0;
	c->has_waited = false;
}

uint64_t company_wait_ns(const struct company *c)
{
	uint64_t here = c->queued + c->joined, longest = c->sync_ns < COMPANY_MOST_NS ? c->sync_ns : COMPANY_MOST_NS;
	if (!c->may_wait || !company_is_worth(c) || !here || here >= c->hoped)
		return 0;
	uint64_t missing = c->hoped - here;
	return missing >= here ? longest : longest * missing / here;
}

static void learn_patience(struct company *c)
{
	if (c->joined >= c->hoped - c->hoped / 4) {
		c->patience = PATIENCE;
		c->pause = PAUSE_LEAST;
	} else if (c->patience) {
		c->patience--;
	} else if (c->pause < PAUSE_MOST) {
		c->pause *= 2;
	}
}

static void learn_cost(struct company *c, uint64_t took_ns)
{
	if (!c->sync_ns)
		c->sync_ns = took_ns;
	c->sync_ns = took_ns < c->sync_ns ? (c->sync_ns + 3 * took_ns) / 4 : c->sync_ns + (took_ns - c->sync_ns) / 128;
}

void company_round(struct company *c, uint64_t took_ns)
{
	if (!c->joined)
		return;
	if (c->has_waited)
		learn_patience(c);
	if (took_ns)
		learn_cost(c, took_ns);
	unsigned senders = c->joined + c->queued;
	c->hoped = senders > c->last ? senders : c->last;
	c->last = senders;
	c->joined = 0;
}
