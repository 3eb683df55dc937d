#include "pacs/net/conn_internal.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* Life of a connection: opening, timers, ending. Reading and writing stand in conn_io.c. */

enum { CONNECT_MS = 15000, ARTIM_MS = 30000, IDLE_MS = 600000, STALL_MS = 60000 };
enum { AFTER_ABORT_MS = 1000 };  /* after our own abort nobody is owed 30 s */
enum { KEEPALIVE_S = 60 };

const char *conn_end_name(enum conn_end e)
{
	static const char *const names[] = { "released", "aborted", "aborted_by_us", "rejected", "lost", "unreachable" };
	return (unsigned)e < NELEM(names) ? names[e] : "unknown";
}

static struct conn_timeouts with_defaults(const struct conn_timeouts *t)
{
	struct conn_timeouts d = t ? *t : (struct conn_timeouts){ 0 };
	d.connect_ms = d.connect_ms ? d.connect_ms : CONNECT_MS;
	d.artim_ms = d.artim_ms ? d.artim_ms : ARTIM_MS;
	d.idle_ms = d.idle_ms ? d.idle_ms : IDLE_MS;
	d.stall_ms = d.stall_ms ? d.stall_ms : STALL_MS;
	return d;
}

enum err conn_new(struct loop *l, bool is_requestor, const struct conn_handlers *h, void *user, const struct conn_timeouts *t, struct conn **out)
{
	static atomic_ullong next_id;    /* process-wide: the log tells associations apart by it */
	struct conn *c = calloc(1, sizeof(*c));
	if (!c)
		return ERR_NOMEM;
	c->loop = l;
	c->h = *h;
	c->user = user;
	c->t = with_defaults(t);
	c->id = atomic_fetch_add(&next_id, 1) + 1;
	c->file.fd = -1;
	STAILQ_INIT(&c->deferred);
	buf_init(&c->writing, SIZE_MAX / 4);
	assoc_init(&c->assoc, is_requestor, &conn_assoc_events, c);
	uv_tcp_init(loop_uv(l), &c->tcp);
	uv_timer_init(loop_uv(l), &c->artim);
	uv_timer_init(loop_uv(l), &c->watch);
	c->tcp.data = c->artim.data = c->watch.data = c;
	c->open_handles = 3;
	*out = c;
	return ERR_OK;
}

/* ---- ending ---- */

static enum conn_end end_of(const struct conn *c)
{
	if (c->is_unreachable)
		return CONN_UNREACHABLE;
	switch (c->assoc.end) {
	case ASSOC_RELEASED: return CONN_RELEASED;
	case ASSOC_ABORTED: return CONN_ABORTED;
	case ASSOC_ABORTED_BY_US: return CONN_ABORTED_BY_US;
	case ASSOC_REJECTED: return CONN_REJECTED;
	case ASSOC_RUNNING: case ASSOC_LOST: break;
	}
	return CONN_LOST;
}

static void drop_deferred(struct conn *c)
{
	for (struct deferred *d; (d = STAILQ_FIRST(&c->deferred)); ) {
		STAILQ_REMOVE_HEAD(&c->deferred, link);
		free(d);
	}
}

/* The last word, when no handle and no name lookup refers to the memory any more. */
static void maybe_free(struct conn *c)
{
	if (c->open_handles || c->is_looking_up)
		return;
	if (c->h.on_closed)
		c->h.on_closed(c->user, c, end_of(c), c->assoc.detail.text, c->assoc.rj_result, c->assoc.rj_source, c->assoc.rj_reason);
	drop_deferred(c);
	uv_freeaddrinfo(c->found);
	assoc_fini(&c->assoc);
	buf_fini(&c->writing);
	free(c);
}

void conn_on_handle_closed(uv_handle_t *h)
{
	struct conn *c = h->data;
	c->open_handles--;
	maybe_free(c);
}

void conn_lookup_over(struct conn *c)
{
	maybe_free(c);
}

void conn_end(struct conn *c)
{
	if (c->is_ending)
		return;
	c->is_ending = true;
	conn_drop_file(c);
	if (c->is_looking_up)
		uv_cancel((uv_req_t *)&c->lookup);
	if (!c->is_retrying)             /* else it is closing already, and on_retry() sees that we are ending */
		uv_close((uv_handle_t *)&c->tcp, conn_on_handle_closed);
	uv_close((uv_handle_t *)&c->artim, conn_on_handle_closed);
	uv_close((uv_handle_t *)&c->watch, conn_on_handle_closed);
}

