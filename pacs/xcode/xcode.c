#include "pacs/xcode/xcode.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/xcode/worker.h"

/* One thread for each worker process: it waits for a job, does it by blocking calls, and posts the result to the loop.
 *
 *   waiting   in `queue`; owned by the set
 *   running   with a thread
 *   done      posted to the loop; freed when the loop gets there
 *
 * `all` links every job that its submitter has not heard of; only the loop's thread touches that list. */
enum { IDLE_S = 30 };

struct task {
	struct task *next;               /* in queue */
	struct task *older, *newer;      /* in all */
	struct xcode *x;
	struct job job;                  /* descriptors owned */
	void (*done)(void *arg, const struct xcode_result *r);
	void *arg;
	struct xcode_result result;
	bool is_orphan;                  /* the set is gone and the submitter was told so */
};

struct slot {
	struct xcode *x;
	pthread_t thread;
	struct worker worker;
};

struct xcode {
	struct loop *loop;
	char *path;
	struct slot *slots;
	unsigned count, started, idle;   /* slots; threads that run; threads that wait */
	struct task *all;
	pthread_mutex_t lock;            /* over queue, idle, is_stopping */
	pthread_cond_t wake;
	struct task *queue, **queue_end;
	unsigned queued;
	bool is_stopping;
};

static void task_free(struct task *t)
{
	if (t->job.in_fd >= 0)
		close(t->job.in_fd);
	if (t->job.out_fd >= 0)
		close(t->job.out_fd);
	free(t);
}

static void unlink_task(struct xcode *x, struct task *t)
{
	if (t->older)
		t->older->newer = t->newer;
	if (t->newer)
		t->newer->older = t->older;
	if (x->all == t)
		x->all = t->older;
}

/* On the loop. The set may be gone, which the task knows. */
static void deliver(void *arg)
{
	struct task *t = arg;
	if (!t->is_orphan) {
		unlink_task(t->x, t);
		t->done(t->arg, &t->result);
	}
	task_free(t);
}

/* ---- the threads ---- */

/* NULL: nothing came for IDLE_S seconds, or the set stops. */
static struct task *take_task(struct xcode *x)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_S;
	x->idle++;
	while (!x->queue && !x->is_stopping && pthread_cond_timedwait(&x->wake, &x->lock, &until) == 0)
		;
	x->idle--;
	struct task *t = x->is_stopping ? NULL : x->queue;
	if (t) {
		x->queue = t->next;
		x->queued--;
		if (!x->queue)
			x->queue_end = &x->queue;
	}
	return t;
}

/* Without memory to post, nothing can be told: waiting for some is all that is left. */
static void post(struct task *t)
{
	const struct timespec pause = { 0, 10000000 };
	while (loop_post(t->x->loop, deliver, t))
		nanosleep(&pause, NULL);
}

static void *run(void *arg)
{
	struct slot *s = arg;
	struct xcode *x = s->x;
	pthread_mutex_lock(&x->lock);
	while (!x->is_stopping) {
		struct task *t = take_task(x);
		pthread_mutex_unlock(&x->lock);
		if (t) {
			worker_do(&s->worker, &t->job, &t->result);
			post(t);
		} else {
			worker_stop(&s->worker);
		}
		pthread_mutex_lock(&x->lock);
	}
	pthread_mutex_unlock(&x->lock);
	worker_stop(&s->worker);
	return NULL;
}

/* A thread more when all are busy and the limit allows. Without any thread the job cannot be taken. */
static enum err start_thread(struct xcode *x)
{
	if (x->started == x->count)
		return ERR_OK;
	struct slot *s = &x->slots[x->started];
	if (pthread_create(&s->thread, NULL, run, s))
		return x->started ? ERR_OK : ERR_NOMEM;
	x->started++;
	return ERR_OK;
}

/* ---- the set ---- */

