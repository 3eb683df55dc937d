/* work.db: what is enqueued once, claimed in order, given back after a crash, held and released. */
#include "tests/lib/t.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/work.h"

static char dir[64];
static struct work *work;
static struct why why;
static enum err last;

static void open_db(void)
{
	snprintf(dir, sizeof(dir), "/tmp/work_test.XXXXXX");
	CHECK(mkdtemp(dir));
	char run[96];
	snprintf(run, sizeof(run), "%s/run", dir);
	CHECK(!mkdir(run, 0755));
	CHECK_OK(work_open(dir, &work, &why), why);
	CHECK_OK(work_begin(work, &why), why);
}

static void close_db(void)
{
	static const char *const names[] = { "work.db", "work.db-wal", "work.db-shm", "run/router.lock", "run" };
	char path[128];
	work_rollback(work);
	work_close(&work);
	for (size_t i = 0; i < NELEM(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (remove(path))
			continue;
	}
	rmdir(dir);
}

static void add_full(enum job_kind kind, uint64_t instance, const char *to, unsigned priority, uint64_t size, const char *source, enum job_hold hold, bool is_blocked)
{
	struct work_job j = { .kind = kind, .instance = instance, .priority = priority, .size = size, .created_ms = 1000, .hold = hold, .is_blocked = is_blocked };
	snprintf(j.to, sizeof(j.to), "%s", to);
	snprintf(j.source, sizeof(j.source), "%s", source);
	snprintf(j.sop_instance.s, sizeof(j.sop_instance.s), "1.2.%llu", (unsigned long long)instance);
	last = work_enqueue(work, &j, &why);
}

static void add(uint64_t instance, const char *to, unsigned priority)
{
	add_full(JOB_FORWARD, instance, to, priority, 100, "CT1", HOLD_NONE, false);
}

static struct work_job got[64];
static size_t n;
static int64_t next_ms;

static size_t claim(const char *to, int64_t now_ms, size_t max, uint64_t max_bytes)
{
	CHECK_OK(work_claim(work, JOB_FORWARD, to, now_ms, max, max_bytes, got, &n, &next_ms, &why), why);
	return n;
}

static enum job_state apply(int64_t id, enum job_event ev, const char *text, int64_t now_ms)
{
	enum job_state after = JOB_STATE_COUNT;
	const struct work_event e = { .event = ev, .hold = ev == JOB_HOLD ? HOLD_PERSON : HOLD_REFUSED, .why = text, .now_ms = now_ms, .retry_min_s = 5, .retry_max_s = 60, .random = UINT32_MAX };
	CHECK_OK(work_apply(work, id, &e, &after, &why), why);
	return after;
}

static void commit(void)
{
	CHECK_OK(work_commit(work, &why), why);
	CHECK_OK(work_begin(work, &why), why);
}

/* ---- what a reader sees ---- */

static struct work_job seen[64];
static size_t seen_n;
static bool see(void *arg, const struct work_job *j)
{
	(void)arg;
	seen[seen_n++] = *j;
	return seen_n < NELEM(seen);
}

static void look(const char *state, const char *to)
{
	struct work_reader *r;
	commit();
	seen_n = 0;
	CHECK_OK(work_reader_open(dir, &r, &why), why);
	CHECK_OK(work_reader_list(r, &(struct work_filter){ state, to, 64 }, see, NULL, &why), why);
	work_reader_close(&r);
}

static uint64_t counts[3][JOB_STATE_COUNT];
static bool tally(void *arg, const struct work_count *c)
{
	(void)arg;
	counts[c->kind][c->state] += c->n;
	return true;
}

static void count(void)
{
	struct work_reader *r;
	commit();
	memset(counts, 0, sizeof(counts));
	CHECK_OK(work_reader_open(dir, &r, &why), why);
	CHECK_OK(work_reader_counts(r, tally, NULL, &why), why);
	work_reader_close(&r);
}

/* ---- the tests ---- */

TEST(once, "a job is put in once for its kind, instance and destination, whatever became of it")
{
	open_db();
	add(1, "A", 0);
	CHECK_INT(last, ERR_OK);
	add(1, "A", 9);
	CHECK_INT(last, ERR_EXISTS);
	add(1, "B", 0);
	CHECK_INT(last, ERR_OK);
	add(2, "A", 0);
	CHECK_INT(last, ERR_OK);
	CHECK_INT(claim("A", 1, 10, UINT64_MAX), 2);
	CHECK_INT(apply(got[0].id, JOB_DELIVERED, NULL, 2), JOB_SENT);
	add(1, "A", 0);
	CHECK_INT(last, ERR_EXISTS);
	CHECK_INT(claim("A", 1, 10, UINT64_MAX), 0);
	close_db();
}

TEST(order, "urgent before routine, older before newer, and each destination by itself")
{
	open_db();
	add(1, "A", 0);
	add(2, "A", 9);
	add(3, "B", 9);
	add(4, "A", 0);
	add(5, "A", 9);
	CHECK_INT(claim("A", 1, 3, UINT64_MAX), 3);
	CHECK_INT(got[0].instance, 2);
	CHECK_INT(got[1].instance, 5);
	CHECK_INT(got[2].instance, 1);
	CHECK_INT(claim("A", 1, 3, UINT64_MAX), 1);
	CHECK_INT(got[0].instance, 4);
	CHECK_INT(claim("A", 1, 3, UINT64_MAX), 0);
	CHECK_INT(claim("B", 1, 3, UINT64_MAX), 1);
	close_db();
}

TEST(weight, "a claim stops at its weight, but always gives one")
{
	open_db();
	for (uint64_t i = 1; i <= 6; i++)
		add(i, "A", 0);
	CHECK_INT(claim("A", 1, 10, 250), 3);
	CHECK_INT(claim("A", 1, 10, 0), 1);
	CHECK_INT(claim("A", 1, 10, UINT64_MAX), 2);
	close_db();
}

TEST(leases, "what was in hand when the router died is queued again at the next start")
{
	open_db();
	add(1, "A", 0);
	add(2, "A", 0);
	CHECK_INT(claim("A", 1, 1, UINT64_MAX), 1);
	commit();
	work_rollback(work);
	work_close(&work);
	CHECK_OK(work_open(dir, &work, &why), why);
	CHECK_OK(work_begin(work, &why), why);
	CHECK_INT(claim("A", 1, 10, UINT64_MAX), 2);
	close_db();
}

TEST(one_writer, "a second writer is turned away")
{
	struct work *second;
	open_db();
	CHECK_INT(work_open(dir, &second, &why), ERR_BUSY);
	CHECK(!second);
	close_db();
}

TEST(waiting, "a failed job waits longer each time, comes due, and says when")
{
	open_db();
	add(1, "A", 0);
	claim("A", 1000, 1, UINT64_MAX);
	int64_t id = got[0].id;
	CHECK_INT(apply(id, JOB_FAILED, "busy", 1000), JOB_WAITING);
	CHECK_INT(claim("A", 5999, 1, UINT64_MAX), 0);
	CHECK_INT(next_ms, 6000);
	CHECK_INT(claim("A", 6000, 1, UINT64_MAX), 1);
	CHECK_INT(got[0].tries, 1);
	CHECK_INT(apply(id, JOB_FAILED, "busy", 10000), JOB_WAITING);
	claim("A", 10000, 1, UINT64_MAX);
	CHECK_INT(next_ms, 20000);
	look("waiting", NULL);
	CHECK_INT(seen_n, 1);
	CHECK_STR(seen[0].why, "busy");
	CHECK_INT(seen[0].tries, 2);
	close_db();
}

TEST(held, "a refused job is held with its reason until a person says again")
{
	open_db();
	add(1, "A", 0);
	claim("A", 1, 1, UINT64_MAX);
	CHECK_INT(apply(got[0].id, JOB_REFUSED, "the far end answered A900", 2), JOB_HELD);
	CHECK_INT(claim("A", INT64_MAX / 2, 1, UINT64_MAX), 0);
	look("held", "A");
	CHECK_INT(seen_n, 1);
	CHECK_STR(seen[0].why, "the far end answered A900");
	CHECK_INT(seen[0].hold, HOLD_REFUSED);
	CHECK_INT(apply(got[0].id, JOB_RELEASE, NULL, 3), JOB_QUEUED);
	CHECK_INT(claim("A", 4, 1, UINT64_MAX), 1);
	CHECK_INT(got[0].tries, 0);
	CHECK_STR(got[0].why, "");
	close_db();
}

TEST(late, "an answer that comes after a person held the job is kept")
{
	open_db();
	add(1, "A", 0);
	claim("A", 1, 1, UINT64_MAX);
	CHECK_INT(apply(got[0].id, JOB_HOLD, "held by hand", 2), JOB_HELD);
	CHECK_INT(apply(got[0].id, JOB_FAILED, "aborted", 3), JOB_HELD);
	CHECK_INT(apply(got[0].id, JOB_DELIVERED, NULL, 3), JOB_SENT);
	CHECK_INT(work_apply(work, 4711, &(struct work_event){ .event = JOB_HOLD }, NULL, &why), ERR_NOT_FOUND);
	close_db();
}

TEST(many, "holding and releasing all of a destination leaves the others and what is done")
{
	const struct work_event hold = { .event = JOB_HOLD, .hold = HOLD_PERSON, .why = "held by hand", .now_ms = 5 };
	const struct work_event release = { .event = JOB_RELEASE, .now_ms = 6 };
	unsigned moved;
	open_db();
	for (uint64_t i = 1; i <= 4; i++)
		add(i, "A", 0);
	add(1, "B", 0);
	claim("A", 1, 1, UINT64_MAX);
	apply(got[0].id, JOB_DELIVERED, NULL, 2);
	CHECK_OK(work_apply_all(work, "A", HOLD_NONE, &hold, &moved, &why), why);
	CHECK_INT(moved, 3);
	CHECK_INT(claim("A", 7, 9, UINT64_MAX), 0);
	CHECK_INT(claim("B", 7, 9, UINT64_MAX), 1);
	count();
	CHECK_INT(counts[JOB_FORWARD][JOB_HELD], 3);
	CHECK_INT(counts[JOB_FORWARD][JOB_SENT], 1);
	CHECK_INT(counts[JOB_FORWARD][JOB_RUNNING], 1);
	CHECK_OK(work_apply_all(work, "A", HOLD_NO_NODE, &release, &moved, &why), why);
	CHECK_INT(moved, 0);
	CHECK_OK(work_apply_all(work, NULL, HOLD_NONE, &release, &moved, &why), why);
	CHECK_INT(moved, 3);
	CHECK_INT(claim("A", 7, 9, UINT64_MAX), 3);
	close_db();
}

TEST(nodes, "jobs for a name that no node has are held, and queued when it is added; none goes back to its sender")
{
	const struct work_node a[] = { { "A", "AET_A" } }, both[] = { { "A", "AET_A" }, { "B", "CT1" } };
	unsigned queued;
	open_db();
	add(1, "A", 0);
	add_full(JOB_FORWARD, 1, "B", 0, 1, "US7", HOLD_NO_NODE, false);
	add_full(JOB_FORWARD, 2, "B", 0, 1, "CT1", HOLD_NO_NODE, false);
	add_full(JOB_FORWARD, 3, "B", 0, 1, "US7", HOLD_NONE, false);
	CHECK_OK(work_set_nodes(work, a, 1, 5, &queued, &why), why);
	CHECK_INT(queued, 0);
	look("held", "B");
	CHECK_INT(seen_n, 3);
	CHECK_STR(seen[2].why, "no such node: B");
	CHECK_INT(claim("A", 5, 9, UINT64_MAX), 1);
	CHECK_OK(work_set_nodes(work, both, 2, 6, &queued, &why), why);
	CHECK_INT(queued, 2);
	CHECK_INT(claim("B", 6, 9, UINT64_MAX), 2);
	CHECK_INT(got[0].instance, 1);
	CHECK_INT(got[1].instance, 3);
	close_db();
}

TEST(blocked, "an image goes out after its compression, or when that fails as it is")
{
	static const enum job_event ends[] = { JOB_DELIVERED, JOB_FAILED, JOB_REFUSED };
	for (size_t i = 0; i < NELEM(ends); i++) {
		open_db();
		add_full(JOB_COMPRESS, 1, "jpeg2000", 0, 100, "CT1", HOLD_NONE, false);
		add_full(JOB_FORWARD, 1, "A", 0, 100, "CT1", HOLD_NONE, true);
		add(2, "A", 0);
		CHECK_INT(claim("A", 1, 9, UINT64_MAX), 1);
		CHECK_INT(got[0].instance, 2);
		CHECK_OK(work_claim(work, JOB_COMPRESS, "jpeg2000", 1, 9, UINT64_MAX, got, &n, &next_ms, &why), why);
		CHECK_INT(n, 1);
		CHECK_INT(claim("A", 1, 9, UINT64_MAX), 0);
		apply(1, ends[i], NULL, 2);
		CHECK_INT(claim("A", 2, 9, UINT64_MAX), 1);
		CHECK_INT(got[0].instance, 1);
		close_db();
	}
}

TEST(blocked_held, "holding a compression lets the image go")
{
	const struct work_event hold = { .event = JOB_HOLD, .hold = HOLD_PERSON, .now_ms = 5 };
	open_db();
	add_full(JOB_COMPRESS, 1, "jpeg2000", 0, 100, "CT1", HOLD_NONE, false);
	add_full(JOB_FORWARD, 1, "A", 0, 100, "CT1", HOLD_NONE, true);
	CHECK_OK(work_apply_all(work, "jpeg2000", HOLD_NONE, &hold, NULL, &why), why);
	CHECK_INT(claim("A", 5, 9, UINT64_MAX), 1);
	close_db();
}

TEST(together, "jobs and cursor are committed together or not at all")
{
	int64_t seq;
	open_db();
	add(1, "A", 0);
	CHECK_OK(work_set_cursor(work, 17, &why), why);
	work_rollback(work);
	CHECK_OK(work_begin(work, &why), why);
	CHECK_OK(work_cursor(work, &seq, &why), why);
	CHECK_INT(seq, 0);
	CHECK_INT(claim("A", 1, 1, UINT64_MAX), 0);
	add(1, "A", 0);
	CHECK_OK(work_set_cursor(work, 17, &why), why);
	commit();
	CHECK_OK(work_set_cursor(work, 18, &why), why);
	CHECK_OK(work_cursor(work, &seq, &why), why);
	CHECK_INT(seq, 18);
	CHECK_INT(claim("A", 1, 1, UINT64_MAX), 1);
	close_db();
}

TEST(undo, "a task that fails is taken back alone")
{
	open_db();
	add(1, "A", 0);
	CHECK_OK(work_mark(work, &why), why);
	add(2, "A", 0);
	work_undo(work);
	CHECK_OK(work_mark(work, &why), why);
	add(3, "A", 0);
	CHECK_OK(work_release(work, &why), why);
	CHECK_INT(claim("A", 1, 9, UINT64_MAX), 2);
	CHECK_INT(got[1].instance, 3);
	close_db();
}

TEST(listing, "open jobs are listed in their order, unknown states are refused")
{
	struct work_reader *r;
	open_db();
	add(1, "A", 0);
	add(2, "B", 5);
	add(3, "A", 5);
	look(NULL, NULL);
	CHECK_INT(seen_n, 3);
	CHECK_INT(seen[0].instance, 2);
	CHECK_INT(seen[2].instance, 1);
	look("queued", "A");
	CHECK_INT(seen_n, 2);
	CHECK_INT(seen[0].instance, 3);
	CHECK_STR(seen[0].sop_instance.s, "1.2.3");
	look("sent", NULL);
	CHECK_INT(seen_n, 0);
	CHECK_OK(work_reader_open(dir, &r, &why), why);
	CHECK_INT(work_reader_list(r, &(struct work_filter){ "lost", NULL, 9 }, see, NULL, &why), ERR_USAGE);
	work_reader_close(&r);
	close_db();
}

int main(void)
{
	RUN(once);
	RUN(order);
	RUN(weight);
	RUN(leases);
	RUN(one_writer);
	RUN(waiting);
	RUN(held);
	RUN(late);
	RUN(many);
	RUN(nodes);
	RUN(blocked);
	RUN(blocked_held);
	RUN(together);
	RUN(undo);
	RUN(listing);
	return t_done();
}