/* ---- timers ---- */

/* Timers are looked at before sockets. When the loop was kept from both for a while, what the peer has said in time stands unread
 * and a time runs out that was ours; so it is read first, once. */
static bool is_ours_to_read(struct conn *c, bool *again)
{
	int fd, unread = 0;
	bool is_unread = c->is_reading && !uv_fileno((uv_handle_t *)&c->tcp, &fd) && !ioctl(fd, FIONREAD, &unread) && unread > 0;
	*again = is_unread && !*again;
	return *again;
}

static void on_artim(uv_timer_t *h)
{
	struct conn *c = h->data;
	if (is_ours_to_read(c, &c->artim_again)) {
		uv_timer_start(&c->artim, on_artim, 1, 0);
		return;
	}
	c->artim_running = false;
	assoc_on_artim(&c->assoc);
	conn_settle(c);
}

static void follow_artim(struct conn *c)
{
	if (c->assoc.artim_on == c->artim_running && c->assoc.artim_starts == c->artim_starts)
		return;
	c->artim_running = c->assoc.artim_on;
	c->artim_starts = c->assoc.artim_starts;
	unsigned ms = c->assoc.end == ASSOC_ABORTED_BY_US && c->t.artim_ms > AFTER_ABORT_MS ? AFTER_ABORT_MS : c->t.artim_ms;
	if (c->artim_running)
		uv_timer_start(&c->artim, on_artim, ms, 0);
	else
		uv_timer_stop(&c->artim);
}

/* How long silence is borne now; 0 = for ever. In the middle of something it is the stall time. */
static unsigned patience(struct conn *c)
{
	bool is_midway = c->is_writing || ((c->assoc.in_command || c->assoc.expects_data) && !c->is_paused);
	if (is_midway && (!c->t.idle_ms || c->t.stall_ms < c->t.idle_ms))
		return c->t.stall_ms;
	bool is_owing = !c->is_writing && !c->assoc.in_command && !c->assoc.expects_data && c->h.owes && c->h.owes(c->user, c);
	return c->is_paused || is_owing ? 0 : c->t.idle_ms;
}

/* A long write on a slow line is not silence while the peer acknowledges some of it. The kernel takes more only when
 * a third of its buffer, up to some MB, is free; so what stands in there is counted too. */
static void note_progress(struct conn *c)
{
	int fd, in_kernel = 0;
	if (!uv_fileno((uv_handle_t *)&c->tcp, &fd) && ioctl(fd, SIOCOUTQ, &in_kernel))
		in_kernel = 0;
	size_t unsent = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp) + (size_t)in_kernel;
	if (c->is_writing && unsent != c->unsent)
		c->last_traffic_ms = uv_now(loop_uv(c->loop));
	c->unsent = unsent;
}

static unsigned look_again(const struct conn *c)
{
	return c->t.idle_ms && c->t.idle_ms < c->t.stall_ms ? c->t.idle_ms : c->t.stall_ms;
}

static void on_watch(uv_timer_t *h)
{
	struct conn *c = h->data;
	note_progress(c);
	uint64_t silent = uv_now(loop_uv(c->loop)) - c->last_traffic_ms, most = patience(c);
	if (!assoc_is_open(&c->assoc) && c->assoc.state != STA7)
		return;
	if (most && silent >= most && is_ours_to_read(c, &c->watch_again)) {
		uv_timer_start(&c->watch, on_watch, 1, 0);
		return;
	}
	if (most && silent >= most) {
		char text[96];
		snprintf(text, sizeof(text), "silent for %llu ms%s", (unsigned long long)silent, c->is_writing ? " while we were sending" : "");
		conn_abort(c, text);
		return;
	}
	uv_timer_start(&c->watch, on_watch, most ? most - silent : look_again(c), 0);
}

static void start_watch(struct conn *c)
{
	uv_timer_start(&c->watch, on_watch, look_again(c), 0);
}

void conn_idle_timeout(struct conn *c, unsigned ms)
{
	c->t.idle_ms = ms;
	if (!c->is_ending && assoc_is_open(&c->assoc))
		start_watch(c);
}

void conn_settle(struct conn *c)
{
	if (c->is_ending || c->in_feed || c->in_settle || c->is_corked)
		return;
	c->in_settle = true;             /* who is told that there is room will send, and come here again */
	do
		conn_flush(c);
	while (conn_tell_writable(c));
	c->in_settle = false;
	if (c->is_ending)
		return;
	follow_artim(c);
	if (c->assoc.state == STA13 && c->is_paused)
		conn_resume(c);          /* to see the peer close */
	if (c->assoc.wants_close)        /* what could be written has been; a peer that does not read gets no more time */
		conn_end(c);
}