enum err xcode_new(struct loop *l, const char *worker_path, const struct xcode_limits *lim, struct xcode **out)
{
	unsigned count = lim->workers ? lim->workers : 1;
	struct xcode *x = calloc(1, sizeof(*x));
	struct slot *slots = calloc(count, sizeof(*slots));
	char *path = strdup(worker_path);
	if (!x || !slots || !path) {
		free(x);
		free(slots);
		free(path);
		return ERR_NOMEM;
	}
	*x = (struct xcode){ .loop = l, .path = path, .slots = slots, .count = count };
	x->queue_end = &x->queue;
	for (unsigned i = 0; i < count; i++) {
		slots[i].x = x;
		worker_init(&slots[i].worker, path, lim);
	}
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&x->lock, NULL);
	pthread_cond_init(&x->wake, &attr);
	pthread_condattr_destroy(&attr);
	*out = x;
	return ERR_OK;
}

/* to NULL: a digest, without output. */
static struct task *task_new(struct xcode *x, int in_fd, int out_fd, const struct ts *to, unsigned level)
{
	struct task *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->x = x;
	t->job.level = level;
	t->job.in_fd = fcntl(in_fd, F_DUPFD_CLOEXEC, 0);
	t->job.out_fd = to ? fcntl(out_fd, F_DUPFD_CLOEXEC, 0) : -1;
	if (t->job.in_fd >= 0 && (!to || (t->job.out_fd >= 0 && uid_take(&t->job.to, bytes_str(to->uid)) == ERR_OK)))
		return t;
	task_free(t);
	return NULL;
}

static enum err submit(struct xcode *x, struct task *t, void (*done)(void *arg, const struct xcode_result *r), void *arg)
{
	if (!t)
		return ERR_NOMEM;
	t->done = done;
	t->arg = arg;
	pthread_mutex_lock(&x->lock);
	enum err e = x->idle > x->queued ? ERR_OK : start_thread(x);
	if (!e) {
		*x->queue_end = t;
		x->queue_end = &t->next;
		x->queued++;
		t->older = x->all;
		if (x->all)
			x->all->newer = t;
		x->all = t;
		pthread_cond_signal(&x->wake);
	}
	pthread_mutex_unlock(&x->lock);
	if (e)
		task_free(t);
	return e;
}

enum err xcode_submit(struct xcode *x, int in_fd, int out_fd, const struct ts *to, void (*done)(void *arg, const struct xcode_result *r), void *arg)
{
	return submit(x, task_new(x, in_fd, out_fd, to, 0), done, arg);
}

enum err xcode_submit_level(struct xcode *x, int in_fd, int out_fd, const struct ts *to, unsigned level,
                            void (*done)(void *arg, const struct xcode_result *r), void *arg)
{
	return submit(x, task_new(x, in_fd, out_fd, to, level), done, arg);
}

enum err xcode_submit_digest(struct xcode *x, int in_fd, void (*done)(void *arg, const struct xcode_result *r), void *arg)
{
	return submit(x, task_new(x, in_fd, -1, NULL, 0), done, arg);
}

static void stop_threads(struct xcode *x)
{
	pthread_mutex_lock(&x->lock);
	x->is_stopping = true;
	pthread_cond_broadcast(&x->wake);
	pthread_mutex_unlock(&x->lock);
	for (unsigned i = 0; i < x->started; i++)
		worker_kill(&x->slots[i].worker);
	for (unsigned i = 0; i < x->started; i++)
		pthread_join(x->slots[i].thread, NULL);
}

/* Each open job is told. One that is posted stays in memory until the loop comes by; one that never ran goes now. */
static void cancel_all(struct xcode *x)
{
	const struct xcode_result cancelled = { .err = ERR_CANCELLED, .why = { "the node is stopping" } };
	for (struct task *t = x->queue; t; t = t->next)
		t->x = NULL;
	for (struct task *t = x->all, *older; t; t = older) {
		older = t->older;
		bool never_ran = !t->x;
		t->is_orphan = true;
		t->done(t->arg, &cancelled);
		if (never_ran)
			task_free(t);
	}
}

void xcode_free(struct xcode **x)
{
	struct xcode *s = *x;
	if (!s)
		return;
	*x = NULL;
	stop_threads(s);
	cancel_all(s);
	for (unsigned i = 0; i < s->count; i++)
		worker_fini(&s->slots[i].worker);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s->slots);
	free(s->path);
	free(s);
}
