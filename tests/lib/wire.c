#include "tests/lib/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

bool wire_spins;

bool wire_put(int fd, const void *p, size_t n)
{
	const char *c = p;
	while (n) {
		ssize_t w = send(fd, c, n, MSG_NOSIGNAL);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		c += w;
		n -= (size_t)w;
	}
	return true;
}

/* p NULL: dropped where they lie (tcp(7), MSG_TRUNC). */
static bool take(int fd, char *p, size_t n)
{
	char unused;
	int how = (wire_spins ? MSG_DONTWAIT : 0) | (p ? 0 : MSG_TRUNC);
	while (n) {
		ssize_t r = recv(fd, p ? p : &unused, n, how);
		if (r < 0 && errno == EAGAIN && wire_spins) {
			sched_yield();
			continue;
		}
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return false;
		p = p ? p + r : NULL;
		n -= (size_t)r;
	}
	return true;
}

bool wire_get(int fd, void *p, size_t n)
{
	return take(fd, p, n);
}

bool wire_skip(int fd, size_t n)
{
	return take(fd, NULL, n);
}

unsigned wire_pdu(int fd, struct buf *b)
{
	uint8_t head[6];
	buf_reset(b);
	if (!wire_get(fd, head, 6))
		return 0;
	uint32_t len = be32(head + 2);
	uint8_t *p = len ? buf_extend(b, len) : head;
	return p && (!len || wire_get(fd, p, len)) ? head[0] : 0;
}

static int connect_to(const struct wire_target *o)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons((uint16_t)o->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	if (fd < 0 || inet_pton(AF_INET, o->host, &sa.sin_addr) != 1)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		close(fd);
		return -1;
	}
	return fd;
}

int wire_associate(const struct wire_target *t, struct assoc_request *rq, struct arena *a, struct assoc_answer *ac, struct why *why)
{
	struct buf b;
	unsigned type = 0;
	enum err e = ERR_OK;
	rq->application_context = UID_APPLICATION_CONTEXT;
	rq->max_pdu = BOUND_PDU_OURS;
	rq->max_invoked = rq->max_performed = 1;
	rq->implementation_class = IMPLEMENTATION_CLASS_UID;
	rq->implementation_version = IMPLEMENTATION_VERSION;
	snprintf(rq->called, sizeof(rq->called), "%s", t->called);
	snprintf(rq->calling, sizeof(rq->calling), "%s", t->calling);
	buf_init(&b, BOUND_ASSOCIATE_PDU);
	int fd = connect_to(t);
	if (fd < 0)
		e = fail_errno(why, ERR_CLOSED, "connecting to port %u", t->port);
	else if (negotiate_build_rq(rq, &b) || !wire_put(fd, b.p, b.len) || (type = wire_pdu(fd, &b)) != PDU_AC)
		e = fail(why, ERR_CLOSED, type == PDU_RJ ? "association rejected" : "no answer to the association request");
	else
		e = negotiate_parse_ac(a, buf_view(&b), rq, ac, why);
	if (e && fd >= 0)
		close(fd);
	buf_fini(&b);
	return e ? -1 : fd;
}

/* The PDV header of a PDU that begins at `at` and ends where the buffer does now. */
static void close_pdu(struct buf *b, size_t at, uint8_t context, uint8_t flags)
{
	uint8_t h[WIRE_HEAD] = { PDU_DATA };
	uint32_t n = (uint32_t)(b->len - at - WIRE_HEAD);
	put_be32(h + 2, n + 6);
	put_be32(h + 6, n + 2);
	h[10] = context;
	h[11] = flags;
	memcpy(b->p + at, h, WIRE_HEAD);
}

bool wire_send(int fd, uint8_t context, const struct dimse *d, struct bytes data, struct buf *b)
{
	buf_reset(b);
	if (!buf_extend(b, WIRE_HEAD) || dimse_build(d, b) || buf_err(b))
		return false;
	close_pdu(b, 0, context, 3);
	if (d->has_data && data.len) {
		size_t at = b->len;
		if (!buf_extend(b, WIRE_HEAD))
			return false;
		buf_add(b, data.p, data.len);
		if (buf_err(b))
			return false;
		close_pdu(b, at, context, 2);
	}
	return wire_put(fd, b->p, b->len);
}

void wire_release(int fd, struct buf *b)
{
	static const uint8_t release[10] = { 5, 0, 0, 0, 0, 4 };
	if (wire_put(fd, release, sizeof(release)))
		wire_pdu(fd, b);
	close(fd);
}
