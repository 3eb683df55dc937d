#include "pacs/store/spool_private.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pacs/base/clock.h"
#include "pacs/base/fault.h"

static const uint64_t LOW_CHECK_NS = 1000000000;

/* ---- the room ---- */

static enum err empty_spool(const char *dir, struct why *why)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/spool", dir);
	DIR *d = n < 0 || (size_t)n >= sizeof(path) ? NULL : opendir(path);
	if (!d)
		return fail_errno(why, ERR_IO, "opening %s/spool", dir);
	enum err e = ERR_OK;
	for (struct dirent *de; !e && (de = readdir(d)); )
		if (de->d_type != DT_DIR && unlinkat(dirfd(d), de->d_name, 0) && errno != ENOENT)
			e = fail_errno(why, ERR_IO, "removing spool/%s", de->d_name);
	closedir(d);
	return e;
}

enum err spool_open(struct loop *l, const char *dir, uint64_t reserve_bytes, struct spool **out, struct why *why)
{
	*out = NULL;
	enum err e = empty_spool(dir, why);
	if (e)
		return e;
	struct spool *s = fault_fails(FAULT_ALLOC) ? NULL : calloc(1, sizeof(*s));
	if (!s || !(s->dir = strdup(dir))) {
		free(s);
		return fail(why, ERR_NOMEM, "no memory for the spool");
	}
	s->loop = l;
	s->reserve = reserve_bytes;
	pthread_mutex_init(&s->lock, NULL);
	LIST_INIT(&s->all);
	TAILQ_INIT(&s->paused);
	*out = s;
	return ERR_OK;
}

void spool_set_reserve(struct spool *s, uint64_t reserve_bytes)
{
	s->reserve = reserve_bytes;
	s->is_checked = false;
}

static void spool_end(struct spool *s)
{
	if (!s->is_closed || s->files)
		return;
	spool_ready_drop(s);
	spool_chunks_trim(s, true);
	pthread_mutex_destroy(&s->lock);
	free(s->dir);
	free(s);
}

void spool_release(struct spool *s)
{
	s->files--;
	spool_end(s);
}

void spool_close(struct spool **s)
{
	if (!*s)
		return;
	struct spool *mine = *s;
	*s = NULL;
	mine->is_closed = true;
	spool_end(mine);
}

/* statvfs reads counters that the kernel has at hand; it does not wait for the disk. */
bool spool_is_low(struct spool *s)
{
	uint64_t now = clock_mono_ns();
	if (s->is_checked && now - s->checked_ns < LOW_CHECK_NS && s->since_check < BOUND_SPOOL_TOTAL)
		return s->is_low;
	struct statvfs v;
	if (!statvfs(s->dir, &v))
		s->is_low = (uint64_t)v.f_bavail * v.f_frsize < s->reserve;
	s->is_checked = true;
	s->checked_ns = now;
	s->since_check = 0;
	return s->is_low;
}

/* ---- on the loop ---- */

static void file_free(struct spool_file *f)
{
	struct spool *s = f->spool;
	if (f->is_paused)
		TAILQ_REMOVE(&s->paused, f, paused_link);
	LIST_REMOVE(f, link);
	s->total -= f->queued;
	spool_chunks_put(s, f->first);
	digest_free(&f->digest);
	free(f);
	if (!--s->files)
		spool_chunks_trim(s, false);
	spool_end(s);
}

static void file_failed(struct spool_file *f, enum err e, const char *text)
{
	if (!f->sticky)
		f->sticky = fail(&f->sticky_why, e, "%s", text);
}

struct spool_done spool_done_of(const struct spool_file *f, enum err e, const struct why *why)
{
	struct spool_done d = { .err = e, .fd = -1, .size = f->written, .dataset_at = f->head_len };
	if (e)
		d.why = *why;
	snprintf(d.path, sizeof(d.path), "%s", f->path);
	digest_hex(f->digest, d.digest);
	return d;
}

static void answer(void *arg)
{
	struct spool_file *f = arg;
	struct spool_done d = spool_done_of(f, f->sticky, &f->sticky_why);
	f->failed(f->done_arg, &d);
	file_free(f);
}

/* No job runs any more. A file that failed on our side of the fence is removed before the answer; without
 * memory for that job it is done right here, late for once. */
