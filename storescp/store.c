#include "storescp/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "pacs/dicom/part10.h"
#include "pacs/dicom/walker.h"

/* C-STORE (PS3.4 annex B): fragments go to the spool file as they come; the walker keeps the header on the way;
 * the answer is sent when ingest says that the whole chain is durable (ingest.h, invariant 4).
 *
 *   first bytes -> spool_begin -> spool_write ... -> spool_finish -> ingest_submit -> answer
 *
 * A refusal is remembered in `status` and answered after the data set has been read to its end, as peers expect. */

enum { FEW = 2 };        /* operations at a time, of which one is often just being answered */
enum { GUESS = 8 };      /* bytes that tell a data set's true encoding */

struct store {
	struct operation op;     /* first: it is what the session holds */
	struct spool_file *file;
	struct walker *walker;
	const struct ts *ts;     /* true one, once begun */
	uint8_t head[GUESS];     /* first bytes, until there are enough to begin */
	unsigned head_len;
	bool is_begun, is_walked;
	const char *quarantine_reason;
	uint16_t status;         /* refusal to answer at the end; 0 none */
	char comment[65];
	struct conf *conf;       /* reference */
	uint64_t started_ns;
	struct ingest_job job;
};

static const struct operation_class store_class;

static void store_free(struct store *st)
{
	spool_discard(&st->file);
	walker_free(&st->walker);
	conf_unref(&st->conf);
	free((void *)(uintptr_t)st->job.header.p);
	free(st);
}

static void refuse(struct store *st, uint16_t status, const char *comment)
{
	if (st->status)
		return;
	st->status = status;
	snprintf(st->comment, sizeof(st->comment), "%.64s", comment);
	spool_discard(&st->file);
	if (st->op.session)
		conn_resume(st->op.session->conn);       /* it may stand paused for a file that is gone */
}

/* The end of every C-STORE: count, log, answer, free. */
static void answer(struct store *st, uint16_t status, const char *comment)
{
	struct session *s = st->op.session;
	struct server *sv = st->op.server;
	bool done = dimse_status_is_done(status);
	if (done) {
		sv->stored++;
		stored_kinds_note(sv->kinds, &st->job.sop_class, &st->job.ts);
	} else {
		sv->failed++;
	}
	char hex[8];
	snprintf(hex, sizeof(hex), "%04x", status);
	log_event(done ? LOG_DEBUG : LOG_WARN, done ? "stored" : "not_stored",
	          "assoc", s ? log_num((long long)conn_id(s->conn)).s : NULL, "calling", st->job.calling,
	          "sop", st->op.rq.sop_instance.s, "ts", st->ts ? st->ts->uid : NULL, "status", hex,
	          "why", comment, "ms", log_num((long long)((clock_mono_ns() - st->started_ns) / 1000000)).s, NULL);
	if (s) {
		if (done)
			s->stored++;
		else
			s->failed++;
		session_respond(s, st->op.context_id, &st->op.rq, status, comment);
	}
	operation_end(&st->op);
	store_free(st);
}

static void on_room(void *arg)
{
	struct store *st = arg;
	if (st->op.session)
		conn_resume(st->op.session->conn);
}

/* ---- ingest's answer ---- */

static void on_ingested(void *arg, struct ingest_job *job, const struct ingest_result *r)
{
	struct store *st = arg;
	(void)job;
	switch (r->outcome) {
	case INGEST_STORED:
	case INGEST_SAME:
	case INGEST_REPAIRED:
	case INGEST_REPLACED:
		answer(st, r->class_differs ? 0xB007 : STATUS_SUCCESS, r->class_differs ? "data set has another SOP class" : NULL);
		return;
	case INGEST_CONFLICT:
		answer(st, STATUS_WARNING, "same SOP Instance UID with other content: both kept");
		return;
	case INGEST_QUARANTINED:
		answer(st, r->err == ERR_MISMATCH ? STATUS_MISMATCH : STATUS_CANNOT_UNDERSTAND, r->why.text[0] ? r->why.text : "kept in quarantine");
		return;
	case INGEST_FAILED:
		break;
	}
	answer(st, status_of_err(r->err), r->why.text);
}

