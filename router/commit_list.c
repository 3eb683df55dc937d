#include <stdlib.h>
#include <string.h>

#include "db/commit_duty.h"
#include "db/commit_user.h"
#include "db/study_event.h"
#include "router/commit.h"

/* Read on the loop's pool with a connection of its own, as the queue is. */

enum { LIMIT_DEFAULT = 100, LIMIT_MAX = 5000 };

struct listing {
	struct ctl_request *rq;
	bool is_notices;
	char dir[sizeof(((struct conf *)0)->dir)];
	unsigned limit;
	json_t *first, *second, *third;  /* owned */
	enum err err;
	struct why why;
};

static bool add_duty(void *arg, const struct commit_duty_row *d)
{
	return !json_array_append_new(arg, json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:I,s:I,s:s}", "calling", d->calling, "transaction", d->transaction.s,
		"state", commit_duty_state_name(d->state), "objects", (int)d->objects, "failed", (int)d->failed, "tries", (int)d->tries,
		"created", (json_int_t)d->created_ms, "until", (json_int_t)d->until_ms, "why", d->why));
}

static bool add_request(void *arg, const struct commit_request_row *q)
{
	return !json_array_append_new(arg, json_pack("{s:s,s:s,s:s,s:i,s:I,s:I}", "to", q->to, "transaction", q->transaction.s,
		"state", commit_request_state_name(q->state), "objects", (int)q->objects, "created", (json_int_t)q->created_ms, "until", (json_int_t)q->until_ms));
}

static bool add_node(void *arg, const struct commit_node_row *n)
{
	return !json_array_append_new(arg, json_pack("{s:s,s:I,s:I,s:I,s:i,s:I,s:I,s:s}", "to", n->to, "wanted", (json_int_t)n->wanted, "asked", (json_int_t)n->asked,
		"sending", (json_int_t)n->sending, "tries", (int)n->tries, "until", (json_int_t)n->until_ms, "refused", (json_int_t)n->refused_ms, "why", n->why));
}

static bool add_notice(void *arg, const struct notice *n)
{
	return !json_array_append_new(arg, json_pack("{s:s,s:s,s:s,s:s,s:i,s:i,s:I}", "calling", n->calling, "study", n->study_uid.s, "availability", n->availability,
		"retrieve", n->retrieve_aet, "series", (int)n->series, "instances", (int)n->instances, "at", (json_int_t)n->at_ms));
}

static bool add_event(void *arg, const struct study_event *e)
{
	return !json_array_append_new(arg, json_pack("{s:I,s:s,s:s,s:i,s:I}", "id", (json_int_t)e->id, "study", e->study_uid.s, "cause", e->cause,
		"instances", (int)e->instances, "at", (json_int_t)e->at_ms));
}

static void listing_work(void *arg)
{
	struct listing *l = arg;
	struct work_reader *w = NULL;
	enum err e = work_reader_open(l->dir, &w, &l->why);
	if (!e)
		e = l->is_notices ? notice_list(w, l->limit, add_notice, l->first, &l->why) : duty_list(w, l->limit, add_duty, l->first, &l->why);
	if (!e)
		e = l->is_notices ? study_event_list(w, l->limit, add_event, l->second, &l->why) : commit_request_list(w, l->limit, add_request, l->second, &l->why);
	if (!e && !l->is_notices)
		e = commit_node_list(w, add_node, l->third, &l->why);
	work_reader_close(&w);
	l->err = e;
}

static void listing_free(struct listing *l)
{
	json_decref(l->first);
	json_decref(l->second);
	json_decref(l->third);
	free(l);
}

static void listing_done(void *arg)
{
	struct listing *l = arg;
	if (l->err)
		ctl_refuse(l->rq, l->err, l->why.text);
	else if (l->is_notices)
		ctl_answer(l->rq, json_pack("{s:O,s:O}", "notices", l->first, "events", l->second));
	else
		ctl_answer(l->rq, json_pack("{s:O,s:O,s:O}", "duties", l->first, "requests", l->second, "nodes", l->third));
	listing_free(l);
}

void commit_list_ctl(struct router *r, struct ctl_request *rq, const json_t *body, bool is_notices)
{
	json_int_t limit = json_integer_value(json_object_get(body, "limit"));
	struct listing *l = calloc(1, sizeof(*l));
	if (l) {
		l->rq = rq;
		l->is_notices = is_notices;
		l->limit = limit <= 0 ? LIMIT_DEFAULT : limit > LIMIT_MAX ? LIMIT_MAX : (unsigned)limit;
		l->first = json_array();
		l->second = json_array();
		l->third = json_array();
		memcpy(l->dir, r->conf->dir, sizeof(l->dir));
	}
	if (l && l->first && l->second && l->third && !loop_work(r->loop, listing_work, listing_done, l))
		return;
	if (l)
		listing_free(l);
	ctl_refuse(rq, ERR_NOMEM, "no memory");
}
