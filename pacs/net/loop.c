#include "pacs/net/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "pacs/base/clock.h"
#include "pacs/base/log.h"
#include "pacs/net/loop_uv.h"

#define SLOW_NS (10 * 1000000ULL)

struct post {
	STAILQ_ENTRY(post) link;
	void (*fn)(void *arg);
	void *arg;
};
STAILQ_HEAD(post_list, post);

enum { SIGNALS = 3 };

struct loop {
	uv_loop_t uv;
	uv_async_t async;                /* wakes the loop for `posted` and `stop_asked` */
	uv_signal_t signals[SIGNALS];
	bool has_signals;
	pthread_mutex_t lock;            /* guards the two below */
	struct post_list posted;
	bool stop_asked;
	bool is_stopped;                 /* on_stop has been called */
	void (*on_stop)(void *arg);
	void *on_stop_arg;
	void (*on_hangup)(void *arg);
	void *on_hangup_arg;
	char *scratch;
};

uv_loop_t *loop_uv(struct loop *l)
{
	return &l->uv;
}

char *loop_scratch(struct loop *l)
{
	return l->scratch;
}

void loop_note_slow(uint64_t begun_ns, const char *what)
{
	uint64_t ns = clock_mono_ns() - begun_ns;
	if (ns > SLOW_NS)
		log_event(LOG_DEBUG, "slow_callback", "what", what, "us", log_num((long long)(ns / 1000)).s, NULL);
}

static void call(void (*fn)(void *arg), void *arg, const char *what)
{
	uint64_t begun = clock_mono_ns();
	fn(arg);
	loop_note_slow(begun, what);
}

/* Runs what was posted; true when there was something. Wake-ups coalesce, so the whole queue is taken. */
static bool run_posted(struct loop *l)
{
	struct post_list now = STAILQ_HEAD_INITIALIZER(now);
	pthread_mutex_lock(&l->lock);
	STAILQ_CONCAT(&now, &l->posted);
	bool stop = l->stop_asked && !l->is_stopped;
	pthread_mutex_unlock(&l->lock);
	bool any = !STAILQ_EMPTY(&now);
	for (struct post *p; (p = STAILQ_FIRST(&now)); ) {
		STAILQ_REMOVE_HEAD(&now, link);
		call(p->fn, p->arg, "post");
		free(p);
	}
	if (stop) {
		l->is_stopped = true;
		if (l->on_stop)
			l->on_stop(l->on_stop_arg);
		else
			uv_stop(&l->uv);
	}
	return any || stop;
}

static void on_async(uv_async_t *h)
{
	run_posted(h->data);
}

enum err loop_new(struct loop **out)
{
	struct loop *l = calloc(1, sizeof(*l));
	if (!l || !(l->scratch = malloc(LOOP_SCRATCH)) || uv_loop_init(&l->uv)) {
		if (l)
			free(l->scratch);
		free(l);
		return ERR_NOMEM;
	}
	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&l->lock, NULL);
	STAILQ_INIT(&l->posted);
	l->async.data = l;
	if (uv_async_init(&l->uv, &l->async, on_async)) {
		uv_loop_close(&l->uv);
		free(l->scratch);
		free(l);
		return ERR_NOMEM;
	}
	uv_unref((uv_handle_t *)&l->async);      /* waiting for posts alone keeps no loop running */
	*out = l;
	return ERR_OK;
}

void loop_free(struct loop **lp)
{
	struct loop *l = *lp;
	if (!l)
		return;
	uv_close((uv_handle_t *)&l->async, NULL);
	for (int i = 0; l->has_signals && i < SIGNALS; i++)
		uv_close((uv_handle_t *)&l->signals[i], NULL);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	while (run_posted(l))
		;
	int busy = uv_loop_close(&l->uv);
	assert(busy == 0);
	(void)busy;
	pthread_mutex_destroy(&l->lock);
	free(l->scratch);
	free(l);
	*lp = NULL;
}

