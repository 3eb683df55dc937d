#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "storescp/identifier.h"

/* C-FIND on patients, studies, series and images (PS3.4 C.4.1).
 *
 * A reader thread steps the query and hands encoded answers over; the loop thread sends them while the
 * connection has room. The hand-over holds AHEAD answers; then the reader waits.
 *
 *   reader   query_next -> push ............ push -> done
 *   loop               flush -> conn_send ... flush -> final response
 */
enum { AHEAD = 32, ANSWER_MAX = 1 << 20, ANSWER_ARENA = 8 << 20 };

struct answer {
	uint16_t status;
	struct buf data;
};

struct find {
	struct operation op;                 /* first: an operation is a find */
	struct identifier identifier;
	uint64_t began_ns;
	unsigned sent;
	bool is_done;                        /* the reader has come back */
	bool is_sending;                     /* within flush() or the final response: the end of the association may come inside */
	struct why why;                      /* the reader's until is_done, as err */
	enum err err;
	atomic_bool stop;                    /* cancelled or gone */
	bool is_cancelled;
	pthread_mutex_t lock;
	pthread_cond_t room;
	struct answer ring[AHEAD];           /* under lock, as the three below */
	unsigned first, count;
	bool is_flush_posted;
};

/* ---- reader thread ---- */
static bool should_stop(void *arg)
{
	struct find *f = arg;

	return atomic_load(&f->stop);
}

static void flush(struct find *f);

static void on_flush(void *arg)
{
	struct find *f = arg;

	pthread_mutex_lock(&f->lock);
	f->is_flush_posted = false;
	pthread_mutex_unlock(&f->lock);
	flush(f);
}

/* Takes the buffer's memory; waits for room. ERR_CANCELLED: nobody wants it any more. */
static enum err push(struct find *f, uint16_t status, struct buf *data)
{
	enum err e = ERR_OK;

	pthread_mutex_lock(&f->lock);
	while (f->count == AHEAD && !atomic_load(&f->stop))
		pthread_cond_wait(&f->room, &f->lock);
	if (atomic_load(&f->stop)) {
		e = ERR_CANCELLED;
	} else {
		f->ring[(f->first + f->count++) % AHEAD] = (struct answer){ status, *data };
		buf_init(data, 0);
		if (!f->is_flush_posted)
			f->is_flush_posted = loop_post(f->op.server->loop, on_flush, f) == ERR_OK;
		if (!f->is_flush_posted)
			e = ERR_NOMEM;
	}
	pthread_mutex_unlock(&f->lock);
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
		.root = f->identifier.root, .relational = f->identifier.relational, .retrieve_aet = f->identifier.aet,
		.sender_charset = f->identifier.sender_charset, .should_stop = should_stop, .stop_arg = f,
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
static void find_free(struct find *f)
{
	operation_end(&f->op);
	while (f->count) {
		buf_fini(&f->ring[f->first].data);
		f->first = (f->first + 1) % AHEAD;
		f->count--;
	}
	identifier_fini(&f->identifier);
	pthread_cond_destroy(&f->room);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static bool pop(struct find *f, struct answer *out)
{
	pthread_mutex_lock(&f->lock);
	bool has = f->count > 0;
	if (has) {
		*out = f->ring[f->first];
		f->first = (f->first + 1) % AHEAD;
		f->count--;
		pthread_cond_signal(&f->room);
	}
	pthread_mutex_unlock(&f->lock);
	return has;
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

/* Sends what is ready while there is room; ends the operation when all is sent. */
static void flush(struct find *f)
{
	struct answer a;

	if (f->is_sending)
		return;
	f->is_sending = true;
	while (f->op.session && !atomic_load(&f->stop) && !conn_is_full(f->op.session->conn) && pop(f, &a)) {
		send_answer(f, &a);
		buf_fini(&a.data);
	}
	f->is_sending = false;
	if (!f->is_done)
		return;
	if (!f->op.session)
		find_free(f);
	else if (f->is_cancelled || !f->count)
		find_finish(f);
}

static void find_done(void *arg)
{
	struct find *f = arg;

	f->is_done = true;
	flush(f);
}

static void stop(struct find *f)
{
	pthread_mutex_lock(&f->lock);
	atomic_store(&f->stop, true);
	pthread_cond_signal(&f->room);
	pthread_mutex_unlock(&f->lock);
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
	flush((struct find *)op);
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
	f->began_ns = clock_mono_ns();
	operation_begin(&f->op, &find_class, s, context_id, rq);
	/* From readers_run() on *f is the reader's: its result may be there before this function ends. */
	enum err e = identifier_read(&f->identifier, s, context_id, data, &f->why);
	if (!e && !readers_run(s->server->readers, find_work, find_done, f))
		return;
	f->err = e ? e : fail(&f->why, ERR_LIMIT, "too many queries are waiting");
	find_finish(f);
}

const struct service service_find = { .field = DIMSE_C_FIND_RQ, .start = find_start };
