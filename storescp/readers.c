#include "storescp/readers.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>

#include "pacs/base/bounds.h"

struct job {
	STAILQ_ENTRY(job) link;
	void (*work)(void *arg, struct index_reader *ix);
	void (*done)(void *arg);
	void *arg;
};

struct reader_thread {
	pthread_t thread;
	struct readers *readers;
	struct index_reader *ix;     /* owned; used by this thread only once it runs */
};

struct readers {
	struct loop *loop;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	STAILQ_HEAD(, job) waiting;  /* under lock, as the two below */
	unsigned waiting_count;
	bool is_closing;
	unsigned count;              /* threads that run */
	struct reader_thread threads[];
};

/* NULL: closing, and nothing is left to do. */
static struct job *next_job(struct readers *r)
{
	pthread_mutex_lock(&r->lock);
	while (STAILQ_EMPTY(&r->waiting) && !r->is_closing)
		pthread_cond_wait(&r->wake, &r->lock);
	struct job *j = STAILQ_FIRST(&r->waiting);
	if (j) {
		STAILQ_REMOVE_HEAD(&r->waiting, link);
		r->waiting_count--;
	}
	pthread_mutex_unlock(&r->lock);
	return j;
}

/* An operation whose end is never told would keep its association for ever, so out of memory
 * (the only way posting fails) is waited out. */
static void post_surely(struct loop *l, void (*fn)(void *arg), void *arg)
{
	static const struct timespec pause = { .tv_nsec = 10000000 };

	while (loop_post(l, fn, arg) != ERR_OK)
		nanosleep(&pause, NULL);
}

static void *thread_main(void *arg)
{
	struct reader_thread *t = arg;
	struct job *j;

	while ((j = next_job(t->readers))) {
		j->work(j->arg, t->ix);
		post_surely(t->readers->loop, j->done, j->arg);
		free(j);
	}
	return NULL;
}

static enum err thread_start(struct readers *r, const char *dir, struct why *why)
{
	struct reader_thread *t = &r->threads[r->count];

	t->readers = r;
	enum err e = index_reader_open(dir, &t->ix, why);
	if (e)
		return e;
	int failed = pthread_create(&t->thread, NULL, thread_main, t);
	if (failed) {
		index_reader_close(&t->ix);
		return fail(why, ERR_NOMEM, "cannot start reader thread %u: error %d", r->count, failed);
	}
	r->count++;
	return ERR_OK;
}

enum err readers_open(struct loop *l, const char *dir, unsigned threads, struct readers **out, struct why *why)
{
	struct readers *r = calloc(1, sizeof(*r) + threads * sizeof(r->threads[0]));

	*out = NULL;
	if (!r)
		return fail(why, ERR_NOMEM, "no memory for %u readers", threads);
	r->loop = l;
	STAILQ_INIT(&r->waiting);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->wake, NULL);
	for (unsigned i = 0; i < threads; i++) {
		enum err e = thread_start(r, dir, why);
		if (e) {
			readers_close(&r);
			return e;
		}
	}
	*out = r;
	return ERR_OK;
}

void readers_close(struct readers **rp)
{
	struct readers *r = *rp;

	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->is_closing = true;
	pthread_cond_broadcast(&r->wake);
	pthread_mutex_unlock(&r->lock);
	for (unsigned i = 0; i < r->count; i++) {
		pthread_join(r->threads[i].thread, NULL);
		index_reader_close(&r->threads[i].ix);
	}
	assert(STAILQ_EMPTY(&r->waiting));
	pthread_cond_destroy(&r->wake);
	pthread_mutex_destroy(&r->lock);
	free(r);
	*rp = NULL;
}

static bool enqueue(struct readers *r, struct job *j)
{
	pthread_mutex_lock(&r->lock);
	bool has_room = r->waiting_count < BOUND_ASSOCIATIONS && !r->is_closing;
	if (has_room) {
		STAILQ_INSERT_TAIL(&r->waiting, j, link);
		r->waiting_count++;
		pthread_cond_signal(&r->wake);
	}
	pthread_mutex_unlock(&r->lock);
	return has_room;
}

enum err readers_run(struct readers *r, void (*work)(void *arg, struct index_reader *ix), void (*done)(void *arg), void *arg)
{
	struct job *j = malloc(sizeof(*j));

	if (!j)
		return ERR_NOMEM;
	*j = (struct job){ .work = work, .done = done, .arg = arg };
	if (enqueue(r, j))
		return ERR_OK;
	free(j);
	return ERR_LIMIT;
}
