/* The errands that tell a node of a complete study: N-CREATE of an instance availability notification (PS3.4 annex R). */
#include <stdio.h>
#include <string.h>

#include "pacs/base/log.h"
#include "db/study_event.h"
#include "pacs/dicom/availability.h"
#include "router/errand.h"

/* A notification of so many instances is a data set of 1 MB: what an acceptor like ours takes. */
enum { LINGER_MS = 2000, INSTANCES_MAX = 4500, ARENA = 64 << 20, DUPLICATE_INSTANCE = 0x0111 };

struct listing { struct availability a; const char *aet; enum err e; bool is_cut; };

static bool add(void *arg, const struct index_instance *i)
{
	struct listing *l = arg;
	l->is_cut = l->a.count == INSTANCES_MAX;
	if (!l->is_cut)
		l->e = availability_add(&l->a, i->series_uid.s, i->sop_class.s, i->sop_uid.s, l->aet);
	return !l->e && !l->is_cut;
}

static enum err build(const struct errand_place *p, const struct study_event *ev, struct buf *out, struct why *why)
{
	struct listing l = { .aet = p->conf->aet };
	struct arena arena;
	arena_init(&arena, ARENA);
	enum err e = availability_begin(&l.a, &arena, ev->study_uid.s);
	if (!e)
		e = index_study_instances(p->ix, ev->study_uid.s, add, &l, why);
	if (!e)
		e = l.e;
	if (!e && !l.a.count)
		e = fail(why, ERR_NOT_FOUND, "the index does not know study %s any more", ev->study_uid.s);
	if (!e)
		e = dataset_write(l.a.ds, DS_EXPLICIT_LE, out);
	if (!e && l.is_cut)
		log_event(LOG_WARN, "notification_cut", "study", ev->study_uid.s, "instances", log_num(ev->instances).s, "named", log_num(l.a.count).s, NULL);
	arena_fini(&arena);
	return e;
}

static enum err refuse(const struct errand_place *p, int64_t job, const char *words, struct why *why)
{
	const struct work_event ev = { .event = JOB_REFUSED, .hold = HOLD_REFUSED, .why = words, .now_ms = p->now_ms };
	return work_apply(p->w, job, &ev, NULL, why);
}

static enum err next(const struct errand_place *p, struct errand *out, int64_t *next_ms, struct why *why)
{
	struct work_job job;
	struct study_event ev;
	size_t n;
	if (!p->ix)
		return fail(why, ERR_NOT_FOUND, "there is no index yet");
	enum err e = work_claim(p->w, JOB_NOTIFY, p->node->name, p->now_ms, 1, 0, &job, &n, next_ms, why);
	if (e || !n)
		return e ? e : ERR_END;
	e = study_event_get(p->w, (int64_t)job.instance, &ev, why);
	if (!e)
		e = build(p, &ev, &out->data, why);
	if (e == ERR_NOT_FOUND) {        /* nothing to tell of; the next one now */
		*next_ms = p->now_ms;
		e = refuse(p, job.id, "the study or its event is not known any more", why);
		return e ? e : ERR_END;
	}
	out->id = job.id;
	out->field = DIMSE_N_CREATE_RQ;
	out->sop_instance = ev.uid;
	return e;
}

static enum job_event judge(const struct errand_end *end)
{
	if (end->kind == ERRAND_UNOFFERED)
		return JOB_REFUSED;
	if (end->kind != ERRAND_ANSWERED)
		return JOB_FAILED;
	if (end->status == DUPLICATE_INSTANCE || dimse_status_is_done(end->status))      /* a duplicate: it heard us the time before */
		return JOB_DELIVERED;
	return dimse_status_is_transient(end->status) && end->status != STATUS_NO_SOP_CLASS ? JOB_FAILED : JOB_REFUSED;
}

static enum err ended(const struct errand_place *p, const struct errand *er, const struct errand_end *end, struct why *why)
{
	const struct work_event ev = {
		.event = judge(end), .hold = HOLD_REFUSED, .why = end->why, .now_ms = p->now_ms,
		.retry_min_s = p->conf->retry_min_s, .retry_max_s = p->conf->retry_max_s, .random = p->random,
	};
	return work_apply(p->w, er->id, &ev, NULL, why);
}

const struct errand_class errand_notify = {
	.name = "notify", .sop_class = UID_AVAILABILITY, .linger_ms = LINGER_MS, .next = next, .ended = ended,
};
