/* job_state - the states of a job and what moves it (design section 7). Pure.
 *
 *                 .------------ given back -------------.
 *                 v                                     |
 *   (new) ---> QUEUED --- claimed ---------------> RUNNING --- delivered ---> SENT --- confirmed ---> CONFIRMED
 *                 ^  ^                               |  |
 *                 |  '--- due --- WAITING <--- failed'  '--- refused ---> HELD
 *                 |                                                         |
 *                 '------------------------ released -----------------------'
 *
 *   SENT --- lost ---> WAITING      the far end, asked to confirm, does not have it (whole): it is sent again
 *   SENT --- denied ---> HELD       ... will never confirm it, or has been sent it too often
 *
 * QUEUED      may be claimed, unless it is blocked by a compression of the same image.
 * RUNNING     a lease: the router has it in hand. After a restart nobody has, so it is given back.
 * WAITING     failed for a reason that passes; not before until_ms.
 * HELD        a person (or a changed configuration) must act; the row says why.
 * SENT        done: the far end answered success, or the work was done here. Where storage commitment is wanted
 *             (db/commit_user.h) it is still to be confirmed; only the far end's result leads out of SENT.
 * CONFIRMED   the far end has confirmed that it keeps the object. Nothing leads out.
 *
 * An answer may come late: a job that a person held while it was in hand is SENT when the far end says so.
 */
#ifndef DB_JOB_STATE_H
#define DB_JOB_STATE_H

#include "pacs/base/err.h"

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_WAITING, JOB_HELD, JOB_SENT, JOB_CONFIRMED, JOB_STATE_COUNT };

enum job_event {
	JOB_CLAIM,           /* the engine takes it in hand */
	JOB_GIVE_BACK,       /* it was not tried: the association went away before, the program stops or has restarted */
	JOB_DELIVERED,
	JOB_FAILED,          /* for a reason that passes: wait and try again */
	JOB_REFUSED,         /* for a reason that does not pass by itself */
	JOB_DUE,             /* the wait is over */
	JOB_HOLD,            /* a person holds it, or its destination is not known */
	JOB_RELEASE,         /* a person says try now, or its destination is known now */
	JOB_CONFIRM,         /* storage commitment: the far end keeps it */
	JOB_LOST,            /* ... it does not, and may have it again */
	JOB_DENIED,          /* ... it does not, and a person must look */
	JOB_EVENT_COUNT
};

/* What happens to the row besides its state. */
enum job_action {
	JOB_NOTHING,
	JOB_NOTE,            /* keeps the words that came with the event; no more waiting */
	JOB_BACK_OFF,        /* ... counts a try and sets until_ms */
	JOB_CLEAR,           /* forgets words, tries and wait */
};
struct job_step { enum job_state next; enum job_action action; };
struct job_step job_state_step(enum job_state now, enum job_event ev);

/* "queued", ... ; never NULL. */
const char *job_state_name(enum job_state s);
bool        job_state_parse(const char *name, enum job_state *out);
const char *job_event_name(enum job_event ev);
/* Neither SENT nor CONFIRMED: still to be done. */
bool        job_state_is_open(enum job_state s);

/* How long to wait after the tries-th failure in a row (1 = the first): min doubled for each, at most max and at
 * most JOB_BACK_OFF_MAX_S, then between half of that and all of it by `random`, so that many do not come back together. */
enum { JOB_BACK_OFF_MAX_S = 600 };
uint64_t job_back_off_ms(unsigned tries, unsigned min_s, unsigned max_s, uint32_t random);

#endif
