/* jobs - the engine between work.db and those who do the work (send, compress): claiming and reporting.
 *
 * A claimed job is a lease: whoever has it reports exactly one event for it. A report that could not be committed (disk
 * full) is kept and tried again each second, so no lease is lost while the program runs; after a crash the next start
 * gives all of them back.
 *
 * Threads  loop thread; the database work goes through work_thread.
 */
#ifndef ROUTER_JOBS_H
#define ROUTER_JOBS_H

#include "pacs/send/send.h"
#include "router/router.h"

enum { JOBS_CLAIM_MAX = 64 };

struct jobs_claimed {
	size_t n;
	struct work_job job[JOBS_CLAIM_MAX];
	struct index_instance what[JOBS_CLAIM_MAX];      /* as the index has it at this moment */
	int64_t next_ms;             /* n = 0: when to ask again, 0 = when somebody says so */
};

enum err jobs_start(struct router *r, struct why *why) MUST_USE;
void     jobs_stop(struct router *r);

/* max <= JOBS_CLAIM_MAX. done() comes once on the loop; *c is lent. A job whose image the index has lost is held and left out. */
enum err jobs_claim(struct router *r, enum job_kind kind, const char *to, size_t max, uint64_t max_bytes,
                    void (*done)(void *arg, enum err e, const struct jobs_claimed *c), void *arg) MUST_USE;

/* `why` is copied; may be NULL. saved() (may be NULL) comes on the loop when the event is on disk. */
void     jobs_report(struct router *r, int64_t id, enum job_event ev, const char *why, void (*saved)(struct router *r));

/* For back-off; nothing depends on it being hard to guess. */
uint32_t jobs_random(void);

/* ---- what the answer to a C-STORE means for the job and for its destination (PS3.4 B.2.3, PS3.7 annex C). Pure: judge.c. ---- */
struct jobs_verdict {
	enum job_event event;
	bool is_full;                /* the far end has no room: all its jobs better wait */
	char why[161];               /* "" nothing to say */
};
/* has_closed: the association ended before the answer. */
struct jobs_verdict jobs_judge(const struct send_result *res, bool has_closed);

#endif
