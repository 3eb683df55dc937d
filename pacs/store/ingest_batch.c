#include "pacs/store/ingest_private.h"

#include <stdio.h>
#include <unistd.h>

#include "db/index_repair.h"
#include "pacs/base/durable.h"
#include "pacs/base/fault.h"
#include "pacs/base/log.h"

/* One round:
 *
 *   decide -> place (rename) -> rows, sync files and directories, COMMIT (ingest_sync.c: in which order) -> unlink what was replaced
 *
 * New images that come before it ends join it, a handful at a time: those that are here are decided, placed and get their rows, in the one
 * transaction, while the next arrive. Each step is taken by all that are here before the next one. An entry that fails before its
 * row is committed leaves the round at once: its file is unlinked, whether it still stands in the spool or under its final name. */

enum { NEXT_NUMBERS = 4096 };    /* numbers to try when a name is taken: a bucket's worth */

static bool is_alive(const struct entry *it)
{
	return it->plan != PLAN_FAIL;
}

bool ingest_has_file(const struct entry *it)
{
	return it->plan != PLAN_FAIL && it->plan != PLAN_SAME && it->plan != PLAN_KNOWN_CONFLICT && it->plan != PLAN_CHECK;
}

static void drop_file(struct ingest *g, const struct entry *it)
{
	ingest_close_file(it->job);
	(void)unlink(ingest_path(g, it->is_placed ? it->placed_at : it->job->path).s);
}

void ingest_entry_fails(struct ingest *g, struct entry *it, enum err e, const struct why *why)
{
	drop_file(g, it);
	it->plan = PLAN_FAIL;
	it->result.outcome = INGEST_FAILED;
	it->result.err = e;
	if (why)
		it->result.why = *why;
}

/* ---- place ---- */

static enum err make_bucket(struct ingest *g, bool in_quarantine, uint64_t oid, struct why *why)
{
	if (in_quarantine ? g->has_quarantine : g->made_bucket == (oid >> 12) + 1)
		return ERR_OK;
	enum err e = durable_mkdirs(in_quarantine ? ingest_path(g, "quarantine").s : object_bucket(g->conf->dir, oid).s, why);
	if (e)
		return e;
	if (in_quarantine)
		g->has_quarantine = true;
	else
		g->made_bucket = (oid >> 12) + 1;
	return ERR_OK;
}

static void name_of(char out[40], bool in_quarantine, uint64_t oid)
{
	if (in_quarantine)
		snprintf(out, 40, "quarantine/%012llx.dcm", (unsigned long long)oid);
	else
		snprintf(out, 40, "%.39s", object_path("", oid).s + 1);
}

enum err ingest_place(struct ingest *g, const char *from, bool in_quarantine, uint64_t *oid, char placed_at[40], struct why *why)
{
	enum err e = ERR_EXISTS;
	for (int i = 0; e == ERR_EXISTS && i < NEXT_NUMBERS; i++) {
		*oid = g->next_oid++;
		name_of(placed_at, in_quarantine, *oid);
		e = make_bucket(g, in_quarantine, *oid, why);
		if (!e)
			e = durable_rename(ingest_path(g, from).s, ingest_path(g, placed_at).s, why);
	}
	crash_point("rename");
	return e;
}

enum err ingest_sync_bucket(struct ingest *g, const char *placed_at, struct why *why)
{
	struct object_path p = ingest_path(g, placed_at);
	*strrchr(p.s, '/') = '\0';
	return durable_sync_dir(p.s, why);
}

static void place_from(struct ingest *g, size_t from)
{
	struct why why = { "" };
	for (size_t i = from; i < g->item_count; i++) {
		struct entry *it = &g->items[i];
		if (!ingest_has_file(it))
			continue;
		enum err e = ingest_place(g, it->job->path, it->plan == PLAN_QUARANTINE, &it->oid, it->placed_at, &why);
		if (e)
			ingest_entry_fails(g, it, e, &why);
		else
			it->is_placed = true;
		it->record.oid = it->oid;
	}
}

/* Rows that point to new images only: losing the rename of one loses nothing that was acknowledged. */
static bool are_new(const struct ingest *g, size_t from)
{
	for (size_t i = from; i < g->item_count; i++)
		if (ingest_has_file(&g->items[i]) && g->items[i].plan != PLAN_ADD)
			return false;
	return true;
}

/* Before the rows are written. */
static void drop_unsynced(struct ingest *g, size_t from, const struct ingest_dirs *dirs)
{
	for (size_t i = from; i < g->item_count; i++) {
		struct entry *it = &g->items[i];
		const struct ingest_dir *d = it->is_placed && is_alive(it) ? ingest_dir_of(dirs, it->placed_at) : NULL;
		if (d && d->err)
			ingest_entry_fails(g, it, d->err, &d->why);
		else if (d && it->sync_err)
			ingest_entry_fails(g, it, it->sync_err, &it->sync_why);
	}
}

