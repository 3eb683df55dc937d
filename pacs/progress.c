#include "pacs/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/table.h"

enum { WIDTH = 24 };
#define EVERY_NS 200000000ull

void progress_init(struct progress *p, const char *doing)
{
	*p = (struct progress){ .doing = doing, .started_ns = clock_mono_ns(), .is_terminal = isatty(STDERR_FILENO) };
}

void progress_show(struct progress *p, uint64_t done, uint64_t all, uint64_t bytes)
{
	uint64_t now = clock_mono_ns();
	if (!p->is_terminal || now - p->shown_ns < EVERY_NS)
		return;
	p->shown_ns = now;
	double s = (double)(now - p->started_ns) / 1e9;
	char bar[WIDTH + 1];
	unsigned full = all ? (unsigned)(done < all ? done * WIDTH / all : WIDTH) : 0;
	for (unsigned i = 0; i < WIDTH; i++)
		bar[i] = i < full ? '#' : '.';
	bar[WIDTH] = '\0';
	fprintf(stderr, "\r\033[K%s ", p->doing);
	if (all)
		fprintf(stderr, "[%s] %llu of %llu", bar, (unsigned long long)done, (unsigned long long)all);
	else
		fprintf(stderr, "%llu", (unsigned long long)done);
	if (s > 0.5)
		fprintf(stderr, ", %.0f/s", (double)done / s);
	if (bytes && s > 0.5)
		fprintf(stderr, ", %s/s", size_text((uint64_t)((double)bytes / s)).s);
	if (all && done && done < all && s > 2)
		fprintf(stderr, ", %.0f s left", s * (double)(all - done) / (double)done);
	fflush(stderr);
}

void progress_clear(struct progress *p)
{
	if (p->is_terminal && p->shown_ns)
		fputs("\r\033[K", stderr);
	p->shown_ns = 0;
}
