/* commit_state - storage commitment (PS3.4 annex J) as tables: the states of what we ask, of what we are asked, and what
 * each Failure Reason means for an object that we sent. Pure.
 *
 * A request, as user (SCU):
 *
 *   (new) ---> ASKING --- 0000 ---> ASKED --- result ---> OVER
 *                 |                   |                    ^
 *                 '--- no or no answer: late, failed ------'--- result: late or repeated, it counts all the same
 *
 *   ASKING   on disk with its objects, before the N-ACTION leaves: its result may come before the answer to the N-ACTION.
 *   ASKED    the provider has taken it. Not after until_ms: then its objects are asked for anew.
 *   OVER     kept for a while, so that a result that comes late or twice is known. Its objects are done or in a newer request.
 *
 * A duty, as provider (SCP):
 *
 *   (new) ---> UNCHECKED --- checked ---> CHECKED --- reported ---> REPORTED
 *                  ^                      |     ^                      |
 *                  |                      '-----' failed: backs off    |
 *                  '------------------ asked again --------------------'
 *
 *   UNCHECKED  on disk with its references, before the N-ACTION is answered with 0000.
 *   CHECKED    each kept file has been read and hashed; the result is on disk and its event report is owed, without end.
 *   REPORTED   the user has answered the event report. Kept for a while, so that the Transaction UID is known.
 *
 * The same Transaction UID again, with the same references, is the same duty: its user has not heard us. With others it is
 * answered by a result of its own in which every reference failed with 0131.
 */
#ifndef DB_COMMIT_STATE_H
#define DB_COMMIT_STATE_H

#include "pacs/base/err.h"

/* Kept on disk. */
enum commit_request_state { REQUEST_ASKING, REQUEST_ASKED, REQUEST_OVER, REQUEST_STATE_COUNT };
enum commit_request_event {
	REQUEST_ACCEPTED,            /* the N-ACTION was answered 0000 */
	REQUEST_FAILED,              /* ... was not, or with something else */
	REQUEST_LATE,                /* no result in time */
	REQUEST_RESULT,              /* an N-EVENT-REPORT names it */
	REQUEST_EVENT_COUNT
};
enum commit_request_action { REQUEST_NOTHING, REQUEST_WAIT, REQUEST_ASK_ANEW, REQUEST_JUDGE };
struct commit_request_step { enum commit_request_state next; enum commit_request_action action; };
struct commit_request_step commit_request_step(enum commit_request_state now, enum commit_request_event ev);

enum commit_duty_state { DUTY_UNCHECKED, DUTY_CHECKED, DUTY_REPORTED, DUTY_STATE_COUNT };
enum commit_duty_event { DUTY_CHECK_DONE, DUTY_REPORT_DONE, DUTY_REPORT_FAILED, DUTY_ASKED_AGAIN, DUTY_EVENT_COUNT };
struct commit_duty_step { enum commit_duty_state next; bool backs_off; };
struct commit_duty_step commit_duty_step(enum commit_duty_state now, enum commit_duty_event ev);

const char *commit_request_state_name(enum commit_request_state s);      /* "asking", ...; never NULL */
const char *commit_duty_state_name(enum commit_duty_state s);

/* Failure Reason (0008,1197), PS3.3 C.14.1.1. */
enum { COMMIT_GOOD = 0, COMMIT_PROCESSING_FAILURE = 0x0110, COMMIT_NO_SUCH_INSTANCE = 0x0112, COMMIT_CLASS_CONFLICT = 0x0119,
       COMMIT_CLASS_UNSUPPORTED = 0x0122, COMMIT_DUPLICATE_TRANSACTION = 0x0131, COMMIT_NO_RESOURCES = 0x0213 };

/* What a reason that we hear makes of the object. */
enum commit_remedy {
	COMMIT_SEND_AGAIN,           /* the far end does not have it, or not whole; at most COMMIT_RESENDS times, then held */
	COMMIT_ASK_AGAIN,            /* later, with another Transaction UID */
	COMMIT_HOLD,                 /* sending it again would change nothing: a person must look */
};
enum { COMMIT_RESENDS = 3 };
/* An unknown reason: sent again, as a receiver that has it whole has nothing to lose. */
enum commit_remedy commit_remedy(uint16_t reason);
const char *commit_reason_text(uint16_t reason);     /* "no such object instance"; never NULL */

#endif
