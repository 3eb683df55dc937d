#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "storescp/identifier.h"

/* C-FIND on patients, studies, series and images (PS3.4 C.4.1).
 *
 * A reader thread steps the query and hands encoded answers over; the loop thread sends them while the
 * connection has room.
 *
 *   reader   query_next -> push ............ push -> done
 *   loop               flush -> conn_send ... flush -> final response
 *
 * The readers are few and everybody's, so a caller that is slow to take its answers must not keep one:
 * BOUND_FIND_QUEUE of answers wait in memory, and only beyond that does the reader wait, and while it waits in
 * vain for STALL_S the association is aborted. One association has one query with the readers at a time, and
 * none while its connection is full; further ones wait for that in order.
 */
enum { ANSWER_MAX = 1 << 20, ANSWER_ARENA = 8 << 20, STALL_S = 10 };
/* Answers are handed over together: waking the loop for each would cost more than finding them. The first ones of a query
 * that ends soon go with its end; those of a long one wait as long as this, or as it takes to find a good packet of them. */
enum { GATHER_NS = 1000000, GATHER_BYTES = 32 << 10 };

struct answer {
	STAILQ_ENTRY(answer) link;
	uint16_t status;
	struct buf data;
};

struct find {
	struct operation op;                 /* first: an operation is a find */
	struct identifier identifier;
	uint64_t began_ns;
	unsigned sent;
	bool is_begun;                       /* a reader has it, or had */
	bool is_done;                        /* the reader has come back, or will not be asked */
	bool is_over;                        /* being freed */
	bool is_sending;                     /* within flush() or the final response: the end of the association may come inside */
	struct why why;                      /* the reader's until is_done, as err */
	enum err err;
	atomic_bool stop;                    /* cancelled or gone */
	bool is_cancelled;
	pthread_mutex_t lock;
	pthread_cond_t room;
	STAILQ_HEAD(, answer) answers;       /* under lock, as the three below */
	size_t queued;                       /* their bytes */
	unsigned long taken;                 /* answers taken since the start */
	bool is_flush_posted;
	uint64_t posted_ns;                  /* when it was last, or the query's begin */
};

static const struct operation_class find_class;
static void flush(struct find *f);

/* ---- reader thread ---- */
static void on_flush(void *arg);

/* Under lock. ERR_NOMEM. */
static enum err hand_over(struct find *f)
{
	uint64_t now = clock_mono_ns();

	if (f->is_flush_posted || !f->queued || (f->queued < GATHER_BYTES && now - f->posted_ns < GATHER_NS))
		return ERR_OK;
	f->posted_ns = now;
	f->is_flush_posted = loop_post(f->op.server->loop, on_flush, f) == ERR_OK;
	return f->is_flush_posted ? ERR_OK : ERR_NOMEM;
}

/* Asked often, also while nothing is found: what was found before then goes out. */
static bool should_stop(void *arg)
{
	struct find *f = arg;

	pthread_mutex_lock(&f->lock);
	enum err e = hand_over(f);
	pthread_mutex_unlock(&f->lock);
	return e || atomic_load(&f->stop);
}

static void on_flush(void *arg)
{
	struct find *f = arg;

	pthread_mutex_lock(&f->lock);
	f->is_flush_posted = false;
	pthread_mutex_unlock(&f->lock);
	flush(f);
}

/* ERR_TIMEOUT: the caller has not taken one answer for STALL_S. */
static enum err wait_for_room(struct find *f)
{
	unsigned long taken = f->taken;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STALL_S;
	while (f->queued >= BOUND_FIND_QUEUE && !atomic_load(&f->stop)) {
		if (pthread_cond_clockwait(&f->room, &f->lock, CLOCK_MONOTONIC, &until) != ETIMEDOUT)
			continue;
		if (f->taken == taken)
			return fail(&f->why, ERR_TIMEOUT, "the caller took no answer for %d s", STALL_S);
		taken = f->taken;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += STALL_S;
	}
	return atomic_load(&f->stop) ? ERR_CANCELLED : ERR_OK;
}

/* Takes the buffer's memory; waits for room. ERR_CANCELLED: nobody wants it any more. */
static enum err push(struct find *f, uint16_t status, struct buf *data)
{
	struct answer *a = malloc(sizeof(*a));

