#include "pacs/store/ingest_private.h"

#include <assert.h>
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

static bool has_file(const struct entry *it)
{
	return it->plan != PLAN_FAIL && it->plan != PLAN_SAME && it->plan != PLAN_KNOWN_CONFLICT && it->plan != PLAN_CHECK;
}

static void drop_file(struct ingest *g, const struct entry *it)
{
	ingest_close_file(it->job);
	(void)unlink(ingest_path(g, it->is_placed ? it->placed_at : it->job->path).s);
}

static void entry_fails(struct ingest *g, struct entry *it, enum err e, const struct why *why)
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
		if (!has_file(it))
			continue;
		enum err e = ingest_place(g, it->job->path, it->plan == PLAN_QUARANTINE, &it->oid, it->placed_at, &why);
		if (e)
			entry_fails(g, it, e, &why);
		else
			it->is_placed = true;
		it->record.oid = it->oid;
	}
}

/* Rows that point to new images only: losing the rename of one loses nothing that was acknowledged. */
static bool are_new(const struct ingest *g, size_t from)
{
	for (size_t i = from; i < g->item_count; i++)
		if (has_file(&g->items[i]) && g->items[i].plan != PLAN_ADD)
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
			entry_fails(g, it, d->err, &d->why);
		else if (d && it->sync_err)
			entry_fails(g, it, it->sync_err, &it->sync_why);
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

/* ---- commit ---- */

static enum err put_conflict(struct ingest *g, struct entry *it, struct why *why)
{
	static const char reason[] = "same SOP Instance UID, other content";
	const struct index_instance *k = &it->known;
	if (it->plan == PLAN_KEEP_FIRST)
		return index_add_conflict(g->index, k->instance, it->oid, &it->record, reason, why);
	struct index_record old = {
		.sop_uid = k->sop_uid.s, .study_uid = k->study_uid.s, .series_uid = k->series_uid.s, .ts = k->ts.s, .size = k->size,
		.dataset_at = k->dataset_at, .digest = k->digest, .calling = "", .address = "",
		.received_ms = it->record.received_ms,
	};
	enum err e = index_new_content(g->index, k->instance, k->oid, &it->record, why);
	if (!e)
		e = index_add_conflict(g->index, k->instance, k->oid, &old, reason, why);
	return e ? e : index_add_arrival(g->index, k->instance, ARRIVAL_NEW_CONTENT, &it->result.seq, why);
}

static enum err put_repair(struct ingest *g, struct entry *it, struct why *why)
{
	const struct index_instance *k = &it->known;
	const struct index_record *r = &it->record;
	enum err e = index_replace(g->index, k->instance, k->oid, it->oid, r->size, r->dataset_at, r->ts, r->digest, k->pixel_digest, why);
	it->unlink_oid = k->oid;
	return e ? e : index_add_arrival(g->index, k->instance, ARRIVAL_REPAIRED, &it->result.seq, why);
}

static enum err put_replacement(struct ingest *g, struct entry *it, struct why *why)
{
	const struct ingest_job *j = it->job;
	it->unlink_oid = j->replace_oid;
	return index_replace(g->index, j->replace_instance, j->replace_oid, it->oid, j->size, j->dataset_at, j->ts.s, j->digest, j->pixel_digest, why);
}

static enum err put_rows(struct ingest *g, struct entry *it, struct why *why)
{
	switch (it->plan) {
	case PLAN_ADD:
		return index_add(g->index, &it->record, &it->result.instance, &it->result.seq, why);
	case PLAN_REPAIR:
		return put_repair(g, it, why);
	case PLAN_KEEP_FIRST:
	case PLAN_KEEP_LATEST:
		return put_conflict(g, it, why);
	case PLAN_QUARANTINE:
		return index_add_quarantine(g->index, it->placed_at, it->result.why.text, it->job->calling, it->job->address, why);
	case PLAN_REPLACE:
		return put_replacement(g, it, why);
	case PLAN_FAIL:
	case PLAN_SAME:
	case PLAN_KNOWN_CONFLICT:
	case PLAN_CHECK:
		break;
	}
	return ERR_OK;
}

/* Opens a transaction, with what waits beside the rows. */
static enum err begin_rows(struct ingest *g, struct why *why)
{
	enum err e = index_begin(g->index, why);
	for (size_t i = 0; !e && i < g->forget_count; i++)
		e = index_garbage_done(g->index, g->forget[i], why);
	if (!e && g->last_seq > g->told_seq)
		e = index_set_durable(g->index, g->last_seq, why);
	return e;
}

static enum err put_some(struct ingest *g, struct entry *items, size_t n, struct why *why)
{
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < n; i++)
		if (has_file(&items[i]))
			e = put_rows(g, &items[i], why);
	return e;
}

