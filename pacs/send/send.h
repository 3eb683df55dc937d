/* send - stored objects out over one association: C-STORE as SCU, for C-GET, C-MOVE and the router.
 *
 * A sender belongs to one conn. Objects given to it are prepared ahead (file opened, first bytes read,
 * transcoded when the peer has no context for the stored syntax), streamed one after another with
 * back-pressure, and answered in any order while the peer's asynchronous window allows.
 * The data set goes out as it is stored, from dataset_at to the end of the file; that of a patient who was updated or merged with
 * the patient's attributes of today (pacs/dicom/coerce.h).
 *
 * Memory   SEND_CHUNK (none where it goes from the page cache) for each prepared object, at most SEND_AHEAD of them beside the one on the wire.
 * Threads  loop thread only; files are read on the loop's pool.
 * Files    a transcoded copy is an unlinked file in DIR/spool: it dies with its descriptor.
 */
#ifndef PACS_SEND_SEND_H
#define PACS_SEND_SEND_H

#include "pacs/dicom/recipe.h"
#include "pacs/net/conn.h"
#include "pacs/xcode/xcode.h"

enum {
	SEND_CHUNK = 256 << 10, SEND_AHEAD = 4,
	SEND_FILE_CHUNK = 8 * (BOUND_PDU_OUT - 6),       /* from the page cache: eight full PDUs. It takes no memory, and each is a way to the pool and back */
};

struct send_object {
	uint64_t oid, size, dataset_at;
	uint64_t changed;                            /* its row in the index when its patient was updated or merged: goes out corrected; 0 as kept */
	struct uid sop_class, sop_instance, ts;      /* as stored */
	uint16_t priority;                           /* DIMSE: 0 medium, 1 high, 2 low */
	char move_originator[BOUND_AET + 1];         /* "" unless a C-MOVE caused it */
	uint16_t move_originator_id;
};

struct send_result {
	enum err err;                /* ERR_OK: the peer answered, see status. ERR_UNSUPPORTED: no context that fits;
	                              * ERR_CLOSED: the association ended first; ERR_NOT_FOUND, ERR_IO: our file;
	                              * ERR_CANCELLED: sender_cancel(), sender_free(); others: the transcoder's */
	uint16_t status;             /* of the C-STORE-RSP; valid with ERR_OK */
	char comment[321];           /* the peer's error comment, or what went wrong here */
	const struct ts *ts;         /* sent in; NULL when nothing was sent */
	uint64_t bytes;              /* of data set sent */
	struct uid sop_instance;     /* that was sent: another one than the object's when it was compressed lossily */
};

struct send_options {
	const char *dir;             /* data folder; copied */
	struct xcode *xcode;         /* NULL: never transcode */
	struct recipe wish;          /* how objects shall be encoded, where the peer takes it and send_wished() says so; ts NULL: as stored */
	/* Asked before each piece of `bytes`: 0 = go (and count them), else ask again after so many ms. May be NULL. */
	unsigned (*wait_ms)(void *arg, size_t bytes);
	void *arg;
};

struct sender;

enum err sender_new(struct loop *l, struct conn *c, const struct send_options *o, struct sender **out) MUST_USE;
/* Open objects get done() with ERR_CANCELLED before this returns; a message half on the wire leaves the
 * association unusable, so then it is aborted. May be called inside done(). */
void     sender_free(struct sender **s);

/* Copies *o. done comes once, later, never inside this call. ERR_BUSY: sender_has_room() was false. ERR_CLOSED, ERR_NOMEM. */
enum err sender_send(struct sender *s, const struct send_object *o, void (*done)(void *arg, const struct send_result *r), void *arg) MUST_USE;
bool     sender_has_room(const struct sender *s);        /* true again at the latest when a done() comes */
unsigned sender_open_count(const struct sender *s);      /* given and not yet done */

/* Objects whose message has not begun get done() with ERR_CANCELLED; those on the wire go on to their answer. */
void     sender_cancel(struct sender *s);

/* The conn's owner passes on what its handlers hear. */
bool     sender_response(struct sender *s, const struct dimse *rsp);     /* true: it answered one of ours */
void     sender_writable(struct sender *s);
void     sender_closed(struct sender *s);                /* the conn is gone: every open object gets ERR_CLOSED */

/* ---- how to encode ---- */
/* The syntax that an object stored as `stored` shall be sent in by this wish; NULL: as it is. What may be lossy already, and what
 * is no reversible syntax that we decode, stays. */
const struct ts *send_wished(const struct recipe *wish, const struct ts *stored);

/* ---- what to propose ---- */
struct send_kind { struct uid sop_class, ts; };
/* One context for each stored (class, syntax), and for each class one with explicit and implicit LE, so that a
 * peer that refuses the compressed one leaves a way to transcode. Without offer_stored: only the latter.
 * *covered kinds, the first ones, fit into BOUND_CONTEXTS; the rest need another association. In the arena. */
enum err send_contexts(struct arena *a, const struct send_kind *kinds, size_t n, bool offer_stored,
                       struct negotiate_context **out, unsigned *count, size_t *covered) MUST_USE;

#endif
