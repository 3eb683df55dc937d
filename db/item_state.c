#include "db/item_state.h"

#include <string.h>

static const char *const names[] = {
	[ITEM_NONE] = "", [ITEM_SCHEDULED] = "SCHEDULED", [ITEM_IN_PROGRESS] = "IN PROGRESS", [ITEM_COMPLETED] = "COMPLETED", [ITEM_CANCELED] = "CANCELED",
};
_Static_assert(NELEM(names) == ITEM_STATE_COUNT, "one name per state");

/* PS3.4 table CC.1.1-2, its rows and columns. The last two rows are N-SET (CC.2.6.3). */
static const uint16_t table[ITEM_REQUEST_COUNT][ITEM_STATE_COUNT] = {
	/*                              no such      SCHEDULED        IN PROGRESS      COMPLETED              CANCELED */
	[ITEM_CLAIM] =              { UPS_NO_SUCH, UPS_OK,          UPS_IN_PROGRESS, UPS_FINAL,             UPS_FINAL },
	[ITEM_CLAIM_UNLOCKED] =     { UPS_NO_SUCH, UPS_WRONG_LOCK,  UPS_WRONG_LOCK,  UPS_WRONG_LOCK,        UPS_WRONG_LOCK },
	[ITEM_SCHEDULE] =           { UPS_NO_SUCH, UPS_ONLY_CREATE, UPS_ONLY_CREATE, UPS_ONLY_CREATE,       UPS_ONLY_CREATE },
	[ITEM_COMPLETE] =           { UPS_NO_SUCH, UPS_NOT_STARTED, UPS_OK,          UPS_ALREADY_COMPLETED, UPS_FINAL },
	[ITEM_COMPLETE_UNLOCKED] =  { UPS_NO_SUCH, UPS_WRONG_LOCK,  UPS_WRONG_LOCK,  UPS_WRONG_LOCK,        UPS_WRONG_LOCK },
	[ITEM_CANCEL] =             { UPS_NO_SUCH, UPS_NOT_STARTED, UPS_OK,          UPS_FINAL,             UPS_ALREADY_CANCELED },
	[ITEM_CANCEL_UNLOCKED] =    { UPS_NO_SUCH, UPS_WRONG_LOCK,  UPS_WRONG_LOCK,  UPS_WRONG_LOCK,        UPS_WRONG_LOCK },
	[ITEM_SET] =                { UPS_NO_SUCH, UPS_OK,          UPS_OK,          UPS_FINAL,             UPS_FINAL },
	[ITEM_SET_UNLOCKED] =       { UPS_NO_SUCH, UPS_NOT_STARTED, UPS_WRONG_LOCK,  UPS_FINAL,             UPS_FINAL },
};

static const enum item_state target[ITEM_REQUEST_COUNT] = {
	[ITEM_CLAIM] = ITEM_IN_PROGRESS, [ITEM_COMPLETE] = ITEM_COMPLETED, [ITEM_CANCEL] = ITEM_CANCELED,
};

const char *item_state_name(enum item_state s)
{
	return s < ITEM_STATE_COUNT ? names[s] : "";
}

bool item_state_parse(const char *name, enum item_state *out)
{
	for (unsigned s = ITEM_SCHEDULED; s < ITEM_STATE_COUNT; s++)
		if (strcmp(names[s], name) == 0) {
			*out = (enum item_state)s;
			return true;
		}
	return false;
}

bool item_state_is_final(enum item_state s)
{
	return s == ITEM_COMPLETED || s == ITEM_CANCELED;
}

struct item_step item_state_step(enum item_state now, enum item_request rq)
{
	uint16_t status = table[rq][now];
	bool moves = status == UPS_OK && target[rq] != ITEM_NONE;

	return (struct item_step){ status, moves ? target[rq] : now };
}

enum item_request item_request_of(enum item_state now, enum item_state to, const char *given, const char *lock)
{
	/* An item nobody claimed, and one that the manager cancelled before a claim, has no lock to be wrong about. */
	bool right = given[0] && (lock[0] ? strcmp(given, lock) == 0 : now == ITEM_SCHEDULED);

	switch (to) {
	case ITEM_IN_PROGRESS:
		return given[0] ? ITEM_CLAIM : ITEM_CLAIM_UNLOCKED;
	case ITEM_COMPLETED:
		return right ? ITEM_COMPLETE : ITEM_COMPLETE_UNLOCKED;
	case ITEM_CANCELED:
		return right ? ITEM_CANCEL : ITEM_CANCEL_UNLOCKED;
	case ITEM_SCHEDULED:
	case ITEM_NONE:
	case ITEM_STATE_COUNT:
		break;
	}
	return ITEM_SCHEDULE;
}

enum item_request item_request_set(enum item_state now, const char *given, const char *lock)
{
	if (now == ITEM_SCHEDULED)
		return given[0] ? ITEM_SET_UNLOCKED : ITEM_SET;
	return given[0] && strcmp(given, lock) == 0 ? ITEM_SET : ITEM_SET_UNLOCKED;
}

const char *ups_status_text(uint16_t status)
{
	static const struct { uint16_t status; const char *text; } texts[] = {     /* a table, never changed */
		{ UPS_ALREADY_CANCELED, "already CANCELED" },
		{ UPS_ALREADY_COMPLETED, "already COMPLETED" },
		{ UPS_FINAL, "the item is COMPLETED or CANCELED and no longer changes" },
		{ UPS_WRONG_LOCK, "the right Transaction UID was not given" },
		{ UPS_IN_PROGRESS, "somebody else has claimed the item" },
		{ UPS_ONLY_CREATE, "an item becomes SCHEDULED by its creation only" },
		{ UPS_NOT_FINAL_YET, "what the final state requires is not yet set" },
		{ UPS_NO_SUCH, "no such work item" },
		{ UPS_NOT_STARTED, "the item is not IN PROGRESS" },
	};

	for (size_t i = 0; i < NELEM(texts); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "";
}
