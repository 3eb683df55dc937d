#include "pacs/store/company.h"

enum { PATIENCE = 8, PROBE = 16 };       /* PROBE: rounds after which one who lost patience tries again */

struct company company_new(void)
{
	return (struct company){ .patience = PATIENCE };
}

bool company_is_due(const struct company *c)
{
	return c->queued && c->queued < c->hoped;
}

uint64_t company_wait_ns(struct company *c)
{
	if (c->round_ns < COMPANY_WORTH_NS || (!c->patience && ++c->hurried < PROBE))
		return 0;
	c->hurried = 0;
	if (!c->patience)
		c->patience = 1;
	uint64_t longest = c->round_ns / 4 < COMPANY_MOST_NS ? c->round_ns / 4 : COMPANY_MOST_NS;
	return longest * c->patience / PATIENCE;
}

void company_waited(struct company *c, bool came)
{
	if (came)
		c->patience = 2 * c->patience < PATIENCE ? 2 * c->patience : PATIENCE;
	else
		c->patience /= 2;
}

void company_round(struct company *c, unsigned count, uint64_t took_ns)
{
	if (!c->round_ns)
		c->round_ns = took_ns;
	c->round_ns = took_ns < c->round_ns ? (c->round_ns + 3 * took_ns) / 4 : c->round_ns + (took_ns - c->round_ns) / 128;
	c->hoped = count > c->last ? count : c->last;
	c->last = count;
}
