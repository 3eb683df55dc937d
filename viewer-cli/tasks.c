#include "viewer-cli/tasks.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct report { struct report *next; void (*fn)(void *arg); void *arg; };

struct tasks {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, idle;
	int wake_fd;
	bool is_ending, has_ended;
	struct task *first, *ended;      /* waiting, oldest first; ended, oldest first */
	struct report *reports;          /* oldest first */
};

static void tell_poller(const struct tasks *t)
{
	uint64_t one = 1;
	if (write(t->wake_fd, &one, sizeof(one)) < 0)
		return;                  /* the counter is full: the poller is woken already */
}

static void append(struct task **list, struct task *task)
{
	while (*list)
		list = &(*list)->next;
	task->next = NULL;
	*list = task;
}

static void *work(void *arg)
{
	struct tasks *t = arg;
	pthread_mutex_lock(&t->lock);
	while (!t->is_ending) {
		struct task *now = t->first;
		if (!now) {
			pthread_cond_wait(&t->wake, &t->lock);
			continue;
		}
		t->first = now->next;
		pthread_mutex_unlock(&t->lock);
		now->run(now);
		pthread_mutex_lock(&t->lock);
		append(&t->ended, now);
		tell_poller(t);
	}
	t->has_ended = true;
	pthread_cond_broadcast(&t->idle);
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

enum err tasks_new(int wake_fd, struct tasks **out, struct why *why)
{
	struct tasks *t = *out = calloc(1, sizeof(*t));
	sigset_t all, old;
	if (!t)
		return fail(why, ERR_NOMEM, "no memory");
	t->wake_fd = wake_fd;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->wake, NULL);
	pthread_cond_init(&t->idle, NULL);
	/* Signals are for the thread that polls; so are those of the client's threads, which inherit this. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	errno = pthread_create(&t->thread, NULL, work, t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!errno)
		return ERR_OK;
	fail_errno(why, ERR_NOMEM, "no thread");
	free(t);
	*out = NULL;
	return ERR_NOMEM;
}

void tasks_give(struct tasks *t, struct task *task)
{
	task->on = t;
	pthread_mutex_lock(&t->lock);
	append(&t->first, task);
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
}

void tasks_report(struct tasks *t, void (*fn)(void *arg), void *arg)
{
	struct report *r = malloc(sizeof(*r)), **at = &t->reports;
	if (!r) {
		free(arg);
		return;
	}
	*r = (struct report){ NULL, fn, arg };
	pthread_mutex_lock(&t->lock);
	while (*at)
		at = &(*at)->next;
	*at = r;
	tell_poller(t);
	pthread_mutex_unlock(&t->lock);
}

void tasks_poll(struct tasks *t)
{
	pthread_mutex_lock(&t->lock);
	struct task *ended = t->ended;
	struct report *reports = t->reports;
	t->ended = NULL;
	t->reports = NULL;
	pthread_mutex_unlock(&t->lock);
	while (reports) {
		struct report *r = reports;
		reports = r->next;
		r->fn(r->arg);
		free(r);
	}
	while (ended) {
		struct task *e = ended;
		ended = e->next;
		e->done(e);
	}
}

static struct timespec in_ms(unsigned ms)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

bool tasks_stop(struct tasks **tp, unsigned wait_ms)
{
	struct tasks *t = *tp;
	struct timespec until = in_ms(wait_ms);
	if (!t)
		return true;
	pthread_mutex_lock(&t->lock);
	t->is_ending = true;
	pthread_cond_signal(&t->wake);
	int r = 0;
	while (!t->has_ended && r == 0)
		r = pthread_cond_timedwait(&t->idle, &t->lock, &until);
	bool ended = t->has_ended;
	pthread_mutex_unlock(&t->lock);
	if (!ended)
		return false;
	pthread_join(t->thread, NULL);
	tasks_poll(t);
	while (t->first) {
		struct task *left = t->first;
		t->first = left->next;
		left->done(left);
	}
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->wake);
	pthread_cond_destroy(&t->idle);
	free(t);
	*tp = NULL;
	return true;
}
