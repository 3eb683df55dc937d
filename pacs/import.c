#include "pacs/import_private.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "pacs/ctl/ctl.h"
#include "pacs/folder.h"
#include "pacs/store/object.h"

enum { SHOW_MS = 200, PING_MS = 10000 };

static const struct { const char *name; enum import_grade grade; } outcomes[] = {
	[IMPORT_STORED] = { "imported", IMPORT_GOOD },
	[IMPORT_SAME] = { "already there", IMPORT_GOOD },
	[IMPORT_REPAIRED] = { "repaired", IMPORT_GOOD },
	[IMPORT_CONFLICT] = { "conflict", IMPORT_ODD },
	[IMPORT_QUARANTINED] = { "quarantined", IMPORT_ODD },
	[IMPORT_WOULD] = { "would be imported", IMPORT_GOOD },
	[IMPORT_NOT_DICOM] = { "not DICOM", IMPORT_PASSED_OVER },
	[IMPORT_NO_SYNTAX] = { "unknown transfer syntax", IMPORT_ODD },
	[IMPORT_NO_CLASS] = { "no SOP class", IMPORT_PASSED_OVER },
	[IMPORT_DIRECTORY] = { "directory of a file set", IMPORT_PASSED_OVER },
	[IMPORT_UNNAMED] = { "not named by the DICOMDIR", IMPORT_PASSED_OVER },
	[IMPORT_LINK] = { "link to a folder", IMPORT_PASSED_OVER },
	[IMPORT_SPECIAL] = { "no ordinary file", IMPORT_PASSED_OVER },
	[IMPORT_NESTED] = { "archive in an archive", IMPORT_PASSED_OVER },
	[IMPORT_ENCRYPTED] = { "encrypted", IMPORT_ODD },
	[IMPORT_BOMB] = { "unpacks to too much", IMPORT_ODD },
	[IMPORT_MISSING] = { "named by the DICOMDIR, missing", IMPORT_ODD },
	[IMPORT_BAD_DIRECTORY] = { "damaged DICOMDIR", IMPORT_ODD },
	[IMPORT_UNREADABLE] = { "cannot be read", IMPORT_BAD },
	[IMPORT_FAILED] = { "failed", IMPORT_BAD },
};
_Static_assert(NELEM(outcomes) == IMPORT_OUTCOMES, "one name for each outcome");

const char *import_outcome_name(enum import_outcome o)
{
	return outcomes[o].name;
}

enum import_grade import_outcome_grade(enum import_outcome o)
{
	return outcomes[o].grade;
}

/* ---- what the threads share ---- */

bool import_is_stopping(void *arg)
{
	struct import *im = arg;
	pthread_mutex_lock(&im->mutex);
	bool is = im->is_stopping;
	pthread_mutex_unlock(&im->mutex);
	return is;
}

void import_stop(struct import *im, enum err e, const struct why *why)
{
	pthread_mutex_lock(&im->mutex);
	if (!im->err) {
		im->err = e;
		im->why = *why;
	}
	im->is_stopping = true;
	pthread_cond_broadcast(&im->has_task);
	pthread_cond_broadcast(&im->has_room);
	pthread_cond_broadcast(&im->ended);
	pthread_mutex_unlock(&im->mutex);
}

static void note(struct import *im, enum import_outcome o, const char *name, const char *why)
{
	uint64_t n = im->result.count[o]++;
	im->result.files++;
	if (n >= IMPORT_FIRST)
		return;
	struct import_first *f = &im->result.first[o][n];
	size_t len = strlen(name), cut = len >= sizeof(f->name) ? len - sizeof(f->name) + 1 : 0;
	snprintf(f->name, sizeof(f->name), "%s", name + cut);
	snprintf(f->why, sizeof(f->why), "%.159s", why ? why : "");
}

void import_note(struct import *im, enum import_outcome o, const char *name, const char *why)
{
	pthread_mutex_lock(&im->mutex);
	note(im, o, name, why);
	pthread_mutex_unlock(&im->mutex);
}

/* In the index, and its file there in its length: a file that was lost is repaired by importing it again. */
static bool is_kept(const struct import *im, const char *sop)
{
	struct index_instance known;
	struct stat st;
	return im->index && !index_get_by_uid(im->index, sop, &known, NULL) && !stat(object_path(im->conf->dir, known.oid).s, &st) && (uint64_t)st.st_size == known.size;
}

