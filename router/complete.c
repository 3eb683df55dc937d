#include "router/complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "db/orders.h"
#include "db/study_event.h"
#include "router/errand.h"

enum { RETRY_MS = 1000 };

struct complete {
	struct loop_timer *timer;
	bool is_looking, look_again;
};

/* ---- an event and what follows from it ---- */

/* A study has several modalities: the rule is for it when it is for one of them. */
static bool matches(const struct conf *conf, const struct conf_route *rule, const struct index_study *st)
{
	const struct conf_node *sender = conf_node_by_aet(conf, st->calling);
	for (const char *at = st->modalities; ; at++) {
		char modality[17];
		size_t n = strcspn(at, "\\");
		snprintf(modality, sizeof(modality), "%.*s", (int)(n < sizeof(modality) ? n : sizeof(modality) - 1), at);
		const struct conf_facts facts = { st->calling, modality, st->body_part, sender && sender->has_level ? conf_level_name(sender->level) : "", "" };
		if (conf_route_matches(rule, &facts))
			return true;
		at += n;
		if (!*at)
			return false;
	}
}

static enum err enqueue(const struct conf *conf, struct work *w, const struct conf_route *rule, const struct index_study *st, int64_t event, int64_t now_ms, struct why *why)
{
	struct work_job j = { .kind = JOB_NOTIFY, .instance = (uint64_t)event, .study = st->study_uid, .priority = rule->priority, .created_ms = now_ms };
	snprintf(j.to, sizeof(j.to), "%s", rule->to);
	snprintf(j.source, sizeof(j.source), "%s", conf->aet);
	if (!conf_node_by_name(conf, rule->to)) {
		j.hold = HOLD_NO_NODE;
		snprintf(j.why, sizeof(j.why), "no such node: %s", rule->to);
	}
	enum err e = work_enqueue(w, &j, why);
	return e == ERR_EXISTS ? ERR_OK : e;     /* two rules for one node */
}

enum err complete_study(const struct conf *conf, struct work *w, struct index_reader *ix, const char *study_uid, const char *cause,
                        int64_t now_ms, bool *is_new, struct why *why)
{
	struct index_study st;
	int64_t event;
	*is_new = false;
	enum err e = index_study_get(ix, study_uid, &st, why);
	if (!e)
		e = study_event_add(w, study_uid, cause, st.instances, now_ms, &event, why);
	if (e == ERR_NOT_FOUND || e == ERR_EXISTS)
		return ERR_OK;
	*is_new = !e;
	if (!e)
		e = orders_study_complete(work_db(w), study_uid, now_ms, why);
	for (size_t i = 0; i < conf->route_count && !e; i++)
		if (conf->routes[i].action == ACTION_NOTIFY && matches(conf, &conf->routes[i], &st))
			e = enqueue(conf, w, &conf->routes[i], &st, event, now_ms, why);
	return e;
}

/* ---- the quiet time; one study in each task ---- */

struct look {
	struct router *router;
	struct conf *conf;               /* a reference */
	struct study_quiet what;
	bool found, is_new;
	int64_t wait_ms;                 /* until the next is due; -1: none waits */
};

static enum err look_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct look *k = arg;
	int64_t now_ms = clock_wall_ms(), quiet_ms = (int64_t)k->conf->quiet_s * 1000;
	k->wait_ms = -1;
	enum err e = study_event_first(w, &k->what, why);
	if (e)
		return e == ERR_END ? ERR_OK : e;
	k->wait_ms = k->what.last_arrival_ms + quiet_ms - now_ms;
	if (k->wait_ms > quiet_ms)       /* the clock was set back: nothing is to be waited for */
		k->wait_ms = 0;
	if (k->wait_ms > 0)
		return ERR_OK;
	k->found = true;
	if (!ix)
		return fail(why, ERR_NOT_FOUND, "there is no index.db yet");
	e = complete_study(k->conf, w, ix, k->what.study_uid.s, "quiet", now_ms, &k->is_new, why);
	return e ? e : study_event_quiet_done(w, k->what.study_uid.s, why);
}

static void look(struct router *r);

static void look_done(void *arg, enum err e, const struct why *why)
{
	struct look *k = arg;
	struct router *r = k->router;
	bool again = !e && k->found;
	int64_t wait_ms = e ? RETRY_MS : k->wait_ms;
	if (e)
		log_event(LOG_ERROR, "study_not_completed", "study", k->found ? k->what.study_uid.s : NULL, "error", err_name(e), "why", why->text, NULL);
	else if (k->is_new)
		log_event(LOG_INFO, "study_complete", "study", k->what.study_uid.s, "cause", "quiet", NULL);
	if (!e && k->is_new)
		errands_wake(r, ERRAND_NOTIFY, NULL);
	conf_unref(&k->conf);
	free(k);
	if (r->is_stopping || !r->complete)
		return;
	again |= r->complete->look_again;
	r->complete->is_looking = r->complete->look_again = false;
	if (again && !e)
		look(r);
	else if (wait_ms >= 0)
		loop_timer_start(r->complete->timer, (uint64_t)wait_ms + 1, 0);
}

static void look(struct router *r)
{
	struct complete *c = r->complete;
	c->look_again |= c->is_looking;
	if (c->is_looking)
		return;
	struct look *k = calloc(1, sizeof(*k));
	if (k) {
		k->router = r;
		k->conf = conf_ref(r->conf);
		c->is_looking = true;
		if (!work_run(r->work, look_work, look_done, k))
			return;
		c->is_looking = false;
		conf_unref(&k->conf);
		free(k);
	}
	loop_timer_start(c->timer, RETRY_MS, 0);
}

static void on_timer(void *arg)
{
	look(arg);
}

void complete_wake(struct router *r)
{
	if (!r->complete || r->is_stopping)
		return;
	look(r);
	errands_wake(r, ERRAND_NOTIFY, NULL);
}

enum err complete_start(struct router *r, struct why *why)
{
	r->complete = calloc(1, sizeof(*r->complete));
	if (!r->complete || loop_timer_new(r->loop, on_timer, r, &r->complete->timer))
		return fail(why, ERR_NOMEM, "no memory");
	look(r);                         /* what waited when the last run ended */
	return ERR_OK;
}

void complete_stop(struct router *r)
{
	if (!r->complete)
		return;
	loop_timer_free(&r->complete->timer);
	free(r->complete);
	r->complete = NULL;
}
