#include "pacs/store/spool_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pacs/base/durable.h"
#include "pacs/base/fault.h"

/* Large objects are written past the page cache, which saves a copy, and memory: fresh pages cost more than the disk where
 * the machine is a guest. (A DR is read once more, to be compressed or sent.) It begins when a full chunk is there and goes on as
 * long as the file's end is aligned; the last bytes, and everything where O_DIRECT is not known, go through the cache. While few
 * files are on their way it begins later, when the file grows beyond what may be synced together with others: a smaller file's
 * disk writes then overlap with the writing of its rows. With many there is something else to do meanwhile. */
enum { EARLY_WRITEBACK = 256 << 10 };    /* in the cache: from this size on the disk is told to begin before the final sync */
enum { PIECES = 16 };                    /* chunks in one write */

static enum err job_open(struct spool_file *f, const char *path, struct why *why)
{
	f->fd = fault_fails(FAULT_OPEN) ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (f->fd < 0)
		return fail_errno(why, ERR_IO, "creating %s", f->path);
	f->is_created = true;
	crash_point("spool-open");
	return ERR_OK;
}

static void set_direct(struct spool_file *f, bool on)
{
	int flags = fcntl(f->fd, F_GETFL);
	f->was_tried = true;
	f->is_direct = flags >= 0 && !fcntl(f->fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) && on;
}

/* Through the page cache. */
static enum err write_cached(struct spool_file *f, const uint8_t *p, size_t len, struct why *why)
{
	if (f->is_direct)
		set_direct(f, false);
	enum err e = durable_pwrite(f->fd, p, len, (off_t)f->written, why);
	if (e)
		return e;
	uint64_t from = f->written > EARLY_WRITEBACK ? f->written : SPOOL_ALIGN;
	f->written += len;
	/* Only a hint, so that the sync at the end finds little left to do; what it says is of no interest. The first page waits, as the
	 * digest is still to come into it. */
	if (f->written > EARLY_WRITEBACK)
		(void)sync_file_range(f->fd, (off_t)from, (off_t)(f->written - from), SYNC_FILE_RANGE_WRITE);
	f->cached += len;
	return ERR_OK;
}

/* Where in the batch the next byte stands. */
struct place { struct spool_chunk *c; size_t off; };

/* What can go past the page cache from here on in one write; *at moves behind it. */
static int gather(struct place *at, struct iovec of[PIECES], size_t *len)
{
	int n = 0;
	for (*len = 0; at->c && n < PIECES; at->c = at->c->next, at->off = 0) {
		size_t left = at->c->len - at->off, whole = left - left % SPOOL_ALIGN;
		if (whole) {
			of[n++] = (struct iovec){ at->c->data + at->off, whole };
			*len += whole;
		}
		at->off += whole;
		if (whole < left)
			break;
	}
	return n;
}

/* ERR_MORE: not this way, nothing was written. */
static enum err write_direct(struct spool_file *f, struct place *at, struct why *why)
{
	struct iovec of[PIECES];
	struct place end = *at;
	size_t len;
	int n = gather(&end, of, &len);
	bool is_small = f->is_quiet ? f->written + len <= BOUND_SYNC_TOGETHER : len < BOUND_SPOOL_CHUNK;
	if (!n || f->written % SPOOL_ALIGN || (!f->is_direct && (f->was_tried || is_small)))
		return ERR_MORE;
	if (!f->is_direct)
		set_direct(f, true);
	if (!f->written) {
		f->has_page = true;
		memcpy(f->page, of[0].iov_base, SPOOL_ALIGN);
	}
	enum err e = f->is_direct ? durable_pwritev(f->fd, of, n, (off_t)f->written, why) : ERR_UNSUPPORTED;
	if (e)
		return e == ERR_UNSUPPORTED ? ERR_MORE : e;
	f->written += len;
	*at = end;
	return ERR_OK;
}

static void add_to_digest(struct spool_file *f, const struct spool_chunk *c, uint64_t at)
{
	size_t skip = at < f->head_len ? f->head_len - (size_t)at : 0;
	if (skip < c->len)
		digest_add(f->digest, bytes_of(c->data + skip, c->len - skip));
}