void loop_run(struct loop *l)
{
	do
		uv_run(&l->uv, UV_RUN_DEFAULT);
	while (run_posted(l) || (uv_loop_alive(&l->uv) && !l->is_stopped));
}

void loop_stop(struct loop *l)
{
	pthread_mutex_lock(&l->lock);
	l->stop_asked = true;
	uv_async_send(&l->async);        /* under the lock, as in loop_post() */
	pthread_mutex_unlock(&l->lock);
}

void loop_on_stop(struct loop *l, void (*fn)(void *arg), void *arg)
{
	l->on_stop = fn;
	l->on_stop_arg = arg;
}

static void on_signal(uv_signal_t *h, int number)
{
	struct loop *l = h->data;
	if (number != SIGHUP)
		loop_stop(l);
	else if (l->on_hangup)
		l->on_hangup(l->on_hangup_arg);
}

void loop_on_signals(struct loop *l, void (*on_hangup)(void *arg), void *arg)
{
	static const int numbers[SIGNALS] = { SIGTERM, SIGINT, SIGHUP };
	l->on_hangup = on_hangup;
	l->on_hangup_arg = arg;
	l->has_signals = true;
	for (int i = 0; i < SIGNALS; i++) {
		uv_signal_init(&l->uv, &l->signals[i]);
		l->signals[i].data = l;
		uv_signal_start(&l->signals[i], on_signal, numbers[i]);
		uv_unref((uv_handle_t *)&l->signals[i]);
	}
}

enum err loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
	struct post *p = malloc(sizeof(*p));
	if (!p)
		return ERR_NOMEM;
	p->fn = fn;
	p->arg = arg;
	pthread_mutex_lock(&l->lock);
	STAILQ_INSERT_TAIL(&l->posted, p, link);
	/* Under the lock: once the loop can take this post, it may run to its end and be freed. */
	uv_async_send(&l->async);
	pthread_mutex_unlock(&l->lock);
	return ERR_OK;
}

/* ---- pool ---- */

struct work {
	uv_work_t req;
	void (*work)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

static void do_work(uv_work_t *req)
{
	struct work *w = req->data;
	w->work(w->arg);
}

static void after_work(uv_work_t *req, int status)
{
	struct work *w = req->data;
	(void)status;
	void (*done)(void *) = w->done;
	void *arg = w->arg;
	free(w);
	if (done)
		call(done, arg, "work");
}

enum err loop_work(struct loop *l, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	struct work *w = malloc(sizeof(*w));
	if (!w)
		return ERR_NOMEM;
	*w = (struct work){ .req.data = w, .work = work, .done = done, .arg = arg };
	if (uv_queue_work(&l->uv, &w->req, do_work, after_work)) {
		free(w);
		return ERR_NOMEM;
	}
	return ERR_OK;
}

/* ---- timers ---- */

struct loop_timer {
	uv_timer_t uv;
	void (*fn)(void *arg);
	void *arg;
};

static void on_timer(uv_timer_t *h)
{
	struct loop_timer *t = h->data;
	call(t->fn, t->arg, "timer");
}

enum err loop_timer_new(struct loop *l, void (*fn)(void *arg), void *arg, struct loop_timer **out)
{
	struct loop_timer *t = calloc(1, sizeof(*t));
	if (!t)
		return ERR_NOMEM;
	uv_timer_init(&l->uv, &t->uv);
	t->uv.data = t;
	t->fn = fn;
	t->arg = arg;
	*out = t;
	return ERR_OK;
}

void loop_timer_start(struct loop_timer *t, uint64_t after_ms, uint64_t repeat_ms)
{
	uv_update_time(t->uv.loop);
	uv_timer_start(&t->uv, on_timer, after_ms, repeat_ms);
}

void loop_timer_stop(struct loop_timer *t)
{
	uv_timer_stop(&t->uv);
}

static void free_timer(uv_handle_t *h)
{
	free(h->data);
}

void loop_timer_free(struct loop_timer **t)
{
	if (!*t)
		return;
	uv_close((uv_handle_t *)&(*t)->uv, free_timer);
	*t = NULL;
}
