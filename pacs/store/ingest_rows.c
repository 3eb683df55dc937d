#include "pacs/store/ingest_private.h"

#include <assert.h>
#include <unistd.h>

#include "pacs/base/fault.h"
#include "pacs/base/log.h"

/* The rows of a round in one transaction, and what is to be done when it cannot be written or nobody knows whether it was. */

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
enum err ingest_rows_begin(struct ingest *g, struct why *why)
{
	enum err e = index_begin(g->index, why);
	for (size_t i = 0; !e && i < g->forget_count; i++)
		e = index_garbage_done(g->index, g->forget[i], why);
	if (!e && g->last_seq > g->told_seq)
		e = index_set_durable(g->index, g->last_seq, why);
	return e;
}

enum err ingest_rows_put(struct ingest *g, struct entry *items, size_t n, struct why *why)
{
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < n; i++)
		if (ingest_has_file(&items[i]))
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
		if (!ingest_has_file(it))
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

void ingest_forget_later(struct ingest *g, uint64_t oid)
{
	if (g->forget_count < BOUND_COMMIT_BATCH)
		g->forget[g->forget_count++] = oid;
}

/* A later commit ends every doubt: it writes over what the failed one may have left in the log, and it names
 * the files that no row needs as garbage before they are unlinked. (For one in quarantine a number without a
 * file does: the commit must write something.) */
enum err ingest_rows_settle(struct ingest *g, struct why *why)
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
		ingest_forget_later(g, g->doubts[i].oid);
	}
	g->doubt_count = 0;
	return ERR_OK;
}

static enum err commit_one(struct ingest *g, struct entry *it, bool *in_doubt, struct why *why)
{
	enum err e = ingest_rows_begin(g, why);
	if (!e)
		e = ingest_rows_put(g, it, 1, why);
	return end_rows(g, e, in_doubt, why);
}

void ingest_rows_commit(struct ingest *g)
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
		enum err one = ingest_has_file(it) ? commit_one(g, it, &one_in_doubt, &why) : ERR_OK;
		if (one && one_in_doubt)
			doubt_some(g, it, 1, one, &why);
		else if (one)
			ingest_entry_fails(g, it, one, &why);
	}
	if (g->doubt_count && ingest_rows_settle(g, &why))
		log_event(LOG_ERROR, "commit_in_doubt", "files", log_num((long long)g->doubt_count).s, "why", why.text, NULL);
	crash_point("after-commit");
}