/* A small object is all here before anything of it is written, so its digest goes out with it. */
static void put_digest(struct spool_file *f)
{
	char hex[33];
	if (!f->is_last || f->written || !f->batch || !f->digest_at || f->digest_at + 32 > f->batch->len)
		return;
	digest_hex(f->digest, hex);
	memcpy(f->batch->data + f->digest_at, hex, 32);
	f->has_digest = true;
}

static enum err job_write(struct spool_file *f, struct why *why)
{
	uint64_t at = f->written;
	for (struct spool_chunk *c = f->batch; c; at += c->len, c = c->next)
		add_to_digest(f, c, at);
	put_digest(f);
	for (struct place p = { f->batch, 0 }; p.c; ) {
		enum err e = write_direct(f, &p, why);
		if (e == ERR_MORE) {
			e = write_cached(f, p.c->data + p.off, p.c->len - p.off, why);
			p = (struct place){ p.c->next, 0 };
		}
		if (e)
			return e;
		crash_point("spool-write");
	}
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

/* All is written: the file can say so itself. */
static enum err write_digest(struct spool_file *f, struct why *why)
{
	char hex[33];
	if (!f->digest_at || f->has_digest)
		return ERR_OK;
	digest_hex(f->digest, hex);
	if (f->is_direct)
		set_direct(f, false);
	/* A page that went past the cache is written whole: a part of it would have to be read first. */
	if (!f->has_page || f->digest_at + 32 > SPOOL_ALIGN)
		return durable_pwrite(f->fd, hex, 32, (off_t)f->digest_at, why);
	memcpy(f->page + f->digest_at, hex, 32);
	return durable_pwrite(f->fd, f->page, SPOOL_ALIGN, 0, why);
}

/* The file to its taker: synced here, or with its open descriptor when little is left to sync. With many on their way large ones are
 * synced here, whatever is left, each by its own thread: a round would wait for the slowest. */
static enum err job_give(struct spool_file *f, struct why *why)
{
	bool is_later = (f->is_quiet ? f->cached : f->written) <= BOUND_SYNC_TOGETHER;
	enum err e = write_digest(f, why);
	if (!e && !is_later)
		e = durable_sync(f->fd, f->path, why);
	if (e)
		return e;
	if (!is_later) {
		crash_point("spool-sync");
		close(f->fd);
	}
	/* The round then finds the bytes on their way, and on a journaling file system all its files in one transaction of that. (Most of a
	 * longer one has been told to the disk before.) */
	if (is_later && f->written <= EARLY_WRITEBACK)
		(void)sync_file_range(f->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	struct spool_done d = spool_done_of(f, ERR_OK, NULL);
	d.fd = is_later ? f->fd : -1;
	f->fd = -1;
	f->is_given = true;
	f->give(f->done_arg, &d);
	return ERR_OK;
}

/* What the loop has handed over since; false: nothing, and no more will be taken. */
static bool take_over(struct spool_file *f)
{
	pthread_mutex_lock(&f->spool->lock);
	bool has_more = f->over.first || f->over.is_last;
	f->over.is_shut = !has_more;
	if (has_more) {
		struct spool_chunk **end = &f->batch;
		while (*end)
			end = &(*end)->next;
		*end = f->spent;
		f->spent = f->batch;
		f->batch = f->over.first;
		f->is_last = f->over.is_last;
		f->over.first = f->over.last = NULL;
	}
	pthread_mutex_unlock(&f->spool->lock);
	return has_more;
}

static void shut(struct spool_file *f)
{
	pthread_mutex_lock(&f->spool->lock);
	f->over.is_shut = true;
	pthread_mutex_unlock(&f->spool->lock);
}

void spool_work_write(void *arg)
{
	struct spool_file *f = arg;
	char path[PATH_MAX];
	enum err e = ERR_OK;
	snprintf(path, sizeof(path), "%s/%s", f->spool->dir, f->path);
	if (f->fd < 0)
		e = job_open(f, path, &f->why);
	do
		e = e ? e : job_write(f, &f->why);
	while (!e && !f->is_last && take_over(f));
	if (e)
		shut(f);
	if (!e && f->is_last)
		e = job_give(f, &f->why);
	if (e)
		job_unlink(f, path);
	f->err = e;
}

void spool_work_unlink(void *arg)
{
	struct spool_file *f = arg;
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/%s", f->spool->dir, f->path);
	job_unlink(f, path);
}