	if (!a)
		return fail(&f->why, ERR_NOMEM, "no memory for an answer");
	pthread_mutex_lock(&f->lock);
	enum err e = wait_for_room(f);
	if (!e) {
		a->status = status;
		a->data = *data;
		buf_init(data, 0);
		STAILQ_INSERT_TAIL(&f->answers, a, link);
		f->queued += sizeof(*a) + a->data.cap;
		a = NULL;
		e = hand_over(f);
	}
	pthread_mutex_unlock(&f->lock);
	free(a);
	return e;
}

static enum err one_answer(struct find *f, struct query *q, struct arena *a)
{
	struct dataset *answer;
	struct buf data;
	bool some_unsupported;
	enum err e = query_next(q, a, &answer, &some_unsupported, &f->why);

	if (e)
		return e;
	buf_init(&data, ANSWER_MAX);
	e = dataset_write(answer, f->identifier.encoding, &data);
	if (!e)
		e = push(f, some_unsupported ? STATUS_PENDING_WARNING : STATUS_PENDING, &data);
	buf_fini(&data);
	return e;
}

static void find_work(void *arg, struct index_reader *ix)
{
	struct find *f = arg;
	const struct query_options o = {
		.root = f->identifier.root, .extended = f->identifier.extended, .retrieve_aet = f->identifier.aet,
		.sender_charset = f->identifier.sender_charset, .answer_charset = f->identifier.answer_charset,
		.pinyin = f->identifier.pinyin, .should_stop = should_stop, .stop_arg = f,
	};
	struct query *q;

	f->err = query_open(ix, f->identifier.ds, &o, &q, &f->why);
	while (!f->err) {
		struct arena a;
		arena_init(&a, ANSWER_ARENA);
		f->err = one_answer(f, q, &a);
		arena_fini(&a);
	}
	query_close(&q);
}

/* ---- loop thread ---- */
static struct answer *pop(struct find *f)
{
	pthread_mutex_lock(&f->lock);
	struct answer *a = STAILQ_FIRST(&f->answers);
	if (a) {
		STAILQ_REMOVE_HEAD(&f->answers, link);
		f->queued -= sizeof(*a) + a->data.cap;
		f->taken++;
		pthread_cond_signal(&f->room);
	}
	pthread_mutex_unlock(&f->lock);
	return a;
}

static void answer_free(struct answer *a)
{
	buf_fini(&a->data);
	free(a);
}

static void begin_next(struct session *s);

