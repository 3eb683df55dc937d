#include "router/plan.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/clock.h"
#include "pacs/base/fault.h"
#include "pacs/base/log.h"
#include "db/study_event.h"
#include "db/work_keep.h"
#include "router/complete.h"
#include "pacs/dicom/recipe.h"
#include "router/compress.h"
#include "router/mpps.h"
#include "router/ordering.h"
#include "router/send.h"

enum { BATCH = 256, POLL_MS = 1000 };
enum { PACE_MS = 20 };           /* between two passes of a stream: one sync for all that came meanwhile */
enum { CURSOR_LAG = 4096 };      /* arrivals without work that a restart may look at again */

struct plan {
	struct wake *wake;
	struct loop_timer *poll, *pace;
	bool is_running, again, is_paced;
	uint64_t ended_ns;               /* of the last pass */
	int64_t seen;                    /* arrivals up to here are done with; the cursor in work.db may stand before it */
};

/* ---- rules ---- */

/* The first rule about compression decides; "keep" is a decision too. */
static const char *compress_codec(const struct conf *conf, const struct conf_facts *facts, const struct index_arrival *a)
{
	const struct ts *ts = ts_find(a->what.ts.s);
	for (size_t i = 0; i < conf->route_count; i++) {
		const struct conf_route *r = &conf->routes[i];
		if (r->action == ACTION_COMPRESS && conf_route_matches(r, facts))
			return !strcmp(r->codec, "keep") || !ts || ts->is_encapsulated ? NULL : r->codec[0] ? r->codec : RECIPE_DEFAULT;
	}
	return NULL;
}

static unsigned highest_priority(const struct conf *conf, const struct conf_facts *facts)
{
	unsigned p = 0;
	for (size_t i = 0; i < conf->route_count; i++)
		if (conf->routes[i].priority > p && conf_route_matches(&conf->routes[i], facts))
			p = conf->routes[i].priority;
	return p;
}

static enum err enqueue(struct work *w, enum job_kind kind, const struct index_arrival *a, struct work_job *j, int64_t now_ms, struct why *why)
{
	j->kind = kind;
	j->instance = a->what.instance;
	j->size = a->what.size;
	j->sop_instance = a->what.sop_uid;
	j->study = a->what.study_uid;
	j->created_ms = now_ms;
	snprintf(j->source, sizeof(j->source), "%s", a->calling);
	return work_enqueue(w, j, why);
}

static enum err plan_forward(const struct conf *conf, struct work *w, const struct index_arrival *a, const struct conf_route *rule,
                             bool is_blocked, int64_t now_ms, struct plan_made *made, struct why *why)
{
	const struct conf_node *node = conf_node_by_name(conf, rule->to);
	struct work_job j = { .priority = rule->priority, .is_blocked = is_blocked };
	if (node && !strcmp(node->aet, a->calling))
		return ERR_OK;
	snprintf(j.to, sizeof(j.to), "%s", rule->to);
	if (!node) {
		j.hold = HOLD_NO_NODE;
		snprintf(j.why, sizeof(j.why), "no such node: %s", rule->to);
	}
	made->has_work = true;
	enum err e = enqueue(w, JOB_FORWARD, a, &j, now_ms, why);
	return e == ERR_EXISTS ? ERR_OK : e;
}

/* Where nothing is done with images and nobody is told of studies, their quiet time is worth no sync. */
static enum err plan_completion(const struct conf *conf, struct work *w, const struct index_arrival *a, struct plan_made *made, struct why *why)
{
	bool is_wanted = made->has_work;
	for (size_t i = 0; i < conf->route_count && !is_wanted; i++)
		is_wanted = conf->routes[i].action == ACTION_NOTIFY;
	if (!is_wanted)
		return ERR_OK;
	made->has_work = true;
	return study_event_note(w, a->what.study_uid.s, a->received_ms, why);
}

enum err plan_arrival(const struct conf *conf, struct work *w, const struct index_arrival *a, int64_t now_ms, struct plan_made *made, struct why *why)
{
	const struct conf_node *sender = conf_node_by_aet(conf, a->calling);
	const struct conf_facts facts = { a->calling, a->modality, a->body_part, sender && sender->has_level ? conf_level_name(sender->level) : "",
	                                  a->what.sop_class.s };
	const char *codec = compress_codec(conf, &facts, a);
	bool is_blocked = false;
	enum err e = ERR_OK;

	if (codec) {
		struct work_job j = { .priority = highest_priority(conf, &facts) };
		snprintf(j.to, sizeof(j.to), "%s", codec);
		made->has_work = true;
		e = enqueue(w, JOB_COMPRESS, a, &j, now_ms, why);
		is_blocked = !e;     /* one that was there may be done: nothing would unblock us */
		e = e == ERR_EXISTS ? ERR_OK : e;
	}
	for (size_t i = 0; !e && i < conf->route_count; i++) {
		const struct conf_route *rule = &conf->routes[i];
		if (!conf_route_matches(rule, &facts))
			continue;
		if (rule->action == ACTION_FORWARD) {
			e = plan_forward(conf, w, a, rule, is_blocked, now_ms, made, why);
		} else if (rule->action == ACTION_WORKLIST) {
			e = worklist_on_arrival(conf, w, a, rule, why);
			made->has_work = made->to_read = true;
		}
	}
	return e ? e : plan_completion(conf, w, a, made, why);
}

/* ---- a pass ---- */

struct pass {
	struct router *router;
	struct conf *conf;               /* a reference */
	struct index_arrival arrivals[BATCH];
	size_t n;
	int64_t seen;                    /* in and out, as plan's */
	struct plan_made made;
	bool is_other_index;
};

