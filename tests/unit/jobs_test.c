/* The states of a job: the table walked in full, and the back-off. */
#include "tests/lib/t.h"

#include "db/job_state.h"

/* What each event does in each state: Q R W H S C, '.' = stays; then the action of the cells that move. */
static const struct { enum job_event ev; const char *next; enum job_action action; } rows[] = {
	/*                  Q R W H S C */
	{ JOB_CLAIM,       "R.....", JOB_NOTHING },
	{ JOB_GIVE_BACK,   ".Q....", JOB_NOTHING },
	{ JOB_DELIVERED,   "SSSS..", JOB_NOTE },
	{ JOB_FAILED,      ".W....", JOB_BACK_OFF },
	{ JOB_REFUSED,     ".H....", JOB_NOTE },
	{ JOB_DUE,         "..Q...", JOB_NOTHING },
	{ JOB_HOLD,        "HHH...", JOB_NOTE },
	{ JOB_RELEASE,     "..QQ..", JOB_CLEAR },
	{ JOB_CONFIRM,     "....C.", JOB_NOTE },
	{ JOB_LOST,        "....W.", JOB_BACK_OFF },
	{ JOB_DENIED,      "....H.", JOB_NOTE },
};
_Static_assert(NELEM(rows) == JOB_EVENT_COUNT, "every event has its row");

TEST(table, "each event moves each state as written, and late events change nothing")
{
	for (size_t i = 0; i < NELEM(rows); i++)
		for (unsigned s = 0; s < JOB_STATE_COUNT; s++) {
			char want = rows[i].next[s];
			struct job_step step = job_state_step((enum job_state)s, rows[i].ev);
			char got = step.next == s ? '.' : "QRWHSC"[step.next];
			if (got != want || step.action != (want == '.' ? JOB_NOTHING : rows[i].action))
				T_FAIL("%s in %s: got %c action %d, wanted %c", job_event_name(rows[i].ev), job_state_name((enum job_state)s), got, (int)step.action, want);
		}
}

TEST(no_loss, "only a delivery leads out of the open states")
{
	for (unsigned ev = 0; ev < JOB_EVENT_COUNT; ev++)
		for (unsigned s = 0; s < JOB_STATE_COUNT; s++)
			if (job_state_is_open((enum job_state)s) && !job_state_is_open(job_state_step((enum job_state)s, (enum job_event)ev).next))
				CHECK_INT(ev, JOB_DELIVERED);
}

/* work_apply_all() takes the states in order: what an event moved must not be moved again by it. */
TEST(once, "no event moves a job into a later state that it moves on from")
{
	for (unsigned ev = 0; ev < JOB_EVENT_COUNT; ev++)
		for (unsigned s = 0; s < JOB_STATE_COUNT; s++) {
			enum job_state next = job_state_step((enum job_state)s, (enum job_event)ev).next;
			if (next != s)
				CHECK_INT(job_state_step(next, (enum job_event)ev).next, next);
		}
}

TEST(names, "names are read back, others are not")
{
	enum job_state s;
	for (unsigned i = 0; i < JOB_STATE_COUNT; i++) {
		CHECK(job_state_parse(job_state_name((enum job_state)i), &s));
		CHECK_INT(s, i);
	}
	CHECK(!job_state_parse("lost", &s));
	CHECK_STR(job_state_name(JOB_STATE_COUNT), "unknown");
}

TEST(doubling, "the wait doubles from the minimum and stops at the maximum")
{
	static const unsigned want_s[] = { 5, 10, 20, 40, 60, 60, 60 };
	for (unsigned i = 0; i < NELEM(want_s); i++) {
		CHECK_INT(job_back_off_ms(i + 1, 5, 60, UINT32_MAX), want_s[i] * 1000);
		CHECK_INT(job_back_off_ms(i + 1, 5, 60, 0), want_s[i] * 500);
	}
}

TEST(cap, "no wait is over ten minutes, however often it failed and whatever is configured")
{
	CHECK_INT(job_back_off_ms(1000000, 5, 86400, UINT32_MAX), 600000);
	CHECK_INT(job_back_off_ms(1, 86400, 86400, UINT32_MAX), 600000);
	CHECK(job_back_off_ms(1, 0, 0, 0) == 0 || job_back_off_ms(1, 0, 0, UINT32_MAX) <= 1000);
}

int main(void)
{
	RUN(table);
	RUN(no_loss);
	RUN(once);
	RUN(names);
	RUN(doubling);
	RUN(cap);
	return t_done();
}