void conn_cork(struct conn *c)
{
	c->is_corked = true;
}

void conn_uncork(struct conn *c)
{
	c->is_corked = false;
	conn_settle(c);
}

/* ---- beginning ---- */

static void note_address(struct conn *c)
{
	struct sockaddr_storage ss;
	int len = sizeof(ss);
	char host[48] = "?";
	unsigned port = 0;
	if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&ss, &len))
		return;
	if (ss.ss_family == AF_INET6) {
		uv_ip6_name((struct sockaddr_in6 *)&ss, host, sizeof(host));
		port = ntohs(((struct sockaddr_in6 *)&ss)->sin6_port);
	} else {
		uv_ip4_name((struct sockaddr_in *)&ss, host, sizeof(host));
		port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
	}
	snprintf(c->address, sizeof(c->address), ss.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, port);
}

void conn_start_talking(struct conn *c)
{
	note_address(c);
	uv_tcp_nodelay(&c->tcp, 1);
	uv_tcp_keepalive(&c->tcp, 1, KEEPALIVE_S);
	c->last_traffic_ms = uv_now(loop_uv(c->loop));
	conn_resume(c);
}

static void on_open(void *user)
{
	struct conn *c = user;
	start_watch(c);
	if (c->h.on_open)
		c->h.on_open(c->user, c);
}

static void on_request(void *user, struct arena *a, const struct assoc_request *rq, struct assoc_answer *ans)
{
	struct conn *c = user;
	c->h.on_request(c->user, c, a, rq, ans);
}

static void on_command(void *user, uint8_t context_id, const struct dimse *cmd)
{
	struct conn *c = user;
	c->h.on_command(c->user, c, context_id, cmd);
}

static void on_data(void *user, uint8_t context_id, struct bytes piece, bool is_last)
{
	struct conn *c = user;
	c->h.on_data(c->user, c, context_id, piece, is_last);
}

const struct assoc_events conn_assoc_events = { on_request, on_open, on_command, on_data };

/* ---- what users ask ---- */

uint64_t conn_id(const struct conn *c) { return c->id; }
const char *conn_peer_address(const struct conn *c) { return c->address; }
const char *conn_calling(const struct conn *c) { return c->assoc.calling; }
const char *conn_called(const struct conn *c) { return c->assoc.called; }
bool conn_is_open(const struct conn *c) { return !c->is_ending && assoc_is_open(&c->assoc); }
const struct assoc_context *conn_context(const struct conn *c, uint8_t id) { return assoc_context(&c->assoc, id); }
unsigned conn_max_invoked(const struct conn *c) { return c->assoc.max_invoked ? c->assoc.max_invoked : BOUND_ASYNC_OPS; }
void conn_set_user(struct conn *c, void *user) { c->user = user; }

const struct assoc_context *conn_contexts(const struct conn *c, unsigned *count)
{
	*count = c->assoc.context_count;
	return c->assoc.contexts;
}

const struct assoc_context *conn_find_context(const struct conn *c, const char *abstract_syntax, const char *ts)
{
	for (unsigned i = 0; i < c->assoc.context_count; i++) {
		const struct assoc_context *pc = &c->assoc.contexts[i];
		if (pc->result == CONTEXT_ACCEPTED && pc->may_invoke && !strcmp(pc->abstract_syntax.s, abstract_syntax) && (!ts || !strcmp(pc->ts->uid, ts)))
			return pc;
	}
	return NULL;
}

uint16_t conn_next_message_id(struct conn *c)
{
	if (++c->message_id == 0)
		c->message_id = 1;
	return c->message_id;
}

void conn_release(struct conn *c)
{
	if (c->assoc.state < STA6) {
		conn_abort(c, "released before it was open");
		return;
	}
	if (c->is_streaming || !STAILQ_EMPTY(&c->deferred)) {
		c->wants_release = true;
		return;
	}
	assoc_release(&c->assoc);
	conn_settle(c);
}

void conn_abort(struct conn *c, const char *because)
{
	if (c->is_ending)
		return;
	bool connecting = c->assoc.state == STA4;
	assoc_abort(&c->assoc, because);
	if (connecting)
		conn_end(c);
	else
		conn_settle(c);
}