static void find_free(struct find *f)
{
	f->is_over = true;
	if (f->op.session)
		begin_next(f->op.session);
	operation_end(&f->op);
	for (struct answer *a; (a = pop(f)); )
		answer_free(a);
	identifier_fini(&f->identifier);
	pthread_cond_destroy(&f->room);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static void send_answer(struct find *f, const struct answer *a)
{
	struct dimse rsp = dimse_response(&f->op.rq, a->status);

	rsp.has_data = true;
	enum err e = conn_send(f->op.session->conn, f->op.context_id, &rsp, buf_view(&a->data));
	if (e && e != ERR_CLOSED)
		conn_abort(f->op.session->conn, "a query answer could not be queued");
	f->sent++;
}

static void find_finish(struct find *f)
{
	struct session *s = f->op.session;
	uint16_t status = f->is_cancelled ? STATUS_CANCEL : f->err == ERR_END ? STATUS_SUCCESS : status_of_err(f->err);
	bool is_error = status != STATUS_SUCCESS && status != STATUS_CANCEL;

	f->is_sending = true;
	log_event(is_error ? LOG_WARN : LOG_INFO, "find", "assoc", log_num((long long)conn_id(s->conn)).s, "calling", s->calling,
	          "answers", log_num(f->sent).s, "ms", log_num((long long)((clock_mono_ns() - f->began_ns) / 1000000)).s,
	          "cancelled", f->is_cancelled ? "yes" : NULL, "why", is_error ? f->why.text : NULL, NULL);
	session_respond(s, f->op.context_id, &f->op.rq, status, is_error ? f->why.text : NULL);
	find_free(f);
}

static void send_ready(struct find *f)
{
	struct answer *a = NULL;

	f->is_sending = true;
	while (f->op.session && !atomic_load(&f->stop) && !conn_is_full(f->op.session->conn) && (a = pop(f))) {
		send_answer(f, a);
		answer_free(a);
	}
	f->is_sending = false;
	if (!f->is_done)
		return;
	if (!f->op.session)
		find_free(f);
	else if (f->is_cancelled || STAILQ_EMPTY(&f->answers))
		find_finish(f);
}

/* Sends what is ready while there is room; ends the operation when all is sent. Its memory may be gone then, that of
 * the conn only after this callback. */
static void flush(struct find *f)
{
	struct conn *c = f->op.session ? f->op.session->conn : NULL;

	if (f->is_sending)
		return;
	if (c)
		conn_cork(c);
	send_ready(f);
	if (c)
		conn_uncork(c);
}

/* The end of the association frees the find. */
static void give_caller_up(struct find *f)
{
	log_event(LOG_WARN, "find", "assoc", log_num((long long)conn_id(f->op.session->conn)).s, "calling", f->op.session->calling,
	          "answers", log_num(f->sent).s, "why", f->why.text, NULL);
	conn_abort(f->op.session->conn, f->why.text);
}

static void find_done(void *arg)
{
	struct find *f = arg;

	f->is_done = true;
	if (f->err == ERR_TIMEOUT && f->op.session)
		give_caller_up(f);
	else
		flush(f);
}

/* From readers_run() on *f is the reader's: its result may be there before this function ends. */
static void begin(struct find *f)
{
	f->is_begun = true;
	if (!readers_run(f->op.server->readers, find_work, find_done, f))
		return;
	f->err = fail(&f->why, ERR_LIMIT, "too many queries are waiting");
	if (loop_post(f->op.server->loop, find_done, f))
		f->is_begun = false;             /* no memory at all: tried again when the connection has room or another find ends */
}

/* The one to begin now: the oldest that waits, if no other is with the readers. The list has the newest first. */
static struct find *next_find(const struct session *s)
{
	const struct operation *op;
	struct find *oldest = NULL;

	LIST_FOREACH(op, &s->operations, link) {
		struct find *f = (struct find *)(uintptr_t)op;
		if (op->class != &find_class || f->is_over)
			continue;
		if (f->is_begun)
			return NULL;
		oldest = f->is_done ? oldest : f;
	}
	return oldest;
}

static void begin_next(struct session *s)
{
	struct find *f = next_find(s);

	if (f && !conn_is_full(s->conn))         /* when it is full, find_writable() is owed */
		begin(f);
}

static void stop(struct find *f)
{
	pthread_mutex_lock(&f->lock);
	atomic_store(&f->stop, true);
	pthread_cond_signal(&f->room);
	pthread_mutex_unlock(&f->lock);
	if (!f->is_begun)
		f->is_done = true;
	if (f->is_done)
		flush(f);
}

static void find_cancel(struct operation *op)
{
	struct find *f = (struct find *)op;

	f->is_cancelled = true;
	stop(f);
}

static void find_gone(struct operation *op)
{
	stop((struct find *)op);
}

static void find_writable(struct operation *op)
{
	struct find *f = (struct find *)op;

	if (f->is_begun)
		flush(f);
	else if (next_find(op->session) == f)
		begin(f);
}

static const struct operation_class find_class = {
	.name = "C-FIND", .cancel = find_cancel, .writable = find_writable, .gone = find_gone,
};

static void find_start(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data)
{
	struct find *f = calloc(1, sizeof(*f));
	struct why why = { "no memory for a query" };

	if (!f) {
		session_respond(s, context_id, rq, STATUS_OUT_OF_RESOURCES, why.text);
		return;
	}
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->room, NULL);
	STAILQ_INIT(&f->answers);
	f->began_ns = f->posted_ns = clock_mono_ns();
	operation_begin(&f->op, &find_class, s, context_id, rq);
	f->err = identifier_read(&f->identifier, s, context_id, data, &f->why);
	if (!f->err) {
		begin_next(s);
		return;
	}
	f->is_done = true;
	find_finish(f);
}

const struct service service_find = { .field = DIMSE_C_FIND_RQ, .start = find_start };
