/* What others ask of us: kept, checked, owed, reported, and what a repeated Transaction UID is. */
#include "tests/lib/work_db.h"

#include "db/commit_duty.h"

static struct commit_ref refs[2] = { { { WORK_DB_CT }, { "1.1.1" }, 0 }, { { WORK_DB_CT }, { "1.1.2" }, 0 } };
static struct commit_duty got;
static int64_t next_ms;

static enum duty_added add(const char *calling, const char *transaction, const char *digest)
{
	struct commit_duty d = { .origin = "1/1", .refs = { .refs = refs, .count = 2 } };
	enum duty_added added = DUTY_FULL;
	snprintf(d.calling, sizeof(d.calling), "%s", calling);
	snprintf(d.digest, sizeof(d.digest), "%s", digest);
	snprintf(d.refs.transaction.s, sizeof(d.refs.transaction.s), "%s", transaction);
	CHECK_OK(duty_add(work, &d, 1000, &added, &why), why);
	return added;
}

static enum err unchecked(void)
{
	commit_refs_free(&got.refs);
	return duty_next_unchecked(work, &got, &why);
}

static enum err report(const char *calling, int64_t now_ms)
{
	commit_refs_free(&got.refs);
	return duty_next_report(work, calling, now_ms, &got, &next_ms, &why);
}

static void checked(uint16_t second, int64_t until_ms)
{
	got.refs.refs[1].reason = second;
	CHECK_OK(duty_checked(work, &got, until_ms, 2000, &why), why);
}

TEST(whole, "a request comes back with its references, and its report with their reasons")
{
	open_dbs();
	CHECK_INT(add("CR1", "1.9", "d"), DUTY_NEW);
	CHECK_OK(unchecked(), why);
	CHECK_INT(got.refs.count, 2);
	CHECK_STR(got.refs.refs[1].sop_instance.s, "1.1.2");
	CHECK_STR(got.origin, "1/1");
	CHECK(!got.is_duplicate);
	CHECK_INT(report("CR1", 9000), ERR_END);
	CHECK_OK(unchecked(), why);
	checked(COMMIT_NO_SUCH_INSTANCE, 5000);
	CHECK_INT(unchecked(), ERR_END);
	CHECK_INT(report("CR1", 4000), ERR_END);
	CHECK_INT(next_ms, 5000);
	CHECK_INT(report("CR2", 9000), ERR_END);
	CHECK_OK(report("CR1", 5000), why);
	CHECK_INT(got.refs.refs[0].reason, 0);
	CHECK_INT(got.refs.refs[1].reason, COMMIT_NO_SUCH_INSTANCE);
	CHECK_OK(duty_reported(work, got.id, 6000, &why), why);
	CHECK_INT(report("CR1", 9000), ERR_END);
	CHECK_INT(next_ms, 0);
	commit_refs_free(&got.refs);
	close_dbs();
}

TEST(owed, "a report that failed is due again later, and with it, when the caller is not there, all of its")
{
	open_dbs();
	for (int i = 0; i < 2; i++) {
		CHECK_INT(add("CR1", i ? "1.9" : "1.8", "d"), DUTY_NEW);
		CHECK_OK(unchecked(), why);
		checked(0, 0);
	}
	CHECK_OK(report("CR1", 3000), why);
	CHECK_OK(duty_failed(work, got.id, true, 3000, 500, "unreachable", &why), why);
	CHECK_INT(report("CR1", 3000), ERR_END);
	CHECK_INT(next_ms, 3500);
	CHECK_OK(report("CR1", 3500), why);
	CHECK_INT(got.tries, 1);
	CHECK_OK(duty_failed(work, got.id, false, 3500, 500, "refused", &why), why);
	CHECK_OK(report("CR1", 3500), why);
	CHECK_STR(got.refs.transaction.s, "1.9");
	CHECK_OK(duty_failed(work, got.id, false, 3500, 500, "refused", &why), why);
	CHECK_OK(duty_hurry(work, "CR1", &why), why);
	CHECK_OK(report("CR1", 3500), why);
	commit_refs_free(&got.refs);
	close_dbs();
}

TEST(again, "the same request again is the same duty; one that was answered is answered anew")
{
	open_dbs();
	CHECK_INT(add("CR1", "1.9", "d"), DUTY_NEW);
	CHECK_INT(add("CR1", "1.9", "d"), DUTY_KNOWN);
	CHECK_OK(unchecked(), why);
	checked(COMMIT_PROCESSING_FAILURE, 0);
	CHECK_INT(add("CR1", "1.9", "d"), DUTY_KNOWN);
	CHECK_INT(unchecked(), ERR_END);
	CHECK_OK(report("CR1", 3000), why);
	CHECK_OK(duty_reported(work, got.id, 3000, &why), why);
	CHECK_INT(add("CR1", "1.9", "d"), DUTY_KNOWN);
	CHECK_OK(unchecked(), why);
	checked(0, 0);                   /* it is whole now */
	CHECK_OK(report("CR1", 3000), why);
	CHECK_INT(commit_event_type(&got.refs), COMMIT_EVENT_SUCCESS);
	commit_refs_free(&got.refs);
	close_dbs();
}

TEST(duplicate, "a Transaction UID with other references is a duplicate; another caller's is not")
{
	open_dbs();
	CHECK_INT(add("CR1", "1.9", "d"), DUTY_NEW);
	CHECK_INT(add("CR1", "1.9", "e"), DUTY_NEW);
	CHECK_INT(add("CR2", "1.9", "d"), DUTY_NEW);
	CHECK_OK(unchecked(), why);
	CHECK(!got.is_duplicate);
	checked(0, 0);
	CHECK_OK(unchecked(), why);
	CHECK(got.is_duplicate);
	checked(0, 0);
	CHECK_OK(unchecked(), why);
	CHECK_STR(got.calling, "CR2");
	CHECK(!got.is_duplicate);
	commit_refs_free(&got.refs);
	close_dbs();
}

TEST(bound, "a caller that takes no results is refused over the bound, others are not")
{
	char transaction[32];
	open_dbs();
	for (unsigned i = 0; i < BOUND_COMMIT_DUTIES; i++) {
		snprintf(transaction, sizeof(transaction), "1.9.%u", i);
		if (add("CR1", transaction, "d") != DUTY_NEW) {
			T_FAIL("number %u is refused", i);
			break;
		}
	}
	CHECK_INT(add("CR1", "1.8", "d"), DUTY_FULL);
	CHECK_INT(add("CR2", "1.8", "d"), DUTY_NEW);
	CHECK_INT(add("CR1", "1.9.5", "d"), DUTY_KNOWN);
	close_dbs();
}

int main(void)
{
	RUN(whole);
	RUN(owed);
	RUN(again);
	RUN(duplicate);
	RUN(bound);
	return t_done();
}
