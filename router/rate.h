/* rate - a byte rate for one destination: a token bucket that may go into debt for one piece. Pure.
 *
 * A piece goes as soon as there is any credit, however small, and is then owed; so pieces of any size pass and the
 * mean over a few seconds is the rate. Idle time earns at most one second's worth.
 */
#ifndef ROUTER_RATE_H
#define ROUTER_RATE_H

#include <stddef.h>
#include <stdint.h>

struct rate {
	uint64_t per_s;              /* 0 = no cap */
	int64_t credit;              /* bytes; negative: owed */
	uint64_t at_ns;              /* when credit was true */
};

void rate_init(struct rate *r, uint64_t per_s, uint64_t now_ns);
/* 0: send them, they are counted. Else: ask again after so many ms. */
unsigned rate_wait_ms(struct rate *r, size_t bytes, uint64_t now_ns);

#endif
