#include "pacs/net/conn_internal.h"

#include <stdio.h>

/* The requestor's way to an open transport: name lookup on the pool, connect, a time limit over both. */

static void unreachable(struct conn *c, const char *what, const char *why)
{
	c->is_unreachable = true;
	fail(&c->assoc.detail, ERR_CLOSED, "%s: %s", what, why);
	uv_timer_stop(&c->artim);
	conn_end(c);
}

static void on_connect_timeout(uv_timer_t *h)
{
	struct conn *c = h->data;
	unreachable(c, "connecting", "no answer in time");
}

static void try_next(struct conn *c);

/* A socket that failed to connect is of no further use: the handle is closed and made anew. */
static void on_retry(uv_handle_t *h)
{
	struct conn *c = h->data;
	c->is_retrying = false;
	if (c->is_ending) {
		conn_on_handle_closed(h);
		return;
	}
	uv_tcp_init(loop_uv(c->loop), &c->tcp);
	try_next(c);
}

static void connect_failed(struct conn *c, int r)
{
	if (!c->next) {
		unreachable(c, "connecting", uv_strerror(r));
		return;
	}
	c->is_retrying = true;
	uv_close((uv_handle_t *)&c->tcp, on_retry);
}

static void on_connected(uv_connect_t *rq, int status)
{
	struct conn *c = rq->data;
	if (c->is_ending)
		return;
	if (status < 0) {
		connect_failed(c, status);
		return;
	}
	uv_timer_stop(&c->artim);
	conn_start_talking(c);
	assoc_on_connected(&c->assoc);
	conn_settle(c);
}

/* A name may have several addresses ("localhost" is ::1 and 127.0.0.1): each in its turn. */
static void try_next(struct conn *c)
{
	const struct addrinfo *ai = c->next;
	c->next = ai->ai_next;
	int r = uv_tcp_connect(&c->connect, &c->tcp, ai->ai_addr, on_connected);
	if (r)
		connect_failed(c, r);
}

static void on_looked_up(uv_getaddrinfo_t *rq, int status, struct addrinfo *found)
{
	struct conn *c = rq->data;
	c->is_looking_up = false;
	c->found = found;
	c->next = found;
	if (c->is_ending)
		conn_lookup_over(c);
	else if (status < 0 || !found)
		unreachable(c, "looking up the host name", status < 0 ? uv_strerror(status) : "nothing found");
	else
		try_next(c);
}

enum err conn_connect(struct loop *l, const char *host, unsigned port, const struct assoc_request *rq, const struct conn_handlers *h, void *user,
                      const struct conn_timeouts *t, struct conn **out, struct why *why)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct conn *c;
	char service[16];
	enum err e = conn_new(l, true, h, user, t, &c);
	if (e)
		return fail(why, e, "no memory for a connection");
	snprintf(c->address, sizeof(c->address), "%.48s:%u", host, port);
	snprintf(service, sizeof(service), "%u", port);
	e = assoc_open(&c->assoc, rq);
	c->lookup.data = c->connect.data = c;
	if (!e && uv_getaddrinfo(loop_uv(l), &c->lookup, on_looked_up, host, service, &hints))
		e = ERR_NOMEM;
	if (e) {
		c->h.on_closed = NULL;           /* the caller learns it here */
		conn_end(c);
		return fail(why, e, "an association request to %s could not be made: %s", host, err_name(e));
	}
	c->is_looking_up = true;
	uv_timer_start(&c->artim, on_connect_timeout, c->t.connect_ms, 0);
	*out = c;
	return ERR_OK;
}
