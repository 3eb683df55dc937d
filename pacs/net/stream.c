#include "pacs/net/stream.h"

#include <stdlib.h>

#include "pacs/base/bounds.h"
#include "pacs/net/loop_uv.h"

struct stream_listener {
	uv_tcp_t tcp;
	struct loop *loop;
	struct stream_handlers h;
	void *arg;
	unsigned idle_ms;
};

struct stream {
	struct loop *loop;
	uv_tcp_t tcp;
	uv_timer_t watch;
	unsigned open_handles;           /* of the two */
	struct stream_handlers h;
	void *user;                      /* NULL: nobody is told of the end */
	unsigned idle_ms;
	size_t unwritten;
	char address[64];
	bool is_paused, is_ending;
};

struct writing {
	uv_write_t write;
	struct stream *stream;
	size_t len;
	uint8_t data[];
};

static void on_handle_closed(uv_handle_t *h)
{
	struct stream *s = h->data;
	if (--s->open_handles)
		return;
	if (s->user)
		s->h.on_closed(s->user, s);
	free(s);
}

void stream_end(struct stream *s)
{
	if (s->is_ending)
		return;
	s->is_ending = true;
	uv_close((uv_handle_t *)&s->tcp, on_handle_closed);
	uv_close((uv_handle_t *)&s->watch, on_handle_closed);
}

static void on_idle(uv_timer_t *t)
{
	stream_end(t->data);
}

static void touch(struct stream *s)
{
	if (!s->is_ending)
		uv_timer_start(&s->watch, on_idle, s->idle_ms, 0);
}

/* ---- reading ---- */

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
	struct stream *s = h->data;
	(void)suggested;
	*out = uv_buf_init(loop_scratch(s->loop), LOOP_SCRATCH);
}

static void on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *b)
{
	struct stream *s = tcp->data;
	if (n < 0) {
		stream_end(s);
		return;
	}
	touch(s);
	if (n > 0)
		s->h.on_data(s->user, s, bytes_of(b->base, (size_t)n));
}

void stream_pause(struct stream *s)
{
	if (!s->is_ending && !s->is_paused)
		uv_read_stop((uv_stream_t *)&s->tcp);
	s->is_paused = true;
}

void stream_resume(struct stream *s)
{
	if (!s->is_paused || s->is_ending)
		return;
	s->is_paused = false;
	touch(s);
	if (uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read))
		stream_end(s);
}

/* ---- writing ---- */

static void on_written(uv_write_t *w, int status)
{
	struct writing *writing = w->data;
	struct stream *s = writing->stream;
	s->unwritten -= writing->len;
	free(writing);
	if (status < 0)
		stream_end(s);
	else
		touch(s);
}

void stream_write(struct stream *s, struct bytes data)
{
	if (s->is_ending)
		return;
	struct writing *w = data.len > BOUND_SEND_QUEUE - s->unwritten ? NULL : malloc(sizeof(*w) + data.len);
	if (!w) {
		stream_end(s);
		return;
	}
	w->stream = s;
	w->len = data.len;
	w->write.data = w;
	memcpy(w->data, data.p, data.len);
	s->unwritten += data.len;
	uv_buf_t b = uv_buf_init((char *)w->data, (unsigned)data.len);
	if (uv_write(&w->write, (uv_stream_t *)&s->tcp, &b, 1, on_written)) {
		s->unwritten -= data.len;
		free(w);
		stream_end(s);
	}
}

/* ---- beginning ---- */

const char *stream_address(const struct stream *s)
{
	return s->address;
}

static void take_address(struct stream *s)
{
	struct sockaddr_storage ss;
	int len = sizeof(ss);
	if (uv_tcp_getpeername(&s->tcp, (struct sockaddr *)&ss, &len))
		return;
	if (ss.ss_family == AF_INET6)
		uv_ip6_name((struct sockaddr_in6 *)&ss, s->address, sizeof(s->address));
	else
		uv_ip4_name((struct sockaddr_in *)&ss, s->address, sizeof(s->address));
}

static void on_connection(uv_stream_t *tcp, int status)
{
	struct stream_listener *l = tcp->data;
	struct stream *s = status < 0 ? NULL : calloc(1, sizeof(*s));
	if (!s)
		return;
	s->loop = l->loop;
	s->h = l->h;
	s->idle_ms = l->idle_ms;
	s->open_handles = 2;
	uv_tcp_init(loop_uv(l->loop), &s->tcp);
	uv_timer_init(loop_uv(l->loop), &s->watch);
	s->tcp.data = s->watch.data = s;
	if (uv_accept(tcp, (uv_stream_t *)&s->tcp)) {
		stream_end(s);
		return;
	}
	take_address(s);
	uv_tcp_nodelay(&s->tcp, 1);
	s->is_paused = true;
	s->user = l->h.on_accept(l->arg, s);
	if (s->user)
		stream_resume(s);
	else
		stream_end(s);
}

enum err stream_listen(struct loop *l, int fd, const struct stream_handlers *h, void *arg, unsigned idle_ms, struct stream_listener **out, struct why *why)
{
	struct stream_listener *s = calloc(1, sizeof(*s));
	if (!s)
		return fail(why, ERR_NOMEM, "no memory for a listener");
	*s = (struct stream_listener){ .loop = l, .h = *h, .arg = arg, .idle_ms = idle_ms };
	uv_tcp_init(loop_uv(l), &s->tcp);
	s->tcp.data = s;
	int r = uv_tcp_open(&s->tcp, fd);
	if (!r)
		r = uv_listen((uv_stream_t *)&s->tcp, BOUND_HL7_CLIENTS, on_connection);
	*out = s;
	if (!r)
		return ERR_OK;
	stream_listener_close(out);
	return fail(why, ERR_IO, "listening: %s", uv_strerror(r));
}

static void on_listener_closed(uv_handle_t *h)
{
	free(h->data);
}

void stream_listener_close(struct stream_listener **l)
{
	if (!*l)
		return;
	uv_close((uv_handle_t *)&(*l)->tcp, on_listener_closed);
	*l = NULL;
}
