#include "pacs/store/spool.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "pacs/base/bounds.h"
#include "pacs/base/clock.h"
#include "pacs/base/durable.h"
#include "pacs/base/fault.h"
#include "pacs/store/digest.h"

/* A file's life. Bytes collect in chunks; a job takes all that are queued to the pool and writes them; the
 * next job starts when it is back. A job starts as soon as a full chunk is queued, when the writer has to
 * pause, and at the end. A small object is therefore one job: open, write, sync, close.
 *
 *   OPEN --spool_finish--> FINISHING --job with is_last is back--> done(), freed
 *   OPEN --spool_discard--> DISCARDED --running job is back, then a job that unlinks--> freed
 *
 * While a job runs, the pool thread owns: fd, is_created, written, digest, batch, err, why. The loop owns the rest. */
enum state { OPEN, FINISHING, DISCARDED };

enum { FIRST_CHUNK = 64 << 10 };         /* most objects of a small kind fit; bigger ones lose little */
enum { KEPT_CHUNKS = 16 };               /* full-size chunks that wait for their next use */
enum { EARLY_WRITEBACK = 1 << 20 };      /* from this size on the disk is told to begin before the final sync */
static const uint64_t LOW_CHECK_NS = 1000000000;

struct chunk {
	struct chunk *next;
	size_t len, cap;
	uint8_t data[];
};

struct spool_file {
	LIST_ENTRY(spool_file) link;
	TAILQ_ENTRY(spool_file) paused_link;
	struct spool *spool;
	enum state state;
	bool is_running, is_paused, is_last, has_chunk;
	struct chunk *first, *last;              /* queued, oldest first */
	size_t queued, in_flight;                /* bytes in the queue, bytes with the job */
	size_t head_len;
	void (*on_room)(void *arg);
	void *arg;
	enum err sticky;                         /* as spool_write() saw it */
	struct why sticky_why;
	void (*done)(void *arg, const struct spool_done *d);
	void *done_arg;
	char path[64];                           /* relative to DIR */
	/* the job's */
	int fd;
	bool is_created;
	uint64_t written;
	struct digest *digest;
	struct chunk *batch;
	enum err err;
	struct why why;
};

struct spool {
	struct loop *loop;
	char *dir;                               /* owned */
	uint64_t reserve;
	uint64_t serial;
	size_t total;                            /* unwritten bytes of all files */
	unsigned files;
	bool is_closed;                          /* freed when the last file is */
	LIST_HEAD(, spool_file) all;
	TAILQ_HEAD(, spool_file) paused;
	struct chunk *spare;
	unsigned spares;
	bool is_low;                             /* as of checked_ns */
	bool is_checked;
	uint64_t checked_ns, since_check;        /* bytes taken since */
};

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
	for (struct chunk *c; (c = s->spare); ) {
		s->spare = c->next;
		free(c);
	}
	free(s->dir);
	free(s);
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

/* ---- chunks ---- */

static struct chunk *chunk_get(struct spool *s, bool is_first)
{
	struct chunk *c = s->spare;
	size_t cap = is_first ? FIRST_CHUNK : BOUND_SPOOL_CHUNK;
	if (!is_first && c) {
		s->spare = c->next;
		s->spares--;
	} else {
		c = fault_fails(FAULT_ALLOC) ? NULL : malloc(sizeof(*c) + cap);
		if (!c)
			return NULL;
		c->cap = cap;
	}
	c->next = NULL;
	c->len = 0;
	return c;
}

static void chunks_put(struct spool *s, struct chunk *c)
{
	while (c) {
		struct chunk *next = c->next;
		if (c->cap == BOUND_SPOOL_CHUNK && s->spares < KEPT_CHUNKS) {
			c->next = s->spare;
			s->spare = c;
			s->spares++;
		} else {
			free(c);
		}
		c = next;
	}
}

static enum err append(struct spool_file *f, struct bytes b)
{
	struct spool *s = f->spool;
	while (b.len) {
		struct chunk *c = f->last;
		if (!c || c->len == c->cap) {
			c = chunk_get(s, !f->has_chunk);
			if (!c)
				return ERR_NOMEM;
			f->has_chunk = true;
			if (f->last)
				f->last->next = c;
			else
				f->first = c;
			f->last = c;
		}
		size_t n = c->cap - c->len < b.len ? c->cap - c->len : b.len;
		memcpy(c->data + c->len, b.p, n);
		c->len += n;
		b = bytes_of(b.p + n, b.len - n);
		f->queued += n;
		s->total += n;
		s->since_check += n;
	}
	return ERR_OK;
}

/* ---- on the pool ---- */

static enum err job_open(struct spool_file *f, const char *path, struct why *why)
{
	f->fd = fault_fails(FAULT_OPEN) ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (f->fd < 0)
		return fail_errno(why, ERR_IO, "creating %s", f->path);
	f->is_created = true;
	crash_point("spool-open");
	return ERR_OK;
}

static enum err job_write(struct spool_file *f, struct chunk *c, struct why *why)
{
	enum err e = durable_pwrite(f->fd, c->data, c->len, (off_t)f->written, why);
	if (e)
		return e;
	crash_point("spool-write");
	size_t skip = f->written < f->head_len ? f->head_len - (size_t)f->written : 0;
	if (skip < c->len)
		digest_add(f->digest, bytes_of(c->data + skip, c->len - skip));
	/* Only a hint, so that the sync at the end finds little left to do; what it says is of no interest. */
	if (f->written + c->len > EARLY_WRITEBACK)
		(void)sync_file_range(f->fd, (off_t)f->written, (off_t)c->len, SYNC_FILE_RANGE_WRITE);
	f->written += c->len;
	return ERR_OK;
}

