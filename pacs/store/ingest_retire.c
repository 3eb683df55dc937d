#include "pacs/store/ingest_retire.h"

#include <stdio.h>

#include "db/retain.h"
#include "pacs/base/fault.h"
#include "pacs/base/log.h"
#include "pacs/store/ingest_private.h"
#include "pacs/store/ingest_repair.h"

static enum err still_needed(struct ingest *g, const char *study_uid, struct why *why)
{
	struct index_reader *ix = NULL;
	struct retain_need need;
	enum err e = index_reader_open(g->conf->dir, &ix, why);
	if (!e)
		e = retain_need(g->conf->dir, ix, study_uid, &need, why);
	index_reader_close(&ix);
	return e ? e : need.text[0] ? fail(why, ERR_CONFLICT, "study %s is %s", study_uid, need.text) : ERR_OK;
}

static enum err retire(struct ingest *g, struct ingest_repair *r)
{
	const struct retain_order o = { r->study_uid, r->class_name, r->reason, r->who, r->last_received_ms };
	uint64_t n = 0, bytes = 0;
	enum err e = still_needed(g, r->study_uid, &r->why);
	if (!e)
		e = index_begin(g->index, &r->why);
	if (e)
		return e;
	e = retain_remove(g->index, &o, &n, &bytes, &r->why);
	if (!e) {
		crash_point("retire-commit");
		e = index_commit(g->index, &r->why);
	}
	if (e) {
		index_rollback(g->index);
		return e;
	}
	log_event(LOG_INFO, "study_retired", "study", r->study_uid, "class", r->class_name, "images", log_num((long long)n).s, NULL);
	r->is_changed = true;
	struct why later = { "" };
	if (ingest_empty_garbage(g, &later))
		log_event(LOG_WARN, "garbage_stays", "why", later.text, NULL);
	snprintf(r->did, sizeof(r->did), "removed %llu images", (unsigned long long)n);
	return ERR_OK;
}

enum err ingest_retire(struct ingest *g, struct ingest_repair *r)
{
	if (r->kind == REPAIR_RETIRE)
		return retire(g, r);
	bool is_hold = r->kind == REPAIR_HOLD;
	enum err e = index_begin(g->index, &r->why);
	if (!e)
		e = retain_hold(g->index, r->study_uid, is_hold ? r->reason : NULL, r->who, &r->why);
	if (!e)
		e = index_commit(g->index, &r->why);
	if (e)
		index_rollback(g->index);
	r->is_changed = !e;
	snprintf(r->did, sizeof(r->did), is_hold ? "held" : "no longer held");
	return e;
}
