#include "pacs/store/ingest_private.h"

#include <stdio.h>
#include <unistd.h>

#include "pacs/base/log.h"

static void give_up(struct entry *it, enum err e)
{
	it->plan = PLAN_FAIL;
	it->result.outcome = INGEST_FAILED;
	it->result.err = e;
}

static void quarantine(struct entry *it, enum err e)
{
	it->plan = PLAN_QUARANTINE;
	it->result.outcome = INGEST_QUARANTINED;
	it->result.err = e;
}

/* The instance is known with other content. */
static void conflict(struct ingest *g, struct entry *it)
{
	uint64_t oid = 0;
	const struct index_instance *k = &it->known;
	it->result.outcome = INGEST_CONFLICT;
	it->result.instance = k->instance;
	/* Who sends the same other content again and again shall not fill the disk. */
	enum err e = index_find_conflict(g->index, k->instance, it->job->digest, &oid, &it->result.why);
	struct uid study = { "" }, series = { "" };
	/* Where it would stand: the kept one may have been moved since. */
	if (!e || e == ERR_NOT_FOUND) {
		enum err w = index_where(g->index, &it->record, &study, &series, &it->result.why);
		e = w ? w : e;
	}
	bool is_kept = e == ERR_OK && !access(object_path(g->conf->dir, oid).s, F_OK);
	if (e && e != ERR_NOT_FOUND)
		give_up(it, e);
	else if (it->job->duplicate == DUPLICATE_KEEP_LATEST && !strcmp(k->study_uid.s, study.s) && !strcmp(k->series_uid.s, series.s))
		it->plan = PLAN_KEEP_LATEST;
	else
		it->plan = is_kept ? PLAN_KNOWN_CONFLICT : PLAN_KEEP_FIRST;
}

static void check_first(struct entry *it)
{
	enum err e = ingest_check_prepare(it, &it->result.why);
	if (e)
		give_up(it, e);
	else
		it->plan = PLAN_CHECK;
}

/* The instance is known: equal or not, and is the kept file still good? */
static void duplicate(struct ingest *g, struct entry *it)
{
	const struct index_instance *k = &it->known;
	const struct ingest_check *c = it->job->check;
	if (!c || c->known.oid != k->oid) {
		check_first(it);
	} else if (c->content == ERR_MISMATCH) {
		conflict(g, it);
	} else if (c->content || c->kept == ERR_NOMEM) {
		it->result.why = c->why;
		give_up(it, c->content ? c->content : c->kept);
	} else if (c->kept == ERR_OK) {
		it->plan = PLAN_SAME;
		it->result.outcome = INGEST_SAME;
		it->result.instance = k->instance;
	} else {
		log_event(LOG_ERROR, "kept_file_damaged", "sop", k->sop_uid.s, "why", c->why.text, NULL);
		it->plan = PLAN_REPAIR;
		it->result.outcome = INGEST_REPAIRED;
		it->result.instance = k->instance;
	}
}

static void new_or_known(struct ingest *g, struct entry *it)
{
	enum err e = index_lookup(g->index, it->record.sop_uid, &it->known, &it->result.why);
	if (e == ERR_OK) {
		duplicate(g, it);
	} else if (e == ERR_NOT_FOUND) {
		it->plan = PLAN_ADD;
		it->result.outcome = INGEST_STORED;
	} else {
		give_up(it, e);
	}
}

static void replacement(struct entry *it)
{
	const struct ingest_check *c = it->job->check;
	if (!c) {
		check_first(it);
	} else if (c->content) {
		it->result.why = c->why;
		give_up(it, c->content);
	} else {
		it->plan = PLAN_REPLACE;
		it->result.outcome = INGEST_REPLACED;
		it->result.instance = it->job->replace_instance;
	}
}

void ingest_decide(struct ingest *g, struct entry *it)
{
	struct ingest_job *j = it->job;
	if (j->is_replace) {
		replacement(it);
		return;
	}
	enum err e = j->quarantine_reason ? fail(&it->result.why, ERR_FORMAT, "%s", j->quarantine_reason)
	                                  : ingest_make_record(g, it, &it->result.why);
	if (e == ERR_NOMEM) {
		give_up(it, e);
	} else if (e) {
		quarantine(it, e == ERR_MISMATCH ? e : ERR_FORMAT);
	} else {
		snprintf(it->result.study_uid.s, sizeof(it->result.study_uid.s), "%s", it->record.study_uid);
		snprintf(it->result.series_uid.s, sizeof(it->result.series_uid.s), "%s", it->record.series_uid);
		new_or_known(g, it);
	}
}
