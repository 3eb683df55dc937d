/* commit_user - what the far ends shall confirm by storage commitment: the user's (SCU's) side of it in work.db.
 *
 *   forward job SENT --commit_want()--> wanted --commit_next()--> in a request --commit_result()--> CONFIRMED
 *                                         ^                            |
 *                                         '-- no answer, ask again ----'--> sent again, held
 *
 * Invariant  A job whose confirmation is wanted has a row in commit_item from the transaction that made it SENT until the one
 *            that makes it CONFIRMED, or the one in which it is found that its node does not confirm (`commit = auto`).
 *            So "no commit_item" is what may be trusted before a local copy goes (db/need.h).
 * Invariant  A request and its objects are on disk before it is asked.
 *
 * Only results of the node that was asked, for a transaction of ours, count. One that comes late (its objects are in a newer
 * request) or twice still confirms what it names as committed; only a failure must name the request its object is in.
 *
 * Threads  the one that writes work.db, inside its transaction.
 */
#ifndef DB_COMMIT_USER_H
#define DB_COMMIT_USER_H

#include "db/commit_state.h"
#include "db/work.h"

enum {
	COMMIT_BATCH = 500,              /* objects of one request: its answer is one data set of 70 kB */
	COMMIT_GATHER_MS = 2000,         /* after a delivery others follow: they share a request */
	COMMIT_ACTION_MS = 120000,       /* an N-ACTION unanswered for so long will not be */
	COMMIT_REFUSED_MS = 24 * 3600 * 1000,    /* `auto`: a node that does not confirm is asked again after a day */
};

/* The forward job j is SENT and shall be confirmed. With is_auto nothing is wanted of a node that lately refused. */
enum err commit_want(struct work *w, const struct work_job *j, bool is_auto, int64_t now_ms, struct why *why) MUST_USE;
/* Evidence for an object whose job may be long forgotten (db/need.h): as if it had been sent to the node a moment ago.
 * Nothing is sent unless the node says that it does not have it. ERR_EXISTS: a job for it is open, or confirmation is wanted already. */
enum err commit_ask_for(struct work *w, const struct index_instance *what, const char *to, int64_t now_ms, struct why *why) MUST_USE;

struct commit_object { int64_t job; uint64_t instance; struct uid sop_instance; };
struct commit_request {
	int64_t id;
	struct uid transaction;
	size_t count;
	struct commit_object objects[COMMIT_BATCH];
};
/* The next request for this node, made and in ASKING. ERR_END: nothing to ask now; *next_ms when there may be (0: not by itself).
 * Requests without a result in time are given up here, and their objects asked for anew. */
enum err commit_next(struct work *w, const char *to, int64_t now_ms, struct commit_request *out, int64_t *next_ms, struct why *why) MUST_USE;
/* The index has lost this object: it cannot be asked for. */
enum err commit_forget(struct work *w, int64_t job, struct why *why) MUST_USE;

/* How asking ended. */
struct commit_asked {
	bool is_accepted;                /* 0000 */
	bool was_sent;                   /* else its Transaction UID may be used up */
	const char *why;                 /* of a failure */
	unsigned answer_s;               /* how long to wait for the result */
	unsigned retry_min_s, retry_max_s;
	uint32_t random;
	int64_t now_ms;
};
enum err commit_asked(struct work *w, const char *to, int64_t request, const struct commit_asked *how, struct why *why) MUST_USE;
/* Nothing is wanted of this node any more (`commit = no`): its jobs stay SENT. *n counts them. */
enum err commit_drop(struct work *w, const char *to, int64_t now_ms, unsigned *n, struct why *why) MUST_USE;
/* The node does not offer storage commitment and need not (`auto`): its jobs stay SENT, nothing is wanted of it any more. *n counts them. */
enum err commit_refused(struct work *w, const char *to, int64_t now_ms, const char *words, unsigned *n, struct why *why) MUST_USE;

/* ---- results ---- */
struct commit_tally { unsigned confirmed, again, held, unmentioned; };
struct commit_said { const char *sop_instance; uint16_t reason; };       /* reason 0: committed */
struct commit_result {
	const char *transaction, *to;    /* `to`: the node that says it */
	const struct commit_said *said;
	size_t count;
	int64_t now_ms;
	unsigned answer_s, retry_min_s, retry_max_s;
	uint32_t random;
};
/* ERR_NOT_FOUND: no such transaction with this node. */
enum err commit_result(struct work *w, const struct commit_result *r, struct commit_tally *out, struct why *why) MUST_USE;

/* At start: nobody is asking. */
enum err commit_recover(struct work *w, int64_t now_ms, struct why *why) MUST_USE;
/* A person says now: back-offs end, refusals are forgotten. NULL: of all nodes. */
enum err commit_hurry(struct work *w, const char *to, struct why *why) MUST_USE;

/* ---- reading ---- */
struct commit_request_row { struct uid transaction; char to[33]; enum commit_request_state state; unsigned objects; int64_t created_ms, until_ms; };
struct commit_node_row { char to[33]; uint64_t wanted, asked, sending; unsigned tries; int64_t until_ms, refused_ms; char why[161]; };
/* Newest first. fn returns false to stop. */
enum err commit_request_list(struct work_reader *r, unsigned limit, bool (*fn)(void *arg, const struct commit_request_row *row), void *arg, struct why *why) MUST_USE;
enum err commit_node_list(struct work_reader *r, bool (*fn)(void *arg, const struct commit_node_row *row), void *arg, struct why *why) MUST_USE;

#endif
