/* assoc - one association, either role: bytes in, bytes and indications out (PS3.8), commands whole and data sets in
 * pieces (PS3.7). No I/O, no clock, no log.
 *
 * The caller feeds what the socket gave, writes what stands in `out`, keeps the ARTIM timer as `artim_on` says, and closes
 * the transport when `wants_close` says so (after an attempt to write `out`). Indications come as calls of `events` during
 * assoc_feed() and friends; they may call assoc_send(), assoc_release() and assoc_abort().
 *
 * Memory   `out` up to the write queue's bound; the negotiated contexts; a command set while it arrives.
 */
#ifndef PACS_UL_ASSOC_H
#define PACS_UL_ASSOC_H

#include "pacs/ul/dimse.h"
#include "pacs/ul/fsm.h"
#include "pacs/ul/negotiate.h"
#include "pacs/ul/pdu.h"

enum assoc_end { ASSOC_RUNNING, ASSOC_RELEASED, ASSOC_ABORTED, ASSOC_ABORTED_BY_US, ASSOC_REJECTED, ASSOC_LOST };

struct assoc_events {
	void (*on_request)(void *user, struct arena *a, const struct assoc_request *rq, struct assoc_answer *ans);
	void (*on_open)(void *user);
	void (*on_command)(void *user, uint8_t context_id, const struct dimse *cmd);
	void (*on_data)(void *user, uint8_t context_id, struct bytes piece, bool is_last);
};

struct assoc {
	enum fsm_state state;
	bool is_requestor;
	const struct assoc_events *events;
	void *user;
	struct pdu_reader reader;
	struct buf out;                  /* PDUs to write; the caller may take the memory away */
	struct buf rq;                   /* requestor: our A-ASSOCIATE-RQ until it is answered */
	struct buf command;              /* command set on the way in */
	struct assoc_context *contexts;  /* owned */
	unsigned context_count;
	char calling[BOUND_AET + 1], called[BOUND_AET + 1];
	uint32_t peer_max;               /* largest P-DATA variable part the peer takes, bounded by BOUND_PDU_OUT */
	uint16_t max_invoked;
	/* message on the way in */
	bool in_command, expects_data;
	uint8_t message_context;
	/* data set on the way out: the odd byte of a piece */
	bool has_held;
	uint8_t held;
	/* for the caller */
	bool artim_on, wants_close;
	unsigned artim_starts;           /* rises when ARTIM is started, and when it is started again */
	enum assoc_end end;
	uint8_t rj_result, rj_source, rj_reason;
	struct why detail;
};

void     assoc_init(struct assoc *a, bool is_requestor, const struct assoc_events *events, void *user);
void     assoc_fini(struct assoc *a);

void     assoc_on_accepted(struct assoc *a);             /* acceptor: the transport is there (event 5) */
enum err assoc_open(struct assoc *a, const struct assoc_request *rq) MUST_USE;     /* requestor (event 1); the PDU is built */
void     assoc_on_connected(struct assoc *a);            /* requestor (event 2) */
void     assoc_feed(struct assoc *a, struct bytes in);
void     assoc_on_closed(struct assoc *a);               /* event 17 */
void     assoc_on_artim(struct assoc *a);                /* event 18 */

bool     assoc_is_open(const struct assoc *a);           /* sending is allowed */
/* One command, or a piece of a data set, as P-DATA-TF PDUs into `out`. ERR_CLOSED, ERR_NOMEM, ERR_LIMIT. */
enum err assoc_send_command(struct assoc *a, uint8_t context_id, const struct dimse *d) MUST_USE;
enum err assoc_send_data(struct assoc *a, uint8_t context_id, struct bytes piece, bool is_last) MUST_USE;
/* For a data set whose bytes do not pass through `out`: the heads of P-DATA-TF PDUs of up to assoc_room() bytes each, which the caller
 * sends right behind each head. */
enum { ASSOC_DATA_HEAD = 12 };
size_t   assoc_room(const struct assoc *a);              /* even */
void     assoc_data_head(uint8_t context_id, size_t n, bool is_last, uint8_t out[ASSOC_DATA_HEAD]);
void     assoc_release(struct assoc *a);                 /* event 11; nothing unless in data transfer */
void     assoc_abort(struct assoc *a, const char *because);      /* event 15; safe at any time */
const struct assoc_context *assoc_context(const struct assoc *a, uint8_t id);    /* accepted ones only */
/* Asserts what must be true in this state; called at the end of each step. */
void     assoc_check(const struct assoc *a);
void     assoc_describe(const struct assoc *a, struct why *out); /* one line, for the debugger */

#endif
