/* progress - one line on a terminal that tells how far long work has come; elsewhere nothing, or a plain line from time to time. */
#ifndef PACS_PROGRESS_H
#define PACS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *doing;
	uint64_t started_ns, shown_ns;
	unsigned plain_s;                /* set after progress_init(): a line each so many seconds where stderr is no terminal; 0 none */
	bool is_terminal;
};

void progress_init(struct progress *p, const char *doing);
/* Draws at most five times a second. all = 0: the end is not known. */
void progress_show(struct progress *p, uint64_t done, uint64_t all, uint64_t bytes);
/* Takes the line away, so that other lines can be written. */
void progress_clear(struct progress *p);

#endif
