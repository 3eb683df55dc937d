/* fsm - the state machine of PS3.8 section 9.2, as its table 9-10. Pure.
 *
 *   STA1 idle        STA2 transport open, await RQ      STA3 await local answer     STA4 await transport connect
 *   STA5 await AC/RJ STA6 data transfer                 STA7 await RELEASE-RP       STA8 await local release answer
 *   STA9 collision, requestor, await local answer       STA10 collision, acceptor, await RP
 *   STA11 collision, requestor, await RP                STA12 collision, acceptor, await local answer
 *   STA13 await transport close
 */
#ifndef PACS_UL_FSM_H
#define PACS_UL_FSM_H

#include "pacs/base/err.h"

enum fsm_state { STA_NONE, STA1, STA2, STA3, STA4, STA5, STA6, STA7, STA8, STA9, STA10, STA11, STA12, STA13, STA_COUNT };

enum fsm_event {
	EV_NONE,
	EV_ASSOCIATE_LOCAL, EV_CONNECTED, EV_ASSOCIATE_AC, EV_ASSOCIATE_RJ, EV_CONNECTION, EV_ASSOCIATE_RQ, EV_ACCEPT_LOCAL,
	EV_REJECT_LOCAL, EV_DATA_LOCAL, EV_DATA, EV_RELEASE_LOCAL, EV_RELEASE_RQ, EV_RELEASE_RP, EV_RELEASE_ANSWER_LOCAL, EV_ABORT_LOCAL,
	EV_ABORT, EV_CLOSED, EV_ARTIM, EV_INVALID,
	EV_COUNT                 /* events 1 to 19 of the standard, in its order */
};

enum fsm_action {
	NO_ACTION,
	AE_1, AE_2, AE_3, AE_4, AE_5, AE_6, AE_7, AE_8, DT_1, DT_2,
	AR_1, AR_2, AR_3, AR_4, AR_5, AR_6, AR_7, AR_8, AR_9, AR_10,
	AA_1, AA_2, AA_3, AA_4, AA_5, AA_6, AA_7, AA_8,
	ACTION_COUNT
};

/* The cell of the table; *next is the state after it (AR-8 needs the role). NO_ACTION: the event cannot happen in this
 * state (our bug if it does), *next = state. */
enum fsm_action fsm_step(enum fsm_state state, enum fsm_event event, bool is_requestor, enum fsm_state *next);
const char *fsm_event_name(enum fsm_event e);

#endif
