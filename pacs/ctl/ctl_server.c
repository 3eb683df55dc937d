#include "pacs/ctl/ctl.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pacs/base/bounds.h"
#include "pacs/ctl/ctl_line.h"
#include "pacs/ctl/local.h"
#include "pacs/net/loop_uv.h"

enum { READ_CHUNK = 16384 };

struct client {
	LIST_ENTRY(client) link;
	uv_pipe_t pipe;
	struct ctl_server *server;
	struct ctl_request *rq;          /* being handled; NULL: the next line may be read */
	bool is_serving;
	struct buf in;
};

/* Lives until it is answered, also when its client has gone. */
struct ctl_request {
	struct client *client;           /* NULL once the client has gone */
};

struct ctl_server {
	uv_pipe_t pipe;
	char *path;
	void (*handle)(void *arg, struct ctl_request *rq, const char *op, const json_t *body);
	void *arg;
	LIST_HEAD(, client) clients;
	unsigned client_count;
	bool is_closing;
	unsigned handles;                /* open: our pipe and one for each client */
};

struct answer {
	uv_write_t req;
	struct buf line;
};

static void server_put(struct ctl_server *s)
{
	if (--s->handles)
		return;
	free(s->path);
	free(s);
}

/* ---- a client's end ---- */

static void on_client_closed(uv_handle_t *h)
{
	struct client *c = h->data;
	struct ctl_server *s = c->server;
	buf_fini(&c->in);
	free(c);
	server_put(s);
}

static void client_end(struct client *c)
{
	if (uv_is_closing((uv_handle_t *)&c->pipe))
		return;
	if (c->rq)
		c->rq->client = NULL;
	c->rq = NULL;
	LIST_REMOVE(c, link);
	c->server->client_count--;
	uv_close((uv_handle_t *)&c->pipe, on_client_closed);
}

/* ---- answers ---- */

static void on_written(uv_write_t *req, int status)
{
	struct answer *a = req->data;
	if (status < 0)
		client_end(req->handle->data);
	buf_fini(&a->line);
	free(a);
}

static void client_send(struct client *c, json_t *object)
{
	struct answer *a = calloc(1, sizeof(*a));
	if (!a) {
		json_decref(object);
		client_end(c);
		return;
	}
	buf_init(&a->line, BOUND_CTL_LINE);
	a->req.data = a;
	if (!ctl_line_add(&a->line, object)) {
		uv_buf_t b = uv_buf_init((char *)a->line.p, (unsigned)a->line.len);
		if (!uv_write(&a->req, (uv_stream_t *)&c->pipe, &b, 1, on_written))
			return;
	}
	buf_fini(&a->line);
	free(a);
	client_end(c);
}

static void client_serve(struct client *c);

static void request_end(struct ctl_request *rq, json_t *object)
{
	struct client *c = rq->client;
	free(rq);
	if (!c) {
		json_decref(object);
		return;
	}
	c->rq = NULL;
	client_send(c, object);
	client_serve(c);
}

void ctl_answer(struct ctl_request *rq, json_t *fields)
{
	json_t *a = fields ? fields : json_object();
	if (a)
		json_object_set_new(a, "ok", json_true());
	request_end(rq, a);
}

void ctl_refuse(struct ctl_request *rq, enum err e, const char *message)
{
	request_end(rq, json_pack("{s:b,s:s,s:s}", "ok", 0, "error", err_name(e), "message", message));
}

/* ---- requests ---- */

static void client_request(struct client *c, const char *line, size_t len)
{
	struct ctl_request *rq = calloc(1, sizeof(*rq));
	if (!rq) {
		client_end(c);
		return;
	}
	rq->client = c;
	c->rq = rq;
	json_error_t je;
	json_t *body = json_loadb(line, len, JSON_REJECT_DUPLICATES, &je);
	const char *op = json_string_value(json_object_get(body, "op"));
	if (op)
		c->server->handle(c->server->arg, rq, op, body);
	else
		ctl_refuse(rq, ERR_FORMAT, body ? "the request has no \"op\"" : je.text);
	json_decref(body);
}

