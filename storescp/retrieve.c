#include "storescp/retrieve.h"

#include <stdio.h>
#include <stdlib.h>

#include "pacs/base/clock.h"
#include "storescp/retrieve_report.h"
#include "storescp/retrieve_select.h"

enum { CANNOT_COUNT = 0xA701 };  /* PS3.4 C.4.2.1.5: out of resources to calculate the number of matches */

static void pump(struct retrieve *r);

void retrieve_enter(struct retrieve *r)
{
	r->depth++;
}

void retrieve_leave(struct retrieve *r)
{
	if (--r->depth || !r->has_ended || r->is_told)
		return;
	r->is_told = true;
	r->class->ended(r);
}

/* ---- the next batch ---- */
static void batch_done(void *arg)
{
	struct retrieve *r = arg;

	retrieve_enter(r);
	r->is_reading = false;
	pump(r);
	retrieve_leave(r);
}

static void take_missed(struct retrieve *r)
{
	struct picks empty = r->retries;

	if (r->retries.count)
		return;
	r->retries = r->missed;
	r->missed = empty;
}

static bool has_more(const struct retrieve *r)
{
	return r->next < r->picks.count || r->retries.count || r->missed.count;
}

static void read_batch(struct retrieve *r)
{
	take_missed(r);
	r->batch_at = r->batch_count = 0;
	r->is_reading = true;
	if (!readers_run(r->op.server->readers, retrieve_batch_work, batch_done, r))
		return;
	/* The line of readers is full, which its bound makes unreachable but for lack of memory. */
	r->is_reading = false;
	r->is_dead = true;
	r->failed += r->picks.count - r->next + r->retries.count + r->missed.count;
	r->next = r->picks.count;
	r->retries.count = r->missed.count = 0;
}

/* ---- sub-operations ---- */
struct sub {
	struct retrieve *r;
	struct pick pick;
	struct uid sop_instance;
};

static void count_failed(struct retrieve *r, const char *sop_uid, const char *comment)
{
	r->failed++;
	if (!r->comment[0] && comment)
		snprintf(r->comment, sizeof(r->comment), "%s", comment);
	if (*sop_uid && r->failed_uids.len + 1 + strlen(sop_uid) <= BOUND_FAILED_UIDS)
		buf_printf(&r->failed_uids, "%s%s", r->failed_uids.len ? "\\" : "", sop_uid);
}

/* The compression of an instance puts another file in its place and removes the old one: look where it is now. */
static bool may_retry(struct retrieve *r, const struct sub *sub, const struct send_result *res)
{
	struct pick again = sub->pick;

	again.is_retry = true;
	return res->err == ERR_NOT_FOUND && !sub->pick.is_retry && picks_add(&r->missed, again, BOUND_RETRIEVE);
}

static void on_sent(void *arg, const struct send_result *res)
{
	struct sub *sub = arg;
	struct retrieve *r = sub->r;

	retrieve_enter(r);
	r->in_flight--;
	r->bytes += res->bytes;
	if (!res->err && res->status == STATUS_SUCCESS)
		r->completed++;
	else if (!res->err && dimse_status_is_done(res->status))
		r->warning++;
	else if (res->err != ERR_CANCELLED && !may_retry(r, sub, res))
		count_failed(r, sub->sop_instance.s, res->comment);
	free(sub);
	retrieve_news(r);
	pump(r);
	retrieve_leave(r);
}

static void send_one(struct retrieve *r, const struct index_instance *i, struct pick pick)
{
	struct sub *sub = malloc(sizeof(*sub));
	struct send_object o = {
		.oid = i->oid, .changed = i->change ? i->instance : 0, .size = i->size, .dataset_at = i->dataset_at, .sop_class = i->sop_class,
		.sop_instance = i->sop_uid, .ts = i->ts, .priority = r->op.rq.priority, .move_originator_id = r->op.rq.message_id,
	};

	if (!sub) {
		count_failed(r, i->sop_uid.s, "no memory");
		return;
	}
	*sub = (struct sub){ r, pick, i->sop_uid };
	memcpy(o.move_originator, r->originator, sizeof(o.move_originator));
	enum err e = sender_send(r->sender, &o, on_sent, sub);
	if (!e) {
		r->in_flight++;
		return;
	}
	free(sub);
	count_failed(r, i->sop_uid.s, err_name(e));
}

/* ERR_BUSY: no room now. */
static enum err give_batch(struct retrieve *r)
{
	while (r->batch_at < r->batch_count) {
		bool can_send = !r->is_dead && !r->batch[r->batch_at].err;
		if (can_send && !sender_has_room(r->sender))
			return ERR_BUSY;
		unsigned n = r->batch_at++;
		if (can_send)
			send_one(r, &r->batch[n].what, r->batch[n].pick);
		else
			count_failed(r, r->batch[n].err ? "" : r->batch[n].what.sop_uid.s, NULL);
	}
	return ERR_OK;
}

static void end(struct retrieve *r)
{
	if (r->has_ended)
		return;
	r->has_ended = true;
	sender_free(&r->sender);
	loop_timer_stop(r->timer);
	r->class->close(r);
	retrieve_respond_final(r);
}

