/* The thread of work.db: order, one commit for many, and a failing task that harms only itself. */
#include "tests/lib/t.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "router/work_thread.h"

static char dir[64];
static struct loop *loop;
static struct work_thread *thread;
static struct why why;

static void start(void)
{
	char run[96];
	snprintf(dir, sizeof(dir), "/tmp/work_thread_test.XXXXXX");
	CHECK(mkdtemp(dir));
	snprintf(run, sizeof(run), "%s/run", dir);
	CHECK(!mkdir(run, 0755));
	CHECK_OK(loop_new(&loop), why);
	CHECK_OK(work_thread_start(loop, dir, &thread, &why), why);
}

static void stop(void)
{
	static const char *const names[] = { "work.db", "work.db-wal", "work.db-shm", "run/router.lock", "run" };
	char path[128];
	work_thread_stop(&thread);
	loop_run(loop);
	loop_free(&loop);
	for (size_t i = 0; i < NELEM(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		if (remove(path))
			continue;
	}
	rmdir(dir);
}

struct step { uint64_t instance; bool fails; bool was_done; enum err err; };
static unsigned order, out_of_order;

static enum err step_work(void *arg, struct work *w, struct index_reader *ix, struct why *y)
{
	const struct step *s = arg;
	struct work_job j = { .kind = JOB_FORWARD, .instance = s->instance, .to = "A", .created_ms = 1 };
	CHECK(!ix);      /* there is no index.db */
	enum err e = work_enqueue(w, &j, y);
	return e ? e : s->fails ? fail(y, ERR_CONFLICT, "as told") : ERR_OK;
}

static void step_done(void *arg, enum err e, const struct why *y)
{
	struct step *s = arg;
	if (s->instance != ++order)
		out_of_order++;
	CHECK(!s->was_done);
	s->was_done = true;
	s->err = e;
	if (s->fails)
		CHECK_STR(y->text, "as told");
}

static bool tally(void *arg, const struct work_count *c)
{
	*(uint64_t *)arg += c->n;
	return true;
}

static uint64_t jobs_on_disk(void)
{
	struct work_reader *r;
	uint64_t n = 0;
	CHECK_OK(work_reader_open(dir, &r, &why), why);
	CHECK_OK(work_reader_counts(r, tally, &n, &why), why);
	work_reader_close(&r);
	return n;
}

TEST(many, "three thousand tasks are done in order, and one in seven that fails leaves the others")
{
	enum { N = 3000 };
	static struct step steps[N];
	unsigned failed = 0;
	start();
	order = out_of_order = 0;
	for (unsigned i = 0; i < N; i++) {
		steps[i] = (struct step){ .instance = i + 1, .fails = i % 7 == 3 };
		failed += steps[i].fails;
		CHECK_OK(work_run(thread, step_work, step_done, &steps[i]), why);
	}
	work_thread_stop(&thread);
	CHECK_INT(jobs_on_disk(), N - failed);
	CHECK_INT(order, 0);
	loop_run(loop);
	CHECK_INT(order, N);
	CHECK_INT(out_of_order, 0);
	for (unsigned i = 0; i < N; i++)
		CHECK_INT(steps[i].err, steps[i].fails ? ERR_CONFLICT : ERR_OK);
	stop();
}

static uint64_t seen;

static void seen_on_disk(void *arg, enum err e, const struct why *y)
{
	(void)arg;
	(void)y;
	CHECK_INT(e, ERR_OK);
	seen = jobs_on_disk();
	loop_stop(loop);
}

TEST(durable, "when a task is told done, another connection sees what it did")
{
	struct step s = { .instance = 1 }, second = { .instance = 2 };
	start();
	seen = 0;
	CHECK_OK(work_run(thread, step_work, NULL, &s), why);
	CHECK_OK(work_run(thread, step_work, NULL, &s), why);       /* twice the same: its error is its own */
	CHECK_OK(work_run(thread, step_work, seen_on_disk, &second), why);
	while (!seen)
		loop_run(loop);
	CHECK_INT(seen, 2);
	stop();
}

int main(void)
{
	RUN(many);
	RUN(durable);
	return t_done();
}