/* What is known before the file is written. */
static void fill_job(struct store *st)
{
	struct ingest_job *j = &st->job;
	j->quarantine_reason = st->quarantine_reason;
	j->sop_class = st->op.rq.sop_class;
	j->sop_instance = st->op.rq.sop_instance;
	snprintf(j->ts.s, sizeof(j->ts.s), "%s", st->ts->uid);
	j->done = on_ingested;
	j->arg = st;
}

/* On a thread of the pool. From here on nothing but on_ingested() ends the store. */
static void on_written(void *arg, const struct spool_done *d)
{
	struct store *st = arg;
	ingest_job_take(&st->job, d);
	ingest_submit(st->op.server->ingest, &st->job);
}

static void on_not_spooled(void *arg, const struct spool_done *d)
{
	answer(arg, status_of_err(d->err), d->why.text);
}

/* ---- the data set ---- */

static void begin(struct store *st, struct bytes head)
{
	struct why why = { "" };
	struct part10 meta = { .sop_class = st->op.rq.sop_class, .sop_instance = st->op.rq.sop_instance };
	st->is_begun = true;
	const struct ts *negotiated = st->ts;
	st->ts = part10_true_syntax(negotiated, head);         /* some peers send another than they negotiated */
	if (st->ts != negotiated)
		log_event(LOG_WARN, "encoding_not_as_negotiated", "calling", st->job.calling, "sop", st->op.rq.sop_instance.s,
		          "negotiated", negotiated->uid, "seen", st->ts->uid, NULL);
	snprintf(meta.transfer_syntax.s, sizeof(meta.transfer_syntax.s), "%s", st->ts->uid);
	memcpy(meta.source_aet, st->job.calling, sizeof(meta.source_aet));
	meta.origin.has_written = true;
	meta.origin.received_ms = st->job.received_ms = clock_wall_ms();
	const char *port = strrchr(st->job.address, ':');
	snprintf(meta.origin.address, sizeof(meta.origin.address), "%.*s", (int)(port ? port - st->job.address : 0), st->job.address);

	struct buf b;
	buf_init(&b, 4096);
	enum err e = part10_write(&meta, &b);
	if (!e)
		e = walker_new(&st->walker, st->ts);
	if (!e)
		e = spool_begin(st->op.server->spool, buf_view(&b), part10_written_digest_at(buf_view(&b)), st->op.server->operations <= FEW, on_room, st, &st->file, &why);
	buf_fini(&b);
	if (e)
		refuse(st, status_of_err(e), why.text[0] ? why.text : err_name(e));
}

static void take(struct store *st, struct bytes piece)
{
	struct why why = { "" };
	if (st->status || !piece.len)
		return;
	enum err e = walker_feed(st->walker, piece, &why);
	if (e && e != ERR_END && !st->is_walked) {
		st->is_walked = true;
		st->quarantine_reason = e == ERR_LIMIT ? "the header is over the limit" : "the data set cannot be read";
		log_event(LOG_WARN, "unreadable_data_set", "calling", st->job.calling, "sop", st->op.rq.sop_instance.s, "why", why.text, NULL);
	}
	e = spool_write(st->file, piece, &why);
	if (e == ERR_BUSY && st->op.session)
		conn_pause(st->op.session->conn);
	else if (e && e != ERR_BUSY)
		refuse(st, status_of_err(e), why.text);
}

/* What ingest needs of the walker, before the file is given away: whoever cannot have it discards the file. */
static bool take_header(struct store *st)
{
	struct ingest_job *j = &st->job;
	struct bytes h = walker_header(st->walker);
	uint8_t *copy = malloc(h.len ? h.len : 1);
	if (!copy)
		return false;
	if (h.len)
		memcpy(copy, h.p, h.len);
	j->header = bytes_of(copy, h.len);
	j->encoding = walker_encoding(st->walker);
	j->has_pixel_data = walker_has_pixel_data(st->walker);
	walker_free(&st->walker);
	return true;
}

