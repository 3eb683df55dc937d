#include "pacs/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pacs/base/bounds.h"
#include "pacs/ctl/ctl_line.h"
#include "pacs/ctl/local.h"
#include "pacs/net/loop_uv.h"

enum { READ_CHUNK = 16384 };

struct call {
	uv_pipe_t pipe;
	uv_timer_t timer;
	uv_write_t write;
	struct buf out, in;
	unsigned handles;                /* open ones of the two above */
	bool is_answered;
	void (*done)(void *arg, enum err e, const json_t *answer, const struct why *why);
	void *arg;
};

static void on_closed(uv_handle_t *h)
{
	struct call *c = h->data;
	if (--c->handles)
		return;
	buf_fini(&c->out);
	buf_fini(&c->in);
	free(c);
}

/* The one way out: tells the caller once, then closes. */
static void call_end(struct call *c, enum err e, json_t *answer, const struct why *why)
{
	if (c->is_answered)
		return;
	c->is_answered = true;
	c->done(c->arg, e, answer, why);
	json_decref(answer);
	uv_close((uv_handle_t *)&c->pipe, on_closed);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void on_timeout(uv_timer_t *t)
{
	struct why why;
	fail(&why, ERR_TIMEOUT, "no answer on a local socket in time");
	call_end(t->data, ERR_TIMEOUT, NULL, &why);
}

static void call_lost(struct call *c)
{
	struct why why;
	fail(&why, ERR_CLOSED, "the program closed its local socket before it answered");
	call_end(c, ERR_CLOSED, NULL, &why);
}

static void on_written(uv_write_t *w, int status)
{
	if (status < 0)
		call_lost(w->data);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
	(void)suggested;
	struct call *c = h->data;
	uint8_t *p = buf_extend(&c->in, READ_CHUNK);
	*out = uv_buf_init((char *)p, p ? READ_CHUNK : 0);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
	struct call *c = stream->data;
	if (b->len)
		c->in.len -= READ_CHUNK - (n > 0 ? (size_t)n : 0);
	if (n < 0) {
		call_lost(c);
		return;
	}
	if (!n || c->in.p[c->in.len - 1] != '\n')
		return;
	struct why why = { "" };
	json_t *answer = NULL;
	enum err e = ctl_line_answer((const char *)c->in.p, c->in.len, &answer, &why);
	call_end(c, e, answer, &why);
}

static void call_start(struct call *c, struct loop *l, unsigned timeout_ms)
{
	uv_pipe_init(loop_uv(l), &c->pipe, 0);
	uv_timer_init(loop_uv(l), &c->timer);
	c->pipe.data = c->timer.data = c->write.data = c;
	c->handles = 2;
	uv_timer_start(&c->timer, on_timeout, timeout_ms, 0);
}

/* Nothing was told to the caller and nothing will be. */
static void call_drop(struct call *c)
{
	c->is_answered = true;
	uv_close((uv_handle_t *)&c->pipe, on_closed);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

enum err ctl_call_async(struct loop *l, const char *path, json_t *body, unsigned timeout_ms,
                        void (*done)(void *arg, enum err e, const json_t *answer, const struct why *why), void *arg)
{
	struct call *c = calloc(1, sizeof(*c));
	if (!c) {
		json_decref(body);
		return ERR_NOMEM;
	}
	c->done = done;
	c->arg = arg;
	buf_init(&c->out, BOUND_CTL_LINE);
	buf_init(&c->in, BOUND_CTL_LINE + READ_CHUNK);
	int fd;
	enum err e = ctl_line_add(&c->out, body);
	if (!e)
		e = local_connect(path, &fd, NULL);
	if (e) {
		buf_fini(&c->out);
		free(c);
		return e;
	}
	call_start(c, l, timeout_ms);
	uv_buf_t b = uv_buf_init((char *)c->out.p, (unsigned)c->out.len);
	if (uv_pipe_open(&c->pipe, fd)) {
		close(fd);
		call_drop(c);
		return ERR_IO;
	}
	if (uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) || uv_write(&c->write, (uv_stream_t *)&c->pipe, &b, 1, on_written)) {
		call_drop(c);
		return ERR_IO;
	}
	return ERR_OK;
}