static void finished(struct spool_file *f)
{
	if (f->is_given) {
		file_free(f);
		return;
	}
	if (f->sticky && f->is_created && loop_work(f->spool->loop, spool_work_unlink, answer, f) == ERR_OK)
		return;
	if (f->sticky && f->is_created)
		spool_work_unlink(f);
	answer(f);
}

static void discarded(void *arg)
{
	file_free(arg);
}

/* The same without an answer. */
static void remove_file(struct spool_file *f)
{
	if (f->is_created && loop_work(f->spool->loop, spool_work_unlink, discarded, f) == ERR_OK)
		return;
	spool_work_unlink(f);
	file_free(f);
}

static bool over(const struct spool_file *f, size_t per_file, size_t together)
{
	return f->queued + f->in_flight > per_file || f->spool->total > together;
}

/* Room has come: those that wait go on, in the order they stopped. on_room may write, pause and free files at
 * once, so the list is looked at anew each time; the count keeps one that pauses again from being asked twice. */
static void resume_paused(struct spool *s)
{
	unsigned waiting = 0;
	struct spool_file *f;
	TAILQ_FOREACH(f, &s->paused, paused_link)
		waiting++;
	while (waiting-- && (f = TAILQ_FIRST(&s->paused))) {
		TAILQ_REMOVE(&s->paused, f, paused_link);
		if (!f->sticky && over(f, BOUND_SPOOL_DIRTY / 2, BOUND_SPOOL_TOTAL / 2)) {
			TAILQ_INSERT_TAIL(&s->paused, f, paused_link);
			continue;
		}
		f->is_paused = false;
		f->on_room(f->arg);
	}
}

/* Bytes in full chunks. */
static size_t ready(const struct spool_file *f)
{
	return f->last && f->last->len < f->last->cap ? f->queued - f->last->len : f->queued;
}

static void job_start(struct spool_file *f);

/* All its chunks are spare again; a job that failed has not taken all of them. */
static void clear_job(struct spool_file *f)
{
	struct spool *s = f->spool;
	spool_chunks_put(s, f->batch);
	spool_chunks_put(s, f->spent);
	spool_chunks_put(s, f->over.first);
	f->batch = f->spent = f->over.first = f->over.last = NULL;
	f->over.is_last = f->over.is_shut = false;
	s->total -= f->in_flight;
	f->in_flight = 0;
}

static void job_back(void *arg)
{
	struct spool_file *f = arg;
	struct spool *s = f->spool;
	f->is_running = false;
	clear_job(f);
	if (f->err)
		file_failed(f, f->err, f->why.text);
	s->files++;                      /* holds the spool while the callbacks below free files */
	if (f->state == DISCARDED)
		remove_file(f);
	else if (f->state == FINISHING && (f->is_last || f->sticky))
		finished(f);
	else if (f->state == FINISHING || ready(f) >= BOUND_SPOOL_CHUNK || (f->is_paused && f->queued))
		job_start(f);
	resume_paused(s);
	spool_release(s);
}

/* A chunk that is being filled stays until it is full, so that the next write begins where a disk likes it; unless there
 * is nothing else, or no more comes. */
static bool takes_all(const struct spool_file *f)
{
	return f->state == FINISHING || !ready(f) || ready(f) == f->queued;
}

/* The queue's chunks go with a job, all of them or the full ones. */
static struct spool_chunk *take_batch(struct spool_file *f)
{
	struct spool_chunk *c = f->first, *batch = f->first;
	bool all = takes_all(f);
	size_t bytes = all ? f->queued : ready(f);
	f->in_flight += bytes;
	f->first = all ? NULL : f->last;
	f->last = f->first;
	f->queued -= bytes;
	for (; !all && c->next != f->first; c = c->next)
		;
	if (!all)
		c->next = NULL;
	return batch;
}

static struct spool_chunk *end_of(struct spool_chunk *c)
{
	while (c && c->next)
		c = c->next;
	return c;
}

/* Where the job takes no more, it will be back in a moment and what is queued starts the next. Chunks are spare again when their job is
 * back, so one is not kept going for ever. */
static void hand_over(struct spool_file *f)
{
	bool is_last = f->state == FINISHING;
	if (!is_last && (!ready(f) || f->in_flight + ready(f) > BOUND_SYNC_TOGETHER))
		return;
	pthread_mutex_lock(&f->spool->lock);
	if (!f->over.is_shut) {
		struct spool_chunk *batch = take_batch(f);
		if (f->over.last)
			f->over.last->next = batch;
		else
			f->over.first = batch;
		f->over.last = batch ? end_of(batch) : f->over.last;
		f->over.is_last = is_last;
	}
	pthread_mutex_unlock(&f->spool->lock);
}

