#include "pacs/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pacs/ctl/local.h"
#include "pacs/net/loop_uv.h"

struct wake {
	uv_poll_t poll;
	int fd;
	char *path;
	void (*fn)(void *arg);
	void *arg;
};

/* Any number of hints that came together are one wake-up. */
static void on_readable(uv_poll_t *p, int status, int events)
{
	struct wake *w = p->data;
	(void)events;
	char byte;
	if (status < 0)
		return;
	while (recv(w->fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0)
		;
	w->fn(w->arg);
}

static void on_closed(uv_handle_t *h)
{
	struct wake *w = h->data;
	close(w->fd);
	free(w->path);
	free(w);
}

enum err wake_open(struct loop *l, const char *path, void (*fn)(void *arg), void *arg, struct wake **out, struct why *why)
{
	struct wake *w = calloc(1, sizeof(*w));
	char *copy = strdup(path);
	if (!w || !copy) {
		free(w);
		free(copy);
		return fail(why, ERR_NOMEM, "no memory for %s", path);
	}
	*w = (struct wake){ .fd = -1, .path = copy, .fn = fn, .arg = arg };
	enum err e = local_bind(path, SOCK_DGRAM, &w->fd, why);
	int r = e ? 0 : uv_poll_init(loop_uv(l), &w->poll, w->fd);
	if (r)
		e = fail(why, ERR_IO, "waiting on %s: %s", path, uv_strerror(r));
	if (e) {
		if (w->fd >= 0)
			close(w->fd);
		free(w->path);
		free(w);
		return e;
	}
	w->poll.data = w;
	if ((r = uv_poll_start(&w->poll, UV_READABLE, on_readable))) {
		wake_close(&w);
		return fail(why, ERR_IO, "waiting on %s: %s", path, uv_strerror(r));
	}
	*out = w;
	return ERR_OK;
}

void wake_close(struct wake **wp)
{
	struct wake *w = *wp;
	*wp = NULL;
	if (!w)
		return;
	struct local_address a;
	if (!local_address_init(&a, w->path, NULL)) {
		unlink(a.sun.sun_path);
		local_address_fini(&a);
	}
	uv_close((uv_handle_t *)&w->poll, on_closed);
}

void wake_pause(struct wake *w)
{
	uv_poll_stop(&w->poll);
}

void wake_resume(struct wake *w)
{
	/* It was started once with these arguments; it cannot fail now. */
	(void)uv_poll_start(&w->poll, UV_READABLE, on_readable);
}

/* ---- the other end ---- */

enum err wake_sender_init(struct wake_sender *s, const char *path, struct why *why)
{
	s->fd = -1;
	enum err e = local_address_init(&s->to, path, why);
	if (e)
		return e;
	s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd >= 0)
		return ERR_OK;
	local_address_fini(&s->to);
	return fail_errno(why, ERR_IO, "a socket for hints to %s", path);
}

void wake_sender_fini(struct wake_sender *s)
{
	if (s->fd < 0)
		return;
	close(s->fd);
	s->fd = -1;
	local_address_fini(&s->to);
}

void wake_send(const struct wake_sender *s)
{
	/* Nobody there, or its queue full: it looks by itself at the latest when it starts. */
	ssize_t ignored = sendto(s->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&s->to.sun, sizeof(s->to.sun));
	(void)ignored;
}
