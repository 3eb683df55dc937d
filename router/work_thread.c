#include "router/work_thread.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pacs/base/fault.h"
#include "pacs/base/log.h"
#include "pacs/ctl/ctl.h"

struct task {
	STAILQ_ENTRY(task) link;
	work_fn *work;
	work_done_fn *done;
	void *arg;
	enum err err;
	struct why why;
};
STAILQ_HEAD(tasks, task);

enum { PING_TIMEOUT_MS = 200 };
enum { BATCH = 1000 };           /* tasks behind one sync: bounds how long the first one waits */

struct work_thread {
	struct loop *loop;
	char *dir;                   /* owned */
	struct work *work;           /* the thread's, once it runs */
	struct index_reader *index;  /* the thread's; NULL until it can be opened */
	ino_t index_ino;             /* of the file it has open */
	pthread_t thread;
	pthread_mutex_t lock;        /* below */
	pthread_cond_t more;
	struct tasks waiting;
	bool is_stopping;
	bool is_safe;                /* the thread's: what the index names may be read */
};

struct batch { struct tasks tasks; };

/* ---- on the loop ---- */

static void batch_done(void *arg)
{
	struct batch *b = arg;
	struct task *t;
	while ((t = STAILQ_FIRST(&b->tasks))) {
		STAILQ_REMOVE_HEAD(&b->tasks, link);
		if (t->done)
			t->done(t->arg, t->err, &t->why);
		free(t);
	}
	free(b);
}

enum err work_run(struct work_thread *w, work_fn *work, work_done_fn *done, void *arg)
{
	struct task *t = fault_fails(FAULT_ALLOC) ? NULL : calloc(1, sizeof(*t));
	if (!t)
		return ERR_NOMEM;
	t->work = work;
	t->done = done;
	t->arg = arg;
	pthread_mutex_lock(&w->lock);
	STAILQ_INSERT_TAIL(&w->waiting, t, link);
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	return ERR_OK;
}

/* ---- on the thread ---- */

static void run_task(struct work_thread *w, struct task *t)
{
	t->err = work_mark(w->work, &t->why);
	if (t->err)
		return;
	t->err = t->work(t->arg, w->work, w->index, &t->why);
	if (!t->err)
		t->err = work_release(w->work, &t->why);
	if (t->err)
		work_undo(w->work);
}

static void run_batch(struct work_thread *w, struct tasks *tasks)
{
	struct why why = { "" };
	struct task *t;
	enum err e = work_begin(w->work, &why);
	if (!e) {
		STAILQ_FOREACH(t, tasks, link)
			run_task(w, t);
		e = work_commit(w->work, &why);
	}
	if (!e)
		return;
	work_rollback(w->work);
	log_event(LOG_ERROR, "work_commit", "error", err_name(e), "why", why.text, NULL);
	STAILQ_FOREACH(t, tasks, link) {
		t->err = e;
		t->why = why;
	}
}

/* Without memory for this the loop would wait for ever for what has been done. What is on disk is right: start anew. */
static void post(struct work_thread *w, struct tasks *tasks)
{
	struct batch *b = malloc(sizeof(*b));
	if (b) {
		STAILQ_INIT(&b->tasks);
		STAILQ_CONCAT(&b->tasks, tasks);
	}
	if (!b || loop_post(w->loop, batch_done, b)) {
		log_event(LOG_ERROR, "out_of_memory", "doing", "telling the loop of a commit", NULL);
		_exit(1);
	}
}

/* Waits; false when there is nothing left to do and the thread shall end. */
static bool take(struct work_thread *w, struct tasks *out)
{
	STAILQ_INIT(out);
	pthread_mutex_lock(&w->lock);
	while (STAILQ_EMPTY(&w->waiting) && !w->is_stopping)
		pthread_cond_wait(&w->more, &w->lock);
	for (unsigned i = 0; i < BATCH && !STAILQ_EMPTY(&w->waiting); i++) {
		struct task *t = STAILQ_FIRST(&w->waiting);
		STAILQ_REMOVE_HEAD(&w->waiting, link);
		STAILQ_INSERT_TAIL(out, t, link);
	}
	pthread_mutex_unlock(&w->lock);
	return !STAILQ_EMPTY(out);
}

/* After a power cut the owner of the index must have looked at its youngest rows (pacs/store/ingest_heal.c) before anybody sends
 * what they name. It answers when it has. */
static bool is_safe(struct work_thread *w)
{
	char path[PATH_MAX];
	bool is_settled = false;
	if (index_is_settled(w->index, &is_settled, NULL))
		return false;
	snprintf(path, sizeof(path), "%.*s/run/storescp.sock", PATH_MAX - 32, w->dir);
	return is_settled || !ctl_call(path, json_pack("{s:s}", "op", "ping"), PING_TIMEOUT_MS, NULL, NULL);
}

/* An index.db that was removed and rebuilt while we run is another file under the same name. */
static void look_at_index(struct work_thread *w)
{
	char path[PATH_MAX];
	struct stat st;
	snprintf(path, sizeof(path), "%.*s/index.db", PATH_MAX - 16, w->dir);
	if (stat(path, &st))
		return;
	if (w->index && w->index_ino != st.st_ino)
		index_reader_close(&w->index);
	if (!w->index && index_reader_open(w->dir, &w->index, NULL))
		w->index = NULL;
	if (w->index && !w->is_safe && !(w->is_safe = is_safe(w)))
		index_reader_close(&w->index);
	w->index_ino = st.st_ino;
}

static void *run(void *arg)
{
	struct work_thread *w = arg;
	struct tasks tasks;
	while (take(w, &tasks)) {
		look_at_index(w);
		run_batch(w, &tasks);
		post(w, &tasks);
		work_checkpoint(w->work);
	}
	index_reader_close(&w->index);
	return NULL;
}

/* ---- start and stop ---- */

static void discard(struct work_thread *w)
{
	work_close(&w->work);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w->dir);
	free(w);
}

enum err work_thread_start(struct loop *l, const char *dir, struct work_thread **out, struct why *why)
{
	struct work_thread *w = calloc(1, sizeof(*w));
	*out = NULL;
	if (!w)
		return fail(why, ERR_NOMEM, "no memory");
	w->loop = l;
	STAILQ_INIT(&w->waiting);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	w->dir = strdup(dir);
	enum err e = w->dir ? work_open(dir, &w->work, why) : fail(why, ERR_NOMEM, "no memory");
	if (!e && pthread_create(&w->thread, NULL, run, w))
		e = fail(why, ERR_NOMEM, "no thread for work.db");
	if (e)
		discard(w);
	else
		*out = w;
	return e;
}

void work_thread_stop(struct work_thread **wp)
{
	struct work_thread *w = *wp;
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->is_stopping = true;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	discard(w);
	*wp = NULL;
}