static void next_pass(struct retrieve *r)
{
	sender_free(&r->sender);
	if (r->pass_to >= r->kind_count || r->is_cancelled) {
		end(r);
		return;
	}
	r->pass_from = r->pass_to;
	r->next = 0;
	if (!r->is_dead) {
		r->class->close(r);
		r->class->open(r);
		return;
	}
	r->pass_to = r->kind_count;
	pump(r);
}

static void pump(struct retrieve *r)
{
	if (r->has_ended || r->is_reading || (!r->sender && !r->is_dead))
		return;
	if (r->op.server->stopping)
		r->is_dead = true;
	while (!r->is_cancelled) {
		if (give_batch(r) == ERR_BUSY)
			return;
		if (!has_more(r))
			break;
		read_batch(r);
		if (r->is_reading)
			return;
	}
	if (!r->in_flight)
		next_pass(r);
}

void retrieve_opened(struct retrieve *r, struct conn *c, size_t pass_to)
{
	const struct send_options o = { .dir = r->conf->dir, .xcode = r->op.server->xcode };

	if (r->has_ended)
		return;
	retrieve_enter(r);
	r->pass_to = pass_to;
	if (sender_new(r->op.server->loop, c, &o, &r->sender))
		retrieve_unreachable(r, "no memory to send");
	else
		pump(r);
	retrieve_leave(r);
}

void retrieve_unreachable(struct retrieve *r, const char *why)
{
	if (r->has_ended)
		return;
	retrieve_enter(r);
	if (!r->comment[0])
		snprintf(r->comment, sizeof(r->comment), "%s", why);
	r->is_dead = true;
	if (!r->sender && r->pass_to <= r->pass_from)
		r->pass_to = r->kind_count;
	if (r->sender)
		sender_closed(r->sender);
	pump(r);
	retrieve_leave(r);
}

/* ---- the operation ---- */
static void on_timer(void *arg)
{
	struct retrieve *r = arg;

	retrieve_enter(r);
	retrieve_tick(r);
	retrieve_leave(r);
}

static void refuse(struct retrieve *r, uint16_t status)
{
	r->has_ended = true;
	retrieve_respond_refusal(r, status, r->why.text);
}

static void select_done(void *arg)
{
	struct retrieve *r = arg;

	retrieve_enter(r);
	r->is_reading = false;
	r->is_selected = true;
	if (r->err)
		refuse(r, r->err == ERR_LIMIT ? CANNOT_COUNT : status_of_err(r->err));
	else if (!r->picks.count || r->is_cancelled || !r->op.session)
		end(r);
	else
		r->class->open(r);
	retrieve_leave(r);
}

void retrieve_start(struct retrieve *r, const struct retrieve_class *class, struct session *s, uint8_t context_id,
                    const struct dimse *rq, struct bytes data)
{
	r->class = class;
	r->conf = conf_ref(s->server->conf);
	r->began_ns = r->pending_ns = clock_mono_ns();
	buf_init(&r->failed_uids, BOUND_FAILED_UIDS + 1);
	retrieve_enter(r);
	operation_begin(&r->op, &retrieve_operation, s, context_id, rq);
	enum err e = identifier_read(&r->identifier, s, context_id, data, &r->why);
	if (!e)
		e = loop_timer_new(s->server->loop, on_timer, r, &r->timer);
	if (!e) {
		/* err, why and the picks are the reader's from here on, is_reading stays the loop's. */
		r->is_reading = true;
		loop_timer_start(r->timer, RETRIEVE_TICK_MS, RETRIEVE_TICK_MS);
		e = readers_run(s->server->readers, retrieve_select_work, select_done, r);
	}
	if (e) {
		r->is_reading = false;
		r->err = e;
		refuse(r, status_of_err(e));
	}
	retrieve_leave(r);
}

void retrieve_fini(struct retrieve *r)
{
	operation_end(&r->op);
	if (r->timer)
		loop_timer_free(&r->timer);
	identifier_fini(&r->identifier);
	buf_fini(&r->failed_uids);
	free(r->picks.p);
	free(r->retries.p);
	free(r->missed.p);
	free(r->kinds);
	conf_unref(&r->conf);
}

/* Nothing more is begun; what is on the wire goes on to its answer. */
static void give_up(struct retrieve *r)
{
	retrieve_enter(r);
	r->is_cancelled = true;
	if (r->sender)
		sender_cancel(r->sender);
	if (!r->sender && r->is_selected && !r->is_reading)
		end(r);
	pump(r);
	retrieve_leave(r);
}

static void retrieve_cancel(struct operation *op)
{
	give_up((struct retrieve *)op);
}

static void retrieve_gone(struct operation *op)
{
	struct retrieve *r = (struct retrieve *)op;

	retrieve_enter(r);
	r->is_cancelled = true;
	if (r->sender && r->class->is_same_association)
		sender_closed(r->sender);
	give_up(r);
	retrieve_leave(r);
}

static bool retrieve_response(struct operation *op, const struct dimse *rsp)
{
	struct retrieve *r = (struct retrieve *)op;

	return r->sender && r->class->is_same_association && sender_response(r->sender, rsp);
}

static void retrieve_writable(struct operation *op)
{
	struct retrieve *r = (struct retrieve *)op;

	if (r->sender && r->class->is_same_association)
		sender_writable(r->sender);
}

const struct operation_class retrieve_operation = {
	.name = "retrieve", .cancel = retrieve_cancel, .writable = retrieve_writable, .response = retrieve_response, .gone = retrieve_gone,
};
