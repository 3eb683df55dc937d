#include "pacs/send/send.h"

#include <stdio.h>
#include <stdlib.h>

#include "pacs/send/item.h"

static void pump(struct sender *s);
static void prepare_as_stored(struct item *it);

/* ---- preparing ---- */
static void on_source(void *arg, enum err e, const struct why *why)
{
	struct item *it = arg;
	struct sender *s = it->sender;

	it->is_busy = false;
	if (it->is_done) {
		item_free(it);
		return;
	}
	s->refs++;
	if (e == ERR_UNSUPPORTED && it->state == PREPARING && it->is_wish) {
		prepare_as_stored(it);
	} else if (e && it->state == STREAMING) {
		item_break_off(it, e, why->text);
	} else if (e) {
		item_fail(it, e, why->text);
	} else if (it->state == PREPARING) {
		item_enter(it, READY);
	}
	pump(s);
	sender_unref(s);
}

/* The stored syntax if the peer takes it; else what the transcoder can make. */
static const struct assoc_context *choose_context(const struct sender *s, const struct send_object *o)
{
	static const char *const targets[] = { TS_EXPLICIT_LE, TS_IMPLICIT_LE, TS_J2K_LOSSLESS };
	const struct assoc_context *pc = conn_find_context(s->conn, o->sop_class.s, o->ts.s);

	for (size_t i = 0; !pc && s->xcode && i < NELEM(targets); i++)
		pc = conn_find_context(s->conn, o->sop_class.s, targets[i]);
	return pc;
}

static void no_context(struct item *it)
{
	const struct send_object *o = &it->object;
	bool is_class = conn_find_context(it->sender->conn, o->sop_class.s, NULL);
	char text[sizeof(it->result.comment)];

	snprintf(text, sizeof(text), "no accepted presentation context for %s%s%s", uid_name(o->sop_class.s),
	         is_class ? " that fits an object stored as " : "", is_class ? uid_name(o->ts.s) : "");
	item_fail(it, ERR_UNSUPPORTED, text);
}

const struct ts *send_wished(const struct recipe *wish, const struct ts *stored)
{
	if (!wish->ts || !stored || stored->lossy != TS_REVERSIBLE || !strcmp(wish->ts->uid, stored->uid))
		return NULL;
	return wish->ts;
}

static void prepare_in(struct item *it, const struct assoc_context *pc, unsigned level)
{
	it->context_id = pc->id;
	it->result.ts = pc->ts;
	it->source.to = strcmp(pc->ts->uid, it->object.ts.s) ? pc->ts : NULL;
	it->source.level = level;
	/* A line that is kept slow gets small chunks at even times. */
	it->source.by_file = !it->sender->wait_ms && conn_takes_files(it->sender->conn);
	it->is_busy = true;
	if (it->state != PREPARING)
		item_enter(it, PREPARING);
	source_start(&it->source);
}

/* What was wished cannot be: an image of a kind that the codec does not take, or no image. */
static void prepare_as_stored(struct item *it)
{
	const struct assoc_context *pc = choose_context(it->sender, &it->object);

	it->is_wish = false;
	source_close(&it->source);
	source_init(&it->source, it->object.dataset_at, it->object.size);
	if (pc)
		prepare_in(it, pc, 0);
	else
		no_context(it);
}

static void prepare(struct item *it)
{
	struct sender *s = it->sender;
	const struct ts *wish = s->xcode ? send_wished(&s->wish, ts_find(it->object.ts.s)) : NULL;
	const struct assoc_context *pc = wish ? conn_find_context(s->conn, it->object.sop_class.s, wish->uid) : NULL;

	if (!pc) {
		prepare_as_stored(it);
		return;
	}
	it->is_wish = true;
	prepare_in(it, pc, s->wish.level);
}