/* Commits when e is ERR_OK, else takes all rows back. *in_doubt: it was the commit that failed. */
static enum err end_rows(struct ingest *g, enum err e, bool *in_doubt, struct why *why)
{
	*in_doubt = false;
	if (!e) {
		crash_point("before-commit");
		e = index_commit(g->index, why);
		*in_doubt = e != ERR_OK;
	}
	if (e) {
		index_rollback(g->index);
		return e;
	}
	g->forget_count = 0;
	g->told_seq = g->last_seq;
	return ERR_OK;
}

/* Nobody knows whether these rows are on disk: their files may neither go nor be told stored. */
static void doubt_some(struct ingest *g, struct entry *items, size_t n, enum err e, const struct why *why)
{
	for (size_t i = 0; i < n; i++) {
		struct entry *it = &items[i];
		if (!has_file(it))
			continue;
		assert(g->doubt_count < BOUND_COMMIT_BATCH);
		struct doubt *d = &g->doubts[g->doubt_count++];
		d->oid = it->plan == PLAN_QUARANTINE ? 0 : it->oid;
		memcpy(d->path, it->placed_at, sizeof(d->path));
		it->plan = PLAN_FAIL;
		it->result.outcome = INGEST_FAILED;
		it->result.err = e;
		it->result.why = *why;
	}
	log_event(LOG_ERROR, "commit_failed", "images", log_num((long long)n).s, "why", why->text, NULL);
}

static bool has_row(struct ingest *g, const struct doubt *d)
{
	return d->oid ? index_has_oid(g->index, d->oid) : index_has_quarantine(g->index, d->path);
}

/* The next transaction takes these garbage rows away, or else the next start. */
static void forget_later(struct ingest *g, uint64_t oid)
{
	if (g->forget_count < BOUND_COMMIT_BATCH)
		g->forget[g->forget_count++] = oid;
}

/* A later commit ends every doubt: it writes over what the failed one may have left in the log, and it names
 * the files that no row needs as garbage before they are unlinked. (For one in quarantine a number without a
 * file does: the commit must write something.) */
static enum err settle(struct ingest *g, struct why *why)
{
	size_t kept = 0;
	if (!g->doubt_count)
		return ERR_OK;
	for (size_t i = 0; i < g->doubt_count; i++)
		if (!has_row(g, &g->doubts[i]))
			g->doubts[kept++] = g->doubts[i];
	g->doubt_count = kept;
	enum err e = index_begin(g->index, why);
	for (size_t i = 0; !e && i < g->doubt_count; i++)
		e = index_add_garbage(g->index, g->doubts[i].oid ? g->doubts[i].oid : g->next_oid++, why);
	if (!e)
		e = index_commit(g->index, why);
	if (e) {
		index_rollback(g->index);
		return e;
	}
	for (size_t i = 0; i < g->doubt_count; i++) {
		(void)unlink(ingest_path(g, g->doubts[i].path).s);
		forget_later(g, g->doubts[i].oid);
	}
	g->doubt_count = 0;
	return ERR_OK;
}

static enum err commit_one(struct ingest *g, struct entry *it, bool *in_doubt, struct why *why)
{
	enum err e = begin_rows(g, why);
	if (!e)
		e = put_some(g, it, 1, why);
	return end_rows(g, e, in_doubt, why);
}

/* All together; when one of them cannot be written, each by itself, so that it fails alone. */
static void commit_all(struct ingest *g)
{
	bool in_doubt;
	struct why why = g->round.why;
	enum err e = end_rows(g, g->round.err, &in_doubt, &why);
	if (in_doubt)
		doubt_some(g, g->items, g->item_count, e, &why);
	else if (e)
		(void)ingest_sync_end(g);        /* a file that fails is closed: not while it is being synced */
	for (size_t i = 0; e && !in_doubt && i < g->item_count; i++) {
		struct entry *it = &g->items[i];
		bool one_in_doubt = false;
		enum err one = has_file(it) ? commit_one(g, it, &one_in_doubt, &why) : ERR_OK;
		if (one && one_in_doubt)
			doubt_some(g, it, 1, one, &why);
		else if (one)
			entry_fails(g, it, one, &why);
	}
	if (g->doubt_count && settle(g, &why))
		log_event(LOG_ERROR, "commit_in_doubt", "files", log_num((long long)g->doubt_count).s, "why", why.text, NULL);
	crash_point("after-commit");
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
		forget_later(g, it->unlink_oid);
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
		if (has_file(&g->items[i]))
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
		r->owed = settle(g, &r->why);
}

bool ingest_round_take(struct ingest *g)
{
	struct ingest_round *r = &g->round;
	size_t staying = r->taken;
	for (size_t i = r->taken; i < g->item_count; i++) {
		struct entry *it = &g->items[i];
		if (r->owed)
			entry_fails(g, it, r->owed, &r->why);
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
		r->err = begin_rows(g, &r->why);
	r->has_begun = true;
	if (!r->err)
		r->err = put_some(g, &g->items[r->written], g->item_count - r->written, &r->why);
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
		commit_all(g);
		fail_unsynced(g, unsure, ingest_sync_end(g));
	}
	unlink_replaced(g);
	note_durable(g);
}
