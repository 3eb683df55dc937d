/* work.db when writes, syncs and allocations fail: jobs and cursor move together or not at all, and a second try succeeds. */
#include "tests/lib/t.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/fault.h"
#include "db/work.h"

enum { BATCHES = 3, PER_BATCH = 4, JOBS = BATCHES * PER_BATCH };

static char dir[64];
static struct why why;

static void make_dir(void)
{
	char run[96];
	snprintf(dir, sizeof(dir), "/tmp/work_fault.XXXXXX");
	CHECK(mkdtemp(dir));
	snprintf(run, sizeof(run), "%s/run", dir);
	CHECK(!mkdir(run, 0755));
}

static void remove_dir(void)
{
	static const char *const names[] = { "work.db", "work.db-wal", "work.db-shm", "run/router.lock", "run" };
	char path[128];
	for (size_t i = 0; i < NELEM(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (remove(path))
			continue;
	}
	rmdir(dir);
}

/* As a pass of plan does it: everything of a batch and the cursor behind it. */
static enum err batch(struct work *w, int64_t from)
{
	enum err e = work_begin(w, &why);
	for (int64_t seq = from + 1; !e && seq <= from + PER_BATCH; seq++) {
		struct work_job j = { .kind = JOB_FORWARD, .instance = (uint64_t)seq, .to = "A", .created_ms = 1 };
		e = work_enqueue(w, &j, &why);
		if (e == ERR_EXISTS)
			e = ERR_OK;
	}
	if (!e)
		e = work_set_cursor(w, from + PER_BATCH, &why);
	if (!e)
		e = work_commit(w, &why);
	if (e)
		work_rollback(w);
	return e;
}

static bool tally(void *arg, const struct work_count *c)
{
	*(uint64_t *)arg += c->n;
	return true;
}

/* The invariant: as many jobs as the cursor says, not one more or less. */
static int64_t check_together(void)
{
	struct work_reader *r = NULL;
	uint64_t jobs = 0;
	int64_t seq = -1;
	CHECK_OK(work_reader_open(dir, &r, &why), why);
	if (!r)
		return 0;
	CHECK_OK(work_reader_counts(r, tally, &jobs, &why), why);
	CHECK_OK(work_reader_cursor(r, &seq, &why), why);
	CHECK_INT(jobs, seq);
	work_reader_close(&r);
	return seq;
}

/* The nth call of op fails; whoever gets an error tries again. Says how often an error was seen. */
static unsigned one_run(enum fault_op op, long nth)
{
	struct work *w = NULL;
	unsigned errors = 0;
	make_dir();
	fault_plan(op, nth, false);
	while (work_open(dir, &w, &why) && ++errors < 5)
		CHECK(!w);
	for (int64_t seq = 0; w && seq < JOBS && errors < 5; ) {
		if (batch(w, seq))
			errors++;
		else
			seq += PER_BATCH;
		CHECK_INT(check_together(), seq);
	}
	fault_plan(op, 0, false);
	CHECK_INT(check_together(), JOBS);
	work_close(&w);
	remove_dir();
	return errors;
}

static void every_call(enum fault_op op)
{
	long nth = 1;
	unsigned errors;
	while ((errors = one_run(op, nth)) > 0 && nth < 1000) {
		CHECK_INT(errors, 1);
		nth++;
	}
	if (nth < 2)
		T_FAIL("no call of op %d was made to fail", (int)op);
	printf("# %ld calls failed in turn\n", nth - 1);
}

TEST(write, "each write of a job fails in turn")
{
	every_call(FAULT_WRITE);
}

TEST(sync, "each commit fails in turn")
{
	every_call(FAULT_FSYNC);
}

TEST(alloc, "each allocation fails in turn")
{
	every_call(FAULT_ALLOC);
}

TEST(reports, "a report that was not written leaves the job in hand, and the next one counts once")
{
	struct work *w = NULL;
	struct work_job got[1];
	size_t n;
	int64_t next_ms;
	enum job_state after;
	const struct work_event failed = { .event = JOB_FAILED, .now_ms = 2, .retry_min_s = 1, .retry_max_s = 1 };
	make_dir();
	CHECK_OK(work_open(dir, &w, &why), why);
	CHECK_OK(batch(w, 0), why);
	CHECK_OK(work_begin(w, &why), why);
	CHECK_OK(work_claim(w, JOB_FORWARD, "A", 1, 1, 1, got, &n, &next_ms, &why), why);
	CHECK_OK(work_commit(w, &why), why);
	for (int i = 0; i < 2; i++) {
		fault_plan(FAULT_FSYNC, i ? 0 : 1, false);
		CHECK_OK(work_begin(w, &why), why);
		CHECK_OK(work_apply(w, got[0].id, &failed, &after, &why), why);
		CHECK_INT(after, JOB_WAITING);
		CHECK_INT(work_commit(w, &why), i ? ERR_OK : ERR_IO);
		work_rollback(w);
	}
	CHECK_OK(work_begin(w, &why), why);
	CHECK_OK(work_claim(w, JOB_FORWARD, "A", 5000, 1, 1, got, &n, &next_ms, &why), why);
	CHECK_INT(n, 1);
	CHECK_INT(got[0].instance, 1);
	CHECK_INT(got[0].tries, 1);
	work_rollback(w);
	work_close(&w);
	remove_dir();
}

int main(void)
{
	RUN(write);
	RUN(sync);
	RUN(alloc);
	RUN(reports);
	return t_done();
}
