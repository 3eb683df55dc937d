#include "router/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "db/commit_user.h"
#include "router/errand.h"

enum { RETRY_REPORT_MS = 1000 };

struct report {
	STAILQ_ENTRY(report) link;
	struct router *router;
	struct conf *conf;               /* a reference */
	int64_t id;
	enum job_event event;
	enum job_state after;
	char confirm[33];                /* the node that shall confirm; "" none */
	void (*saved)(struct router *r);
	char why[161];
};

struct jobs {
	STAILQ_HEAD(, report) unsaved;   /* their commit failed */
	struct loop_timer *timer;
};

/* ---- reporting ---- */

uint32_t jobs_random(void)
{
	uint32_t v = 0;
	if (getrandom(&v, sizeof(v), GRND_NONBLOCK) != (ssize_t)sizeof(v))
		v = (uint32_t)clock_mono_ns();
	return v;
}

/* In the transaction that makes it SENT: from then on its node owes the confirmation. */
static enum err want_confirmation(struct report *p, struct work *w, int64_t now_ms, struct why *why)
{
	struct work_job j;
	enum err e = work_get(w, p->id, &j, why);
	const struct conf_node *node = e || j.kind != JOB_FORWARD ? NULL : conf_node_by_name(p->conf, j.to);
	if (e || !node || node->commit == CONF_COMMIT_NO)
		return e;
	memcpy(p->confirm, j.to, sizeof(p->confirm));
	return commit_want(w, &j, node->commit == CONF_COMMIT_AUTO, now_ms, why);
}

static enum err report_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct report *p = arg;
	(void)ix;
	const struct work_event ev = {
		.event = p->event, .hold = p->event == JOB_REFUSED ? HOLD_REFUSED : HOLD_NONE, .why = p->why, .now_ms = clock_wall_ms(),
		.retry_min_s = p->conf->retry_min_s, .retry_max_s = p->conf->retry_max_s, .random = jobs_random(),
	};
	enum err e = work_apply(w, p->id, &ev, &p->after, why);
	return !e && ev.event == JOB_DELIVERED && p->after == JOB_SENT ? want_confirmation(p, w, ev.now_ms, why) : e;
}

static void report_free(struct report *p)
{
	conf_unref(&p->conf);
	free(p);
}

static void report_done(void *arg, enum err e, const struct why *why)
{
	struct report *p = arg;
	struct jobs *j = p->router->jobs;
	if (e && e != ERR_NOT_FOUND && j) {
		log_event(LOG_ERROR, "job_not_saved", "job", log_num(p->id).s, "event", job_event_name(p->event), "why", why->text, NULL);
		STAILQ_INSERT_TAIL(&j->unsaved, p, link);
		loop_timer_start(j->timer, RETRY_REPORT_MS, 0);
		return;
	}
	if (!e && p->after == JOB_HELD)
		log_event(LOG_WARN, "job_held", "job", log_num(p->id).s, "why", p->why, NULL);
	if (!e && p->saved && !p->router->is_stopping)
		p->saved(p->router);
	if (!e && p->confirm[0])
		errands_wake(p->router, ERRAND_ASK, p->confirm);
	report_free(p);
}

static void on_timer(void *arg)
{
	struct router *r = arg;
	struct report *p;
	while ((p = STAILQ_FIRST(&r->jobs->unsaved))) {
		if (work_run(r->work, report_work, report_done, p)) {
			loop_timer_start(r->jobs->timer, RETRY_REPORT_MS, 0);
			return;
		}
		STAILQ_REMOVE_HEAD(&r->jobs->unsaved, link);
	}
}