/* ---- streaming ---- */
static void begin(struct item *it)
{
	struct sender *s = it->sender;
	const struct send_object *o = &it->object;
	struct dimse cmd = {
		.field = DIMSE_C_STORE_RQ, .message_id = conn_next_message_id(s->conn), .has_data = true, .priority = o->priority,
		.sop_class = o->sop_class, .sop_instance = it->source.sop_instance.s[0] ? it->source.sop_instance : o->sop_instance,
	};

	it->result.sop_instance = cmd.sop_instance;

	if (o->move_originator[0]) {
		cmd.present |= DIMSE_HAS_MOVE_ORIGINATOR;
		memcpy(cmd.move_originator, o->move_originator, sizeof(cmd.move_originator));
		cmd.move_originator_id = o->move_originator_id;
	}
	it->message_id = cmd.message_id;
	enum err e = conn_send_begin(s->conn, it->context_id, &cmd);
	if (e)
		item_fail(it, e, "the association takes no more messages");
	else
		item_enter(it, STREAMING);
}

static void streamed(struct item *it)
{
	source_close(&it->source);
	if (it->is_answered)
		item_finish(it);
	else
		item_enter(it, ANSWERING);
}

static bool must_wait(struct sender *s, size_t bytes)
{
	unsigned ms = s->wait_ms ? s->wait_ms(s->wait_arg, bytes) : 0;

	if (ms) {
		s->is_waiting = true;
		loop_timer_start(s->timer, ms, 0);
	}
	return ms != 0;
}

static void read_on(struct item *it)
{
	source_taken(&it->source);
	it->is_busy = true;
	source_read(&it->source);
}

/* The pool looks at the next chunk while this one leaves. */
static enum err push_file(struct item *it, int fd, uint64_t at, bool is_last)
{
	struct sender *s = it->sender;
	struct conn *c = s->conn;

	conn_cork(c);
	enum err e = conn_send_file(c, fd, at, source_len(&it->source), is_last);
	if (!e && !is_last)
		read_on(it);
	conn_uncork(c);
	return e;
}

static enum err push_bytes(struct item *it, bool is_last)
{
	enum err e = conn_send_piece(it->sender->conn, source_view(&it->source), is_last);

	if (!e && !is_last)
		read_on(it);
	return e;
}

/* One piece of the open message; false: it cannot go on now. */
static bool push(struct item *it)
{
	struct sender *s = it->sender;
	uint64_t at;
	int fd;

	/* A busy source belongs to the pool's thread; a piece that is being handed over is not to be handed over again, should the conn
	 * say meanwhile that it has room. */
	if (it->is_busy || s->is_pushing || conn_is_full(s->conn) || s->is_waiting)
		return false;
	size_t len = source_len(&it->source);
	bool is_last = source_is_last(&it->source), in_file = source_in_file(&it->source, &fd, &at);
	if ((in_file && !conn_has_file_room(s->conn)) || must_wait(s, len))
		return false;
	s->is_pushing = true;
	enum err e = in_file ? push_file(it, fd, at, is_last) : push_bytes(it, is_last);
	s->is_pushing = false;
	if (e == ERR_UNSUPPORTED) {
		source_as_bytes(&it->source);
		it->is_busy = true;
		source_read(&it->source);
		return false;
	}
	if (e) {
		item_fail(it, e, "the association ended while the object was sent");
		return false;
	}
	it->result.bytes += len;
	if (is_last)
		streamed(it);
	return is_last;
}

static struct item *first_in(const struct sender *s, enum item_state state)
{
	struct item *it;

	TAILQ_FOREACH(it, &s->items, link)
		if (it->state == state)
			return it;
	return NULL;
}

/* One thing that can be done now; false: nothing. The conn may be gone after it. */
static bool step(struct sender *s)
{
	struct item *it;

	if (s->prepared < SEND_AHEAD && (it = first_in(s, QUEUED))) {
		prepare(it);
		return true;
	}
	if (s->streaming)
		return push(s->streaming);
	if (s->in_flight < conn_max_invoked(s->conn) && (it = first_in(s, READY))) {
		begin(it);
		return true;
	}
	return false;
}

static void pump(struct sender *s)
{
	s->refs++;
	while (s->conn && conn_is_open(s->conn) && step(s))
		;
	sender_unref(s);
}

static void on_timer(void *arg)
{
	struct sender *s = arg;

	s->is_waiting = false;
	pump(s);
}