bool import_is_done(struct import *im, const struct import_key *key, const char *name)
{
	struct uid sop;
	pthread_mutex_lock(&im->mutex);
	char outcome = im->journal ? import_journal_find(im->journal, key, &sop) : 0;
	bool is_done = outcome == 'q' || (outcome && is_kept(im, sop.s));
	if (is_done) {
		note(im, outcome == 'q' ? IMPORT_QUARANTINED : outcome == 'c' ? IMPORT_CONFLICT : IMPORT_SAME, name, "as the import before this one found");
		im->result.from_journal++;
	}
	pthread_mutex_unlock(&im->mutex);
	return is_done;
}

void import_pace(struct import *im, size_t bytes)
{
	pthread_mutex_lock(&im->mutex);
	im->result.bytes += bytes;
	/* With a rate they wait for each other: the rate is of all together. */
	pace_wait(&im->pace, bytes);
	pthread_mutex_unlock(&im->mutex);
}

/* ---- the queue ---- */

void import_task_free(struct import_task *t)
{
	import_copy_fini(&t->copy);
	free(t->name);
	free(t->path);
	free(t);
}

void import_give(struct import *im, struct import_task *t)
{
	pthread_mutex_lock(&im->mutex);
	while (im->queued >= IMPORT_QUEUE && !im->is_stopping)
		pthread_cond_wait(&im->has_room, &im->mutex);
	bool is_taken = !im->is_stopping;
	if (is_taken) {
		STAILQ_INSERT_TAIL(&im->tasks, t, link);
		im->queued++;
		pthread_cond_signal(&im->has_task);
	}
	pthread_mutex_unlock(&im->mutex);
	if (!is_taken)
		import_task_free(t);
}

static struct import_task *next_task(struct import *im)
{
	struct import_task *t = NULL;
	pthread_mutex_lock(&im->mutex);
	while (STAILQ_EMPTY(&im->tasks) && !im->is_walked && !im->is_stopping)
		pthread_cond_wait(&im->has_task, &im->mutex);
	if (!im->is_stopping && (t = STAILQ_FIRST(&im->tasks))) {
		STAILQ_REMOVE_HEAD(&im->tasks, link);
		im->queued--;
		pthread_cond_signal(&im->has_room);
	}
	pthread_mutex_unlock(&im->mutex);
	return t;
}

/* ---- threads ---- */

static void thread_ends(struct import *im, bool is_walker)
{
	pthread_mutex_lock(&im->mutex);
	if (is_walker) {
		im->is_walked = true;
		pthread_cond_broadcast(&im->has_task);
	}
	im->running--;
	pthread_cond_broadcast(&im->ended);
	pthread_mutex_unlock(&im->mutex);
}

static void *taker(void *arg)
{
	struct import *im = arg;
	for (struct import_task *t; (t = next_task(im)); import_task_free(t))
		import_take(im, t);
	thread_ends(im, false);
	return NULL;
}

static void *walker(void *arg)
{
	struct import *im = arg;
	for (unsigned i = 0; i < im->o->path_count && !import_is_stopping(im); i++)
		import_walk(im, im->o->paths[i]);
	thread_ends(im, true);
	return NULL;
}

/* How many files there are, while the others work: for the progress alone. */
static void *counter(void *arg)
{
	struct import *im = arg;
	uint64_t n = 0;
	char **paths = calloc(im->o->path_count + 1, sizeof(*paths));
	for (unsigned i = 0; paths && i < im->o->path_count; i++)
		paths[i] = (char *)(uintptr_t)im->o->paths[i];   /* fts_open() changes none of them */
	FTS *walk = paths ? fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL) : NULL;
	bool is_whole = walk != NULL;
	for (const FTSENT *e; walk && (e = fts_read(walk)); ) {
		n += e->fts_info == FTS_F;
		if (import_is_stopping(im) && !(is_whole = false))
			break;
	}
	if (walk)
		fts_close(walk);
	free(paths);
	pthread_mutex_lock(&im->mutex);
	im->result.all = is_whole ? n : 0;
	pthread_mutex_unlock(&im->mutex);
	thread_ends(im, false);
	return NULL;
}

