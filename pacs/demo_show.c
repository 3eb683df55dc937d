#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/table.h"
#include "pacs/demo.h"

double demo_now_s(const struct demo *d)
{
	return d->begun_ns ? (double)(clock_mono_ns() - d->begun_ns) / 1e9 : 0;
}

/* How small it became: "2.7x". */
static void ratio(const struct demo_image *m, char out[16])
{
	snprintf(out, 16, "%.1fx", m->kept_size ? (double)m->size / (double)m->kept_size : 0);
}

void demo_show_stage(struct demo *d, const struct demo_image *m, enum demo_stage s)
{
	static const char *const what[] = {
		"received and durable at the clinic", "indexed at the clinic", "compressed to JPEG 2000,", "forwarded to the county", "on the county's worklist", "at the province",
	};
	_Static_assert(NELEM(what) == STAGES, "one sentence for each stage");
	char r[16] = "";
	if (d->is_terminal)
		return;
	if (s == STAGE_COMPRESSED)
		ratio(m, r);
	printf("%7.2f s  %-36s %s %s\n", m->at_s[s], m->label, what[s], r);
	fflush(stdout);
}

static void add_row(struct table *t, const struct demo_image *m)
{
	char r[16];
	table_cell(t, m->label);
	table_cell(t, size_text(m->size).s);
	for (int s = 0; s < STAGES; s++) {
		bool applies = s != STAGE_COMPRESSED && s != STAGE_LISTED ? true : m->is_imaging;
		ratio(m, r);
		if (m->at_s[s] <= 0)
			table_cell(t, m->is_refused ? "refused" : s == STAGE_COMPRESSED && m->note[0] ? "kept as is" : applies || s == STAGE_SENT ? "" : "-");
		else if (s == STAGE_COMPRESSED)
			table_cellf(t, "%s %.1f s", r, m->at_s[s]);
		else
			table_cellf(t, "%.1f s", m->at_s[s]);
	}
}

/* On a terminal: over what was drawn before. When it would not fit, the last rows that do. */
void demo_show_table(struct demo *d)
{
	struct winsize w = { 0 };
	if (!d->is_terminal)
		return;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || w.ws_row < 6)
		w = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	size_t fits = (size_t)w.ws_row - 4, first = d->image_count > fits ? d->image_count - fits : 0;
	struct table t;
	table_init(&t, "IMAGE|>SIZE|>RECEIVED, DURABLE|>INDEXED|>COMPRESSED|>AT COUNTY|>WORKLIST|>PROVINCE");
	for (size_t i = first; i < d->image_count; i++)
		add_row(&t, &d->images[i]);
	if (d->drawn)
		printf("\033[%uA\033[J", d->drawn);
	d->drawn = table_print(&t, stdout, w.ws_col) ? 0 : (unsigned)t.rows + 1;
	table_fini(&t);
	fflush(stdout);
}

void demo_say(struct demo *d, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	d->drawn = 0;                    /* the table, if it is drawn again, comes below */
}

bool demo_step(struct demo *d, bool ok, const char *fmt, ...)
{
	if (d->is_interrupted)
		return false;
	va_list ap;
	printf("%s  ", ok ? "ok  " : "FAIL");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	d->drawn = 0;
	d->steps++;
	d->failed += !ok;
	return ok;
}
