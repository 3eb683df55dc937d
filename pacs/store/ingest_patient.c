/* Patient updates and merges: one transaction of the ingest thread for each request. */
#include "pacs/store/ingest_private.h"

#include <time.h>

#include "pacs/base/log.h"

static enum err apply_all(struct ingest *g, struct ingest_patients *p)
{
	enum err e = index_begin(g->index, &p->why);
	for (size_t i = 0; !e && i < p->count; i++) {
		unsigned touched = 0;
		e = index_patient_apply(g->index, &p->changes[i], &touched, &p->why);
		p->touched += touched;
	}
	if (!e)
		e = index_commit(g->index, &p->why);
	if (e)
		index_rollback(g->index);
	return e;
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
		if (!p->err)
			p->seq = p->changes[p->count - 1].seq;
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