static void job_unlink(struct spool_file *f, const char *path)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	/* A file that cannot be removed now is removed at the next start. */
	if (f->is_created)
		(void)unlink(path);
	f->is_created = false;
}

static void job_run(void *arg)
{
	struct spool_file *f = arg;
	char path[PATH_MAX];
	enum err e = ERR_OK;
	snprintf(path, sizeof(path), "%s/%s", f->spool->dir, f->path);
	if (f->fd < 0)
		e = job_open(f, path, &f->why);
	for (struct chunk *c = f->batch; !e && c; c = c->next)
		e = job_write(f, c, &f->why);
	if (!e && f->is_last) {
		e = durable_sync(f->fd, f->path, &f->why);
		crash_point("spool-sync");
		close(f->fd);
		f->fd = -1;
	}
	if (e)
		job_unlink(f, path);
	f->err = e;
}

static void job_discard(void *arg)
{
	struct spool_file *f = arg;
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", f->spool->dir, f->path);
	job_unlink(f, path);
}

/* ---- on the loop ---- */

static void file_free(struct spool_file *f)
{
	struct spool *s = f->spool;
	if (f->is_paused)
		TAILQ_REMOVE(&s->paused, f, paused_link);
	LIST_REMOVE(f, link);
	s->total -= f->queued;
	chunks_put(s, f->first);
	digest_free(&f->digest);
	free(f);
	s->files--;
	spool_end(s);
}

static void file_failed(struct spool_file *f, enum err e, const char *text)
{
	if (!f->sticky)
		f->sticky = fail(&f->sticky_why, e, "%s", text);
}

static void answer(void *arg)
{
	struct spool_file *f = arg;
	struct spool_done d = { .err = f->sticky, .why = f->sticky_why, .size = f->written, .dataset_at = f->head_len };
	snprintf(d.path, sizeof(d.path), "%s", f->path);
	digest_hex(f->digest, d.digest);
	f->done(f->done_arg, &d);
	file_free(f);
}

/* No job runs any more. A file that failed on our side of the fence is removed before the answer; without
 * memory for that job it is done right here, late for once. */
static void finished(struct spool_file *f)
{
	if (f->sticky && f->is_created && loop_work(f->spool->loop, job_discard, answer, f) == ERR_OK)
		return;
	if (f->sticky && f->is_created)
		job_discard(f);
	answer(f);
}

static void discarded(void *arg)
{
	file_free(arg);
}

/* The same without an answer. */
static void remove_file(struct spool_file *f)
{
	if (f->is_created && loop_work(f->spool->loop, job_discard, discarded, f) == ERR_OK)
		return;
	job_discard(f);
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

static void job_start(struct spool_file *f);

static void job_back(void *arg)
{
	struct spool_file *f = arg;
	struct spool *s = f->spool;
	f->is_running = false;
	chunks_put(s, f->batch);
	f->batch = NULL;
	s->total -= f->in_flight;
	f->in_flight = 0;
	if (f->err)
		file_failed(f, f->err, f->why.text);
	s->files++;                      /* holds the spool while the callbacks below free files */
	if (f->state == DISCARDED)
		remove_file(f);
	else if (f->state == FINISHING && (f->is_last || f->sticky))
		finished(f);
	else if (f->state == FINISHING || f->queued >= BOUND_SPOOL_CHUNK || (f->is_paused && f->queued))
		job_start(f);
	resume_paused(s);
	s->files--;
	spool_end(s);
}

/* Takes everything queued. A failure to start it is the file's failure. */
static void job_start(struct spool_file *f)
{
	if (f->is_running || f->sticky)
		return;
	f->batch = f->first;
	f->in_flight = f->queued;
	f->first = f->last = NULL;
	f->queued = 0;
	f->is_last = f->state == FINISHING;
	f->is_running = true;
	if (loop_work(f->spool->loop, job_run, job_back, f) == ERR_OK)
		return;
	f->is_running = f->is_last = false;
	chunks_put(f->spool, f->batch);
	f->batch = NULL;
	f->spool->total -= f->in_flight;
	f->in_flight = 0;
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

enum err spool_begin(struct spool *s, struct bytes head, void (*on_room)(void *arg), void *arg, struct spool_file **out, struct why *why)
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
	f->fd = -1;
	f->head_len = head.len;
	f->on_room = on_room;
	f->arg = arg;
	snprintf(f->path, sizeof(f->path), "spool/in-%08llx", (unsigned long long)++s->serial);
	s->files++;
	LIST_INSERT_HEAD(&s->all, f, link);
	if (append(f, head)) {
		file_free(f);
		return fail(why, ERR_NOMEM, "no memory for a spool file");
	}
	*out = f;
	return ERR_OK;
}

enum err spool_write(struct spool_file *f, struct bytes piece, struct why *why)
{
	assert(f->state == OPEN);
	if (!f->sticky && append(f, piece))
		file_failed(f, ERR_NOMEM, "no memory for received bytes");
	bool pause = over(f, BOUND_SPOOL_DIRTY, BOUND_SPOOL_TOTAL);
	if (f->queued >= BOUND_SPOOL_CHUNK || (pause && f->queued))
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

void spool_finish(struct spool_file **file, void (*done)(void *arg, const struct spool_done *d), void *arg)
{
	struct spool_file *f = *file;
	*file = NULL;
	f->state = FINISHING;
	f->done = done;
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
