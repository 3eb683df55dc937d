/* work - work.db: the jobs of the router, its cursor in the arrivals, and (db/items.h) the reading work.
 *
 * One writer, the router's work thread. Everybody else reads (work_reader).
 *
 * Invariant 5  The jobs of an arrival and the cursor behind it are committed in one transaction, synchronous=FULL.
 * Invariant 6  No row of a job that is still to be done is ever deleted, by count or by age. (One that would send an
 *              image back to where it came from was never to be done: see work_set_nodes.)
 *
 * A job's key is (kind, instance, destination): putting it in twice changes nothing, whatever its state.
 * Every change of a state goes through the table of db/job_state.h.
 */
#ifndef DB_WORK_H
#define DB_WORK_H

#include "db/index.h"
#include "db/job_state.h"

struct sqlite3;
struct work;

/* Kept on disk. A notify job is of a study: its instance is the number of a study event (db/study_event.h). */
enum job_kind { JOB_FORWARD = 1, JOB_COMPRESS = 2, JOB_NOTIFY = 3, JOB_MPPS = 7 };
const char *job_kind_name(enum job_kind k);

/* Why a job is HELD, for what may release it. */
enum job_hold { HOLD_NONE, HOLD_REFUSED, HOLD_NO_NODE, HOLD_PERSON };

/* How it stands with the storage commitment of a job (db/commit_user.h). */
enum job_confirm { CONFIRM_NOT_WANTED, CONFIRM_WANTED, CONFIRM_ASKED, CONFIRM_SENT_AGAIN };
const char *job_confirm_name(enum job_confirm c);        /* "", "wanted", "asked", "sent again" */

struct work_job {
	int64_t id;
	enum job_kind kind;
	enum job_state state;
	enum job_hold hold;
	bool is_blocked;             /* behind the compression of its image */
	uint64_t instance, size;     /* row in the index (mpps: of mpps_message); bytes when it arrived */
	struct uid sop_instance, study;
	char to[33];                 /* forward, notify: node name; compress: codec */
	char source[BOUND_AET + 1];  /* who sent it here */
	unsigned priority, tries;
	int64_t created_ms, changed_ms, until_ms;
	char why[161];
	enum job_confirm confirm;    /* read only */
};

/* ---- the writer ---- */
/* Creates or migrates. ERR_VERSION, ERR_MISMATCH: not ours to touch. ERR_BUSY: another router has DIR. */
enum err work_open(const char *dir, struct work **out, struct why *why) MUST_USE;
void     work_close(struct work **w);
struct sqlite3 *work_db(struct work *w);         /* for db/items; lent */
/* Outside a transaction, now and then: keeps the log short. */
void     work_checkpoint(struct work *w);

enum err work_begin(struct work *w, struct why *why) MUST_USE;
enum err work_commit(struct work *w, struct why *why) MUST_USE;          /* synced */
void     work_rollback(struct work *w);
/* A part of a transaction that can fail alone. */
enum err work_mark(struct work *w, struct why *why) MUST_USE;
enum err work_release(struct work *w, struct why *why) MUST_USE;         /* keeps what was done since the mark */
void     work_undo(struct work *w);                                      /* takes it back; the mark is gone */

enum err work_cursor(struct work *w, int64_t *seq, struct why *why) MUST_USE;
enum err work_set_cursor(struct work *w, int64_t seq, struct why *why) MUST_USE;

/* Of `j` count: kind, instance, size, sop_instance, study, to, source, priority, is_blocked, created_ms; with hold set it
 * starts HELD with j->why. ERR_EXISTS: it is there, nothing changed. */
enum err work_enqueue(struct work *w, const struct work_job *j, struct why *why) MUST_USE;

/* Takes jobs of a destination in hand (QUEUED -> RUNNING), highest priority first, then oldest; those whose wait is over
 * are queued before. Stops at max jobs, or when max_bytes are passed (one is always given). *next_ms: when nothing more can be
 * claimed now, the earliest end of a wait (0: none). */
enum err work_claim(struct work *w, enum job_kind kind, const char *to, int64_t now_ms, size_t max, uint64_t max_bytes,
                    struct work_job *out, size_t *n, int64_t *next_ms, struct why *why) MUST_USE;

/* One job at most: the oldest that has no older one of the same sop_instance that is still open. So what belongs together goes in
 * order, and one that is held keeps only its own back. While the first of all waits for its next try, nothing is claimed. */
enum err work_claim_in_order(struct work *w, enum job_kind kind, const char *to, int64_t now_ms, struct work_job *out, size_t *n, int64_t *next_ms, struct why *why) MUST_USE;

struct work_event {
	enum job_event event;
	enum job_hold hold;          /* JOB_HOLD, JOB_REFUSED */
	const char *why;             /* NULL: none */
	int64_t now_ms;
	uint64_t wait_ms;            /* JOB_FAILED: 0 = by the job's own count with the three below */
	unsigned retry_min_s, retry_max_s;
	uint32_t random;
};
/* One job. A compression that is no longer in hand or queued unblocks what stands behind it. *after (may be NULL): its
 * state now. ERR_NOT_FOUND. */
enum err work_apply(struct work *w, int64_t id, const struct work_event *ev, enum job_state *after, struct why *why) MUST_USE;
/* A job as it is. ERR_NOT_FOUND. */
enum err work_get(struct work *w, int64_t id, struct work_job *out, struct why *why) MUST_USE;
/* Every job of this destination (NULL: of all) and hold reason (HOLD_NONE: any) that the event moves; *n (may be NULL) counts them. */
enum err work_apply_all(struct work *w, const char *to, enum job_hold only, const struct work_event *ev, unsigned *n, struct why *why) MUST_USE;
/* These are the destinations that are known now. Forward and notify jobs to any other name are held (HOLD_NO_NODE); those held for want
 * of a node that is here are queued, but for images that came from that very node: they are dropped. *n (may be NULL): how many were queued. */
struct work_node { const char *name, *aet; };
enum err work_set_nodes(struct work *w, const struct work_node *nodes, size_t count, int64_t now_ms, unsigned *n, struct why *why) MUST_USE;

/* ---- reading: a connection of its own, for one thread at a time ---- */
struct work_filter {
	const char *state;           /* NULL or "": any that is open; else a name of job_state_name() */
	const char *to;              /* NULL or "": any */
	unsigned limit;
};
struct work_count { enum job_kind kind; char to[33]; enum job_state state; uint64_t n; int64_t oldest_ms; };   /* oldest: 0 unless open */

struct work_reader;
enum err work_reader_open(const char *dir, struct work_reader **out, struct why *why) MUST_USE;  /* ERR_NOT_FOUND: no work.db yet */
void     work_reader_close(struct work_reader **r);
/* Open jobs in the order in which they will be done, finished ones newest first. fn returns false to stop. ERR_USAGE: no such state. */
enum err work_reader_list(struct work_reader *r, const struct work_filter *f, bool (*fn)(void *arg, const struct work_job *j), void *arg, struct why *why) MUST_USE;
enum err work_reader_counts(struct work_reader *r, bool (*fn)(void *arg, const struct work_count *c), void *arg, struct why *why) MUST_USE;
struct sqlite3 *work_reader_db(struct work_reader *r);  /* for db/need, db/commit_*; lent */
enum err work_reader_cursor(struct work_reader *r, int64_t *seq, struct why *why) MUST_USE;

#endif
