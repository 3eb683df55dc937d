#include "viewer-cli/client.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

enum { QUEUE_HIGH = 8 << 20, QUEUE_LOW = 2 << 20, IDLE_MS = 120000, LOOK_MS = 250 };

struct event {
	STAILQ_ENTRY(event) link;
	struct client_event ev;
	uint8_t bytes[];                 /* what ev.data lends */
};

struct client {
	struct loop *loop;
	pthread_t thread;
	/* loop thread only */
	struct conn *conn;               /* NULL once closed */
	bool is_paused;
	/* under lock */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	STAILQ_HEAD(, event) events;
	size_t queued;
	bool is_open, is_closed, is_full;
	enum conn_end how;
	struct why end;
	/* set before is_open, then read by all */
	struct assoc_context contexts[BOUND_CONTEXTS];
	unsigned context_count;
	/* caller only */
	struct event *lent;
	uint16_t last_id;
	bool in_answer;                  /* a request has no last response yet */
	const atomic_bool *cancel;
};

/* ---- waiting, in the caller ---- */

static bool is_cancelled(const struct client *c)
{
	return c->cancel && atomic_load(c->cancel);
}

/* Under lock. Nobody signals a cancel: it is looked for now and then. */
static void wait_a_while(struct client *c)
{
	struct timespec until;
	if (!c->cancel) {
		pthread_cond_wait(&c->wake, &c->lock);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LOOK_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_cond_timedwait(&c->wake, &c->lock, &until);
}

/* ---- on the loop thread ---- */

static void push(struct client *c, const struct client_event *ev)
{
	struct event *e = malloc(sizeof(*e) + ev->data.len);

	if (!e) {
		conn_abort(c->conn, "no memory");
		return;
	}
	e->ev = *ev;
	if (ev->data.len)
		memcpy(e->bytes, ev->data.p, ev->data.len);
	e->ev.data = bytes_of(e->bytes, ev->data.len);
	pthread_mutex_lock(&c->lock);
	STAILQ_INSERT_TAIL(&c->events, e, link);
	c->queued += sizeof(*e) + ev->data.len;
	c->is_full = c->queued > QUEUE_HIGH;
	bool full = c->is_full;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	if (full && !c->is_paused) {
		c->is_paused = true;
		conn_pause(c->conn);
	}
}

static void on_open(void *user, struct conn *conn)
{
	struct client *c = user;
	unsigned n;
	const struct assoc_context *pc = conn_contexts(conn, &n);

	pthread_mutex_lock(&c->lock);
	c->context_count = n < BOUND_CONTEXTS ? n : BOUND_CONTEXTS;
	memcpy(c->contexts, pc, c->context_count * sizeof(*pc));
	c->is_open = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
}

static void on_command(void *user, struct conn *conn, uint8_t context_id, const struct dimse *cmd)
{
	(void)conn;
	push(user, &(struct client_event){ .kind = CLIENT_COMMAND, .context_id = context_id, .cmd = *cmd });
}

static void on_data(void *user, struct conn *conn, uint8_t context_id, struct bytes piece, bool is_last)
{
	(void)conn;
	push(user, &(struct client_event){ .kind = CLIENT_DATA, .context_id = context_id, .data = piece, .is_last = is_last });
}

static void closed(struct client *c, enum conn_end how, const char *words)
{
	c->conn = NULL;
	pthread_mutex_lock(&c->lock);
	c->is_closed = true;
	c->how = how;
	fail(&c->end, ERR_CLOSED, "%s", words);
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
}

static void on_closed(void *user, struct conn *conn, enum conn_end how, const char *detail, uint8_t rj_result, uint8_t rj_source, uint8_t rj_reason)
{
	static const struct { uint8_t source, reason; const char *words; } reasons[] = {
		{ 1, 3, "it does not know our AE title (--calling); there, `pacs node pending` shows it" },
		{ 1, 7, "it has another AE title (--called)" },
		{ 1, 2, "it does not speak DICOM's application context" },
		{ 3, 1, "it is busy; try again" },
		{ 3, 2, "it has as many associations as it takes; try again" },
	};
	char words[256];

	(void)conn;
	(void)rj_result;
	snprintf(words, sizeof(words), "%s: %s", conn_end_name(how), detail ? detail : "");
	for (size_t i = 0; how == CONN_REJECTED && i < NELEM(reasons); i++)
		if (reasons[i].source == rj_source && reasons[i].reason == rj_reason)
			snprintf(words, sizeof(words), "the node refuses the association: %s", reasons[i].words);
	closed(user, how, words);
}

static enum err begin(struct client *c, const struct client_peer *peer, const struct assoc_request *rq, struct why *why)
{
	static const struct conn_handlers handlers = { .on_open = on_open, .on_command = on_command, .on_data = on_data, .on_closed = on_closed };
	static const struct conn_timeouts timeouts = { .idle_ms = IDLE_MS };

	return conn_connect(c->loop, peer->host, peer->port, rq, &handlers, c, &timeouts, &c->conn, why);
}

static void *run(void *arg)
{
	struct client *c = arg;

	loop_run(c->loop);
	return NULL;
}

struct send {
	struct client *c;
	uint8_t context_id;
	struct dimse cmd;
	size_t len;
	uint8_t data[];
};

static void do_send(void *arg)
{
	struct send *s = arg;

	if (s->c->conn && conn_send(s->c->conn, s->context_id, &s->cmd, bytes_of(s->data, s->len)))
		conn_abort(s->c->conn, "a request could not be queued");
	free(s);
}

static void do_resume(void *arg)
{
	struct client *c = arg;

	if (c->conn && c->is_paused) {
		c->is_paused = false;
		conn_resume(c->conn);
	}
}

static void do_release(void *arg)
{
	struct client *c = arg;

	if (c->conn)
		conn_release(c->conn);
}

static void do_abort(void *arg)
{
	struct client *c = arg;

	if (c->conn)
		conn_abort(c->conn, "given up");
}

/* ---- the caller's side ---- */

static void client_free(struct client *c)
{
	for (struct event *e; (e = STAILQ_FIRST(&c->events)); ) {
		STAILQ_REMOVE_HEAD(&c->events, link);
		free(e);
	}
	free(c->lent);
	loop_free(&c->loop);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static enum err start(struct client *c, const struct client_peer *peer, const struct assoc_request *rq, struct why *why)
{
	/* The loop belongs to this thread until its own one runs. */
	enum err e = begin(c, peer, rq, why);
	if (e)
		return e;
	if ((errno = pthread_create(&c->thread, NULL, run, c))) {
		fail_errno(why, ERR_NOMEM, "no thread for a connection");
		conn_abort(c->conn, "no thread");
		loop_run(c->loop);
		return ERR_NOMEM;
	}
	pthread_mutex_lock(&c->lock);
	while (!c->is_open && !c->is_closed && !is_cancelled(c))
		wait_a_while(c);
	bool open = c->is_open, given_up = !open && !c->is_closed;
	pthread_mutex_unlock(&c->lock);
	if (open)
		return ERR_OK;
	/* Without memory for the post the connection's own timer ends it. */
	if (given_up && loop_post(c->loop, do_abort, c))
		given_up = true;
	pthread_join(c->thread, NULL);
	if (given_up)
		return fail(why, ERR_CANCELLED, "given up");
	return fail(why, ERR_CLOSED, "%s at %s:%u: %s", peer->called, peer->host, peer->port, c->end.text);
}

enum err client_open(const struct client_peer *peer, const struct assoc_request *rq, struct client **out, struct why *why)
{
	struct client *c = calloc(1, sizeof(*c));
	struct assoc_request full = *rq;

	if (!c)
		return fail(why, ERR_NOMEM, "no memory for a connection");
	c->cancel = peer->cancel;
	STAILQ_INIT(&c->events);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	snprintf(full.called, sizeof(full.called), "%s", peer->called);
	snprintf(full.calling, sizeof(full.calling), "%s", peer->calling);
	full.application_context = UID_APPLICATION_CONTEXT;
	full.max_pdu = BOUND_PDU_OURS;
	full.max_invoked = full.max_performed = 1;
	full.implementation_class = IMPLEMENTATION_CLASS_UID;
	full.implementation_version = IMPLEMENTATION_VERSION;
	enum err e = loop_new(&c->loop);
	if (!e)
		e = start(c, peer, &full, why);
	if (e)
		client_free(c);
	else
		*out = c;
	return e;
}

void client_close(struct client **cp)
{
	struct client *c = *cp;

	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	bool is_closed = c->is_closed;
	pthread_mutex_unlock(&c->lock);
	/* Without memory for the post the idle timer ends it. */
	if (!is_closed && (loop_post(c->loop, c->in_answer ? do_abort : do_release, c) || loop_post(c->loop, do_resume, c)))
		fprintf(stderr, "viewer-cli: no memory to end the association; waiting\n");
	pthread_join(c->thread, NULL);
	client_free(c);
	*cp = NULL;
}

const struct assoc_context *client_context(const struct client *c, const char *abstract_syntax)
{
	for (unsigned i = 0; i < c->context_count; i++)
		if (c->contexts[i].result == CONTEXT_ACCEPTED && strcmp(c->contexts[i].abstract_syntax.s, abstract_syntax) == 0)
			return &c->contexts[i];
	return NULL;
}

const struct assoc_context *client_context_by_id(const struct client *c, uint8_t id)
{
	for (unsigned i = 0; i < c->context_count; i++)
		if (c->contexts[i].result == CONTEXT_ACCEPTED && c->contexts[i].id == id)
			return &c->contexts[i];
	return NULL;
}

enum err client_next(struct client *c, struct client_event *out, struct why *why)
{
	bool resume = false;

	free(c->lent);
	c->lent = NULL;
	pthread_mutex_lock(&c->lock);
	while (STAILQ_EMPTY(&c->events) && !c->is_closed && !is_cancelled(c))
		wait_a_while(c);
	bool given_up = is_cancelled(c);
	struct event *e = given_up ? NULL : STAILQ_FIRST(&c->events);
	if (e) {
		STAILQ_REMOVE_HEAD(&c->events, link);
		c->queued -= sizeof(*e) + e->ev.data.len;
		resume = c->is_full && c->queued < QUEUE_LOW;
		c->is_full = c->is_full && !resume;
	}
	pthread_mutex_unlock(&c->lock);
	if (given_up)
		return fail(why, ERR_CANCELLED, "given up");
	if (!e)
		return fail(why, ERR_CLOSED, "%s", c->end.text);
	c->lent = e;
	*out = e->ev;
	if (out->kind == CLIENT_COMMAND && DIMSE_IS_RSP(out->cmd.field))
		c->in_answer = dimse_status_is_pending(out->cmd.status);
	if (resume && loop_post(c->loop, do_resume, c))
		return fail(why, ERR_NOMEM, "no memory");
	return ERR_OK;
}

uint16_t client_message_id(struct client *c)
{
	if (++c->last_id == 0)
		c->last_id = 1;
	return c->last_id;
}

enum err client_send(struct client *c, uint8_t context_id, const struct dimse *cmd, struct bytes data, struct why *why)
{
	struct send *s = malloc(sizeof(*s) + data.len);

	if (!s)
		return fail(why, ERR_NOMEM, "no memory for a request");
	s->c = c;
	s->context_id = context_id;
	s->cmd = *cmd;
	s->len = data.len;
	if (data.len)
		memcpy(s->data, data.p, data.len);
	if (loop_post(c->loop, do_send, s)) {
		free(s);
		return fail(why, ERR_NOMEM, "no memory for a request");
	}
	if (!DIMSE_IS_RSP(cmd->field))
		c->in_answer = true;
	return ERR_OK;
}
