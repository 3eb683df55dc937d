#include "storescp/stored_kinds.h"

#include <stdlib.h>

#include "pacs/base/bounds.h"

enum { EVERY_MS = 60000 };

struct stored_kinds {
	struct readers *readers;
	struct loop_timer *timer;
	struct index_kind *now;          /* owned */
	size_t count;
	struct index_kind *next;         /* the reader's while is_reading */
	size_t next_count;
	bool is_reading, is_stopped;
};

static void free_all(struct stored_kinds *k)
{
	free(k->now);
	free(k->next);
	free(k);
}

/* ---- reader thread ---- */
static void read_work(void *arg, struct index_reader *ix)
{
	struct stored_kinds *k = arg;
	struct why why;

	if (index_latest_kinds(ix, k->next, BOUND_RETRIEVE_KINDS, &k->next_count, &why))
		k->next_count = 0;       /* what was known stays */
}

/* ---- loop thread ---- */
static void read_done(void *arg)
{
	struct stored_kinds *k = arg;

	k->is_reading = false;
	if (k->is_stopped) {
		free_all(k);
		return;
	}
	if (!k->next_count)
		return;
	struct index_kind *old = k->now;
	k->now = k->next;
	k->count = k->next_count;
	k->next = old;
}

static void on_timer(void *arg)
{
	struct stored_kinds *k = arg;

	if (k->is_reading)
		return;
	k->is_reading = true;
	if (readers_run(k->readers, read_work, read_done, k))
		k->is_reading = false;
}

enum err stored_kinds_start(struct loop *l, struct readers *r, struct stored_kinds **out, struct why *why)
{
	struct stored_kinds *k = calloc(1, sizeof(*k));

	*out = NULL;
	if (k) {
		k->now = calloc(BOUND_RETRIEVE_KINDS, sizeof(*k->now));
		k->next = calloc(BOUND_RETRIEVE_KINDS, sizeof(*k->next));
	}
	if (!k || !k->now || !k->next || loop_timer_new(l, on_timer, k, &k->timer)) {
		if (k)
			free_all(k);
		return fail(why, ERR_NOMEM, "no memory for the stored kinds");
	}
	k->readers = r;
	loop_timer_start(k->timer, EVERY_MS, EVERY_MS);
	on_timer(k);
	*out = k;
	return ERR_OK;
}

void stored_kinds_stop(struct stored_kinds **kp)
{
	struct stored_kinds *k = *kp;

	if (!k)
		return;
	*kp = NULL;
	loop_timer_free(&k->timer);
	k->is_stopped = true;
	if (!k->is_reading)
		free_all(k);
}

void stored_kinds_note(struct stored_kinds *k, const struct uid *sop_class, const struct uid *ts)
{
	size_t i = 0;

	while (k && i < k->count && (strcmp(k->now[i].sop_class.s, sop_class->s) || strcmp(k->now[i].ts.s, ts->s)))
		i++;
	if (!k || i == BOUND_RETRIEVE_KINDS)
		return;
	if (i == k->count)
		k->now[k->count++] = (struct index_kind){ *sop_class, *ts, 0 };
	k->now[i].instances++;
}

static bool is_proposed(const struct negotiate_context *pc, const char *ts)
{
	for (unsigned i = 0; i < pc->ts_count; i++)
		if (!strcmp(pc->ts[i], ts))
			return true;
	return false;
}

const struct ts *stored_kinds_pick(const struct stored_kinds *k, const struct negotiate_context *pc)
{
	static const char *const plain[] = { TS_EXPLICIT_LE, TS_IMPLICIT_LE };
	const struct index_kind *best = NULL;

	for (size_t i = 0; k && i < k->count; i++)
		if (!strcmp(k->now[i].sop_class.s, pc->abstract_syntax) && is_proposed(pc, k->now[i].ts.s) && (!best || k->now[i].instances > best->instances))
			best = &k->now[i];
	if (best && ts_find(best->ts.s))
		return ts_find(best->ts.s);
	for (size_t i = 0; i < NELEM(plain); i++)
		if (is_proposed(pc, plain[i]))
			return ts_find(plain[i]);
	return NULL;
}
