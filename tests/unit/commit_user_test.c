/* What we ask of others: wishes, requests, results, and what each result makes of the job. */
#include "tests/lib/work_db.h"

#include "db/commit_user.h"

static struct commit_request rq;
static struct commit_tally tally;
static int64_t next_ms;

static int64_t sent(const char *study, unsigned n, const char *to, int64_t now_ms)
{
	int64_t id = add_job(add_image(study, n, now_ms), to, JOB_SENT, now_ms);
	struct work_job j;
	CHECK_OK(work_get(work, id, &j, &why), why);
	CHECK_OK(commit_want(work, &j, true, now_ms, &why), why);
	return id;
}

static enum err next(const char *to, int64_t now_ms)
{
	return commit_next(work, to, now_ms, &rq, &next_ms, &why);
}

static void asked(const char *to, bool is_accepted, bool was_sent, int64_t now_ms)
{
	const struct commit_asked how = { .is_accepted = is_accepted, .was_sent = was_sent, .why = "words", .answer_s = 60, .retry_min_s = 5, .retry_max_s = 60,
	                                  .random = UINT32_MAX, .now_ms = now_ms };
	CHECK_OK(commit_asked(work, to, rq.id, &how, &why), why);
}

static enum err result_of(const char *transaction, const char *to, const char *sop, uint16_t reason, int64_t now_ms)
{
	const struct commit_said said = { sop, reason };
	const struct commit_result r = { .transaction = transaction, .to = to, .said = &said, .count = 1, .now_ms = now_ms, .answer_s = 60, .retry_min_s = 5,
	                                 .retry_max_s = 60, .random = UINT32_MAX };
	return commit_result(work, &r, &tally, &why);
}

static enum job_confirm confirm_of(int64_t job)
{
	struct work_job j = { 0 };
	CHECK_OK(work_get(work, job, &j, &why), why);
	return j.confirm;
}

TEST(good, "a wish is gathered, asked for, and confirmed by the node's result")
{
	open_dbs();
	int64_t a = sent("1.1", 1, "N", 1000), b = sent("1.1", 2, "N", 2000);
	CHECK_INT(confirm_of(a), CONFIRM_WANTED);
	CHECK_INT(next("N", 1000), ERR_END);
	CHECK_INT(next_ms, 1000 + COMMIT_GATHER_MS);
	CHECK_INT(next("M", 9000), ERR_END);
	CHECK_OK(next("N", 1000 + COMMIT_GATHER_MS), why);
	CHECK_INT(rq.count, 2);
	CHECK_INT(confirm_of(b), CONFIRM_ASKED);
	asked("N", true, true, 4000);
	CHECK_INT(next("N", 5000), ERR_END);
	CHECK_INT(next_ms, 64000);
	CHECK_OK(result_of(rq.transaction.s, "N", "1.1.1", 0, 6000), why);
	CHECK_INT(tally.confirmed, 1);
	CHECK_INT(tally.unmentioned, 1);
	CHECK_INT(state_of(a), JOB_CONFIRMED);
	CHECK_INT(confirm_of(a), CONFIRM_NOT_WANTED);
	CHECK_INT(state_of(b), JOB_SENT);
	CHECK_INT(confirm_of(b), CONFIRM_WANTED);
	CHECK_INT(next("N", 7000), ERR_END);             /* not at once: it was not named */
	CHECK_INT(next_ms, 66000);
	close_dbs();
}

TEST(others, "only the node that was asked, for a transaction of ours, is believed")
{
	open_dbs();
	int64_t a = sent("1.1", 1, "N", 1000);
	CHECK_OK(next("N", 9000), why);
	asked("N", true, true, 9000);
	CHECK_INT(result_of(rq.transaction.s, "M", "1.1.1", 0, 9000), ERR_NOT_FOUND);
	CHECK_INT(result_of("1.2.3", "N", "1.1.1", 0, 9000), ERR_NOT_FOUND);
	CHECK_INT(state_of(a), JOB_SENT);
	CHECK_OK(result_of(rq.transaction.s, "N", "9.9.9", 0, 9000), why);       /* what was never sent there */
	CHECK_INT(tally.confirmed, 0);
	CHECK_INT(state_of(a), JOB_SENT);
	close_dbs();
}

