/* conn_internal - what conn.c, conn_io.c, connect.c and listener.c share. For pacs/net only.
 *
 * Life: conn_new -> (accepted | connecting) -> talking -> conn_end() -> close callbacks -> on_closed -> free.
 * conn_end() is the one way out; it may be called any number of times.
 */
#ifndef PACS_NET_CONN_INTERNAL_H
#define PACS_NET_CONN_INTERNAL_H

#include <sys/queue.h>

#include "pacs/net/conn.h"
#include "pacs/net/loop_uv.h"
#include "pacs/ul/assoc.h"

struct deferred {                        /* a message that waits for the end of a streamed one */
	STAILQ_ENTRY(deferred) link;
	uint8_t context_id;
	struct dimse cmd;
	size_t len;
	uint8_t data[];
};

/* A piece of a file that is being sent, between `writing` and what gathers in assoc.out. */
struct conn_file {
	int fd;                          /* owned; -1: none */
	uint64_t at;
	size_t left, in_pdu;             /* bytes; of these, those whose head is sent */
	bool is_last;
	uint8_t context_id;              /* of its message; the next one may begin while this piece still waits */
	uint8_t head[ASSOC_DATA_HEAD];
	size_t head_left;                /* of the head, not sent yet */
};

struct conn {
	struct loop *loop;
	uv_tcp_t tcp;
	uv_timer_t artim, watch;         /* ARTIM (and connecting); idle and stall */
	unsigned open_handles;           /* of the three */
	struct assoc assoc;
	struct conn_handlers h;
	void *user;
	struct conn_timeouts t;
	uint64_t id;
	char address[64];
	/* writing: one write at a time; what comes meanwhile gathers in assoc.out */
	uv_write_t write;
	struct buf writing;
	size_t written;
	struct conn_file file;
	bool wants_empty;                /* on_writable is owed when nothing waits to be written */
	bool is_writing, was_full, in_feed, in_settle, is_corked;
	/* streaming */
	bool is_streaming, wants_release;
	uint8_t stream_context;
	STAILQ_HEAD(, deferred) deferred;
	size_t deferred_bytes;
	/* state */
	bool is_reading, is_paused, is_ending, artim_running;
	bool artim_again, watch_again;   /* the timer has run out before; what had come by then has been read since */
	unsigned artim_starts;           /* of assoc.artim_starts, those that the timer knows */
	size_t unsent;                   /* what the peer had not acknowledged when the watch last looked */
	bool is_unreachable;
	uint64_t last_traffic_ms;
	uint16_t message_id;
	/* connecting */
	uv_getaddrinfo_t lookup;
	uv_connect_t connect;
	bool is_looking_up;
	struct addrinfo *found;          /* owned */
	const struct addrinfo *next;     /* address to try when this one fails */
	bool is_retrying;                /* tcp is being closed to be used for the next address */
};

extern const struct assoc_events conn_assoc_events;

/* ERR_NOMEM. The handles are initialised: conn_end() must be used to get rid of it. */
enum err conn_new(struct loop *l, bool is_requestor, const struct conn_handlers *h, void *user, const struct conn_timeouts *t, struct conn **out) MUST_USE;
void     conn_start_talking(struct conn *c);     /* transport is there: options, reading */
/* After anything was done to c->assoc: write, timers, close when it says so. */
void     conn_settle(struct conn *c);
void     conn_end(struct conn *c);
/* A name lookup came back after conn_end(). */
void     conn_lookup_over(struct conn *c);
void     conn_on_handle_closed(uv_handle_t *h);
void     conn_flush(struct conn *c);
bool     conn_tell_writable(struct conn *c);
size_t   conn_queued(const struct conn *c);
void     conn_streamed(struct conn *c);          /* the last piece is queued */
void     conn_swap_buffers(struct conn *c);      /* what gathered in assoc.out becomes what is written */
/* Sends `writing` and waits for the socket where it takes no more: false, and then is_writing or is_ending. */
bool     conn_write(struct conn *c);
bool     conn_write_file(struct conn *c);        /* as conn_write(); what is left of the file */
void     conn_drop_file(struct conn *c);

#endif
