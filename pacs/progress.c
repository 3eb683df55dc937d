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

static void bar_of(char out[WIDTH + 1], uint64_t done, uint64_t all)
{
	unsigned full = all ? (unsigned)(done < all ? done * WIDTH / all : WIDTH) : 0;
	for (unsigned i = 0; i < WIDTH; i++)
		out[i] = i < full ? '#' : '.';
	out[WIDTH] = '\0';
}

static void show_line(const struct progress *p, uint64_t now, uint64_t done, uint64_t all, uint64_t bytes)
{
	double s = (double)(now - p->started_ns) / 1e9;
	char bar[WIDTH + 1];
	bar_of(bar, done, all);
	fprintf(stderr, "%s ", p->doing);
	if (all && p->is_terminal)
		fprintf(stderr, "[%s] ", bar);
	fprintf(stderr, "%llu", (unsigned long long)done);
	if (all)
		fprintf(stderr, " of %llu", (unsigned long long)all);
	if (s > 0.5)
		fprintf(stderr, ", %.0f/s", (double)done / s);
	if (bytes && s > 0.5)
		fprintf(stderr, ", %s/s", size_text((uint64_t)((double)bytes / s)).s);
	if (all && done && done < all && s > 2)
		fprintf(stderr, ", %.0f s left", s * (double)(all - done) / (double)done);
}

void progress_show(struct progress *p, uint64_t done, uint64_t all, uint64_t bytes)
{
	uint64_t now = clock_mono_ns(), every_ns = p->is_terminal ? EVERY_NS : p->plain_s * 1000000000ull;
	if (!every_ns || now - (p->shown_ns ? p->shown_ns : p->is_terminal ? 0 : p->started_ns) < every_ns)
		return;
	p->shown_ns = now;
	if (p->is_terminal)
		fputs("\r\033[K", stderr);
	show_line(p, now, done, all, bytes);
	if (!p->is_terminal)
		fputc('\n', stderr);
	fflush(stderr);
}

void progress_clear(struct progress *p)
{
	if (!p->is_terminal)
		return;
	if (p->shown_ns)
		fputs("\r\033[K", stderr);
	p->shown_ns = 0;
}