TEST(early, "a result that comes before the answer to the N-ACTION counts, and the answer then changes nothing")
{
	open_dbs();
	int64_t a = sent("1.1", 1, "N", 1000);
	CHECK_OK(next("N", 9000), why);
	CHECK_OK(result_of(rq.transaction.s, "N", "1.1.1", 0, 9000), why);
	asked("N", true, true, 9001);
	CHECK_INT(state_of(a), JOB_CONFIRMED);
	CHECK_INT(next("N", 900000), ERR_END);
	CHECK_INT(next_ms, 0);
	close_dbs();
}

TEST(late, "without a result in time it is asked anew; the old result still confirms, and cannot condemn")
{
	struct uid old;
	open_dbs();
	int64_t a = sent("1.1", 1, "N", 1000), b = sent("1.1", 2, "N", 1000);
	CHECK_OK(next("N", 9000), why);
	old = rq.transaction;
	asked("N", true, true, 9000);
	CHECK_OK(next("N", 9000 + 60000), why);
	CHECK(strcmp(old.s, rq.transaction.s));
	CHECK_INT(rq.count, 2);
	CHECK_OK(result_of(old.s, "N", "1.1.1", 0, 70000), why);
	CHECK_INT(state_of(a), JOB_CONFIRMED);
	CHECK_OK(result_of(old.s, "N", "1.1.2", COMMIT_NO_SUCH_INSTANCE, 70000), why);
	CHECK_INT(state_of(b), JOB_SENT);
	CHECK_INT(confirm_of(b), CONFIRM_ASKED);
	CHECK_OK(result_of(old.s, "N", "1.1.1", 0, 70000), why);
	CHECK_INT(tally.confirmed, 0);
	close_dbs();
}

TEST(lost, "what the node does not have is sent again, and after the third time held")
{
	open_dbs();
	int64_t a = sent("1.1", 1, "N", 1000), now = 10000;
	for (unsigned i = 0; i < COMMIT_RESENDS; i++) {
		struct work_job j;
		size_t n;
		int64_t due;
		CHECK_OK(next("N", now), why);
		asked("N", true, true, now);
		CHECK_OK(result_of(rq.transaction.s, "N", "1.1.1", COMMIT_NO_SUCH_INSTANCE, now), why);
		CHECK_INT(tally.again, 1);
		CHECK_INT(state_of(a), JOB_WAITING);
		CHECK_INT(confirm_of(a), CONFIRM_SENT_AGAIN);
		CHECK_INT(next("N", now), ERR_END);
		now += 600000;
		CHECK_OK(work_claim(work, JOB_FORWARD, "N", now, 1, 1, &j, &n, &due, &why), why);
		CHECK_INT(n, 1);
		CHECK_OK(result_of(rq.transaction.s, "N", "1.1.1", 0, now), why);      /* of before: the job is in hand */
		CHECK_INT(state_of(a), JOB_RUNNING);
		CHECK_INT(confirm_of(a), CONFIRM_SENT_AGAIN);
		const struct work_event ev = { .event = JOB_DELIVERED, .now_ms = now };
		CHECK_OK(work_apply(work, a, &ev, NULL, &why), why);
		CHECK_OK(work_get(work, a, &j, &why), why);
		CHECK_OK(commit_want(work, &j, true, now, &why), why);
		now += COMMIT_GATHER_MS;
	}
	CHECK_OK(next("N", now), why);
	asked("N", true, true, now);
	CHECK_OK(result_of(rq.transaction.s, "N", "1.1.1", COMMIT_PROCESSING_FAILURE, now), why);
	CHECK_INT(tally.held, 1);
	CHECK_INT(state_of(a), JOB_HELD);
	CHECK_INT(confirm_of(a), CONFIRM_NOT_WANTED);
	close_dbs();
}

TEST(reasons, "permanent reasons hold, those of the moment ask again later")
{
	open_dbs();
	int64_t a = sent("1.1", 1, "N", 1000), b = sent("1.2", 1, "M", 1000);
	CHECK_OK(next("N", 9000), why);
	CHECK_OK(result_of(rq.transaction.s, "N", "1.1.1", COMMIT_CLASS_CONFLICT, 9000), why);
	CHECK_INT(state_of(a), JOB_HELD);
	CHECK_OK(next("M", 9000), why);
	CHECK_OK(result_of(rq.transaction.s, "M", "1.2.1", COMMIT_NO_RESOURCES, 9000), why);
	CHECK_INT(state_of(b), JOB_SENT);
	CHECK_INT(next("M", 9000), ERR_END);
	CHECK_INT(next_ms, 14000);
	CHECK_OK(next("M", 14000), why);
	close_dbs();
}

