/* Patient updates and merges, and corrections: one transaction of the ingest thread for each request. */
#include "pacs/store/ingest_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "db/edit.h"
#include "pacs/base/fault.h"
#include "pacs/base/log.h"

/* ---- the record of a kept image, from its header in the index ---- */

struct maker {
	struct ingest *g;
	struct index_reader *reader;     /* sees what was committed; headers do not change in a correction */
	struct arena_mark mark;
	struct ingest_job job;
	uint8_t *header;                 /* owned, until the next */
};

static void fill_job(struct ingest_job *j, const struct conf *conf, const struct index_kept *k)
{
	const struct conf_node *node = conf_node_by_aet(conf, k->calling);
	j->sop_class = k->sop_class;
	j->ts = k->ts;
	j->size = k->size;
	j->dataset_at = k->dataset_at;
	j->received_ms = k->received_ms;
	snprintf(j->calling, sizeof(j->calling), "%s", k->calling);
	snprintf(j->address, sizeof(j->address), "%.50s:0", k->address);
	snprintf(j->charset, sizeof(j->charset), "%s", node && node->charset[0] ? node->charset : conf->charset);
}

static enum err make(void *arg, const struct index_kept *k, struct index_record *out, struct why *why)
{
	struct maker *m = arg;
	struct entry it = { .job = &m->job };
	size_t len = 0;
	int encoding = 0;
	free(m->header);
	m->header = NULL;
	arena_release(&m->g->texts, m->mark);
	enum err e = index_header(m->reader, k->instance, &m->header, &len, &encoding, why);
	if (!e) {
		m->job = (struct ingest_job){ .header = bytes_of(m->header, len), .encoding = (enum ds_encoding)encoding };
		fill_job(&m->job, m->g->conf, k);
		e = ingest_make_record(m->g, &it, why);
		*out = it.record;
	}
	if (e == ERR_FORMAT || e == ERR_MISMATCH || e == ERR_LIMIT || e == ERR_NOT_FOUND) {
		log_event(LOG_ERROR, "header_unreadable", "instance", log_num((long long)k->instance).s, "oid", log_num((long long)k->oid).s, "why", why->text, NULL);
		return ERR_FORMAT;
	}
	return e;
}

static enum err apply_edit(struct ingest *g, const struct index_patient_change *c, unsigned *touched, struct why *why)
{
	struct maker m = { .g = g, .mark = arena_mark(&g->texts) };
	struct index_derive d = { .make = make, .arg = &m };
	enum err e = index_reader_open(g->conf->dir, &m.reader, why);
	if (!e)
		e = index_edit_apply(g->index, c, &d, why);
	index_reader_close(&m.reader);
	arena_release(&g->texts, m.mark);
	free(m.header);
	*touched = d.touched;
	if (!e)
		log_event(LOG_INFO, "study_edited", "kind", edit_kind_name(c->edit->kind), "seq", log_num(c->seq).s, "images", log_num(d.touched).s, NULL);
	return e;
}

/* ---- a request ---- */

static enum err apply_all(struct ingest *g, struct ingest_patients *p)
{
	enum err e = index_begin(g->index, &p->why);
	for (size_t i = 0; !e && i < p->count; i++) {
		const struct index_patient_change *c = &p->changes[i];
		unsigned touched = 0;
		e = c->edit ? apply_edit(g, c, &touched, &p->why) : index_patient_apply(g->index, c, &touched, &p->why);
		p->touched += touched;
	}
	if (!e) {
		crash_point("edit-commit");
		e = index_commit(g->index, &p->why);
	}
	if (e)
		index_rollback(g->index);
	else
		crash_point("edit-applied");
	return e;
}

/* Files of deleted images go, and numbers go on behind them. */
static void after_deletions(struct ingest *g, const struct ingest_patients *p)
{
	struct why why = { "" };
	uint64_t last = 0;
	bool any = false;
	for (size_t i = 0; i < p->count; i++)
		any |= p->changes[i].edit && p->changes[i].edit->kind == EDIT_DELETE;
	if (!any)
		return;
	enum err e = index_max_oid(g->index, &last, &why);
	if (!e && g->next_oid <= last)
		g->next_oid = last + 1;
	if (!e)
		e = ingest_empty_garbage(g, &why);
	if (e)
		log_event(LOG_WARN, "garbage_stays", "why", why.text, NULL);
}

static void answer(void *arg)
{
	struct ingest_patients *p = arg;
	p->done(p->arg, p);
}

void ingest_patients_apply(struct ingest *g, struct ingest_patients *p)
{
	static const struct timespec pause = { .tv_nsec = 10000000 };
	p->touched = 0;
	p->err = index_patient_seq(g->index, &p->seq, &p->why);
	if (!p->err && p->count && p->seq == p->after) {
		p->err = apply_all(g, p);
		if (!p->err) {
			p->seq = p->changes[p->count - 1].seq;
			after_deletions(g, p);
		}
		log_event(p->err ? LOG_ERROR : LOG_INFO, "patients_changed", "changes", log_num((long long)p->count).s, "seq", log_num(p->seq).s,
		          "patients", log_num(p->touched).s, "error", p->err ? err_name(p->err) : NULL, "why", p->err ? p->why.text : NULL, NULL);
	}
	while (loop_post(g->loop, answer, p))        /* somebody waits for it, and memory comes back */
		nanosleep(&pause, NULL);
}

void ingest_patients(struct ingest *g, struct ingest_patients *p)
{
	p->next = NULL;
	pthread_mutex_lock(&g->mutex);
	*g->patients_last = p;
	g->patients_last = &p->next;
	pthread_cond_signal(&g->wake);
	pthread_mutex_unlock(&g->mutex);
}