/* Rows whose file could not be synced, and is gone. If it cannot be said now the next start finds out. */
static enum err mark_lost(struct ingest *g, size_t n, struct why *why)
{
	bool any = false;
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < n; i++) {
		struct entry *it = &g->items[i];
		if (!it->sync_err || !it->result.instance)
			continue;
		e = any ? ERR_OK : index_begin(g->index, why);
		any = true;
		if (!e)
			e = index_repair_add_damage(g->index, it->result.instance, it->oid, "its file could not be synced; it was not acknowledged and must be sent again", why);
	}
	if (!e && any)
		e = index_commit(g->index, why);
	if (e)
		index_rollback(g->index);
	return e;
}

/* Behind the commit: the rows are there and their files too, but nobody may be told so. */
static void fail_unsynced(struct ingest *g, size_t n, const struct ingest_dirs *dirs)
{
	for (size_t i = 0; i < n; i++) {
		struct entry *it = &g->items[i];
		const struct ingest_dir *d = it->is_placed ? ingest_dir_of(dirs, it->placed_at) : NULL;
		if (it->sync_err)
			(void)unlink(ingest_path(g, it->placed_at).s);
		if (d && d->err && is_alive(it))
			ingest_sync_owe(g, d);
		if (!is_alive(it) || !d || (!d->err && !it->sync_err))
			continue;
		it->plan = PLAN_FAIL;
		it->result.outcome = INGEST_FAILED;
		it->result.err = d->err ? d->err : it->sync_err;
		it->result.why = d->err ? d->why : it->sync_why;
	}
	struct why why = { "" };
	if (mark_lost(g, n, &why)) {
		g->is_lost_untold = true;
		log_event(LOG_ERROR, "lost_files_not_marked", "why", why.text, NULL);
	}
}

static void unlink_replaced(struct ingest *g)
{
	for (size_t i = 0; i < g->item_count; i++) {
		struct entry *it = &g->items[i];
		if (it->plan == PLAN_SAME || it->plan == PLAN_KNOWN_CONFLICT)
			drop_file(g, it);
		if (!is_alive(it) || !it->unlink_oid)
			continue;
		(void)unlink(object_path(g->conf->dir, it->unlink_oid).s);
		crash_point("garbage-unlink");
		ingest_forget_later(g, it->unlink_oid);
	}
}

/* The round is over: what it wrote is durable, and the next commit says so. */
static void note_durable(struct ingest *g)
{
	for (size_t i = 0; !g->is_lost_untold && i < g->item_count; i++)
		if (is_alive(&g->items[i]) && g->items[i].result.seq > g->last_seq)
			g->last_seq = g->items[i].result.seq;
}

static bool any_file(const struct ingest *g)
{
	for (size_t i = 0; i < g->item_count; i++)
		if (ingest_has_file(&g->items[i]))
			return true;
	return false;
}

/* ---- the round ---- */

void ingest_round_begin(struct ingest *g)
{
	struct ingest_round *r = &g->round;
	*r = (struct ingest_round){ .taken = 0 };
	r->owed = ingest_sync_pay(g, &r->why);
	if (!r->owed)
		r->owed = ingest_rows_settle(g, &r->why);
}

bool ingest_round_take(struct ingest *g)
{
	struct ingest_round *r = &g->round;
	size_t staying = r->taken;
	for (size_t i = r->taken; i < g->item_count; i++) {
		struct entry *it = &g->items[i];
		if (r->owed)
			ingest_entry_fails(g, it, r->owed, &r->why);
		else
			ingest_decide(g, it);
		if (!r->owed && it->plan == PLAN_FAIL)
			drop_file(g, it);
		if (it->plan == PLAN_CHECK)
			ingest_check_later(g, it->job);
		else
			g->items[staying++] = *it;
	}
	g->item_count = staying;
	place_from(g, r->taken);
	r->taken = staying;
	return !r->owed && are_new(g, r->written);
}

bool ingest_round_write(struct ingest *g)
{
	struct ingest_round *r = &g->round;
	if (!r->has_begun)
		r->err = ingest_rows_begin(g, &r->why);
	r->has_begun = true;
	if (!r->err)
		r->err = ingest_rows_put(g, &g->items[r->written], g->item_count - r->written, &r->why);
	r->written = g->item_count;
	return !r->err;
}

void ingest_round_end(struct ingest *g)
{
	if (g->round.has_begun || any_file(g)) {
		size_t unsure = g->item_count;           /* whose rows do not wait for their syncs */
		ingest_sync_begin(g);
		if (!are_new(g, g->round.written)) {
			unsure = g->round.written;
			drop_unsynced(g, unsure, ingest_sync_end(g));
		}
		(void)ingest_round_write(g);
		ingest_rows_commit(g);
		fail_unsynced(g, unsure, ingest_sync_end(g));
	}
	unlink_replaced(g);
	note_durable(g);
}
