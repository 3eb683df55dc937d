#include "pacs/net/conn_internal.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pacs/base/log.h"

enum { BACKLOG = 1024 };

struct listener {
	uv_tcp_t tcp;
	struct loop *loop;
	struct listener_handlers h;
	void *arg;
	struct conn_timeouts t;
	bool has_complained;             /* about accept failing; once until it works again */
};

static void on_connection(uv_stream_t *s, int status)
{
	struct listener *ls = s->data;
	struct conn *c;
	if (status < 0) {
		if (!ls->has_complained)
			log_event(LOG_ERROR, "accept_failed", "why", uv_strerror(status), NULL);
		ls->has_complained = true;
		return;
	}
	ls->has_complained = false;
	if (conn_new(ls->loop, false, &ls->h.conn, NULL, &ls->t, &c))
		return;
	if (uv_accept(s, (uv_stream_t *)&c->tcp) || !(c->user = ls->h.on_accept(ls->arg, c))) {
		c->h.on_closed = NULL;
		conn_end(c);
		return;
	}
	assoc_on_accepted(&c->assoc);
	conn_start_talking(c);
	conn_settle(c);
}

enum err listener_open(struct loop *l, int fd, const struct listener_handlers *h, void *arg, const struct conn_timeouts *t, struct listener **out, struct why *why)
{
	struct listener *ls = calloc(1, sizeof(*ls));
	if (!ls)
		return fail(why, ERR_NOMEM, "no memory for a listener");
	ls->loop = l;
	ls->h = *h;
	ls->arg = arg;
	ls->t = t ? *t : (struct conn_timeouts){ 0 };
	uv_tcp_init(loop_uv(l), &ls->tcp);
	ls->tcp.data = ls;
	int r = uv_tcp_open(&ls->tcp, fd);
	if (!r)
		r = uv_listen((uv_stream_t *)&ls->tcp, BACKLOG, on_connection);
	*out = ls;
	if (!r)
		return ERR_OK;
	listener_close(out);
	return fail(why, ERR_IO, "listening: %s", uv_strerror(r));
}

static void on_listener_closed(uv_handle_t *h)
{
	free(h->data);
}

void listener_close(struct listener **ls)
{
	if (!*ls)
		return;
	uv_close((uv_handle_t *)&(*ls)->tcp, on_listener_closed);
	*ls = NULL;
}

static unsigned bound_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	if (getsockname(fd, (struct sockaddr *)&ss, &len))
		return 0;
	return ss.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&ss)->sin6_port) : ntohs(((struct sockaddr_in *)&ss)->sin_port);
}

static enum err bind_one(const struct addrinfo *ai, const char *host, unsigned port, int *out, struct why *why)
{
	int one = 1, fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail_errno(why, ERR_IO, "a socket for %s", host);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, BACKLOG)) {
		enum err e = errno == EADDRINUSE ? fail(why, ERR_EXISTS, "port %u on %s is in use by another program", port, host)
		                                 : fail_errno(why, ERR_IO, "listening on %s port %u", host, port);
		close(fd);
		return e;
	}
	*out = fd;
	return ERR_OK;
}

enum err listener_bind(const char *host, unsigned *port, int *fd_out, struct why *why)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST }, *ai;
	char service[16];
	snprintf(service, sizeof(service), "%u", *port);
	int r = getaddrinfo(host, service, &hints, &ai);
	if (r)
		return fail(why, ERR_CONFIG, "\"%s\" is not an address to listen on: %s", host, gai_strerror(r));
	enum err e = bind_one(ai, host, *port, fd_out, why);
	freeaddrinfo(ai);
	if (!e)
		*port = bound_port(*fd_out);
	return e;
}
