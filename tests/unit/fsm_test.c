/* Every cell of PS3.8 table 9-10 against the table as printed: rows are events 1 to 19, columns states 1 to 13. */
#include <stdlib.h>

#include "pacs/ul/fsm.h"
#include "tests/lib/t.h"

/* "ACTION>next"; "-" = the event cannot happen there. */
static const char *const printed[19][13] = {
	{ "AE-1>4", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-" },
	{ "-", "-", "-", "AE-2>5", "-", "-", "-", "-", "-", "-", "-", "-", "-" },
	{ "-", "AA-1>13", "AA-8>13", "-", "AE-3>6", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-6>13" },
	{ "-", "AA-1>13", "AA-8>13", "-", "AE-4>1", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-6>13" },
	{ "AE-5>2", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-" },
	{ "-", "AE-6>3", "AA-8>13", "-", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-7>13" },
	{ "-", "-", "AE-7>6", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-" },
	{ "-", "-", "AE-8>13", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-" },
	{ "-", "-", "-", "-", "-", "DT-1>6", "-", "AR-7>8", "-", "-", "-", "-", "-" },
	{ "-", "AA-1>13", "AA-8>13", "-", "AA-8>13", "DT-2>6", "AR-6>7", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-6>13" },
	{ "-", "-", "-", "-", "-", "AR-1>7", "-", "-", "-", "-", "-", "-", "-" },
	{ "-", "AA-1>13", "AA-8>13", "-", "AA-8>13", "AR-2>8", "AR-8>9/10", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-6>13" },
	{ "-", "AA-1>13", "AA-8>13", "-", "AA-8>13", "AA-8>13", "AR-3>1", "AA-8>13", "AA-8>13", "AR-10>12", "AR-3>1", "AA-8>13", "AA-6>13" },
	{ "-", "-", "-", "-", "-", "-", "-", "AR-4>13", "AR-9>11", "-", "-", "AR-4>13", "-" },
	{ "-", "-", "AA-1>13", "AA-2>1", "AA-1>13", "AA-1>13", "AA-1>13", "AA-1>13", "AA-1>13", "AA-1>13", "AA-1>13", "AA-1>13", "-" },
	{ "-", "AA-2>1", "AA-3>1", "-", "AA-3>1", "AA-3>1", "AA-3>1", "AA-3>1", "AA-3>1", "AA-3>1", "AA-3>1", "AA-3>1", "AA-2>1" },
	{ "-", "AA-5>1", "AA-4>1", "AA-4>1", "AA-4>1", "AA-4>1", "AA-4>1", "AA-4>1", "AA-4>1", "AA-4>1", "AA-4>1", "AA-4>1", "AR-5>1" },
	{ "-", "AA-2>1", "-", "-", "-", "-", "-", "-", "-", "-", "-", "-", "AA-2>1" },
	{ "-", "AA-1>13", "AA-8>13", "-", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-8>13", "AA-7>13" },
};

static const char *const action_names[] = { "-", "AE-1", "AE-2", "AE-3", "AE-4", "AE-5", "AE-6", "AE-7", "AE-8", "DT-1", "DT-2",
	"AR-1", "AR-2", "AR-3", "AR-4", "AR-5", "AR-6", "AR-7", "AR-8", "AR-9", "AR-10", "AA-1", "AA-2", "AA-3", "AA-4", "AA-5", "AA-6", "AA-7", "AA-8" };
_Static_assert(NELEM(action_names) == ACTION_COUNT, "one name per action");

static void check_cell(int ev, int sta, bool is_requestor)
{
	const char *want = printed[ev][sta], *gt = strchr(want, '>');
	enum fsm_state next;
	enum fsm_action a = fsm_step((enum fsm_state)(sta + 1), (enum fsm_event)(ev + 1), is_requestor, &next);
	size_t n = gt ? (size_t)(gt - want) : strlen(want);
	int want_next = gt ? atoi(gt + 1) : sta + 1;
	if (gt && strchr(gt, '/') && !is_requestor)
		want_next = atoi(strchr(gt, '/') + 1);
	if (strlen(action_names[a]) != n || strncmp(action_names[a], want, n) || (int)next != want_next)
		T_FAIL("event %d in state %d: got %s to %d, wanted %s", ev + 1, sta + 1, action_names[a], (int)next, want);
}

TEST(table, "every event in every state does what table 9-10 says, in both roles")
{
	for (int ev = 0; ev < 19; ev++)
		for (int sta = 0; sta < 13; sta++) {
			check_cell(ev, sta, true);
			check_cell(ev, sta, false);
		}
}

int main(void)
{
	RUN(table);
	return t_done();
}
