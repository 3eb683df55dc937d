#include "pacs/net/conn_internal.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "pacs/base/clock.h"

/* Reading, writing and the order of messages. */

/* Low enough that hundreds of peers that do not read cost tens of MB; a fast peer is kept busy by the kernel's buffer. */
enum { HIGH = BOUND_SEND_QUEUE / 16, LOW = BOUND_SEND_QUEUE / 64 };
enum { KEEP_BUFFER = 4096 };     /* larger ones are given back when nothing waits */

/* ---- reading ---- */

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
	struct conn *c = h->data;
	(void)suggested;
	*out = uv_buf_init(loop_scratch(c->loop), LOOP_SCRATCH);
}

/* Linux falls back to delayed ACKs by itself; a sender with Nagle's algorithm then waits 40 ms for each of
 * its small writes. So it is asked for again after each read; and after each write, since the kernel takes an answer for
 * the beginning of a conversation and would let the head of the next request wait until we have read it. */
static void quick_ack(struct conn *c)
{
	int fd, one = 1;
	if (!uv_fileno((uv_handle_t *)&c->tcp, &fd))
		setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof(one));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct conn *c = s->data;
	if (n == 0)
		return;
	if (n < 0) {
		uv_read_stop(s);
		c->is_reading = false;
		if (n != UV_EOF && !c->assoc.detail.text[0])
			fail(&c->assoc.detail, ERR_CLOSED, "reading: %s", uv_strerror((int)n));
		assoc_on_closed(&c->assoc);
		conn_end(c);
		return;
	}
	uint64_t begun = clock_mono_ns();
	quick_ack(c);
	c->last_traffic_ms = uv_now(loop_uv(c->loop));
	c->in_feed = true;
	assoc_feed(&c->assoc, bytes_of(b->base, (size_t)n));
	c->in_feed = false;
	conn_settle(c);
	loop_note_slow(begun, "read");
}

void conn_resume(struct conn *c)
{
	c->is_paused = false;
	if (c->is_ending || c->is_reading)
		return;
	c->is_reading = !uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
	c->last_traffic_ms = uv_now(loop_uv(c->loop));
}

void conn_pause(struct conn *c)
{
	c->is_paused = true;
	if (c->is_ending || !c->is_reading)
		return;
	uv_read_stop((uv_stream_t *)&c->tcp);
	c->is_reading = false;
}

/* ---- writing ---- */

size_t conn_queued(const struct conn *c)
{
	return c->assoc.out.len + (c->writing.len - c->written) + c->file.left;
}

bool conn_is_full(const struct conn *c)
{
	bool full = conn_queued(c) + c->deferred_bytes > HIGH;
	if (full)
		((struct conn *)(uintptr_t)c)->was_full = true;  /* on_writable is owed */
	return full;
}

static void write_failed(struct conn *c, int r)
{
	if (!c->assoc.detail.text[0])
		fail(&c->assoc.detail, ERR_CLOSED, "writing: %s", uv_strerror(r));
	assoc_on_closed(&c->assoc);
	conn_end(c);
}

/* True when somebody was waiting for room and has been told. */
bool conn_tell_writable(struct conn *c)
{
	if (c->is_ending || !(c->wants_empty ? !conn_queued(c) : c->was_full && conn_queued(c) + c->deferred_bytes <= LOW))
		return false;
	c->was_full = c->wants_empty = false;
	if (c->h.on_writable)
		c->h.on_writable(c->user, c);
	return true;
}

static void on_written(uv_write_t *w, int status)
{
	struct conn *c = w->data;
	c->is_writing = false;
	buf_reset(&c->writing);
	c->written = 0;
	if (status == UV_ECANCELED || c->is_ending)
		return;
	if (status < 0) {
		write_failed(c, status);
		return;
	}
	c->last_traffic_ms = uv_now(loop_uv(c->loop));
	conn_settle(c);
}

static void give_back(struct buf *b)
{
	if (!b->len && b->cap > KEEP_BUFFER)
		buf_fini(b);
}

/* Takes what gathered in assoc.out as the buffer to write; the old one gathers next. */
void conn_swap_buffers(struct conn *c)
{
	struct buf b = c->writing;
	c->writing = c->assoc.out;
	c->assoc.out = b;
	c->assoc.out.max = c->writing.max;
	buf_reset(&c->assoc.out);
	c->written = 0;
}

static void all_written(struct conn *c)
{
	buf_reset(&c->writing);
	c->written = 0;
	c->last_traffic_ms = uv_now(loop_uv(c->loop));
	give_back(&c->writing);
	give_back(&c->assoc.out);
}

