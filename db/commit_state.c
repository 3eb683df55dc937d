#include "db/commit_state.h"

#define STEP(state, action) { true, { REQUEST_##state, REQUEST_##action } }
/* A cell left out: the event comes late or in vain; nothing happens. */
static const struct { bool is_set; struct commit_request_step step; } requests[REQUEST_EVENT_COUNT][REQUEST_STATE_COUNT] = {
	[REQUEST_ACCEPTED] = { [REQUEST_ASKING] = STEP(ASKED, WAIT) },
	[REQUEST_FAILED]   = { [REQUEST_ASKING] = STEP(OVER, ASK_ANEW) },
	[REQUEST_LATE]     = { [REQUEST_ASKING] = STEP(OVER, ASK_ANEW), [REQUEST_ASKED] = STEP(OVER, ASK_ANEW) },
	[REQUEST_RESULT]   = { [REQUEST_ASKING] = STEP(OVER, JUDGE), [REQUEST_ASKED] = STEP(OVER, JUDGE), [REQUEST_OVER] = STEP(OVER, JUDGE) },
};
#undef STEP

struct commit_request_step commit_request_step(enum commit_request_state now, enum commit_request_event ev)
{
	return requests[ev][now].is_set ? requests[ev][now].step : (struct commit_request_step){ now, REQUEST_NOTHING };
}

#define STEP(state, wait) { true, { DUTY_##state, wait } }
static const struct { bool is_set; struct commit_duty_step step; } duties[DUTY_EVENT_COUNT][DUTY_STATE_COUNT] = {
	[DUTY_CHECK_DONE]    = { [DUTY_UNCHECKED] = STEP(CHECKED, false) },
	[DUTY_REPORT_DONE]   = { [DUTY_CHECKED] = STEP(REPORTED, false) },
	[DUTY_REPORT_FAILED] = { [DUTY_CHECKED] = STEP(CHECKED, true) },
	[DUTY_ASKED_AGAIN]   = { [DUTY_REPORTED] = STEP(UNCHECKED, false) },
};
#undef STEP

struct commit_duty_step commit_duty_step(enum commit_duty_state now, enum commit_duty_event ev)
{
	return duties[ev][now].is_set ? duties[ev][now].step : (struct commit_duty_step){ now, false };
}

static const char *const request_names[] = { "asking", "asked", "over" };
_Static_assert(NELEM(request_names) == REQUEST_STATE_COUNT, "one name per state");
static const char *const duty_names[] = { "unchecked", "checked", "reported" };
_Static_assert(NELEM(duty_names) == DUTY_STATE_COUNT, "one name per state");

const char *commit_request_state_name(enum commit_request_state s)
{
	return (unsigned)s < REQUEST_STATE_COUNT ? request_names[s] : "unknown";
}

const char *commit_duty_state_name(enum commit_duty_state s)
{
	return (unsigned)s < DUTY_STATE_COUNT ? duty_names[s] : "unknown";
}

static const struct { uint16_t reason; enum commit_remedy remedy; const char *text; } reasons[] = {
	/* With 0110 our own nodes say that the kept file is damaged: sending it again repairs it. */
	{ COMMIT_PROCESSING_FAILURE,    COMMIT_SEND_AGAIN, "processing failure" },
	{ COMMIT_NO_SUCH_INSTANCE,      COMMIT_SEND_AGAIN, "no such object instance" },
	{ COMMIT_CLASS_CONFLICT,        COMMIT_HOLD,       "class/instance conflict" },
	{ COMMIT_CLASS_UNSUPPORTED,     COMMIT_HOLD,       "SOP class not supported" },
	{ COMMIT_DUPLICATE_TRANSACTION, COMMIT_ASK_AGAIN,  "duplicate transaction UID" },
	{ COMMIT_NO_RESOURCES,          COMMIT_ASK_AGAIN,  "resource limitation" },
};

enum commit_remedy commit_remedy(uint16_t reason)
{
	for (unsigned i = 0; i < NELEM(reasons); i++)
		if (reasons[i].reason == reason)
			return reasons[i].remedy;
	return COMMIT_SEND_AGAIN;
}

const char *commit_reason_text(uint16_t reason)
{
	for (unsigned i = 0; i < NELEM(reasons); i++)
		if (reasons[i].reason == reason)
			return reasons[i].text;
	return reason ? "a reason that the standard does not know" : "committed";
}
