#include "storescp/readers.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/t.h"

/* The loop: a line of functions that another thread may fill and that the test runs. */
struct loop {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct { void (*fn)(void *arg); void *arg; } posted[8192];
	unsigned first, count;
	int refuse;                  /* so many posts fail for lack of memory */
};
static struct loop loop = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };

enum err loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
	enum err e = ERR_NOMEM;
	pthread_mutex_lock(&l->lock);
	if (l->refuse > 0) {
		l->refuse--;
	} else {
		unsigned i = (l->first + l->count++) % NELEM(l->posted);
		l->posted[i].fn = fn;
		l->posted[i].arg = arg;
		pthread_cond_signal(&l->wake);
		e = ERR_OK;
	}
	pthread_mutex_unlock(&l->lock);
	return e;
}

static void run_one(void)
{
	pthread_mutex_lock(&loop.lock);
	while (!loop.count)
		pthread_cond_wait(&loop.wake, &loop.lock);
	unsigned i = loop.first;
	loop.first = (loop.first + 1) % NELEM(loop.posted);
	loop.count--;
	pthread_mutex_unlock(&loop.lock);
	loop.posted[i].fn(loop.posted[i].arg);
}

/* Two works that end only when both run at once. */
static pthread_barrier_t both;
struct work { struct index_reader *ix; bool must_meet, has_worked, is_done; };

static void work(void *arg, struct index_reader *ix)
{
	struct work *w = arg;
	w->ix = ix;
	w->has_worked = true;
	if (w->must_meet)
		pthread_barrier_wait(&both);
}

static void done(void *arg)
{
	struct work *w = arg;
	w->is_done = w->has_worked;
}

static char dir[] = "/tmp/readers_test.XXXXXX";
static struct why why;

TEST(at_once, "as many operations run at once as there are readers, each with its own connection")
{
	struct readers *r;
	struct work w[2] = { { .must_meet = true }, { .must_meet = true } };
	pthread_barrier_init(&both, NULL, 2);
	CHECK_OK(readers_open(&loop, dir, 2, &r, &why), why);
	for (int i = 0; i < 2; i++)
		CHECK_INT(readers_run(r, work, done, &w[i]), 0);
	run_one();
	run_one();
	CHECK(w[0].is_done && w[1].is_done);
	CHECK(w[0].ix && w[1].ix && w[0].ix != w[1].ix);
	readers_close(&r);
	CHECK(r == NULL);
	pthread_barrier_destroy(&both);
}

TEST(line, "the rest waits in line, and the end of each is told though memory lacks for a while")
{
	static struct work w[500];
	struct readers *r;
	CHECK_OK(readers_open(&loop, dir, 2, &r, &why), why);
	loop.refuse = 3;
	for (size_t i = 0; i < NELEM(w); i++)
		CHECK_INT(readers_run(r, work, done, &w[i]), 0);
	for (size_t i = 0; i < NELEM(w); i++)
		run_one();
	for (size_t i = 0; i < NELEM(w); i++)
		CHECK(w[i].is_done);
	readers_close(&r);
}

TEST(bound, "the line has an end")
{
	static struct work w[BOUND_ASSOCIATIONS + 2];
	struct readers *r;
	size_t taken = 0;
	pthread_barrier_init(&both, NULL, 2);
	CHECK_OK(readers_open(&loop, dir, 1, &r, &why), why);
	w[0].must_meet = true;       /* holds the only reader */
	for (size_t i = 0; i < NELEM(w); i++) {
		enum err e = readers_run(r, work, done, &w[i]);
		CHECK(e == ERR_OK || e == ERR_LIMIT);
		taken += e == ERR_OK;
	}
	CHECK(taken == BOUND_ASSOCIATIONS || taken == BOUND_ASSOCIATIONS + 1);
	pthread_barrier_wait(&both);
	for (size_t i = 0; i < taken; i++)
		run_one();
	readers_close(&r);
	pthread_barrier_destroy(&both);
}

TEST(no_index, "without an index there are no readers")
{
	struct readers *r;
	CHECK(readers_open(&loop, "/tmp/readers_test.no_such_folder", 2, &r, &why) != ERR_OK);
	CHECK(r == NULL);
	CHECK(*why.text);
}

int main(void)
{
	struct index_writer *w;
	char cmd[64];
	if (!mkdtemp(dir))
		return 1;
	CHECK_OK(index_writer_open(dir, &w, &why), why);
	RUN(at_once);
	RUN(line);
	RUN(bound);
	RUN(no_index);
	index_writer_close(&w);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd) ? 1 : t_done();
}
