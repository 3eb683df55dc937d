/* item_state - the states of a work item and who may move it where (PS3.4 table CC.1.1-2). Pure.
 *
 *                claim                complete
 *   SCHEDULED ---------> IN PROGRESS ----------> COMPLETED
 *                             |  cancel
 *                             '----------------> CANCELED
 *
 * SCHEDULED    nobody holds the lock; the manager may still change the input.
 * IN PROGRESS  the performer who made the Transaction UID holds the lock and is the only one to change it.
 * final        nothing changes any more. There is no way back to SCHEDULED: the manager issues a new item.
 */
#ifndef DB_ITEM_STATE_H
#define DB_ITEM_STATE_H

#include "pacs/base/err.h"

enum item_state { ITEM_NONE, ITEM_SCHEDULED, ITEM_IN_PROGRESS, ITEM_COMPLETED, ITEM_CANCELED, ITEM_STATE_COUNT };
/* As in (0074,1000): "SCHEDULED", "IN PROGRESS", ...; "" for ITEM_NONE. */
const char *item_state_name(enum item_state s);
bool        item_state_parse(const char *name, enum item_state *out);
bool        item_state_is_final(enum item_state s);

/* What is asked, the lock included. */
enum item_request {
	ITEM_CLAIM,                  /* to IN PROGRESS with a Transaction UID */
	ITEM_CLAIM_UNLOCKED,         /* ... without one */
	ITEM_SCHEDULE,               /* to SCHEDULED */
	ITEM_COMPLETE,               /* to COMPLETED with the lock */
	ITEM_COMPLETE_UNLOCKED,      /* ... with a wrong one or none */
	ITEM_CANCEL,                 /* to CANCELED with the lock */
	ITEM_CANCEL_UNLOCKED,
	ITEM_SET,                    /* N-SET with the lock (while SCHEDULED: without any) */
	ITEM_SET_UNLOCKED,           /* ... with a wrong one or none (while SCHEDULED: with one, so of somebody who believes to have claimed) */
	ITEM_REQUEST_COUNT
};

enum {
	UPS_OK = 0x0000,
	UPS_ALREADY_CANCELED = 0xB304,
	UPS_ALREADY_COMPLETED = 0xB306,
	UPS_FINAL = 0xC300,          /* may no longer be updated */
	UPS_WRONG_LOCK = 0xC301,     /* the correct Transaction UID was not provided */
	UPS_IN_PROGRESS = 0xC302,    /* already IN PROGRESS */
	UPS_ONLY_CREATE = 0xC303,    /* may become SCHEDULED through N-CREATE only */
	UPS_NOT_FINAL_YET = 0xC304,  /* the requirements of the final state are not met */
	UPS_NO_SUCH = 0xC307,
	UPS_NOT_STARTED = 0xC310,    /* not yet IN PROGRESS */
};

struct item_step {
	uint16_t status;             /* DIMSE status of the answer */
	enum item_state next;        /* where the item stands then; as before unless status is UPS_OK */
};
/* For COMPLETE and CANCEL with UPS_OK the caller must still check the final-state rules (item_attrs.h): UPS_NOT_FINAL_YET. */
struct item_step item_state_step(enum item_state now, enum item_request rq);

/* Which request a change to `to` is, `given` being the Transaction UID that came ("" none) and `lock` the one that holds.
 * While SCHEDULED nothing holds and any Transaction UID counts as right: the answer is then C310, not C301. */
enum item_request item_request_of(enum item_state now, enum item_state to, const char *given, const char *lock);
enum item_request item_request_set(enum item_state now, const char *given, const char *lock);

/* One sentence for the error comment (0000,0902), at most 64 ASCII letters; "" for success. */
const char *ups_status_text(uint16_t status);

#endif
