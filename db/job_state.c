#include "db/job_state.h"

#include <string.h>

static const char *const state_names[] = { "queued", "running", "waiting", "held", "sent", "confirmed" };
_Static_assert(NELEM(state_names) == JOB_STATE_COUNT, "one name per state");

static const char *const event_names[] = { "claim", "give_back", "delivered", "failed", "refused", "due", "hold", "release", "confirm", "lost", "denied" };
_Static_assert(NELEM(event_names) == JOB_EVENT_COUNT, "one name per event");

/* A cell left out: the event comes late or in vain; the job stays where it is and nothing is noted. */
#define STEP(state, action) { true, { JOB_##state, JOB_##action } }
static const struct cell { bool is_set; struct job_step step; } table[JOB_EVENT_COUNT][JOB_STATE_COUNT] = {
	[JOB_CLAIM]     = { [JOB_QUEUED] = STEP(RUNNING, NOTHING) },
	[JOB_GIVE_BACK] = { [JOB_RUNNING] = STEP(QUEUED, NOTHING) },
	[JOB_DELIVERED] = { [JOB_QUEUED] = STEP(SENT, NOTE), [JOB_RUNNING] = STEP(SENT, NOTE), [JOB_WAITING] = STEP(SENT, NOTE), [JOB_HELD] = STEP(SENT, NOTE) },
	[JOB_FAILED]    = { [JOB_RUNNING] = STEP(WAITING, BACK_OFF) },
	[JOB_REFUSED]   = { [JOB_RUNNING] = STEP(HELD, NOTE) },
	[JOB_DUE]       = { [JOB_WAITING] = STEP(QUEUED, NOTHING) },
	[JOB_HOLD]      = { [JOB_QUEUED] = STEP(HELD, NOTE), [JOB_RUNNING] = STEP(HELD, NOTE), [JOB_WAITING] = STEP(HELD, NOTE) },
	[JOB_RELEASE]   = { [JOB_WAITING] = STEP(QUEUED, CLEAR), [JOB_HELD] = STEP(QUEUED, CLEAR) },
	[JOB_CONFIRM]   = { [JOB_SENT] = STEP(CONFIRMED, NOTE) },
	[JOB_LOST]      = { [JOB_SENT] = STEP(WAITING, BACK_OFF) },
	[JOB_DENIED]    = { [JOB_SENT] = STEP(HELD, NOTE) },
};

struct job_step job_state_step(enum job_state now, enum job_event ev)
{
	const struct cell *c = &table[ev][now];
	return c->is_set ? c->step : (struct job_step){ now, JOB_NOTHING };
}

const char *job_state_name(enum job_state s)
{
	return (unsigned)s < JOB_STATE_COUNT ? state_names[s] : "unknown";
}

bool job_state_parse(const char *name, enum job_state *out)
{
	for (unsigned i = 0; i < JOB_STATE_COUNT; i++)
		if (!strcmp(name, state_names[i])) {
			*out = (enum job_state)i;
			return true;
		}
	return false;
}

const char *job_event_name(enum job_event ev)
{
	return (unsigned)ev < JOB_EVENT_COUNT ? event_names[ev] : "unknown";
}

bool job_state_is_open(enum job_state s)
{
	return s != JOB_SENT && s != JOB_CONFIRMED;
}

uint64_t job_back_off_ms(unsigned tries, unsigned min_s, unsigned max_s, uint32_t random)
{
	uint64_t top = max_s > JOB_BACK_OFF_MAX_S ? JOB_BACK_OFF_MAX_S : max_s, wait = min_s ? min_s : 1;
	for (unsigned i = 1; i < tries && wait < top; i++)
		wait *= 2;
	if (wait > top)
		wait = top;
	uint64_t half = wait * 500;
	return half + half * random / UINT32_MAX;
}
