/* retrieve - what C-GET and C-MOVE share: selecting, sub-operations with their counters, cancel, responses.
 *
 * The selection is kept as numbers only (16 bytes an instance). What is needed to send one is read
 * shortly before, so that a file that was replaced meanwhile (compression) is found where it is now.
 *
 * A retrieval goes in passes: each has one sender and covers the kinds [pass_from, pass_to) of the
 * selection; C-GET needs one, C-MOVE another when the contexts do not fit into one association.
 */
#ifndef STORESCP_RETRIEVE_H
#define STORESCP_RETRIEVE_H

#include "pacs/send/send.h"
#include "storescp/identifier.h"

enum { RETRIEVE_BATCH = 32 };

struct retrieve;
struct retrieve_class {
	const char *name;
	bool is_same_association;            /* objects go out where the request came from */
	/* Open the way for the kinds from pass_from on. Leads to retrieve_opened() or retrieve_unreachable(), now or later. */
	void (*open)(struct retrieve *r);
	/* The pass is over (its sender is freed), or nobody wants it any more: end what open() began. */
	void (*close)(struct retrieve *r);
	/* The retrieval is over and answered. Frees it now or when its own things have ended. */
	void (*ended)(struct retrieve *r);
};

struct pick { uint64_t instance; uint32_t kind; bool is_retry; };
struct picks { struct pick *p; size_t count, cap; };     /* owned */

struct retrieve {
	struct operation op;                 /* first: an operation is a retrieve */
	const struct retrieve_class *class;
	struct identifier identifier;
	struct conf *conf;                   /* a reference */
	uint64_t began_ns, pending_ns;       /* start; last pending response */
	struct loop_timer *timer;            /* pending responses */

	/* selection: the reader's until it has come back */
	struct picks picks;
	struct send_kind *kinds;             /* owned */
	size_t kind_count;
	enum err err;
	struct why why;

	/* the batch of what is sent next; the reader's while is_reading */
	struct { struct index_instance what; struct pick pick; enum err err; } batch[RETRIEVE_BATCH];
	unsigned batch_count, batch_at;
	bool is_reading;
	size_t next;                         /* in picks */
	struct picks missed, retries;        /* the file was gone: look again, once; missed is the loop's, retries the reader's */

	struct sender *sender;               /* owned; NULL between passes */
	size_t pass_from, pass_to;
	char originator[BOUND_AET + 1];      /* C-MOVE: its caller; "" else */
	unsigned in_flight;
	uint64_t completed, failed, warning, bytes;
	struct buf failed_uids;
	char comment[65];                    /* the first reason of a failure */
	bool is_selected, is_cancelled, is_dead, has_news, has_ended, is_told;
	/* is_dead: nothing can be sent any more; what is left only gets counted as failed */
	unsigned depth;                      /* of retrieve_enter() */
};

/* Around everything that may lead to the end: ended() comes in the outermost leave, so *r lives until then. */
void retrieve_enter(struct retrieve *r);
void retrieve_leave(struct retrieve *r);

/* Fills *r (zeroed, on the heap) and starts the selection. Every end comes through class->ended(). */
void retrieve_start(struct retrieve *r, const struct retrieve_class *class, struct session *s, uint8_t context_id,
                    const struct dimse *rq, struct bytes data);
void retrieve_opened(struct retrieve *r, struct conn *c, size_t pass_to);
void retrieve_unreachable(struct retrieve *r, const char *why);
void retrieve_fini(struct retrieve *r);

extern const struct operation_class retrieve_operation;

#endif
