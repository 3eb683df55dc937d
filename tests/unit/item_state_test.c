#include "db/item_state.h"
#include "tests/lib/t.h"

/* PS3.4 table CC.1.1-2, written out a second time by hand: what is asked, and the answer in each state. */
static const struct { const char *says; enum item_state to; const char *given; uint16_t want[ITEM_STATE_COUNT]; } cases[] = {
	{ "claim with a UID", ITEM_IN_PROGRESS, "1.2", { 0xC307, 0x0000, 0xC302, 0xC300, 0xC300 } },
	{ "claim without a UID", ITEM_IN_PROGRESS, "", { 0xC307, 0xC301, 0xC301, 0xC301, 0xC301 } },
	{ "back to SCHEDULED", ITEM_SCHEDULED, "1.9", { 0xC307, 0xC303, 0xC303, 0xC303, 0xC303 } },
	{ "complete with the lock", ITEM_COMPLETED, "1.9", { 0xC307, 0xC310, 0x0000, 0xB306, 0xC300 } },
	{ "complete with a wrong UID", ITEM_COMPLETED, "1.8", { 0xC307, 0xC310, 0xC301, 0xC301, 0xC301 } },
	{ "complete without a UID", ITEM_COMPLETED, "", { 0xC307, 0xC301, 0xC301, 0xC301, 0xC301 } },
	{ "cancel with the lock", ITEM_CANCELED, "1.9", { 0xC307, 0xC310, 0x0000, 0xC300, 0xB304 } },
	{ "cancel with a wrong UID", ITEM_CANCELED, "1.8", { 0xC307, 0xC310, 0xC301, 0xC301, 0xC301 } },
	{ "cancel without a UID", ITEM_CANCELED, "", { 0xC307, 0xC301, 0xC301, 0xC301, 0xC301 } },
};

static const char *lock_in(enum item_state s)
{
	return s == ITEM_NONE || s == ITEM_SCHEDULED ? "" : "1.9";
}

static bool is_final_target(enum item_state to)
{
	return to == ITEM_IN_PROGRESS || to == ITEM_COMPLETED || to == ITEM_CANCELED;
}

TEST(table, "every change of state is answered as the standard's table says")
{
	for (size_t i = 0; i < NELEM(cases); i++)
		for (unsigned s = 0; s < ITEM_STATE_COUNT; s++) {
			enum item_state now = (enum item_state)s;
			struct item_step step = item_state_step(now, item_request_of(now, cases[i].to, cases[i].given, lock_in(now)));
			enum item_state next = cases[i].want[s] == 0 && is_final_target(cases[i].to) ? cases[i].to : now;
			if (step.status != cases[i].want[s] || step.next != next)
				T_FAIL("%s, %s: got %04x to %s, wanted %04x to %s", cases[i].says, item_state_name(now), step.status,
				       item_state_name(step.next), cases[i].want[s], item_state_name(next));
		}
}

TEST(set, "an N-SET needs the lock once there is one, and none before")
{
	static const struct { const char *given; uint16_t want[ITEM_STATE_COUNT]; } sets[] = {
		{ "1.9", { 0xC307, 0xC310, 0x0000, 0xC300, 0xC300 } },
		{ "1.8", { 0xC307, 0xC310, 0xC301, 0xC300, 0xC300 } },
		{ "", { 0xC307, 0x0000, 0xC301, 0xC300, 0xC300 } },
	};
	for (size_t i = 0; i < NELEM(sets); i++)
		for (unsigned s = 0; s < ITEM_STATE_COUNT; s++) {
			enum item_state now = (enum item_state)s;
			struct item_step step = item_state_step(now, item_request_set(now, sets[i].given, lock_in(now)));
			if (step.status != sets[i].want[s] || step.next != now)
				T_FAIL("UID \"%s\" in %s: got %04x, wanted %04x", sets[i].given, item_state_name(now), step.status, sets[i].want[s]);
		}
}

TEST(names, "states are read and written by the names of (0074,1000)")
{
	static const char *const names[] = { "SCHEDULED", "IN PROGRESS", "COMPLETED", "CANCELED" };
	for (size_t i = 0; i < NELEM(names); i++) {
		enum item_state s = ITEM_NONE;
		CHECK(item_state_parse(names[i], &s));
		CHECK_STR(item_state_name(s), names[i]);
		CHECK_INT(item_state_is_final(s), i >= 2);
	}
	enum item_state s;
	CHECK(!item_state_parse("", &s));
	CHECK(!item_state_parse("CANCELLED", &s));
}

TEST(texts, "each refusal has words that fit an error comment")
{
	static const uint16_t all[] = { 0xB304, 0xB306, 0xC300, 0xC301, 0xC302, 0xC303, 0xC304, 0xC307, 0xC310 };
	for (size_t i = 0; i < NELEM(all); i++) {
		size_t n = strlen(ups_status_text(all[i]));
		CHECK(n > 0 && n <= 64);
	}
	CHECK_STR(ups_status_text(0), "");
}

int main(void)
{
	RUN(table);
	RUN(set);
	RUN(names);
	RUN(texts);
	return t_done();
}