bool conn_write(struct conn *c)
{
	uv_buf_t b = uv_buf_init((char *)c->writing.p + c->written, (unsigned)(c->writing.len - c->written));
	int n = uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
	if (n < 0 && n != UV_EAGAIN) {
		write_failed(c, n);
		return false;
	}
	c->written += n > 0 ? (size_t)n : 0;
	quick_ack(c);
	if (c->written == c->writing.len) {
		all_written(c);
		return true;
	}
	b = uv_buf_init((char *)c->writing.p + c->written, (unsigned)(c->writing.len - c->written));
	c->write.data = c;
	int r = uv_write(&c->write, (uv_stream_t *)&c->tcp, &b, 1, on_written);
	if (r)
		write_failed(c, r);
	else
		c->is_writing = true;
	return false;
}

void conn_flush(struct conn *c)
{
	if (c->is_writing || c->is_ending)
		return;
	if (c->writing.len && !conn_write(c))
		return;
	if (c->file.left && !conn_write_file(c))
		return;
	if (!c->assoc.out.len)
		return;
	conn_swap_buffers(c);
	(void)!conn_write(c);            /* what is left is written when the socket takes it */
}

/* ---- messages ---- */

static enum err over(struct conn *c)
{
	conn_abort(c, "the send queue is over its bound");
	return ERR_LIMIT;
}

static enum err send_now(struct conn *c, uint8_t context_id, const struct dimse *cmd, struct bytes data)
{
	if (conn_queued(c) + data.len > BOUND_SEND_QUEUE + BOUND_IDENTIFIER)
		return over(c);
	enum err e = assoc_send_command(&c->assoc, context_id, cmd);
	if (!e && cmd->has_data)
		e = assoc_send_data(&c->assoc, context_id, data, true);
	if (e && e != ERR_CLOSED)
		conn_abort(c, "no memory for a message");
	conn_settle(c);
	return e;
}

static enum err defer(struct conn *c, uint8_t context_id, const struct dimse *cmd, struct bytes data)
{
	if (c->deferred_bytes + data.len + sizeof(struct deferred) > BOUND_SEND_QUEUE)
		return over(c);
	struct deferred *d = malloc(sizeof(*d) + data.len);
	if (!d)
		return ERR_NOMEM;
	d->context_id = context_id;
	d->cmd = *cmd;
	d->len = data.len;
	if (data.len)
		memcpy(d->data, data.p, data.len);
	STAILQ_INSERT_TAIL(&c->deferred, d, link);
	c->deferred_bytes += sizeof(*d) + data.len;
	return ERR_OK;
}

enum err conn_send(struct conn *c, uint8_t context_id, const struct dimse *cmd, struct bytes data)
{
	if (!conn_is_open(c))
		return ERR_CLOSED;
	return c->is_streaming ? defer(c, context_id, cmd, data) : send_now(c, context_id, cmd, data);
}

enum err conn_send_begin(struct conn *c, uint8_t context_id, const struct dimse *cmd)
{
	struct dimse d = *cmd;
	d.has_data = true;
	if (!conn_is_open(c))
		return ERR_CLOSED;
	if (c->is_streaming)
		return ERR_BUSY;
	enum err e = assoc_send_command(&c->assoc, context_id, &d);
	c->is_streaming = !e;
	c->stream_context = context_id;
	return e;
}

static void send_deferred(struct conn *c)
{
	for (struct deferred *d; !c->is_streaming && (d = STAILQ_FIRST(&c->deferred)); ) {
		STAILQ_REMOVE_HEAD(&c->deferred, link);
		c->deferred_bytes -= sizeof(*d) + d->len;
		enum err e = send_now(c, d->context_id, &d->cmd, bytes_of(d->data, d->len));
		free(d);
		if (e)
			return;
	}
	if (c->wants_release && !c->is_streaming) {
		c->wants_release = false;
		conn_release(c);
	}
}

void conn_streamed(struct conn *c)
{
	c->is_streaming = false;
	send_deferred(c);
}

enum err conn_send_piece(struct conn *c, struct bytes piece, bool is_last)
{
	if (!conn_is_open(c))
		return ERR_CLOSED;
	if (conn_queued(c) + piece.len > BOUND_SEND_QUEUE + BOUND_IDENTIFIER)
		return over(c);
	enum err e = assoc_send_data(&c->assoc, c->stream_context, piece, is_last);
	if (e && e != ERR_CLOSED)
		conn_abort(c, "no memory for a message");
	if (!e && is_last)
		conn_streamed(c);
	conn_settle(c);
	return e;
}