/* ---- the room ---- */
enum err sender_new(struct loop *l, struct conn *c, const struct send_options *o, struct sender **out)
{
	struct sender *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return ERR_NOMEM;
	s->loop = l;
	s->conn = c;
	s->xcode = o->xcode;
	s->wish = o->wish;
	s->wait_ms = o->wait_ms;
	s->wait_arg = o->arg;
	s->refs = 1;
	TAILQ_INIT(&s->items);
	s->dir = strdup(o->dir);
	if (!s->dir || (s->wait_ms && loop_timer_new(l, on_timer, s, &s->timer))) {
		sender_unref(s);
		return ERR_NOMEM;
	}
	*out = s;
	return ERR_OK;
}

/* No object is left open afterwards. */
static void finish_all(struct sender *s, enum err e, const char *text)
{
	struct item *it;

	s->conn = NULL;
	while ((it = TAILQ_FIRST(&s->items)))
		item_fail(it, e, text);
}

void sender_free(struct sender **sp)
{
	struct sender *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	if (s->streaming && s->conn)
		conn_abort(s->conn, "sending was given up within an object");
	if (s->timer)
		loop_timer_stop(s->timer);
	finish_all(s, ERR_CANCELLED, "sending was given up");
	sender_unref(s);
}

static struct item *first_waiting(const struct sender *s)
{
	struct item *it;

	TAILQ_FOREACH(it, &s->items, link)
		if (it->state < STREAMING)
			return it;
	return NULL;
}

void sender_cancel(struct sender *s)
{
	struct item *it;

	s->refs++;
	while ((it = first_waiting(s)))
		item_fail(it, ERR_CANCELLED, "cancelled");
	sender_unref(s);
}

void sender_closed(struct sender *s)
{
	s->refs++;
	finish_all(s, ERR_CLOSED, "the association ended");
	sender_unref(s);
}

void sender_writable(struct sender *s)
{
	pump(s);
}

bool sender_has_room(const struct sender *s)
{
	return s->conn && s->open < conn_max_invoked(s->conn) + SEND_AHEAD;
}

unsigned sender_open_count(const struct sender *s)
{
	return s->open;
}

/* The first preparation is started by the loop, not here: it may fail at once, and done() must not
 * come while the caller still stands in sender_send(). */
static void on_given(void *arg)
{
	struct sender *s = arg;

	pump(s);
	sender_unref(s);
}

enum err sender_send(struct sender *s, const struct send_object *o, void (*done)(void *arg, const struct send_result *r), void *arg)
{
	if (!s->conn || !conn_is_open(s->conn))
		return ERR_CLOSED;
	if (!sender_has_room(s))
		return ERR_BUSY;
	struct item *it = calloc(1, sizeof(*it));
	if (!it)
		return ERR_NOMEM;
	if (loop_post(s->loop, on_given, s)) {
		free(it);
		return ERR_NOMEM;
	}
	s->refs += 2;    /* the item's and on_given()'s */
	it->sender = s;
	it->object = *o;
	it->done = done;
	it->arg = arg;
	it->source = (struct source){ .loop = s->loop, .dir = s->dir, .xcode = s->xcode, .oid = o->oid, .changed = o->changed, .ts = ts_find(o->ts.s), .done = on_source, .arg = it };
	source_init(&it->source, o->dataset_at, o->size);
	TAILQ_INSERT_TAIL(&s->items, it, link);
	s->open++;
	return ERR_OK;
}

bool sender_response(struct sender *s, const struct dimse *rsp)
{
	struct item *it;

	if (rsp->field != DIMSE_C_STORE_RSP)
		return false;
	TAILQ_FOREACH(it, &s->items, link)
		if ((it->state == STREAMING || it->state == ANSWERING) && it->message_id == rsp->message_id && !it->is_answered)
			break;
	if (!it)
		return false;
	it->is_answered = true;
	it->result.status = rsp->status;
	snprintf(it->result.comment, sizeof(it->result.comment), "%s", rsp->error_comment);
	/* A refusal may come before the last piece went out; the message must still be ended. */
	if (it->state == ANSWERING) {
		s->refs++;
		item_finish(it);
		pump(s);
		sender_unref(s);
	}
	return true;
}