/* Under an earlier index.db this one was planned, and what became of it may be forgotten by now. */
static bool was_planned(const struct work_planned *planned, const struct index_arrival *a)
{
	return a->seq <= planned->upto_seq && a->received_ms < planned->before_ms;
}

static enum err pass_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct pass *p = arg;
	int64_t cursor, now_ms = clock_wall_ms();
	struct work_planned planned;
	bool is_due = false;
	if (!ix)
		return ERR_OK;
	enum err e = work_know_index(w, ix, &p->is_other_index, why);
	if (!e && p->is_other_index)
		p->seen = 0;
	if (!e)
		e = work_planned_before(w, &planned, why);
	if (!e)
		e = work_cursor(w, &cursor, why);
	if (!e)
		e = index_arrivals(ix, p->seen > cursor ? p->seen : cursor, p->arrivals, BATCH, &p->n, why);
	for (size_t i = 0; !e && i < p->n; i++)
		e = was_planned(&planned, &p->arrivals[i]) ? ERR_OK : plan_arrival(p->conf, w, &p->arrivals[i], now_ms, &p->made, why);
	if (!e)
		e = ordering_on_arrivals(w, ix, p->arrivals, p->n, now_ms, &p->made.has_work, why);
	if (!e)
		e = mpps_on_arrivals(p->conf, w, ix, p->arrivals, p->n, now_ms, &is_due, why);
	if (is_due)
		p->made.has_work = p->made.to_read = true;
	if (e || !p->n)
		return e;
	const struct index_arrival *last = &p->arrivals[p->n - 1];
	p->seen = last->seq;
	/* Without work to commit, the cursor is worth no sync: receiving wants the disk. */
	if (p->made.has_work || p->seen - cursor > CURSOR_LAG) {
		e = work_set_cursor(w, p->seen, why);
		if (!e)
			e = work_note_planned(w, last->received_ms, last->what.sop_uid.s, why);
	}
	crash_point("router_planned");
	return e;
}

static void pass_done(void *arg, enum err e, const struct why *why)
{
	struct pass *p = arg;
	struct router *r = p->router;
	bool is_full = !e && p->n == BATCH, again = r->plan->again || is_full;
	r->plan->is_running = r->plan->again = false;
	r->plan->ended_ns = is_full ? 0 : clock_mono_ns();
	if (!e && (p->seen > r->plan->seen || p->is_other_index))
		r->plan->seen = p->seen;
	if (e)
		log_event(LOG_ERROR, "not_planned", "error", err_name(e), "why", why->text, NULL);
	if (!e && p->is_other_index)
		log_event(LOG_WARN, "other_index", "why", "index.db was rebuilt or put back: all arrivals are planned anew, what was done is not done again", NULL);
	if (!e && p->n && !r->is_stopping) {
		log_event(LOG_DEBUG, "planned", "arrivals", log_num((long long)p->n).s, "seq", log_num(p->seen).s, NULL);
		send_wake(r);
		compress_wake(r);
		if (p->made.to_read)
			worklist_wake(r);
		complete_wake(r);
	}
	conf_unref(&p->conf);
	free(p);
	if (again && !e)
		plan_wake(r);
}

/* Each commit of a stream of images wakes us; a pass for each would sync and switch as often as receiving itself does. */
static bool pace(struct plan *plan)
{
	uint64_t since_ms = (clock_mono_ns() - plan->ended_ns) / 1000000;
	if (since_ms >= PACE_MS)
		return false;
	plan->is_paced = true;
	wake_pause(plan->wake);
	loop_timer_start(plan->pace, PACE_MS - since_ms, 0);
	return true;
}

static void on_pace(void *arg)
{
	struct router *r = arg;
	r->plan->is_paced = false;
	if (r->is_stopping)
		return;
	wake_resume(r->plan->wake);
	plan_wake(r);
}

void plan_wake(struct router *r)
{
	struct plan *plan = r->plan;
	if (r->is_stopping || plan->is_paced)
		return;
	if (plan->is_running) {
		plan->again = true;
		return;
	}
	if (pace(plan))
		return;
	struct pass *p = calloc(1, sizeof(*p));
	if (!p)
		return;      /* the poll comes again */
	p->router = r;
	p->conf = conf_ref(r->conf);
	p->seen = plan->seen;
	plan->is_running = true;
	if (work_run(r->work, pass_work, pass_done, p)) {
		plan->is_running = false;
		conf_unref(&p->conf);
		free(p);
	}
}

int64_t plan_seen(const struct router *r)
{
	return r->plan->seen;
}

/* ---- the room ---- */

static void on_wake(void *arg)
{
	plan_wake(arg);
}

enum err plan_start(struct router *r, struct why *why)
{
	char path[PATH_MAX];
	r->plan = calloc(1, sizeof(*r->plan));
	if (!r->plan || loop_timer_new(r->loop, on_wake, r, &r->plan->poll) || loop_timer_new(r->loop, on_pace, r, &r->plan->pace))
		return fail(why, ERR_NOMEM, "no memory");
	snprintf(path, sizeof(path), "%.*s/run/wake.router", PATH_MAX - 80, r->conf->dir);
	enum err e = wake_open(r->loop, path, on_wake, r, &r->plan->wake, why);
	if (!e) {
		loop_timer_start(r->plan->poll, POLL_MS, POLL_MS);
		plan_wake(r);
	}
	return e;
}

void plan_stop(struct router *r)
{
	if (!r->plan)
		return;
	if (r->plan->wake)
		wake_close(&r->plan->wake);
	if (r->plan->poll)
		loop_timer_free(&r->plan->poll);
	if (r->plan->pace)
		loop_timer_free(&r->plan->pace);
}

void plan_fini(struct router *r)
{
	free(r->plan);
	r->plan = NULL;
}
