#include "pacs/ctl/ctl.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pacs/base/bounds.h"
#include "pacs/base/clock.h"
#include "pacs/ctl/ctl_line.h"
#include "pacs/ctl/local.h"

enum { READ_CHUNK = 16384 };

/* Waits until the socket is ready for `events` or the deadline has passed. */
static enum err await(int fd, short events, uint64_t deadline_ns, struct why *why)
{
	for (;;) {
		uint64_t now = clock_mono_ns();
		if (now >= deadline_ns)
			return fail(why, ERR_TIMEOUT, "no answer in time");
		struct pollfd p = { .fd = fd, .events = events };
		int r = poll(&p, 1, (int)((deadline_ns - now) / 1000000 + 1));
		if (r > 0)
			return ERR_OK;
		if (r < 0 && errno != EINTR)
			return fail_errno(why, ERR_IO, "waiting on a local socket");
	}
}

static enum err send_line(int fd, struct bytes b, uint64_t deadline_ns, struct why *why)
{
	while (b.len) {
		ssize_t n = send(fd, b.p, b.len, MSG_NOSIGNAL);
		if (n >= 0) {
			b.p += n;
			b.len -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return fail(why, ERR_CLOSED, "the program closed its local socket: %s", strerror(errno));
		enum err e = await(fd, POLLOUT, deadline_ns, why);
		if (e)
			return e;
	}
	return ERR_OK;
}

static enum err receive_line(int fd, struct buf *in, uint64_t deadline_ns, struct why *why)
{
	while (!in->len || in->p[in->len - 1] != '\n') {
		enum err e = await(fd, POLLIN, deadline_ns, why);
		if (e)
			return e;
		uint8_t *p = buf_extend(in, READ_CHUNK);
		if (!p)
			return fail(why, buf_err(in), "an answer over %d bytes", BOUND_CTL_LINE);
		ssize_t n = recv(fd, p, READ_CHUNK, 0);
		in->len -= READ_CHUNK - (n > 0 ? (size_t)n : 0);
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			return fail(why, ERR_CLOSED, "the program closed its local socket before it answered");
	}
	return ERR_OK;
}

enum err ctl_call(const char *path, json_t *body, unsigned timeout_ms, json_t **answer, struct why *why)
{
	uint64_t deadline_ns = clock_mono_ns() + (uint64_t)timeout_ms * 1000000;
	struct buf line;
	buf_init(&line, BOUND_CTL_LINE + READ_CHUNK);
	int fd = -1;
	json_t *got = NULL;
	enum err e = ctl_line_add(&line, body);
	if (e)
		fail(why, e, "building a request: %s", err_name(e));
	else
		e = local_connect(path, &fd, why);
	if (!e)
		e = send_line(fd, buf_view(&line), deadline_ns, why);
	buf_reset(&line);
	if (!e)
		e = receive_line(fd, &line, deadline_ns, why);
	if (!e)
		e = ctl_line_answer((const char *)line.p, line.len, &got, why);
	if (fd >= 0)
		close(fd);
	buf_fini(&line);
	if (answer)
		*answer = got;
	else
		json_decref(got);
	return e;
}
