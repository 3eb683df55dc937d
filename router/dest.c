#include "router/dest.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "pacs/base/clock.h"
#include "pacs/base/fault.h"
#include "pacs/base/log.h"

enum { STAT = 5 };               /* priorities from STAT up are DIMSE's "high" */

static bool is_backing_off(const struct dest *d)
{
	return d->not_before_ns > clock_mono_ns();
}

/* ---- jobs in hand ---- */

/* Higher priority first, then the older job. */
void dest_put_back(struct dest *d, struct outbound *o)
{
	struct outbound *at;
	o->link = NULL;
	TAILQ_FOREACH(at, &d->ready, entry)
		if (at->priority < o->priority || (at->priority == o->priority && at->job > o->job))
			break;
	if (at)
		TAILQ_INSERT_BEFORE(at, o, entry);
	else
		TAILQ_INSERT_TAIL(&d->ready, o, entry);
	d->ready_count++;
}

static void take_ready(struct dest *d, struct outbound *o)
{
	TAILQ_REMOVE(&d->ready, o, entry);
	d->ready_count--;
}

void dest_give_back(struct dest *d)
{
	struct outbound *o;
	while ((o = TAILQ_FIRST(&d->ready))) {
		take_ready(d, o);
		jobs_report(d->router, o->job, JOB_GIVE_BACK, NULL, NULL);
		free(o);
	}
	d->has_work = true;
}

/* What will be proposed to the peer: this kind first. */
static void note_kind(struct dest *d, struct send_kind kind)
{
	unsigned i = 0;
	while (i < d->kind_count && (strcmp(d->kinds[i].sop_class.s, kind.sop_class.s) || strcmp(d->kinds[i].ts.s, kind.ts.s)))
		i++;
	if (i == d->kind_count && d->kind_count < DEST_KINDS)
		d->kind_count++;
	if (i == DEST_KINDS)
		i--;
	memmove(&d->kinds[1], &d->kinds[0], i * sizeof(kind));
	d->kinds[0] = kind;
}

/* As it is stored, and before that as this destination wants it. */
static void note_kinds(struct dest *d, const struct send_object *o)
{
	struct send_kind kind = { o->sop_class, o->ts };
	note_kind(d, kind);
	const struct ts *wish = send_wished(&d->wish, ts_find(o->ts.s));
	if (wish && uid_take(&kind.ts, bytes_str(wish->uid)) == ERR_OK)
		note_kind(d, kind);
}

static struct outbound *outbound_new(struct dest *d, const struct work_job *j, const struct index_instance *what)
{
	struct outbound *o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->dest = d;
	o->job = j->id;
	o->priority = j->priority;
	o->object = (struct send_object){
		.oid = what->oid, .changed = what->change ? what->instance : 0, .size = what->size, .dataset_at = what->dataset_at, .sop_class = what->sop_class,
		.sop_instance = what->sop_uid, .ts = what->ts, .priority = j->priority >= STAT ? 1 : 0,
	};
	return o;
}

/* ---- back-off ---- */

static uint32_t jitter(const struct dest *d)
{
	/* Spread between destinations and attempts; nothing depends on it being hard to guess. */
	return (uint32_t)(clock_mono_ns() * 2654435761u ^ (uintptr_t)d);
}

void dest_failed(struct dest *d, const char *why)
{
	const struct conf *conf = d->router->conf;
	d->failures++;
	uint64_t ms = job_back_off_ms(d->failures, conf->retry_min_s, conf->retry_max_s, jitter(d));
	d->not_before_ns = clock_mono_ns() + ms * 1000000;
	snprintf(d->last_error, sizeof(d->last_error), "%s", why);
	log_event(LOG_WARN, "destination_waits", "to", d->node.name, "failures", log_num(d->failures).s, "ms", log_num((long long)ms).s, "why", why, NULL);
	dest_give_back(d);
}

void dest_succeeded(struct dest *d)
{
	d->failures = 0;
	d->not_before_ns = 0;
	d->last_error[0] = '\0';
}

/* ---- answers ---- */

static void log_result(const struct outbound *o, const struct send_result *res, const struct jobs_verdict *v)
{
	uint64_t ms = (clock_mono_ns() - o->begun_ns) / 1000000;
	log_event(v->event == JOB_DELIVERED ? LOG_INFO : LOG_WARN, v->event == JOB_DELIVERED ? "forwarded" : "not_forwarded",
	          "to", o->dest->node.name, "sop", o->object.sop_instance.s, "stored_as", o->object.ts.s, "sent_as", res->ts ? res->ts->uid : NULL,
	          "bytes", log_num((long long)res->bytes).s, "ms", log_num((long long)ms).s, "job", job_event_name(v->event),
	          "why", v->why[0] ? v->why : NULL, NULL);
}

