#include "router/requests.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "pacs/ctl/conf_reload.h"
#include "db/commit_duty.h"
#include "db/commit_user.h"
#include "router/commit.h"
#include "router/compress.h"
#include "router/edits.h"
#include "router/errand.h"
#include "router/mpps.h"
#include "router/ordering.h"
#include "router/plan.h"
#include "router/queue_list.h"
#include "router/send.h"

/* ---- reload ---- */

static void use_conf(void *arg, struct conf *conf)
{
	struct router *r = arg;
	if (r->is_stopping) {
		conf_unref(&conf);
		return;
	}
	conf_unref(&r->conf);
	r->conf = conf;
	send_reload(r);
	errands_reload(r);
	compress_wake(r);
	mpps_wake(r);
}

static void reload(struct router *r, struct ctl_request *rq)
{
	conf_reload(r->loop, r->conf->dir, rq, use_conf, r);
}

void requests_reload(struct router *r)
{
	reload(r, NULL);
}

/* ---- queue.retry and queue.hold ---- */

struct change {
	struct router *router;
	struct ctl_request *rq;
	struct conf *conf;               /* a reference */
	enum job_event event;
	int64_t id;                      /* 0: by name */
	char to[33];                     /* "": all */
	unsigned n;
};

/* What waits for a node without being a job: confirmations wanted of it, results owed to it. */
static enum err hurry_commitment(const struct change *c, struct work *w, struct why *why)
{
	const struct conf_node *node = c->to[0] ? conf_node_by_name(c->conf, c->to) : NULL;
	enum err e = commit_hurry(w, c->to, why);
	if (e || (c->to[0] && !node))
		return e;
	return duty_hurry(w, node ? node->aet : NULL, why);
}

static enum err change_work(void *arg, struct work *w, struct index_reader *ix, struct why *why)
{
	struct change *c = arg;
	const struct work_event ev = { .event = c->event, .hold = HOLD_PERSON, .why = c->event == JOB_HOLD ? "held by hand" : NULL, .now_ms = clock_wall_ms() };
	(void)ix;
	if (!c->id) {
		enum err done = work_apply_all(w, c->to[0] ? c->to : NULL, HOLD_NONE, &ev, &c->n, why);
		return done || c->event != JOB_RELEASE ? done : hurry_commitment(c, w, why);
	}
	enum job_state after;
	enum err e = work_apply(w, c->id, &ev, &after, why);
	c->n = !e && after == (c->event == JOB_HOLD ? JOB_HELD : JOB_QUEUED);
	return e;
}

static void change_done(void *arg, enum err e, const struct why *why)
{
	struct change *c = arg;
	if (e) {
		ctl_refuse(c->rq, e, why->text);
	} else {
		log_event(LOG_INFO, c->event == JOB_HOLD ? "queue_hold" : "queue_retry", "jobs", log_num(c->n).s, "to", c->to, NULL);
		ctl_answer(c->rq, json_pack("{s:I}", "jobs", (json_int_t)c->n));
		if (!c->router->is_stopping) {
			if (c->event == JOB_RELEASE) {
				send_hurry(c->router, c->id || !c->to[0] ? NULL : c->to);
				errands_hurry(c->router, c->id || !c->to[0] ? NULL : c->to);
			}
			send_wake(c->router);
			compress_wake(c->router);
			mpps_wake(c->router);
		}
	}
	conf_unref(&c->conf);
	free(c);
}

static void change(struct router *r, struct ctl_request *rq, const json_t *body, enum job_event ev)
{
	const char *to = json_string_value(json_object_get(body, "to"));
	json_int_t id = json_integer_value(json_object_get(body, "id"));
	bool all = json_is_true(json_object_get(body, "all")) && ev == JOB_RELEASE;
	if ((id > 0) + (to && to[0]) + all != 1 || (to && strlen(to) > 32)) {
		ctl_refuse(rq, ERR_USAGE, ev == JOB_RELEASE ? "queue.retry needs one of id, to, all" : "queue.hold needs one of id, to");
		return;
	}
	struct change *c = calloc(1, sizeof(*c));
	if (c) {
		c->router = r;
		c->rq = rq;
		c->conf = conf_ref(r->conf);
		c->event = ev;
		c->id = id > 0 ? id : 0;
		snprintf(c->to, sizeof(c->to), "%s", to ? to : "");
	}
	if (!c || work_run(r->work, change_work, change_done, c)) {
		if (c)
			conf_unref(&c->conf);
		free(c);
		ctl_refuse(rq, ERR_NOMEM, "no memory");
	}
}

/* ---- the room ---- */

static void handle(void *arg, struct ctl_request *rq, const char *op, const json_t *body)
{
	struct router *r = arg;
	if (r->is_stopping)
		ctl_refuse(rq, ERR_CLOSED, "the router is stopping");
	else if (!strcmp(op, "ping"))
		ctl_answer(rq, NULL);
	else if (!strcmp(op, "reload"))
		reload(r, rq);
	else if (!strcmp(op, "status"))
		queue_status(r, rq);
	else if (!strcmp(op, "queue.list"))
		queue_list(r, rq, body);
	else if (!strcmp(op, "queue.retry"))
		change(r, rq, body, JOB_RELEASE);
	else if (!strcmp(op, "queue.hold"))
		change(r, rq, body, JOB_HOLD);
	else if (!commit_handle_ctl(r, rq, op, body) && !worklist_handle_ctl(r, rq, op, body) && !ordering_handle_ctl(r, rq, op, body) &&
	         !mpps_handle_ctl(r, rq, op, body) && !edits_handle_ctl(r, rq, op, body))
		ctl_refuse(rq, ERR_USAGE, "the router knows ping, reload, status, queue.list, queue.retry, queue.hold, study.edit, and what the worklist, commitment and the orders take");
}

enum err requests_open(struct router *r, struct why *why)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%.*s/run/router.sock", PATH_MAX - 80, r->conf->dir);
	return ctl_server_open(r->loop, path, handle, r, &r->ctl, why);
}

void requests_close(struct router *r)
{
	if (r->ctl)
		ctl_server_close(&r->ctl);
}
