/* The tables of storage commitment, walked in full. */
#include "tests/lib/t.h"

#include "db/commit_state.h"

/* What each event does in each state: A(sking) D (asked) O(ver), '.' = stays with nothing done; then the action where one is. */
static const struct { enum commit_request_event ev; const char *next; enum commit_request_action action; } requests[] = {
	/*                   ADO */
	{ REQUEST_ACCEPTED, "D..", REQUEST_WAIT },
	{ REQUEST_FAILED,   "O..", REQUEST_ASK_ANEW },
	{ REQUEST_LATE,     "OO.", REQUEST_ASK_ANEW },
	{ REQUEST_RESULT,   "OOO", REQUEST_JUDGE },
};
_Static_assert(NELEM(requests) == REQUEST_EVENT_COUNT, "every event has its row");

TEST(request, "each event moves each request as written, late ones change nothing, a late result counts")
{
	for (size_t i = 0; i < NELEM(requests); i++)
		for (unsigned s = 0; s < REQUEST_STATE_COUNT; s++) {
			char want = requests[i].next[s];
			struct commit_request_step step = commit_request_step((enum commit_request_state)s, requests[i].ev);
			if (want == '.') {
				CHECK_INT(step.next, s);
				CHECK_INT(step.action, REQUEST_NOTHING);
			} else if ("ADO"[step.next] != want || step.action != requests[i].action) {
				T_FAIL("event %zu in %s: got %s action %d, wanted %c", i, commit_request_state_name((enum commit_request_state)s),
				       commit_request_state_name(step.next), (int)step.action, want);
			}
		}
}

static const struct { enum commit_duty_event ev; const char *next; const char *waits; } duties[] = {
	/*                     UCR    UCR */
	{ DUTY_CHECK_DONE,    "CCR", "..." },
	{ DUTY_REPORT_DONE,   "URR", "..." },
	{ DUTY_REPORT_FAILED, "UCR", ".b." },
	{ DUTY_ASKED_AGAIN,   "UCU", "..." },
};
_Static_assert(NELEM(duties) == DUTY_EVENT_COUNT, "every event has its row");

TEST(duty, "each event moves each duty as written")
{
	for (size_t i = 0; i < NELEM(duties); i++)
		for (unsigned s = 0; s < DUTY_STATE_COUNT; s++) {
			struct commit_duty_step step = commit_duty_step((enum commit_duty_state)s, duties[i].ev);
			CHECK_INT("UCR"[step.next], duties[i].next[s]);
			CHECK_INT(step.backs_off, duties[i].waits[s] == 'b');
		}
}

TEST(owed, "an event report is owed until the user has answered it")
{
	for (unsigned ev = 0; ev < DUTY_EVENT_COUNT; ev++)
		for (unsigned s = 0; s < DUTY_REPORTED; s++)
			if (commit_duty_step((enum commit_duty_state)s, (enum commit_duty_event)ev).next == DUTY_REPORTED)
				CHECK_INT(ev, DUTY_REPORT_DONE);
}

TEST(reasons, "each Failure Reason of the standard has its remedy, an unknown one sends again")
{
	static const struct { uint16_t reason; enum commit_remedy want; } all[] = {
		{ 0x0110, COMMIT_SEND_AGAIN }, { 0x0112, COMMIT_SEND_AGAIN }, { 0x0119, COMMIT_HOLD }, { 0x0122, COMMIT_HOLD },
		{ 0x0131, COMMIT_ASK_AGAIN }, { 0x0213, COMMIT_ASK_AGAIN }, { 0xA700, COMMIT_SEND_AGAIN },
	};
	for (size_t i = 0; i < NELEM(all); i++)
		CHECK_INT(commit_remedy(all[i].reason), all[i].want);
	CHECK_STR(commit_reason_text(0x0112), "no such object instance");
	CHECK_STR(commit_reason_text(0x1234), "a reason that the standard does not know");
	CHECK_STR(commit_request_state_name(REQUEST_STATE_COUNT), "unknown");
	CHECK_STR(commit_duty_state_name(DUTY_STATE_COUNT), "unknown");
}

int main(void)
{
	RUN(request);
	RUN(duty);
	RUN(owed);
	RUN(reasons);
	return t_done();
}
