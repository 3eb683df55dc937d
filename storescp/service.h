/* service - what every DIMSE service of storescp shares: the server, a session (one association), an
 * operation (one request being served), and the table that says which file serves which request.
 *
 * Threads  everything here is the loop thread's. Work on other threads (readers, ingest) gets copies or
 *          ownership and comes back by loop_post().
 * Lifetime an operation that outlives its association gets gone() once, with op->session then NULL; it
 *          frees itself when its own background work has come back. operation_end() takes it out of
 *          the session's list; the operation then frees its memory.
 */
#ifndef STORESCP_SERVICE_H
#define STORESCP_SERVICE_H

#include <sys/queue.h>

#include "conf/conf.h"
#include "db/query.h"
#include "pacs/net/conn.h"
#include "pacs/store/ingest.h"
#include "pacs/store/spool.h"
#include "pacs/xcode/xcode.h"
#include "storescp/readers.h"
#include "storescp/stored_kinds.h"

struct server {
	struct loop *loop;
	struct conf *conf;               /* the present one; a session that starts work takes its own reference */
	struct spool *spool;
	struct ingest *ingest;
	struct readers *readers;
	struct stored_kinds *kinds;      /* NULL: not known */
	struct xcode *xcode;
	LIST_HEAD(, session) all;        /* open associations */
	unsigned sessions;               /* how many */
	unsigned operations;             /* running, also those whose association is gone */
	uint64_t stored, failed;         /* C-STORE requests since start, for `pacs status` */
	bool stopping;
	void (*on_quiet)(struct server *sv);      /* stopping, and the last session and operation have ended */
};

struct operation;
struct operation_class {
	const char *name;                                        /* "C-FIND" */
	void (*data)(struct operation *op, struct bytes piece, bool is_last);        /* streamed data set of the request; may be NULL */
	void (*cancel)(struct operation *op);                    /* C-CANCEL with its message ID; may be NULL */
	void (*writable)(struct operation *op);                  /* the connection has room again; may be NULL */
	bool (*response)(struct operation *op, const struct dimse *rsp);             /* a response to a request that op sent on this association (C-GET); true = mine; may be NULL */
	void (*gone)(struct operation *op);                      /* the association is no more */
};
struct operation {
	LIST_ENTRY(operation) link;
	const struct operation_class *class;
	struct server *server;
	struct session *session;         /* NULL once the association is gone */
	uint8_t context_id;
	struct dimse rq;
};

struct session {
	LIST_ENTRY(session) link;
	struct server *server;
	struct conn *conn;
	LIST_HEAD(, operation) operations;
	struct operation *receiving;     /* whose data set is arriving; NULL: collected into identifier */
	struct buf identifier;           /* data set of a request that is not streamed; bounded */
	struct dimse pending;            /* that request */
	uint8_t pending_context;
	bool dropping;                   /* the data set on the way is not wanted (already refused) */
	unsigned stored, failed;         /* per association, for the log */
	char calling[BOUND_AET + 1];
	struct query_extended extended[2];               /* negotiated for C-FIND, by enum query_root */
};

/* A service: which request it serves and how it starts. Exactly one of the two is set. */
struct service {
	uint16_t field;
	/* the whole data set has come (empty if none); borrowed for the call */
	void (*start)(struct session *s, uint8_t context_id, const struct dimse *rq, struct bytes data);
	/* data set is streamed to op->class->data; returns NULL after having answered a refusal itself */
	struct operation *(*stream)(struct session *s, uint8_t context_id, const struct dimse *rq);
	/* the abstract syntaxes it serves; NULL: as accept_serves() says */
	bool (*serves)(const char *abstract_syntax);
};
/* One file each: echo.c store.c find.c get.c move.c ups.c; ups.c has four. commitment.h has its own. */
extern const struct service service_echo, service_store, service_find, service_get, service_move;
extern const struct service service_ups_find, service_ups_get, service_ups_set, service_ups_action;
/* C-FIND on UPS contexts goes to service_ups_find: chosen by the context's abstract syntax. */
bool ups_is_sop_class(const char *uid);
/* Modality worklist (mwl.c) and performed procedure steps (mpps.c): each on contexts of its own class. */
extern const struct service service_mwl_find, service_mpps_create, service_mpps_set;

void operation_begin(struct operation *op, const struct operation_class *class, struct session *s, uint8_t context_id, const struct dimse *rq);
void operation_end(struct operation *op);
/* Sends the response to rq with this status and comment (may be NULL); no data set. A closed association is no error. */
void session_respond(struct session *s, uint8_t context_id, const struct dimse *rq, uint16_t status, const char *comment);
/* err -> DIMSE status, the one table. */
uint16_t status_of_err(enum err e);

/* ---- session.c: what main.c puts behind the listener ---- */
struct listener_handlers session_handlers(void);         /* the listener's arg is the struct server */
/* No new work: idle associations are ended at once, busy ones when their operation has been answered. on_quiet follows. */
void server_stop(struct server *sv);
/* Calls on_quiet when stopping and nothing is left. */
void server_check_quiet(struct server *sv);

#endif