static void finish(struct store *st)
{
	struct why why = { "" };
	if (!st->is_begun && !st->head_len)
		refuse(st, STATUS_CANNOT_UNDERSTAND, "no data set came with the request");
	if (!st->is_begun && !st->status) {
		begin(st, bytes_of(st->head, st->head_len));
		take(st, bytes_of(st->head, st->head_len));
	}
	if (!st->status && !st->quarantine_reason && walker_finish(st->walker, &why)) {
		st->quarantine_reason = "the data set ends too early";
		log_event(LOG_WARN, "truncated_data_set", "calling", st->job.calling, "sop", st->op.rq.sop_instance.s, "why", why.text, NULL);
	}
	if (!st->status && !take_header(st))
		refuse(st, STATUS_OUT_OF_RESOURCES, "no memory");
	if (st->status) {
		answer(st, st->status, st->comment);
		return;
	}
	fill_job(st);
	spool_finish(&st->file, on_written, on_not_spooled, st);
	if (st->op.session)
		conn_resume(st->op.session->conn);       /* the last piece may have paused it, and on_room is not for finished files */
}

static void data(struct operation *op, struct bytes piece, bool is_last)
{
	struct store *st = (struct store *)op;
	if (!st->is_begun && st->head_len + piece.len < GUESS) {
		if (piece.len)
			memcpy(st->head + st->head_len, piece.p, piece.len);
		st->head_len += (unsigned)piece.len;
	} else {
		if (!st->is_begun) {
			uint8_t first[GUESS];
			memcpy(first, st->head, st->head_len);
			memcpy(first + st->head_len, piece.p, GUESS - st->head_len);
			begin(st, bytes_of(first, GUESS));
			take(st, bytes_of(st->head, st->head_len));
		}
		take(st, piece);
	}
	if (is_last)
		finish(st);
}

/* The association died. Before the last byte nothing is kept; after it the image is on its way into
 * the archive and comes to its end there, without anybody to answer. */
static void gone(struct operation *op)
{
	struct store *st = (struct store *)op;
	bool is_complete = st->is_begun && !st->file && !st->status;
	if (is_complete)
		return;
	operation_end(op);
	store_free(st);
}

static struct operation *stream(struct session *s, uint8_t context_id, const struct dimse *rq)
{
	const struct assoc_context *pc = conn_context(s->conn, context_id);
	const struct conf_node *node = conf_node_by_aet(s->server->conf, s->calling);
	struct store *st = calloc(1, sizeof(*st));
	if (!st) {
		session_respond(s, context_id, rq, STATUS_OUT_OF_RESOURCES, "no memory");
		return NULL;
	}
	st->started_ns = clock_mono_ns();
	st->ts = pc->ts;
	st->conf = conf_ref(s->server->conf);
	memcpy(st->job.calling, s->calling, sizeof(st->job.calling));
	snprintf(st->job.called, sizeof(st->job.called), "%s", conn_called(s->conn));
	snprintf(st->job.address, sizeof(st->job.address), "%s", conn_peer_address(s->conn));
	snprintf(st->job.charset, sizeof(st->job.charset), "%s", node && node->charset[0] ? node->charset : st->conf->charset);
	st->job.duplicate = node ? node->duplicate : DUPLICATE_KEEP_FIRST;
	operation_begin(&st->op, &store_class, s, context_id, rq);
	if (!rq->has_data) {
		finish(st);
		return NULL;
	}
	return &st->op;
}

static const struct operation_class store_class = { .name = "C-STORE", .data = data, .gone = gone };
const struct service service_store = { .field = DIMSE_C_STORE_RQ, .stream = stream };
