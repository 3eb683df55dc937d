#include "pacs/ul/fsm.h"

/* PS3.8 table 9-10. A cell left out means the event cannot happen there. AR-8's next state is decided in fsm_step(). */
#define EACH_FROM_7(cell) [STA7] = cell, [STA8] = cell, [STA9] = cell, [STA10] = cell, [STA11] = cell, [STA12] = cell
#define EACH_FROM_8(cell) [STA8] = cell, [STA9] = cell, [STA10] = cell, [STA11] = cell, [STA12] = cell
#define CELL(action, state) { action, state }
static const struct cell { uint8_t action, next; } table[EV_COUNT][STA_COUNT] = {
	[EV_ASSOCIATE_LOCAL] = { [STA1] = CELL(AE_1, STA4) },
	[EV_CONNECTED] = { [STA4] = CELL(AE_2, STA5) },
	[EV_ASSOCIATE_AC] = { [STA2] = CELL(AA_1, STA13), [STA3] = CELL(AA_8, STA13), [STA5] = CELL(AE_3, STA6), [STA6] = CELL(AA_8, STA13),
		EACH_FROM_7(CELL(AA_8, STA13)), [STA13] = CELL(AA_6, STA13) },
	[EV_ASSOCIATE_RJ] = { [STA2] = CELL(AA_1, STA13), [STA3] = CELL(AA_8, STA13), [STA5] = CELL(AE_4, STA1), [STA6] = CELL(AA_8, STA13),
		EACH_FROM_7(CELL(AA_8, STA13)), [STA13] = CELL(AA_6, STA13) },
	[EV_CONNECTION] = { [STA1] = CELL(AE_5, STA2) },
	[EV_ASSOCIATE_RQ] = { [STA2] = CELL(AE_6, STA3), [STA3] = CELL(AA_8, STA13), [STA5] = CELL(AA_8, STA13), [STA6] = CELL(AA_8, STA13),
		EACH_FROM_7(CELL(AA_8, STA13)), [STA13] = CELL(AA_7, STA13) },
	[EV_ACCEPT_LOCAL] = { [STA3] = CELL(AE_7, STA6) },
	[EV_REJECT_LOCAL] = { [STA3] = CELL(AE_8, STA13) },
	[EV_DATA_LOCAL] = { [STA6] = CELL(DT_1, STA6), [STA8] = CELL(AR_7, STA8) },
	[EV_DATA] = { [STA2] = CELL(AA_1, STA13), [STA3] = CELL(AA_8, STA13), [STA5] = CELL(AA_8, STA13), [STA6] = CELL(DT_2, STA6),
		[STA7] = CELL(AR_6, STA7), EACH_FROM_8(CELL(AA_8, STA13)), [STA13] = CELL(AA_6, STA13) },
	[EV_RELEASE_LOCAL] = { [STA6] = CELL(AR_1, STA7) },
	[EV_RELEASE_RQ] = { [STA2] = CELL(AA_1, STA13), [STA3] = CELL(AA_8, STA13), [STA5] = CELL(AA_8, STA13), [STA6] = CELL(AR_2, STA8),
		[STA7] = CELL(AR_8, STA9), EACH_FROM_8(CELL(AA_8, STA13)), [STA13] = CELL(AA_6, STA13) },
	[EV_RELEASE_RP] = { [STA2] = CELL(AA_1, STA13), [STA3] = CELL(AA_8, STA13), [STA5] = CELL(AA_8, STA13), [STA6] = CELL(AA_8, STA13),
		[STA7] = CELL(AR_3, STA1), [STA8] = CELL(AA_8, STA13), [STA9] = CELL(AA_8, STA13), [STA10] = CELL(AR_10, STA12),
		[STA11] = CELL(AR_3, STA1), [STA12] = CELL(AA_8, STA13), [STA13] = CELL(AA_6, STA13) },
	[EV_RELEASE_ANSWER_LOCAL] = { [STA8] = CELL(AR_4, STA13), [STA9] = CELL(AR_9, STA11), [STA12] = CELL(AR_4, STA13) },
	[EV_ABORT_LOCAL] = { [STA3] = CELL(AA_1, STA13), [STA4] = CELL(AA_2, STA1), [STA5] = CELL(AA_1, STA13), [STA6] = CELL(AA_1, STA13),
		EACH_FROM_7(CELL(AA_1, STA13)) },
	[EV_ABORT] = { [STA2] = CELL(AA_2, STA1), [STA3] = CELL(AA_3, STA1), [STA5] = CELL(AA_3, STA1), [STA6] = CELL(AA_3, STA1),
		EACH_FROM_7(CELL(AA_3, STA1)), [STA13] = CELL(AA_2, STA1) },
	[EV_CLOSED] = { [STA2] = CELL(AA_5, STA1), [STA3] = CELL(AA_4, STA1), [STA4] = CELL(AA_4, STA1), [STA5] = CELL(AA_4, STA1),
		[STA6] = CELL(AA_4, STA1), EACH_FROM_7(CELL(AA_4, STA1)), [STA13] = CELL(AR_5, STA1) },
	[EV_ARTIM] = { [STA2] = CELL(AA_2, STA1), [STA13] = CELL(AA_2, STA1) },
	[EV_INVALID] = { [STA2] = CELL(AA_1, STA13), [STA3] = CELL(AA_8, STA13), [STA5] = CELL(AA_8, STA13), [STA6] = CELL(AA_8, STA13),
		EACH_FROM_7(CELL(AA_8, STA13)), [STA13] = CELL(AA_7, STA13) },
};

static const char *const event_names[] = {
	"none", "A-ASSOCIATE request", "connected", "A-ASSOCIATE-AC", "A-ASSOCIATE-RJ", "connection", "A-ASSOCIATE-RQ", "accept", "reject",
	"P-DATA request", "P-DATA-TF", "A-RELEASE request", "A-RELEASE-RQ", "A-RELEASE-RP", "A-RELEASE answer", "A-ABORT request",
	"A-ABORT", "transport closed", "ARTIM expired", "invalid PDU",
};
_Static_assert(NELEM(event_names) == EV_COUNT, "one name per event");

enum fsm_action fsm_step(enum fsm_state state, enum fsm_event event, bool is_requestor, enum fsm_state *next)
{
	const struct cell *c = &table[event][state];
	if (c->action == NO_ACTION) {
		*next = state;
		return NO_ACTION;
	}
	*next = (enum fsm_state)c->next;
	if (c->action == AR_8 && !is_requestor)
		*next = STA10;
	return (enum fsm_action)c->action;
}

const char *fsm_event_name(enum fsm_event e)
{
	return (unsigned)e < EV_COUNT ? event_names[e] : "unknown";
}
