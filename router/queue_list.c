#include "router/queue_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "router/compress.h"
#include "router/plan.h"
#include "router/send.h"

struct listing {
	struct router *router;
	struct ctl_request *rq;
	bool is_status;
	char dir[sizeof(((struct conf *)0)->dir)];
	char state[16], to[33];          /* as asked for */
	unsigned limit;
	json_t *jobs, *counts;           /* owned */
	int64_t cursor;
	enum err err;
	struct why why;
};

/* ---- on the pool ---- */

static bool add_job(void *arg, const struct work_job *j)
{
	struct listing *l = arg;
	const char *why = j->is_blocked && j->state == JOB_QUEUED ? "waits for the compression of the image" : j->why;
	json_array_append_new(l->jobs, json_pack("{s:I,s:s,s:s,s:s,s:s,s:i,s:I,s:s,s:s,s:s,s:i,s:I,s:I}",
		"id", (json_int_t)j->id, "kind", job_kind_name(j->kind), "to", j->to, "state", job_state_name(j->state),
		"confirm", job_confirm_name(j->confirm), "tries", (int)j->tries, "until", (json_int_t)j->until_ms, "why", why, "sop_instance", j->sop_instance.s, "study", j->study.s,
		"priority", (int)j->priority, "created", (json_int_t)j->created_ms, "size", (json_int_t)j->size));
	return true;
}

static bool add_count(void *arg, const struct work_count *c)
{
	struct listing *l = arg;
	json_array_append_new(l->counts, json_pack("{s:s,s:s,s:s,s:I,s:I}", "kind", job_kind_name(c->kind), "to", c->to,
		"state", job_state_name(c->state), "n", (json_int_t)c->n, "oldest", (json_int_t)c->oldest_ms));
	return true;
}

/* Which of the queued jobs wait for their destination is known on the loop only. */
static bool is_decided_later(const struct listing *l)
{
	return !strcmp(l->state, job_state_name(JOB_QUEUED)) || !strcmp(l->state, job_state_name(JOB_WAITING));
}

static void listing_work(void *arg)
{
	struct listing *l = arg;
	const struct work_filter f = {
		.state = is_decided_later(l) ? "" : l->state, .to = l->to, .limit = is_decided_later(l) ? QUEUE_LIST_MAX : l->limit,
	};
	struct work_reader *w = NULL;
	enum err e = work_reader_open(l->dir, &w, &l->why);
	if (!e && !l->is_status)
		e = work_reader_list(w, &f, add_job, l, &l->why);
	if (!e)
		e = work_reader_counts(w, add_count, l, &l->why);
	if (!e)
		e = work_reader_cursor(w, &l->cursor, &l->why);
	work_reader_close(&w);
	l->err = e;
}

/* ---- on the loop ---- */

/* What the destinations know and the database does not. */
static void add_destination(void *arg, const struct send_state *s)
{
	json_array_append_new(arg, json_pack("{s:s,s:s,s:i,s:i,s:i,s:s,s:I,s:I,s:I}", "name", s->name, "aet", s->aet,
		"associations", (int)s->associations, "in_hand", (int)s->in_hand, "failures", (int)s->failures, "last_error", s->last_error,
		"next_try", (json_int_t)s->next_try_ms, "images", (json_int_t)s->images, "bytes", (json_int_t)s->bytes));
}

static void mark_waiting(void *arg, const struct send_state *s)
{
	size_t i;
	json_t *j;
	if (!s->next_try_ms)
		return;
	json_array_foreach((json_t *)arg, i, j) {
		if (strcmp(json_string_value(json_object_get(j, "kind")), "forward") || strcmp(json_string_value(json_object_get(j, "to")), s->name) ||
		    strcmp(json_string_value(json_object_get(j, "state")), "queued") || json_string_length(json_object_get(j, "why")))
			continue;
		json_object_set_new(j, "state", json_string("waiting"));
		json_object_set_new(j, "until", json_integer(s->next_try_ms));
		json_object_set_new(j, "why", json_string(s->last_error));
	}
}

/* Leaves what was asked for. */
static void sift(struct listing *l)
{
	size_t i = 0;
	while (i < json_array_size(l->jobs))
		if (i >= l->limit || strcmp(json_string_value(json_object_get(json_array_get(l->jobs, i), "state")), l->state))
			json_array_remove(l->jobs, i);
		else
			i++;
}

static json_t *status_fields(struct listing *l)
{
	struct compress_state c = compress_now(l->router);
	json_t *dests = json_array();
	send_each(l->router, add_destination, dests);
	return json_pack("{s:I,s:O,s:o,s:{s:i,s:I,s:I,s:I},s:i}", "cursor", (json_int_t)(plan_seen(l->router) > l->cursor ? plan_seen(l->router) : l->cursor), "counts", l->counts, "destinations", dests,
		"compress", "running", (int)c.running, "done", (json_int_t)c.done, "bytes_in", (json_int_t)c.bytes_in,
		"bytes_out", (json_int_t)c.bytes_out, "pid", (int)getpid());
}

static void listing_free(struct listing *l)
{
	json_decref(l->jobs);
	json_decref(l->counts);
	free(l);
}

static void listing_done(void *arg)
{
	struct listing *l = arg;
	if (l->err) {
		ctl_refuse(l->rq, l->err, l->why.text);
	} else if (l->is_status) {
		ctl_answer(l->rq, status_fields(l));
	} else {
		send_each(l->router, mark_waiting, l->jobs);
		if (is_decided_later(l))
			sift(l);
		ctl_answer(l->rq, json_pack("{s:O,s:O}", "jobs", l->jobs, "counts", l->counts));
	}
	listing_free(l);
}

static void start(struct router *r, struct ctl_request *rq, struct listing *l)
{
	if (l) {
		l->router = r;
		l->rq = rq;
		l->jobs = json_array();
		l->counts = json_array();
		memcpy(l->dir, r->conf->dir, sizeof(l->dir));
	}
	if (l && l->jobs && l->counts && !loop_work(r->loop, listing_work, listing_done, l))
		return;
	if (l)
		listing_free(l);
	ctl_refuse(rq, ERR_NOMEM, "no memory");
}

void queue_list(struct router *r, struct ctl_request *rq, const json_t *body)
{
	const char *state = json_string_value(json_object_get(body, "state")), *to = json_string_value(json_object_get(body, "to"));
	json_int_t limit = json_integer_value(json_object_get(body, "limit"));
	struct listing *l = calloc(1, sizeof(*l));
	if (l) {
		snprintf(l->state, sizeof(l->state), "%s", state ? state : "");
		snprintf(l->to, sizeof(l->to), "%s", to ? to : "");
		l->limit = limit <= 0 ? QUEUE_LIST_DEFAULT : limit > QUEUE_LIST_MAX ? QUEUE_LIST_MAX : (unsigned)limit;
	}
	start(r, rq, l);
}

void queue_status(struct router *r, struct ctl_request *rq)
{
	struct listing *l = calloc(1, sizeof(*l));
	if (l)
		l->is_status = true;
	start(r, rq, l);
}
