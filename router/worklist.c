#include "router/worklist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"

enum { RETRY_MS = 1000 };                /* after a failure: the index is not there yet, the disk is full */

struct worklist {
	struct loop_timer *timer;
	bool is_looking;                 /* a task is with the work thread */
	bool look_again;                 /* something came meanwhile */
};

/* ---- the seam: an arrival ---- */

enum err worklist_on_arrival(const struct conf *conf, struct work *w, const struct index_arrival *a, const struct conf_route *rule, struct why *why)
{
	struct item_pending p = { .study_uid = a->what.study_uid, .priority = rule->priority, .last_arrival_ms = a->received_ms };

	(void)conf;
	/* A rule without a group sorts by modality, and what has none stands under OT, "other". */
	snprintf(p.group, sizeof(p.group), "%s", rule->group[0] ? rule->group : a->modality[0] ? a->modality : "OT");
	return items_pending_note(work_db(w), &p, why);
}

/* ---- looking for a study whose quiet time is over; one in each task ---- */

struct look {
	struct router *r;
	struct conf *conf;
	bool found;                      /* one was due */
	struct item_pending what;
	int64_t wait_ms;                 /* until the next is due; -1: none waits */
	struct worklist_result result;
};

/* A last arrival in the future says that the clock was set back: it would wait for nothing. */
static int64_t left_ms(const struct item_pending *p, const struct conf *conf, int64_t now_ms)
{
	int64_t quiet_ms = (int64_t)conf->quiet_s * 1000;
	int64_t left = p->last_arrival_ms + quiet_ms - now_ms;

	return left > 0 && left <= quiet_ms ? left : 0;
}

static enum err look_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct look *k = arg;
	int64_t now_ms = clock_wall_ms();
	enum err e = items_pending_first(work_db(w), &k->what, why);

	k->wait_ms = -1;
	if (e == ERR_NOT_FOUND)
		return ERR_OK;
	if (e)
		return e;
	k->wait_ms = left_ms(&k->what, k->conf, now_ms);
	if (k->wait_ms > 0)
		return ERR_OK;
	k->found = true;
	if (!ix)
		return fail(why, ERR_NOT_FOUND, "there is no index.db yet");
	return worklist_make(work_db(w), ix, k->conf, &k->what, now_ms, &k->result, why);
}

static void log_made(const struct look *k)
{
	static const char *const events[] = { [WORKLIST_CREATED] = "item_created", [WORKLIST_UPDATED] = "item_updated", [WORKLIST_LATE] = "item_late" };

	if (k->result.made != WORKLIST_NOTHING)
		log_event(LOG_INFO, events[k->result.made], "item", k->result.item.s, "study", k->what.study_uid.s, "group", k->what.group,
		          "instances", log_num(k->result.instances).s, "added", log_num(k->result.added).s, NULL);
}

/* Something is wrong with this one study: its quiet time begins again, behind all others. */
static enum err postpone_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct look *k = arg;

	(void)ix;
	k->what.last_arrival_ms = clock_wall_ms();
	return items_pending_note(work_db(w), &k->what, why);
}

static void look(struct router *r);

static void look_free(struct look *k)
{
	if (k->r->worklist)              /* the router may have begun to stop while the task was with the work thread */
		k->r->worklist->is_looking = false;
	conf_unref(&k->conf);
	free(k);
}

static void postpone_done(void *arg, enum err e, const struct why *why)
{
	struct look *k = arg;
	struct router *r = k->r;

	(void)e;
	(void)why;
	look_free(k);
	if (!r->is_stopping && r->worklist)
		loop_timer_start(r->worklist->timer, RETRY_MS, 0);
}

static void look_done(void *arg, enum err e, const struct why *why)
{
	struct look *k = arg;
	struct router *r = k->r;
	bool again = !e && k->found;
	int64_t wait_ms = e ? RETRY_MS : k->wait_ms;

	if (e)
		log_event(LOG_ERROR, "item_failed", "study", k->found ? k->what.study_uid.s : NULL, "error", err_name(e), "why", why->text, NULL);
	else
		log_made(k);
	if (e && k->found && !r->is_stopping && !work_run(r->work, postpone_work, postpone_done, k))
		return;
	look_free(k);
	if (r->is_stopping || !r->worklist)
		return;
	if (!e && (again || r->worklist->look_again))
		look(r);
	else if (wait_ms >= 0)
		loop_timer_start(r->worklist->timer, (uint64_t)wait_ms + 1, 0);
}

static void look(struct router *r)
{
	struct look *k;

	r->worklist->look_again = r->worklist->is_looking;
	if (r->worklist->is_looking)
		return;
	k = calloc(1, sizeof(*k));
	if (k) {
		k->r = r;
		k->conf = conf_ref(r->conf);
		r->worklist->is_looking = true;
		if (!work_run(r->work, look_work, look_done, k))
			return;
		look_free(k);
	}
	loop_timer_start(r->worklist->timer, RETRY_MS, 0);
}

static void on_timer(void *arg)
{
	look(arg);
}

void worklist_wake(struct router *r)
{
	if (r->worklist && !r->is_stopping)
		look(r);
}

/* ---- beginning and end ---- */

enum err worklist_start(struct router *r, struct why *why)
{
	struct worklist *wl = calloc(1, sizeof(*wl));

	if (!wl || loop_timer_new(r->loop, on_timer, r, &wl->timer)) {
		free(wl);
		return fail(why, ERR_NOMEM, "no memory for the worklist");
	}
	r->worklist = wl;
	look(r);                         /* what waited when the last run ended */
	return ERR_OK;
}

void worklist_stop(struct router *r)
{
	if (!r->worklist)
		return;
	loop_timer_free(&r->worklist->timer);
	free(r->worklist);
	r->worklist = NULL;
}

bool worklist_handle_ctl(struct router *r, struct ctl_request *rq, const char *op, const json_t *body)
{
	static const struct { const char *op; void (*handle)(struct router *, struct ctl_request *, const json_t *); } ops[] = {
		{ "ups.state", worklist_ctl_state },
		{ "ups.set", worklist_ctl_set },
		{ "worklist.list", worklist_ctl_list },
	};

	for (size_t i = 0; i < NELEM(ops); i++)
		if (strcmp(ops[i].op, op) == 0) {
			ops[i].handle(r, rq, body);
			return true;
		}
	return false;
}
