/* Pieces of files, from the page cache to the socket. The order of bytes on the wire is: writing, the file, assoc.out. */
#include "pacs/net/conn_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/net/loop_uv.h"

enum { ROOM_LEAST = 65536 - 1024 };      /* of a PDU: below it, two calls for each cost more than one copy of all */
enum { WAIT_PIECE = 16384 };             /* written by libuv where the socket is full: it tells when there is room again */

bool conn_takes_files(const struct conn *c)
{
	return conn_is_open(c) && assoc_room(&c->assoc) >= ROOM_LEAST;
}

void conn_drop_file(struct conn *c)
{
	if (c->file.fd >= 0)
		close(c->file.fd);
	c->file = (struct conn_file){ .fd = -1 };
}

bool conn_has_file_room(struct conn *c)
{
	c->wants_empty = c->is_writing || c->file.left;
	return !c->wants_empty;
}

enum err conn_send_file(struct conn *c, int fd, uint64_t at, size_t len, bool is_last)
{
	if (!conn_is_open(c))
		return ERR_CLOSED;
	if (!conn_takes_files(c) || c->assoc.has_held || !len || (!is_last && len % 2))
		return ERR_UNSUPPORTED;
	if (c->is_writing || c->file.left)
		return ERR_BUSY;
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return ERR_UNSUPPORTED;          /* no descriptor left: the bytes need none */
	if (c->assoc.out.len)
		conn_swap_buffers(c);
	c->file = (struct conn_file){ .fd = own, .at = at, .left = len, .is_last = is_last, .context_id = c->stream_context };
	if (is_last)
		conn_streamed(c);                /* what was deferred gathers behind the file */
	conn_settle(c);
	return ERR_OK;
}

/* Two more ways to the same socket than libuv has; only used while it has nothing to write itself. */
static ssize_t put(struct conn *c, const void *p, size_t n)
{
	int fd;
	if (uv_fileno((uv_handle_t *)&c->tcp, &fd))
		return -1;
	ssize_t put = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE);
	return put < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : put;
}

static ssize_t put_file(struct conn *c)
{
	int fd;
	off_t at = (off_t)c->file.at;
	if (uv_fileno((uv_handle_t *)&c->tcp, &fd))
		return -1;
	ssize_t put = sendfile(fd, c->file.fd, &at, c->file.in_pdu);
	return put < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : put;
}

static void advance(struct conn_file *f, size_t n)
{
	f->at += n;
	f->left -= n;
	f->in_pdu -= n;
}

/* The socket is full: some of it by way of libuv. A file that is shorter than it was breaks the association. */
static bool write_some(struct conn *c)
{
	struct conn_file *f = &c->file;
	size_t n = f->in_pdu < WAIT_PIECE ? f->in_pdu : WAIT_PIECE;
	uint8_t piece[WAIT_PIECE];
	struct why why = { "" };
	enum err e = durable_pread(f->fd, piece, n, (off_t)f->at, &why);
	buf_add(&c->writing, f->head + sizeof(f->head) - f->head_left, f->head_left);
	buf_add(&c->writing, piece, n);
	if (e || buf_err(&c->writing)) {
		fail(&c->assoc.detail, ERR_IO, "a file could not be read while it was sent: %s", e ? why.text : "no memory");
		assoc_on_closed(&c->assoc);
		conn_end(c);
		return false;
	}
	f->head_left = 0;
	advance(f, n);
	return conn_write(c);
}

static void next_pdu(struct conn *c)
{
	struct conn_file *f = &c->file;
	size_t room = assoc_room(&c->assoc);
	f->in_pdu = f->left < room ? f->left : room;
	f->head_left = sizeof(f->head);
	assoc_data_head(f->context_id, f->in_pdu, f->is_last && f->in_pdu == f->left, f->head);
}

/* One step; false: the socket takes no more, or is gone. */
static bool write_on(struct conn *c)
{
	struct conn_file *f = &c->file;
	if (!f->in_pdu)
		next_pdu(c);
	if (f->head_left) {
		ssize_t n = put(c, f->head + sizeof(f->head) - f->head_left, f->head_left);
		f->head_left -= n > 0 ? (size_t)n : 0;
		if (f->head_left)
			return write_some(c);    /* and what is wrong with the socket, libuv will say */
	}
	ssize_t n = put_file(c);
	if (n <= 0)
		return write_some(c);            /* the same; or the file is at its end, or cannot be sent so */
	advance(f, (size_t)n);
	c->last_traffic_ms = uv_now(loop_uv(c->loop));
	return true;
}

bool conn_write_file(struct conn *c)
{
	bool is_good = true;
	while (is_good && c->file.left)
		is_good = write_on(c);
	if (!c->file.left)
		conn_drop_file(c);
	return is_good;
}