/* Until all have ended; tells how far it is meanwhile. */
static void watch(struct import *im)
{
	pthread_mutex_lock(&im->mutex);
	while (im->running) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += SHOW_MS * 1000000l;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&im->ended, &im->mutex, &until);
		struct import_result now = im->result;
		pthread_mutex_unlock(&im->mutex);
		if (im->o->on_progress && !im->o->on_progress(im->o->arg, &now)) {
			struct why why;
			fail(&why, ERR_CANCELLED, "stopped");
			import_stop(im, ERR_CANCELLED, &why);
		}
		pthread_mutex_lock(&im->mutex);
	}
	pthread_mutex_unlock(&im->mutex);
}

static enum err run_threads(struct import *im, struct why *why)
{
	pthread_t threads[IMPORT_THREADS_MAX + 2];
	unsigned n = (im->o->at_once < IMPORT_THREADS_MAX ? im->o->at_once : IMPORT_THREADS_MAX) + 2, started = 0;
	im->running = n;
	while (started < n && !pthread_create(&threads[started], NULL, started > 1 ? taker : started ? counter : walker, im))
		started++;
	if (started < n) {
		fail(why, ERR_NOMEM, "starting threads");
		import_stop(im, ERR_NOMEM, why);
		pthread_mutex_lock(&im->mutex);
		im->running -= n - started;
		pthread_mutex_unlock(&im->mutex);
	}
	watch(im);
	while (started)
		pthread_join(threads[--started], NULL);
	*why = im->why;
	return im->err;
}

/* ---- begin and end ---- */

/* The lock goes with the descriptor. */
static enum err take_lock(const struct conf *conf, int *fd, struct why *why)
{
	struct run_path path = run_path(conf->dir, "import.lock");
	*fd = open(path.s, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0)
		return fail_errno(why, ERR_IO, "opening %s", path.s);
	if (!flock(*fd, LOCK_EX | LOCK_NB))
		return ERR_OK;
	return errno == EWOULDBLOCK ? fail(why, ERR_BUSY, "another import works in %s: wait for its end (it holds %s)", conf->dir, path.s)
	                            : fail_errno(why, ERR_IO, "locking %s", path.s);
}

static enum err is_running(const struct conf *conf, struct why *why)
{
	enum err e = ctl_call(run_path(conf->dir, "storescp.sock").s, json_pack("{s:s}", "op", "ping"), PING_MS, NULL, why);
	return e == ERR_CLOSED ? fail(why, e, "the node in %s does not run, and only it can take images in; start it with: pacs -C %s serve", conf->dir, conf->dir) : e;
}

static enum err begin(struct import *im, int *lock_fd, struct why *why)
{
	enum err e = ERR_OK;
	if (!im->o->is_dry) {
		e = is_running(im->conf, why);
		if (!e)
			e = take_lock(im->conf, lock_fd, why);
		if (!e)
			import_spool_clean(im->conf->dir);
		if (!e)
			e = import_journal_open(im->conf->dir, &im->journal, why);
	}
	if (!e)
		e = index_reader_open(im->conf->dir, &im->index, why);
	return im->o->is_dry && e == ERR_NOT_FOUND ? ERR_OK : e;         /* a node that never ran has no image */
}

enum err import_run(const struct conf *conf, const struct import_options *o, struct import_result *out, struct why *why)
{
	struct import *im = calloc(1, sizeof(*im));
	int lock_fd = -1;
	*out = (struct import_result){ .files = 0 };
	if (!im)
		return fail(why, ERR_NOMEM, "no memory for an import");
	im->conf = conf;
	im->o = o;
	STAILQ_INIT(&im->tasks);
	pthread_mutex_init(&im->mutex, NULL);
	pthread_cond_init(&im->has_task, NULL);
	pthread_cond_init(&im->has_room, NULL);
	pthread_cond_init(&im->ended, NULL);
	pace_init(&im->pace, o->rate);
	enum err e = begin(im, &lock_fd, why);
	if (!e)
		e = run_threads(im, why);
	for (struct import_task *t; (t = STAILQ_FIRST(&im->tasks)); import_task_free(t))
		STAILQ_REMOVE_HEAD(&im->tasks, link);
	*out = im->result;
	import_journal_close(&im->journal);
	index_reader_close(&im->index);
	if (lock_fd >= 0)
		close(lock_fd);
	pthread_cond_destroy(&im->ended);
	pthread_cond_destroy(&im->has_room);
	pthread_cond_destroy(&im->has_task);
	pthread_mutex_destroy(&im->mutex);
	free(im);
	return e;
}