/* One line out of what has come; false when there is none yet or the client has ended. */
static bool client_take_line(struct client *c)
{
	const char *p = (const char *)c->in.p, *nl = c->in.len ? memchr(p, '\n', c->in.len) : NULL;
	if (!nl) {
		if (c->in.len >= BOUND_CTL_LINE)
			client_end(c);
		return false;
	}
	size_t len = (size_t)(nl - p);
	char *line = malloc(len + 1);
	if (!line) {
		client_end(c);
		return false;
	}
	memcpy(line, p, len);
	line[len] = '\0';
	buf_consume(&c->in, len + 1);
	client_request(c, line, len);
	free(line);
	return true;
}

/* Serves the lines that have come until one is left to be answered later. An answer given inside handle()
 * comes back here: the flag keeps that from nesting, so many lines at once cost no stack. */
static void client_serve(struct client *c)
{
	if (c->is_serving)
		return;
	c->is_serving = true;
	while (!c->rq && !uv_is_closing((uv_handle_t *)&c->pipe) && client_take_line(c))
		;
	c->is_serving = false;
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
	(void)h;
	(void)suggested;
	char *p = malloc(READ_CHUNK);
	*out = uv_buf_init(p, p ? READ_CHUNK : 0);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
	struct client *c = stream->data;
	if (n > 0)
		buf_add(&c->in, b->base, (size_t)n);
	free(b->base);
	if (n < 0 || buf_err(&c->in))
		client_end(c);
	else if (n > 0)
		client_serve(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct ctl_server *s = listener->data;
	if (status < 0 || s->is_closing)
		return;
	struct client *c = calloc(1, sizeof(*c));
	if (!c)
		return;
	c->server = s;
	buf_init(&c->in, BOUND_CTL_LINE + READ_CHUNK);
	uv_pipe_init(listener->loop, &c->pipe, 0);
	c->pipe.data = c;
	LIST_INSERT_HEAD(&s->clients, c, link);
	s->client_count++;
	s->handles++;
	if (uv_accept(listener, (uv_stream_t *)&c->pipe) || s->client_count > BOUND_CTL_CLIENTS ||
	    uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read))
		client_end(c);
}

/* ---- the server ---- */

static void on_server_closed(uv_handle_t *h)
{
	server_put(h->data);
}

static enum err listen_on(struct ctl_server *s, int fd, struct why *why)
{
	int r = uv_pipe_open(&s->pipe, fd);
	if (r) {
		close(fd);
		return fail(why, ERR_IO, "local socket %s: %s", s->path, uv_strerror(r));
	}
	r = uv_listen((uv_stream_t *)&s->pipe, BOUND_CTL_CLIENTS, on_connection);
	return r ? fail(why, ERR_IO, "listening on %s: %s", s->path, uv_strerror(r)) : ERR_OK;
}

enum err ctl_server_open(struct loop *l, const char *path, void (*handle)(void *arg, struct ctl_request *rq, const char *op, const json_t *body),
                         void *arg, struct ctl_server **out, struct why *why)
{
	struct ctl_server *s = calloc(1, sizeof(*s));
	char *copy = strdup(path);
	if (!s || !copy) {
		free(s);
		free(copy);
		return fail(why, ERR_NOMEM, "no memory for the local socket %s", path);
	}
	*s = (struct ctl_server){ .path = copy, .handle = handle, .arg = arg };
	LIST_INIT(&s->clients);
	int fd;
	enum err e = local_bind(path, SOCK_STREAM, &fd, why);
	if (e) {
		free(s->path);
		free(s);
		return e;
	}
	uv_pipe_init(loop_uv(l), &s->pipe, 0);
	s->pipe.data = s;
	s->handles = 1;
	if ((e = listen_on(s, fd, why))) {
		ctl_server_close(&s);
		return e;
	}
	*out = s;
	return ERR_OK;
}

void ctl_server_close(struct ctl_server **sp)
{
	struct ctl_server *s = *sp;
	*sp = NULL;
	if (!s)
		return;
	s->is_closing = true;
	struct local_address a;
	if (!local_address_init(&a, s->path, NULL)) {
		unlink(a.sun.sun_path);
		local_address_fini(&a);
	}
	while (!LIST_EMPTY(&s->clients))
		client_end(LIST_FIRST(&s->clients));
	uv_close((uv_handle_t *)&s->pipe, on_server_closed);
}