TEST(unreached, "a node that does not answer is asked later and later; success and a person end that")
{
	open_dbs();
	sent("1.1", 1, "N", 1000);
	CHECK_OK(next("N", 9000), why);
	asked("N", false, false, 9000);
	CHECK_INT(next("N", 9000), ERR_END);
	CHECK_INT(next_ms, 14000);
	CHECK_OK(next("N", 14000), why);
	asked("N", false, true, 14000);
	CHECK_INT(next("N", 14000), ERR_END);
	CHECK_INT(next_ms, 24000);
	CHECK_OK(commit_hurry(work, "N", &why), why);
	CHECK_OK(next("N", 14001), why);
	close_dbs();
}

TEST(refusing, "with auto nothing is wanted of a node that refused, for a day")
{
	unsigned n;
	open_dbs();
	int64_t a = sent("1.1", 1, "N", 1000);
	CHECK_OK(next("N", 9000), why);
	CHECK_OK(commit_refused(work, "N", 9000, "no such context", &n, &why), why);
	CHECK_INT(n, 1);
	CHECK_INT(state_of(a), JOB_SENT);
	CHECK_INT(confirm_of(a), CONFIRM_NOT_WANTED);
	CHECK_INT(confirm_of(sent("1.1", 2, "N", 10000)), CONFIRM_NOT_WANTED);
	CHECK_INT(confirm_of(sent("1.1", 3, "N", 9000 + COMMIT_REFUSED_MS)), CONFIRM_WANTED);
	close_dbs();
}

TEST(recovered, "after a restart a request that was being asked is asked anew")
{
	open_dbs();
	sent("1.1", 1, "N", 1000);
	CHECK_OK(next("N", 9000), why);
	CHECK_INT(next("N", 9001), ERR_END);
	CHECK_OK(commit_recover(work, 9002, &why), why);
	CHECK_OK(next("N", 9002), why);
	CHECK_INT(rq.count, 1);
	close_dbs();
}

TEST(evidence, "an old object is asked for without being sent, and sent only when it is not there")
{
	struct index_instance what;
	open_dbs();
	uint64_t id = add_image("1.1", 1, 1000);
	CHECK_OK(index_get(ix, id, &what, &why), why);
	CHECK_OK(commit_ask_for(work, &what, "N", 5000, &why), why);
	CHECK_INT(commit_ask_for(work, &what, "N", 5000, &why), ERR_EXISTS);
	CHECK_OK(next("N", 5000), why);
	CHECK_INT(rq.count, 1);
	CHECK_INT(state_of(rq.objects[0].job), JOB_SENT);
	CHECK_OK(result_of(rq.transaction.s, "N", "1.1.1", 0, 6000), why);
	CHECK_INT(state_of(rq.objects[0].job), JOB_CONFIRMED);
	CHECK_OK(commit_ask_for(work, &what, "N", 7000, &why), why);
	CHECK_INT(state_of(rq.objects[0].job), JOB_SENT);
	CHECK_OK(next("N", 7000), why);
	CHECK_OK(result_of(rq.transaction.s, "N", "1.1.1", COMMIT_NO_SUCH_INSTANCE, 8000), why);
	CHECK_INT(state_of(rq.objects[0].job), JOB_WAITING);
	close_dbs();
}

TEST(batches, "a request has at most COMMIT_BATCH objects; the rest is in the next")
{
	open_dbs();
	for (unsigned i = 1; i <= COMMIT_BATCH + 3; i++)
		sent("1.1", i, "N", 1000);
	CHECK_OK(next("N", 9000), why);
	CHECK_INT(rq.count, COMMIT_BATCH);
	CHECK_OK(next("N", 9000), why);
	CHECK_INT(rq.count, 3);
	CHECK_INT(next("N", 9000), ERR_END);
	close_dbs();
}

int main(void)
{
	RUN(good);
	RUN(others);
	RUN(early);
	RUN(late);
	RUN(lost);
	RUN(reasons);
	RUN(unreached);
	RUN(refusing);
	RUN(recovered);
	RUN(evidence);
	RUN(batches);
	return t_done();
}
