/* errand - small DIMSE-N requests to a node, one after another, over an association that is opened when there is one.
 *
 * Each node has an agent for each class of errands, with an association of its own (the classes negotiate different roles):
 *
 *   idle --something is due (work.db)--> connecting --> open: request, answer, next --> lingering --> released
 *     ^                                     |             |
 *     '------------- the end is told -------'-------------'
 *
 * What is due, its own back-off and its end stand in work.db; an agent holds one errand, and after associations that failed it
 * waits (backing off) before it fetches another; a kill costs at most a repetition. A class says how its next errand is found and what its end means (both on the work thread).
 *
 * Threads  loop thread; next() and ended() of the classes: work thread.
 */
#ifndef ROUTER_ERRAND_H
#define ROUTER_ERRAND_H

#include "pacs/dicom/dataset.h"
#include "pacs/net/conn.h"
#include "router/router.h"

enum errand_kind { ERRAND_ASK, ERRAND_REPORT, ERRAND_NOTIFY, ERRAND_KIND_COUNT };

struct errand {
	int64_t id;                      /* the class's own */
	uint16_t field, type;            /* DIMSE_N_...; Action or Event Type ID, 0 for N-CREATE */
	struct uid sop_instance;
	struct buf data;                 /* explicit VR little endian; owned */
};

enum errand_end_kind {
	ERRAND_ANSWERED,                 /* see status */
	ERRAND_UNSENT,                   /* no association, or it ended before the request left */
	ERRAND_UNANSWERED,               /* it left, and no answer came */
	ERRAND_UNOFFERED,                /* the node does not accept the class's context */
};
struct errand_end { enum errand_end_kind kind; uint16_t status; char why[161]; };

/* What a class's functions get, on the work thread. */
struct errand_place {
	struct work *w;
	struct index_reader *ix;
	const struct conf *conf;
	const struct conf_node *node;
	int64_t now_ms;
	uint32_t random;
};

struct errand_agent;
struct errand_class {
	const char *name;                /* for the log */
	const char *sop_class;
	bool is_scp;                     /* we play the SCP on an association that we open (PS3.7 D.3.3.4) */
	unsigned linger_ms;              /* an idle association is kept so long */
	/* The next one for the node, in a transaction. out->data is initialised. ERR_END: none, *next_ms when to ask again (0: when woken). */
	enum err (*next)(const struct errand_place *p, struct errand *out, int64_t *next_ms, struct why *why);
	enum err (*ended)(const struct errand_place *p, const struct errand *e, const struct errand_end *end, struct why *why);
	/* Loop thread. A request came on the association, with its whole data set; answered by errand_respond(). NULL: none may come. */
	void (*request)(struct errand_agent *a, uint8_t context_id, const struct dimse *rq, enum ds_encoding enc, struct bytes data);
};
extern const struct errand_class errand_ask, errand_report, errand_notify;

enum err errands_start(struct router *r, struct why *why) MUST_USE;
/* Ends all associations; quiet() comes on the loop when they are gone. */
void     errands_stop(struct router *r, void (*quiet)(struct router *r));
void     errands_fini(struct router *r);                 /* when the loop has ended */
void     errands_reload(struct router *r);               /* r->conf has changed */
/* There may be something new for this node (NULL: any). */
void     errands_wake(struct router *r, enum errand_kind kind, const char *node);

/* A person says now: forgets the back-off. name NULL: of all. */
void     errands_hurry(struct router *r, const char *node);

/* ---- for the classes ---- */
struct router *errand_router(const struct errand_agent *a);
const struct conf_node *errand_node(const struct errand_agent *a);
/* To answer later: what to keep, and the answer if that association is still there. */
struct errand_token { char node[33]; enum errand_kind kind; uint64_t conn; uint8_t context_id; struct dimse rq; };
struct errand_token errand_token(const struct errand_agent *a, uint8_t context_id, const struct dimse *rq);
void     errand_respond(struct router *r, const struct errand_token *t, uint16_t status, const char *comment);

#endif