/* A failure to start it is the file's failure. */
static void job_start(struct spool_file *f)
{
	if (f->is_running && !f->sticky)
		hand_over(f);
	if (f->is_running || f->sticky)
		return;
	f->batch = take_batch(f);
	f->is_last = f->state == FINISHING;
	f->is_running = true;
	if (loop_work(f->spool->loop, spool_work_write, job_back, f) == ERR_OK)
		return;
	f->is_running = f->is_last = false;
	clear_job(f);
	file_failed(f, ERR_NOMEM, "no memory for a job of the file pool");
}

/* All the room is taken: half-filled chunks are written too. Else many files of slow senders could hold it
 * for as long as they like. */
static void write_everything(struct spool *s)
{
	struct spool_file *f;
	LIST_FOREACH(f, &s->all, link)
		if (f->queued && f->state == OPEN)
			job_start(f);
}

enum err spool_begin(struct spool *s, struct bytes head, size_t digest_at, bool is_quiet, void (*on_room)(void *arg), void *arg, struct spool_file **out, struct why *why)
{
	*out = NULL;
	if (spool_is_low(s))
		return fail(why, ERR_FULL, "less than the reserve of %llu MB is free", (unsigned long long)(s->reserve >> 20));
	struct spool_file *f = fault_fails(FAULT_ALLOC) ? NULL : calloc(1, sizeof(*f));
	if (!f || !(f->digest = digest_new())) {
		free(f);
		return fail(why, ERR_NOMEM, "no memory for a spool file");
	}
	f->spool = s;
	f->head_len = head.len;
	f->digest_at = digest_at;
	f->is_quiet = is_quiet;
	f->on_room = on_room;
	f->arg = arg;
	struct spool_ready ready;
	f->is_created = spool_ready_take(s, &ready);
	f->fd = f->is_created ? ready.fd : -1;
	spool_name(f->path, f->is_created ? ready.serial : ++s->serial);
	s->files++;
	LIST_INSERT_HEAD(&s->all, f, link);
	if (spool_append(f, head)) {
		remove_file(f);
		return fail(why, ERR_NOMEM, "no memory for a spool file");
	}
	*out = f;
	return ERR_OK;
}

enum err spool_write(struct spool_file *f, struct bytes piece, struct why *why)
{
	assert(f->state == OPEN);
	if (!f->sticky && spool_append(f, piece))
		file_failed(f, ERR_NOMEM, "no memory for received bytes");
	bool pause = over(f, BOUND_SPOOL_DIRTY, BOUND_SPOOL_TOTAL);
	if (ready(f) >= BOUND_SPOOL_CHUNK || (pause && f->queued))
		job_start(f);
	if (f->spool->total > BOUND_SPOOL_TOTAL)
		write_everything(f->spool);
	if (f->sticky)
		return fail(why, f->sticky, "%s", f->sticky_why.text);
	if (!pause || f->is_paused)
		return pause ? ERR_BUSY : ERR_OK;
	f->is_paused = true;
	TAILQ_INSERT_TAIL(&f->spool->paused, f, paused_link);
	return ERR_BUSY;
}

void spool_finish(struct spool_file **file, void (*written)(void *arg, const struct spool_done *d),
                  void (*failed)(void *arg, const struct spool_done *d), void *arg)
{
	struct spool_file *f = *file;
	*file = NULL;
	f->state = FINISHING;
	f->give = written;
	f->failed = failed;
	f->done_arg = arg;
	if (f->is_paused)
		TAILQ_REMOVE(&f->spool->paused, f, paused_link);
	f->is_paused = false;
	job_start(f);
	if (!f->is_running)      /* it had failed before; its file is gone already or was never made */
		finished(f);
}

void spool_discard(struct spool_file **file)
{
	struct spool_file *f = *file;
	if (!f)
		return;
	*file = NULL;
	f->state = DISCARDED;
	if (f->is_paused)
		TAILQ_REMOVE(&f->spool->paused, f, paused_link);
	f->is_paused = false;
	if (!f->is_running)
		remove_file(f);
}