void dest_done(struct dest *d, struct outbound *o, const struct send_result *res, bool has_closed)
{
	struct jobs_verdict v = jobs_judge(res, has_closed);
	d->given_count--;
	d->bytes += res->bytes;
	if (v.event == JOB_DELIVERED) {
		crash_point("router_delivered");
		d->images++;
	}
	if (!res->err && !v.is_full)
		dest_succeeded(d);   /* it lives, whatever it thinks of this image */
	if (v.event != JOB_GIVE_BACK)
		log_result(o, res, &v);
	jobs_report(d->router, o->job, v.event, v.why, NULL);
	if (v.is_full && !is_backing_off(d))
		dest_failed(d, v.why);
	if (v.event == JOB_GIVE_BACK || v.event == JOB_FAILED)
		d->has_work = true;      /* also learns when the failed one comes due */
	free(o);
}

/* ---- claiming ---- */

static void claimed(void *arg, enum err e, const struct jobs_claimed *c)
{
	struct dest *d = arg;
	d->is_claiming = false;
	if (!e && !c->n) {
		d->next_due_ms = c->next_ms;
	} else {
		d->has_work = true;
	}
	for (size_t i = 0; i < c->n; i++) {
		struct outbound *o = d->is_known && !d->router->is_stopping ? outbound_new(d, &c->job[i], &c->what[i]) : NULL;
		if (!o) {
			jobs_report(d->router, c->job[i].id, JOB_GIVE_BACK, NULL, NULL);
			continue;
		}
		note_kinds(d, &o->object);
		dest_put_back(d, o);
	}
	if (!e || d->router->is_stopping)
		dest_step(d);    /* after an error the tick comes back to it; when stopping there is none, and the end waits for this claim */
}

static void claim(struct dest *d)
{
	if (d->next_due_ms && clock_wall_ms() >= d->next_due_ms)
		d->has_work = true;
	if (!d->has_work || d->is_claiming || d->ready_count >= DEST_LOW || is_backing_off(d))
		return;
	d->has_work = false;
	d->next_due_ms = 0;
	d->is_claiming = !jobs_claim(d->router, JOB_FORWARD, d->node.name, JOBS_CLAIM_MAX - DEST_LOW, DEST_CLAIM_BYTES, claimed, d);
	if (!d->is_claiming)
		d->has_work = true;
}

/* ---- stepping ---- */

static struct link *link_for(struct dest *d, const struct outbound *o)
{
	for (struct link *k = LIST_FIRST(&d->links); k; k = link_next(k))
		if (link_has_room(k, o->object.size) && link_offers(k, &o->object))
			return k;
	return NULL;
}

static void give(struct dest *d)
{
	struct outbound *o, *next;
	for (o = TAILQ_FIRST(&d->ready); o; o = next) {
		next = TAILQ_NEXT(o, entry);
		struct link *k = link_for(d, o);
		if (!k)
			continue;
		take_ready(d, o);
		o->begun_ns = clock_mono_ns();
		if (link_give(k, o)) {
			dest_put_back(d, o);
			link_retire(k);
			return;
		}
		d->given_count++;
	}
}

static bool is_offered(struct dest *d, const struct send_object *o)
{
	for (struct link *k = LIST_FIRST(&d->links); k; k = link_next(k))
		if (link_offers(k, o))
			return true;
	return false;
}

/* Another association, if jobs are left that no present one takes. One at a time is opened, and only one at all
 * while the destination has not answered. A kind that nobody offers gets an association by retiring another. */
static void open_more(struct dest *d)
{
	unsigned max = d->failures ? 1 : d->node.max_associations ? d->node.max_associations : 1;
	struct outbound *first = TAILQ_FIRST(&d->ready);
	struct why why = { "" };
	if (!first || is_backing_off(d))
		return;
	for (struct link *k = LIST_FIRST(&d->links); k; k = link_next(k))
		if (link_is_connecting(k))
			return;
	if (d->link_count < max) {
		if (link_open(d, &why))
			dest_failed(d, why.text);
	} else if (!is_offered(d, &first->object)) {
		link_retire(LIST_FIRST(&d->links));
	}
}

static void linger(struct dest *d)
{
	struct link *k, *next;
	for (k = LIST_FIRST(&d->links); k; k = next) {
		next = link_next(k);
		if (!link_is_connecting(k))
			link_linger(k, link_is_idle(k) && !d->ready_count);
	}
}

static void step_once(struct dest *d)
{
	give(d);
	claim(d);
	open_more(d);
	linger(d);
}

/* A step can end an association, whose end asks for a step: the outer one then goes round again. */
void dest_step(struct dest *d)
{
	if (d->router->is_stopping) {
		send_tell_quiet(d->router);
		return;
	}
	d->step_again = true;
	if (d->is_stepping || !d->is_known)
		return;
	d->is_stepping = true;
	while (d->step_again) {
		d->step_again = false;
		step_once(d);
	}
	d->is_stepping = false;
}