void jobs_report(struct router *r, int64_t id, enum job_event ev, const char *why, void (*saved)(struct router *r))
{
	struct report *p = r->work ? calloc(1, sizeof(*p)) : NULL;
	if (!p && r->work) {
		log_event(LOG_ERROR, "out_of_memory", "doing", "reporting a job", "job", log_num(id).s, NULL);
	}
	if (!p)
		return;      /* the lease stays until the next start: late, not lost */
	p->router = r;
	p->id = id;
	p->event = ev;
	p->saved = saved;
	p->conf = conf_ref(r->conf);
	snprintf(p->why, sizeof(p->why), "%s", why ? why : "");
	if (work_run(r->work, report_work, report_done, p)) {
		STAILQ_INSERT_TAIL(&r->jobs->unsaved, p, link);
		loop_timer_start(r->jobs->timer, RETRY_REPORT_MS, 0);
	}
}

/* ---- claiming ---- */

struct claim {
	struct jobs_claimed got;
	enum job_kind kind;
	char to[33];
	size_t max;
	uint64_t max_bytes;
	void (*done)(void *arg, enum err e, const struct jobs_claimed *c);
	void *arg;
};

/* The image's present file; a job without one is held and taken out of the claim. */
static enum err look_up(struct claim *c, struct work *w, struct index_reader *ix, struct why *why)
{
	static const struct work_event lost = { .event = JOB_REFUSED, .hold = HOLD_REFUSED, .why = "the index does not know this image any more" };
	struct jobs_claimed *g = &c->got;
	size_t kept = 0;
	for (size_t i = 0; i < g->n; i++) {
		enum err e = index_get(ix, g->job[i].instance, &g->what[kept], why);
		if (e == ERR_NOT_FOUND) {
			struct work_event ev = lost;
			ev.now_ms = clock_wall_ms();
			if ((e = work_apply(w, g->job[i].id, &ev, NULL, why)))
				return e;
			continue;
		}
		if (e)
			return e;
		g->job[kept++] = g->job[i];
	}
	g->n = kept;
	return ERR_OK;
}

static enum err claim_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct claim *c = arg;
	if (!ix)
		return fail(why, ERR_NOT_FOUND, "there is no index yet");
	enum err e = work_claim(w, c->kind, c->to, clock_wall_ms(), c->max, c->max_bytes, c->got.job, &c->got.n, &c->got.next_ms, why);
	return e ? e : look_up(c, w, ix, why);
}

static void claim_done(void *arg, enum err e, const struct why *why)
{
	struct claim *c = arg;
	if (e) {
		c->got.n = 0;
		log_event(e == ERR_NOT_FOUND ? LOG_DEBUG : LOG_WARN, "no_claim", "to", c->to, "why", why->text, NULL);
	}
	c->done(c->arg, e, &c->got);
	free(c);
}

enum err jobs_claim(struct router *r, enum job_kind kind, const char *to, size_t max, uint64_t max_bytes,
                    void (*done)(void *arg, enum err e, const struct jobs_claimed *c), void *arg)
{
	struct claim *c = calloc(1, sizeof(*c));
	if (!c)
		return ERR_NOMEM;
	c->kind = kind;
	snprintf(c->to, sizeof(c->to), "%s", to);
	c->max = max < JOBS_CLAIM_MAX ? max : JOBS_CLAIM_MAX;
	c->max_bytes = max_bytes;
	c->done = done;
	c->arg = arg;
	enum err e = work_run(r->work, claim_work, claim_done, c);
	if (e)
		free(c);
	return e;
}

/* ---- the room ---- */

enum err jobs_start(struct router *r, struct why *why)
{
	struct jobs *j = calloc(1, sizeof(*j));
	if (!j)
		return fail(why, ERR_NOMEM, "no memory");
	STAILQ_INIT(&j->unsaved);
	if (loop_timer_new(r->loop, on_timer, r, &j->timer)) {
		free(j);
		return fail(why, ERR_NOMEM, "no memory");
	}
	r->jobs = j;
	return ERR_OK;
}

void jobs_stop(struct router *r)
{
	struct report *p;
	if (!r->jobs)
		return;
	while ((p = STAILQ_FIRST(&r->jobs->unsaved))) {
		STAILQ_REMOVE_HEAD(&r->jobs->unsaved, link);
		report_free(p);
	}
	loop_timer_free(&r->jobs->timer);
	free(r->jobs);
	r->jobs = NULL;
}
