/* conn - one DICOM association over one TCP connection, in either role.
 *
 * Puts the pure association (pacs/ul) on a socket: reads, writes, ARTIM and idle timers, TCP_NODELAY,
 * TCP_QUICKACK re-armed after each read, back-pressure both ways. Commands come whole; data sets come
 * in pieces as they arrive and are never collected here.
 *
 * Ownership  a conn belongs to its loop and lives until on_closed has returned; it is freed after that.
 * Memory     an idle association holds no buffers beyond its negotiated contexts (a few kB).
 * Threads    loop thread only.
 * Order      messages go out whole, one after another: a conn_send() while a streamed message is
 *            open waits behind it (bounded by BOUND_SEND_QUEUE; over it the association is aborted).
 */
#ifndef PACS_NET_CONN_H
#define PACS_NET_CONN_H

#include "pacs/net/loop.h"
#include "pacs/ul/dimse.h"
#include "pacs/ul/negotiate.h"

struct conn;

enum conn_end {
	CONN_RELEASED,               /* orderly, either side began it */
	CONN_ABORTED,                /* A-ABORT from the peer */
	CONN_ABORTED_BY_US,          /* protocol error, time-out or conn_abort() */
	CONN_REJECTED,               /* requestor: A-ASSOCIATE-RJ came; acceptor: we sent one */
	CONN_LOST,                   /* TCP closed or broke without release */
	CONN_UNREACHABLE,            /* requestor: connect failed */
};
const char *conn_end_name(enum conn_end e);

struct conn_handlers {
	/* Acceptor only. Fill *ans (arrays in `a`), normally through negotiate_decide(). */
	void (*on_request)(void *user, struct conn *c, struct arena *a, const struct assoc_request *rq, struct assoc_answer *ans);
	/* The association is open, both roles. */
	void (*on_open)(void *user, struct conn *c);
	/* One whole command set. If cmd->has_data, on_data follows until is_last; no other command comes between. */
	void (*on_command)(void *user, struct conn *c, uint8_t context_id, const struct dimse *cmd);
	void (*on_data)(void *user, struct conn *c, uint8_t context_id, struct bytes piece, bool is_last);
	/* The write queue fell under the low mark after conn_is_full() was true. May be NULL. */
	void (*on_writable)(void *user, struct conn *c);
	/* The peer waits for an answer of ours: then its silence is no fault, however long it takes us. May be NULL: never. */
	bool (*owes)(void *user, struct conn *c);
	/* Last call. `detail` is one sentence for the log. rj_* valid for CONN_REJECTED (else 0). */
	void (*on_closed)(void *user, struct conn *c, enum conn_end how, const char *detail, uint8_t rj_result, uint8_t rj_source, uint8_t rj_reason);
};

struct conn_timeouts { unsigned connect_ms, artim_ms, idle_ms, stall_ms; };   /* 0 = the default: 15 s, 30 s, 600 s, 60 s */

/* ---- acceptor ---- */
struct listener;
struct listener_handlers {
	/* A socket came; return the user pointer for its conn, or NULL to close it at once (overload).
	 * *handlers is preset to listener_handlers.conn. */
	void *(*on_accept)(void *arg, struct conn *c);
	struct conn_handlers conn;
};
/* Takes an already bound and listening descriptor (the supervisor opened it). */
enum err listener_open(struct loop *l, int fd, const struct listener_handlers *h, void *arg, const struct conn_timeouts *t, struct listener **out, struct why *why) MUST_USE;
void     listener_close(struct listener **l);
/* Binds and listens (backlog 1024, SO_REUSEADDR); port 0 takes a free one, told in *port. ERR_EXISTS: in use. */
enum err listener_bind(const char *host, unsigned *port, int *fd_out, struct why *why) MUST_USE;

/* ---- requestor ---- */
/* rq is borrowed during the call only. Name lookup happens on the pool. */
enum err conn_connect(struct loop *l, const char *host, unsigned port, const struct assoc_request *rq,
                      const struct conn_handlers *h, void *user, const struct conn_timeouts *t, struct conn **out, struct why *why) MUST_USE;

/* ---- both ---- */
uint64_t    conn_id(const struct conn *c);               /* unique in this process; for the log */
const char *conn_peer_address(const struct conn *c);     /* "10.1.2.3:40112" */
const char *conn_calling(const struct conn *c);
const char *conn_called(const struct conn *c);
bool        conn_is_open(const struct conn *c);          /* data transfer state: sending makes sense */
const struct assoc_context *conn_context(const struct conn *c, uint8_t id);              /* NULL: not accepted */
/* First accepted context for the abstract syntax in which we may be SCU, with this transfer syntax (NULL = any). */
const struct assoc_context *conn_find_context(const struct conn *c, const char *abstract_syntax, const char *ts);
const struct assoc_context *conn_contexts(const struct conn *c, unsigned *count);        /* all, in negotiated order */
unsigned    conn_max_invoked(const struct conn *c);      /* our operations in flight; >= 1, <= BOUND_ASYNC_OPS */
uint16_t    conn_next_message_id(struct conn *c);        /* never 0 */

/* Queues a command and, when cmd->has_data, the whole data set. ERR_CLOSED, ERR_LIMIT, ERR_NOMEM. */
enum err conn_send(struct conn *c, uint8_t context_id, const struct dimse *cmd, struct bytes data) MUST_USE;
/* Streams: begin queues the command (has_data set by it); then pieces, copied; the last one ends the message. */
enum err conn_send_begin(struct conn *c, uint8_t context_id, const struct dimse *cmd) MUST_USE;
enum err conn_send_piece(struct conn *c, struct bytes piece, bool is_last) MUST_USE;
/* A piece that is in a file, `at` and `len` even but for the last; it goes from the page cache to the socket without a copy. What is not
 * cached is read on the loop, so let the pool have looked at it. The file is not to change; fd is the caller's again at once.
 * ERR_BUSY: no conn_has_file_room(); ERR_UNSUPPORTED: a peer of small PDUs (they cost more
 * than the copy), or an odd byte of the piece before is not gone yet: send it as bytes. Else as conn_send_piece(). */
bool     conn_takes_files(const struct conn *c);
bool     conn_has_file_room(struct conn *c);             /* false: something waits to be written; on_writable comes when nothing does */
enum err conn_send_file(struct conn *c, int fd, uint64_t at, size_t len, bool is_last) MUST_USE;
bool     conn_is_full(const struct conn *c);             /* above the high mark: wait for on_writable */

/* What is sent in between leaves together, in few writes; within one callback, and not nested. conn_is_full() holds as ever. */
void     conn_cork(struct conn *c);
void     conn_uncork(struct conn *c);
void     conn_pause(struct conn *c);                     /* stop reading; nests not */
void     conn_resume(struct conn *c);
void     conn_release(struct conn *c);                   /* after what is queued; on_closed follows */
void     conn_abort(struct conn *c, const char *because);        /* source 0; safe to call twice */
void     conn_set_user(struct conn *c, void *user);
void     conn_idle_timeout(struct conn *c, unsigned ms); /* 0 = never; e.g. while a long operation runs on our side */

#endif
